"""A right that a role needs, and the statement that grants it on what an environment's stacks have made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portside.config.environment import Environment
from portside.config.image_reference import ecr_repository
from portside.config.service_props import ServiceProps
from portside.config.stacks import StackKind, only_stack, stacks_for

# https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
QUALIFIER = "hnb659fds"
_ANY = "*"
# Six characters that Secrets Manager adds to a name,
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
_SUFFIX = "??????"

_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_"
UNSCOPED: Mapping[str, str] = {
    action: f"{why}: {_REFERENCE}{page}.html"
    for page, why, actions in (
        (
            "awscloudformation",
            "all stacks are listed; exports and detections have no ARN",
            "cloudformation:DescribeStackDriftDetectionStatus cloudformation:DescribeStacks cloudformation:ListImports "
            "cloudformation:ListStacks",
        ),
        ("amazoncloudwatch", "metrics have no ARN", "cloudwatch:GetMetricStatistics"),
        (
            "amazonec2",
            "EC2 describes all or nothing",
            "ec2:DescribeAddresses ec2:DescribeAvailabilityZones ec2:DescribeNatGateways ec2:DescribeRegions "
            "ec2:DescribeRouteTables ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcEndpoints "
            "ec2:DescribeVpcPeeringConnections ec2:DescribeVpcs",
        ),
        (
            "amazonelasticcontainerservice",
            "no ARN is taken; a condition binds lists to the cluster",
            "ecs:DeregisterTaskDefinition ecs:DescribeTaskDefinition ecs:ListServices ecs:ListTasks",
        ),
        ("amazonelasticcontainerregistry", "a login is for all registries", "ecr:GetAuthorizationToken"),
        (
            "awselasticloadbalancingv2",
            "load balancers are described all or none",
            "elasticloadbalancing:DescribeListeners elasticloadbalancing:DescribeLoadBalancers "
            "elasticloadbalancing:DescribeRules elasticloadbalancing:DescribeTargetGroups "
            "elasticloadbalancing:DescribeTargetHealth",
        ),
        ("amazoncloudwatchlogs", "groups are listed all or none", "logs:DescribeLogGroups"),
        ("amazons3", "buckets are listed all or none", "s3:ListAllMyBuckets"),
        ("servicequotas", "a default belongs to no account", "servicequotas:GetAWSDefaultServiceQuota"),
        ("awssystemsmanager", "machines are listed all or none", "ssm:DescribeInstanceInformation"),
    )
    for action in actions.split()
}
"""The actions that are allowed on `*`, each with why AWS lets nothing narrower be said."""

CONSEQUENCES: Mapping[str, str] = {
    "ecr:BatchGetImage": "a registry's manifest is read with the login of GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer": "the labels of an image are read with the same login",
    "ecr:ListImages": "the tags of an image are listed with the same login",
    "cloudformation:DetectStackResourceDrift": "DetectStackDrift detects the drift of each resource",
    "cloudformation:ListStacks": "DescribeStacks without a name describes all stacks",
    "ecs:TagResource": "RunTask and RegisterTaskDefinition tag what they make",
    "elasticloadbalancing:AddTags": "CreateRule tags what it makes",
    "iam:PassRole": "RunTask hands the task its roles",
    "sts:AssumeRole": "the CDK's command line deploys with the roles of its bootstrap stack",
}
"""Actions without a call of the same name, each with the call that needs it."""


def bootstrap_role(environment: Environment, name: str) -> str:
    """The ARN of a role of the CDK's bootstrap stack, such as `deploy` or `cfn-exec`."""
    account, region = environment.account, environment.region
    return f"arn:aws:iam::{account}:role/cdk-{QUALIFIER}-{name}-role-{account}-{region}"


@dataclass(frozen=True)
class Place:
    environment: Environment
    services: Sequence[ServiceProps]

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.environment.region}:{self.environment.account}:{resource}"

    def role(self, name: str) -> str:
        return f"arn:aws:iam::{self.environment.account}:role/{name}"

    def stack(self, part: str) -> str:
        return self.environment.stack_name(part)

    def named(self, secret: str) -> str:
        return self.arn("secretsmanager", f"secret:{secret}-{_SUFFIX}")

    def arns(self, resources: Resources) -> list[str]:
        """The ARNs of resources of this environment."""
        if not isinstance(resources, str):
            return list(resources(self))
        filled = resources.replace("{cluster}", self.cluster).replace("{prefix}", self.stack(""))
        return [self.arn(*each.split(":", 1)) for each in filled.split()]

    @property
    def cluster(self) -> str:
        """The cluster's name, which begins with that of its stack."""
        return f"{only_stack(self.environment, StackKind.ECS_CLUSTER).name}-*"

    def has_sessions(self) -> bool:
        """Whether commands can be executed in any of its containers."""
        exec_is_on = self.environment.ecs_exec
        return any(exec_is_on if props.ecs_exec is None else props.ecs_exec for props in self.services)

    def has_bastion(self) -> bool:
        """Whether a machine of the environment leads to its database."""
        return self.environment.bastion is not None

    def has_tunnels(self) -> bool:
        return self.has_sessions() or self.has_bastion()

    def jobs(self) -> list[str]:
        """The stacks of jobs and scheduled tasks."""
        return [each.name for each in stacks_for(self.environment, self.services) if each.kind is StackKind.TASK]

    def secrets(self, *, with_fields: bool = False) -> list[str]:
        """The ARNs of its secrets, or only of those of which fields are read."""
        found = [secret for props in self.services for secret in props.read_secrets]
        names = dict.fromkeys(name for name, field in found if field is not None or not with_fields)
        return [self.named(name) for name in names]

    def repositories(self) -> list[str]:
        """The ARNs of the ECR repositories of its images."""
        found = (ecr_repository(props.container_location) for props in self.services)
        return [repository.arn for repository in found if repository]


def parameter_paths(environment: Environment) -> list[str]:
    """The one path under which everything that is remembered of an environment is stored."""
    return [environment.parameter_name("*")]


Conditions = Mapping[str, Mapping[str, str | tuple[str, ...]]]


Resources = str | Callable[[Place], Iterable[str]]
"""ARNs without account and region, such as `ecs:cluster/{cluster} ecs:task/{cluster}/*`, or what makes whole ones."""


@dataclass(frozen=True)
class Right:
    """Actions, separated by spaces, on resources of a place; `name` becomes the statement's id.

    Without `resources` it is any. `condition` is made from all the places that `concerns` says yes for.
    """

    name: str
    actions: str
    resources: Resources | None = None
    condition: Callable[[Sequence[Place]], Conditions] | None = None
    concerns: Callable[[Place], object] = lambda _: True


def statements(rights: Iterable[Right], places: Sequence[Place]) -> Iterator[dict[str, Any]]:
    """The statement of each right that concerns any of these places."""
    for right in rights:
        concerned = [place for place in places if right.concerns(place)]
        arns = of_all(concerned, right.resources) if right.resources else [_ANY]
        if not concerned or not arns:
            continue
        condition = {
            test: {key: list(value) if isinstance(value, tuple) else value for key, value in keys.items()}
            for test, keys in (right.condition(concerned) if right.condition else {}).items()
        }
        yield {
            "Sid": right.name,
            "Effect": "Allow",
            "Action": sorted(right.actions.split()),
            "Resource": arns if right.resources else _ANY,
            **({"Condition": condition} if condition else {}),
        }


def of_all(places: Sequence[Place], resources: Resources) -> list[str]:
    """The ARNs of several places, each once."""
    return list(dict.fromkeys(arn for place in places for arn in place.arns(resources)))
