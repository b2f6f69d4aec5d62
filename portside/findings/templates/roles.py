"""Roles against what is done with them: who assumes them, and what a task needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portside.config.image_reference import ecr_repository
from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.grants import EXEC, principals, rights_of, trusts
from portside.findings.templates.rule import over, over_assembly, wrong
from portside.findings.templates.service import services, task_definition_of
from portside.findings.templates.task_definition import containers_of, runs_on_fargate
from portside.findings.templates.values import (
    Handle,
    Text,
    Unknown,
    fields,
    flag,
    is_known,
    is_open,
    many,
    objects,
    text,
)

_TASKS = "ecs-tasks.amazonaws.com"
# Who assumes the role of a property.
_ASSUMED: tuple[tuple[str, str, str], ...] = (
    ("ECS::TaskDefinition", "ExecutionRoleArn", _TASKS),
    ("ECS::TaskDefinition", "TaskRoleArn", _TASKS),
    ("EC2::FlowLog", "DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),
    ("Lambda::Function", "Role", "lambda.amazonaws.com"),
)
_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
_SECRET, _PARAMETER, _DECRYPT = ("secretsmanager:GetSecretValue",), ("ssm:GetParameters",), ("kms:Decrypt",)
_TOKEN, _PULL = ("ecr:GetAuthorizationToken",), ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


@dataclass(frozen=True)
class Need:
    """A right that a task's role needs, on which resource, and for which purpose."""

    row: str
    actions: tuple[str, ...]
    resource: Any
    why: str


@over_assembly
def trust(assembly: Assembly) -> Iterator[Finding]:
    """Roles that don't trust who has to assume them."""
    for kind, key, service in _ASSUMED:
        for resource in assembly.of_type(kind):
            role = assembly.resource(resource.get(key), "IAM::Role")
            if role is not None and not trusts(role, service):
                sentence = f"must be assumed by {service}, as {key} of {resource.logical_id}, and does not trust it"
                yield wrong("TRUST", role, sentence, at="AssumeRolePolicyDocument")


@over("ECS::TaskDefinition")
def execution_rights(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Execution roles that may not do what a task's start needs."""
    needs = list(_needs(assembly, resource))
    if "ExecutionRoleArn" not in resource.properties:
        wanting = [each for each in needs if each.row != "RIGHT_LOGS" or runs_on_fargate(assembly, resource)]
        if wanting:
            yield wrong("EXECUTION_ROLE", resource, f"has no execution role, which {wanting[0].why} needs")
        return
    role = assembly.resource(resource.get("ExecutionRoleArn"), "IAM::Role")
    yield from _denied(assembly, role, needs)


def _denied(assembly: Assembly, role: Resource | None, needs: list[Need]) -> Iterator[Finding]:
    if role is None:
        return
    rights = rights_of(assembly, role)
    for need in needs:
        if lacking := rights.lacking(assembly, need.actions, need.resource):
            yield wrong(need.row, role, f"may not {', '.join(lacking)}, which {need.why} needs")


def _needs(assembly: Assembly, resource: Resource) -> Iterator[Need]:
    drivers = []
    for container in containers_of(resource):
        name = container.get("Name")
        yield from _of_image(container.get("Image"), f"the image of {name}")
        for each in objects(container.get("Secrets")):
            yield from _of_secret(assembly, each.get("ValueFrom"), f"the secret {each.get('Name')} of {name}")
        credentials = fields(container.get("RepositoryCredentials")).get("CredentialsParameter")
        if credentials is not None:
            yield from _of_secret(assembly, credentials, f"the registry's password of {name}")
        drivers.append((container.get("LogConfiguration"), f"the log of {name}"))
    for service in services(assembly):
        if resource.is_of(service.get("TaskDefinition")):
            connect = fields(service.get("ServiceConnectConfiguration"))
            drivers.append((connect.get("LogConfiguration"), "the log of Service Connect"))
    for driver, why in drivers:
        yield from _of_logs(assembly, fields(driver), why)


def _of_image(image: Any, why: str) -> Iterator[Need]:
    parts = image.parts if isinstance(image, Text) else (image,)
    known = "".join(each for each in parts if isinstance(each, str))
    repositories = [each for each in parts if isinstance(each, Handle)]
    found = ecr_repository(known)
    if isinstance(image, Unknown) or not (".dkr.ecr." in known or (repositories and image != parts[0]) or found):
        return
    yield Need("RIGHT_IMAGE", _TOKEN, None, why)
    if found:
        yield Need("RIGHT_IMAGE", _PULL, found.arn, why)
    else:
        yield Need("RIGHT_IMAGE", _PULL, repositories[0] if len(repositories) == 1 else None, why)


def _of_secret(assembly: Assembly, value: Any, why: str) -> Iterator[Need]:
    first = value.parts[0] if isinstance(value, Text) else value
    if isinstance(first, Handle):
        secret = assembly.resource(first)
        if secret is None or secret.type not in ("AWS::SecretsManager::Secret", "AWS::SSM::Parameter"):
            return
        is_secret = secret.type.endswith("::Secret")
        yield Need("RIGHT_SECRET", _SECRET if is_secret else _PARAMETER, first, why)
        key = secret.get("KmsKeyId")
        if is_secret and assembly.resource(key, "KMS::Key"):
            yield Need("RIGHT_KEY", _DECRYPT, key, why)
    elif isinstance(first, str) and ":secretsmanager:" in first:
        # A field, version and stage may follow the ARN, which has seven parts.
        arn = ":".join(value.split(":")[:7]) if isinstance(value, str) else None
        yield Need("RIGHT_SECRET", _SECRET, arn, why)
    elif isinstance(value, str) and not value.startswith("arn:"):
        yield Need("RIGHT_SECRET", _PARAMETER, None, why)


def _of_logs(assembly: Assembly, driver: dict[str, Any], why: str) -> Iterator[Need]:
    group = fields(driver.get("Options")).get("awslogs-group")
    if driver.get("LogDriver") != "awslogs" or group is None:
        return
    if text(group):
        named = [each for each in assembly.of_type("Logs::LogGroup") if each.get("LogGroupName") == group]
        group = Handle(named[0].stack, named[0].logical_id) if named else None
    yield Need("RIGHT_LOGS", _LOGS, group, why)


@over("ECS::Service")
def exec_rights(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Task roles of services with `exec` that may not open its channels."""
    of = task_definition_of(assembly, service)
    if of is not None and flag(service.get("EnableExecuteCommand")) is True:
        role = assembly.resource(of.get("TaskRoleArn"), "IAM::Role")
        needs = [Need("RIGHT_EXEC", EXEC, None, f"exec into {service.logical_id}")]
        yield from _denied(assembly, role, needs)


@over("Logs::LogGroup")
def keys_of_logs(assembly: Assembly, group: Resource) -> Iterator[Finding]:
    """Log groups whose key does not let CloudWatch Logs use it."""
    key = assembly.resource(group.get("KmsKeyId"), "KMS::Key")
    if key is not None and not _is_for(key, "logs."):
        yield wrong("KEY_POLICY", key, f"CloudWatch Logs may not use it, which {group.logical_id} needs")


@over("SNS::Topic")
def keys_of_topics(assembly: Assembly, topic: Resource) -> Iterator[Finding]:
    """Topics of alarms whose key does not let CloudWatch use it."""
    key = assembly.resource(topic.get("KmsMasterKeyId"), "KMS::Key")
    has_alarms = any(is_notified(topic, each) for each in assembly.of_type("CloudWatch::Alarm"))
    if key is not None and has_alarms and not _is_for(key, "cloudwatch."):
        yield wrong("KEY_ALARMS", key, f"CloudWatch may not use it, which alarms on {topic.logical_id} need")


def is_notified(topic: Resource, alarm: Resource) -> bool:
    """Whether an alarm notifies a topic, which it may name by its ARN."""
    name = topic.get("TopicName")
    actions = [*many(alarm.get("AlarmActions")), *many(alarm.get("OKActions"))]
    return any(topic.is_of(each) or (text(name) and str(each).endswith(f":{name}")) for each in actions)


def _is_for(key: Resource, service: str) -> bool:
    """Whether a key's policy may let a service use it."""
    policy = key.get("KeyPolicy")
    if not isinstance(policy, dict):
        return policy is not None
    for each in many(policy.get("Statement")):
        if not isinstance(each, dict):
            return True
        named = principals(each)
        if each.get("Effect") == "Allow" and any(
            one == "*" or (not is_known(one) and _may_be(one, service)) or str(one).startswith(service) for one in named
        ):
            return True
    return False


def _may_be(value: Any, service: str) -> bool:
    return not is_open(value) or not isinstance(value, Text) or str(value.parts[0]).startswith(service)
