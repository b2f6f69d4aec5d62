"""The changes of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portside.aws.model import Stack as DeployedStack
from portside.plan.plan import CREATE, NOTHING, UPDATE, ResourceChange, plan_deployment
from tests.unit.operations_support import NOON, resource, stack


def test_a_stack_that_is_not_deployed_is_created_with_all_its_resources(tmp_path: Path) -> None:
    new = stack("agora-dev-app", {"Resources": {"Topic": resource()}}, tmp_path)
    (change,) = plan_deployment([new], lambda _: None)
    assert change.action == CREATE
    assert change.resources == (ResourceChange("add", "Topic", "AWS::SNS::Topic"),)
    assert change.summary == "1 added"


def test_a_stack_that_is_deployed_as_it_is_needs_nothing(tmp_path: Path) -> None:
    template = {"Resources": {"Topic": resource()}}
    (change,) = plan_deployment([stack("one", template, tmp_path)], {"one": template}.get)
    assert (change.action, change.resources) == (NOTHING, ())


def test_added_changed_and_removed_resources_are_distinguished(tmp_path: Path) -> None:
    before = {"Resources": {"Kept": resource(), "Changed": resource(Name="a"), "Removed": resource()}}
    after = {"Resources": {"Kept": resource(), "Changed": resource(Name="b"), "Added": resource()}}
    (change,) = plan_deployment([stack("one", after, tmp_path)], {"one": before}.get)
    assert change.action == UPDATE
    assert [(each.action, each.logical_id) for each in change.resources] == [
        ("add", "Added"),
        ("change", "Changed"),
        ("remove", "Removed"),
    ]
    assert change.summary == "1 added, 1 changed, 1 removed"


def test_a_stack_whose_outputs_alone_differ_is_updated(tmp_path: Path) -> None:
    before = {"Resources": {"Kept": resource()}}
    after = before | {"Outputs": {"Name": {"Value": "x"}}}
    (change,) = plan_deployment([stack("one", after, tmp_path)], {"one": before}.get)
    assert (change.action, change.resources) == (UPDATE, ())


@pytest.mark.parametrize(
    ("state", "settings"),
    [
        ({"tags": {"CostCenter": "1"}}, ()),
        ({"tags": {"CostCenter": "2"}}, ("tags",)),
        ({}, ("tags",)),
        ({"tags": {"CostCenter": "1"}, "is_protected": True}, ("termination protection off",)),
    ],
)
def test_settings_of_a_stack_that_differ_are_an_update_too(
    state: Mapping[str, Any], settings: tuple[str, ...], tmp_path: Path
) -> None:
    template = {"Resources": {"Topic": resource()}}
    tagged = replace(stack("one", template, tmp_path), tags={"CostCenter": "1"})
    states = {"one": DeployedStack("one", "UPDATE_COMPLETE", updated=NOON, **state)}
    (change,) = plan_deployment([tagged], {"one": template}.get, states)
    assert (change.action, change.resources, change.settings) == (UPDATE if settings else NOTHING, (), settings)
    assert change.summary == ", ".join(settings)
