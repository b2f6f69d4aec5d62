"""The contents of an account once an environment is deployed, as plain values that a test can change.

    account = deployed() account.services["agora-apex"]["desiredCount"] = 0

Every value has the form in which AWS's API gives it; `answering_aws` answers from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.config.service_props import ServiceProps
from tests.apps import agora

CUT = 255
"""The length to which ECS cuts a reason: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html"""
STACK = "AWS::CloudFormation::Stack"
SERVES = "ecs-svc/1111111111111111111"
"""The deployment that every service runs by."""
PROXY = "ecs-service-connect-Ab1Cd"


@dataclass
class Account:
    """An account and what is in it; `services` by the name of their container, `stacks` by name.

    `refused` has the error that an operation fails with: `{"ecs.DescribeServices": ("AccessDenied", "no")}`.
    """

    environment: Environment
    now: datetime
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    target_groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    targets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    load_balancers: list[dict[str, Any]] = field(default_factory=list)
    security_groups: list[dict[str, Any]] = field(default_factory=list)
    subnets: list[dict[str, Any]] = field(default_factory=list)
    clusters: list[dict[str, Any]] = field(default_factory=list)
    databases: list[dict[str, Any]] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    parameters: dict[str, list[str]] = field(default_factory=dict)
    """The versions of each parameter, the oldest first."""
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)
    refused_lists: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The same of operations that are asked for everything, without a name."""
    cuts_text: bool = False
    """Whether stopped reasons and events are cut at 255 characters."""

    def at(self, minutes: float) -> datetime:
        """A moment, in minutes before now."""
        return self.now - timedelta(minutes=minutes)

    def arn(self, service: str, rest: str) -> str:
        """The ARN of something of a service in the environment's account and region."""
        return f"arn:aws:{service}:{self.environment.region}:{self.environment.account}:{rest}"

    def said(self, text: str) -> str:
        """A text as ECS keeps it."""
        return text[:CUT] if self.cuts_text else text

    def stack_of(self, container: str) -> dict[str, Any]:
        """The stack of a service."""
        return self.stacks[self.environment.stack_name(self.environment.short_name(container))]

    def say(self, container: str, minutes: float, message: str) -> None:
        """Add an event to a service; the newest is first."""
        events, name = self.services[container]["events"], self.services[container]["serviceName"]
        found = message if message.startswith(("(service ", "service ")) else f"(service {name}) {message}"
        events.append({"id": f"event-{len(events)}", "createdAt": self.at(minutes), "message": self.said(found)})
        events.sort(key=lambda each: each["createdAt"], reverse=True)


def deployed(
    environment: str = "dev", configuration: Configuration | None = None, *, cuts_text: bool = False
) -> Account:
    """An account in which an environment was deployed a day ago, and everything is healthy."""
    configuration = configuration or agora()
    found = configuration.environment(environment)
    account = Account(found, datetime.now(UTC).replace(microsecond=0), cuts_text=cuts_text)
    _share(account)
    for number, props in enumerate(configuration.services_of(environment)):
        _serve(account, props, number)
    return account


def _share(account: Account) -> None:
    """The resources that all services use: network, cluster, database, load balancer."""
    environment = account.environment
    cluster = environment.stack_name("ecs") + "-Cluster"
    database, balancer = (
        environment.stack_name("database").lower(),
        account.arn("elasticloadbalancing", "loadbalancer/app/1"),
    )
    account.clusters.append(
        {"clusterName": cluster, "clusterArn": account.arn("ecs", f"cluster/{cluster}"), "status": "ACTIVE"}
    )
    account.databases.append(
        {"DBClusterIdentifier": database, "Status": "available", "Engine": "docdb", "Port": environment.database_port}
    )
    account.load_balancers.append(
        {
            "LoadBalancerArn": balancer,
            "SecurityGroups": ["sg-balancer"],
            "State": {"Code": "active"},
            "Type": "application",
        }
    )
    account.subnets += [
        {
            "SubnetId": f"subnet-{letter}",
            "CidrBlock": f"10.254.172.{64 * number}/26",
            "AvailabilityZone": f"{environment.region}{letter}",
            "AvailableIpAddressCount": 40,
        }
        for number, letter in enumerate("ab")
    ]
    _stack(
        account,
        "network",
        ("AWS::EC2::VPC", "vpc-1"),
        *(("AWS::EC2::Subnet", each["SubnetId"]) for each in account.subnets),
    )
    _stack(
        account,
        environment.database_stack,
        ("AWS::DocDB::DBCluster", database),
        ("AWS::SecretsManager::Secret", account.arn("secretsmanager", "secret:database-AbCdEf")),
        outputs={
            "PublishOutputRefDocDbClusterB46CF5D3252C2E56": database,
            "PublishOutputRefDocDbMasterPasswordFFA2183A2022051F": account.arn(
                "secretsmanager", "secret:database-AbCdEf"
            ),
        },
    )
    _stack(
        account,
        "ecs",
        ("AWS::ECS::Cluster", cluster),
        ("AWS::ServiceDiscovery::PrivateDnsNamespace", "ns-1"),
        outputs={"ExportsOutputRefClusterEB0386A796A0E3FE": cluster},
    )
    _stack(account, "load-balancer", ("AWS::ElasticLoadBalancingV2::LoadBalancer", balancer))
    _stack(account, "monitoring", ("AWS::SNS::Topic", account.arn("sns", "alarms")))
    if environment.bastion:
        _stack(account, "bastion", ("AWS::EC2::Instance", "i-1"))


def _stack(
    account: Account, part: str, *resources: tuple[str, str], outputs: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A stack with its resources, `(type, id)`, and its outputs."""
    name = account.environment.stack_name(part)
    account.stacks[name] = {
        "StackName": name,
        "StackId": account.arn("cloudformation", f"stack/{name}/1"),
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": account.at(24 * 60),
        "Tags": [],
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in (outputs or {}).items()],
        "resources": [
            {
                "LogicalResourceId": f"{kind.rpartition('::')[2]}{number}",
                "ResourceType": kind,
                "PhysicalResourceId": physical,
            }
            for number, (kind, physical) in enumerate(resources)
        ],
        "events": [],
        "template": {},
    }
    stack_event(account, name, 24 * 60, "CREATE_IN_PROGRESS", "User Initiated")
    stack_event(account, name, 24 * 60 - 5, "CREATE_COMPLETE")
    return account.stacks[name]


def stack_event(
    account: Account, name: str, minutes: float, status: str, reason: str = "", *, of: tuple[str, str] = ("", STACK)
) -> None:
    """Add an event to a stack, of the stack itself or of a resource `(logical id, type)`; the newest is first."""
    stack, (logical_id, kind) = account.stacks[name], of
    event = {
        "StackId": stack["StackId"],
        "EventId": f"{name}-{len(stack['events'])}",
        "StackName": name,
        "LogicalResourceId": logical_id or name,
        "ResourceType": kind,
        "ResourceStatus": status,
        "Timestamp": account.at(minutes),
    }
    stack["events"].insert(0, event | ({"ResourceStatusReason": reason} if reason else {}))


def _serve(account: Account, props: ServiceProps, number: int) -> None:
    environment, name = account.environment, props.container_name
    stack = environment.stack_name(environment.short_name(name))
    cluster, service = account.clusters[0], f"{stack}-ServiceD69D759B-AbCdEfGhIjKl"
    definition = _definition(account, props, stack, 1)
    group = _target_group(account, props, stack) if props.public else None
    account.security_groups.append(_security_group(environment, props))
    account.services[name] = {
        "serviceName": service,
        "serviceArn": account.arn("ecs", f"service/{cluster['clusterName']}/{service}"),
        "clusterArn": cluster["clusterArn"],
        "status": "ACTIVE",
        "desiredCount": props.auto_scale_min_capacity,
        "runningCount": props.auto_scale_min_capacity,
        "pendingCount": 0,
        "taskDefinition": definition,
        "createdAt": account.at(24 * 60),
        "enableExecuteCommand": False,
        "deployments": [deployment(account, SERVES, definition, desired=props.auto_scale_min_capacity)],
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": [each["SubnetId"] for each in account.subnets],
                "securityGroups": [account.security_groups[-1]["GroupId"]],
            }
        },
        "loadBalancers": [{"targetGroupArn": group, "containerName": name, "containerPort": props.container_port}]
        if group
        else [],
        "events": [],
    }
    account.say(name, 24 * 60 - 5, "has reached a steady state.")
    resources = [
        ("AWS::ECS::Service", account.services[name]["serviceArn"]),
        ("AWS::ECS::TaskDefinition", definition),
        ("AWS::Logs::LogGroup", f"{stack}-logs"),
        *([("AWS::ElasticLoadBalancingV2::TargetGroup", group)] if group else []),
    ]
    outputs = {"PublishOutputFnGetAttServiceD69D759BName7C4FBF09": service}
    _stack(account, account.environment.short_name(name), *resources, outputs=outputs)
    for each in range(props.auto_scale_min_capacity):
        running = running_task(account, name, 100 * (number + 1) + each)
        if group:
            address = running["attachments"][0]["details"][0]["value"]
            account.targets[group].append(target(address, props.container_port, "healthy"))


def _definition(account: Account, props: ServiceProps, stack: str, revision: int) -> str:
    arn = account.arn("ecs", f"task-definition/{stack.replace('-', '')}TaskDef:{revision}")
    container: dict[str, Any] = {
        "name": props.container_name,
        "image": f"{props.container_location.rpartition(':')[0]}@sha256:{revision:064x}",
        "essential": True,
        "portMappings": [{"containerPort": props.container_port, "protocol": "tcp"}],
        "environment": [{"name": "AGORA", "value": "1"}],
        "secrets": [
            {
                "name": each.environment_key,
                "valueFrom": account.arn(
                    "secretsmanager",
                    f"secret:{each.secret_name if isinstance(each.secret_name, str) else 'database'}-AbCdEf",
                ),
            }
            for each in props.container_secrets
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": f"{stack}-logs",
                "awslogs-stream-prefix": stack,
                "awslogs-region": account.environment.region,
            },
        },
    }
    if props.container_healthcheck:
        container["healthCheck"] = {"command": list(props.container_healthcheck.command)}
    account.definitions[arn] = {
        "taskDefinitionArn": arn,
        "family": arn.rpartition("/")[2].partition(":")[0],
        "revision": revision,
        "status": "ACTIVE",
        "cpu": str(props.task_size.cpu),
        "memory": str(props.task_size.memory),
        "executionRoleArn": account.arn("iam", f"role/{stack}-ExecutionRole").replace(account.environment.region, ""),
        "taskRoleArn": account.arn("iam", f"role/{stack}-TaskRole").replace(account.environment.region, ""),
        "containerDefinitions": [container],
    }
    return arn


def _security_group(environment: Environment, props: ServiceProps) -> dict[str, Any]:
    """A group that allows the load balancer where it must."""
    port = {"IpProtocol": "tcp", "FromPort": props.container_port, "ToPort": props.container_port}
    rules = [port | {"UserIdGroupPairs": [{"GroupId": "sg-balancer"}]}] if props.public else []
    return {
        "GroupId": f"sg-{environment.short_name(props.container_name)}",
        "GroupName": props.container_name,
        "IpPermissions": rules,
    }


def _target_group(account: Account, props: ServiceProps, stack: str) -> str:
    arn = account.arn("elasticloadbalancing", f"targetgroup/{stack}/1")
    account.target_groups[arn] = {
        "TargetGroupArn": arn,
        "TargetGroupName": stack,
        "Port": props.container_port,
        "HealthCheckPath": props.health_check_path,
        "HealthCheckTimeoutSeconds": 5,
        "Matcher": {"HttpCode": "200"},
        "LoadBalancerArns": [account.load_balancers[0]["LoadBalancerArn"]],
    }
    account.targets[arn] = []
    return arn


def target(address: str, port: int | None, state: str, reason: str = "", description: str = "") -> dict[str, Any]:
    """A target and its health."""
    health = (
        {"State": state}
        | ({"Reason": reason} if reason else {})
        | ({"Description": description} if description else {})
    )
    return {"Target": {"Id": address, "Port": port}, "TargetHealth": health}


def deployment(
    account: Account, id: str, definition: str, *, minutes: float = 24 * 60, desired: int = 1, **more: Any
) -> dict[str, Any]:
    """A deployment of a service; by default its current one."""
    found = {
        "id": id,
        "status": "PRIMARY",
        "rolloutState": "COMPLETED",
        "rolloutStateReason": f"ECS deployment {id} completed.",
        "taskDefinition": definition,
        "desiredCount": desired,
        "runningCount": desired,
        "pendingCount": 0,
        "failedTasks": 0,
        "createdAt": account.at(minutes),
        "updatedAt": account.at(minutes),
    }
    return found | more


def running_task(
    account: Account, container: str, number: int, *, minutes: float = 24 * 60, **more: Any
) -> dict[str, Any]:
    """A task of a service that runs, with Service Connect's proxy next to the program; `more` are its additional
    fields.
    """
    service = account.services[container]
    definition = account.definitions[more.get("taskDefinitionArn", service["taskDefinition"])]
    image = str(definition["containerDefinitions"][0]["image"])
    checked = "healthCheck" in definition["containerDefinitions"][0]
    health = "HEALTHY" if checked else "UNKNOWN"
    found: dict[str, Any] = {
        "taskArn": account.arn("ecs", f"task/{account.clusters[0]['clusterName']}/{number:032x}"),
        "clusterArn": service["clusterArn"],
        "taskDefinitionArn": definition["taskDefinitionArn"],
        "group": f"service:{service['serviceName']}",
        "startedBy": SERVES,
        "desiredStatus": "RUNNING",
        "lastStatus": "RUNNING",
        "healthStatus": health,
        "createdAt": account.at(minutes),
        "startedAt": account.at(minutes - 0.5),
        "launchType": "FARGATE",
        "attachments": [
            {
                "type": "ElasticNetworkInterface",
                "status": "ATTACHED",
                "details": [{"name": "privateIPv4Address", "value": f"10.254.172.{number % 250}"}],
            }
        ],
        "containers": [
            {
                "name": container,
                "lastStatus": "RUNNING",
                "healthStatus": health,
                "image": image,
                "imageDigest": image.partition("@")[2],
            },
            {"name": PROXY, "lastStatus": "RUNNING", "healthStatus": "HEALTHY"},
        ],
    }
    account.tasks.append(found | more)
    return account.tasks[-1]
