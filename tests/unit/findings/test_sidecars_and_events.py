"""Failures outside the program, and which of a service's events count."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from portside.aws.model import Container, Event, Task
from portside.findings.finding import Finding
from portside.findings.service_events import events_in_question, is_routine, reports_problem
from portside.findings.stack_rules import LONGEST_OPERATION
from portside.findings.verdict import judge
from tests.unit.diagnosis_support import evidence, gave_up, service, stack, task
from tests.unit.operations_support import minutes_after_noon

OWN = Container("agora-app", "STOPPED", 143, "", "HEALTHY")
PROXY = Container("ecs-service-connect-1a2b", "STOPPED", 0, "", "HEALTHY")


def next_to(own: Container, other: Container, reason: str = "Essential container in task exited") -> Task:
    return task(reason, code="EssentialContainerExited", containers=(own, other))


def found_in(stopped: Task) -> Finding:
    return judge(evidence(service("agora-app", stopped)))[0]


@pytest.mark.parametrize(
    ("own", "other", "code"),
    [
        (OWN, replace(PROXY, exit_code=1), "AWS_TROUBLE.PROXY"),
        (OWN, replace(PROXY, health="UNHEALTHY"), "AWS_TROUBLE.PROXY"),
        (OWN, replace(PROXY, exit_code=137, reason="OutOfMemoryError: killed"), "OUT_OF_MEMORY.SIDECAR"),
        (OWN, Container("helper", "STOPPED", 2), "UNKNOWN.SIDECAR"),
    ],
)
def test_what_fails_outside_the_program_is_not_the_program_s(own: Container, other: Container, code: str) -> None:
    found = found_in(next_to(own, other))
    assert found.code == code
    assert other.name in found.what
    assert any(other.name in line for line in found.evidence)
    assert found.fix


@pytest.mark.parametrize(
    ("own", "other"),
    [
        (replace(OWN, exit_code=1), replace(PROXY, exit_code=1)),
        (replace(OWN, health="UNHEALTHY"), replace(PROXY, health="UNHEALTHY")),
        (OWN, PROXY),
        (OWN, replace(PROXY, exit_code=137)),
        (OWN, replace(PROXY, exit_code=143)),
    ],
)
def test_a_container_that_ecs_stopped_with_the_task_is_not_the_reason(own: Container, other: Container) -> None:
    assert "SIDECAR" not in found_in(next_to(own, other)).code
    assert "PROXY" not in found_in(next_to(own, other)).code


def said(minutes: float, message: str) -> Event:
    return Event(minutes_after_noon(minutes), f"(service S) {message}")


PLACED = "was unable to place a task. Reason: Capacity is unavailable at this time."


@pytest.mark.parametrize(
    ("events", "counts"),
    [
        ((said(2, PLACED),), True),
        ((said(3, "has reached a steady state."), said(2, PLACED)), False),
        ((said(3, "(deployment ecs-svc/9) deployment completed."), said(2, PLACED)), False),
        ((*gave_up(), said(2, PLACED)), True),
        ((said(5, "has reached a steady state."), *gave_up(), said(2, PLACED)), True),
        ((said(6, "(deployment ecs-svc/9) deployment completed."), *gave_up(), said(2, PLACED)), False),
    ],
)
def test_an_event_counts_until_the_service_gets_where_it_should_be(events: tuple[Event, ...], *, counts: bool) -> None:
    found = events_in_question(replace(service(), events=events), None, stack())
    assert any(PLACED in each.message for each in found) is counts


def test_an_event_before_the_moment_in_question_does_not_count() -> None:
    placed = replace(service(), events=(said(2, PLACED),))
    assert events_in_question(placed, minutes_after_noon(3), stack()) == []
    assert events_in_question(placed, minutes_after_noon(2) + timedelta(seconds=1), stack()) == [said(2, PLACED)]


@pytest.mark.parametrize(
    "message",
    [
        "has started 1 tasks: (task a).",
        "has stopped 1 running tasks: (task a).",
        "registered 1 targets in (target-group g)",
        "deregistered 1 targets in (target-group g)",
        "has begun draining connections on 1 tasks.",
        "has reached a steady state.",
        "(deployment ecs-svc/1) deployment completed.",
        "(deployment ecs-svc/1) deployment failed: tasks failed to start.",
        "rolling back to deployment ecs-svc/1.",
        "is unable to consistently start tasks successfully.",
        "Amazon ECS replaced 1 tasks due to an unhealthy status.",
    ],
)
def test_events_of_every_deployment_are_no_cause(message: str) -> None:
    assert is_routine(said(1, message))
    assert not reports_problem(said(1, message))


def test_an_event_that_no_rule_knows_is_shown() -> None:
    odd = said(2, "could not do something that no rule knows.")
    (found,) = judge(evidence(replace(service(), events=(*gave_up(), odd))))
    assert (found.code, "something that no rule knows" in found.what) == ("UNKNOWN.EVENT", True)


def test_a_known_problem_in_a_deployment_that_still_runs_is_reported_at_once() -> None:
    moving = replace(stack("agora-dev-app", "UPDATE_IN_PROGRESS"), began=minutes_after_noon(1))
    trying = replace(service(), running=0, pending=1, events=(said(2, PLACED),))
    (found,) = judge(evidence(trying, stacks=(moving,)))
    assert (found.code, found.is_wrong) == ("NO_CAPACITY", True)
    assert "still being tried" in found.what


@pytest.mark.parametrize(("minutes", "is_stuck"), [(-1, False), (1, True)])
def test_an_operation_is_stuck_when_it_takes_longer_than_cloudformation_waits(minutes: int, *, is_stuck: bool) -> None:
    began = minutes_after_noon(1)
    moving = replace(stack("agora-dev-network", "UPDATE_IN_PROGRESS"), began=began, updated=began)
    seen = evidence(service("agora-app", task()), stacks=(moving,))
    found = judge(replace(seen, at=began + LONGEST_OPERATION + timedelta(minutes=minutes)))
    assert any(each.code == "STACK_STUCK" for each in found) is is_stuck
    assert timedelta(hours=3) == LONGEST_OPERATION
