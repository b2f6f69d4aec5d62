"""Settings that would save something."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from portside.config.environment import Environment
from portside.config.kind import Kind
from portside.errors import ConfigurationError, Problem
from portside.plan import savings
from portside.plan.savings import Saving, find_savings
from portside.synthesis.variants import Made, Source, Variant, working_tree
from tests.unit.configuration_support import named
from tests.unit.operations_support import resource

NAT = resource("AWS::EC2::NatGateway")
INSTANCE = {**resource("AWS::DocDB::DBInstance", DBInstanceClass="db.r5.large"), "DeletionPolicy": "Retain"}
CACHE = resource("AWS::ElastiCache::ReplicationGroup", KmsKeyId="a")


def made(**resources: Any) -> Made:
    return Made(templates={"app-dev-network": {"Resources": resources}})


def found(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, Made], environments: Sequence[Environment] = (named("dev"),)
) -> list[Saving]:
    """The savings where the present templates and those of the settings that are named are these."""

    def synthesize(_: Source, variants: Sequence[Variant]) -> list[Made]:
        given = [next(iter({**each.settings, **each.service_settings}), "") for each in variants]
        return [answers.get(name, answers[""]) for name in given]

    monkeypatch.setattr(savings, "synthesize_variants", synthesize)
    return find_savings(working_tree(), environments)


def test_they_are_ranked_by_dollars_and_those_that_save_nothing_are_omitted(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "": made(One=NAT, Two=NAT, Db=resource("AWS::DocDB::DBInstance", DBInstanceClass="db.r5.large")),
        "NAT_GATEWAYS": made(One=NAT, Db=resource("AWS::DocDB::DBInstance", DBInstanceClass="db.r5.large")),
        "DATABASE_INSTANCE_CLASS": made(
            One=NAT, Two=NAT, Db=resource("AWS::DocDB::DBInstance", DBInstanceClass="db.t3.medium")
        ),
        "cpu": Made(problems=(Problem("services", "too small", "Use more."),)),
    }
    assert [(each.setting, each.value, each.dollars, each.effect) for each in found(monkeypatch, answers)] == [
        ("DATABASE_INSTANCE_CLASS", "t3.medium", 145.27, "in place"),
        ("NAT_GATEWAYS", "1", 32.85, "in place; deploy needs --replace Two"),
    ]


def test_what_is_replaced_and_what_stays_and_is_billed_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "": made(Db=INSTANCE, Second=INSTANCE, Cache=CACHE, Nat=NAT),
        "DATABASE_INSTANCES": made(Db=INSTANCE, Cache=CACHE, Nat=NAT),
        "NAT_GATEWAYS": made(Db=INSTANCE, Second=INSTANCE, Cache=resource(CACHE["Type"], KmsKeyId="b")),
    }
    instances, cache = found(monkeypatch, answers)
    stays = "stays until deleted by hand: AWS::DocDB::DBInstance"
    assert instances.effect == f"in place; deploy needs --replace Second; {stays}"
    assert cache.effect == "replaces AWS::ElastiCache::ReplicationGroup; deploy needs --replace Nat --replace Cache"
    assert (cache.as_json()["in_place"], instances.as_json()["in_place"]) == (False, True)


def test_a_stack_that_is_no_longer_configured_must_be_pruned(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Made(templates={"app-dev-bastion": {"Resources": {"A": resource("AWS::EC2::NatGateway")}}})
    [bastion] = found(monkeypatch, {"": host, "BASTION": Made()})
    assert (bastion.value, bastion.effect) == ("None", "in place; deploy needs --prune")


def test_production_is_offered_no_setting_that_it_should_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    production = dataclasses.replace(named("prod"), kind=Kind.PRODUCTION)
    answers = {"": made(One=NAT, Two=NAT), "NAT_GATEWAYS": made(One=NAT), "AUTO_SCALE_CAPACITY": made()}
    assert [each.setting for each in found(monkeypatch, answers, [production])] == ["NAT_GATEWAYS"]
    assert [each.setting for each in found(monkeypatch, answers)] == ["AUTO_SCALE_CAPACITY", "NAT_GATEWAYS"]


def test_a_present_configuration_with_a_mistake_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="services: wrong"):
        found(monkeypatch, {"": Made(problems=(Problem("services", "wrong", "Fix it."),))})


def test_a_class_without_a_price_is_no_saving(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = resource("AWS::DocDB::DBInstance", DBInstanceClass="db.r9.large")
    assert found(monkeypatch, {"": made(Db=INSTANCE), "DATABASE_INSTANCE_CLASS": made(Db=unknown)}) == []
