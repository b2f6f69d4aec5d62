"""The constructors as the apps made from the same template call them, in their code and in their tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Match, Template

from src.bastion_props import BastionProps
from src.bastion_stack import BastionStack
from src.docdb_props import DocdbProps
from src.docdb_stack import DocdbStack
from src.ecs_stack import EcsStack
from src.load_balancer_stack import LoadBalancerStack
from src.network_stack import NetworkStack
from src.service_props import ContainerVolume, ServiceProps, ServiceSecret
from src.service_stack import LoadBalancedServiceStack, ServiceStack

IMAGE = "ghcr.io/org/site:2.0"
TASK = "AWS::ECS::TaskDefinition"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"


class Site:
    """A network and a cluster, and the stacks that a test adds."""

    def __init__(self) -> None:
        self.app = cdk.App()
        self.network = NetworkStack(self.app, "Net", vpc_cidr="10.9.8.0/24")
        self.ecs = EcsStack(self.app, "Cluster", vpc=self.network.vpc, namespace="site.example")

    def service(self, **props: Any) -> Template:
        given: dict[str, Any] = {"container_name": "site", "container_location": IMAGE, "container_port": 8000}
        written = ServiceProps(**given | props)
        stack = ServiceStack(
            scope=self.app, construct_id="site", vpc=self.network.vpc, cluster=self.ecs.cluster, props=written
        )
        return Template.from_stack(stack)

    def public(self, **keywords: Any) -> Template:
        balancer = LoadBalancerStack(scope=self.app, construct_id="Alb", vpc=self.network.vpc)
        stack = LoadBalancedServiceStack(
            scope=self.app,
            construct_id="site",
            vpc=self.network.vpc,
            cluster=self.ecs.cluster,
            props=ServiceProps(container_name="site", container_location=IMAGE, container_port=8000),
            load_balancer=balancer.alb,
            **keywords,
        )
        return Template.from_stack(stack)

    def database(self, **props: Any) -> Template:
        kind = ec2.InstanceType.of(ec2.InstanceClass.MEMORY5, ec2.InstanceSize.LARGE)
        written = DocdbProps(instance_type=kind, master_username="owner", **props)
        return Template.from_stack(
            DocdbStack(scope=self.app, construct_id="docdb", vpc=self.network.vpc, props=written)
        )


@pytest.fixture(name="site")
def a_site() -> Site:
    return Site()


def test_a_network_has_the_addresses_of_its_second_argument() -> None:
    network = NetworkStack(cdk.App(), "Net", "10.9.8.0/24")
    Template.from_stack(network).has_resource_properties("AWS::EC2::VPC", {"CidrBlock": "10.9.8.0/24"})


@pytest.mark.parametrize(
    ("given", "task", "container"),
    [
        ({"container_memory_reservation": 300}, {}, {"MemoryReservation": 300, "Memory": Match.absent()}),
        (
            {"ecs_task_cpu": 512, "ecs_task_memory": 2048},
            {"Cpu": "512", "Memory": "2048"},
            {"MemoryReservation": Match.absent()},
        ),
        ({"container_memory": 700}, {"Memory": "1024"}, {"Memory": 700, "MemoryReservation": Match.absent()}),
        ({"container_cpu": 1024, "container_memory": 700}, {"Cpu": "1024", "Memory": "2048"}, {"Memory": 700}),
        ({}, {"Cpu": "256", "Memory": "1024"}, {"MemoryReservation": 512}),
    ],
)
def test_a_size_can_be_given_by_each_of_its_names(
    site: Site, given: dict[str, int], task: dict[str, str], container: dict[str, Any]
) -> None:
    definitions = {"ContainerDefinitions": [Match.object_like({"Image": IMAGE} | container)]}
    site.service(**given).has_resource_properties(TASK, definitions | task)


def test_a_service_has_its_secret_volume_command_and_health_check(site: Site) -> None:
    template = site.service(
        container_secrets=[ServiceSecret(secret_name="/site/key", environment_key="SITE_KEY")],
        container_volumes=[ContainerVolume(path="/data")],
        container_command=["serve"],
        container_healthcheck=ecs.HealthCheck(command=["CMD", "/check"]),
    )
    container = {
        "MountPoints": [{"ContainerPath": "/data"}],
        "Secrets": [{"Name": "SITE_KEY"}],
        "Command": ["serve"],
        "HealthCheck": {"Command": ["CMD", "/check"]},
    }
    template.has_resource_properties(TASK, {"ContainerDefinitions": [container]})


def test_commands_can_be_executed_unless_the_props_say_otherwise(site: Site) -> None:
    site.service().has_resource_properties("AWS::ECS::Service", {"EnableExecuteCommand": True})
    Site().service(ecs_exec=False).has_resource_properties("AWS::ECS::Service", {"EnableExecuteCommand": False})


def test_a_folder_must_exist_and_contain_a_dockerfile_to_be_built(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere is not a valid directory"):
        site.service(container_location="path://nowhere")
    with pytest.raises(FileNotFoundError, match="No Dockerfile found"):
        Site().service(container_location=f"path://{tmp_path}")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    Site().service(container_location=f"path://{tmp_path}").resource_count_is(TASK, 1)


def test_a_site_without_a_certificate_is_served_over_http(site: Site) -> None:
    template = site.public()
    template.resource_count_is("AWS::ElasticLoadBalancingV2::Listener", 1)
    template.has_resource_properties("AWS::ElasticLoadBalancingV2::Listener", {"Port": 80})


CERTIFICATE = {"certificate_id": "11111111-2222-3333-4444-555555555555"}


def test_a_host_name_is_redirected_to_another_one(site: Site) -> None:
    template = site.public(
        **CERTIFICATE, redirect_from_hostname="old.example.org", redirect_to_hostname="new.example.org"
    )
    template.has_resource_properties(
        RULE,
        {
            "Priority": 1,
            "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": ["old.example.org"]}}],
            "Actions": [
                {
                    "Type": "redirect",
                    "RedirectConfig": {
                        "Host": "new.example.org",
                        "Port": "443",
                        "Protocol": "HTTPS",
                        "StatusCode": "HTTP_301",
                    },
                }
            ],
        },
    )


def test_nothing_is_redirected_without_host_names(site: Site) -> None:
    names = {"redirect_from_hostname": None, "redirect_to_hostname": None}
    site.public(**CERTIFICATE, **names).resource_count_is(RULE, 0)


@pytest.mark.parametrize("name", ["redirect_from_hostname", "redirect_to_hostname"])
def test_one_host_name_of_a_redirect_alone_is_refused(site: Site, name: str) -> None:
    with pytest.raises(ValueError, match="set both, or neither"):
        site.public(**CERTIFICATE, **{name: "one.example.org"})


def test_a_database_is_open_to_its_vpc_and_not_audited(site: Site) -> None:
    template = site.database(family="docdb8.0", engine_version="8.0.0")
    template.has_resource_properties(
        "AWS::DocDB::DBClusterParameterGroup",
        {"Family": "docdb8.0", "Parameters": {"audit_logs": "disabled", "tls": "disabled", "profiler": "enabled"}},
    )
    template.has_resource_properties(
        "AWS::DocDB::DBCluster",
        {
            "EngineVersion": "8.0.0",
            "MasterUsername": "owner",
            "Port": 27017,
            "EnableCloudwatchLogsExports": ["profiler"],
            "VpcSecurityGroupIds": [Match.any_value()],
        },
    )
    template.resource_count_is("AWS::EC2::SecurityGroup", 1)
    [rule] = [
        rule
        for group in template.find_resources("AWS::EC2::SecurityGroup").values()
        for rule in group["Properties"]["SecurityGroupIngress"]
    ]
    assert (rule["FromPort"], rule["ToPort"]) == (27017, 27017)
    assert "CidrBlock" in str(rule["CidrIp"])


def test_a_parameter_group_has_the_family_that_is_given(site: Site) -> None:
    template = site.database(family="docdb5.0", engine_version="5.0.0")
    template.has_resource_properties("AWS::DocDB::DBClusterParameterGroup", {"Family": "docdb5.0"})


def test_a_bastion_has_its_key_type_and_tags(site: Site) -> None:
    props = BastionProps(
        key_name="ops",
        instance_type=ec2.InstanceType.of(ec2.InstanceClass.T3, ec2.InstanceSize.MICRO),
        ami_id="ami-0123456789abcdef0",
    )
    stack = BastionStack(scope=site.app, construct_id="bastion", vpc=site.network.vpc, props=props)
    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::Instance",
        {
            "KeyName": "ops",
            "InstanceType": "t3.micro",
            "Tags": Match.array_with([{"Key": "PatchGroup", "Value": "prod-default"}]),
        },
    )


def test_props_say_whether_their_image_is_built_from_a_folder() -> None:
    props: dict[str, Any] = {"container_name": "site", "container_port": 8000}
    assert ServiceProps(**props, container_location="path://docker/site").container_location_is_path
    assert not ServiceProps(**props, container_location=IMAGE).container_location_is_path
