"""Asking an embedded AWS what is on it, with boto3, as anyone would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import boto3

Clients = Callable[[str], Any]

DEV, STAGE_AND_PROD = "607346494281", "681175625864"


def clients(exports: Mapping[str, str]) -> Clients:
    """Clients for the account that the exports of `./agora local env` name."""
    session: Any = boto3.Session(
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        region_name=exports["AWS_REGION"],
    )
    return lambda service: session.client(service, endpoint_url=exports["AWS_ENDPOINT_URL"])


# The resources of a deployment, and how to list them: service, operation, key of the list, name field.
_KINDS = (
    ("cloudformation", "describe_stacks", "Stacks", "StackName"),
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    ("ec2", "describe_addresses", "Addresses", "AllocationId"),
    ("docdb", "describe_db_clusters", "DBClusters", "DBClusterIdentifier"),
    ("docdb", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    ("docdb", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    ("docdb", "describe_db_cluster_parameter_groups", "DBClusterParameterGroups", "DBClusterParameterGroupName"),
    ("secretsmanager", "list_secrets", "SecretList", "Name"),
    ("ssm", "describe_parameters", "Parameters", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    ("servicediscovery", "list_namespaces", "Namespaces", "Id"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    ("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
)


def inventory(of: Clients) -> set[str]:
    """Everything there is, as `service name`. Clusters and task definitions without tasks or revisions count too."""
    found = set()
    for service, operation, key, name in _KINDS:
        found |= {f"{service} {each[name]}" for each in getattr(of(service), operation)()[key]}
    found |= _tables_and_groups(of("ec2"))
    ecs, waf, scaling = of("ecs"), of("wafv2"), of("application-autoscaling")
    found |= {f"ecs {arn}" for arn in ecs.list_clusters()["clusterArns"]}
    found |= {f"ecs {arn}" for arn in ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]}
    found |= {f"wafv2 {each['Id']}" for each in waf.list_web_acls(Scope="REGIONAL")["WebACLs"]}
    found |= {
        f"scaling {each['ResourceId']}"
        for each in scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    }
    return found


def _tables_and_groups(ec2: Any) -> set[str]:
    """Route tables and security groups, without the default ones of every VPC."""
    tables = {
        each["RouteTableId"]
        for each in ec2.describe_route_tables()["RouteTables"]
        if not any(association["Main"] for association in each["Associations"])
    }
    groups = {
        each["GroupId"] for each in ec2.describe_security_groups()["SecurityGroups"] if each["GroupName"] != "default"
    }
    return {f"ec2 {name}" for name in tables | groups}


def revisions(of: Clients) -> dict[str, int]:
    """By service, the revision of the task definition that it runs."""
    ecs = of("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    arns = ecs.list_services(cluster=cluster)["serviceArns"]
    services = ecs.describe_services(cluster=cluster, services=arns)["services"]
    return {_short(each["serviceName"]): int(each["taskDefinition"].rpartition(":")[2]) for each in services}


def running_images(of: Clients) -> dict[str, set[str]]:
    """By service, the images of its running tasks."""
    ecs = of("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    arns = ecs.list_tasks(cluster=cluster)["taskArns"]
    found: dict[str, set[str]] = {}
    for task in ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]:
        if task["lastStatus"] == "RUNNING":
            name = _short(task["group"].partition(":")[2])
            found.setdefault(name, set()).update(each["image"] for each in task["containers"])
    return found


def _short(service_name: str) -> str:
    return service_name.partition("-Service")[0].removeprefix("agora-").partition("-")[2]
