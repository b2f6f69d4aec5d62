"""Verifying the state after earlier deployments: a lock, a proof, a rollback, exports of the previous app."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from portside.errors import UsageError
from portside.findings.check import FAIL, OK, SKIP, check
from portside.findings.finding import Finding
from portside.preflight import earlier
from portside.records import deployment_record
from portside.records import environment_lock as holding
from portside.records.deployment_record import ROLLBACK
from tests.unit.configuration_support import named
from tests.unit.operations_support import FakeCloudFormation, FakePaginator, FakeParameters, client_error, deployment_of
from tests.unit.verification_support import (
    ACCOUNT,
    IMAGES,
    LOCATION,
    THROTTLED,
    FakeClient,
    by_subject,
    configuration_with,
    context,
    deployed,
)


def found(subject: str, ssm: object, environment: str = "dev") -> Finding:
    return by_subject(earlier.questions(), context({"ssm": ssm}, environment=environment))[subject]


def test_an_environment_that_no_one_has_locked_is_free() -> None:
    assert found("hold", FakeParameters()).state == OK


def test_a_lock_by_another_fails_with_its_owner_and_how_to_break_it() -> None:
    lock = {"id": "1", "who": "jane", "since": "2026-11-23T12:00:00", "doing": "deploy"}
    check = found("hold", FakeParameters({holding.parameter_name(named("dev")): json.dumps(lock)}))
    assert check.state == FAIL
    assert "locked by jane" in check.what
    assert "./agora unlock dev" in check.fix


def test_only_prod_needs_a_proof() -> None:
    assert found("proof", FakeParameters()).what == "dev needs none"


def record_of(environment: str, **changes: object) -> FakeParameters:
    place = f"{ACCOUNT}/us-east-1/{environment}"
    written = deployment_of(IMAGES, **{"place": place} | changes).written()
    return FakeParameters({deployment_record.parameter_name(named(environment)): written})


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All images are in a lock that is committed, and the configuration is."""
    for rule in ("expect_committed", "expect_committed_rules"):
        monkeypatch.setattr(earlier, rule, lambda *_: None)


def test_an_image_that_is_in_no_committed_lock_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier, "expect_committed_rules", lambda *_: None)
    check = found("proof", record_of("stage"), "prod")
    assert check.state == FAIL
    assert "is in no committed lock" in check.what


@pytest.mark.usefixtures("committed")
def test_what_stage_ran_healthy_is_proven_and_nothing_else_is() -> None:
    assert found("proof", record_of("stage"), "prod").state == OK
    check = found("proof", FakeParameters(), "prod")
    assert (check.state, "deploy stage" in check.fix) == (FAIL, True)


@pytest.mark.usefixtures("committed")
def test_a_proof_in_an_account_that_can_not_be_read_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UsageError("the credentials are for another account", "")

    monkeypatch.setattr(earlier, "other_target", refuse)
    check = found("proof", FakeParameters(), "prod")
    assert (check.state, "--proof-profile" in check.what) == (SKIP, True)


def test_what_the_last_rollback_took_out_of_service_fails_where_it_would_come_back() -> None:
    taken_out = (IMAGES.images[LOCATION].digest,)
    check = found("last rollback", record_of("dev", kind=ROLLBACK, instead_of=taken_out))
    assert (check.state, "--bring-back" in check.fix) == (FAIL, True)
    assert found("last rollback", record_of("dev")).state == OK


def test_throttled_nothing_is_known_about_the_record() -> None:
    ssm = FakeClient(get_parameter=THROTTLED, get_parameter_history=THROTTLED)
    assert found("hold", ssm).state == found("last rollback", ssm).state == SKIP


class Importing(FakeCloudFormation):
    """CloudFormation with the stacks that import an export, by its name."""

    def __init__(self, stacks: Mapping[str, Mapping[str, Any]], importers: Mapping[str, Sequence[str]]) -> None:
        super().__init__(stacks)
        self._importers = importers

    def get_paginator(self, operation: str) -> FakePaginator:
        return FakePaginator(self._imports) if operation == "list_imports" else super().get_paginator(operation)

    def _imports(self, *, ExportName: str) -> Iterator[dict[str, Any]]:
        importers = self._importers.get(ExportName, ())
        if not importers:
            raise client_error("ValidationError", f"Export '{ExportName}' is not imported by any stack.")
        yield from ({"Imports": [each]} for each in importers)


VPC, DNS = "agora-dev-network:ExportsOutputRefVpc8378EB38272D6E3A", "agora-dev-load-balancer-dns"
STACKS = {
    "agora-dev-network": deployed(exports={VPC: "vpc-1"}),
    "agora-dev-load-balancer": deployed(exports={DNS: "a.elb.amazonaws.com"}),
    "agora-dev-app": deployed(),
}
APP, BASTION, SIBLING = "agora-dev-app", "agora-dev-bastion", "other-dev-app"


def adoption(*importers: str, kept: bool, stacks: Mapping[str, Any] = STACKS) -> Finding:
    # The DNS name stays exported, so its importers block no one.
    cloudformation = Importing(stacks, {VPC: importers, DNS: [SIBLING]})
    about = context({"cloudformation": cloudformation}, configuration=configuration_with(KEEP_EXPORTS=kept))
    return by_subject(earlier.questions(), about)["adoption"]


@pytest.mark.parametrize("kept", [True, False])
def test_a_new_environment_has_nothing_to_take_over(kept: bool) -> None:
    assert adoption(kept=kept, stacks={}) == check("adoption", OK, "dev is new, and has nothing to take over")


def test_what_the_previous_app_deployed_is_taken_over_by_the_first_step() -> None:
    check = adoption(APP, kept=True)
    assert check.state == OK
    assert check.what == "step 1 of 2 is next: ./agora deploy dev takes over agora-dev-app"


def test_a_stack_outside_the_configuration_is_reported_before_the_first_step() -> None:
    assert adoption(APP, BASTION, kept=True).what.endswith(". agora-dev-bastion will still import after that")


def test_the_second_step_before_the_first_fails_and_names_the_missing_step() -> None:
    check = adoption(APP, BASTION, kept=False)
    assert check.state == FAIL
    assert check.what.startswith("step 1 of 2 is missing")
    assert check.what.endswith("imported by agora-dev-app and agora-dev-bastion")
    assert check.fix == 'Set "KEEP_EXPORTS": True for dev in app.py, then: ./agora deploy dev'


def test_after_the_first_step_the_bastion_holds_the_second_back() -> None:
    check = adoption(BASTION, kept=True)
    assert check.state == OK
    assert check.what.startswith("step 1 of 2 is done. Step 2 waits for agora-dev-bastion")
    assert "as BASTION in app.py and deploy, or delete the stack agora-dev-bastion" in check.what


@pytest.mark.parametrize(("importer", "way_out"), [(BASTION, "as BASTION"), (SIBLING, "or delete these stacks")])
def test_the_second_step_fails_while_a_stack_outside_the_configuration_imports(importer: str, way_out: str) -> None:
    check = adoption(importer, kept=False)
    assert (check.state, importer in check.what, way_out in check.fix) == (FAIL, True, True)
    assert '"KEEP_EXPORTS": True for dev' in check.fix


def test_the_second_step_is_possible_once_no_one_imports() -> None:
    check = adoption(kept=True)
    assert check.state == OK
    assert check.what.endswith('Step 2: "KEEP_EXPORTS": False for dev in app.py, then ./agora deploy dev')


def test_with_the_configuration_for_it_the_second_step_is_next() -> None:
    assert adoption(kept=False).what.startswith("step 2 of 2 is next: ./agora deploy dev removes the exports")


def test_without_exports_the_adoption_is_done() -> None:
    without = {name: deployed() for name in STACKS}
    assert adoption(kept=False, stacks=without) == check("adoption", OK, "done")
    assert '"KEEP_EXPORTS": False for dev' in adoption(kept=True, stacks=without).what


def test_without_the_right_to_ask_nothing_is_known_about_the_adoption() -> None:
    class Denied(Importing):
        def _imports(self, *, ExportName: str) -> Iterator[dict[str, Any]]:
            raise client_error("AccessDenied", "not authorized to perform: cloudformation:ListImports", "ListImports")

    about = context({"cloudformation": Denied(STACKS, {})}, configuration=configuration_with(KEEP_EXPORTS=False))
    check = by_subject(earlier.questions(), about)["adoption"]
    assert (check.state, check.what) == (SKIP, "these credentials lack the right cloudformation:ListImports")
