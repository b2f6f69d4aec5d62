"""The templates of an assembly as one graph: each resource with its properties resolved across stacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from portside.findings.templates.intrinsics import Scope, resolve
from portside.findings.templates.values import Handle, Unknown

_PARTITIONS = {"cn": "aws-cn", "us-gov": "aws-us-gov"}


@dataclass(frozen=True)
class TemplateFile:
    """The template of a stack, and its account and region, if known."""

    stack: str
    template: Mapping[str, Any]
    account: str = ""
    region: str = ""
    is_named: bool = True
    """Whether `name` is the stack's, rather than the file's."""

    @cached_property
    def resources(self) -> dict[str, Mapping[str, Any]]:
        """The resources that have the form of one, by logical ID."""
        found = mapping(self.template.get("Resources"))
        return {str(key): each for key, each in found.items() if isinstance(mapping(each).get("Type"), str)}

    @cached_property
    def outputs(self) -> dict[str, Mapping[str, Any]]:
        """The outputs that have the form of one, by name."""
        found = mapping(self.template.get("Outputs"))
        return {str(key): each for key, each in found.items() if "Value" in mapping(each)}

    @property
    def names(self) -> set[str]:
        """The resources and parameters, which can be referred to."""
        return {
            *map(str, mapping(self.template.get("Resources"))),
            *map(str, mapping(self.template.get("Parameters"))),
        }

    @property
    def pseudo(self) -> dict[str, str]:
        """The pseudo parameters that are known."""
        partition = next((name for key, name in _PARTITIONS.items() if self.region.startswith(f"{key}-")), "aws")
        found = {"AWS::AccountId": self.account, "AWS::Region": self.region, "AWS::URLSuffix": "amazonaws.com"}
        found |= {"AWS::Partition": partition} if self.region else {}
        found |= {"AWS::StackName": self.stack} if self.is_named else {}
        return {key: value for key, value in found.items() if value}


@dataclass(frozen=True)
class Resource:
    """A resource of a template, its properties resolved."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    is_conditional: bool = False
    """Whether a condition of the template decides if it is made."""

    @property
    def name(self) -> str:
        return f"{self.stack} {self.logical_id}"

    def get(self, *path: str) -> Any:
        """A property by its path; None if it is missing, `Unknown` if part of the path is unknown."""
        node: Any = self.properties
        for key in path:
            if isinstance(node, Unknown):
                return node
            node = node.get(key) if isinstance(node, Mapping) else None
        return node

    def is_of(self, value: Any) -> bool:
        """Whether a value is this resource or one of its attributes."""
        return isinstance(value, Handle) and (value.stack, value.logical_id) == (self.stack, self.logical_id)


@dataclass(frozen=True)
class Assembly:
    """The templates that would be deployed together."""

    files: Sequence[TemplateFile]
    _outputs: dict[tuple[str, str], Any] = field(default_factory=dict)

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """All resources, in the order of the templates."""
        return tuple(each for file in self.files for each in self._resources_of(file))

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """The resources of some types, which are written without `AWS::`."""
        return tuple(each for name in types for each in self._by_type.get(f"AWS::{name}", ()))

    def resource(self, value: Any, *types: str) -> Resource | None:
        """The resource that a value is, where it is one of the assembly and of one of these types."""
        if not isinstance(value, Handle):
            return None
        found = self._by_handle.get((value.stack, value.logical_id))
        return found if found is not None and (not types or found.type.removeprefix("AWS::") in types) else None

    def file(self, stack: str) -> TemplateFile:
        return self._by_stack[stack]

    def exports(self, name: str, depth: int = 0) -> Any:
        """The value of an export; None where no template has it."""
        for file in self.files:
            for key, output in file.outputs.items():
                export = mapping(output.get("Export")).get("Name")
                if export is not None and resolve(export, self._scope(file), depth) == name:
                    return self.output(file.stack, key, depth)
        return None

    def output(self, stack: str, name: str, depth: int = 0) -> Any:
        """The value of a stack's output; None if it does not exist."""
        file = self._by_stack.get(stack)
        if file is None:
            return None
        if (stack, name) not in self._outputs:
            output = file.outputs.get(name)
            found = resolve(output["Value"], self._scope(file), depth) if output is not None else None
            self._outputs[stack, name] = found
        return self._outputs[stack, name]

    def _scope(self, file: TemplateFile) -> Scope:
        return Scope(
            stack=file.stack,
            resources=file.resources,
            mappings=mapping(file.template.get("Mappings")),
            pseudo=file.pseudo,
            output_of=self.output,
            exported=self.exports,
        )

    def _resources_of(self, file: TemplateFile) -> Iterator[Resource]:
        scope = self._scope(file)
        for key, each in file.resources.items():
            properties = resolve(each.get("Properties") or {}, scope)
            yield Resource(
                stack=file.stack,
                logical_id=key,
                type=each["Type"],
                properties=properties if isinstance(properties, dict) else {},
                depends_on=tuple(awaited(each)),
                is_conditional="Condition" in each,
            )

    @cached_property
    def _by_stack(self) -> dict[str, TemplateFile]:
        return {file.stack: file for file in self.files}

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for each in self.resources:
            found.setdefault(each.type, []).append(each)
        return found

    @cached_property
    def _by_handle(self) -> dict[tuple[str, str], Resource]:
        return {(each.stack, each.logical_id): each for each in self.resources}


def assembly_of(templates: Mapping[str, Mapping[str, Any]], account: str = "", region: str = "") -> Assembly:
    """An assembly of templates by stack name, all for one account and region."""
    return Assembly([TemplateFile(name, template, account, region) for name, template in templates.items()])


def awaited(resource: Mapping[str, Any]) -> list[str]:
    """The logical IDs in `DependsOn`."""
    found = resource.get("DependsOn")
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, str)]


def mapping(value: Any) -> Mapping[str, Any]:
    """A value that should be a mapping; an empty one if it is not."""
    return value if isinstance(value, Mapping) else {}
