"""The page on security about AWS's best practices, compared with the templates."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.unit.documents import ROOT
from tests.unit.stacks_support import (
    BASTION,
    ENVIRONMENTS,
    Json,
    configuration_with,
    read_templates,
    shared_synthesis,
    templates,
)

PAGE = "docs/security.md"
SECTIONS = ("ECS", "Elastic Load Balancing", "EC2", "DocumentDB", "WAF", "Secrets Manager", "IAM", "S3")
STATES = {"pass", "no", "owner"}

Wrong = Iterable[str]
Check = Callable[[], Wrong]

# https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html#elb-17
TLS_POLICIES = {
    f"ELBSecurityPolicy-TLS13-{policy}"
    for policy in (
        *("1-3-2021-06", "1-3-FIPS-2023-04", "1-2-Res-2021-06", "1-2-Res-FIPS-2023-04"),
        *("1-2-Res-PQ-2025-09", "1-3-PQ-2025-09", "1-2-Res-FIPS-PQ-2025-09", "1-3-FIPS-PQ-2025-09"),
    )
}
# https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-19
RISKY_PORTS = {
    *(20, 21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 3000, 3306, 3389, 4333, 5000, 5432, 5500, 5601, 8080, 8088),
    *(8888, 9200, 9300),
}
ANYWHERE = {"0.0.0.0/0", "::/0"}


@functools.cache
def all_templates() -> dict[str, Json]:
    """Every stack of every environment, and those of a dev with a bastion."""
    found = {name: template for environment in ENVIRONMENTS for name, template in templates(environment).items()}
    with_bastion = read_templates(shared_synthesis(configuration_with("dev", bastion=BASTION), "dev"))
    return found | {f"{name}, with a bastion": template for name, template in with_bastion.items()}


def every(kind: str) -> Iterator[tuple[str, Json]]:
    for stack, template in all_templates().items():
        for key, resource in template["Resources"].items():
            if resource["Type"] == kind:
                yield f"{stack} {key}", resource.get("Properties", {})


def without(kind: str, passes: Callable[[Json], object]) -> Wrong:
    yield from (where for where, properties in every(kind) if not passes(properties))


def alone(kind: str, companion: str) -> Wrong:
    """Resources without a companion in their stack."""
    accompanied = {where.rpartition(" ")[0] for where, _ in every(companion)}
    yield from (where for where, _ in every(kind) if where.rpartition(" ")[0] not in accompanied)


def attributes(properties: Json, name: str) -> dict[str, object]:
    return {each["Key"]: each["Value"] for each in properties.get(name, [])}


def containers() -> Iterator[tuple[str, Json]]:
    for where, task in every("AWS::ECS::TaskDefinition"):
        yield from ((where, container) for container in task["ContainerDefinitions"])


def ingress() -> Iterator[tuple[str, Json]]:
    for where, group in every("AWS::EC2::SecurityGroup"):
        yield from ((where, rule) for rule in group.get("SecurityGroupIngress", []))
    yield from every("AWS::EC2::SecurityGroupIngress")


def open_to_the_internet() -> Iterator[tuple[str, range]]:
    for where, rule in ingress():
        if {rule.get("CidrIp"), rule.get("CidrIpv6")} & ANYWHERE:
            is_all = rule["IpProtocol"] == "-1"
            yield where, range(65536) if is_all else range(rule["FromPort"], rule["ToPort"] + 1)


def allowed() -> Iterator[tuple[str, str]]:
    """The actions that the policies of all roles allow."""
    policies = [(where, each["PolicyDocument"]) for where, each in every("AWS::IAM::Policy")]
    for where, role in every("AWS::IAM::Role"):
        policies += [(where, each["PolicyDocument"]) for each in role.get("Policies", [])]
    for where, policy in (*policies, *((w, p["PolicyDocument"]) for w, p in every("AWS::IAM::ManagedPolicy"))):
        for statement in policy["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            yield from ((where, action) for action in actions if statement["Effect"] == "Allow")


def endpoint_of(service: str) -> Check:
    def missing() -> Wrong:
        there = [json.dumps(endpoint["ServiceName"]) for _, endpoint in every("AWS::EC2::VPCEndpoint")]
        if not any(f".{service}" in name for name in there):
            yield from (where for where, _ in every("AWS::EC2::VPC"))

    return missing


CHECKS: dict[str, Check] = {
    "ECS.2": lambda: without(
        "AWS::ECS::Service",
        lambda it: it["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED",
    ),
    "ECS.3": lambda: without("AWS::ECS::TaskDefinition", lambda it: it.get("PidMode") != "host"),
    "ECS.4": lambda: (where for where, each in containers() if each.get("Privileged")),
    "ECS.5": lambda: (where for where, each in containers() if not each.get("ReadonlyRootFilesystem")),
    "ECS.8": lambda: (
        where
        for where, each in containers()
        for variable in each.get("Environment", [])
        if variable["Name"] in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ECS_ENGINE_AUTH_DATA")
        or re.search(r"PASS|SECRET|TOKEN|DSN", variable["Name"])
    ),
    "ECS.9": lambda: (where for where, each in containers() if not each.get("LogConfiguration", {}).get("LogDriver")),
    "ECS.10": lambda: without("AWS::ECS::Service", lambda it: it.get("PlatformVersion", "LATEST") == "LATEST"),
    "ECS.12": lambda: without(
        "AWS::ECS::Cluster",
        lambda it: any(
            each["Name"] == "containerInsights" and each["Value"] != "disabled" for each in it["ClusterSettings"]
        ),
    ),
    "ECS.17": lambda: without("AWS::ECS::TaskDefinition", lambda it: it["NetworkMode"] == "awsvpc"),
    "ECS.20": lambda: (where for where, each in containers() if each.get("User", "root") in ("root", "0")),
    "ELB.1": lambda: without(
        "AWS::ElasticLoadBalancingV2::Listener",
        lambda it: (
            it["Protocol"] == "HTTPS"
            or (
                [each["Type"] for each in it["DefaultActions"]] == ["redirect"]
                and it["DefaultActions"][0]["RedirectConfig"]["Protocol"] == "HTTPS"
            )
        ),
    ),
    "ELB.4": lambda: balancers_without("routing.http.drop_invalid_header_fields.enabled"),
    "ELB.5": lambda: balancers_without("access_logs.s3.enabled"),
    "ELB.6": lambda: balancers_without("deletion_protection.enabled"),
    "ELB.12": lambda: without(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        lambda it: (
            attributes(it, "LoadBalancerAttributes").get("routing.http.desync_mitigation_mode", "defensive")
            in ("defensive", "strictest")
        ),
    ),
    "ELB.13": lambda: without("AWS::ElasticLoadBalancingV2::LoadBalancer", lambda it: len(it["Subnets"]) > 1),
    "ELB.16": lambda: alone("AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::WAFv2::WebACLAssociation"),
    "ELB.17": lambda: without(
        "AWS::ElasticLoadBalancingV2::Listener",
        lambda it: it["Protocol"] == "HTTP" or it.get("SslPolicy") in TLS_POLICIES,
    ),
    "ELB.18": lambda: without("AWS::ElasticLoadBalancingV2::Listener", lambda it: it["Protocol"] == "HTTPS"),
    "ELB.21": lambda: without(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        lambda it: it.get("HealthCheckProtocol", it["Protocol"]) == "HTTPS",
    ),
    "ELB.22": lambda: without("AWS::ElasticLoadBalancingV2::TargetGroup", lambda it: it["Protocol"] == "HTTPS"),
    # The default group is emptied by a custom resource; without one AWS's two rules are in it.
    "EC2.2": lambda: (where for where, _ in every("AWS::EC2::VPC") if not any(every("Custom::VpcRestrictDefaultSG"))),
    "EC2.3": lambda: without(
        "AWS::EC2::Instance",
        lambda it: (
            it.get("BlockDeviceMappings")
            and all(each.get("Ebs", {}).get("Encrypted") for each in it["BlockDeviceMappings"])
        ),
    ),
    "EC2.6": lambda: (
        where
        for where, _ in every("AWS::EC2::VPC")
        if not any(
            log["TrafficType"] in ("REJECT", "ALL") and log["ResourceType"] == "VPC"
            for place, log in every("AWS::EC2::FlowLog")
            if place.rpartition(" ")[0] == where.rpartition(" ")[0]
        )
    ),
    "EC2.8": lambda: without(
        "AWS::EC2::Instance", lambda it: it.get("MetadataOptions", {}).get("HttpTokens") == "required"
    ),
    "EC2.9": lambda: without(
        "AWS::EC2::Instance",
        lambda it: (
            "Private" in json.dumps(it["SubnetId"])
            and not any(each.get("AssociatePublicIpAddress") for each in it.get("NetworkInterfaces", []))
        ),
    ),
    "EC2.10": endpoint_of("ec2"),
    "EC2.15": lambda: without("AWS::EC2::Subnet", lambda it: not it.get("MapPublicIpOnLaunch")),
    "EC2.18": lambda: (where for where, ports in open_to_the_internet() if not set(ports) <= {80, 443}),
    "EC2.19": lambda: (where for where, ports in open_to_the_internet() if set(ports) & RISKY_PORTS),
    # Without its own network ACL a VPC has the default one, which allows everything.
    "EC2.21": lambda: (where for where, _ in every("AWS::EC2::VPC") if not any(every("AWS::EC2::NetworkAcl"))),
    "EC2.24": lambda: without("AWS::EC2::Instance", lambda it: it["InstanceType"].startswith("t3.")),
    "EC2.55": endpoint_of("ecr.api"),
    "EC2.56": endpoint_of("ecr.dkr"),
    "EC2.57": endpoint_of("ssm"),
    "EC2.58": endpoint_of("ssm-contacts"),
    "EC2.60": endpoint_of("ssm-incidents"),
    "DocumentDB.1": lambda: without("AWS::DocDB::DBCluster", lambda it: it.get("StorageEncrypted")),
    "DocumentDB.2": lambda: without("AWS::DocDB::DBCluster", lambda it: it["BackupRetentionPeriod"] >= 7),
    "DocumentDB.3": lambda: (where for where, _ in every("AWS::RDS::DBClusterSnapshot")),
    "DocumentDB.4": lambda: (
        *without("AWS::DocDB::DBCluster", lambda it: "audit" in it.get("EnableCloudwatchLogsExports", [])),
        *without(
            "AWS::DocDB::DBClusterParameterGroup", lambda it: it["Parameters"].get("audit_logs") in ("enabled", "all")
        ),
    ),
    "DocumentDB.5": lambda: without("AWS::DocDB::DBCluster", lambda it: it.get("DeletionProtection")),
    "DocumentDB.6": lambda: without(
        "AWS::DocDB::DBClusterParameterGroup", lambda it: it["Parameters"].get("tls") != "disabled"
    ),
    "WAF.10": lambda: without("AWS::WAFv2::WebACL", lambda it: it["Rules"]),
    "WAF.11": lambda: alone("AWS::WAFv2::WebACL", "AWS::WAFv2::LoggingConfiguration"),
    "WAF.12": lambda: without(
        "AWS::WAFv2::WebACL",
        lambda it: all(rule["VisibilityConfig"]["CloudWatchMetricsEnabled"] for rule in it["Rules"]),
    ),
    "SecretsManager.1": lambda: (
        where
        for where, _ in every("AWS::SecretsManager::Secret")
        if not any(every("AWS::SecretsManager::RotationSchedule"))
    ),
    "SecretsManager.4": lambda: CHECKS["SecretsManager.1"](),
    "IAM.1": lambda: (where for where, action in allowed() if action == "*"),
    "IAM.2": lambda: (where for where, _ in every("AWS::IAM::User")),
    "IAM.21": lambda: (where for where, action in allowed() if re.fullmatch(r"[\w-]+:\*", action)),
    "S3.2": lambda: CHECKS["S3.8"](),
    "S3.3": lambda: CHECKS["S3.8"](),
    "S3.5": lambda: (
        where
        for where, _ in every("AWS::S3::Bucket")
        if not any(
            statement["Effect"] == "Deny" and "aws:SecureTransport" in json.dumps(statement.get("Condition", {}))
            for place, policy in every("AWS::S3::BucketPolicy")
            if place.rpartition(" ")[0] == where.rpartition(" ")[0]
            for statement in policy["PolicyDocument"]["Statement"]
        )
    ),
    "S3.6": lambda: (
        where
        for where, policy in every("AWS::S3::BucketPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and set(statement["Principal"]) != {"Service"}
    ),
    "S3.8": lambda: without(
        "AWS::S3::Bucket",
        lambda it: all(
            it.get("PublicAccessBlockConfiguration", {}).get(each)
            for each in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        ),
    ),
    "S3.9": lambda: without("AWS::S3::Bucket", lambda it: it.get("LoggingConfiguration")),
    "S3.12": lambda: without(
        "AWS::S3::Bucket", lambda it: not it.get("AccessControl") and "ObjectWriter" not in json.dumps(it)
    ),
    "S3.13": lambda: without(
        "AWS::S3::Bucket",
        lambda it: any(each["Status"] == "Enabled" for each in it.get("LifecycleConfiguration", {}).get("Rules", [])),
    ),
}


def balancers_without(attribute: str) -> Wrong:
    return without(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        lambda it: attributes(it, "LoadBalancerAttributes").get(attribute) == "true",
    )


@functools.cache
def said() -> dict[str, tuple[str, str]]:
    """The state of each control on the page, and why or where."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    found: dict[str, tuple[str, str]] = {}
    for section in SECTIONS:
        part = text.partition(f"\n### {section}\n")[2].partition("\n### ")[0]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:1] == "|"]
        assert rows, f"{PAGE}: no table under {section}"
        found |= {row[0]: (row[2], row[3]) for row in rows[2:]}
    return found


def test_every_control_has_a_state_and_each_no_a_reason() -> None:
    assert {state for state, _ in said().values()} <= STATES
    assert [control for control, (state, why) in said().items() if state != "owner" and not why] == []


def test_every_claim_about_a_template_is_checked() -> None:
    assert {control for control, (state, _) in said().items() if state != "owner"} == set(CHECKS)


@pytest.mark.parametrize("control", sorted(CHECKS))
def test_the_templates_do_what_is_documented_of_a_control(control: str) -> None:
    state, _ = said()[control]
    failing = sorted(set(CHECKS[control]()))
    if state == "pass":
        assert failing == []
    else:
        assert failing, f"{control} passes: write that in {PAGE}"


def test_a_check_has_something_to_look_at() -> None:
    kinds = {
        *("AWS::ECS::Service", "AWS::ECS::TaskDefinition", "AWS::ECS::Cluster", "AWS::EC2::VPC", "AWS::EC2::Subnet"),
        *("AWS::EC2::Instance", "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::Listener"),
        *("AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::DocDB::DBCluster", "AWS::DocDB::DBClusterParameterGroup"),
        *("AWS::WAFv2::WebACL", "AWS::SecretsManager::Secret", "AWS::S3::Bucket", "AWS::S3::BucketPolicy"),
    }
    assert [kind for kind in sorted(kinds) if not any(every(kind))] == []
    assert {ports for _, ports in open_to_the_internet()} == {range(80, 81), range(443, 444)}
    assert any(allowed())


def test_prod_s_load_balancer_can_not_be_deleted() -> None:
    assert [where for where in CHECKS["ELB.6"]() if where.startswith("agora-prod")] == []


def test_the_containers_that_write_to_their_root_are_those_that_the_page_names() -> None:
    part = (ROOT / PAGE).read_text(encoding="utf-8").partition("\n## Containers\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:1] == "|"]
    written = {name: root for name, _, root, _ in rows[2:]}
    writable = {each["Name"] for where, each in containers() if where in set(CHECKS["ECS.5"]())}
    assert {name for name, root in written.items() if root == "writable"} == writable
    assert set(written) == {each["Name"] for _, each in containers()}


def test_there_is_no_function() -> None:
    assert list(every("AWS::Lambda::Function")) == []
    assert "### Lambda\n\nNot applicable" in (ROOT / PAGE).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("control", "kind", "broken"),
    [
        (
            "ECS.2",
            "AWS::ECS::Service",
            {"NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}},
        ),
        ("ECS.4", "AWS::ECS::TaskDefinition", {"ContainerDefinitions": [{"Privileged": True}]}),
        ("ECS.8", "AWS::ECS::TaskDefinition", {"ContainerDefinitions": [{"Environment": [{"Name": "DB_PASSWORD"}]}]}),
        ("ECS.9", "AWS::ECS::TaskDefinition", {"ContainerDefinitions": [{}]}),
        ("ECS.10", "AWS::ECS::Service", {"PlatformVersion": "1.3.0"}),
        ("ELB.4", "AWS::ElasticLoadBalancingV2::LoadBalancer", {"LoadBalancerAttributes": []}),
        ("ELB.5", "AWS::ElasticLoadBalancingV2::LoadBalancer", {"LoadBalancerAttributes": []}),
        ("ELB.13", "AWS::ElasticLoadBalancingV2::LoadBalancer", {"Subnets": ["one"]}),
        ("ELB.17", "AWS::ElasticLoadBalancingV2::Listener", {"SslPolicy": "ELBSecurityPolicy-2016-08"}),
        ("EC2.6", "AWS::EC2::FlowLog", {"TrafficType": "ACCEPT"}),
        ("EC2.8", "AWS::EC2::Instance", {"MetadataOptions": {"HttpTokens": "optional"}}),
        (
            "EC2.18",
            "AWS::EC2::SecurityGroup",
            {"SecurityGroupIngress": [{"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}]},
        ),
        ("EC2.19", "AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [{"CidrIpv6": "::/0", "IpProtocol": "-1"}]}),
        ("DocumentDB.1", "AWS::DocDB::DBCluster", {"StorageEncrypted": False}),
        ("DocumentDB.2", "AWS::DocDB::DBCluster", {"BackupRetentionPeriod": 1}),
        ("DocumentDB.4", "AWS::DocDB::DBCluster", {"EnableCloudwatchLogsExports": ["profiler"]}),
        ("DocumentDB.5", "AWS::DocDB::DBCluster", {"DeletionProtection": False}),
        ("WAF.10", "AWS::WAFv2::WebACL", {"Rules": []}),
        ("IAM.21", "AWS::IAM::Policy", {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "s3:*"}]}}),
        ("S3.5", "AWS::S3::BucketPolicy", {"PolicyDocument": {"Statement": []}}),
        ("S3.8", "AWS::S3::Bucket", {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}),
        ("S3.13", "AWS::S3::Bucket", {"LifecycleConfiguration": {"Rules": []}}),
    ],
)
def test_a_template_that_is_wanting_is_found(
    control: str, kind: str, broken: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = copy.deepcopy(all_templates())
    for template in changed.values():
        for resource in template["Resources"].values():
            if resource["Type"] == kind:
                resource["Properties"] |= broken
    monkeypatch.setattr(f"{__name__}.all_templates", lambda: changed)
    assert list(CHECKS[control]())
