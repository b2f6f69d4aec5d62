"""How a command continues after a refusal by AWS."""

from __future__ import annotations

import re

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, NoCredentialsError

from portside.aws.errors import (
    DENIED,
    EXPIRED,
    PASSING,
    THROTTLED,
    call_with_retries,
    is_denied,
    is_expired,
    is_missing,
    is_passing,
    is_throttled,
)
from portside.config.configuration import ROOT
from tests.unit.everyday_support import denied, expired, throttled
from tests.unit.operations_support import client_error


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

    assert call_with_retries(ask, pauses.append) == "answer"
    assert pauses == [0.5, 1.0]


@pytest.mark.parametrize(("error", "asked"), [(throttled(), 3), (expired(), 1)])
def test_the_retry_limit_ends_and_the_refusal_is_raised(error: Exception, asked: int) -> None:
    count = 0

    def ask() -> None:
        nonlocal count
        count += 1
        raise error

    with pytest.raises(ClientError):
        call_with_retries(ask, lambda _: None, times=3)
    assert count == asked


@pytest.mark.parametrize("code", sorted(DENIED | EXPIRED | PASSING))
def test_every_code_of_the_table_means_one_thing(code: str) -> None:
    error = client_error(code, "said")
    intended = [is_denied(error), is_expired(error), is_passing(error), is_missing(error)]
    assert intended == [code in DENIED, code in EXPIRED, code in PASSING, False]
    assert sum(intended) == 1
    assert is_throttled(error) is (code in THROTTLED)


@pytest.mark.parametrize(
    ("code", "message", "missing"),
    [
        ("ParameterNotFound", "", True),
        ("ResourceNotFoundException", "", True),
        ("DBClusterNotFoundFault", "", True),
        ("InvalidVpcID.NotFound", "", True),
        ("NoSuchEntity", "", True),
        ("NoSuchBucket", "", True),
        ("ValidationError", "Stack with id x does not exist", True),
        ("ValidationError", "No updates are to be performed.", False),
        ("AccessDenied", "The role does not exist", False),
    ],
)
def test_what_aws_does_not_have_is_missing(code: str, message: str, missing: bool) -> None:
    assert is_missing(client_error(code, message)) is missing


def test_what_is_not_found_on_this_machine_is_no_answer_of_awss() -> None:
    assert not is_missing(FileNotFoundError("x"))


def test_no_other_file_has_a_list_of_aws_error_codes() -> None:
    listed = re.compile(
        r'"(AccessDenied\w*|Throttling\w*|ExpiredToken\w*|ParameterNotFound|ResourceNotFoundException)"'
    )
    files = [path for folder in ("portside", "agora_own") for path in (ROOT / folder).rglob("*.py")]
    found = [
        str(path.relative_to(ROOT))
        for path in files
        if not {"emulator", "aws"} & set(path.parts) and listed.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
