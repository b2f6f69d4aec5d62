"""The cloud assembly of a synthesis: its stacks, their templates, and the references between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Reference:
    """A value that a stack reads from the outputs of another when it is created or updated."""

    stack: str
    output: str


@dataclass(frozen=True)
class Stack:
    """A synthesized stack."""

    name: str
    depends_on: tuple[str, ...]
    template_file: Path
    tags: Mapping[str, str] = field(default_factory=dict)
    is_protected: bool = False
    """Whether it has termination protection."""

    @cached_property
    def template(self) -> dict[str, Any]:
        """The CloudFormation template."""
        template: dict[str, Any] = json.loads(self.template_file.read_text())
        return template

    def resources(self, kind: str | None = None) -> dict[str, dict[str, Any]]:
        """The resources by logical ID, all or those of one CloudFormation type."""
        resources: dict[str, dict[str, Any]] = self.template.get("Resources", {})
        return {key: each for key, each in resources.items() if kind in (None, each["Type"])}

    @property
    def references(self) -> tuple[Reference, ...]:
        """The outputs of other stacks that the resources read, each once."""
        return tuple(dict.fromkeys(_references(self.template.get("Resources", {}))))


def read_assembly(directory: Path) -> tuple[Stack, ...]:
    """The stacks of an assembly, those that others depend on first."""
    artifacts: dict[str, Any] = json.loads((directory / "manifest.json").read_text())["artifacts"]
    stacks = {key: artifact for key, artifact in artifacts.items() if artifact["type"] == "aws:cloudformation:stack"}
    names = {key: artifact.get("properties", {}).get("stackName", key) for key, artifact in stacks.items()}
    found = [
        Stack(
            names[key],
            tuple(names[each] for each in artifact.get("dependencies", ()) if each in names),
            directory / artifact["properties"]["templateFile"],
            artifact["properties"].get("tags", {}),
            artifact["properties"].get("terminationProtection", False),
        )
        for key, artifact in stacks.items()
    ]
    return tuple(_in_order(found))


def _in_order(stacks: Sequence[Stack]) -> Iterator[Stack]:
    placed: set[str] = set()
    waiting = list(stacks)
    while waiting:
        ready = [stack for stack in waiting if placed.issuperset(stack.depends_on)]
        assert ready, "the CDK refuses stacks that depend on each other in a circle"
        yield from ready
        placed.update(stack.name for stack in ready)
        waiting = [stack for stack in waiting if stack not in ready]


def _references(node: object) -> Iterator[Reference]:
    if isinstance(node, Mapping):
        read = node.get("Fn::GetStackOutput")
        if isinstance(read, Mapping):
            yield Reference(str(read["StackName"]), str(read["OutputName"]))
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
