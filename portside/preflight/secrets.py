"""The secrets of containers: whether they exist, are complete, and readable by the execution roles."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from portside.aws.errors import is_missing
from portside.commands import FROM_FILE, Commands
from portside.config.deferred_values import DatabaseSecret
from portside.config.service_props import REGISTRY_FIELDS, REGISTRY_LOGIN, ServiceProps
from portside.config.stacks import database_stacks
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding
from portside.preflight.context import Context, NotKnown, Question, Shared, Template

_READ, _DECRYPT = "secretsmanager:GetSecretValue", "kms:Decrypt"
# The end of every secret's ARN; a name with such an ending is treated as a complete ARN:
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
_LIKE_AN_ARN = re.compile(r"-[A-Za-z0-9]{6}$")
_AWS_MANAGED = "alias/aws/secretsmanager"


class BinarySecret(Exception):
    """The value of a secret is binary."""


Secret = Mapping[str, Any]
"""The answer of DescribeSecret."""


def questions(context: Context) -> list[Question]:
    """The checks of every configured secret, and of the database's."""
    asked = []
    for name, readers in _readers(context).items():
        described = Shared(partial(_read, context, name))
        asked.append(Question(f"secret {name}", partial(_ask_existence, name, described)))
        fields = list(dict.fromkeys(field for _, field in readers if field is not None))
        if fields:
            subject = f"secret {name}: fields"
            asked.append(Question(subject, partial(_ask_fields, subject, name, fields, described)))
        for props in dict.fromkeys(reader.container_name for reader, _ in readers):
            reader = next(each for each in context.services if each.container_name == props)
            subject = f"secret {name}: read by {props}"
            asked.append(Question(subject, partial(_ask_readable, subject, name, reader, described)))
    if any(isinstance(secret.secret_name, DatabaseSecret) for _, secret in _secrets(context)):
        asked.append(Question("secret of the database", database_secret))
    return asked


def _secrets(context: Context) -> list[tuple[ServiceProps, Any]]:
    return [(props, secret) for props in context.services for secret in props.container_secrets]


def _readers(context: Context) -> dict[str, list[tuple[ServiceProps, str | None]]]:
    """By secret, who reads it and which JSON field of it; None for the whole."""
    readers: dict[str, list[tuple[ServiceProps, str | None]]] = {}
    for props in context.services:
        for name, field in props.read_secrets:
            readers.setdefault(name, []).append((props, field))
    return readers


def _read(context: Context, name: str) -> Secret | None:
    from botocore.exceptions import ClientError

    try:
        found: Secret = context.client("secretsmanager").describe_secret(SecretId=name)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return found


def _ask_existence(name: str, described: Shared[Secret | None], context: Context) -> Finding:
    return existing(context, name, described())


def existing(context: Context, name: str, secret: Secret | None) -> Finding:
    """Whether there is a secret of this name that will stay, has a value, and is found by its name."""
    subject = f"secret {name}"
    aws = context.commands.aws
    place = f"account {context.environment.account}, region {context.environment.region}"
    if secret is None:
        if context.target.is_local:
            make = f"A rehearsal makes it: {context.commands.tool('deploy')}"
        else:
            create = aws("secretsmanager", "create-secret", name=name, secret_string=FROM_FILE)
            make = f"Create it: {context.commands.fix(create)}"
        return fail(subject, f"does not exist in {place}", make)
    if secret.get("DeletedDate"):
        hint = f"Bring it back: {context.commands.fix(aws('secretsmanager', 'restore-secret', secret_id=name))}"
        return fail(subject, f"is scheduled for deletion ({secret['DeletedDate']:%Y-%m-%d})", hint)
    if _LIKE_AN_ARN.search(name):
        hint = "Create it under a name with another ending, and write that in app.py."
        return fail(subject, "its name ends like an ARN, so ECS may not find it by name", hint)
    if not any("AWSCURRENT" in stages for stages in secret.get("VersionIdsToStages", {}).values()):
        put = aws("secretsmanager", "put-secret-value", secret_id=name, secret_string=FROM_FILE)
        hint = f"Give it one: {context.commands.fix(put)}"
        return fail(subject, "has no value yet", hint)
    return ok(subject, f"exists in {place}")


def _usable(secret: Secret | None) -> Secret:
    if secret is None:
        raise NotKnown("there is no such secret")
    if secret.get("DeletedDate"):
        raise NotKnown("the secret is scheduled for deletion")
    return secret


def _ask_fields(
    subject: str, name: str, fields: list[str], described: Shared[Secret | None], context: Context
) -> Finding:
    secret = _usable(described())
    try:
        there = _field_names(context, str(secret["ARN"]))
    except BinarySecret:
        put = context.commands.aws("secretsmanager", "put-secret-value", secret_id=name, secret_string=FROM_FILE)
        found = "its value is binary, and ECS passes only text to containers"
        return fail(subject, found, f"Store it as text: {context.commands.fix(put)}")
    return having_fields(subject, fields, there, name, context.commands)


def _field_names(context: Context, arn: str) -> frozenset[str] | None:
    """The names of a secret's JSON fields, and nothing else of it; None where it is no JSON object.

    Raises `BinarySecret` where its value is binary.
    """
    value = context.client("secretsmanager").get_secret_value(SecretId=arn)
    if "SecretString" not in value:
        raise BinarySecret
    try:
        content = json.loads(value["SecretString"])
    except ValueError:
        return None
    return frozenset(content) if isinstance(content, dict) else None


def having_fields(
    subject: str, fields: list[str], there: frozenset[str] | None, name: str, commands: Commands
) -> Finding:
    """Whether a secret has the fields that containers are given."""
    put = commands.aws("secretsmanager", "put-secret-value", secret_id=name, secret_string=FROM_FILE)
    hint = f"Put it in, or correct json_field in app.py: {commands.fix(put, then='replaces the whole value')}"
    if set(REGISTRY_FIELDS) <= set(fields):
        hint = f"Store the login of the registry: {commands.fix(put, then=f'FILE has {REGISTRY_LOGIN}')}"
    if there is None:
        return fail(subject, f"it is no JSON object, so it has no field {', '.join(fields)}", hint)
    missing = [field for field in fields if field not in there]
    if missing:
        return fail(subject, f"it has no field {', '.join(missing)}", hint)
    return ok(subject, f"it has {', '.join(fields)}")


def _ask_readable(
    subject: str, name: str, reader: ServiceProps, described: Shared[Secret | None], context: Context
) -> list[Finding]:
    secret = _usable(described())
    role = _execution_role(context, context.stack_of(reader))
    checks = [readable(context, subject, name, secret, reader, role)]
    key = str(secret.get("KmsKeyId") or _AWS_MANAGED)
    if key.rpartition(":")[2] != _AWS_MANAGED:
        checks.append(decryptable(context, f"secret {name}: key", key, role))
    return checks


def _execution_role(context: Context, stack: str) -> str:
    """The ARN of the role with which the tasks of a stack will be started, where it exists already."""
    from_templates = context.deployed().get(stack)
    before = _role_id(from_templates) if from_templates else None
    if before is None:
        raise NotKnown("its execution role is made by the first deployment")
    new = context.new_templates().get(stack)
    if new is not None and _role_id(new.template) != before:
        raise NotKnown("its execution role is made by this deployment")
    resources = context.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    name = next((each.get("PhysicalResourceId") for each in resources if each["LogicalResourceId"] == before), None)
    if not name:
        raise NotKnown("its execution role does not exist")
    return name if name.startswith("arn:") else f"arn:aws:iam::{context.environment.account}:role/{name}"


def _role_id(template: Template) -> str | None:
    for resource in template.get("Resources", {}).values():
        if resource["Type"] == "AWS::ECS::TaskDefinition":
            role = resource["Properties"].get("ExecutionRoleArn")
            return str(role["Fn::GetAtt"][0]) if isinstance(role, dict) and "Fn::GetAtt" in role else None
    return None


def readable(context: Context, subject: str, name: str, secret: Secret, reader: ServiceProps, role: str) -> Finding:
    """Whether IAM lets the execution role read the secret, with what this deployment adds to the role."""
    arn = str(secret["ARN"])
    if _decision(context, role, _READ, arn) == "allowed":
        return ok(subject, f"{_short(role)} may")
    policies = [
        resource
        for resource in context.deployed()[context.stack_of(reader)]["Resources"].values()
        if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::Role")
    ]
    if f"secret:{name}-" in json.dumps(policies):
        return fail(
            subject,
            f"{_short(role)} may not, although its stack gave it the right",
            f"See what was changed by hand, or denies it: {context.commands.tool('verify', '--drift')}",
        )
    grant = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": _READ, "Resource": arn}]}
    if _decision(context, role, _READ, arn, json.dumps(grant)) == "allowed":
        return ok(subject, f"this deployment gives {_short(role)} the right")
    return fail(
        subject,
        f"{_short(role)} may not, and the right that this deployment adds does not change that",
        "It is denied by a permissions boundary of the role or a policy of the organisation.",
    )


def decryptable(context: Context, subject: str, key: str, role: str) -> Finding:
    """Whether the role may use the key of the account's own that the secret is encrypted with.

    The stacks grant no rights on such keys, so the key's policy or a manually added one has to.
    """
    kms = context.client("kms")
    described = kms.describe_key(KeyId=key)["KeyMetadata"]
    if described.get("KeyManager") == "AWS":
        return ok(subject, "AWS's own key")
    arn = str(described["Arn"])
    if described.get("KeyState", "Enabled") != "Enabled":
        hint = "Enable the key, or encrypt the secret with AWS's own: leave KmsKeyId out."
        return fail(subject, f"{arn} is {described['KeyState']}", hint)
    if _decision(context, role, _DECRYPT, arn) == "allowed":
        return ok(subject, f"{_short(role)} may decrypt with {arn}")
    policy = json.loads(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    principals = json.dumps([each.get("Principal") for each in policy["Statement"] if each.get("Effect") == "Allow"])
    if role in principals or '"*"' in principals:
        return skip(subject, f"the policy of {arn} decides: it names the role, or all principals under a condition")
    return fail(
        subject,
        f"{_short(role)} may not decrypt with {arn}",
        f"Let the key's policy allow kms:Decrypt to {role}, or encrypt the secret with AWS's own key.",
    )


def _decision(context: Context, role: str, action: str, resource: str, added: str | None = None) -> str:
    """IAM's decision: `allowed`, `implicitDeny` or `explicitDeny`. Raises `NotKnown` if the role does not exist."""
    from botocore.exceptions import ClientError

    more = {"PolicyInputList": [added]} if added else {}
    try:
        found = context.client("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource], **more
        )
    except ClientError as error:
        if is_missing(error):
            raise NotKnown(f"there is no role {_short(role)}") from error
        raise
    return str(found["EvaluationResults"][0]["EvalDecision"])


def _short(role: str) -> str:
    return role.rpartition("/")[2]


def database_secret(context: Context) -> Finding:
    """The password is made with the database; later its cluster and the secret must not part."""
    subject = "secret of the database"
    stack = database_stacks(context.environment)[0].name
    ids = context.physical_ids(stack, "AWS::SecretsManager::Secret")
    if not ids:
        return skip(subject, "the first deployment of the database makes it")
    secret = _read(context, ids[0])
    if secret is None or secret.get("DeletedDate"):
        found = "is scheduled for deletion" if secret else "does not exist"
        restore = context.commands.aws("secretsmanager", "restore-secret", secret_id=ids[0])
        hint = f"Bring it back: {context.commands.fix(restore)}"
        return fail(subject, f"{ids[0]} {found}, and only it holds the password", hint)
    return ok(subject, f"{secret.get('Name', ids[0])} exists")
