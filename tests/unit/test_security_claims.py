"""Sentences of docs/security.md about the templates: each is in the page, and true of the templates."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator

import pytest

from portside.config.environment import Environment
from portside.config.service_props import ServiceProps, ServiceSecret
from portside.deploy.deploy_role import role_documents
from tests.apps import agora
from tests.unit.documents import ROOT
from tests.unit.stacks_support import (
    ENVIRONMENTS,
    Json,
    configuration,
    configuration_with,
    environment,
    read_templates,
    shared_synthesis,
)
from tests.unit.test_security_docs import all_templates, allowed, attributes, containers, every, ingress

PAGE = re.sub(r"\s+", " ", (ROOT / "docs/security.md").read_text(encoding="utf-8"))
Claim = Callable[[], object]


def of_services() -> Iterator[tuple[str, Json]]:
    """The security groups of services."""
    yield from ((where, it) for where, it in every("AWS::EC2::SecurityGroup") if "ServiceSecurityGroup" in where)


def open_to_the_network() -> set[str]:
    ranges = {environment(name).vpc_cidr for name in ENVIRONMENTS}
    return {where for where, rule in ingress() if rule.get("CidrIp") in ranges}


def lets_all_out(group: Json) -> bool:
    return any(rule.get("CidrIp") == "0.0.0.0/0" for rule in group.get("SecurityGroupEgress", ()))


def callers() -> list[Json]:
    return [it for where, it in every("AWS::EC2::SecurityGroup") if " Callers" in where]


def statement_ids() -> set[str]:
    return {each["Sid"] for each in role_documents(agora(), "dev").operator["Statement"]}


def said_statements() -> set[str]:
    table = PAGE.partition("| statement ")[2].partition("Several protections")[0]
    return set(re.findall(r"`(\w+)`", table))


def topic_keys() -> bool:
    return all("KmsMasterKeyId" in it and "alias/aws/sns" not in json.dumps(it) for _, it in every("AWS::SNS::Topic"))


def cloudwatch_may_use_the_keys() -> bool:
    policies = [json.dumps(it["KeyPolicy"]) for _, it in every("AWS::KMS::Key")]
    return bool(policies) and all(
        "cloudwatch.amazonaws.com" in each and "kms:Decrypt" in each and "kms:GenerateDataKey*" in each
        for each in policies
    )


def reading_is_logged() -> bool:
    buckets = [it for _, it in every("AWS::S3::Bucket")]
    policies = [json.dumps(it["PolicyDocument"]) for _, it in every("AWS::S3::BucketPolicy")]
    into_itself = all(it["LoggingConfiguration"] == {"LogFilePrefix": "readers/"} for it in buckets)
    return into_itself and all("logging.s3.amazonaws.com" in each and "readers/*" in each for each in policies)


CLAIMS: dict[str, Claim] = {
    "Each service accepts the environment's whole network (`VPC_CIDR`) on its port": lambda: (
        {where for where, _ in of_services()} <= open_to_the_network()
    ),
    "The database accepts only its callers": lambda: not any("docdb" in each for each in open_to_the_network()),
    "off by default, so no new app has it": lambda: (
        next(each.default for each in dataclasses.fields(Environment) if each.name == "keep_exports") is False
    ),
    "dev, stage and prod of Agora are still in that step": lambda: all(
        environment(name).keep_exports for name in ENVIRONMENTS
    ),
    "The security groups of services allow all outbound traffic": lambda: all(
        lets_all_out(it) for _, it in of_services()
    ),
    "without an endpoint in the network": lambda: not list(every("AWS::EC2::VPCEndpoint")),
    "The callers' groups allow no outbound traffic themselves": lambda: (
        bool(callers()) and not any(map(lets_all_out, callers()))
    ),
    "the database opens no connections, although its group would allow them": lambda: all(
        lets_all_out(it) for where, it in every("AWS::EC2::SecurityGroup") if "DocDbClusterSecurityGroup" in where
    ),
    "Tasks, the database and a bastion are in private subnets without public addresses": lambda: all(
        it["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
        and "Private" in json.dumps(it["NetworkConfiguration"])
        for _, it in every("AWS::ECS::Service")
    ),
    "`ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09`": lambda: (
        {it["SslPolicy"] for _, it in every("AWS::ElasticLoadBalancingV2::Listener") if it["Protocol"] == "HTTPS"}
        == {"ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"}
    ),
    "It drops headers with invalid names": lambda: all(
        attributes(it, "LoadBalancerAttributes")["routing.http.drop_invalid_header_fields.enabled"] == "true"
        for _, it in every("AWS::ElasticLoadBalancingV2::LoadBalancer")
    ),
    "`Strict-Transport-Security` for a year": lambda: "max-age=31536000" in json.dumps(all_templates()),
    "a customer managed key that CloudWatch can use": lambda: topic_keys() and cloudwatch_may_use_the_keys(),
    "S3, the same bucket: `readers/`": reading_is_logged,
    "S3's own; load balancers support no other": lambda: all(
        "AES256" in json.dumps(it["BucketEncryption"]) for _, it in every("AWS::S3::Bucket")
    ),
    "agora-api and agora-api-next connect to the database as its master user": lambda: (
        {
            each.container_name
            for each in configuration().services_of("dev")
            if any(not isinstance(secret.secret_name, str) for secret in each.container_secrets)
        }
        == {"agora-api", "agora-api-next"}
    ),
    "Every container has an init process": lambda: all(
        each["LinuxParameters"]["InitProcessEnabled"] for _, each in containers()
    ),
    "No container is privileged": lambda: not any(each.get("Privileged") for _, each in containers()),
    "a container | use AWS only as its `permissions` allow; ECS Exec if it is on": lambda: (
        {action.partition(":")[0] for where, action in allowed() if "TaskRole" in where} <= {"ssmmessages"}
    ),
    "In production exec is off": lambda: (
        not any(
            it.get("EnableExecuteCommand") for where, it in every("AWS::ECS::Service") if where.startswith("agora-prod")
        )
    ),
    "The statements of the operator's policy, as `./agora role ENV` prints them": lambda: (
        statement_ids() == said_statements()
    ),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_the_page_claims_is_said_there_and_so(claim: str) -> None:
    assert claim in PAGE
    assert CLAIMS[claim]()


def test_without_keep_exports_only_callers_reach_a_service() -> None:
    settled = read_templates(shared_synthesis(configuration_with("dev", keep_exports=False), "dev"))
    assert environment("dev").vpc_cidr not in json.dumps(
        [
            resource["Properties"].get("SecurityGroupIngress", [])
            for template in settled.values()
            for resource in template["Resources"].values()
            if resource["Type"] == "AWS::EC2::SecurityGroup"
        ]
    )


def test_a_service_with_its_own_user_cannot_read_the_master_user_s_password() -> None:
    own = [
        ServiceSecret("agora-dev-api-database", "MONGODB_USER", json_field="username"),
        ServiceSecret("agora-dev-api-database", "MONGODB_PASS", json_field="password"),
    ]
    before = configuration()

    def services_of(name: str) -> tuple[ServiceProps, ...]:
        return tuple(
            dataclasses.replace(
                each,
                container_secrets=own,
                container_env_vars={k: v for k, v in each.container_env_vars.items() if k != "MONGODB_USER"},
            )
            if each.container_name == "agora-api"
            else each
            for each in before.services_of(name)
        )

    changed = dataclasses.replace(before, services={**before.services, "dev": services_of("dev")})
    template = json.dumps(read_templates(shared_synthesis(changed, "dev"))["agora-dev-api"])
    assert "agora-dev-api-database" in template
    assert "DocDbMasterPassword" not in template
