"""The rights of the deploy role and of operators: each row is one statement of a policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portside.aws import access_logs
from portside.config.image_reference import LOCAL_BUILD
from portside.config.stacks import StackKind, only_stack
from portside.deploy.bootstrap_roles import QUALIFIER
from portside.deploy.rights import UNSCOPED, Conditions, Place, Right, of_all, parameter_paths
from portside.deploy.tunnel import DOCUMENT


def on_clusters(places: Sequence[Place]) -> Conditions:
    clusters = of_all(places, lambda place: [place.arn("ecs", f"cluster/{place.cluster}")])
    return {"ArnLike": {"ecs:cluster": tuple(clusters)}}


def _of_bastions(places: Sequence[Place]) -> Conditions:
    stacks = tuple(only_stack(place.environment, StackKind.BASTION).name for place in places)
    return {"StringEquals": {"aws:ResourceTag/aws:cloudformation:stack-name": stacks}}


def _of_guardduty(_: Sequence[Place]) -> Conditions:
    return {"StringEquals": {"aws:ResourceTag/GuardDutyManaged": "true"}}


def _bootstrap_roles(place: Place) -> Iterator[str]:
    yield place.bootstrap_role("deploy")
    yield place.bootstrap_role("file-publishing")
    if any(props.container_location.startswith(LOCAL_BUILD) for props in place.services):
        yield place.bootstrap_role("image-publishing")


def _stacks(place: Place) -> Iterator[str]:
    yield place.arn("cloudformation", f"stack/{place.stack('*')}/*")


def _parameters(place: Place) -> Iterator[str]:
    for path in parameter_paths(place.environment):
        yield place.arn("ssm", f"parameter{path}")


def tasks(place: Place) -> Iterator[str]:
    yield place.arn("ecs", f"task/{place.cluster}/*")


def _tunnelled(place: Place) -> Iterator[str]:
    if place.has_sessions:
        yield from tasks(place)
    yield f"arn:aws:ssm:{place.environment.region}::document/{DOCUMENT}"


# CloudFormation names the buckets of access logs after their stack.
def _log_buckets(place: Place) -> Iterator[str]:
    yield f"arn:aws:s3:::{access_logs.bucket_prefix(place.environment)}*"


PROOF = (Right("Proof", ("ssm:GetParameter", "ssm:GetParameterHistory"), _parameters),)
"""To read the records of environments that prove the images of others."""

DEPLOY = (
    Right("BootstrapRoles", ("sts:AssumeRole",), _bootstrap_roles),
    Right(
        "Stacks",
        tuple(
            f"cloudformation:{verb}"
            for verb in ("DescribeStackEvents", "DescribeStackResources", "DescribeStacks", "GetTemplate")
        ),
        _stacks,
    ),
    Right("AllStacks", ("cloudformation:DescribeStacks", "cloudformation:ListStacks")),
    Right(
        "Alarms", ("cloudwatch:DescribeAlarms",), lambda place: [place.arn("cloudwatch", f"alarm:{place.stack('*')}")]
    ),
    Right(
        "RecordAndHold",
        ("ssm:DeleteParameter", "ssm:GetParameter", "ssm:GetParameterHistory", "ssm:PutParameter"),
        _parameters,
    ),
    Right(
        "BootstrapVersion",
        ("ssm:GetParameter",),
        lambda place: [place.arn("ssm", f"parameter/cdk-bootstrap/{QUALIFIER}/version")],
    ),
    Right(
        "Services",
        ("ecs:DescribeServices", "ecs:UpdateService"),
        lambda place: [place.arn("ecs", f"service/{place.cluster}/{place.stack('*')}")],
    ),
    Right("Tasks", ("ecs:DescribeTasks",), tasks),
    Right("ListsOfTheCluster", ("ecs:ListServices", "ecs:ListTasks"), condition=on_clusters),
    Right(
        "LastLines",
        ("logs:GetLogEvents",),
        lambda place: [place.arn("logs", f"log-group:{place.stack('*')}:log-stream:*")],
    ),
    Right(
        "LogsOfTheDatabase",
        ("logs:PutRetentionPolicy",),
        lambda place: [place.arn("logs", "log-group:/aws/docdb/*")],
    ),
    # CloudFormation names the cluster, and not after its stack.
    Right("Database", ("rds:DescribeDBClusters",), lambda place: [place.arn("rds", "cluster:*")]),
    Right("Certificates", ("acm:DescribeCertificate",), lambda place: [place.environment.certificate_arn]),
    Right("Secrets", ("secretsmanager:DescribeSecret",), lambda place: map(place.named, place.secrets())),
    Right(
        "DatabaseSecret",
        ("secretsmanager:DescribeSecret",),
        lambda place: [place.arn("secretsmanager", "secret:DocDbMasterPassword*")],
    ),
    Right(
        "NamesOfFields",
        ("secretsmanager:GetSecretValue",),
        lambda place: map(place.named, place.secrets(with_fields=True)),
    ),
    Right("Keys", ("kms:DescribeKey", "kms:GetKeyPolicy"), lambda place: [place.arn("kms", "key/*")]),
    Right("RightsOfRoles", ("iam:SimulatePrincipalPolicy",), lambda place: [place.role(place.stack("*"))]),
    Right("LinkedRoles", ("iam:GetRole",), lambda place: [place.role("aws-service-role/*")]),
    Right(
        "Quotas",
        ("servicequotas:GetServiceQuota",),
        lambda place: [
            place.arn("servicequotas", f"{code}/*") for code in ("ec2", "elasticloadbalancing", "fargate", "vpc")
        ],
    ),
    Right(
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
    ),
)
"""For deploy, rollback, redeploy and release, with their pre-flight checks, records and diagnosis."""

OPERATOR = (
    # It can read everything in the account; a deployment in CI does not need it.
    Right("LookUpRole", ("sts:AssumeRole",), lambda place: [place.bootstrap_role("lookup")]),
    Right("DriftStatus", ("cloudformation:DescribeStackDriftDetectionStatus",)),
    Right(
        "Drift",
        tuple(
            f"cloudformation:{verb}"
            for verb in ("DescribeStackResourceDrifts", "DetectStackDrift", "DetectStackResourceDrift")
        ),
        _stacks,
    ),
    Right("Logs", ("logs:FilterLogEvents",), lambda place: [place.arn("logs", f"log-group:{place.stack('*')}")]),
    Right(
        "Exec",
        ("ecs:ExecuteCommand",),
        lambda place: [place.arn("ecs", f"cluster/{place.cluster}"), *tasks(place)],
        concerns=lambda place: place.has_sessions,
    ),
    Right(
        "Tunnel",
        ("ssm:StartSession",),
        _tunnelled,
        concerns=lambda place: place.has_sessions or place.has_bastion,
    ),
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html
    Right(
        "OwnSessions",
        ("ssm:TerminateSession",),
        lambda place: [place.arn("ssm", each) for each in ("session/${aws:userid}-*", "session/ecs-execute-command-*")],
        concerns=lambda place: place.has_sessions or place.has_bastion,
    ),
    Right(
        "ThroughTheBastion",
        ("ssm:StartSession",),
        lambda place: [place.arn("ec2", "instance/*")],
        _of_bastions,
        lambda place: place.has_bastion,
    ),
    Right("IsTheBastionThere", ("ssm:DescribeInstanceInformation",), concerns=lambda place: place.has_bastion),
)
"""In addition for diff, status, logs, exec, tunnel and drift detection."""

DESTROY = (
    Right("Resources", ("cloudformation:ListStackResources", "cloudformation:UpdateTerminationProtection"), _stacks),
    Right("Record", ("ssm:DeleteParameters",), _parameters),
    Right("Buckets", ("s3:ListAllMyBuckets",)),
    Right("AccessLogs", ("s3:DeleteBucket", "s3:ListBucketVersions"), _log_buckets),
    Right(
        "AccessLogLines",
        ("s3:DeleteObject", "s3:DeleteObjectVersion"),
        lambda place: [f"{each}/*" for each in _log_buckets(place)],
    ),
    Right("Endpoints", ("ec2:DescribeVpcEndpoints",)),
    Right(
        "EndpointsOfGuardDuty",
        ("ec2:DeleteVpcEndpoints",),
        lambda place: [place.arn("ec2", "vpc-endpoint/*")],
        _of_guardduty,
    ),
    Right(
        "GroupsOfGuardDuty",
        ("ec2:DeleteSecurityGroup",),
        lambda place: [place.arn("ec2", "security-group/*")],
        _of_guardduty,
    ),
)
"""In addition for destroy, with all data; in production only the account's owner deletes."""
