"""Updates that the embedded AWS must take as CloudFormation does: of outputs alone, and of a cluster."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.local_aws_support import Account, account, embedded_aws, network

__all__ = ["account", "embedded_aws", "network"]

PARAMETER = {"Value": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}}


def change_set(account: Account, stack: str, outputs: dict[str, Any]) -> Any:
    cloudformation = account.client("cloudformation")
    body = json.dumps({"Resources": PARAMETER, "Outputs": outputs})
    made = cloudformation.create_change_set(StackName=stack, ChangeSetName="outputs", TemplateBody=body)
    found = cloudformation.describe_change_set(StackName=stack, ChangeSetName=made["Id"])
    if found["ExecutionStatus"] == "AVAILABLE":
        cloudformation.execute_change_set(StackName=stack, ChangeSetName=made["Id"])
        assert account.state(stack) == "UPDATE_COMPLETE"
    return found


def test_a_change_set_of_outputs_alone_is_carried_out(account: Account) -> None:
    account.deploy("outputs", PARAMETER, {"Old": "1"})
    found = change_set(account, "outputs", {"New": {"Value": "2"}})
    assert (found["Status"], found["Changes"]) == ("CREATE_COMPLETE", [])
    assert account.outputs("outputs") == {"New": "2"}


def test_an_export_that_is_removed_is_no_longer_listed(account: Account) -> None:
    exported = {"Old": {"Value": "1", "Export": {"Name": "taken-away"}}}
    body = json.dumps({"Resources": PARAMETER, "Outputs": exported})
    account.client("cloudformation").create_stack(StackName="exports", TemplateBody=body)
    account.stacks.append("exports")
    assert account.state("exports") == "CREATE_COMPLETE"
    assert "taken-away" in exports(account)
    change_set(account, "exports", {"Old": {"Value": "1"}})
    assert "taken-away" not in exports(account)


def exports(account: Account) -> set[str]:
    return {each["Name"] for each in account.client("cloudformation").list_exports()["Exports"]}


def test_a_change_set_of_nothing_is_not(account: Account) -> None:
    account.deploy("nothing", PARAMETER, {"Old": "1"})
    found = change_set(account, "nothing", {"Old": {"Value": "1"}})
    assert found["Status"] == "FAILED"
    assert "didn't contain changes" in found["StatusReason"]


def test_a_cluster_keeps_the_capacity_providers_that_another_resource_gave_it(account: Account) -> None:
    def resources(insights: str) -> dict[str, Any]:
        return {
            "Cluster": {
                "Type": "AWS::ECS::Cluster",
                "Properties": {"ClusterSettings": [{"Name": "containerInsights", "Value": insights}]},
            },
            "Providers": {
                "Type": "AWS::ECS::ClusterCapacityProviderAssociations",
                "Properties": {
                    "Cluster": {"Ref": "Cluster"},
                    "CapacityProviders": ["FARGATE"],
                    "DefaultCapacityProviderStrategy": [],
                },
            },
        }

    account.deploy("cluster", resources("disabled"), {"Name": {"Ref": "Cluster"}})
    assert account.deploy("cluster", resources("enabled"), {"Name": {"Ref": "Cluster"}}) == "UPDATE_COMPLETE"
    name = account.outputs("cluster")["Name"]
    (found,) = account.client("ecs").describe_clusters(clusters=[name], include=["SETTINGS"])["clusters"]
    assert found["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert found["capacityProviders"] == ["FARGATE"]
