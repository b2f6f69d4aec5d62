"""What AWS's refusals mean for what a command does next."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, NoCredentialsError

from portside.aws.errors import is_denied, is_expired, is_passing, patiently
from tests.unit.everyday_support import denied, expired, throttled


def test_throttling_and_lost_connections_pass_and_refusals_do_not() -> None:
    passing = [throttled(), EndpointConnectionError(endpoint_url="x"), ConnectTimeoutError(endpoint_url="x")]
    assert [is_passing(error) for error in passing] == [True] * 3
    assert [is_passing(error) for error in (denied(), expired(), NoCredentialsError())] == [False] * 3
    assert [is_expired(error) for error in (expired(), NoCredentialsError(), throttled(), denied())] == [
        *(True, True),
        *(False, False),
    ]
    assert is_denied(denied())
    assert not is_denied(throttled())


def test_a_busy_aws_is_asked_again_after_growing_pauses() -> None:
    answers, pauses = [throttled(), throttled()], list[float]()

    def ask() -> str:
        if answers:
            raise answers.pop()
        return "answer"

    assert patiently(ask, pauses.append) == "answer"
    assert pauses == [0.5, 1.0]


@pytest.mark.parametrize(("error", "asked"), [(throttled(), 3), (expired(), 1)])
def test_patience_ends_and_the_refusal_is_raised(error: Exception, asked: int) -> None:
    count = 0

    def ask() -> None:
        nonlocal count
        count += 1
        raise error

    with pytest.raises(ClientError):
        patiently(ask, lambda _: None, times=3)
    assert count == asked
