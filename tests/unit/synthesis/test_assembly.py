"""Reading what a synthesis leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from portside.synthesis.assembly import Reference, read_assembly
from tests.unit.operations_support import reads, resource


def _write(folder: Path, stacks: dict[str, list[str]]) -> None:
    artifacts: dict[str, Any] = {"Tree": {"type": "cdk:tree"}}
    for name, depends_on in stacks.items():
        file = f"{name}.template.json"
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "dependencies": [*depends_on, f"{name}.assets"],
            "properties": {"templateFile": file},
        }
        artifacts[f"{name}.assets"] = {"type": "cdk:asset-manifest"}
        (folder / file).write_text(json.dumps({"Resources": {"Of": resource(Name=name)}}))
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))


def test_stacks_come_after_those_that_they_depend_on(tmp_path: Path) -> None:
    _write(tmp_path, {"apex": ["app", "api"], "app": ["api"], "api": ["network"], "network": []})
    assert [stack.name for stack in read_assembly(tmp_path)] == ["network", "api", "app", "apex"]


def test_only_stacks_count_as_dependencies(tmp_path: Path) -> None:
    _write(tmp_path, {"api": ["network"], "network": []})
    assert {stack.name: stack.depends_on for stack in read_assembly(tmp_path)} == {"network": (), "api": ("network",)}


def test_a_template_is_read_with_its_stack(tmp_path: Path) -> None:
    _write(tmp_path, {"network": []})
    (network,) = read_assembly(tmp_path)
    assert network.resources("AWS::SNS::Topic")["Of"]["Properties"] == {"Name": "network"}
    assert network.resources("AWS::SQS::Queue") == {}


def test_references_are_found_however_deep_they_stand_and_named_once(tmp_path: Path) -> None:
    _write(tmp_path, {"api": []})
    nested = {"Fn::Join": ["", ["x", {"a": [reads("network", "Vpc")]}]]}
    template = {"Resources": {"A": resource(One=nested, Two=reads("network", "Vpc"), Three=reads("docdb", "Host"))}}
    (tmp_path / "api.template.json").write_text(json.dumps(template))
    (api,) = read_assembly(tmp_path)
    assert api.references == (Reference("network", "Vpc"), Reference("docdb", "Host"))
