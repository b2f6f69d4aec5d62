from __future__ import annotations

from tests.unit.stacks_support import (
    configuration_with,
    environment,
    of_type,
    properties,
    read_templates,
    shared_synthesis,
    stack,
)


def test_the_namespace_of_service_connect_is_the_sites_name() -> None:
    namespace = properties(stack("stage", "ecs"), "AWS::ServiceDiscovery::PrivateDnsNamespace")
    assert namespace["Name"] == environment("stage").fqdn
    assert "Namespace" in properties(stack("stage", "ecs"), "AWS::ECS::Cluster")["ServiceConnectDefaults"]


def test_both_kinds_of_fargate_capacity_are_associated_with_the_cluster() -> None:
    association = properties(stack("dev", "ecs"), "AWS::ECS::ClusterCapacityProviderAssociations")
    assert association["CapacityProviders"] == ["FARGATE", "FARGATE_SPOT"]


def test_every_callee_has_a_group_for_its_callers_that_opens_nothing_automatically() -> None:
    groups = [group["Properties"] for group in of_type(stack("dev", "ecs"), "AWS::EC2::SecurityGroup").values()]
    assert {group["GroupDescription"] for group in groups} == {
        *(f"Carried by the callers of agora-{part}" for part in ("api", "api-next", "api-docs", "app")),
        "Carried by agora-apex to reach all that it calls",
    }
    for group in groups:
        assert "SecurityGroupIngress" not in group
        assert [rule["CidrIp"] for rule in group["SecurityGroupEgress"]] == ["255.255.255.255/32"]


def test_exec_sessions_are_not_logged_so_that_tasks_need_no_rights_on_logs() -> None:
    configuration = properties(stack("dev", "ecs"), "AWS::ECS::Cluster")["Configuration"]
    assert configuration["ExecuteCommandConfiguration"]["Logging"] == "NONE"


def test_container_insights_are_off_because_they_are_billed_by_the_metric() -> None:
    assert properties(stack("prod", "ecs"), "AWS::ECS::Cluster")["ClusterSettings"] == [
        {"Name": "containerInsights", "Value": "disabled"}
    ]


def test_the_configuration_switches_container_insights_on() -> None:
    templates = read_templates(shared_synthesis(configuration_with("dev", container_insights=True), "dev"))
    assert properties(templates["agora-dev-ecs"], "AWS::ECS::Cluster")["ClusterSettings"] == [
        {"Name": "containerInsights", "Value": "enabled"}
    ]
