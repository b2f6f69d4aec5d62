"""What runs, against what would be deployed over it.

`deployed-resources.json` was derived from the earlier app of a sibling. One value in it cannot be that of any
environment here, and is compared without it: the digits after the load balancer's name are made from the stack's name.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.stacks_support import ENVIRONMENTS, Json, environment, moving_templates, settled_templates

DEPLOYED: Json = json.loads((Path(__file__).parent / "deployed-resources.json").read_text())
STACKS = [key for key in DEPLOYED if key != "note"]

MEANT_TO_DIFFER = {
    ("AWS::ECS::TaskDefinition", "Cpu"): "the form gives every service its own size",
    ("AWS::ECS::TaskDefinition", "Memory"): "the form gives every service its own size",
    ("AWS::ECS::Service", "CapacityProviderStrategy"): "no Spot: Service Connect and Spot interrupt each other",
}


def fill_in(value: Any, name: str) -> Any:
    """The recorded value for one environment: {env}, {fqdn}, and {cidr+64}/26 counted on from the network's address."""
    if isinstance(value, dict):
        return {key: fill_in(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_in(item, name) for item in value]
    if not isinstance(value, str):
        return value
    first = ipaddress.IPv4Network(environment(name).vpc_cidr).network_address
    value = re.sub(r"\{cidr\+(\d+)\}", lambda match: str(first + int(match[1])), value)
    return value.replace("{env}", name).replace("{fqdn}", environment(name).fqdn)


@functools.cache
def exported(name: str) -> Json:
    """What each export stands for: the stack, and the value in it."""
    return {
        output["Export"]["Name"]: (stack_name, json.dumps(output["Value"]))
        for stack_name, template in moving_templates(name).items()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }


def settle(value: Any, name: str, template: Json, stack_name: str) -> Any:
    """A value with what differs only in writing made the same: references between stacks, the region, the AMI's map."""
    if isinstance(value, list):
        return [settle(item, name, template, stack_name) for item in value]
    if not isinstance(value, dict):
        return re.sub(r"(loadbalancerAppLoadBalancer)[0-9A-F]{8}$", r"\1", value) if isinstance(value, str) else value
    if value == {"Ref": "AWS::Region"}:
        return environment(name).region
    match value:
        case {"Fn::ImportValue": export}:
            return {"of": exported(name)[export]}
        case {"Fn::GetStackOutput": {"StackName": producer, "OutputName": output}}:
            return {"of": (producer, json.dumps(moving_templates(name)[producer]["Outputs"][output]["Value"]))}
        case {"Fn::FindInMap": ["BastionHostAmiMapC062C513", *_]}:
            return "ami-074a6fac5773fe883"
    return {key: settle(item, name, template, stack_name) for key, item in value.items()}


def differences(name: str) -> list[str]:
    found = []
    for recorded_stack in STACKS:
        stack_name = fill_in(recorded_stack, name)
        template = moving_templates(name)[stack_name]
        for key, recorded in DEPLOYED[recorded_stack]["resources"].items():
            resource = template["Resources"].get(key)
            if resource is None:
                found.append(f"{stack_name}: {key} is missing")
                continue
            # The record of a load balancer has its property Type in the place of the resource's.
            kind = recorded["Type"] if "::" in recorded["Type"] else resource["Type"]
            compared = {key: value for key, value in recorded.items() if value != kind}
            if resource["Type"] != kind:
                found.append(f"{stack_name}: {key} was {kind}, is {resource['Type']}")
            for field, value in compared.items():
                was = settle(fill_in(value, name), name, template, stack_name)
                now = settle(resource["Properties"].get(field), name, template, stack_name)
                if was != now and (kind, field) not in MEANT_TO_DIFFER:
                    found.append(f"{stack_name}: {key} ({kind}) {field} was {was}, is {now}")
    return found


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_runs_is_updated_in_place(name: str) -> None:
    assert differences(name) == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_load_balancers_group_keeps_the_description_that_the_cdk_made_for_its_stack(name: str) -> None:
    group = moving_templates(name)[f"agora-{name}-load-balancer"]["Resources"]["AppLoadBalancerSecurityGroupC44CD584"]
    made = (
        hashlib.md5(f"agora-{name}-load-balancer/AppLoadBalancer".encode(), usedforsecurity=False)
        .hexdigest()[:8]
        .upper()
    )
    assert group["Properties"]["GroupDescription"].endswith(f"agora{name}loadbalancerAppLoadBalancer{made}")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_deployed_export_keeps_its_name_in_the_first_step(name: str) -> None:
    recorded = {fill_in(export, name) for stack in STACKS for export in DEPLOYED[stack]["exports"].values()}
    assert set(exported(name)) == recorded


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_deployed_export_keeps_its_value(name: str) -> None:
    for export, (_, value) in exported(name).items():
        if match := re.search(r"ExportsOutput(Ref|FnGetAtt)(\w+)", export):
            attribute = json.loads(value)
            made = attribute["Ref"] if match[1] == "Ref" else "".join(attribute["Fn::GetAtt"])
            assert match[2].startswith(made), export


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_afterwards_only_the_name_for_dns_is_exported(name: str) -> None:
    exports = [
        output["Export"]["Name"]
        for template in settled_templates(name).values()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    ]
    assert exports == [f"agora-{name}-load-balancer-dns"]


def test_the_first_step_imports_nothing_so_that_the_second_can_drop_the_exports() -> None:
    assert "Fn::ImportValue" not in json.dumps(moving_templates("dev"))


def test_what_is_meant_to_differ_still_does() -> None:
    template = moving_templates("dev")["agora-dev-api"]["Resources"]
    recorded = DEPLOYED["agora-{env}-api"]["resources"]
    for key, resource in recorded.items():
        for field in resource:
            if (resource["Type"], field) in MEANT_TO_DIFFER:
                assert template[key]["Properties"][field] != resource[field]
