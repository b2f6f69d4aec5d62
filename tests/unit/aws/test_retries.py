"""Calls to AWS are retried until the limit, and each problem is logged once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from portside.aws.retries import Retries
from tests.unit.everyday_support import denied, expired, throttled

LOST = EndpointConnectionError(endpoint_url="https://ecs")


class _World:
    """Answers in their order, a clock that only waiting moves, and what was said."""

    def __init__(self, *answers: object, **settings: Any) -> None:
        self.answers, self.said, self.pauses, self.now = list(answers), list[str](), list[float](), 0.0
        self.retries = Retries(
            self.said.append, **{"seconds": 100.0, **settings}, wait=self._wait, clock=lambda: self.now
        )

    def _wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def answer(self) -> object:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.mark.parametrize(
    ("error", "settings", "said"),
    [
        (throttled(), {}, "AWS throttles the calls"),
        (LOST, {}, "does not answer"),
        (expired(), {"renew": "Log in again."}, "have expired. Log in again. The command then continues."),
    ],
)
def test_a_problem_is_reported_once_and_so_is_its_recovery(
    error: Exception, settings: dict[str, Any], said: str
) -> None:
    world = _World(error, error, error, "answer", **settings)
    assert world.retries.ask(world.answer) == "answer"
    assert world.pauses == [1.0, 2.0, 4.0]
    assert len(world.said) == 2
    assert said in world.said[0]
    assert world.said[1] == "AWS answers again."


@pytest.mark.parametrize(
    ("error", "settings"),
    [(expired(), {}), (denied(), {"renew": "Log in."}), (LOST, {"survives_lost_connections": False})],
)
def test_without_a_retry_the_error_is_raised_at_once(error: Exception, settings: dict[str, Any]) -> None:
    world = _World(error, "answer", **settings)
    with pytest.raises(type(error)):
        world.retries.ask(world.answer)
    assert (world.said, world.pauses) == ([], [])


def test_retries_end_and_then_the_last_error_is_raised() -> None:
    world = _World(throttled())
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.retries.ask(world.answer)
    assert sum(world.pauses) == pytest.approx(100)
    assert max(world.pauses) == 30


def test_after_giving_up_all_is_asked_once() -> None:
    world = _World(throttled(), "answer")
    world.retries.give_up()
    with pytest.raises(ClientError):
        world.retries.ask(world.answer)
    assert world.pauses == []


class _Client:
    def __init__(self, answer: Callable[[], object]) -> None:
        self.describe_stacks = self.run_task = lambda **_: answer()
        self.meta = "meta"
        self.get_paginator = lambda _: self
        self.paginate = lambda **_: iter([answer(), answer()])


def test_clients_are_retried_page_by_page_too() -> None:
    world = _World(throttled(), "first", throttled(), "second", "third")
    client = world.retries.clients(lambda _: _Client(world.answer))("ecs")
    assert client.describe_stacks() == "first"
    assert client.get_paginator("list_tasks").paginate() == ["second", "third"]
    assert client.meta == "meta"


def test_what_may_have_been_done_is_not_asked_for_twice() -> None:
    world = _World(LOST, "a second task")
    client = world.retries.clients(lambda _: _Client(world.answer))("ecs")
    with pytest.raises(EndpointConnectionError):
        client.run_task()
    world.answers = [throttled(), "a task"]
    assert client.run_task() == "a task", "what AWS refused was not done"
