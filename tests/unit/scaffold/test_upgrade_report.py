"""The changes of a newer version, the gravest first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from portside.scaffold.upgrade_report import report

CLUSTER = {"Type": "AWS::RDS::DBCluster", "Properties": {"Engine": "aurora-postgresql"}}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {}}


def _assessed(folder: Path, resources: dict[str, Any], **values: Any) -> dict[str, Any]:
    folder.mkdir()
    (folder / "database.json").write_text(json.dumps({"Resources": resources}))
    properties = {"templateFile": "database.json", "stackName": "harbour-dev-database"}
    artifacts = {"database": {"type": "aws:cloudformation:stack", "properties": properties}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    environment = {"assembly": str(folder), "dollars": 100.0, "findings": ["a: old"], **values}
    return {"refused": "", "environments": {"dev": environment}}


def test_no_change_is_one_line(tmp_path: Path) -> None:
    before, after = (_assessed(tmp_path / name, {"Topic": TOPIC}) for name in ("before", "after"))
    assert list(report(before, after)) == ["dev: 0 of 1 stacks change; $100.00 a month expected, +0.00"]


def test_a_replaced_database_comes_first_then_findings_then_resources(tmp_path: Path) -> None:
    other = {**CLUSTER, "Properties": {"Engine": "aurora-mysql"}}
    before = _assessed(tmp_path / "before", {"Cluster": CLUSTER})
    after = _assessed(
        tmp_path / "after", {"Cluster": other, "Topic": TOPIC}, dollars=120.5, findings=["a: old", "b: new"]
    )
    lines = list(report(before, after))
    assert lines[:2] == [
        "dev: 1 of 1 stacks change; $120.50 a month expected, +20.50",
        "dev: Replaced, deleted or interrupted",
    ]
    assert lines[2].startswith("dev:   harbour-dev-database Cluster: AWS::RDS::DBCluster would be replaced")
    assert lines[3:] == [
        "dev: New findings in the templates",
        "dev:   b: new",
        "dev: Stacks",
        "dev:   harbour-dev-database: 1 added, 1 changed",
        "dev: harbour-dev-database: change Cluster (AWS::RDS::DBCluster)",
        "dev: harbour-dev-database: add Topic (AWS::SNS::Topic)",
    ]


def test_a_configuration_that_the_new_version_refuses_is_the_only_line(tmp_path: Path) -> None:
    before = _assessed(tmp_path / "before", {})
    refused = {"refused": "APP: too long", "environments": {}}
    assert list(report(before, refused)) == ["The new version refuses app.py: APP: too long"]
    assert list(report(refused, before)) == [
        "dev: can't be compared, because this version refuses app.py: APP: too long"
    ]
