"""`costs`, as a user calls it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from portside.cli.main import run
from portside.config.configuration import Configuration
from portside.errors import Problem
from portside.plan.savings import Saving
from portside.synthesis.variants import Made, Source, Variant
from tests.unit.configuration_support import check_configuration, environments, one_service
from tests.unit.operations_support import resource

NAT, QUEUE = resource("AWS::EC2::NatGateway"), resource("AWS::SQS::Queue")
ONE, TWO = {"A": NAT}, {"A": NAT, "B": NAT, "Q": QUEUE}


@pytest.fixture
def configuration(monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """Two environments: dev with one NAT gateway, and prod with two and a queue; dev had two before."""
    found = check_configuration(environments(dev={"COST_ASSUMPTIONS": {"nat_gb": 0}}, prod={}), one_service)
    monkeypatch.setattr("portside.cli.costs.read_configuration", lambda **_: found)
    monkeypatch.setattr("portside.cli.costs._unconfigured", lambda *_, **__: [])
    former = Source(Path("former"))
    now = {"dev": ONE, "prod": TWO}

    def synthesize(source: Source, variants: Sequence[Variant]) -> list[Made]:
        resources = {"dev": TWO, "old": ONE} if source is former else now
        return [Made({"nat_gb": 0}, {"stack": {"Resources": resources[each.environment]}}) for each in variants]

    @contextmanager
    def commit(_: str) -> Iterator[Source]:
        yield former

    monkeypatch.setattr("portside.synthesis.variants.synthesize_variants", synthesize)
    monkeypatch.setattr("portside.synthesis.variants.commit", commit)
    monkeypatch.setattr("portside.synthesis.variants.environments_of", lambda _: ["dev", "old"])
    return found


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(["costs", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("configuration")
def test_an_environment_has_lines_sums_assumptions_and_what_has_no_price(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = answer(capsys, "prod")
    assert (found["least"], found["total"], found["unpriced"]) == (65.70, 65.70, {"AWS::SQS::Queue": "by requests"})
    assert found["prices"]["region"] == "us-east-1"
    assert found["assumptions"]["nat_gb"] == 20
    assert [each["what"] for each in found["lines"]] == ["NAT gateway"]
    assert run(["costs", "prod"]) == 0
    captured = capsys.readouterr()
    assert "AWS::SQS::Queue" in captured.out
    assert "unknown" in captured.out
    assert "List prices of us-east-1, read on " in captured.err
    assert "nat_gb 20: GB through the NAT gateways" in captured.err


@pytest.mark.usefixtures("configuration")
def test_all_environments_are_in_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert {name: each["total"] for name, each in answer(capsys, "--all").items()} == {"dev": 32.85, "prod": 65.70}
    assert run(["costs", "--all"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["What", "dev", "$", "prod", "$"] in rows
    assert ["expected", "32.85", "65.70"] in rows
    assert ["AWS::SQS::Queue", "by", "requests"] in rows


@pytest.mark.usefixtures("configuration")
def test_a_change_is_shown_for_each_environment_also_a_new_and_a_removed_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = answer(capsys, "--diff", "main")
    differences = {name: (each["before"], each["after"], each["difference"]) for name, each in found.items()}
    assert differences == {"dev": (65.70, 32.85, -32.85), "old": (32.85, 0, -32.85), "prod": (0, 65.70, 65.70)}
    assert found["dev"]["unpriced"] == {"added": [], "removed": ["AWS::SQS::Queue"]}
    assert list(answer(capsys, "dev", "--diff", "main")) == ["dev"]
    assert run(["costs", "dev", "--diff", "main"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["dev:", "NAT", "gateway", "65.70", "32.85", "-32.85"] in rows
    assert ["dev:", "AWS::SQS::Queue", "removed", "unknown"] in rows


@pytest.mark.usefixtures("configuration")
def test_savings_are_a_block_each(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    saving = Saving("dev", "NAT_GATEWAYS", "1", 36.5, "one zone")
    monkeypatch.setattr("portside.plan.savings.find_savings", lambda *_: [saving])
    assert answer(capsys, "dev", "--savings") == [
        {
            **{"environment": "dev", "setting": "NAT_GATEWAYS", "value": "1", "dollars": 36.5, "risk": "one zone"},
            **{"replaced": [], "confirmed": [], "kept": [], "in_place": True},
        }
    ]
    assert run(["costs", "--savings"]) == 0
    shown = capsys.readouterr().out
    assert all(each in shown for each in ("dev: NAT_GATEWAYS = 1", "36.50", "in place", "one zone"))


@pytest.mark.usefixtures("configuration")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no environment"),
        (["dev", "--all"], "--all is about all environments, got dev"),
        (["--all", "--savings"], "exclude each other"),
        (["dve"], 'no environment "dve"'),
    ],
)
def test_a_request_that_means_nothing_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["costs", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_another_region_is_reported_and_not_guessed(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = dataclasses.replace(configuration.environment("dev"), region="eu-west-1")
    changed = dataclasses.replace(configuration, environments={"dev": elsewhere})
    monkeypatch.setattr("portside.cli.costs.read_configuration", lambda **_: changed)
    assert run(["costs", "dev"]) == 0
    assert "dev is in eu-west-1, and these are the prices of us-east-1." in capsys.readouterr().err


@pytest.mark.usefixtures("configuration")
def test_a_configuration_with_a_mistake_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = Made(problems=(Problem("ENVIRONMENTS", "wrong", "Fix it."),))
    monkeypatch.setattr("portside.synthesis.variants.synthesize_variants", lambda *_: [wrong])
    assert run(["costs", "dev"]) == 2
    assert "ENVIRONMENTS: wrong" in capsys.readouterr().err
