"""The configuration and its account: credentials, region, CDK bootstrap, service-linked roles."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from portside.aws.errors import is_missing
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding
from portside.preflight.context import Context, NotKnown, Question
from portside.synthesis.assembly import Stack

CREDENTIALS = "credentials"

# The default of the CDK's synthesizer, for templates without a bootstrap rule:
# https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
_BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
_BOOTSTRAP_VERSION = 6
_VERSION_IN_RULE = re.compile(r"bootstrap stack version (\d+) required")


def questions() -> list[Question]:
    return [
        Question("form", configuration),
        Question(CREDENTIALS, credentials),
        Question("region", region),
        Question("CDK bootstrap", bootstrap),
        Question(SERVICE_LINKED_ROLES, linked_roles),
    ]


def configuration(context: Context) -> Finding:
    """An invalid configuration is never loaded, so this one is valid."""
    environments = ", ".join(context.configuration.environments)
    return ok("form", f"app.py is valid: {environments}, with {len(context.services)} services")


def credentials(context: Context) -> Finding:
    """Whether the credentials are for the environment's account."""
    identity = context.client("sts").get_caller_identity()
    account, expected = str(identity["Account"]), context.environment.account
    if account != expected:
        return fail(
            CREDENTIALS,
            f"they are for account {account}, but {context.environment.name} is {expected}",
            f"Choose a profile of account {expected} with AWS_PROFILE.",
        )
    return ok(CREDENTIALS, f"{str(identity['Arn']).rpartition(':')[2]} in account {account}")


def region(context: Context) -> Finding:
    """Newer regions are switched on by account: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html"""
    name = context.environment.region
    found = context.client("ec2").describe_regions(RegionNames=[name], AllRegions=True)["Regions"]
    if not found or found[0].get("OptInStatus") == "not-opted-in":
        enable = context.commands.fix(context.commands.aws("account", "enable-region", region_name=name))
        hint = f"Name another REGION in app.py, or switch it on: {enable}"
        return fail("region", f"{name} is not switched on in this account", hint)
    return ok("region", name)


def bootstrap(context: Context) -> Finding:
    """Whether the account is bootstrapped for the CDK, with the version that the templates require."""
    from botocore.exceptions import ClientError

    subject, environment = "CDK bootstrap", context.environment
    parameter, required = _required(_stacks(context))
    how = f"Bootstrap it: cdk bootstrap aws://{environment.account}/{environment.region}"
    try:
        value = context.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
    except ClientError as error:
        if not is_missing(error):
            raise
        if context.target.is_local:
            return skip(subject, f"the first rehearsal does it: {context.commands.tool('deploy')}")
        return fail(subject, f"the account is not bootstrapped: {parameter} is missing", how)
    if not value.isdecimal():
        return skip(subject, f"{parameter} is no number")
    if int(value) < required:
        return fail(subject, f"version {value}, but the templates require {required}", how)
    return ok(subject, f"version {value}, at least {required} is required")


def _stacks(context: Context) -> Iterable[Stack]:
    try:
        return context.new_templates().values()
    except NotKnown:
        return ()


def _required(stacks: Iterable[Stack]) -> tuple[str, int]:
    """The parameter with the bootstrap version, and the minimum version, according to the templates' rules."""
    parameter, version = _BOOTSTRAP_PARAMETER, _BOOTSTRAP_VERSION
    for stack in stacks:
        parameter = stack.template.get("Parameters", {}).get("BootstrapVersion", {}).get("Default", parameter)
        for rule in stack.template.get("Rules", {}).values():
            said = " ".join(each.get("AssertDescription", "") for each in rule["Assertions"])
            if found := _VERSION_IN_RULE.search(said):
                version = max(version, int(found[1]))
    return parameter, version


SERVICE_LINKED_ROLES = "service-linked roles"


@dataclass(frozen=True)
class ServiceLinkedRole:
    """A role, and the service that it is linked to."""

    name: str
    service: str


# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
# https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html
# https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html
# https://docs.aws.amazon.com/documentdb/latest/developerguide/service-linked-roles.html
ROLES = (
    ServiceLinkedRole("AWSServiceRoleForECS", "ecs.amazonaws.com"),
    ServiceLinkedRole("AWSServiceRoleForElasticLoadBalancing", "elasticloadbalancing.amazonaws.com"),
    ServiceLinkedRole(
        "AWSServiceRoleForApplicationAutoScaling_ECSService", "ecs.application-autoscaling.amazonaws.com"
    ),
    ServiceLinkedRole("AWSServiceRoleForRDS", "rds.amazonaws.com"),
)


def linked_roles(context: Context) -> Finding:
    """Whether they exist: the first deployment in a new account can fail while AWS creates one."""
    if context.target.is_local:
        return skip(SERVICE_LINKED_ROLES, "a rehearsal needs no service-linked roles")
    missing = [role for role in ROLES if not _exists(context, role)]
    if not missing:
        return ok(SERVICE_LINKED_ROLES, f"all {len(ROLES)} are there")
    create = [
        context.commands.fix(context.commands.aws("iam", "create-service-linked-role", aws_service_name=role.service))
        for role in missing
    ]
    return fail(
        SERVICE_LINKED_ROLES,
        f"account {context.environment.account} has no {', '.join(role.name for role in missing)}, "
        "and the first deployment can fail while AWS makes it",
        f"Create {'them' if len(missing) > 1 else 'it'} first: {'; '.join(create)}",
    )


def _exists(context: Context, role: ServiceLinkedRole) -> bool:
    from botocore.exceptions import ClientError

    try:
        context.client("iam").get_role(RoleName=role.name)
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    return True
