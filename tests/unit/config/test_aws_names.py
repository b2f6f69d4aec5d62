"""The names that AWS has given are those that its own libraries know."""

from __future__ import annotations

import json

import botocore.session
import pytest

from portside.config.aws_names import AURORA_CLASSES, DOCUMENTDB_CLASSES, RDS_CLASSES, REGIONS
from portside.config.database_kinds import DATABASE_KINDS, DatabaseKind
from tests import cfn_lint_data


def test_regions_are_those_in_which_botocore_knows_ecs() -> None:
    assert sorted(REGIONS) == sorted(botocore.session.Session().get_available_regions("ecs"))


def test_classes_are_those_that_cfn_lint_knows_for_documentdb_in_these_regions() -> None:
    data = cfn_lint_data.folder() / "schemas/extensions/aws_docdb_dbinstance/dbinstanceclass_enum.json"
    by_region = json.loads(data.read_text(encoding="utf-8"))
    known = {name for region in REGIONS for name in by_region.get(region, {}).get("enum", ())}
    assert {f"db.{name}" for name in DOCUMENTDB_CLASSES} == known


@pytest.mark.parametrize(
    ("engine", "classes"),
    [
        ("aurora-postgresql", AURORA_CLASSES),
        ("aurora-mysql", AURORA_CLASSES),
        ("postgres", RDS_CLASSES),
        ("mysql", RDS_CLASSES),
    ],
)
def test_classes_of_rds_are_those_that_cfn_lint_knows_for_the_engine(engine: str, classes: tuple[str, ...]) -> None:
    data = cfn_lint_data.folder() / "schemas/extensions/aws_rds_dbinstance/dbinstanceclass_enum.json"
    known = {
        name
        for region in json.loads(data.read_text(encoding="utf-8")).values()
        for rule in region["allOf"]
        if engine in _engines(rule["if"]["properties"]["Engine"])
        for name in rule["then"]["properties"]["DBInstanceClass"]["enum"]
    }
    assert {f"db.{name}" for name in classes} <= known


def _engines(engine: dict[str, object]) -> list[object]:
    listed = engine.get("enum", [engine.get("const")])
    assert isinstance(listed, list)
    return listed


@pytest.mark.parametrize("kind", [kind for kind in DATABASE_KINDS.values() if kind.service == "rds"])
def test_default_engine_versions_exist(kind: DatabaseKind) -> None:
    folder = "aws_rds_dbcluster" if kind.is_cluster else "aws_rds_dbinstance"
    data = cfn_lint_data.folder() / f"schemas/extensions/{folder}/engine_version.json"
    known = {
        version
        for rule in json.loads(data.read_text(encoding="utf-8"))["allOf"]
        if kind.engine in _engines(rule["if"]["properties"]["Engine"])
        for version in rule["then"]["properties"]["EngineVersion"]["enum"]
    }
    assert kind.engine_version in known
    deprecated = cfn_lint_data.folder() / f"schemas/extensions/{folder}/engine_version_deprecated.json"
    for rule in json.loads(deprecated.read_text(encoding="utf-8"))["allOf"]:
        if kind.engine in _engines(rule["if"]["properties"]["Engine"]):
            assert kind.engine_version not in rule["if"]["properties"]["EngineVersion"]["enum"]
