"""Single properties against what AWS accepts: its schemas, and the limits that it documents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.documented_limits import documented_limits
from portside.findings.templates.rule import over, wrong
from portside.findings.templates.schema import problems
from portside.findings.templates.task_definition import runs_on_fargate
from portside.findings.templates.values import is_open

# Attributes that every resource may have and that are not in the schema.
_OF_CLOUDFORMATION = "Fn::Transform"


@over()
def refused_values(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Values, names and combinations that a resource's schema refuses."""
    schema = _schemas().get(resource.type)
    properties = {key: value for key, value in resource.properties.items() if key != _OF_CLOUDFORMATION}
    for each in problems(schema, properties) if schema else ():
        yield wrong("VALUE", resource, each.what, at=each.path, source=_page_of(resource.type))


def _page_of(kind: str) -> str:
    _, service, name = kind.lower().split("::")
    return f"https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-{service}-{name}.html"


@over()
def undocumented_values(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Values outside what AWS documents of a property."""
    for limit in documented_limits().get(resource.type, ()):
        if limit.fargate and not runs_on_fargate(assembly, resource):
            continue
        for path, value in limit.values(resource.properties):
            if not is_open(value) and (sentence := limit.refusal(value)):
                yield wrong("LIMIT", resource, sentence, at=path, source=limit.url)


# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
_MOST_TAGS = 50


@over()
def tags(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Tags that AWS refuses whatever they are on."""
    found = resource.properties.get("Tags")
    keys = [each.get("Key") for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    known = [key for key in keys if isinstance(key, str)]
    if len(known) > _MOST_TAGS:
        yield wrong("TAGS", resource, f"at most {_MOST_TAGS} tags are accepted, has {len(known)}", at="Tags")
    for key in dict.fromkeys(known):
        if known.count(key) > 1:
            yield wrong("TAGS", resource, f"the tag {key} is there twice", at="Tags")
        if key.lower().startswith("aws:"):
            yield wrong("TAGS", resource, f"tags that begin with aws: are AWS's own, got {key}", at="Tags")


def attributes_of(kind: str) -> frozenset[str] | None:
    """The attributes of a type for `Fn::GetAtt`; None if unknown."""
    schema = _schemas().get(kind)
    return frozenset([*schema.get("readOnlyProperties", ()), *schema.get("properties", ())]) if schema else None


def type_names() -> list[str]:
    """All types of AWS."""
    found: list[str] = _table()["names"]
    return found


def _schemas() -> Mapping[str, Any]:
    found: Mapping[str, Any] = _table()["types"]
    return found


@cache
def _table() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((files(__package__) / "limits.json").read_text(encoding="utf-8"))
    return found
