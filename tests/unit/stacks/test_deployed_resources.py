"""The deployed resources, compared with the new templates: no resource with state or an identity is recreated.

The earlier app's templates are made from `deployed-resources.json`. Which properties can't be changed without a new
resource is read from the resource types' own schemas.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portside.plan import replacement
from portside.plan.replacement import STATEFUL
from tests import cfn_lint_data, earlier_app
from tests.unit.stacks_support import (
    ENVIRONMENTS,
    Json,
    configuration,
    environment,
    moving_templates,
    settled_templates,
)

# Replaced on purpose, or not recorded: what is recorded of them is compared all the same.
NOT_KEPT_WHOLE = {
    "AWS::ECS::TaskDefinition": "each deployment makes a new revision",
    "AWS::ECS::Service": "the record omits its cluster",
    "AWS::ElasticLoadBalancingV2::Listener": "the record omits its load balancer",
}
INTENDED_DIFFERENCES = {
    ("AWS::ECS::TaskDefinition", "Cpu"): "the configuration gives every service its own size",
    ("AWS::ECS::TaskDefinition", "Memory"): "the configuration gives every service its own size",
    ("AWS::ECS::Service", "CapacityProviderStrategy"): "no Spot: Service Connect and Spot interrupt each other",
}
# Create-only by a schema, and not in the table that `verify` asks, because:
NOT_IN_THE_TABLE = {
    "AWS::EC2::Instance": {
        "AdditionalInfo": "interrupts a machine with an EBS volume, and these have one",
        "Affinity": "of dedicated hosts",
        "BlockDeviceMappings": "another disk interrupts nothing; the bastion's are not configured",
        "EbsOptimized": "interrupts a machine with an EBS volume",
        "ElasticGpuSpecifications": "AWS has ended Elastic Graphics",
        "ElasticInferenceAccelerators": "AWS has ended Elastic Inference",
        "HostId": "of dedicated hosts",
        "InstanceType": "interrupts a machine with an EBS volume",
        "KernelId": "interrupts a machine with an EBS volume",
        "PrivateDnsNameOptions": "changed in place except for the type of the name",
        "RamdiskId": "interrupts a machine with an EBS volume",
        "SecurityGroupIds": "changed in place in a VPC",
        "Tenancy": "of dedicated hosts",
        "UserData": "interrupts a machine with an EBS volume",
    },
    "AWS::ElastiCache::CacheCluster": {"IpDiscovery": "changed in place between the two kinds of addresses"},
    "AWS::ElastiCache::ReplicationGroup": {
        "AuthToken": "rotated in place",
        "NodeGroupConfiguration": "changed in place by the update policy of the CDK's and CloudFormation's default",
    },
    "AWS::EC2::Subnet": {"Ipv6CidrBlock": "no network here has IPv6"},
    "AWS::RDS::DBCluster": {"GlobalClusterIdentifier": "a cluster joins and leaves a global one in place"},
    "AWS::RDS::DBInstance": {
        "AutoMinorVersionUpgrade": "changed in place, at times with an interruption",
        "BackupRetentionPeriod": "changed in place, with an interruption from and to 0",
        "DBParameterGroupName": "changed in place, with a restart",
        "MultiAZ": "changed in place",
        "PreferredMaintenanceWindow": "changed in place",
    },
}


def top_level(kind: str, *lists: str) -> frozenset[str]:
    """The properties of a type that one of the schema's lists names, whole or a part of them."""
    return frozenset(path.split("/")[2] for each in lists for path in cfn_lint_data.schema(kind).get(each, ()))


def create_only(kind: str) -> frozenset[str]:
    return top_level(kind, "createOnlyProperties")


@functools.cache
def earlier(name: str) -> dict[str, Json]:
    return earlier_app.templates(environment(name), configuration().services_of(name))


@functools.cache
def recorded(name: str) -> dict[str, dict[str, Json]]:
    return earlier_app.recorded_resources(environment(name))


def settled(value: Any, name: str, template: Json, before: dict[str, Json], after: dict[str, Json]) -> Any:
    """A value with what differs only in writing made the same: references between stacks, the region, the AMI's map."""
    if isinstance(value, list):
        return [settled(item, name, template, before, after) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": "AWS::Region"}:
            return environment(name).region
        case {"Fn::ImportValue": export}:
            return next(
                {"of": (producer, each[export])}
                for producer, template in before.items()
                if export in (each := earlier_app.exported(template))
            )
        case {"Fn::GetStackOutput": {"StackName": producer, "OutputName": output}}:
            return {"of": (producer, after[producer]["Outputs"][output]["Value"])}
        case {"Fn::FindInMap": [mapping, _, key]}:
            return template["Mappings"][mapping][environment(name).region][key]
    return {key: settled(item, name, template, before, after) for key, item in value.items()}


def differences(name: str, after: dict[str, Json]) -> Iterator[str]:
    """The recorded resources that would be recreated, or that differ from the record."""
    before = earlier(name)
    for stack_name, resources in recorded(name).items():
        for key, was in resources.items():
            where, kind = f"{stack_name} {key}", was["Type"]
            now = after[stack_name]["Resources"].get(key)
            if now is None or now["Type"] != kind:
                yield f"{where} was {kind}, is {now and now['Type']}"
                continue
            for each in sorted(was["Properties"].keys() | (create_only(kind) if kind not in NOT_KEPT_WHOLE else set())):
                if (kind, each) in INTENDED_DIFFERENCES:
                    continue
                old = settled(was["Properties"].get(each), name, before[stack_name], before, after)
                new = settled(now.get("Properties", {}).get(each), name, after[stack_name], before, after)
                if (kind, each) == ("AWS::ECS::Service", "ServiceConnectConfiguration"):
                    new = _without_log_buffer(new)
                if old != new:
                    yield f"{where} {each} was {old}, is {new}"


def _without_log_buffer(service_connect: Json) -> Json:
    """A proxy that logs through a buffer is another revision of the same service."""
    log = service_connect["LogConfiguration"]
    buffer = {"mode": "non-blocking", "max-buffer-size": "26214400b"}
    assert buffer.items() <= log["Options"].items()
    options = {key: value for key, value in log["Options"].items() if key not in buffer}
    return service_connect | {"LogConfiguration": log | {"Options": options}}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_runs_is_updated_in_place(name: str) -> None:
    assert list(differences(name, moving_templates(name))) == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_runs_is_updated_in_place_by_the_second_step_too(name: str) -> None:
    assert list(differences(name, settled_templates(name))) == []


def test_everything_that_holds_state_is_in_the_record_and_is_compared_whole() -> None:
    kinds = {each["Type"] for resources in recorded("dev").values() for each in resources.values()}
    # Log groups contain logs, under a name that is recreated with them; the record has no log groups.
    databases = {kind for kind in STATEFUL if kind.startswith("AWS::RDS::")}
    own = {f"AWS::{each}" for each in ("DynamoDB::Table", "EFS::FileSystem", "S3::Bucket", "SQS::Queue")}
    own |= {kind for kind in STATEFUL if kind.startswith("AWS::ElastiCache::")}
    assert STATEFUL.keys() - kinds - databases - own == {"AWS::Logs::LogGroup"}
    assert not NOT_KEPT_WHOLE.keys() & STATEFUL.keys()
    assert NOT_KEPT_WHOLE.keys() <= kinds


def other_cidr(templates: dict[str, Json]) -> None:
    vpc = templates["agora-dev-network"]["Resources"]["Vpc8378EB38"]
    vpc["Properties"]["CidrBlock"] = "10.254.175.0/24"


def other_user(templates: dict[str, Json]) -> None:
    templates["agora-dev-docdb-v8"]["Resources"]["DocDbClusterB46CF5D3"]["Properties"]["MasterUsername"] = "admin"


def other_password(templates: dict[str, Json]) -> None:
    secret = templates["agora-dev-docdb-v8"]["Resources"]["DocDbMasterPasswordFFA2183A"]
    secret["Properties"]["GenerateSecretString"]["PasswordLength"] = 40


def other_description(templates: dict[str, Json]) -> None:
    group = templates["agora-dev-docdb-v8"]["Resources"]["DocDbClusterSecurityGroupD0D4993E"]
    group["Properties"]["GroupDescription"] = "The database"


def other_id(templates: dict[str, Json]) -> None:
    resources = templates["agora-dev-load-balancer"]["Resources"]
    resources["Balancer"] = resources.pop("AppLoadBalancer0268F95E")


def other_type(templates: dict[str, Json]) -> None:
    namespace = "ClusterDefaultServiceDiscoveryNamespaceC336F9B4"
    templates["agora-dev-ecs"]["Resources"][namespace]["Type"] = "AWS::ServiceDiscovery::HttpNamespace"


def a_name(templates: dict[str, Json]) -> None:
    """A create-only property that the record does not have."""
    templates["agora-dev-docdb-v8"]["Resources"]["DocDbClusterB46CF5D3"]["Properties"]["DBClusterIdentifier"] = "agora"


def another_subnet(templates: dict[str, Json]) -> None:
    """The same reference to another stack, to something else there."""
    for output in templates["agora-dev-network"]["Outputs"].values():
        if output["Value"] == {"Ref": "VpcPrivateSubnet1Subnet536B997A"}:
            output["Value"] = {"Ref": "VpcPublicSubnet1Subnet5C2D37C4"}


@pytest.mark.parametrize(
    "change",
    [other_cidr, other_user, other_password, other_description, other_id, other_type, a_name, another_subnet],
)
def test_a_change_that_would_replace_something_is_seen(change: Callable[[dict[str, Json]], None]) -> None:
    changed = copy.deepcopy(moving_templates("dev"))
    change(changed)
    assert list(differences("dev", changed))


TABLE = {**replacement.STATEFUL, **replacement._OTHERS}


@pytest.mark.parametrize("kind", sorted(TABLE))
def test_the_table_of_what_replaces_is_that_of_the_schemas(kind: str) -> None:
    table = TABLE[kind]
    replacing = top_level(kind, "createOnlyProperties", "conditionalCreateOnlyProperties")
    assert table <= replacing, "a change in place is called a replacement"
    assert replacing - table <= NOT_IN_THE_TABLE.get(kind, {}).keys(), "a replacement is not seen"


def test_a_property_that_is_not_in_the_table_counts_as_replacing() -> None:
    for kind, reasons in NOT_IN_THE_TABLE.items():
        assert reasons.keys() <= top_level(kind, "createOnlyProperties", "conditionalCreateOnlyProperties")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_load_balancers_group_keeps_the_description_that_the_cdk_made_for_its_stack(name: str) -> None:
    group = moving_templates(name)[f"agora-{name}-load-balancer"]["Resources"]["AppLoadBalancerSecurityGroupC44CD584"]
    made = (
        hashlib.md5(f"agora-{name}-load-balancer/AppLoadBalancer".encode(), usedforsecurity=False)
        .hexdigest()[:8]
        .upper()
    )
    assert group["Properties"]["GroupDescription"].endswith(f"agora{name}loadbalancerAppLoadBalancer{made}")


def exported(templates: dict[str, Json]) -> dict[str, tuple[str, Any]]:
    """The source of each export: the stack, and the value in it."""
    return {
        export: (stack_name, value)
        for stack_name, template in templates.items()
        for export, value in earlier_app.exported(template).items()
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_deployed_export_keeps_its_name_and_value_in_the_first_step(name: str) -> None:
    assert exported(moving_templates(name)) == exported(earlier(name))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_afterwards_only_the_name_for_dns_is_exported(name: str) -> None:
    assert list(exported(settled_templates(name))) == [f"agora-{name}-load-balancer-dns"]


def test_the_first_step_imports_nothing_so_that_the_second_can_drop_the_exports() -> None:
    assert not earlier_app.imported(list(moving_templates("dev").values()))


def test_what_is_intended_to_differ_still_does() -> None:
    template = moving_templates("dev")["agora-dev-api"]["Resources"]
    for key, resource in recorded("dev")["agora-dev-api"].items():
        for each, value in resource["Properties"].items():
            if (resource["Type"], each) in INTENDED_DIFFERENCES:
                assert template[key]["Properties"][each] != value


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_earlier_templates_have_the_logical_ids_that_the_record_has(name: str) -> None:
    """Additions to the record get their IDs in the same way, so it must be the CDK's."""
    assert earlier_app.logical_id("Vpc", "PublicSubnet1", "EIP") == "VpcPublicSubnet1EIPD7E02669"
    assert earlier_app.logical_id("Vpc", "Resource") == "Vpc8378EB38"
    assert earlier_app.logical_id("HttpsListener", "HttpsTargetGroup", "Resource") == (
        "HttpsListenerHttpsTargetGroupC1FAA79B"
    )
    for stack_name, resources in recorded(name).items():
        assert resources.keys() <= earlier(name)[stack_name]["Resources"].keys()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_exactly_what_the_earlier_templates_import_is_exported(name: str) -> None:
    exports = set(exported(earlier(name)))
    assert earlier_app.imported(list(earlier(name).values())) == {each for each in exports if ":" in each}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_route_or_rule_that_stays_keeps_its_logical_id(name: str) -> None:
    """CloudFormation makes the new before it deletes the old, and AWS refuses the same route or rule twice."""
    unique = ("AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::SecurityGroupEgress")
    for stack_name, template in earlier(name).items():
        was = {key for key, each in template["Resources"].items() if each["Type"] in unique}
        now = {key for key, each in moving_templates(name)[stack_name]["Resources"].items() if each["Type"] in unique}
        assert was == now, stack_name


def test_the_description_of_a_group_is_that_of_its_environment() -> None:
    descriptions = {
        recorded(name)[f"agora-{name}-load-balancer"]["AppLoadBalancerSecurityGroupC44CD584"]["Properties"][
            "GroupDescription"
        ]
        for name in ENVIRONMENTS
    }
    assert len({re.sub(r"agora\w+load", "", each) for each in descriptions}) == len(ENVIRONMENTS)


def test_no_resource_is_replaced_for_the_owner_tag_of_its_stack() -> None:
    """CloudFormation passes a stack's tags on to every resource that takes tags."""
    moving = [template for name in ENVIRONMENTS for template in moving_templates(name).values()]
    kinds = {resource["Type"] for template in moving for resource in template["Resources"].values()}
    tags = {"Tags", "TagList", "HostedZoneTags", "FileSystemTags"}
    create_only_tags = {
        kind: tags & top_level(kind, "createOnlyProperties", "conditionalCreateOnlyProperties") for kind in kinds
    }
    assert len(create_only_tags) > 30
    assert {kind: found for kind, found in create_only_tags.items() if found} == {}
