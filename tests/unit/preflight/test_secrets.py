"""Verifying secrets: there, complete, and readable by the roles that read them; what they hold is never shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portside.config.deferred_values import DatabaseSecret
from portside.config.service_props import DATABASE, Call, ServiceSecret
from portside.findings.check import FAIL, OK, SKIP
from portside.findings.finding import Finding
from portside.preflight import secrets
from portside.preflight.context import Context
from tests.unit.operations_support import NOON, client_error, stack
from tests.unit.verification_support import (
    ACCOUNT,
    FakeClient,
    by_subject,
    configuration_with,
    context,
    deployed,
    resource_of,
)

NAME = "app-token"
ARN = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{NAME}-AbCdEf"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/the-role"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
SOUND = {"ARN": ARN, "Name": NAME, "VersionIdsToStages": {"1": ["AWSCURRENT"]}}
READ = f"secret {NAME}: read by app"


def template(*, granted: bool = True, role: str = "Role") -> dict[str, Any]:
    statement = {"Resource": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{NAME}-??????"}
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Statement": [statement]}}}
    definition = {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {"ExecutionRoleArn": {"Fn::GetAtt": [role, "Arn"]}},
    }
    return {"Resources": {"Definition": definition, **({"Policy": policy} if granted else {})}}


def about(
    secret: Any = SOUND,
    *,
    value: Any = None,
    decide: Callable[..., str] = lambda **_: "allowed",
    field: str | None = None,
    is_deployed: bool = True,
    granted: bool = True,
    is_local: bool = False,
    new: list[Any] | None = None,
    **clients: Any,
) -> Context:
    given = {"describe_secret": secret, "get_secret_value": value}

    def simulate(**arguments: Any) -> dict[str, Any]:
        return {"EvaluationResults": [{"EvalDecision": decide(**arguments)}]}

    configuration = configuration_with({"public": True, "container_secrets": [ServiceSecret(NAME, "TOKEN", field)]})
    stacks = {"agora-dev-app": deployed(template(granted=granted), resources=[resource_of("R", "the-role", "Role")])}
    return context(
        {"secretsmanager": FakeClient(**given), "iam": FakeClient(simulate_principal_policy=simulate), **clients},
        configuration=configuration,
        stacks=stacks if is_deployed else {},
        new=new or [],
        is_local=is_local,
    )


def found(context: Context) -> dict[str, Finding]:
    return by_subject(secrets.questions(context), context)


def test_a_sound_secret_is_ok() -> None:
    assert {name: check.state for name, check in found(about()).items()} == {f"secret {NAME}": OK, READ: OK}


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (client_error("ResourceNotFoundException", "no"), "does not exist"),
        (SOUND | {"DeletedDate": NOON}, "is scheduled for deletion (2026-11-23)"),
        (SOUND | {"VersionIdsToStages": {"1": ["AWSPREVIOUS"]}}, "has no value yet"),
    ],
)
def test_a_secret_that_tasks_could_not_get_fails_with_the_command_that_fixes_it(secret: Any, said: str) -> None:
    check = found(about(secret))[f"secret {NAME}"]
    assert check.state == FAIL
    assert said in check.what
    assert "aws secretsmanager " in check.fix


def test_a_rehearsal_makes_its_secrets_itself() -> None:
    check = found(about(client_error("ResourceNotFoundException", "no"), is_local=True))[f"secret {NAME}"]
    assert (check.state, check.fix) == (FAIL, "A rehearsal makes it: ./agora deploy dev --local")


def test_nothing_more_is_read_about_a_secret_that_does_not_exist() -> None:
    assert found(about(client_error("ResourceNotFoundException", "no")))[READ].state == SKIP


def test_a_name_that_ends_like_an_arn_fails() -> None:
    check = secrets.existing(about(), "app-secret", SOUND)
    assert (check.state, "ends like an ARN" in check.what) == (FAIL, True)


FIELDS = f"secret {NAME}: fields"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ('{"dsn": "hidden-value"}', OK),
        ('{"other": "hidden-value"}', FAIL),
        ('["dsn", "hidden-value"]', FAIL),
        ("hidden-value", FAIL),
    ],
)
def test_fields_are_searched_by_name_and_no_value_is_shown(text: str, state: str) -> None:
    check = found(about(value={"SecretString": text}, field="dsn"))[FIELDS]
    assert check.state == state
    assert "hidden-value" not in f"{check}"


def test_a_binary_value_is_refused() -> None:
    check = found(about(value={"SecretBinary": b"hidden-value"}, field="dsn"))[FIELDS]
    assert (check.state, check.what) == (FAIL, "its value is binary, and ECS passes only text to containers")
    assert "hidden-value" not in f"{check}"


@pytest.mark.parametrize(
    ("value", "state"),
    [('{"username": "me", "password": "hunter2"}', OK), ('{"username": "me"}', FAIL), ("hunter2", FAIL)],
)
def test_the_login_of_a_registry_needs_both_fields(value: str, state: str) -> None:
    """The secret is checked like any other: that it exists, and that the execution role reads it."""
    configuration = configuration_with({"public": True, "registry_credentials": NAME})
    checks = found(replace(about(value={"SecretString": value}), configuration=configuration))
    assert set(checks) == {f"secret {NAME}", f"secret {NAME}: fields", READ}
    check = checks[f"secret {NAME}: fields"]
    assert check.state == state
    assert "hunter2" not in f"{check.what}{check.fix}"
    assert check.state == OK or 'FILE has {"username": "…", "password": "…"}' in check.fix


def test_fields_are_not_known_without_the_right_to_read() -> None:
    refused = client_error("AccessDeniedException", "not authorized to perform: secretsmanager:GetSecretValue on")
    check = found(about(value=refused, field="dsn"))[FIELDS]
    assert (check.state, check.what) == (SKIP, "these credentials lack the right secretsmanager:GetSecretValue")


def test_a_value_that_no_one_asks_a_field_of_is_not_read() -> None:
    asked = about()
    found(asked)
    assert [operation for operation, _ in asked.client("secretsmanager").asked] == ["describe_secret"]


def test_before_the_first_deployment_no_one_knows_who_will_read() -> None:
    check = found(about(is_deployed=False))[READ]
    assert (check.state, check.what) == (SKIP, "its execution role is made by the first deployment")


def test_a_role_that_this_deployment_makes_is_not_known(tmp_path: Path) -> None:
    new = [stack("agora-dev-app", template(role="AnotherRole"), tmp_path)]
    check = found(about(new=new))[READ]
    assert (check.state, check.what) == (SKIP, "its execution role is made by this deployment")


def test_a_role_that_lost_the_right_that_its_stack_gave_fails() -> None:
    check = found(about(decide=lambda **_: "implicitDeny"))[READ]
    assert check.state == FAIL
    assert "--drift" in check.fix


def by_addition(**arguments: Any) -> str:
    return "allowed" if "PolicyInputList" in arguments else "implicitDeny"


def test_a_right_that_this_deployment_adds_counts() -> None:
    check = found(about(granted=False, decide=by_addition))[READ]
    assert (check.state, check.what) == (OK, "this deployment gives the-role the right")


def test_a_right_that_is_denied_whatever_is_added_fails() -> None:
    check = found(about(granted=False, decide=lambda **_: "explicitDeny"))[READ]
    assert (check.state, "permissions boundary" in check.fix) == (FAIL, True)


def test_a_role_that_no_longer_exists_is_not_known() -> None:
    iam = FakeClient(simulate_principal_policy=client_error("NoSuchEntity", "no role"))
    assert found(about(iam=iam))[READ].state == SKIP


def key(state: str = "Enabled", manager: str = "CUSTOMER", principal: Any = "someone") -> FakeClient:
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}}]}
    described = {"Arn": KEY, "KeyState": state, "KeyManager": manager}
    return FakeClient(describe_key={"KeyMetadata": described}, get_key_policy={"Policy": json.dumps(policy)})


def only_reading(**arguments: Any) -> str:
    return "allowed" if arguments["ActionNames"] == ["secretsmanager:GetSecretValue"] else "implicitDeny"


@pytest.mark.parametrize(
    ("kms", "decide", "state"),
    [
        (key(), lambda **_: "allowed", OK),
        (key(manager="AWS"), only_reading, OK),
        (key(), only_reading, FAIL),
        (key(principal=ROLE), only_reading, SKIP),
        (key(state="PendingDeletion"), lambda **_: "allowed", FAIL),
    ],
)
def test_a_key_of_the_accounts_own_must_serve_the_role_too(
    kms: FakeClient, decide: Callable[..., str], state: str
) -> None:
    checks = found(about(SOUND | {"KmsKeyId": KEY}, decide=decide, kms=kms))
    assert checks[READ].state == OK
    assert checks[f"secret {NAME}: key"].state == state


def test_aws_own_key_is_not_looked_at() -> None:
    assert f"secret {NAME}: key" not in found(about(SOUND | {"KmsKeyId": "alias/aws/secretsmanager"}))


DATABASE_SERVICE = {
    "public": True,
    "container_secrets": [ServiceSecret(DatabaseSecret("password"), "PASSWORD")],
    "calls": [Call(DATABASE, 27017)],
}


@pytest.mark.parametrize(
    ("resources", "secret", "state"),
    [
        ([], SOUND, SKIP),
        ([resource_of("AWS::SecretsManager::Secret", ARN)], SOUND, OK),
        ([resource_of("AWS::SecretsManager::Secret", ARN)], SOUND | {"DeletedDate": NOON}, FAIL),
        ([resource_of("AWS::SecretsManager::Secret", ARN)], client_error("ResourceNotFoundException", "no"), FAIL),
    ],
)
def test_the_databases_secret_is_there_as_long_as_the_database(
    resources: list[Mapping[str, Any]], secret: Any, state: str
) -> None:
    configuration = configuration_with(DATABASE_SERVICE)
    stacks = {"agora-dev-docdb-v8": deployed(resources=resources)}
    asked = context({"secretsmanager": FakeClient(describe_secret=secret)}, configuration=configuration, stacks=stacks)
    assert found(asked)["secret of the database"].state == state
