"""Why a task could not read its secrets, which the agent reads before it starts the container."""

from __future__ import annotations

import json
import re

from portside.findings.finding import Finding
from portside.findings.rule_context import RuleContext, drift

ROLE = re.compile(r"(arn:aws[\w-]*:(?:iam|sts)::\d+:(?:role|assumed-role)/[^\s'\"]+)")
_SECRET_ARN = re.compile(r"arn:aws[\w-]*:secretsmanager:[\w-]+:\d+:secret:([^\s\"',:]+)")
_PARAMETER = re.compile(r"invalid parameters: ([^\s\"',\]]+)", re.I)


def secrets(context: RuleContext) -> Finding | None:
    """The secrets that the agent reads before it starts the container."""
    words = context.words
    if "ResourceInitializationError" not in words or not re.search(r"secret|ssm|registry auth", words, re.I):
        return None
    if field := re.search(r"did not contain json key ([^\s\"',:]+)", words):
        return _secret_field(context, field[1].rstrip("."))
    if re.search(r"invalid character|cannot unmarshal|unexpected end of JSON", words, re.I):
        fields = [each.field for each in context.service.asked.secrets if each.field]
        return _secret_field(context, fields[0] if fields else "")
    if re.search(r"marked for deletion|marked as deleted", words, re.I):
        name = _secret_name(context)
        return context.found(
            "SECRET_MISSING",
            f"its secret {name} is about to be deleted, so no one can read it",
            look=f"secret {name} in Secrets Manager of account {context.snapshot.account}",
            fix=_restore(context, name),
        )
    if re.search(r"AccessDenied|not authorized|access to KMS", words, re.I):
        return _secret_denied(context)
    if re.search(r"ResourceNotFoundException|can't find the specified secret|ParameterNotFound|invalid param", words):
        return _secret_missing(context)
    if re.search(r"timeout|deadline exceeded|RequestError|send request failed|dial tcp|RequestCanceled", words, re.I):
        return context.found(
            "SECRETS_UNREACHABLE",
            "its tasks reach neither Secrets Manager nor a registry; they have no way out of the network",
            look=f"routes and NAT gateways of stack agora-{context.snapshot.environment}-network",
            fix=drift(
                context, f"agora-{context.snapshot.environment}-network", f"correct that, then: {context.start_again}"
            ),
        )
    return None


def _secret_name(context: RuleContext) -> str:
    if parameter := _PARAMETER.search(context.words):
        return parameter[1]
    found = _SECRET_ARN.search(context.words)
    if found is None:
        return next((each.name for each in context.service.asked.secrets if each.name), "")
    name = found[1].rstrip(".")
    known = [each.name for each in context.service.asked.secrets if each.name]
    # The end of an ARN that Secrets Manager made up is no part of the name.
    return next((each for each in known if name == each or re.fullmatch(f"{re.escape(each)}-\\w{{6}}", name)), name)


def _secret_missing(context: RuleContext) -> Finding:
    name = _secret_name(context)
    account = context.snapshot.account
    asked = [each for each in context.service.asked.secrets if each.name == name]
    look = f"secret {name} in Secrets Manager of account {account}, region {context.snapshot.region}"
    if not asked and name and any(each.name is None for each in context.service.asked.secrets):
        return context.found(
            "SECRET_MISSING",
            f"the database's secret {name} is gone",
            look=look,
            fix=_restore(context, name),
        )
    if "staging label" in context.words:
        return context.found(
            "SECRET_MISSING",
            f"its secret {name} has no value yet",
            look=look,
            fix=_write(context, name),
        )
    return context.found(
        "SECRET_MISSING",
        f"there is no secret {name} in account {account}",
        look=look,
        fix=context.commands.fix(
            context.commands.aws("secretsmanager", "create-secret", name=name, secret_string=_value_of(context, name)),
            then=f"then: {context.start_again}",
        ),
    )


def _value_of(context: RuleContext, name: str) -> str:
    fields = {each.field: "…" for each in context.service.asked.secrets if each.name == name and each.field}
    return json.dumps(fields, ensure_ascii=False) if fields else "…"


def _restore(context: RuleContext, name: str) -> str:
    restore = context.commands.aws("secretsmanager", "restore-secret", secret_id=name)
    return context.commands.fix(restore, then=f"then: {context.start_again}")


def _write(context: RuleContext, name: str) -> str:
    put = context.commands.aws(
        "secretsmanager", "put-secret-value", secret_id=name, secret_string=_value_of(context, name)
    )
    return context.commands.fix(put, then=f"then: {context.start_again}")


def _secret_field(context: RuleContext, field: str) -> Finding:
    asked = [each for each in context.service.asked.secrets if field in (each.field, each.variable)]
    name = (asked[0].name or "of the database") if asked else _secret_name(context)
    put = context.commands.fix(
        context.commands.aws("secretsmanager", "put-secret-value", secret_id=name, secret_string="{…}"),  # nosec B106 # a placeholder
        then=f"replaces the whole value; then: {context.start_again}",
    )
    return context.found(
        "SECRET_FIELD",
        f'its secret {name} has no field "{field}"',
        look=context.field(f'ServiceSecret(…, json_field="{field}")'),
        fix=f'Add "{field}" to the secret, with all its other fields, or correct json_field in app.py: {put}',
    )


def _secret_denied(context: RuleContext) -> Finding:
    name = _secret_name(context)
    role = context.definition.execution_role if context.definition else ""
    if not role and (named := ROLE.search(context.words)):
        role = named[1]
    short = role.rpartition("/")[2] if ":role/" in role else [*role.split("/"), "", ""][1]
    if re.search(r"kms", context.words, re.I):
        fix = f"Let {short} use the key of the secret (kms:Decrypt), or keep the secret under aws/secretsmanager"
    elif "explicit deny" in context.words:
        fix = context.commands.fix(
            context.commands.aws("secretsmanager", "get-resource-policy", secret_id=name),
            then="a statement denies it: remove that",
        )
    else:
        fix = _grant(context, short, name)
    return context.found(
        "SECRET_DENIED",
        f"its execution role {short} may not read the secret {name}",
        look=f"IAM role {short}",
        fix=fix,
    )


def _grant(context: RuleContext, role: str, name: str) -> str:
    """The right that was refused, on this secret alone."""
    commands = context.commands
    if not name:
        return (
            f"Let {role or 'its execution role'} do secretsmanager:GetSecretValue on the ARN of the secret, which is "
            f"listed by: {commands.aws('secretsmanager', 'list-secrets')}"
        )
    resource = _full_arn(context, name) or commands.secret_arn(name)
    allowed = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": resource}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    put = commands.aws("iam", "put-role-policy", role_name=role, policy_name="ReadSecret", policy_document=policy)
    return commands.fix(put, then=f"the stack grants this, so it was taken away; then: {context.start_again}")


def _full_arn(context: RuleContext, name: str) -> str:
    """The secret's ARN with the six characters that Secrets Manager made up, where AWS named it so."""
    found = _SECRET_ARN.search(context.words)
    arn = found[0].rstrip(".") if found else ""
    return arn if re.search(rf":secret:{re.escape(name)}-\w{{6}}$", arn) else ""
