"""The secrets that a container reads when it starts."""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import Any

from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.stopping import TaskStopped
from portside.emulator.ministack_modules import secretsmanager, ssm

_LOGIN = "unable to get registry auth from asm"
_NOT_FOUND = "ResourceNotFoundException: Secrets Manager can't find the specified secret."


def check(launch: Launch, container: dict[str, Any]) -> None:
    """Raise TaskStopped unless every secret can be read; no value is stored.

    A fault also applies to a container that reads no secret, or no JSON field.
    """
    missing = launch.fault(container, "missing-secret") is not None
    denied = launch.fault(container, "secret-denied") is not None
    without_field = launch.fault(container, "missing-json-field") is not None
    secrets = [(secret["name"], *_location(secret["valueFrom"])) for secret in container.get("secrets", [])]
    if (missing or denied or without_field) and not secrets:
        arn = f"arn:aws:secretsmanager:{launch.region}:{launch.account}:secret:{container['name']}-fault"
        secrets = [("FAULT", arn, None)]
    for number, (variable, arn, field) in enumerate(secrets):
        if missing:
            raise _no_such_secret(arn)
        if denied:
            raise _denied(launch, arn)
        if without_field and (field or number == len(secrets) - 1):
            raise _no_such_field(field or variable)
        if _is_scheduled_for_deletion(arn):
            raise _marked_for_deletion(arn)
        value = _value_at(arn)
        if value is None:
            raise _no_such_secret(arn)
        if field and field not in _json_fields(value):
            raise _no_such_field(field)


def check_registry_login(launch: Launch, container: dict[str, Any]) -> None:
    """Raise TaskStopped unless the login for the image's registry can be read, in the words of ECS's agent.

    https://github.com/aws/amazon-ecs-agent/blob/master/ecs-agent/utils/asm
    """
    arn = (container.get("repositoryCredentials") or {}).get("credentialsParameter")
    if not arn:
        return
    fetching = f"asm fetching secret from the service for {arn}: "
    if launch.fault(container, "secret-denied"):
        raise _unreadable(f"{fetching}{_access_denied(launch, arn)}", _LOGIN)
    value = None if _is_scheduled_for_deletion(arn) else _value_at(arn)
    if value is None:
        raise _unreadable(f"{fetching}{_NOT_FOUND}", _LOGIN)
    fields = _json_fields(value)
    if not fields:
        raise _unreadable("asm fetching authorization data: unable to unmarshal secret value, invalid schema", _LOGIN)
    for field in ("username", "password"):
        if field not in fields:
            raise _unreadable(f"asm fetching {field}: AuthorizationData is malformed, empty field", _LOGIN)


def value_of(value_from: str) -> str | None:
    """The value that a container gets for a readable secret."""
    arn, field = _location(value_from)
    value = _value_at(arn)
    return str(json.loads(value)[field]) if value and field else value


def _value_at(arn: str) -> str | None:
    return _secret_value(arn) if ":secretsmanager:" in arn else ssm.resolve_parameter_value(arn)


def _location(value_from: str) -> tuple[str, str | None]:
    """The ARN (or parameter name) and the JSON field of a container secret's `valueFrom`."""
    parts = value_from.split(":")
    if ":secretsmanager:" not in value_from:
        return value_from, None
    return ":".join(parts[:7]), (parts[7] or None) if len(parts) > 7 else None


def _secret_value(arn: str) -> str | None:
    """By its ARN, with or without the six random characters; ministack accepts any prefix of an ARN."""
    secret = _secret(arn)
    return secretsmanager.resolve_secret_string(secret["ARN"]) if secret else None


def _secret(arn: str) -> dict[str, Any] | None:
    secret: dict[str, Any] | None = secretsmanager._resolve(arn, use_arn_scope=True)[1]
    if secret and arn in (secret["ARN"], secret["ARN"][:-7]):
        return secret
    return next((each for each in secretsmanager._secrets.values() if each["ARN"][:-7] == arn), None)


def _is_scheduled_for_deletion(arn: str) -> bool:
    secret = _secret(arn) if ":secretsmanager:" in arn else None
    return bool(secret and secret.get("DeletedDate"))


def _json_fields(value: str) -> frozenset[str]:
    with contextlib.suppress(ValueError):
        decoded = json.loads(value)
        if isinstance(decoded, dict):
            return frozenset(decoded)
    return frozenset()


def _unreadable(detail: str, failed: str = "unable to retrieve secret from asm") -> TaskStopped:
    return TaskStopped(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        f"{failed}: service call has been retried 1 time(s): {detail}"
    )


def _no_such_secret(arn: str) -> TaskStopped:
    return _unreadable(f"failed to fetch secret {arn} from secrets manager: {_NOT_FOUND}")


def _marked_for_deletion(arn: str) -> TaskStopped:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html"""
    return _unreadable(
        f"failed to fetch secret {arn} from secrets manager: InvalidRequestException: You can't perform this operation "
        "on the secret because it was marked for deletion."
    )


def _denied(launch: Launch, arn: str) -> TaskStopped:
    return _unreadable(f"failed to fetch secret {arn} from secrets manager: {_access_denied(launch, arn)}")


def _access_denied(launch: Launch, arn: str) -> str:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html"""
    role = str(launch.task_definition.get("executionRoleArn", "")).rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{launch.account}:assumed-role/{role}/{launch.task_id}"
    return (
        f"AccessDeniedException: User: {principal} is not "
        f"authorized to perform: secretsmanager:GetSecretValue on resource: {arn} because no identity-based "
        f"policy allows the secretsmanager:GetSecretValue action status code: 400, request id: {uuid.uuid4()}"
    )


def _no_such_field(name: str) -> TaskStopped:
    return _unreadable(f"retrieved secret from Secrets Manager did not contain json key {name}")
