"""Terms of the rows about secrets and parameters: their names, the missing right, and the commands."""

from __future__ import annotations

import json
import re

from portside.commands import FROM_FILE
from portside.config.service_props import REGISTRY_LOGIN
from portside.findings.rule_context import RuleContext
from portside.findings.words import Groups, Terms

_SECRET_ARN = re.compile(r"arn:aws[\w-]*:secretsmanager:[\w-]+:\d+:secret:([^\s\"',:]+)")
_PARAMETER_ARN = re.compile(r"arn:aws[\w-]*:ssm:[\w-]*:\d*:parameter(/?[^\s\"',:\]]+)")
_PARAMETER = re.compile(r"invalid (?:ssm )?parameters?: \[?([^\s\"',\]]+)|parameter (/[\w./-]+)", re.I)
_ROLE = re.compile(r"(arn:aws[\w-]*:(?:iam|sts)::\d+:(?:role|assumed-role)/[^\s'\"]+)")


def secret_name(context: RuleContext) -> str:
    """The secret that AWS names, as app.py has it; without one the service's only or first secret."""
    found = _SECRET_ARN.search(context.words)
    known = [each.name for each in context.service.asked.secrets if each.name]
    if found is None:
        return known[0] if known else ""
    name = found[1].rstrip(".")
    # The random suffix of an ARN is not part of the name.
    return next((each for each in known if name == each or re.fullmatch(f"{re.escape(each)}-\\w{{6}}", name)), name)


def registry_secret(context: RuleContext) -> str:
    """The secret with the login for the image's registry; empty for a public image."""
    return next((each.name for each in context.service.asked.secrets if each.name and not each.variable), "")


def parameter_name(context: RuleContext) -> str:
    """The parameter that AWS names; empty where it names none."""
    if found := _PARAMETER_ARN.search(context.words):
        name = found[1].rstrip(".")
        # The ARN of a parameter without a path has a slash that is no part of its name.
        return name if name.count("/") > 1 else name.lstrip("/")
    found = _PARAMETER.search(context.words)
    return (found[1] or found[2]).rstrip(".") if found else ""


def execution_role(context: RuleContext) -> str:
    """The role that pulls the image and reads the secrets, as AWS names it or the task definition has it."""
    arn = context.definition.execution_role if context.definition else ""
    if named := _ROLE.search(context.words):
        arn = named[1]
    if ":assumed-role/" in arn:
        return arn.split("/")[1]
    return arn.rpartition("/")[2] or "of the task"


def grant(context: RuleContext, policy_name: str, actions: list[str], resource: str, then: str = "") -> str:
    """The command that gives the execution role these rights on this resource alone."""
    role = execution_role(context)
    allowed = {"Effect": "Allow", "Action": actions[0] if len(actions) == 1 else actions, "Resource": resource}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    put = context.commands.aws(
        "iam", "put-role-policy", role_name=role, policy_name=policy_name, policy_document=policy
    )
    remarks = (then, f"then: {context.start_again}")
    return context.commands.fix(put, then="; ".join(filter(None, remarks)))


def _secret(context: RuleContext, _: Groups) -> str:
    return secret_name(context) or "(AWS does not say which)"


def _grant_secret(context: RuleContext, _: Groups) -> str:
    name = secret_name(context)
    if not name:
        listed = context.commands.aws("secretsmanager", "list-secrets")
        role = execution_role(context)
        return f"Allow {role} secretsmanager:GetSecretValue on the ARN of the secret. Secrets are listed by: {listed}"
    resource = _full_arn(context, name) or context.commands.secret_arn(name)
    then = "the stack grants this, so it was removed"
    return grant(context, "ReadSecret", ["secretsmanager:GetSecretValue"], resource, then)


def _full_arn(context: RuleContext, name: str) -> str:
    """The secret's ARN with its random suffix, if the message contains it."""
    found = _SECRET_ARN.search(context.words)
    arn = found[0].rstrip(".") if found else ""
    return arn if re.search(rf":secret:{re.escape(name)}-\w{{6}}$", arn) else ""


def _grant_parameter(context: RuleContext, _: Groups) -> str:
    name = parameter_name(context)
    if not name:
        return f"Allow {execution_role(context)} ssm:GetParameters on the ARN of its parameter, then: {context.deploy}"
    return grant(
        context, "ReadParameter", ["ssm:GetParameters"], context.commands.arn("ssm", f"parameter/{name.lstrip('/')}")
    )


def _no_secret(context: RuleContext, _: Groups) -> str:
    name = secret_name(context)
    if _is_the_database_s(context, name):
        return f"the database's secret {name} does not exist any more"
    return f"there is no secret {name} in account {context.snapshot.account}"


def _make_secret(context: RuleContext, _: Groups) -> str:
    name, commands = secret_name(context), context.commands
    if _is_the_database_s(context, name):
        return _restore(context, name)
    create = commands.aws("secretsmanager", "create-secret", name=name, secret_string=_value_of(context, name))
    return commands.fix(create, then=f"then: {context.start_again}")


def _is_the_database_s(context: RuleContext, name: str) -> bool:
    asked = context.service.asked.secrets
    return bool(name) and not any(each.name == name for each in asked) and any(each.name is None for each in asked)


def _value_of(context: RuleContext, name: str) -> str:
    fields = {each.field: "…" for each in context.service.asked.secrets if each.name == name and each.field}
    return json.dumps(fields, ensure_ascii=False) if fields else "…"


def _restore(context: RuleContext, name: str) -> str:
    restore = context.commands.aws("secretsmanager", "restore-secret", secret_id=name)
    return context.commands.fix(restore, then=f"then: {context.start_again}")


def _field(context: RuleContext, found: Groups) -> str:
    named = found.get("field") or ""
    return named.rstrip(".") or next((each.field for each in context.service.asked.secrets if each.field), "")


def _add_field(context: RuleContext, found: Groups) -> str:
    field = _field(context, found)
    asked = [each for each in context.service.asked.secrets if field and field in (each.field, each.variable)]
    name = (asked[0].name or "of the database") if asked else secret_name(context)
    put = context.commands.fix(
        context.commands.aws("secretsmanager", "put-secret-value", secret_id=name, secret_string="{…}"),  # nosec B106 # a placeholder
        then=f"replaces the whole value; then: {context.start_again}",
    )
    return f'Add "{field}" to the secret, with all its other fields, or correct json_field in app.py: {put}'


def put_registry_login(context: RuleContext) -> str:
    """The command that stores the login for the image's registry."""
    name = registry_secret(context) or secret_name(context)
    put = context.commands.aws("secretsmanager", "put-secret-value", secret_id=name, secret_string=FROM_FILE)
    return context.commands.fix(put, then=f"FILE has {REGISTRY_LOGIN}; then: {context.start_again}")


def _find_deny(context: RuleContext, _: Groups) -> str:
    commands = context.commands
    if "service control policy" in context.words:
        return "Ask who manages the organization to change the service control policy that denies it"
    if "identity-based" in context.words or "permissions boundary" in context.words:
        listed = commands.aws("iam", "list-role-policies", role_name=execution_role(context))
        return commands.fix(listed, then=f"one of its policies denies it: remove that, then: {context.start_again}")
    policy = commands.aws("secretsmanager", "get-resource-policy", secret_id=secret_name(context))
    return commands.fix(policy, then=f"a statement denies it: remove that, then: {context.start_again}")


def _secret_checks(context: RuleContext, _: Groups) -> str:
    checks = context.commands.tool("verify")
    return f"{checks}  # checks its secrets and its rights to them; if those pass, the network; then: {context.deploy}"


TERMS: Terms[RuleContext] = {
    "secret_checks": _secret_checks,
    "secret": _secret,
    "registry_secret": lambda context, _: registry_secret(context) or secret_name(context),
    "put_registry_login": lambda context, _: put_registry_login(context),
    "secret_name": lambda context, _: secret_name(context),
    "secret_value": lambda context, _: _value_of(context, secret_name(context)),
    "parameter_name": lambda context, _: parameter_name(context) or "NAME",
    "parameter": lambda context, _: parameter_name(context) or "(AWS does not say which)",
    "execution_role": lambda context, _: execution_role(context),
    "secret_place": lambda context, _: (
        f"secret {secret_name(context)} in Secrets Manager of account {context.snapshot.account}, "
        f"region {context.snapshot.region}"
    ),
    "field_json": lambda context, found: context.field(f'ServiceSecret(…, json_field="{_field(context, found)}")'),
    "field_registry": lambda context, _: context.field("registry_credentials"),
    "field_secrets": lambda context, _: context.field("container_secrets"),
    "add_field": _add_field,
    "no_secret": _no_secret,
    "make_secret": _make_secret,
    "restore_secret": lambda context, _: _restore(context, secret_name(context)),
    "grant_secret": _grant_secret,
    "grant_parameter": _grant_parameter,
    "find_deny": _find_deny,
}
