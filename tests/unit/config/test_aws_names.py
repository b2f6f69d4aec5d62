"""The names that AWS has given are those that its own libraries know."""

from __future__ import annotations

import json

import botocore.session

from portside.config.aws_names import DOCUMENTDB_CLASSES, REGIONS
from tests import cfn_lint_data


def test_regions_are_those_in_which_botocore_knows_ecs() -> None:
    assert sorted(REGIONS) == sorted(botocore.session.Session().get_available_regions("ecs"))


def test_classes_are_those_that_cfn_lint_knows_for_documentdb_in_these_regions() -> None:
    data = cfn_lint_data.folder() / "schemas/extensions/aws_docdb_dbinstance/dbinstanceclass_enum.json"
    by_region = json.loads(data.read_text(encoding="utf-8"))
    known = {name for region in REGIONS for name in by_region.get(region, {}).get("enum", ())}
    assert {f"db.{name}" for name in DOCUMENTDB_CLASSES} == known
