"""The parts of AWS that are served: only what the stacks and this tool use, without running code or external calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from portside.emulator.client import resource_types

# The product name of each service, by its name in a signature's scope.
SERVICES: Final[Mapping[str, str]] = {
    "acm": "Certificate Manager",
    "application-autoscaling": "Application Auto Scaling",
    "cloudformation": "CloudFormation",
    "dynamodb": "DynamoDB",
    "ec2": "EC2",
    "ecr": "ECR",
    "ecs": "ECS",
    "elasticache": "ElastiCache",
    "elasticfilesystem": "EFS",
    "elasticloadbalancing": "Elastic Load Balancing",
    "events": "EventBridge",
    "iam": "IAM",
    "kms": "KMS",
    "logs": "CloudWatch Logs",
    "monitoring": "CloudWatch",
    "rds": "RDS and DocumentDB",
    "s3": "S3",
    "scheduler": "EventBridge Scheduler",
    "secretsmanager": "Secrets Manager",
    "servicediscovery": "Cloud Map",
    "servicequotas": "Service Quotas",
    "sns": "SNS",
    "sqs": "SQS",
    "ssm": "Systems Manager",
    "sts": "STS",
    "wafv2": "WAF",
}

# The routes of ministack for these services. It splits DocumentDB's calls between two modules.
ROUTES: Final = frozenset(SERVICES) | {"documentdb"}

# The modules of `ministack.services` for these. The others can't be imported: see `confinement`.
MODULES: Final = frozenset(
    {
        "acm",
        "alb",
        "cloudformation",
        "cloudwatch",
        "cloudwatch_logs",
        "documentdb",
        "dynamodb",
        "ec2",
        "ecr",
        "ecs",
        "ecs_metadata",
        "efs",
        "elasticache",
        "eventbridge",
        "iam",
        "kms",
        "rds",
        "rds_iam_plugin",
        "rds_mysql_compat",
        "route53",
        "s3",
        "scheduler",
        "secretsmanager",
        "servicediscovery",
        "sns",
        "sqs",
        "ssm",
        "sts",
        "waf",
    }
)

# Operations of served services that would run, fetch or send something.
OPERATIONS_REFUSED: Final = frozenset(
    {
        ("logs", "PutDestination"),
        ("logs", "PutSubscriptionFilter"),
        ("s3", "PutBucketNotificationConfiguration"),
        ("s3", "PutBucketReplication"),
        ("secretsmanager", "RotateSecret"),
        ("sns", "CreatePlatformApplication"),
        ("sns", "CreatePlatformEndpoint"),
        ("ssm", "SendCommand"),
        ("ssm", "StartAutomationExecution"),
        ("ssm", "StartChangeRequestExecution"),
        ("ssm", "CreateAssociation"),
        ("ec2", "RunInstances"),
        ("rds", "CreateDBInstance"),
    }
)
# The protocols of subscriptions to a topic. Messages go to queues of the embedded AWS and nowhere else.
PROTOCOLS_OF_SUBSCRIPTIONS: Final = frozenset({"email", "email-json", "sqs"})

_LIMITS: Final = "it runs no code and connects to no other machine"
_CUSTOM: Final = ("AWS::CloudFormation::CustomResource", "Custom::")


def problem_of_service(service: str) -> str:
    """Why calls of a service, as a signature names it, are refused; empty if they are not."""
    if service in SERVICES:
        return ""
    return f"the embedded AWS does not serve {service!r}: {_LIMITS}. It serves {', '.join(sorted(SERVICES.values()))}."


def problem_of_operation(service: str, operation: str, parameters: Mapping[str, Any]) -> str:
    """Why a call of a service that is served is refused; empty if it is not."""
    if (service, operation) in OPERATIONS_REFUSED:
        return f"the embedded AWS does not serve {operation} of {SERVICES[service]}: {_LIMITS}."
    if (service, operation) == ("sns", "Subscribe") and parameters.get("Protocol") not in PROTOCOLS_OF_SUBSCRIPTIONS:
        return f"the embedded AWS sends no messages: a subscription with {parameters.get('Protocol')} is not possible."
    return ""


def problem_of_resources(kinds: Iterable[tuple[str, str]]) -> str:
    """Why a template with resources (logical ID and type) is refused; empty if it is not."""
    refused = sorted({(name, kind) for name, kind in kinds if kind not in resource_types.supported()})
    if not refused:
        return ""
    named = ", ".join(f"{name} ({kind})" for name, kind in refused)
    custom = any(kind.startswith(_CUSTOM) or kind.startswith("AWS::Lambda::") for _, kind in refused)
    why = (
        "custom resources and functions are code, which the embedded AWS does not run"
        if custom
        else "the embedded AWS does not have them"
    )
    return f"Template format error: Unrecognized resource types: [{named}]: {why}."
