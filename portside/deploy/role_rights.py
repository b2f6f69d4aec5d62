"""The rights of the deploy role and of operators: each row is one statement of a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from portside.aws import access_logs
from portside.config.image_reference import LOCAL_BUILD
from portside.config.stacks import StackKind, only_stack, own_stacks
from portside.deploy import maintenance
from portside.deploy.rights import (
    QUALIFIER,
    UNSCOPED,
    Conditions,
    Place,
    Right,
    bootstrap_role,
    of_all,
    parameter_paths,
)
from portside.deploy.tunnel import DOCUMENT

TASKS = "ecs:task/{cluster}/*"
_STACKS = "cloudformation:stack/{prefix}*/*"


def on_clusters(places: Sequence[Place]) -> Conditions:
    return {"ArnLike": {"ecs:cluster": tuple(of_all(places, "ecs:cluster/{cluster}"))}}


def to_tasks(_: Sequence[Place]) -> Conditions:
    return {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def _of_bastions(places: Sequence[Place]) -> Conditions:
    stacks = tuple(only_stack(place.environment, StackKind.BASTION).name for place in places)
    return {"StringEquals": {"aws:ResourceTag/aws:cloudformation:stack-name": stacks}}


def _of_stacks(places: Sequence[Place]) -> Conditions:
    stacks = tuple(place.stack("*") for place in places)
    return {"StringLike": {"aws:ResourceTag/aws:cloudformation:stack-name": stacks}}


def _of_maintenance(places: Sequence[Place]) -> Conditions:
    values = tuple(maintenance.tag_value(place.environment) for place in places)
    return {"StringEquals": {f"aws:ResourceTag/{maintenance.TAG}": values}}


def _when_a_rule_is_made(_: Sequence[Place]) -> Conditions:
    return {"StringEquals": {"elasticloadbalancing:CreateAction": "CreateRule"}}


def _of_page(part: str) -> Callable[[Place], list[str]]:
    """The listeners, or their rules, of the load balancers in an account; none without a load balancer."""
    return lambda place: [place.arn("elasticloadbalancing", f"{part}/app/*")] if place.environment.load_balancer else []


def _of_guardduty(_: Sequence[Place]) -> Conditions:
    return {"StringEquals": {"aws:ResourceTag/GuardDutyManaged": "true"}}


def _bootstrap_roles(place: Place) -> Iterator[str]:
    yield bootstrap_role(place.environment, "deploy")
    yield bootstrap_role(place.environment, "file-publishing")
    if any(props.container_location.startswith(LOCAL_BUILD) for props in place.services):
        yield bootstrap_role(place.environment, "image-publishing")


def _parameters(place: Place) -> list[str]:
    return [place.arn("ssm", f"parameter{path}") for path in parameter_paths(place.environment)]


def _of_database(service: str, resource: str, *, clusters: bool | None = None) -> Callable[[Place], list[str]]:
    """Resources of the kind of a place's database, or only if that is, or is not, a cluster."""

    def arns(place: Place) -> list[str]:
        kind = place.environment.database_kind
        if kind is None or clusters not in (None, kind.is_cluster):
            return []
        return [place.arn(service, resource.format(logs=kind.log_group.partition("{}")[0], secret=kind.credentials_id))]

    return arns


def _tunnelled(place: Place) -> list[str]:
    document = f"arn:aws:ssm:{place.environment.region}::document/{DOCUMENT}"
    return [*(place.arns(TASKS) if place.has_sessions() else ()), document]


# CloudFormation names buckets after their stack, unless an own stack does.
def _log_buckets(place: Place) -> Iterator[str]:
    yield f"arn:aws:s3:::{access_logs.bucket_prefix(place.environment)}*"
    for stack in own_stacks(place.environment):
        if access_logs.BUCKET in stack.retained:
            yield f"arn:aws:s3:::{stack.name}-*"


def _of_jobs(service: str, *resources: str) -> Callable[[Place], list[str]]:
    return lambda place: [place.arn(service, each.format(stack)) for stack in place.jobs() for each in resources]


def _job_roles(place: Place) -> list[str]:
    return [place.role(f"{stack}-{role}*") for stack in place.jobs() for role in ("ExecutionRole", "TaskRole")]


_BALANCERS = ("LoadBalancers", "Rules", "TargetGroups", "TargetHealth")

_PULLING = "ecr:BatchGetImage ecr:GetDownloadUrlForLayer ecr:GetLifecyclePolicy ecr:ListImages"

PROOF = (Right("Proof", "ssm:GetParameter ssm:GetParameterHistory", _parameters),)
"""To read the records of environments that prove the images of others."""

DEPLOY = (
    Right("BootstrapRoles", "sts:AssumeRole", _bootstrap_roles),
    Right(
        "Stacks",
        "cloudformation:DescribeStackEvents cloudformation:DescribeStackResources cloudformation:DescribeStacks "
        "cloudformation:GetTemplate",
        _STACKS,
    ),
    Right("AllStacks", "cloudformation:DescribeStacks cloudformation:ListStacks"),
    Right("Alarms", "cloudwatch:DescribeAlarms", "cloudwatch:alarm:{prefix}*"),
    Right(
        "RecordAndHold",
        "ssm:DeleteParameter ssm:GetParameter ssm:GetParameterHistory ssm:PutParameter",
        _parameters,
    ),
    Right("BootstrapVersion", "ssm:GetParameter", f"ssm:parameter/cdk-bootstrap/{QUALIFIER}/version"),
    Right("Services", "ecs:DescribeServices ecs:UpdateService", "ecs:service/{cluster}/{prefix}*"),
    Right("Tasks", "ecs:DescribeTasks", TASKS),
    Right("ListsOfTheCluster", "ecs:ListServices ecs:ListTasks", condition=on_clusters),
    Right("RunJobs", "ecs:RunTask", _of_jobs("ecs", "task-definition/{}:*"), on_clusters, Place.jobs),
    Right("StopJobs", "ecs:StopTask", TASKS, concerns=Place.jobs),
    Right("TagJobs", "ecs:TagResource", TASKS, lambda _: {"StringEquals": {"ecs:CreateAction": "RunTask"}}, Place.jobs),
    Right("RolesOfJobs", "iam:PassRole", _job_roles, to_tasks, Place.jobs),
    Right("LogsOfJobs", "logs:FilterLogEvents", _of_jobs("logs", "log-group:{}-*"), concerns=Place.jobs),
    Right("LastLines", "logs:GetLogEvents", "logs:log-group:{prefix}*:log-stream:*"),
    Right("LogsOfTheDatabase", "logs:PutRetentionPolicy", _of_database("logs", "log-group:{logs}*")),
    # CloudFormation names the cluster or instance, and not after its stack.
    Right("Database", "rds:DescribeDBClusters", _of_database("rds", "cluster:*", clusters=True)),
    Right("DatabaseInstance", "rds:DescribeDBInstances", _of_database("rds", "db:*", clusters=False)),
    Right("Certificates", "acm:DescribeCertificate", lambda place: filter(None, [place.environment.certificate_arn])),
    Right("Secrets", "secretsmanager:DescribeSecret", Place.secrets),
    Right("DatabaseSecret", "secretsmanager:DescribeSecret", _of_database("secretsmanager", "secret:{secret}*")),
    Right("NamesOfFields", "secretsmanager:GetSecretValue", lambda place: place.secrets(with_fields=True)),
    Right("RegistryLogin", "ecr:GetAuthorizationToken", concerns=Place.repositories),
    Right("Repositories", _PULLING, Place.repositories),
    Right("Keys", "kms:DescribeKey kms:GetKeyPolicy", "kms:key/*"),
    Right("RightsOfRoles", "iam:SimulatePrincipalPolicy", lambda place: [place.role(place.stack("*"))]),
    Right("LinkedRoles", "iam:GetRole", lambda place: [place.role("aws-service-role/*")]),
    Right(
        "Quotas",
        "servicequotas:GetServiceQuota",
        "servicequotas:ec2/* servicequotas:elasticloadbalancing/* servicequotas:fargate/* servicequotas:vpc/*",
    ),
    Right(
        "Reads",
        " ".join(
            [
                *("cloudformation:ListImports", "cloudwatch:GetMetricStatistics", "ecs:DescribeTaskDefinition"),
                *("logs:DescribeLogGroups", "servicequotas:GetAWSDefaultServiceQuota"),
                *(each for each in UNSCOPED if each.startswith("ec2:") and each != "ec2:DescribeVpcEndpoints"),
                *(f"elasticloadbalancing:Describe{each}" for each in _BALANCERS),
            ]
        ),
    ),
)
"""For deploy, rollback, redeploy and release, with their pre-flight checks, records and diagnosis."""

OPERATOR = (
    # It can read everything in the account; a deployment in CI does not need it.
    Right("LookUpRole", "sts:AssumeRole", lambda place: [bootstrap_role(place.environment, "lookup")]),
    Right("DriftStatus", "cloudformation:DescribeStackDriftDetectionStatus"),
    Right(
        "Drift",
        "cloudformation:DescribeStackResourceDrifts cloudformation:DetectStackDrift "
        "cloudformation:DetectStackResourceDrift",
        _STACKS,
    ),
    Right("Logs", "logs:FilterLogEvents", "logs:log-group:{prefix}*"),
    Right("MaintenancePage", "elasticloadbalancing:CreateRule", _of_page("listener"), _of_stacks),
    Right("MaintenanceTag", "elasticloadbalancing:AddTags", _of_page("listener-rule"), _when_a_rule_is_made),
    Right(
        "MaintenanceRule",
        "elasticloadbalancing:DeleteRule elasticloadbalancing:ModifyRule",
        _of_page("listener-rule"),
        _of_maintenance,
    ),
    Right(
        "Listeners", "elasticloadbalancing:DescribeListeners", concerns=lambda place: place.environment.load_balancer
    ),
    Right(
        "SilenceAlarms", "cloudwatch:DisableAlarmActions cloudwatch:EnableAlarmActions", "cloudwatch:alarm:{prefix}*"
    ),
    Right("Exec", "ecs:ExecuteCommand", f"ecs:cluster/{{cluster}} {TASKS}", concerns=Place.has_sessions),
    Right("Tunnel", "ssm:StartSession", _tunnelled, concerns=Place.has_tunnels),
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html
    Right(
        "OwnSessions",
        "ssm:TerminateSession",
        "ssm:session/${aws:userid}-* ssm:session/ecs-execute-command-*",
        concerns=Place.has_tunnels,
    ),
    Right("ThroughTheBastion", "ssm:StartSession", "ec2:instance/*", _of_bastions, Place.has_bastion),
    Right("IsTheBastionThere", "ssm:DescribeInstanceInformation", concerns=Place.has_bastion),
)
"""In addition for diff, status, logs, exec, tunnel, drift detection and the maintenance page."""

DESTROY = (
    Right("Resources", "cloudformation:ListStackResources cloudformation:UpdateTerminationProtection", _STACKS),
    Right("Record", "ssm:DeleteParameters", _parameters),
    Right("Buckets", "s3:ListAllMyBuckets"),
    Right("AccessLogs", "s3:DeleteBucket s3:GetBucketTagging s3:ListBucketVersions", _log_buckets),
    Right(
        "AccessLogLines",
        "s3:DeleteObject s3:DeleteObjectVersion",
        lambda place: (f"{each}/*" for each in _log_buckets(place)),
    ),
    Right("Endpoints", "ec2:DescribeVpcEndpoints"),
    Right("EndpointsOfGuardDuty", "ec2:DeleteVpcEndpoints", "ec2:vpc-endpoint/*", _of_guardduty),
    Right("GroupsOfGuardDuty", "ec2:DeleteSecurityGroup", "ec2:security-group/*", _of_guardduty),
)
"""In addition for destroy, with all data; in production only the account's owner deletes."""
