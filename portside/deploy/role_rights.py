"""The rights of the deploy role and of operators: each row is one statement of a policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portside.aws import access_logs
from portside.config.image_reference import LOCAL_BUILD
from portside.config.stacks import StackKind, only_stack, own_stacks, stacks_for
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


def _of_bastions(places: Sequence[Place]) -> Conditions:
    stacks = tuple(only_stack(place.environment, StackKind.BASTION).name for place in places)
    return {"StringEquals": {"aws:ResourceTag/aws:cloudformation:stack-name": stacks}}


def _of_guardduty(_: Sequence[Place]) -> Conditions:
    return {"StringEquals": {"aws:ResourceTag/GuardDutyManaged": "true"}}


def _bootstrap_roles(place: Place) -> Iterator[str]:
    yield bootstrap_role(place.environment, "deploy")
    yield bootstrap_role(place.environment, "file-publishing")
    if any(props.container_location.startswith(LOCAL_BUILD) for props in place.services):
        yield bootstrap_role(place.environment, "image-publishing")


def _parameters(place: Place) -> Iterator[str]:
    for path in parameter_paths(place.environment):
        yield place.arn("ssm", f"parameter{path}")


def _certificate(place: Place) -> Iterator[str]:
    if place.environment.certificate_arn:
        yield place.environment.certificate_arn


def _secrets(place: Place) -> Iterator[str]:
    return map(place.named, place.secrets())


def _secrets_with_fields(place: Place) -> Iterator[str]:
    return map(place.named, place.secrets(with_fields=True))


def _database_logs(place: Place) -> Iterator[str]:
    if kind := place.environment.database_kind:
        yield place.arn("logs", f"log-group:{kind.log_group.partition('{}')[0]}*")


def _database_clusters(place: Place) -> Iterator[str]:
    kind = place.environment.database_kind
    if kind and kind.is_cluster:
        yield place.arn("rds", "cluster:*")


def _database_instances(place: Place) -> Iterator[str]:
    kind = place.environment.database_kind
    if kind and not kind.is_cluster:
        yield place.arn("rds", "db:*")


def _database_secret(place: Place) -> Iterator[str]:
    if kind := place.environment.database_kind:
        yield place.arn("secretsmanager", f"secret:{kind.credentials_id}*")


def _tunnelled(place: Place) -> Iterator[str]:
    if place.has_sessions:
        yield from place.arns(TASKS)
    yield f"arn:aws:ssm:{place.environment.region}::document/{DOCUMENT}"


# CloudFormation names buckets after their stack, unless an own stack does.
def _log_buckets(place: Place) -> Iterator[str]:
    yield f"arn:aws:s3:::{access_logs.bucket_prefix(place.environment)}*"
    for stack in own_stacks(place.environment):
        if access_logs.BUCKET in stack.retained:
            yield f"arn:aws:s3:::{stack.name}-*"


def _log_objects(place: Place) -> Iterator[str]:
    return (f"{bucket}/*" for bucket in _log_buckets(place))


def _has_sessions(place: Place) -> bool:
    return place.has_sessions


def _has_bastion(place: Place) -> bool:
    return place.has_bastion


def _has_tunnels(place: Place) -> bool:
    return place.has_sessions or place.has_bastion


def _jobs(place: Place) -> Iterator[str]:
    """The stacks of jobs and scheduled tasks."""
    return (each.name for each in stacks_for(place.environment, place.services) if each.kind is StackKind.TASK)


def _has_jobs(place: Place) -> bool:
    return any(_jobs(place))


def _job_definitions(place: Place) -> Iterator[str]:
    return (place.arn("ecs", f"task-definition/{stack}:*") for stack in _jobs(place))


def _job_roles(place: Place) -> Iterator[str]:
    return (place.role(f"{stack}-{role}*") for stack in _jobs(place) for role in ("ExecutionRole", "TaskRole"))


def _job_logs(place: Place) -> Iterator[str]:
    return (place.arn("logs", f"log-group:{stack}-*") for stack in _jobs(place))


def _when_run(_: Sequence[Place]) -> Conditions:
    return {"StringEquals": {"ecs:CreateAction": "RunTask"}}


def _to_tasks(_: Sequence[Place]) -> Conditions:
    return {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


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
    Right("RunJobs", "ecs:RunTask", _job_definitions, on_clusters, _has_jobs),
    Right("StopJobs", "ecs:StopTask", TASKS, concerns=_has_jobs),
    Right("TagJobs", "ecs:TagResource", TASKS, _when_run, _has_jobs),
    Right("RolesOfJobs", "iam:PassRole", _job_roles, _to_tasks, _has_jobs),
    Right("LogsOfJobs", "logs:FilterLogEvents", _job_logs, concerns=_has_jobs),
    Right("LastLines", "logs:GetLogEvents", "logs:log-group:{prefix}*:log-stream:*"),
    Right("LogsOfTheDatabase", "logs:PutRetentionPolicy", _database_logs),
    # CloudFormation names the cluster or instance, and not after its stack.
    Right("Database", "rds:DescribeDBClusters", _database_clusters),
    Right("DatabaseInstance", "rds:DescribeDBInstances", _database_instances),
    Right("Certificates", "acm:DescribeCertificate", _certificate),
    Right("Secrets", "secretsmanager:DescribeSecret", _secrets),
    Right("DatabaseSecret", "secretsmanager:DescribeSecret", _database_secret),
    Right("NamesOfFields", "secretsmanager:GetSecretValue", _secrets_with_fields),
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
                *(each for each in UNSCOPED if each.startswith("elasticloadbalancing:")),
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
    Right("Exec", "ecs:ExecuteCommand", f"ecs:cluster/{{cluster}} {TASKS}", concerns=_has_sessions),
    Right("Tunnel", "ssm:StartSession", _tunnelled, concerns=_has_tunnels),
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html
    Right(
        "OwnSessions",
        "ssm:TerminateSession",
        "ssm:session/${aws:userid}-* ssm:session/ecs-execute-command-*",
        concerns=_has_tunnels,
    ),
    Right("ThroughTheBastion", "ssm:StartSession", "ec2:instance/*", _of_bastions, _has_bastion),
    Right("IsTheBastionThere", "ssm:DescribeInstanceInformation", concerns=_has_bastion),
)
"""In addition for diff, status, logs, exec, tunnel and drift detection."""

DESTROY = (
    Right("Resources", "cloudformation:ListStackResources cloudformation:UpdateTerminationProtection", _STACKS),
    Right("Record", "ssm:DeleteParameters", _parameters),
    Right("Buckets", "s3:ListAllMyBuckets"),
    Right("AccessLogs", "s3:DeleteBucket s3:GetBucketTagging s3:ListBucketVersions", _log_buckets),
    Right("AccessLogLines", "s3:DeleteObject s3:DeleteObjectVersion", _log_objects),
    Right("Endpoints", "ec2:DescribeVpcEndpoints"),
    Right("EndpointsOfGuardDuty", "ec2:DeleteVpcEndpoints", "ec2:vpc-endpoint/*", _of_guardduty),
    Right("GroupsOfGuardDuty", "ec2:DeleteSecurityGroup", "ec2:security-group/*", _of_guardduty),
)
"""In addition for destroy, with all data; in production only the account's owner deletes."""
