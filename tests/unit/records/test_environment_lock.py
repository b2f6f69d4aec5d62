"""The lock on an environment."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from portside.errors import UserError
from portside.process_identity import ProcessIdentity, this_process
from portside.records.environment_lock import (
    EnvironmentLock,
    Locked,
    expect_unlocked,
    locked,
    parameter_name,
    read_lock,
    release_lock,
)
from portside.records.origin import Origin
from tests.unit.configuration_support import named
from tests.unit.operations_support import FakeParameters, client_error

JANE, JOE = Origin("Developer/jane", "a" * 40), Origin("joe (GitHub run 7)", None)
PARAMETER = parameter_name(named("dev"))


class _Failing(FakeParameters):
    """A parameter store that refuses one operation from the moment on that a test says it."""

    refused = ""

    def __getattribute__(self, name: str) -> Any:
        if name == object.__getattribute__(self, "refused"):
            raise client_error("ExpiredTokenException", "The security token included in the request is expired")
        return super().__getattribute__(name)


class _AnswerLost(FakeParameters):
    """The first answer to a put is lost, so boto3 asks again."""

    def put_parameter(self, **arguments: Any) -> dict[str, Any]:
        super().put_parameter(**arguments)
        return super().put_parameter(**arguments)


class _EndsJustNow(FakeParameters):
    """The lock that is in the way no longer exists when one looks who has it."""

    code = "ParameterAlreadyExists"

    def put_parameter(self, **_: Any) -> dict[str, Any]:
        raise client_error(self.code, "no")


class _BrokenJustNow(FakeParameters):
    """Someone breaks the lock between a look at it and its deletion."""

    def delete_parameter(self, *, Name: str) -> None:
        super().delete_parameter(Name=Name)
        super().delete_parameter(Name=Name)


def test_an_environment_is_locked_for_as_long_as_the_block_runs() -> None:
    ssm = FakeParameters()
    with locked(ssm, named("dev"), JANE, "deploy") as lock:
        assert read_lock(ssm, named("dev")) == lock
        assert (lock.who, lock.doing) == ("Developer/jane", "deploy")
    assert read_lock(ssm, named("dev")) is None
    expect_unlocked(ssm, named("dev"))


def test_the_second_gets_the_owner_the_time_the_reason_and_how_to_release_it() -> None:
    ssm = FakeParameters()
    with (
        locked(ssm, named("dev"), JANE, "rollback") as lock,
        pytest.raises(Locked) as refused,
        locked(ssm, named("dev"), JOE, "deploy"),
    ):
        pytest.fail("two at once")
    since = lock.since[:19].replace("T", " ")
    assert refused.value.message == f"dev is locked by Developer/jane since {since} UTC: rollback"
    assert refused.value.hint.endswith("./agora unlock dev")
    assert refused.value.exit_code == 1


def test_in_a_rehearsal_the_way_to_break_a_lock_acts_on_the_rehearsal() -> None:
    ssm = FakeParameters()
    with locked(ssm, named("dev"), JANE, "deploy", local=True):
        with pytest.raises(Locked) as at_once, locked(ssm, named("dev"), JOE, "deploy", local=True):
            pytest.fail("two at once")
        with pytest.raises(Locked) as before:
            expect_unlocked(ssm, named("dev"), local=True)
    assert [refused.value.hint[-26:] for refused in (at_once, before)] == ["./agora unlock dev --local"] * 2


def test_a_look_before_anything_is_done_refuses_too() -> None:
    ssm = FakeParameters()
    with locked(ssm, named("dev"), JANE, "deploy"), pytest.raises(Locked, match="locked by Developer/jane"):
        expect_unlocked(ssm, named("dev"))


def test_the_lock_stays_with_the_first_when_a_second_was_refused() -> None:
    ssm = FakeParameters()
    with locked(ssm, named("dev"), JANE, "deploy") as lock:
        with pytest.raises(Locked), locked(ssm, named("dev"), JOE, "deploy"):
            pytest.fail("two at once")
        assert read_lock(ssm, named("dev")) == lock


def test_environments_do_not_lock_each_other() -> None:
    ssm = FakeParameters()
    with locked(ssm, named("stage"), JANE, "deploy"), locked(ssm, named("prod"), JOE, "deploy"):
        assert set(ssm.values) == {"/agora/stage/hold", "/agora/prod/hold"}


def test_of_many_at_the_same_moment_one_gets_it_and_the_others_get_its_name() -> None:
    ssm, count = FakeParameters(), 8
    ready, all_tried = threading.Barrier(count), threading.Barrier(count)

    def attempt(number: int) -> tuple[bool, str]:
        ready.wait(timeout=10)
        try:
            with locked(ssm, named("dev"), Origin(f"person {number}", None), "deploy") as lock:
                all_tried.wait(timeout=10)
                return True, lock.id
        except Locked as refused:
            all_tried.wait(timeout=10)
            return False, refused.lock.id

    with ThreadPoolExecutor(count) as pool:
        outcomes = list(pool.map(attempt, range(count)))
    assert sorted(got_it for got_it, _ in outcomes) == [False] * (count - 1) + [True]
    assert len({lock_id for _, lock_id in outcomes}) == 1
    assert read_lock(ssm, named("dev")) is None


@pytest.mark.parametrize("error", [UserError("failed"), RuntimeError(), KeyboardInterrupt(), SystemExit(3)])
def test_the_lock_is_released_however_the_block_ends(error: BaseException) -> None:
    ssm = FakeParameters()
    with pytest.raises(type(error)) as raised, locked(ssm, named("dev"), JANE, "deploy"):
        raise error
    assert raised.value is error
    assert read_lock(ssm, named("dev")) is None


def test_a_lock_that_was_broken_and_taken_by_another_is_not_released_by_the_first() -> None:
    ssm = FakeParameters()
    theirs = locked(ssm, named("dev"), JOE, "deploy")
    with locked(ssm, named("dev"), JANE, "deploy") as mine:
        release_lock(ssm, named("dev"), mine)
        lock = theirs.__enter__()
    assert read_lock(ssm, named("dev")) == lock
    theirs.__exit__(None, None, None)
    assert read_lock(ssm, named("dev")) is None


def test_a_lock_that_was_broken_meanwhile_does_not_fail_its_first_owner() -> None:
    ssm = FakeParameters()
    with locked(ssm, named("dev"), JANE, "deploy") as mine:
        release_lock(ssm, named("dev"), mine)
    broken_while_releasing = _BrokenJustNow()
    with locked(broken_while_releasing, named("dev"), JANE, "deploy"):
        pass
    assert broken_while_releasing.values == {}


@pytest.mark.parametrize("written", ["maintenance, ask Ada", '{"who": "Ada"}', "[]", "null", "12", '{"who": '])
def test_a_lock_that_someone_wrote_by_hand_is_valid_and_can_be_broken(written: str) -> None:
    ssm = FakeParameters({PARAMETER: written})
    with pytest.raises(Locked) as refused, locked(ssm, named("dev"), JANE, "deploy"):
        pytest.fail("two at once")
    assert refused.value.message == f"dev is locked by someone: {written!r}"
    release_lock(ssm, named("dev"), refused.value.lock)
    expect_unlocked(ssm, named("dev"))


def test_breaking_a_lock_written_by_hand_leaves_its_replacement() -> None:
    ssm = FakeParameters({PARAMETER: "maintenance"})
    seen = read_lock(ssm, named("dev"))
    assert seen is not None
    ssm.delete_parameter(Name=PARAMETER)
    ssm.put_parameter(Name=PARAMETER, Value="migration", Type="String", Overwrite=False, Description="by hand")
    release_lock(ssm, named("dev"), seen)
    assert ssm.values[PARAMETER] == "migration"


def test_a_long_lock_written_by_hand_is_shown_in_one_short_line_and_without_a_secret() -> None:
    long = read_lock(FakeParameters({PARAMETER: "line\n" * 400}), named("dev"))
    secret = read_lock(FakeParameters({PARAMETER: "ghp_" + "x" * 36}), named("dev"))
    assert long is not None
    assert secret is not None
    assert len(long.sentence("dev").splitlines()[0]) == len(long.sentence("dev")) < 120
    assert "ghp_" not in secret.sentence("dev")


def test_a_deployment_that_finds_its_own_lock_after_a_lost_answer_has_it() -> None:
    ssm = _AnswerLost()
    with locked(ssm, named("dev"), JANE, "deploy") as lock:
        assert read_lock(ssm, named("dev")) == lock
    assert ssm.values == {}


@pytest.mark.parametrize("code", ["ParameterAlreadyExists", "TooManyUpdates"])
def test_a_lock_that_comes_or_goes_at_this_very_moment_refuses(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_EndsJustNow, "code", code)
    with (
        pytest.raises(Locked, match="dev is locked by someone: began or ended"),
        locked(_EndsJustNow(), named("dev"), JANE, "x"),
    ):
        pytest.fail("two at once")


def test_an_error_of_aws_is_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_EndsJustNow, "code", "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"), locked(_EndsJustNow(), named("dev"), JANE, "deploy"):
        pytest.fail("not locked")
    ssm = _Failing()
    ssm.refused = "get_parameter"
    with pytest.raises(ClientError, match="Expired"):
        expect_unlocked(ssm, named("dev"))


def _work_while_credentials_expire(operation: str, error: Exception | None = None, *, local: bool = False) -> None:
    ssm = _Failing()
    with locked(ssm, named("dev"), JANE, "deploy", local=local):
        ssm.refused = operation
        if error:
            raise error


@pytest.mark.parametrize("operation", ["get_parameter", "delete_parameter"])
def test_a_failed_release_of_the_lock_does_not_hide_the_error(operation: str) -> None:
    with pytest.raises(UserError, match="the deployment failed"):
        _work_while_credentials_expire(operation, UserError("the deployment failed"))


@pytest.mark.parametrize("operation", ["get_parameter", "delete_parameter"])
def test_after_success_a_lock_that_cannot_be_released_is_reported(operation: str) -> None:
    with pytest.raises(UserError, match="lock on dev could not be released") as raised:
        _work_while_credentials_expire(operation)
    assert raised.value.hint.endswith("./agora unlock dev")
    with pytest.raises(UserError) as rehearsed:
        _work_while_credentials_expire(operation, local=True)
    assert rehearsed.value.hint.endswith("./agora unlock dev --local")


def test_a_lock_says_in_json_who_since_when_and_what_for() -> None:
    lock = EnvironmentLock("7", "Developer/jane", "2026-11-23T12:00:00+00:00", "deploy")
    ssm = FakeParameters({PARAMETER: json.dumps(asdict(lock))})
    assert read_lock(ssm, named("dev")) == lock
    assert lock.sentence("dev") == "dev is locked by Developer/jane since 2026-11-23 12:00:00 UTC: deploy"


DEAD = replace(this_process(), started="1")
ELSEWHERE = replace(this_process(), host="another", started="1")


def _left_by(process: ProcessIdentity | None) -> FakeParameters:
    lock = EnvironmentLock("7", "Developer/jane", "2026-11-23T12:00:00+00:00", "deploy", process)
    return FakeParameters({PARAMETER: json.dumps(asdict(lock))})


def test_in_a_rehearsal_the_lock_of_a_dead_process_of_this_machine_is_released_with_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for meet in (expect_unlocked, lambda ssm, name, local: locked(ssm, name, JOE, "deploy", local=local).__enter__()):
        meet(_left_by(DEAD), named("dev"), local=True)
        said = " ".join(capsys.readouterr().err.split())
        assert f"Released the lock on dev: process {DEAD.pid}, which locked it for deploy, has ended." in said


def test_on_aws_it_is_named_as_dead_and_stays() -> None:
    ssm = _left_by(DEAD)
    with pytest.raises(Locked) as refused:
        expect_unlocked(ssm, named("dev"))
    assert refused.value.message.endswith(f"deploy (its process {DEAD.pid} on this machine has ended)")
    assert refused.value.hint.endswith("then: ./agora unlock dev")
    assert PARAMETER in ssm.values


@pytest.mark.parametrize("process", [this_process(), ELSEWHERE, None])
def test_a_lock_that_may_be_in_use_stays_in_a_rehearsal_too(process: ProcessIdentity | None) -> None:
    ssm = _left_by(process)
    with pytest.raises(Locked) as refused:
        expect_unlocked(ssm, named("dev"), local=True)
    assert "ended" not in refused.value.message
    assert PARAMETER in ssm.values


def test_a_lock_of_an_earlier_version_is_read_still() -> None:
    old = {"id": "7", "who": "Developer/jane", "since": "2026-11-23T12:00:00+00:00", "doing": "deploy"}
    expected = EnvironmentLock(old["id"], old["who"], old["since"], old["doing"])
    assert read_lock(FakeParameters({PARAMETER: json.dumps(old)}), named("dev")) == expected
    damaged = read_lock(FakeParameters({PARAMETER: json.dumps({**old, "process": {"pid": "x"}})}), named("dev"))
    assert damaged == expected
