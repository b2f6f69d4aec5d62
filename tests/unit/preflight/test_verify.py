"""Verifying as a whole: in parallel, nothing changed, and what can't be known is never called OK."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from portside.aws.errors import why_unanswered
from portside.aws.target import Target
from portside.cli import main
from portside.errors import ConfigurationError, Problem, UserError
from portside.findings.check import FAIL, OK, SKIP, fail, ok, skip
from portside.findings.finding import Finding
from portside.preflight import account, published, run
from portside.preflight.context import NotKnown, Options, Question, Shared, answer
from portside.preflight.run import Verification
from portside.rehearsal import prepare
from portside.synthesis import cdk_cli
from tests.apps import SYNTHESIZE_AGORA, agora
from tests.unit.operations_support import client_error, stack, target
from tests.unit.verification_support import DENIED, EXPIRED, IMAGES, THROTTLED, FakeClient, configuration_with, context


def asking(outcome: Any) -> Question:
    def ask(_: object) -> Finding:
        if isinstance(outcome, Exception):
            raise outcome
        found: Finding = outcome
        return found

    return Question("subject", ask)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DENIED, "these credentials lack the right acm:DescribeCertificate"),
        (
            client_error("UnauthorizedOperation", "You are not authorized to perform this operation.", "DescribeVpcs"),
            "these credentials lack the right for DescribeVpcs",
        ),
        (THROTTLED, "AWS throttles the calls (ThrottlingException)"),
        (client_error("Throttling", "Rate exceeded"), "AWS throttles the calls (Throttling)"),
        (client_error("400", "Rate exceeded"), "AWS throttles the calls (400)"),
        (EXPIRED, "the credentials have expired or are not known (ExpiredTokenException)"),
        (NoCredentialsError(), "the credentials have expired or are not known (NoCredentialsError)"),
        (EndpointConnectionError(endpoint_url="https://x"), "AWS does not answer (EndpointConnectionError)"),
        (client_error("Odd", "Something\n odd", "DescribeX"), "AWS answers DescribeX with Odd: Something odd"),
    ],
)
def test_what_aws_refuses_to_answer_is_skipped_with_its_reason(error: Exception, said: str) -> None:
    (check,) = answer(asking(error), context()).checks
    assert check.state == SKIP
    assert check.what.startswith(said)


def test_what_only_the_embedded_aws_does_not_know_is_reported_in_a_rehearsal() -> None:
    error = client_error("InvalidAction", "Unknown EC2 action", "DescribeX")
    assert why_unanswered(error, local=True) == "the embedded AWS does not know this (DescribeX)"
    assert why_unanswered(error, local=False) == "AWS answers DescribeX with InvalidAction: Unknown EC2 action"


def test_what_is_not_known_is_skipped_and_what_is_wrong_fails() -> None:
    assert answer(asking(NotKnown("not yet")), context()).checks == (skip("subject", "not yet"),)
    assert answer(asking(UserError("wrong", "Fix it.")), context()).checks == (fail("subject", "wrong", "Fix it."),)


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        answer(asking(KeyError("x")), context())


def asked(monkeypatch: pytest.MonkeyPatch, *questions: Question) -> Verification:
    monkeypatch.setattr(run, "questions", lambda _: list(questions))
    return run.before_deployment(target({}, configuration=configuration_with()), configuration_with(), IMAGES, [])


def test_questions_are_asked_in_parallel_and_answered_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(3, timeout=10)

    def ask(subject: str) -> Question:
        def wait(_: object) -> Finding:
            together.wait()
            return ok(subject, "met the others")

        return Question(subject, wait)

    found = asked(monkeypatch, ask("a"), ask("b"), ask("c"))
    assert [check.subject for check in found.checks] == ["a", "b", "c"]


def test_credentials_that_expire_midway_fail_and_the_rest_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    good = Question(account.CREDENTIALS, lambda _: ok(account.CREDENTIALS, "jane"))
    found = asked(monkeypatch, good, asking(EXPIRED), asking(ok("other", "known before")))
    assert [(check.subject, check.state) for check in found.checks] == [
        ("credentials", FAIL),
        ("subject", SKIP),
        ("other", OK),
    ]
    assert "sso login" in found.checks[0].fix


def test_what_does_not_answer_in_time_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def wait(_: object) -> Finding:
        over.wait(10)
        return ok("slow", "too late")

    monkeypatch.setattr(run, "_LONGEST_SECONDS", 0.05)
    try:
        found = asked(monkeypatch, Question("slow", wait))
    finally:
        over.set()
    assert found.checks == (skip("slow", "no answer within 0.05 s"),)


def test_a_value_that_several_want_is_read_once_and_its_error_is_everybodys() -> None:
    read: list[int] = []

    def count() -> int:
        read.append(1)
        raise UserError("no")

    shared = Shared(count)
    for _ in range(2):
        with pytest.raises(UserError):
            shared()
    assert read == [1]


def test_what_a_deployment_asks_about_itself_is_not_in_its_way() -> None:
    found = Verification("dev", (fail("host name", "not set", ""), fail("secret x", "gone", ""), ok("form", "valid")))
    assert [check.subject for check in found.failed] == ["host name", "secret x"]
    assert [check.subject for check in found.in_the_way] == ["secret x"]


def test_as_json_has_the_result_and_the_hints() -> None:
    found = Verification("dev", (ok("a", "fine"), fail("b", "broken", "Fix it.")))
    assert found.as_json() == {
        "environment": "dev",
        "well": False,
        "checks": [
            {"subject": "a", "state": "OK", "found": "fine"},
            {"subject": "b", "state": "FAIL", "found": "broken", "hint": "Fix it."},
        ],
    }


@pytest.mark.parametrize("refusal", [THROTTLED, DENIED, EXPIRED])
def test_an_aws_that_refuses_everything_is_not_called_ok(
    refusal: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "ask_registry", lambda *_: None)

    class Refusing(FakeClient):
        def _answer(self, operation: str, arguments: Any) -> Any:
            raise refusal

    class Clients(dict[str, Any]):
        def __missing__(self, service: str) -> FakeClient:
            return Refusing()

    configuration = configuration_with()
    new = [stack("agora-dev-app", {"Resources": {}}, tmp_path)]
    found = run.before_deployment(target(Clients(), configuration=configuration), configuration, IMAGES, new)
    known = {check.subject: check.state for check in found.checks if check.state != SKIP}
    expired = {"credentials": FAIL} if refusal is EXPIRED else {}
    # The configuration, the proof, the record of dev and the templates ask no one, and the registry is not AWS's.
    unasked = dict.fromkeys(("form", "proof", "running tasks", "database: users", "image of app", "template rules"), OK)
    assert known == {**unasked, **expired}


def test_a_wrong_configuration_is_reported_as_a_failed_check() -> None:
    found = run.without_configuration("dev", ConfigurationError([Problem("ENVIRONMENTS", "wrong", "Write it so.")]))
    assert [(check.state, check.fix) for check in found.checks] == [(FAIL, "Write it so."), (SKIP, "")]


def test_without_credentials_the_rest_is_not_asked() -> None:
    found = run.without_credentials("dev", UserError("no usable AWS credentials", "Log in."))
    assert [check.state for check in found.checks] == [OK, FAIL, SKIP]


@pytest.fixture
def rehearsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """An account of a separate embedded AWS as a user makes it, before anything is deployed."""
    from portside.aws.target import local_state_dir
    from portside.emulator.client import process

    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    (tmp_path / "app.py").write_text(SYNTHESIZE_AGORA)
    monkeypatch.setattr(cdk_cli, "ROOT", tmp_path)
    configuration = agora()
    services = configuration.services_of("dev")
    try:
        yield prepare.prepare(configuration.environment("dev"), services, prepare.images_of(services, None))
    finally:
        process.down(local_state_dir(), lambda _: None)


@pytest.mark.slow
def test_the_whole_against_the_embedded_aws(rehearsed: Target, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = rehearsed.clients("secretsmanager")
    assert main.run(["verify", "dev", "--local", "--json"]) == 0
    before = {check["subject"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert before["secret agora-sentry-dsn"]["state"] == "OK"
    assert before["secret agora-sentry-dsn: read by agora-app"]["found"] == (
        "its execution role is made by the first deployment"
    )
    assert before["image of agora-apex"]["state"] == "OK"
    assert before["stacks"]["found"] == "0 can be updated, 10 would be made"
    assert before["Service Connect"]["found"].endswith("then agora-app, then agora-apex")
    assert {check["found"] for check in before.values() if check["state"] == "FAIL"} == set()

    secrets.delete_secret(SecretId="agora-sentry-dsn", ForceDeleteWithoutRecovery=True)
    found = run.verify(rehearsed, agora(), options=Options(drift=True))
    assert [check.subject for check in found.failed] == ["secret agora-sentry-dsn"]
    assert rehearsed.clients("cloudformation").describe_stacks()["Stacks"][0]["StackName"] == "CDKToolkit"

    assert main.run(["verify", "dev", "--local"]) == 1
    captured = capsys.readouterr()
    assert "FAIL secret agora-sentry-dsn\n" in captured.out
    assert "A rehearsal makes it: ./agora deploy dev --local" in captured.out
    assert "checks failed: secret agora-sentry-dsn" in captured.err


def test_what_is_shown_ends_with_a_summary_and_the_failures_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = (
        fail("certificate", "not found", "Request one."),
        skip("quota: VPCs", "denied"),
        ok("region", "us-east-1"),
        skip("quota: elastic addresses", "denied"),
    )
    monkeypatch.setattr(
        "portside.cli.verify.configured_target", lambda *_, **__: SimpleNamespace(target=0, configuration=0)
    )
    monkeypatch.setattr("portside.preflight.run.verify", lambda *_, **__: Verification("dev", checks))
    assert main.run(["verify", "dev"]) == 1
    said = capsys.readouterr()
    shown = [line.strip("└─ ") for line in said.out.splitlines() if line.strip()]
    assert shown == [
        *("FAIL certificate", "not found", "Request one."),
        *("OK   region", "us-east-1"),
        *("SKIP quota: VPCs, quota: elastic addresses", "denied"),
        "4 checks: 1 passed, 1 failed, 2 skipped.",
        *("FAIL certificate", "not found", "Request one."),
    ]
    assert "dev: 1 of 4 checks failed: certificate" in said.err


def test_a_wrong_configuration_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(**_: object) -> None:
        raise ConfigurationError([Problem("ENVIRONMENTS", "wrong", "Write it so.")])

    monkeypatch.setattr("portside.cli.verify.read_configuration", wrong)
    assert main.run(["verify", "dev"]) == 2
    said = capsys.readouterr()
    assert (said.out + said.err).count("Write it so.") == 1


def test_failures_are_not_repeated_where_nothing_is_between(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Verification("dev", (fail("certificate", "not found", "Request one."), skip("region", "denied")))
    monkeypatch.setattr(
        "portside.cli.verify.configured_target", lambda *_, **__: SimpleNamespace(target=0, configuration=0)
    )
    monkeypatch.setattr("portside.preflight.run.verify", lambda *_, **__: found)
    assert main.run(["verify", "dev"]) == 1
    assert capsys.readouterr().out.count("Request one.") == 1
