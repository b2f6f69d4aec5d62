"""The preconditions of a load: the task can reach the database and read the token for Synapse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from portside.aws.errors import aws_errors, is_denied, is_missing
from portside.aws.target import Target
from portside.commands import FROM_FILE, Commands
from portside.config.stacks import database_stacks
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding

SYNAPSE_SECRET = "agora-synapse-auth-token"  # nosec B105 # the name of a secret


def check_preconditions(target: Target, network: Mapping[str, Any], role: str) -> tuple[str, tuple[Finding, ...]]:
    """The ARN of the secret with Synapse's token (its name if it does not exist), and the results of the checks."""
    token, secret = _synapse_secret(target)
    checks = [_way_into_the_database(target, network), secret]
    if token.startswith("arn:"):
        checks.append(_may_read(target, role, token))
    return token, tuple(checks)


def _way_into_the_database(target: Target, network: Mapping[str, Any]) -> Finding:
    """Whether the network that the load is given has the security group that the database allows."""
    environment = target.environment
    subject, stack = "way into the database", database_stacks(environment)[0].name
    deploy = f"Deploy today's app.py first: {target.commands.tool('deploy')}"
    try:
        resources = target.clients("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    except aws_errors() as error:
        if is_missing(error):
            return fail(subject, f"there is no stack {stack}", deploy)
        if is_denied(error):
            return skip(subject, f"AWS: {error}")
        raise
    groups = {
        each.get("PhysicalResourceId")
        for each in resources
        if each["ResourceType"] == "AWS::EC2::SecurityGroup" and each["LogicalResourceId"].startswith("Callers")
    }
    if groups & set(network.get("awsvpcConfiguration", {}).get("securityGroups", ())):
        return ok(subject, "through the security group of its callers")
    return fail(subject, f"no running service carries the security group of {stack}'s callers", deploy)


def _synapse_secret(target: Target) -> tuple[str, Finding]:
    subject, commands = f"secret {SYNAPSE_SECRET}", target.commands
    try:
        found = target.clients("secretsmanager").describe_secret(SecretId=SYNAPSE_SECRET)
    except aws_errors() as error:
        if is_denied(error):
            return SYNAPSE_SECRET, fail(subject, f"AWS: {error}", "The credentials need secretsmanager:DescribeSecret.")
        if not is_missing(error):
            raise
        make = commands.fix(
            commands.aws("secretsmanager", "create-secret", name=SYNAPSE_SECRET, secret_string=FROM_FILE)
        )
        return SYNAPSE_SECRET, fail(
            subject, f"does not exist {target.place}", f"Make it, with a Synapse access token that may download: {make}"
        )
    if found.get("DeletedDate"):
        restore = commands.fix(commands.aws("secretsmanager", "restore-secret", secret_id=SYNAPSE_SECRET))
        return SYNAPSE_SECRET, fail(subject, "is scheduled for deletion", f"Take it back: {restore}")
    return str(found["ARN"]), ok(subject, "is there")


def _may_read(target: Target, role: str, secret: str) -> Finding:
    """Whether the execution role may read the token: by the policy of the secret, or by its own rights."""
    subject = f"right to read {SYNAPSE_SECRET}"
    if target.is_local:
        return skip(subject, "a rehearsal checks no rights")
    try:
        policy = target.clients("secretsmanager").get_resource_policy(SecretId=secret).get("ResourcePolicy")
        if _allows(policy, role):
            return ok(subject, "the secret's policy gives it to the execution role")
        answer = target.clients("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=["secretsmanager:GetSecretValue"], ResourceArns=[secret]
        )
    except aws_errors() as error:
        return skip(subject, f"AWS: {error}")
    if all(each["EvalDecision"] == "allowed" for each in answer["EvaluationResults"]):
        return ok(subject, "the execution role has it")
    return fail(subject, f"{role} may not read it", f"Let it: {_grant(target.commands, role, secret)}")


def _allows(policy: str | None, role: str) -> bool:
    written = json.loads(policy).get("Statement", []) if policy else []
    return any(
        statement.get("Effect") == "Allow" and role in json.dumps(statement.get("Principal", {}))
        for statement in (written if isinstance(written, list) else [written])
    )


def _grant(commands: Commands, role: str, secret: str) -> str:
    """The command that lets a role read the token, without a change of any stack."""
    action = "secretsmanager:GetSecretValue"
    statement = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": action, "Resource": secret}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    put = commands.aws("secretsmanager", "put-resource-policy", secret_id=SYNAPSE_SECRET, resource_policy=policy)
    return commands.fix(put, then="replaces the policy that the secret has, if it has one")
