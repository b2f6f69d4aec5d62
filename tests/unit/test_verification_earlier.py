"""Verifying against what earlier deployments left: a hold, a proof, a rollback."""

from __future__ import annotations

import json

import pytest

from operations import deployment_record
from operations import hold as holding
from operations.check import FAIL, OK, SKIP, Check
from operations.deployment_record import ROLLBACK
from operations.verification import earlier
from src.errors import UsageError
from tests.unit.operations_support import FakeParameters, deployment_of
from tests.unit.verification_support import IMAGES, LOCATION, THROTTLED, FakeClient, context, told


def found(subject: str, ssm: object, environment: str = "dev") -> Check:
    return told(earlier.questions(), context({"ssm": ssm}, environment=environment))[subject]


def test_an_environment_that_nobody_holds_is_free() -> None:
    assert found("hold", FakeParameters()).state == OK


def test_a_hold_fails_with_its_holder_and_how_to_break_it() -> None:
    hold = {"id": "1", "who": "jane", "since": "2026-11-23T12:00:00", "doing": "deploy"}
    check = found("hold", FakeParameters({holding.parameter_name("dev"): json.dumps(hold)}))
    assert check.state == FAIL
    assert "held by jane" in check.found
    assert "./agora unlock dev" in check.hint


def test_only_prod_needs_a_proof() -> None:
    assert found("proof", FakeParameters()).found == "dev needs none"


def record_of(environment: str, **changes: object) -> FakeParameters:
    written = json.dumps(deployment_of(IMAGES, **changes).as_json())
    return FakeParameters({deployment_record.parameter_name(environment): written})


def test_what_stage_ran_well_is_proven_and_all_else_is_not() -> None:
    assert found("proof", record_of("stage"), "prod").state == OK
    check = found("proof", FakeParameters(), "prod")
    assert (check.state, "./agora deploy stage" in check.hint) == (FAIL, True)


def test_a_proof_in_an_account_that_can_not_be_read_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UsageError("the credentials are for another account", "")

    monkeypatch.setattr(earlier, "beside", refuse)
    check = found("proof", FakeParameters(), "prod")
    assert (check.state, "--proof-profile" in check.found) == (SKIP, True)


def test_what_the_last_rollback_took_out_of_service_fails_where_it_would_come_back() -> None:
    taken_out = (IMAGES.images[LOCATION].digest,)
    check = found("last rollback", record_of("dev", kind=ROLLBACK, instead_of=taken_out))
    assert (check.state, "--bring-back" in check.hint) == (FAIL, True)
    assert found("last rollback", record_of("dev")).state == OK


def test_throttled_nothing_is_known_of_the_record() -> None:
    ssm = FakeClient(get_parameter=THROTTLED, get_parameter_history=THROTTLED)
    assert found("hold", ssm).state == found("last rollback", ssm).state == SKIP
