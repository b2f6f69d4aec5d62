"""The permissions of a task, and of ECS to start it."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from portside.config.image_reference import EcrRepository
from portside.config.service_props import Permission
from portside.stacks.acknowledgment import acknowledge, acknowledge_all

# GuardDuty's agent is pulled with the permissions of the execution role:
# https://docs.aws.amazon.com/guardduty/latest/ug/prereq-runtime-monitoring-ecs-support.html
_GUARDDUTY_AGENT = "arn:aws:ecr:*:*:repository/aws-guardduty-agent-fargate"


def task_role(scope: Construct, permissions: Sequence[Permission], *, ecs_exec: bool) -> iam.Role:
    """The permissions of the container, from the configuration; the CDK adds those of ECS exec if it is on."""
    role = _role_of_tasks(scope, "TaskRole")
    for permission in permissions:
        role.add_to_policy(iam.PolicyStatement(actions=list(permission.actions), resources=list(permission.resources)))
    for permission in permissions:
        for kind, rights in (("Action", permission.actions), ("Resource", permission.resources)):
            for wide in (right for right in rights if "*" in right):
                acknowledge(role, f"AwsSolutions-IAM5[{kind}::{wide}]", permission.reason)
    if ecs_exec:
        acknowledge(
            role,
            "AwsSolutions-IAM5[Resource::*]",
            "commands are executed through ssmmessages, whose actions know no resources",
        )
    return role


def execution_role(scope: Construct, repository: EcrRepository | None) -> iam.Role:
    """The permissions of ECS for a task, with the `repository` of its image in ECR.

    The CDK adds those of the task's log groups, secrets, and an image that is built from a folder.
    """
    role = _role_of_tasks(scope, "ExecutionRole")
    role.add_to_policy(iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]))
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=[_GUARDDUTY_AGENT, *([repository.arn] if repository else [])],
        )
    )
    acknowledge_all(
        role,
        {
            "AwsSolutions-IAM5[Resource::*]": "ecr:GetAuthorizationToken, for GuardDuty's agent, knows no resources",
            f"AwsSolutions-IAM5[Resource::{_GUARDDUTY_AGENT}]": "AWS keeps GuardDuty's agent in an account of its own, "
            "another one in each region; the repository is named",
        },
    )
    return role


def _role_of_tasks(scope: Construct, construct_id: str) -> iam.Role:
    return iam.Role(scope, construct_id, assumed_by=_ecs_tasks())


@functools.cache
def _ecs_tasks() -> iam.ServicePrincipal:
    return iam.ServicePrincipal("ecs-tasks.amazonaws.com")
