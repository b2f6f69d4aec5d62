"""References to what no template has, and resources that wait for each other."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource, TemplateFile, awaited, mapping
from portside.findings.templates.limits import attributes_of, type_names
from portside.findings.templates.rule import over, over_assembly, wrong

_IN_BRACES = re.compile(r"\$\{([^}!][^}]*)\}")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
_MOST = {"resources": 500, "outputs": 200}
_SIMILARITY = 0.9
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
_POLICIES: Mapping[str, tuple[str, ...]] = {
    "DeletionPolicy": ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot"),
    "UpdateReplacePolicy": ("Delete", "Retain", "Snapshot"),
}


@over_assembly
def forms(assembly: Assembly) -> Iterator[Finding]:
    """Resources and outputs that don't have the form of one."""
    for file in assembly.files:
        for key, each in mapping(file.template.get("Resources")).items():
            if str(key) not in file.resources and not str(key).startswith("Fn::"):
                yield wrong("FORM", _at(file, str(key)), "is no object with a Type")
            elif not isinstance(mapping(each).get("DependsOn", []), str | list):
                yield wrong("FORM", _at(file, str(key)), "DependsOn must be a name or a list of names")
        for key in mapping(file.template.get("Outputs")):
            if str(key) not in file.outputs and not str(key).startswith("Fn::"):
                yield wrong("FORM", _at(file, str(key)), "is an output without a Value")


def _written(assembly: Assembly) -> Iterator[tuple[TemplateFile, Resource, Mapping[str, Any]]]:
    """All resources as their templates have them: the template, the place to report on, and the resource."""
    for file in assembly.files:
        for key, resource in file.resources.items():
            yield file, _at(file, key), resource


def _at(file: TemplateFile, key: str) -> Resource:
    """A place in a template, to report on."""
    return Resource(file.stack, key, str(file.resources.get(key, {}).get("Type", "AWS::CloudFormation::Stack")), {})


@over_assembly
def unresolved(assembly: Assembly) -> Iterator[Finding]:
    """References to a missing resource, parameter or output."""
    for file in assembly.files:
        names = file.names
        # A macro may add resources.
        if "Transform" in file.template or any(key.startswith("Fn::ForEach") for key in names):
            continue
        for key, resource in file.resources.items():
            at = _at(file, key)
            for name in sorted({*_names(resource), *awaited(resource)} - names):
                yield wrong("REFERENCE", at, f"refers to {name}, which the template does not have")
            for stack, output in _outputs(resource):
                if stack in {each.stack for each in assembly.files} and output not in assembly.file(stack).outputs:
                    yield wrong("OUTPUT", at, f"reads the output {output} of {stack}, which it does not have")


def _names(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _names(each)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "Ref" and len(node) == 1 and isinstance(value, str):
            yield from [value] if not value.startswith("AWS::") else []
        elif key == "Fn::GetAtt" and len(node) == 1:
            yield from [name for name, _ in _attributes(node)]
        elif key == "Fn::Sub" and len(node) == 1:
            yield from _substituted(value)
        else:
            yield from _names(value)


def _substituted(value: Any) -> Iterator[str]:
    own = value[1] if isinstance(value, list) and len(value) == 2 and isinstance(value[1], Mapping) else {}
    text = value[0] if isinstance(value, list) and value else value
    yield from _names(own)
    for found in _IN_BRACES.findall(text) if isinstance(text, str) else ():
        name = found.strip().split(".")[0]
        if name not in own and not name.startswith("AWS::"):
            yield name


def _outputs(node: Any) -> Iterator[tuple[str, str]]:
    for value in _values_of("Fn::GetStackOutput", node):
        match value:
            case {"StackName": str(stack), "OutputName": str(output)}:
                yield stack, output


def _values_of(function: str, node: Any) -> Iterator[Any]:
    """The arguments of an intrinsic function, wherever it is in a template."""
    for value in node if isinstance(node, list) else ():
        yield from _values_of(function, value)
    for key, value in node.items() if isinstance(node, dict) else ():
        if key == function:
            yield value
        yield from _values_of(function, value)


@over_assembly
def attributes(assembly: Assembly) -> Iterator[Finding]:
    """`Fn::GetAtt` of an attribute that the type does not have."""
    for file, at, resource in _written(assembly):
        for name, attribute in dict.fromkeys(_attributes(resource)):
            kind = str(mapping(file.resources.get(name)).get("Type"))
            known = attributes_of(kind)
            # A nested attribute, such as Endpoint.Address, is known by its first part.
            if known is not None and attribute.split(".")[0] not in {each.split(".")[0] for each in known}:
                yield wrong("ATTRIBUTE", at, f"asks for {attribute} of {name}, which no {kind} has")


def _attributes(node: Any) -> Iterator[tuple[str, str]]:
    for value in _values_of("Fn::GetAtt", node):
        match value.split(".", 1) if isinstance(value, str) else value:
            case [str(name), str(attribute)]:
                yield name, attribute


@over()
def types(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Unknown types that are similar to an existing one."""
    names = type_names()
    is_unknown = resource.type.startswith("AWS::") and resource.type not in names
    for similar in difflib.get_close_matches(resource.type, names, 1, _SIMILARITY) if is_unknown else ():
        yield wrong("TYPE", resource, f"{resource.type} is no type of AWS; {similar} is")


@over_assembly
def policies(assembly: Assembly) -> Iterator[Finding]:
    """Policies on deletion and replacement that CloudFormation does not have."""
    for _, at, resource in _written(assembly):
        for name, accepted in _POLICIES.items():
            value = resource.get(name, "Delete")
            if isinstance(value, str) and value not in accepted:
                yield wrong("DELETION_POLICY", at, f"{name} must be {' or '.join(accepted)}, got {value}")


@over_assembly
def exports(assembly: Assembly) -> Iterator[Finding]:
    """Two exports of one name, and imports that miss the name of an export."""
    seen: dict[tuple[str, str, str], str] = {}
    for file in assembly.files:
        for output in file.outputs.values():
            name = mapping(output.get("Export")).get("Name")
            place = (str(name), file.account, file.region)
            if not isinstance(name, str) or "Condition" in output or not file.account:
                continue
            if place in seen:
                yield wrong("EXPORT", _at(file, ""), f"exports {name}, which {seen[place]} exports already")
            seen[place] = file.stack
    names = [name for name, _, _ in seen]
    for file in assembly.files:
        for name in sorted({*filter(_is_text, _values_of("Fn::ImportValue", file.template))} - set(names)):
            if similar := difflib.get_close_matches(name, names, 1, _SIMILARITY):
                yield wrong("EXPORT", _at(file, ""), f"imports {name}, which is not exported; {similar[0]} is")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


@over_assembly
def substitutions(assembly: Assembly) -> Iterator[Finding]:
    """Strings with a `${…}` outside Fn::Sub, and values that the CDK left unresolved."""
    for file, at, resource in _written(assembly):
        for text in _plain(resource.get("Properties")):
            found = [each for each in _IN_BRACES.findall(text) if each.split(".")[0] in file.names]
            found += [each for each in _IN_BRACES.findall(text) if each.startswith(("AWS::", "Token["))]
            if found:
                yield wrong("SUBSTITUTION", at, f"has ${{{found[0]}}} in a text that is not in Fn::Sub")


def _plain(node: Any) -> Iterator[str]:
    """The strings outside Fn::Sub, except scripts, which have shell variables."""
    if isinstance(node, str):
        yield node
    for value in node if isinstance(node, list) else ():
        yield from _plain(value)
    for key, value in node.items() if isinstance(node, dict) else ():
        if key not in ("Fn::Sub", "UserData", "Fn::Base64", "ZipFile"):
            yield from _plain(value)


@over_assembly
def circles(assembly: Assembly) -> Iterator[Finding]:
    """Resources of a template, and stacks, that wait for each other."""
    for file in assembly.files:
        resources = file.resources
        waits = {
            key: {name for name in (*_names(each), *awaited(each)) if name in resources}
            for key, each in resources.items()
        }
        if circle := _circle(waits):
            at = _at(file, circle[0])
            yield wrong("CIRCLE", at, f"waits for itself: {' -> '.join([*circle, circle[0]])}")
    stacks = {file.stack: {stack for stack, _ in _outputs(file.resources)} for file in assembly.files}
    if circle := _circle({stack: {each for each in of if each in stacks} for stack, of in stacks.items()}):
        at = _at(assembly.file(circle[0]), "")
        yield wrong("CIRCLE", at, f"the stacks read each other's outputs: {' -> '.join([*circle, circle[0]])}")


def _circle(waits: Mapping[str, set[str]]) -> list[str]:
    """The first cycle of a graph, or nothing. Nodes without dependencies are removed first."""
    left = {key: set(of) for key, of in waits.items()}
    while free := [key for key, of in left.items() if not of]:
        for key in free:
            del left[key]
        for of in left.values():
            of.difference_update(free)
    if not left:
        return []
    path: list[str] = [sorted(left)[0]]
    while (following := sorted(left[path[-1]])[0]) not in path:
        path.append(following)
    return path[path.index(following) :]


@over_assembly
def sizes(assembly: Assembly) -> Iterator[Finding]:
    """Templates over CloudFormation's limits."""
    for file in assembly.files:
        for noun, count in (("resources", len(file.resources)), ("outputs", len(file.outputs))):
            if count > _MOST[noun]:
                yield wrong("TEMPLATE_SIZE", _at(file, ""), f"has {count} {noun}, at most {_MOST[noun]} are accepted")
