"""Resource types that ministack lacks or mistreats, as CloudFormation and the services show them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from portside.emulator.client import control, seed
from portside.emulator.client.process import LocalAws
from tests.unit.local_aws_support import (
    IMAGE,
    REGION,
    SERVICE_OUTPUT,
    Account,
    account,
    embedded_aws,
    network,
    service,
)

__all__ = ["account", "embedded_aws", "network"]


def test_a_task_definition_keeps_every_property(account: Account) -> None:
    resources = service(secrets={"DSN": "arn:aws:secretsmanager:us-east-1:111122223333:secret:kept"})
    definition = resources["Definition"]["Properties"]
    definition["Volumes"] = [{"Name": "data"}]
    definition["RuntimePlatform"] = {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"}
    container = definition["ContainerDefinitions"][0]
    container["MountPoints"] = [{"ContainerPath": "/data", "SourceVolume": "data", "ReadOnly": True}]
    container["LinuxParameters"] = {"InitProcessEnabled": True, "Capabilities": {"Drop": ["ALL"]}}
    container["DockerLabels"] = {"Owner": "Someone"}
    container["ReadonlyRootFilesystem"] = True
    del resources["Service"]
    assert account.deploy("definition", resources, {"Arn": {"Ref": "Definition"}}) == "CREATE_COMPLETE"
    arn = account.outputs("definition")["Arn"]
    found = account.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert found["ephemeralStorage"] == {"sizeInGiB": 30}
    assert found["runtimePlatform"]["cpuArchitecture"] == "X86_64"
    assert found["volumes"] == [{"name": "data"}]
    (kept,) = found["containerDefinitions"]
    assert kept["mountPoints"] == [{"containerPath": "/data", "sourceVolume": "data", "readOnly": True}]
    assert kept["linuxParameters"] == {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}}
    assert kept["dockerLabels"] == {"Owner": "Someone"}
    assert kept["secrets"][0]["valueFrom"].endswith(":secret:kept")
    assert kept["healthCheck"]["command"] == ["CMD-SHELL", "true"]
    assert kept["readonlyRootFilesystem"] is True


@pytest.mark.parametrize(("cpu", "memory"), [("256", "4096"), ("300", "1024"), ("1024", "1024")])
def test_a_size_that_fargate_lacks_is_refused(account: Account, cpu: str, memory: str) -> None:
    resources = service()
    resources["Definition"]["Properties"] |= {"Cpu": cpu, "Memory": memory}
    assert account.deploy("wrong-size", resources, SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    assert f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory." in account.why_failed(
        "wrong-size"
    )


def test_a_service_keeps_service_connect_exec_and_its_deployment_configuration(account: Account) -> None:
    assert account.deploy("kept", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    found = account.service("kept")
    assert found["enableExecuteCommand"] is True
    breaker = found["deploymentConfiguration"]["deploymentCircuitBreaker"]
    assert breaker["thresholdConfiguration"] == {"type": "COUNT", "value": 2}
    assert found["deployments"][0]["serviceConnectConfiguration"]["services"][0]["portName"] == "agora-api"
    names = {each["Name"] for each in account.client("servicediscovery").list_services()["Services"]}
    assert names == {"agora-api"}
    account.delete("kept")
    account.stacks.remove("kept")
    assert account.client("servicediscovery").list_services()["Services"] == []


@pytest.mark.parametrize(
    ("where", "value", "problem"),
    [
        (("Service", "CapacityProviderStrategy", 0, "CapacityProvider"), "OTHER", "not associated with the cluster"),
        (("Service", "ServiceConnectConfiguration", "Services", 0, "PortName"), "http", "any named PortMapping"),
        (("Service", "Cluster"), "no-such-cluster", "Cluster not found"),
        (("Definition", "ExecutionRoleArn"), "", "requires task definition to have execution role ARN"),
        (("Definition", "Memory"), "128", "No Fargate configuration exists"),
        (("Definition", "ContainerDefinitions", 0, "MemoryReservation"), 1024, "exceeds the task's"),
    ],
)
def test_what_ecs_would_refuse_is_refused(account: Account, where: tuple[Any, ...], value: Any, problem: str) -> None:
    resources = service()
    resource, *path, last = where
    place = resources[resource]["Properties"]
    for each in path:
        place = place[each]
    place[last] = value
    assert account.deploy("refused", resources, SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    assert problem in account.why_failed("refused")


def test_a_role_that_does_not_exist_keeps_the_task_from_starting(account: Account) -> None:
    resources = service()
    resources["Definition"]["Properties"]["TaskRoleArn"] = f"arn:aws:iam::{account.number}:role/gone"
    assert account.deploy("no-role", resources, SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    reasons = [task["stoppedReason"] for task in account.stopped()]
    assert any("unable to assume the role" in reason and "role/gone" in reason for reason in reasons)


def test_a_target_group_without_a_load_balancer_is_refused(account: Account) -> None:
    group = {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": {"TargetType": "ip", "Port": 80}}
    resources = service() | {"Loose": group}
    resources["Service"]["Properties"]["LoadBalancers"] = [
        {"TargetGroupArn": {"Ref": "Loose"}, "ContainerName": "agora-api", "ContainerPort": 3333}
    ]
    assert account.deploy("loose", resources, SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    assert "does not have an associated load balancer" in account.why_failed("loose")


def test_a_scalable_target_brings_the_service_inside_its_limits(account: Account) -> None:
    name = {"Fn::Sub": "service/test/${Service.Name}"}
    resources = service() | {
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {
                "MinCapacity": 2,
                "MaxCapacity": 4,
                "ResourceId": name,
                "ScalableDimension": "ecs:service:DesiredCount",
                "ServiceNamespace": "ecs",
            },
        },
        "Policy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": "cpu",
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70},
            },
        },
    }
    assert account.deploy("scaled", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE", account.why_failed("scaled")
    scaling = account.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 4)
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert policy["PolicyName"] == "cpu"
    assert account.service("scaled")["desiredCount"] == 2
    account.delete("scaled")
    account.stacks.remove("scaled")
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    assert scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []


def test_network_parts_come_and_go(account: Account) -> None:
    subnet, vpc = (account.outputs("network")[name] for name in ("Subnet", "Vpc"))
    resources = {
        "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
        "Nat": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {"SubnetId": subnet, "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}},
        },
        "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "a group", "VpcId": vpc}},
        "Rule": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Ref": "Group"},
                "IpProtocol": "tcp",
                "FromPort": 80,
                "ToPort": 80,
                "SourceSecurityGroupId": {"Ref": "Group"},
            },
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}},
        "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}},
        "Bastion": {
            "Type": "AWS::EC2::Instance",
            "Properties": {
                "ImageId": "ami-1",
                "InstanceType": "t3.micro",
                "SubnetId": subnet,
                "SecurityGroupIds": [{"Ref": "Group"}],
                "IamInstanceProfile": {"Ref": "Profile"},
            },
        },
    }
    outputs = {
        "Ip": {"Ref": "Address"},
        "Profile": {"Ref": "Profile"},
        "Private": {"Fn::GetAtt": ["Bastion", "PrivateIp"]},
    }
    assert account.deploy("parts", resources, outputs) == "CREATE_COMPLETE", account.why_failed("parts")
    ec2 = account.client("ec2")
    found = account.outputs("parts")
    assert [each["PublicIp"] for each in ec2.describe_addresses()["Addresses"]] == [found["Ip"]]
    assert [each["State"] for each in ec2.describe_nat_gateways()["NatGateways"]] == ["available"]
    assert not found["Profile"].startswith("arn:")
    assert found["Private"].startswith("10.20.0.")
    account.delete("parts")
    account.stacks.remove("parts")
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_nat_gateways()["NatGateways"] == []
    assert ec2.describe_instances()["Reservations"] == []


def test_a_subnet_in_use_is_not_deleted(account: Account) -> None:
    resources = {
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": account.outputs("network")["Vpc"], "CidrBlock": "10.20.0.128/26"},
        }
    }
    assert account.deploy("used", resources, {"Subnet": {"Ref": "Subnet"}}) == "CREATE_COMPLETE"
    nat = account.client("ec2").create_nat_gateway(
        SubnetId=account.outputs("used")["Subnet"], ConnectivityType="private"
    )
    account.client("cloudformation").delete_stack(StackName="used")
    assert account.state("used") == "DELETE_FAILED"
    assert "has dependencies and cannot be deleted" in account.why_failed("used")
    account.client("ec2").delete_nat_gateway(NatGatewayId=nat["NatGateway"]["NatGatewayId"])


def test_a_load_balancer_lies_in_the_vpc_and_zones_of_its_subnets(network: Account) -> None:
    (balancer,) = network.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert balancer["VpcId"] == network.outputs("network")["Vpc"]
    assert {each["ZoneName"] for each in balancer["AvailabilityZones"]} == {"us-east-1a", "us-east-1b"}


def test_a_listener_takes_only_a_certificate_that_exists(account: Account) -> None:
    arn = f"arn:aws:acm:{REGION}:{account.number}:certificate/e8093404-7db1-4042-90d0-01eb5bde1ffc"
    listener = {
        "Type": "AWS::ElasticLoadBalancingV2::Listener",
        "Properties": {
            "LoadBalancerArn": account.outputs("network")["Balancer"],
            "Port": 443,
            "Protocol": "HTTPS",
            "Certificates": [{"CertificateArn": arn}],
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": account.outputs("network")["Targets"]}],
        },
    }
    assert account.deploy("https-wrong", {"Listener": listener}) == "ROLLBACK_COMPLETE"
    assert f"Certificate '{arn}' not found" in account.why_failed("https-wrong")
    assert control.put_certificate(arn, domain="agora.example.org", aws=account.aws) is True
    assert control.put_certificate(arn, domain="agora.example.org", aws=account.aws) is False
    assert account.deploy("https-right", {"Listener": listener}) == "CREATE_COMPLETE"


def test_two_rules_of_a_listener_have_different_priorities(account: Account) -> None:
    forward = [{"Type": "forward", "TargetGroupArn": account.outputs("network")["Targets"]}]
    listener: dict[str, Any] = {
        "Type": "AWS::ElasticLoadBalancingV2::Listener",
        "Properties": {
            "LoadBalancerArn": account.outputs("network")["Balancer"],
            "Port": 8080,
            "Protocol": "HTTP",
            "DefaultActions": forward,
        },
    }

    def rule(priority: int) -> dict[str, Any]:
        condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}
        properties = {"ListenerArn": {"Ref": "Listener"}, "Priority": priority, "Conditions": [condition]}
        return {"Type": "AWS::ElasticLoadBalancingV2::ListenerRule", "Properties": properties | {"Actions": forward}}

    assert account.deploy("rules", {"Listener": listener, "One": rule(10), "Two": rule(11)}) == "CREATE_COMPLETE"
    listener["Properties"] |= {"Port": 8081}
    assert account.deploy("conflict", {"Listener": listener, "One": rule(10), "Two": rule(10)}) == "ROLLBACK_COMPLETE"
    assert "Priority '10' is currently in use" in account.why_failed("conflict")


def test_a_secret_is_referred_to_by_its_arn_and_generated_as_asked(account: Account) -> None:
    wishes = {
        "SecretStringTemplate": '{"username": "master"}',
        "GenerateStringKey": "password",
        "ExcludePunctuation": True,
        "PasswordLength": 41,
    }
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": wishes}}
    parameter = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {
            "Type": "String",
            "Value": {"Fn::Sub": "{{resolve:secretsmanager:${Secret}:SecretString:password::}}"},
        },
    }
    outputs = {"Secret": {"Ref": "Secret"}, "Parameter": {"Ref": "Parameter"}}
    assert account.deploy("secret", {"Secret": secret, "Parameter": parameter}, outputs) == "CREATE_COMPLETE"
    found = account.outputs("secret")
    assert found["Secret"].startswith(f"arn:aws:secretsmanager:{REGION}:{account.number}:secret:Secret-")
    assert len(found["Secret"].rpartition("-")[2]) == 6
    password = account.client("ssm").get_parameter(Name=found["Parameter"])["Parameter"]["Value"]
    assert len(password) == 41
    assert password.isalnum()


def test_a_web_acl_is_associated_and_logs(account: Account) -> None:
    balancer = account.outputs("network")["Balancer"]
    visibility = {"CloudWatchMetricsEnabled": True, "MetricName": "acl", "SampledRequestsEnabled": True}
    resources = {
        "Acl": {
            "Type": "AWS::WAFv2::WebACL",
            "Properties": {"Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility},
        },
        "Association": {
            "Type": "AWS::WAFv2::WebACLAssociation",
            "Properties": {"ResourceArn": balancer, "WebACLArn": {"Fn::GetAtt": ["Acl", "Arn"]}},
        },
        "Logging": {
            "Type": "AWS::WAFv2::LoggingConfiguration",
            "Properties": {
                "ResourceArn": {"Fn::GetAtt": ["Acl", "Arn"]},
                "LogDestinationConfigs": [
                    {"Fn::Sub": "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:aws-waf-logs-test"}
                ],
            },
        },
    }
    outputs = {"Acl": {"Fn::GetAtt": ["Acl", "Arn"]}}
    assert account.deploy("waf", resources, outputs) == "CREATE_COMPLETE", account.why_failed("waf")
    waf = account.client("wafv2")
    acl = account.outputs("waf")["Acl"]
    assert waf.get_web_acl_for_resource(ResourceArn=balancer)["WebACL"]["ARN"] == acl
    assert waf.get_logging_configuration(ResourceArn=acl)["LoggingConfiguration"]["ResourceArn"] == acl


def test_an_existing_log_group_is_not_replaced(account: Account) -> None:
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "test-logs"}}
    assert account.deploy("same-logs", {"Group": group}) == "ROLLBACK_COMPLETE"
    assert "already exists" in account.why_failed("same-logs")
    assert account.client("logs").describe_log_groups(logGroupNamePrefix="test-logs")["logGroups"]


def test_seeding_makes_what_a_user_would_have_made_once(
    embedded_aws: LocalAws, account: Account, tmp_path: Path
) -> None:
    arn = f"arn:aws:acm:{REGION}:{account.number}:certificate/11111111-2222-3333-4444-555555555555"

    def make() -> list[str]:
        return seed.seed(
            embedded_aws,
            account.number,
            REGION,
            certificate_arn=arn,
            domain="agora.example.org",
            secrets={"seed-plain": None, "seed-json": ("user", "password")},
            images=[f"{IMAGE}:seeded"],
        )

    assert len(make()) == 4
    assert make() == []
    secrets = account.client("secretsmanager")
    value = secrets.get_secret_value(SecretId="seed-plain")["SecretString"]
    assert value.isalnum()
    assert set(json.loads(secrets.get_secret_value(SecretId="seed-json")["SecretString"])) == {"user", "password"}
    certificate = account.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    assert (certificate["Status"], certificate["DomainName"]) == ("ISSUED", "agora.example.org")
