"""Taking over the resources of the previous app: its templates first, then this app over them, in the documented
steps.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from portside.emulator.client import control, process
from portside.plan.replacement import STATEFUL
from tests import earlier_app
from tests.apps import agora
from tests.e2e.aws import Clients, clients
from tests.e2e.clone import Answer, Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ENVIRONMENT = agora().environment("dev")
EARLIER = earlier_app.templates(ENVIRONMENT, agora().services_of("dev"))
# The services before the stacks that have the groups which allow them, and new stacks in between.
BACK_FIRST = ("apex", "app", "api-next", "api")
NEW = ("api-docs", "monitoring")
BACK_LAST = ("load-balancer", "ecs", ENVIRONMENT.database_stack, "network")
ROUTES = {"/health": "agora-app", "/api/v1/genes": "agora-api", "/api/v1/data-version": "agora-api-next"}
BETWEEN_REQUESTS_SECONDS = 0.2


@dataclass
class Visitor:
    """Someone who asks the site for a page of each service all the time, and what was not answered as it should be."""

    url: str
    answered: int = 0
    failures: list[str] = field(default_factory=list)

    def visit(self, until: threading.Event) -> None:
        while not until.wait(BETWEEN_REQUESTS_SECONDS):
            for path, container in ROUTES.items():
                found = self._ask(path)
                if found == container:
                    self.answered += 1
                else:
                    self.failures.append(f"{path}: {found}")

    def _ask(self, path: str) -> str:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as response:
                return str(json.load(response)["container"])
        except (OSError, ValueError) as error:
            return repr(error)


@dataclass(frozen=True)
class State:
    """The state that must not change: by stack and logical ID the physical IDs of stateful resources, and their
    contents.
    """

    ids: Mapping[tuple[str, str], str]
    password: str
    load_balancer_dns: str


@dataclass(frozen=True)
class Adoption:
    """The output and the state at each moment of an adoption."""

    too_early: Answer
    too_early_unchecked: Answer
    diagnosis: Answer
    first_step: Answer
    first_step_with_the_bastion: Answer
    second_step: Answer
    verified: Answer
    states: Mapping[str, State]
    exports: Mapping[str, set[str]]
    unchanged: bool
    visitor: Visitor
    events: Sequence[Mapping[str, Any]]


@pytest.fixture(scope="module")
def adopted(new_clone: Callable[[], Clone]) -> Adoption:
    """dev, taken over, with one return to the previous app in between."""
    clone = new_clone()
    prepared = clone.agora("deploy", "dev", "--local", "--dry-run")
    assert prepared.exit_code == 0, prepared.stderr
    of = clients(clone.exports("dev"))
    for name in EARLIER:
        _change(of, name, "create")
    states, exports = {"earlier": _state(of)}, {"earlier": _exports(of)}
    began = _resources(of)

    _fill_in(clone, kept=False)
    too_early = clone.agora("deploy", "dev", "--local", "--yes")
    unchecked = clone.agora("deploy", "dev", "--local", "--yes", "--no-verify")
    diagnosis = clone.agora("diagnose", "dev", "--local")
    unchanged = _resources(of) == began

    with _visited(clone) as visitor:
        _fill_in(clone, kept=True)
        first = clone.agora("deploy", "dev", "--local", "--yes")
        states["first step"], exports["first step"] = _state(of), _exports(of)
        _go_back(of)
        states["way back"] = _state(of)
        _fill_in(clone, kept=True, bastion=True)
        with_bastion = clone.agora("deploy", "dev", "--local", "--yes")
        _fill_in(clone, kept=False, bastion=True)
        second = clone.agora("deploy", "dev", "--local", "--yes")
        states["second step"], exports["second step"] = _state(of), _exports(of)
    verified = clone.agora("verify", "dev", "--local", "--json")
    events = [event for name in EARLIER for event in _events(of, name)]
    clone.stop()
    return Adoption(
        too_early=too_early,
        too_early_unchecked=unchecked,
        diagnosis=diagnosis,
        first_step=first,
        first_step_with_the_bastion=with_bastion,
        second_step=second,
        verified=verified,
        states=states,
        exports=exports,
        unchanged=unchanged,
        visitor=visitor,
        events=events,
    )


def _fill_in(clone: Clone, *, kept: bool, bastion: bool = False) -> None:
    """Write into dev's configuration what a step asks for."""
    clone.restore_configuration()
    configuration = clone.folder / "app.py"
    dev, stage, rest = configuration.read_text().partition('    "stage": {')
    machine = f'"BASTION": {{"KEY_NAME": "{earlier_app.KEY_NAME}", "AMI_ID": "{earlier_app.AMI_ID}"}},'
    expected = f'"KEEP_EXPORTS": {kept}, {machine if bastion else ""}'
    assert dev.count('"KEEP_EXPORTS": True,') == 1
    configuration.write_text(dev.replace('"KEEP_EXPORTS": True,', expected) + stage + rest)


def _change(of: Clients, name: str, verb: str) -> None:
    """Create or update a stack as the previous app did, and wait until it finishes."""
    cloudformation = of("cloudformation")
    arguments = {"StackName": name, "TemplateBody": json.dumps(EARLIER[name]), "Capabilities": ["CAPABILITY_IAM"]}
    getattr(cloudformation, f"{verb}_stack")(**arguments)
    cloudformation.get_waiter(f"stack_{verb}_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def _go_back(of: Clients) -> None:
    for part in BACK_FIRST:
        _change(of, ENVIRONMENT.stack_name(part), "update")
    cloudformation = of("cloudformation")
    for part in NEW:
        name = ENVIRONMENT.stack_name(part)
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    for part in BACK_LAST:
        _change(of, ENVIRONMENT.stack_name(part), "update")


@contextmanager
def _visited(clone: Clone) -> Iterator[Visitor]:
    aws = process.expect_running(clone.folder / ".agora" / "local")
    (balancer,) = control.load_balancers(ENVIRONMENT.account, aws=aws)
    visitor, left = Visitor(balancer["url"]), threading.Event()
    thread = threading.Thread(target=visitor.visit, args=(left,))
    thread.start()
    try:
        yield visitor
    finally:
        left.set()
        thread.join()


def _resources(of: Clients) -> dict[tuple[str, str], tuple[str, str]]:
    """By stack and logical ID the type and the physical id of everything that the earlier stacks have."""
    described = [of("cloudformation").describe_stack_resources(StackName=name)["StackResources"] for name in EARLIER]
    return {
        (each["StackName"], each["LogicalResourceId"]): (each["ResourceType"], each["PhysicalResourceId"])
        for resources in described
        for each in resources
    }


def _state(of: Clients) -> State:
    kept = {key: physical for key, (kind, physical) in _resources(of).items() if _is_kept(key, kind)}
    secret = kept[ENVIRONMENT.stack_name(ENVIRONMENT.database_stack), "DocDbMasterPasswordFFA2183A"]
    (balancer,) = of("elbv2").describe_load_balancers()["LoadBalancers"]
    return State(kept, of("secretsmanager").get_secret_value(SecretId=secret)["SecretString"], str(balancer["DNSName"]))


def _is_kept(key: tuple[str, str], kind: str) -> bool:
    """Whether something of the earlier stacks is one of those that are recorded, and not a task definition."""
    stack, logical_id = key
    recorded = earlier_app.recorded_resources(ENVIRONMENT)[stack]
    return logical_id in recorded and kind != "AWS::ECS::TaskDefinition"


def _exports(of: Clients) -> set[str]:
    pages = of("cloudformation").get_paginator("list_exports").paginate()
    return {each["Name"] for page in pages for each in page["Exports"] if each["Name"].startswith("agora-dev-")}


def _events(of: Clients, stack: str) -> list[dict[str, Any]]:
    pages = of("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack)
    return [event for page in pages for event in page["StackEvents"]]


def _adoption(answer: Answer) -> dict[str, str]:
    (check,) = (each for each in answer.json()["checks"] if each["subject"] == "adoption")
    return dict(check)


def test_the_second_step_is_refused_before_the_first_and_the_missing_one_is_named(adopted: Adoption) -> None:
    answer = adopted.too_early
    assert answer.exit_code == 1
    assert "nothing was deployed to dev: adoption" in answer.stderr
    assert 'Set "KEEP_EXPORTS": True for dev in app.py, then: ./agora deploy dev --local' in answer.stderr


def test_without_the_check_cloudformation_refuses_it_and_nothing_is_changed(adopted: Adoption) -> None:
    answer = adopted.too_early_unchecked
    assert answer.exit_code == 1
    reasons = [str(event.get("ResourceStatusReason")) for event in adopted.events]
    assert any("cannot be deleted as it is in use by agora-dev-apex" in reason for reason in reasons)
    assert adopted.unchanged
    assert '"KEEP_EXPORTS": True of dev in app.py, then ./agora deploy dev' in answer.stderr
    assert "it can't change its export agora-dev-network:ExportsOutputRef" in adopted.diagnosis.stdout
    assert '"KEEP_EXPORTS": True of dev in app.py, then ./agora deploy dev' in adopted.diagnosis.stdout


def test_the_first_step_keeps_every_export_and_the_second_only_the_name_for_dns(adopted: Adoption) -> None:
    assert adopted.first_step.exit_code == 0, adopted.first_step.stderr
    assert adopted.first_step_with_the_bastion.exit_code == 0, adopted.first_step_with_the_bastion.stderr
    assert adopted.second_step.exit_code == 0, adopted.second_step.stderr
    assert len(adopted.exports["earlier"]) > 1
    assert adopted.exports["first step"] == adopted.exports["earlier"]
    assert adopted.exports["second step"] == {"agora-dev-load-balancer-dns"}
    assert _adoption(adopted.verified)["found"] == "done"


@pytest.mark.parametrize("moment", ["first step", "way back", "second step"])
def test_no_resource_with_state_or_an_identity_is_recreated(adopted: Adoption, moment: str) -> None:
    assert len(adopted.states["earlier"].ids) > len(STATEFUL)
    assert adopted.states[moment] == adopted.states["earlier"]


def _of_the_previous_app(stack_name: str) -> Mapping[str, Any]:
    resources: Mapping[str, Any] = EARLIER.get(stack_name, {}).get("Resources", {})
    return resources


def test_no_resource_with_state_is_ever_begun_to_be_recreated_or_deleted(adopted: Adoption) -> None:
    kinds = STATEFUL.keys() - {"AWS::Logs::LogGroup"}
    # A bucket for access logs, which the previous app did not have, is new, and begun again after the rollback.
    stateful = [
        event
        for event in adopted.events
        if event["ResourceType"] in kinds and event["LogicalResourceId"] in _of_the_previous_app(event["StackName"])
    ]
    made = {(event["StackName"], event["LogicalResourceId"]): 0 for event in stateful}
    for event in stateful:
        assert not event["ResourceStatus"].startswith("DELETE"), event
        made[event["StackName"], event["LogicalResourceId"]] += event["ResourceStatus"] == "CREATE_COMPLETE"
    assert made
    assert set(made.values()) == {1}


def test_the_services_serve_throughout_and_during_the_rollback(adopted: Adoption) -> None:
    assert adopted.visitor.failures == []
    assert adopted.visitor.answered > 100
