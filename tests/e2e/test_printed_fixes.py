"""Printed fixes of broken rehearsals, run as they are printed, by a shell that has only what set-up installs."""

from __future__ import annotations

import pytest

from tests.e2e.clone import Answer, Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# Variables that would lead an AWS CLI to a real account, if any of them got through.
ELSEWHERE = {
    "AWS_PROFILE": "prod",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER": "https://secretsmanager.us-east-1.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/credentials",
}


def pasted(clone: Clone, line: str) -> Answer:
    return clone.paste(line, **ELSEWHERE)


def aws(clone: Clone, *words: str) -> Answer:
    answer = clone.agora("local", "env", "dev", "--", "aws", *words)
    assert answer.exit_code == 0, answer.stderr
    return answer


def first_fix(clone: Clone) -> str:
    fix: str = clone.agora("diagnose", "dev", "--local", "--json").json()["verdicts"][0]["fix"]
    return fix


def expect_nothing_wrong(clone: Clone, fix: str) -> None:
    """After the printed fix, and the command that it names as the next."""
    for line in (fix, *(each for each in fix.partition("then: ")[2].split("; ")[:1] if each)):
        done = pasted(clone, line)
        assert done.exit_code == 0, done.stderr
    diagnosed = clone.agora("diagnose", "dev", "--local")
    assert diagnosed.exit_code == 0, diagnosed.stdout


def test_a_deleted_secret_and_a_service_without_tasks_are_fixed_by_what_is_printed(deployed: Clone) -> None:
    clone = deployed
    aws(clone, "secretsmanager", "delete-secret", "--secret-id", "agora-sentry-dsn", "--force-delete-without-recovery")
    assert clone.agora("redeploy", "dev", "app", "--local").exit_code == 1
    fix = first_fix(clone)
    assert fix.startswith("./agora local env dev -- aws secretsmanager create-secret ")
    expect_nothing_wrong(clone, fix)

    arns = aws(clone, "ecs", "list-clusters", "--query", "clusterArns[0]", "--output", "text").stdout.strip()
    services = aws(clone, "ecs", "list-services", "--cluster", arns, "--query", "serviceArns", "--output", "text")
    docs = next(arn for arn in services.stdout.split() if "api-docs" in arn)
    aws(clone, "ecs", "update-service", "--cluster", arns, "--service", docs, "--desired-count", "0")
    fix = first_fix(clone)
    assert " aws ecs update-service " in fix
    expect_nothing_wrong(clone, fix)


def test_a_fault_of_the_rehearsal_s_own_is_named_and_switched_off_by_what_is_printed(deployed: Clone) -> None:
    clone = deployed
    clone.edit_configuration('"SERVER_PORT": "3334",', '"SERVER_PORT": "3334", "CHANGED": "yes",')
    failed = clone.agora("deploy", "dev", "--local", "--fault", "agora-api-next=missing-secret")
    assert failed.exit_code == 1
    assert "this rehearsal injects it itself: agora-api-next=missing-secret" in failed.stderr
    fix = first_fix(clone)
    assert fix.startswith("./agora local faults --clear  # then: ./agora deploy dev --local; without the fault: ")
    expect_nothing_wrong(clone, fix)


def test_a_command_s_exit_code_is_its_own_and_a_stopped_server_s_is_refused(deployed: Clone) -> None:
    clone = deployed
    assert clone.agora("local", "env", "dev", "--", "python", "-c", "raise SystemExit(7)").exit_code == 7
    assert clone.agora("local", "env", "dev", "--", "bash", "-c", "kill -TERM $$").exit_code == -15
    assert clone.agora("local", "down").exit_code == 0
    refused = clone.agora("local", "env", "dev", "--", "aws", "sts", "get-caller-identity", **ELSEWHERE)
    assert refused.exit_code == 1
    assert "./agora local up" in refused.stderr
