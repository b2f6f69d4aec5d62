"""The rights of those who deploy, as documents that are handed to whoever owns an account.

Every right stands for a call that some command makes; a test compares the two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from operations import deployment_record, hold, load_data, references
from operations.load_preconditions import SYNAPSE_SECRET
from operations.tunnel import DOCUMENT
from src.environment import Environment
from src.errors import UsageError
from src.form import Form, stack_part
from src.image import LOCAL_BUILD
from src.report import quoted
from src.service_props import DATABASE, ServiceProps

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, white space not counted
LONGEST_POLICY, LONGEST_TRUST = 6144, 2048

# The CDK's own, https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
_QUALIFIER = "hnb659fds"
_ISSUER = "token.actions.githubusercontent.com"
_ANY = "*"
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_REMOTE = re.compile(r"(?:^|[/@])github\.com[:/](?P<repository>[^/]+/[^/]+?)(?:\.git)?/?$")
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
            (
                "cloudformation:DescribeStackDriftDetectionStatus",
                "cloudformation:DescribeStacks",
                "cloudformation:ListImports",
            ),
        ),
        ("amazoncloudwatch", "metrics have no ARN", ("cloudwatch:GetMetricStatistics",)),
        (
            "amazonec2",
            "EC2 describes all or nothing",
            tuple(
                f"ec2:Describe{what}"
                for what in (
                    *("Addresses", "AvailabilityZones", "NatGateways", "Regions", "RouteTables", "SecurityGroups"),
                    *("Subnets", "VpcEndpoints", "VpcPeeringConnections", "Vpcs"),
                )
            ),
        ),
        (
            "amazonelasticcontainerservice",
            "no ARN is taken; a condition binds lists to the cluster",
            ("ecs:DeregisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecs:ListServices", "ecs:ListTasks"),
        ),
        (
            "awselasticloadbalancingv2",
            "load balancers are described all or none",
            (
                "elasticloadbalancing:DescribeLoadBalancers",
                "elasticloadbalancing:DescribeTargetGroups",
                "elasticloadbalancing:DescribeTargetHealth",
            ),
        ),
        ("amazoncloudwatchlogs", "groups are listed all or none", ("logs:DescribeLogGroups",)),
        ("amazons3", "buckets are listed all or none", ("s3:ListAllMyBuckets",)),
        ("servicequotas", "a default belongs to no account", ("servicequotas:GetAWSDefaultServiceQuota",)),
        ("awssystemsmanager", "machines are listed all or none", ("ssm:DescribeInstanceInformation",)),
    )
    for action in actions
}
"""The actions that are allowed on `*`, each with why AWS lets nothing narrower be said."""

CONSEQUENCES: Mapping[str, str] = {
    "cloudformation:DetectStackResourceDrift": "DetectStackDrift detects the drift of each resource",
    "ecs:TagResource": "RunTask and RegisterTaskDefinition tag what they make",
    "iam:PassRole": "RunTask hands the task its execution role",
    "sts:AssumeRole": "the CDK's command line deploys with the roles of its bootstrap stack",
}
"""The actions that no call of ours is named after, each with the one that asks for it."""


@dataclass(frozen=True)
class Right:
    """What may be called, on what, and under which conditions; `name` becomes the statement's id."""

    name: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = (_ANY,)
    conditions: Mapping[str, Mapping[str, str | tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True)
class RoleDocuments:
    """What an account's owner is handed: who takes the role on, and what it may do.

    `deploy` is for CI, `operator` for people beside it, `destroy` for whoever takes environments down beside both.
    Without a repository that deploys there is no `trust`.
    """

    account: str
    environments: tuple[str, ...]
    trust: Mapping[str, Any] | None
    deploy: Mapping[str, Any]
    operator: Mapping[str, Any]
    destroy: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {**vars(self), "environments": list(self.environments)}


def role_documents(form: Form, name: str, repository: str | None = None) -> RoleDocuments:
    """The documents of the role that deploys an environment, and all others of its account.

    `repository` is the GitHub repository that deploys, as owner/name.
    """
    account = form.environment(name).account
    places = [
        _Place(environment, form.services_of(environment.name))
        for environment in form.environments.values()
        if environment.account == account
    ]
    environments = tuple(place.environment.name for place in places)
    return RoleDocuments(
        account=account,
        environments=environments,
        trust=trust(account, repository, environments) if repository else None,
        deploy=_policy(_deploy(places)),
        operator=_policy(_operator(places)),
        destroy=_policy(_destroy([place for place in places if not place.environment.is_production])),
    )


def parse_repository(text: str) -> str:
    """A GitHub repository as owner/name. Raises `UsageError` for anything else."""
    if not _REPOSITORY.fullmatch(text):
        raise UsageError(f"--repository: not owner/name, got {quoted(text)}", "Write it as GitHub does: owner/name.")
    return text


def repository_of(remote: str) -> str | None:
    """The owner/name of the address of a GitHub repository; None for an address elsewhere."""
    found = _REMOTE.search(remote)
    return found["repository"] if found else None


def trust(account: str, repository: str, environments: Iterable[str]) -> dict[str, Any]:
    """Who may take the role on: the jobs of one repository that GitHub runs in these of its environments."""
    # https://docs.github.com/en/actions/reference/security/oidc
    subjects = [f"repo:{repository}:environment:{environment}" for environment in environments]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "JobsOfGitHubsEnvironments",
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{_ISSUER}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {f"{_ISSUER}:aud": "sts.amazonaws.com", f"{_ISSUER}:sub": subjects}},
            }
        ],
    }


def size(document: Mapping[str, Any]) -> int:
    """The characters that IAM counts."""
    return len(json.dumps(document, separators=(",", ":")))


@dataclass(frozen=True)
class _Place:
    environment: Environment
    services: Sequence[ServiceProps]

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.environment.region}:{self.environment.account}:{resource}"

    def role(self, name: str) -> str:
        return f"arn:aws:iam::{self.environment.account}:role/{name}"

    def bootstrap_role(self, name: str) -> str:
        return self.role(f"cdk-{_QUALIFIER}-{name}-role-{self.environment.account}-{self.environment.region}")

    def stack(self, part: str) -> str:
        return self.environment.stack_name(part)

    def named(self, secret: str) -> str:
        return self.arn("secretsmanager", f"secret:{secret}-{_SUFFIX}")

    @property
    def cluster(self) -> str:
        """The cluster's name, which begins with that of its stack."""
        return self.stack("ecs-*")

    @property
    def has_sessions(self) -> bool:
        """Whether commands can be executed in any of its containers."""
        exec_is_on = self.environment.ecs_exec
        return any(exec_is_on if props.ecs_exec is None else props.ecs_exec for props in self.services)

    def secrets(self, *, with_fields: bool = False) -> list[str]:
        """The names of its secrets, or only of those of which fields are read."""
        found = [secret for props in self.services for secret in props.container_secrets]
        wanted = [secret for secret in found if secret.json_field is not None or not with_fields]
        return [secret.secret_name for secret in wanted if isinstance(secret.secret_name, str)]


def _each(places: Sequence[_Place], arns: Callable[[_Place], Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(arn for place in places for arn in arns(place)))


def _deploy(places: Sequence[_Place]) -> Iterator[Right]:
    """What deploy, rollback, redeploy and release call, with all that they verify, record and diagnose."""
    yield Right("BootstrapRoles", ("sts:AssumeRole",), _each(places, _bootstrap_roles))
    yield Right(
        "Stacks",
        tuple(
            f"cloudformation:{verb}"
            for verb in ("DescribeStackEvents", "DescribeStackResources", "DescribeStacks", "GetTemplate")
        ),
        _each(places, lambda place: [place.arn("cloudformation", f"stack/{place.stack('*')}/*")]),
    )
    yield Right(
        "RecordAndHold",
        ("ssm:DeleteParameter", "ssm:GetParameter", "ssm:GetParameterHistory", "ssm:PutParameter"),
        _each(places, lambda place: [place.arn("ssm", f"parameter{name}") for name in _parameters(place)]),
    )
    yield Right(
        "BootstrapVersion",
        ("ssm:GetParameter",),
        _each(places, lambda place: [place.arn("ssm", f"parameter/cdk-bootstrap/{_QUALIFIER}/version")]),
    )
    yield Right(
        "Services",
        ("ecs:DescribeServices", "ecs:UpdateService"),
        _each(places, lambda place: [place.arn("ecs", f"service/{place.cluster}/{place.stack('*')}")]),
    )
    yield Right(
        "Tasks", ("ecs:DescribeTasks",), _each(places, lambda place: [place.arn("ecs", f"task/{place.cluster}/*")])
    )
    yield Right("ListsOfTheCluster", ("ecs:ListServices", "ecs:ListTasks"), conditions=_on_clusters(places))
    yield Right(
        "LastLines",
        ("logs:GetLogEvents",),
        _each(places, lambda place: [place.arn("logs", f"log-group:{place.stack('*')}:log-stream:*")]),
    )
    yield Right(
        "LogsOfTheDatabase",
        ("logs:PutRetentionPolicy",),
        _each(places, lambda place: [place.arn("logs", "log-group:/aws/docdb/*")]),
    )
    yield Right(
        "Database",
        ("rds:DescribeDBClusters",),
        # CloudFormation names the cluster, and not after its stack.
        _each(places, lambda place: [place.arn("rds", "cluster:*")]),
    )
    yield Right("Certificates", ("acm:DescribeCertificate",), _each(places, lambda p: [p.environment.certificate_arn]))
    yield Right(
        "Secrets", ("secretsmanager:DescribeSecret",), _each(places, lambda place: map(place.named, place.secrets()))
    )
    yield Right(
        "DatabaseSecret",
        ("secretsmanager:DescribeSecret",),
        _each(places, lambda place: [place.arn("secretsmanager", "secret:DocDbMasterPassword*")]),
    )
    with_fields = _each(places, lambda place: map(place.named, place.secrets(with_fields=True)))
    if with_fields:
        yield Right("NamesOfFields", ("secretsmanager:GetSecretValue",), with_fields)
    yield Right(
        "Keys", ("kms:DescribeKey", "kms:GetKeyPolicy"), _each(places, lambda place: [place.arn("kms", "key/*")])
    )
    yield Right(
        "RightsOfRoles",
        ("iam:SimulatePrincipalPolicy",),
        _each(places, lambda place: [place.role(place.stack("*"))]),
    )
    yield Right(
        "Quotas",
        ("servicequotas:GetServiceQuota",),
        _each(places, lambda place: [place.arn("servicequotas", f"{code}/*") for code in _QUOTAS]),
    )
    yield Right(
        "Reads",
        (
            "cloudformation:ListImports",
            "cloudwatch:GetMetricStatistics",
            *(each for each in UNSCOPED if each.startswith("ec2:") and each != "ec2:DescribeVpcEndpoints"),
            "ecs:DescribeTaskDefinition",
            *(each for each in UNSCOPED if each.startswith("elasticloadbalancing:")),
            "logs:DescribeLogGroups",
            "servicequotas:GetAWSDefaultServiceQuota",
        ),
    )


_QUOTAS = ("ec2", "elasticloadbalancing", "fargate", "vpc")


def _operator(places: Sequence[_Place]) -> Iterator[Right]:
    """What diff, status, logs, exec, tunnel, load-data and a look for drift call beside."""
    # It reads everything in the account, and a deployment that asks nobody does without it.
    yield Right("LookUpRole", ("sts:AssumeRole",), _each(places, lambda place: [place.bootstrap_role("lookup")]))
    yield Right("AllStacks", ("cloudformation:DescribeStackDriftDetectionStatus", "cloudformation:DescribeStacks"))
    yield Right(
        "Drift",
        tuple(
            f"cloudformation:{verb}"
            for verb in ("DescribeStackResourceDrifts", "DetectStackDrift", "DetectStackResourceDrift")
        ),
        _each(places, lambda place: [place.arn("cloudformation", f"stack/{place.stack('*')}/*")]),
    )
    yield Right(
        "Logs",
        ("logs:FilterLogEvents",),
        _each(places, lambda place: [place.arn("logs", f"log-group:{place.stack('*')}")]),
    )
    yield from _sessions([place for place in places if place.has_sessions or place.environment.bastion])
    yield from _load_data([place for place in places if _models(place)])


def _sessions(places: Sequence[_Place]) -> Iterator[Right]:
    inside = [place for place in places if place.has_sessions]
    tasks = _each(inside, lambda place: [place.arn("ecs", f"task/{place.cluster}/*")])
    if tasks:
        clusters = _each(inside, lambda place: [place.arn("ecs", f"cluster/{place.cluster}")])
        yield Right("Exec", ("ecs:ExecuteCommand",), (*clusters, *tasks))
    documents = _each(places, lambda place: [f"arn:aws:ssm:{place.environment.region}::document/{DOCUMENT}"])
    if documents:
        yield Right("Tunnel", ("ssm:StartSession",), (*tasks, *documents))
        # https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html
        own = ("session/${aws:userid}-*", "session/ecs-execute-command-*")
        sessions = _each(places, lambda place: [place.arn("ssm", each) for each in own])
        yield Right("OwnSessions", ("ssm:TerminateSession",), sessions)
    bastions = [place for place in places if place.environment.bastion]
    if bastions:
        yield Right(
            "ThroughTheBastion",
            ("ssm:StartSession",),
            _each(bastions, lambda place: [place.arn("ec2", "instance/*")]),
            {
                "StringEquals": {
                    "aws:ResourceTag/aws:cloudformation:stack-name": tuple(place.stack("bastion") for place in bastions)
                }
            },
        )
        yield Right("IsTheBastionThere", ("ssm:DescribeInstanceInformation",))


def _load_data(places: Sequence[_Place]) -> Iterator[Right]:
    if not places:
        return
    definitions = _each(places, lambda place: [place.arn("ecs", f"task-definition/{place.stack('data-load')}:*")])
    tasks = _each(places, lambda place: [place.arn("ecs", f"task/{place.cluster}/*")])
    yield Right("LoadDefinition", ("ecs:RegisterTaskDefinition",), definitions)
    yield Right("LoadDefinitionGone", ("ecs:DeregisterTaskDefinition",))
    yield Right("Load", ("ecs:RunTask",), definitions, _on_clusters(places))
    yield Right("LoadEnded", ("ecs:StopTask",), tasks)
    yield Right(
        "LoadTagged",
        ("ecs:TagResource",),
        (*definitions, *tasks),
        {"StringEquals": {"ecs:CreateAction": ("RegisterTaskDefinition", "RunTask")}},
    )
    yield Right(
        "LoadRole",
        ("iam:PassRole",),
        _each(places, lambda place: [place.role(place.stack(f"{each}-ExecutionRole*")) for each in _models(place)]),
        {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
    )
    yield Right(
        "LoadToken",
        ("secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"),
        _each(places, lambda place: [place.named(SYNAPSE_SECRET)]),
    )


def _destroy(places: Sequence[_Place]) -> Iterator[Right]:
    """What destroy calls beside, with all data; in production that is for the account's owner."""
    if not places:
        return
    yield Right("AllStacks", ("cloudformation:DescribeStacks",))
    yield Right(
        "Resources",
        ("cloudformation:ListStackResources", "cloudformation:UpdateTerminationProtection"),
        _each(places, lambda place: [place.arn("cloudformation", f"stack/{place.stack('*')}/*")]),
    )
    yield Right(
        "Record",
        ("ssm:DeleteParameters",),
        _each(places, lambda place: [place.arn("ssm", f"parameter{name}") for name in _parameters(place)]),
    )
    # The buckets of access logs, which CloudFormation names after their stack.
    buckets = [f"arn:aws:s3:::{place.stack('load-balancer-accesslogs')}*" for place in places]
    yield Right("Buckets", ("s3:ListAllMyBuckets",))
    yield Right("AccessLogs", ("s3:DeleteBucket", "s3:ListBucketVersions"), tuple(buckets))
    yield Right("AccessLogLines", ("s3:DeleteObject", "s3:DeleteObjectVersion"), tuple(f"{each}/*" for each in buckets))
    yield Right("Endpoints", ("ec2:DescribeVpcEndpoints",))
    tagged = {"StringEquals": {"aws:ResourceTag/GuardDutyManaged": "true"}}
    endpoints = _each(places, lambda place: [place.arn("ec2", "vpc-endpoint/*")])
    yield Right("EndpointsOfGuardDuty", ("ec2:DeleteVpcEndpoints",), endpoints, tagged)
    groups = _each(places, lambda place: [place.arn("ec2", "security-group/*")])
    yield Right("GroupsOfGuardDuty", ("ec2:DeleteSecurityGroup",), groups, tagged)


def _bootstrap_roles(place: _Place) -> Iterator[str]:
    yield place.bootstrap_role("deploy")
    yield place.bootstrap_role("file-publishing")
    if any(props.container_location.startswith(LOCAL_BUILD) for props in place.services):
        yield place.bootstrap_role("image-publishing")


def _parameters(place: _Place) -> list[str]:
    """The one path under which all that is remembered of an environment stands."""
    of = (deployment_record, hold, load_data, references)
    return sorted({f"{each.parameter_name(place.environment.name).rpartition('/')[0]}/*" for each in of})


def _models(place: _Place) -> list[str]:
    """The service after whose deployment data is loaded, where there is one."""
    readers = any(call.service == DATABASE for props in place.services for call in props.calls)
    return [stack_part(load_data.model_of(place.services).container_name)] if readers else []


def _on_clusters(places: Sequence[_Place]) -> dict[str, dict[str, tuple[str, ...]]]:
    return {"ArnLike": {"ecs:cluster": _each(places, lambda place: [place.arn("ecs", f"cluster/{place.cluster}")])}}


def _policy(rights: Iterable[Right]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [_statement(right) for right in rights]}


def _statement(right: Right) -> dict[str, Any]:
    condition = {
        test: {key: list(value) if isinstance(value, tuple) else value for key, value in keys.items()}
        for test, keys in right.conditions.items()
    }
    return {
        "Sid": right.name,
        "Effect": "Allow",
        "Action": sorted(right.actions),
        "Resource": _ANY if right.resources == (_ANY,) else list(right.resources),
        **({"Condition": condition} if condition else {}),
    }
