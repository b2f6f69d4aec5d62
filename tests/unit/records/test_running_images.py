"""Images that run in production although no record says that they may."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from portside.aws.model import Container, Task
from portside.aws.reader import Look, Reader
from portside.records.deployment_record import FAILED, DeploymentRecord
from portside.records.running_images import digests_of, running_in, unaccounted
from tests.answering_aws import AnsweringAws
from tests.apps import agora
from tests.aws_account import deployed
from tests.unit.configuration_support import check_configuration, environments, one_service
from tests.unit.operations_support import deployment_of, digest, resolution
from tests.unit.rollouts_support import service, task

CONFIGURATION = check_configuration(environments(uat={"KIND": "staging"}, live={"KIND": "production"}), one_service)
LIVE = CONFIGURATION.environment("live")
RUNNING = {"app": [digest("app 1.0.0")]}


def _record(**changes: object) -> DeploymentRecord:
    return deployment_of(resolution("1.0.0", "app"), **{"proof": "uat 4"} | changes)


def test_what_is_recorded_with_its_proof_is_accounted_for() -> None:
    assert unaccounted(LIVE, RUNNING, [_record()]) == ()


def test_what_no_record_has_is_reported() -> None:
    for records in ([], [_record(result=FAILED)], [deployment_of(resolution("1.0.0", web="app 1.0.0"), proof="uat 4")]):
        (sentence,) = unaccounted(LIVE, RUNNING, records)
        assert (
            sentence
            == f"app runs {digest('app 1.0.0')} without a record: no deployment of this environment ran it healthy"
        )


def test_what_ran_without_a_proof_is_reported_with_who_answered_for_it() -> None:
    (sentence,) = unaccounted(LIVE, RUNNING, [_record(proof="", unproven="stage is down")])
    assert sentence.endswith("without a proof: Developer/jane took responsibility, stage is down")
    (sentence,) = unaccounted(LIVE, RUNNING, [_record(proof="", number=3)])
    assert sentence.endswith("without a proof: deployment 3 recorded none")


def test_a_record_of_the_earlier_format_accounts_for_its_images() -> None:
    assert unaccounted(LIVE, RUNNING, [_record(ran=None, proof="")]) == ()


def test_other_environments_may_run_anything() -> None:
    assert unaccounted(CONFIGURATION.environment("uat"), RUNNING, []) == ()


def _container(name: str, image: str) -> Container:
    return Container(name, "RUNNING", digest=image)


def _task(*containers: Container, **changes: Any) -> Task:
    return task(str(len(containers)), containers=containers, **changes)


def _look(*tasks: Task, others: tuple[Task, ...] = ()) -> Look:
    return Look({}, (replace(service(tasks=tasks), name="app"),), others)


def test_only_tasks_that_run_count_each_digest_once() -> None:
    own, agent = _container("app", digest("a")), _container("aws-guardduty-agent-1", digest("b"))
    tasks = [
        _task(own, agent),
        _task(own),
        _task(_container("app", digest("c")), status="STOPPED"),
        _task(_container("app", digest("d")), desired_status="STOPPED"),
        _task(_container("app", "sha256:1")),
    ]
    assert digests_of(tasks, "app") == (digest("a"), "sha256:1")


def test_a_container_next_to_or_in_place_of_the_services_is_reported_and_what_aws_adds_is_not() -> None:
    names = ("sidecar", "ecs-service-connect-x1", "aws-guardduty-agent-x1")
    assert digests_of([_task(*(_container(name, name) for name in names))], "web") == ("sidecar",)


def _other_task(name: str, **changes: Any) -> Task:
    return _task(_container(name, digest(name)), _container("aws-guardduty-agent-1", "x"), **changes)


def test_a_service_that_the_configuration_no_longer_names_is_accounted_for_by_its_own_record() -> None:
    own = _task(_container("app", digest("app 1.0.0")))
    running = running_in(
        _look(own, others=(_other_task("old"), _other_task("old"), _other_task("older", status="STOPPED")))
    )
    assert running == {"app": (digest("app 1.0.0"),), "old": (digest("old"),)}
    (sentence,) = unaccounted(LIVE, running, [_record()])
    assert sentence.startswith(f"old runs {digest('old')} without a record")
    earlier = deployment_of(resolution("1.0.0", old="old"), proof="uat 4")
    assert unaccounted(LIVE, running, [_record(), earlier]) == ()


def test_a_service_that_was_made_by_hand_counts_with_the_one_whose_container_it_is_named_after() -> None:
    own = _task(_container("app", digest("app 1.0.0")))
    assert running_in(_look(own, others=(_other_task("app"),))) == {"app": (digest("app 1.0.0"), digest("app"))}


def test_tasks_of_services_that_are_not_configured_are_known_and_those_that_run_once_are_not() -> None:
    aws = AnsweringAws(deployed())
    own = aws.account.tasks[0]
    aws.account.tasks += [
        own | {"taskArn": f"{own['taskArn']}a", "group": "service:agora-dev-old-Service-1"},
        own | {"taskArn": f"{own['taskArn']}b", "group": "family:data-load"},
    ]
    reader = Reader(aws.client, aws.account.environment, agora().services_of("dev"))
    assert [task.id[-1] for task in reader.look().other_tasks] == ["a"]
