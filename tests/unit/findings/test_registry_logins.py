"""Images that tasks pull with the login in a secret: what is wrong with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portside.aws.configured import ConfiguredSecret
from portside.findings import start_rules
from portside.findings.finding import Finding
from portside.findings.rule_context import RuleContext
from tests.unit.diagnosis_support import evidence, service, task

SECRETS = (
    ConfiguredSecret("agora-sentry-dsn", "SENTRY_DSN", None),
    ConfiguredSecret("agora/registry", "", "username"),
    ConfiguredSecret("agora/registry", "", "password"),
)
PULL = (
    "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
    "ghcr.io/sage-bionetworks/agora-app:edge: "
)
ASM = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable "
    "to get registry auth from asm: service call has been retried 1 time(s): "
)


def found(words: str) -> Finding:
    stopped = task(words)
    asked = service("agora-app", stopped)
    asked = replace(asked, asked=replace(asked.asked, secrets=SECRETS))
    finding = start_rules.start_failure(RuleContext(evidence(asked), asked, stopped))
    assert finding
    return finding


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            "failed to authorize: failed to fetch oauth token: unexpected status from GET request to "
            "https://ghcr.io/token?scope=repository%3Aapp%3Apull: 401 Unauthorized",
            "the user name or password in secret agora/registry is wrong, or has no access to it",
        ),
        (
            "pulling from host ghcr.io failed with status code [manifests edge]: 403 Forbidden",
            "the login in secret agora/registry has no access to it, or it does not exist",
        ),
    ],
)
def test_a_refused_login_names_its_secret(words: str, why: str) -> None:
    finding = found(PULL + words)
    assert finding.code == "IMAGE_DENIED"
    assert finding.what.endswith(f"does not let Fargate pull ghcr.io/sage-bionetworks/agora-app:edge: {why}")
    assert "put-secret-value --secret-id agora/registry" in finding.fix
    assert '"username"' in finding.fix


def test_a_secret_that_is_no_login_is_named_although_aws_does_not() -> None:
    finding = found(ASM + "asm fetching authorization data: unable to unmarshal secret value, invalid schema")
    assert finding.code == "SECRET_FIELD.REGISTRY"
    assert "secret agora/registry is not a JSON object with the username and password" in finding.what
    assert "put-secret-value --secret-id agora/registry" in finding.fix


def test_a_missing_secret_is_made_with_both_fields() -> None:
    arn = "arn:aws:secretsmanager:us-east-1:607346494281:secret:agora/registry"
    finding = found(
        f"{ASM}asm fetching secret from the service for {arn}: ResourceNotFoundException: Secrets Manager can't find "
        "the specified secret."
    )
    assert finding.code == "SECRET_MISSING"
    assert "create-secret --name agora/registry" in finding.fix
    assert "username" in finding.fix
    assert "password" in finding.fix
