"""One embedded AWS for all unit tests that need one, and a small environment in it to deploy services into."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from agora_own.apex import APEX
from portside.emulator.client import control, process
from portside.emulator.client.process import LocalAws

REGION = "us-east-1"
IMAGE = "ghcr.io/sage-bionetworks/agora-api"
NAMESPACE = "agora-test.example.org"


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session(aws_secret_access_key="unused", aws_access_key_id="unused", region_name=REGION)


@cache
def _client(aws: LocalAws, account: str, service: str) -> Any:
    return _session().client(  # type: ignore[call-overload]
        service,
        endpoint_url=aws.url,
        aws_access_key_id=account,
        aws_secret_access_key=aws.account_secret(account),
    )


@dataclass
class Account:
    """An account of the embedded AWS, with a network, a cluster, a load balancer and a log group."""

    aws: LocalAws
    number: str
    stacks: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return _client(self.aws, self.number, service)

    def deploy(self, stack: str, resources: Mapping[str, Any], outputs: Mapping[str, Any] | None = None) -> str:
        """Creates or updates the stack and returns the state it ended in."""
        cloudformation = self.client("cloudformation")
        template = {"Resources": resources, "Outputs": {name: {"Value": v} for name, v in (outputs or {}).items()}}
        try:
            cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
            self.stacks.append(stack)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AlreadyExistsException":
                raise
            cloudformation.update_stack(StackName=stack, TemplateBody=json.dumps(template))
        return self.state(stack)

    def state(self, stack: str) -> str:
        cloudformation = self.client("cloudformation")
        state: str = until(
            lambda: cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"],
            lambda state: not state.endswith("IN_PROGRESS"),
        )
        return state

    def outputs(self, stack: str) -> dict[str, str]:
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
        return {each["OutputKey"]: each["OutputValue"] for each in found}

    def why_failed(self, stack: str) -> str:
        events = self.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        return "\n".join(each["ResourceStatusReason"] for each in events if "FAILED" in each["ResourceStatus"])

    def service(self, stack: str) -> dict[str, Any]:
        name = self.outputs(stack)["Service"]
        found: dict[str, Any] = self.client("ecs").describe_services(cluster="test", services=[name])["services"][0]
        return found

    def tasks(self, service: str, state: str = "RUNNING") -> list[dict[str, Any]]:
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster="test", serviceName=service, desiredStatus=state)["taskArns"]
        return list(ecs.describe_tasks(cluster="test", tasks=arns)["tasks"]) if arns else []

    def stopped(self) -> list[dict[str, Any]]:
        """Every task that has stopped: those of all tests, so there are several pages."""
        ecs = self.client("ecs")
        pages = ecs.get_paginator("list_tasks").paginate(cluster="test", desiredStatus="STOPPED")
        arns = [page["taskArns"] for page in pages if page["taskArns"]]
        return [task for each in arns for task in ecs.describe_tasks(cluster="test", tasks=each)["tasks"]]

    def delete(self, stack: str) -> None:
        cloudformation = self.client("cloudformation")
        identifier = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=stack)
        assert self.state(identifier) == "DELETE_COMPLETE", self.why_failed(identifier)


def until(read: Any, enough: Any, seconds: float = 20) -> Any:
    """Reads until the value is enough; the embedded AWS, like AWS, can only be asked again."""
    deadline = time.monotonic() + seconds
    while not enough(value := read()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds:g} s, still {value!r}")
        time.sleep(0.02)
    return value


NETWORK: dict[str, Any] = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.20.0.0/24"}},
    "SubnetA": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.20.0.0/26", "AvailabilityZone": "us-east-1a"},
    },
    "SubnetB": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.20.0.64/26", "AvailabilityZone": "us-east-1b"},
    },
    "Namespace": {
        "Type": "AWS::ServiceDiscovery::PrivateDnsNamespace",
        "Properties": {"Name": NAMESPACE, "Vpc": {"Ref": "Vpc"}},
    },
    "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "test"}},
    "Providers": {
        "Type": "AWS::ECS::ClusterCapacityProviderAssociations",
        "Properties": {
            "Cluster": {"Ref": "Cluster"},
            "CapacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "DefaultCapacityProviderStrategy": [],
        },
    },
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"RoleName": "test-execution", "AssumeRolePolicyDocument": {"Statement": []}},
    },
    "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "test-logs"}},
    "Balancer": {
        "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "Properties": {"Subnets": [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}], "Scheme": "internet-facing"},
    },
    "Targets": {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {
            "VpcId": {"Ref": "Vpc"},
            "TargetType": "ip",
            "Port": 80,
            "HealthCheckPath": "/health",
            "HealthyThresholdCount": 2,
        },
    },
    "Listener": {
        "Type": "AWS::ElasticLoadBalancingV2::Listener",
        "Properties": {
            "LoadBalancerArn": {"Ref": "Balancer"},
            "Port": 80,
            "Protocol": "HTTP",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
        },
    },
}


def service(
    name: str = "agora-api",
    *,
    image: str = f"{IMAGE}:1.0.0",
    secrets: Mapping[str, str] | None = None,
    behind: str | None = None,
    subnet: str = "subnet-1",
    environment: Mapping[str, str] | None = None,
    desired: int = 1,
    port: int = 3333,
) -> dict[str, Any]:
    """The resources of one Fargate service; `behind` is the target group it registers with."""
    container: dict[str, Any] = {
        "Name": name,
        "Image": image,
        "Essential": True,
        "PortMappings": [{"ContainerPort": port, "Name": name}],
        "Environment": [{"Name": key, "Value": value} for key, value in (environment or {}).items()],
        "HealthCheck": {"Command": ["CMD-SHELL", "true"], "Retries": 2},
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {"awslogs-group": "test-logs", "awslogs-stream-prefix": name, "awslogs-region": REGION},
        },
        "Secrets": [{"Name": key, "ValueFrom": value} for key, value in (secrets or {}).items()],
    }
    return {
        "Definition": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": name,
                "RequiresCompatibilities": ["FARGATE"],
                "NetworkMode": "awsvpc",
                "Cpu": "256",
                "Memory": "512",
                "EphemeralStorage": {"SizeInGiB": 30},
                "ExecutionRoleArn": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/test-execution"},
                "ContainerDefinitions": [container],
            },
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "Properties": {
                "Cluster": "test",
                "TaskDefinition": {"Ref": "Definition"},
                "DesiredCount": desired,
                "EnableExecuteCommand": True,
                "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Base": 1, "Weight": 1}],
                "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": [subnet]}},
                "DeploymentConfiguration": {
                    "MinimumHealthyPercent": 100,
                    "MaximumPercent": 200,
                    "DeploymentCircuitBreaker": {
                        "Enable": True,
                        "Rollback": True,
                        "ThresholdConfiguration": {"Type": "COUNT", "Value": 2},
                    },
                },
                "ServiceConnectConfiguration": {
                    "Enabled": True,
                    "Namespace": NAMESPACE,
                    "Services": [{"PortName": name, "ClientAliases": [{"DnsName": name, "Port": port}]}],
                },
                **(
                    {"LoadBalancers": [{"TargetGroupArn": behind, "ContainerName": name, "ContainerPort": port}]}
                    if behind
                    else {}
                ),
            },
        },
    }


SERVICE_OUTPUT = {"Service": {"Ref": "Service"}}


@cache
def _server() -> LocalAws:
    """One for all test modules, each of which has its own copy of the fixtures; it ends with the tests."""
    state_dir = Path(tempfile.mkdtemp(prefix="local aws "))
    atexit.register(_end, state_dir)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGORA_LOCAL_TIME_SCALE", "0.05")
        return process.up(state_dir, announce=lambda _: None, proxies=[APEX])


def _end(state_dir: Path) -> None:
    process.down(state_dir, lambda _: None)
    shutil.rmtree(state_dir, ignore_errors=True)


@cache
def _network() -> Account:
    account = Account(_server(), "111122223333")
    outputs = {"Targets": {"Ref": "Targets"}, "Subnet": {"Ref": "SubnetB"}, "Vpc": {"Ref": "Vpc"}}
    outputs["Balancer"] = {"Ref": "Balancer"}
    assert account.deploy("network", NETWORK, outputs) == "CREATE_COMPLETE", account.why_failed("network")
    return account


@pytest.fixture(scope="session")
def embedded_aws() -> LocalAws:
    return _server()


@pytest.fixture(scope="session")
def network() -> Account:
    return _network()


@pytest.fixture
def account(network: Account) -> Iterator[Account]:
    """The shared account with its images; resources and faults of a test are removed when it ends."""
    for tag in ("1.0.0", "1.0.1"):
        control.put_image(f"{IMAGE}:{tag}", source="published", aws=network.aws)
    network.stacks = []
    yield network
    control.clear_faults(aws=network.aws)
    for stack in reversed(network.stacks):
        network.delete(stack)
