"""The stacks of another app of the previous kind, compared with the new templates: they are updated in place."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import Any

import pytest

from portside.config.configuration import Configuration
from portside.images.synthesis_images import references_of
from portside.plan.replacement import Loss, Values, losses
from tests import earlier_app
from tests.apps import portal
from tests.stubs import stubs
from tests.unit.stacks_support import Json, read_templates, shared_synthesis_with

# Roles become narrow, rules of service ports belong to callers' groups, and each deployment makes a new revision.
NEW_BY_INTENTION = {
    *("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::ECS::TaskDefinition", "AWS::EC2::SecurityGroupIngress"),
    "AWS::ApplicationAutoScaling::ScalingPolicy",
}
RUNNING = portal().environment("dev")


@functools.cache
def before() -> dict[str, Json]:
    """The templates of the previous app without its bastion, which app.py does not have."""
    made = earlier_app.templates(RUNNING, portal().services_of("dev"))
    return {name: template for name, template in made.items() if not name.endswith(earlier_app.BASTION)}


def after(configuration: Configuration) -> dict[str, Json]:
    images = stubs("edge", references_of(configuration.services_of("dev")))
    return read_templates(shared_synthesis_with(images, configuration, "dev"))


def changed(**changes: Any) -> Configuration:
    return replace(portal(), environments={"dev": replace(RUNNING, **changes)})


def lost(templates: dict[str, Json]) -> dict[tuple[str, str], Loss]:
    """The losses by stack and logical ID; the value behind an export or output is the text of it."""
    exports = {
        export: json.dumps([stack, value])
        for stack, template in before().items()
        for export, value in earlier_app.exported(template).items()
    }
    outputs = {
        (stack, name): json.dumps([stack, each["Value"]])
        for stack, template in templates.items()
        for name, each in template.get("Outputs", {}).items()
    }
    return {
        (stack, loss.logical_id): loss
        for stack, template in before().items()
        for loss in losses(template["Resources"], templates[stack]["Resources"], Values(exports, outputs))
    }


def test_the_stacks_have_the_names_that_run() -> None:
    assert set(before()) == {f"model-ad-dev-{part}" for part in EARLIER_PARTS}
    assert set(after(portal())) == {*before(), "model-ad-dev-monitoring"}


EARLIER_PARTS = ("network", "docdb", "ecs", "load-balancer", "api", "app", "apex")


def test_nothing_is_replaced_or_deleted_that_is_not_new_by_intention() -> None:
    found = lost(after(portal()))
    assert {loss.kind for loss in found.values()} <= NEW_BY_INTENTION
    assert not [loss for loss in found.values() if loss.is_stateful or loss.interruption]


def test_every_export_stays_in_the_first_step() -> None:
    for stack, template in before().items():
        assert earlier_app.exported(template).items() <= earlier_app.exported(after(portal())[stack]).items()


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"nat_gateways": 1}, "AWS::EC2::EIP"),
        ({"database_engine_version": "8.0.0"}, "AWS::DocDB::DBClusterParameterGroup"),
        ({"vpc_cidr": "10.253.173.0/24"}, "AWS::EC2::VPC"),
        ({"namespace": "portal.internal"}, "AWS::ServiceDiscovery::PrivateDnsNamespace"),
    ],
)
def test_a_setting_that_differs_from_what_runs_is_seen(changes: dict[str, Any], kind: str) -> None:
    found = lost(after(changed(**changes)))
    assert kind in {loss.kind for loss in found.values() if loss.is_stateful}
