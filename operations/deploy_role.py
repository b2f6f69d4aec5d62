"""The rights of those who deploy, as documents that are handed to whoever owns an account.

Every right stands for a call that some command makes; a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from operations import deployment_record, hold, load_data, references
from operations.load_preconditions import SYNAPSE_SECRET
from operations.tunnel import DOCUMENT
from portside.deploy.github_trust import Repository, trust
from src.environment import Environment
from src.form import Form, stack_part
from src.image import LOCAL_BUILD
from src.service_props import DATABASE, ServiceProps

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, white space not counted
LONGEST_POLICY, LONGEST_TRUST = 6144, 2048
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html, white space counted
LONGEST_SESSION_POLICY = 2048

# The CDK's own, https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
_QUALIFIER = "hnb659fds"
_ANY = "*"
_PARAMETER_WRITES = (
    *("ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:DeleteParameters", "ssm:DeleteResourcePolicy"),
    *("ssm:LabelParameterVersion", "ssm:PutParameter", "ssm:PutResourcePolicy", "ssm:RemoveTagsFromResource"),
    "ssm:UnlabelParameterVersion",
)
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
    """What an account's owner is handed: who may assume the role, and what it may do.

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


def role_documents(
    form: Form, name: str, repository: Repository | None = None, *, shared: bool = False
) -> RoleDocuments:
    """The documents of the role that deploys an environment; `shared`, of one for all environments of its account.

    `repository` is the GitHub repository that deploys.
    """
    account = form.environment(name).account
    environments = (name, *beside_in_account(form, name)) if shared else (name,)
    # In the order of the configuration, whichever was asked for.
    environments = tuple(each for each in form.environments if each in environments)
    places = [_Place(form.environment(each), form.services_of(each)) for each in environments]
    proving = [_Place(form.environment(each), ()) for each in _proving_in_account(form, environments)]
    return RoleDocuments(
        account=account,
        environments=environments,
        trust=trust(account, repository, environments) if repository else None,
        deploy=_policy(_deploy(places, proving)),
        operator=_policy(_operator(places)),
        destroy=_policy(_destroy([place for place in places if not place.environment.is_production])),
    )


def beside_in_account(form: Form, name: str) -> tuple[str, ...]:
    """The other environments of an environment's account."""
    account = form.environment(name).account
    return tuple(each.name for each in form.environments.values() if each.account == account and each.name != name)


def _proving_in_account(form: Form, names: Sequence[str]) -> list[str]:
    """The environments whose records prove what these may run, where the same role can read them."""
    proving = [form.environment(name).proved_by for name in names]
    account = form.environment(names[0]).account
    found = dict.fromkeys(each for each in proving if each and each not in names)
    return [each for each in found if form.environment(each).account == account]


def session_policy(environment: str) -> dict[str, Any]:
    """What the workflow takes from its session: to write what another environment of the account remembers.

    It allows all else, since a session has what its role has as far as this allows it too.
    """
    own = [f"arn:aws:ssm:*:*:parameter{path}" for path in _paths(environment)]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "WhatTheRoleMay", "Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Sid": "OwnRecordsOnly", "Effect": "Deny", "Action": list(_PARAMETER_WRITES), "NotResource": own},
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


def _deploy(places: Sequence[_Place], proving: Sequence[_Place]) -> Iterator[Right]:
    """What deploy, rollback, redeploy and release call, with all that they verify, record and diagnose.

    Of the environments that prove others the records are read, and never written.
    """
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
    records = _each(proving, lambda place: [place.arn("ssm", f"parameter{name}") for name in _parameters(place)])
    if records:
        yield Right("Proof", ("ssm:GetParameter", "ssm:GetParameterHistory"), records)
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
    return _paths(place.environment.name)


def _paths(environment: str) -> list[str]:
    """The one path under which all that is remembered of an environment stands."""
    of = (deployment_record, hold, load_data, references)
    return sorted({f"{each.parameter_name(environment).rpartition('/')[0]}/*" for each in of})


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
