"""The service-linked roles that AWS makes in an account when something there needs them for the first time."""

from __future__ import annotations

from dataclasses import dataclass

from portside.aws.errors import is_missing
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding
from portside.preflight.context import Context
from portside.preflight.questions import Question

SUBJECT = "service-linked roles"


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


def questions() -> list[Question]:
    """What is asked of them."""
    return [Question(SUBJECT, linked_roles)]


def linked_roles(context: Context) -> Finding:
    """Whether they are there: the first deployment of a new account can fail while AWS makes one."""
    if context.target.is_local:
        return skip(SUBJECT, "a rehearsal has none, and needs none")
    missing = [role for role in ROLES if not _exists(context, role)]
    if not missing:
        return ok(SUBJECT, f"all {len(ROLES)} are there")
    create = [
        context.commands.fix(context.commands.aws("iam", "create-service-linked-role", aws_service_name=role.service))
        for role in missing
    ]
    return fail(
        SUBJECT,
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
