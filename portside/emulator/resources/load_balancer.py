"""AWS::ElasticLoadBalancingV2::LoadBalancer and ::Listener, with their VPC and certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import acm, alb, ec2, provisioners
from portside.emulator.resources import Change, Created, ResourceType
from portside.emulator.resources.failure import ResourceFailed


def _subnet_ids(properties: Mapping[str, Any]) -> list[str]:
    mapped = [each.get("SubnetId", "") for each in properties.get("SubnetMappings") or []]
    return list(properties.get("Subnets") or mapped)


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    subnets = _subnet_ids(properties)
    for each in subnets:
        if each not in ec2._subnets:
            raise ResourceFailed(f"The subnet ID '{each}' is not valid", "InvalidRequest")
    vpc = ec2._subnets[subnets[0]]["VpcId"] if subnets else None
    known = dict(properties) | {"Subnets": subnets} | ({"VpcId": vpc} if vpc else {})
    physical_id, attributes = provisioners._elbv2_load_balancer_create(logical_id, known, stack_name)
    return physical_id, attributes


def update(change: Change) -> Created:
    known = dict(change.new) | {"Subnets": _subnet_ids(change.new)}
    return provisioners._elbv2_load_balancer_update(*change._replace(new=known))


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    attributes = {each["Key"]: each["Value"] for each in alb._lb_attrs.get(physical_id) or []}
    if str(attributes.get("deletion_protection.enabled")).lower() == "true":
        message = f"Load balancer '{physical_id}' cannot be deleted because deletion protection is enabled"
        raise ResourceFailed(message, "ResourceConflict")
    provisioners._elbv2_load_balancer_delete(physical_id, properties)


def _check_certificates(properties: Mapping[str, Any]) -> None:
    """A listener needs an issued certificate of the same account and region; ministack accepts any ARN."""
    arns = [each["CertificateArn"] for each in properties.get("Certificates") or [] if each.get("CertificateArn")]
    if str(properties.get("Protocol")) in ("HTTPS", "TLS") and not arns:
        raise ResourceFailed("A certificate must be specified for HTTPS listeners", "InvalidRequest")
    for arn in arns:
        certificate = acm._get_local_certificate(arn)
        if not certificate:
            raise ResourceFailed(f"Certificate '{arn}' not found", "NotFound")
        if certificate.get("Status") != "ISSUED":
            raise ResourceFailed(
                f"The certificate '{arn}' must have a fully-qualified domain name, a supported "
                "signature, and a supported key size.",
                "InvalidRequest",
            )


def create_listener(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    _check_certificates(properties)
    return provisioners._elbv2_listener_create(logical_id, properties, stack_name)


def update_listener(change: Change) -> Created:
    _check_certificates(change.new)
    return provisioners._elbv2_listener_update(*change)


def create_rule(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    listener, priority = properties.get("ListenerArn"), str(properties.get("Priority"))
    if any(each["ListenerArn"] == listener and each["Priority"] == priority for each in alb._rules.values()):
        in_use = f"Priority '{priority}' is currently in use (Service: ElasticLoadBalancingV2, Status Code: 400)"
        raise ResourceFailed(
            f"Resource of type 'AWS::ElasticLoadBalancingV2::ListenerRule' with identifier '{in_use}' already exists.",
            "AlreadyExists",
        )
    return provisioners._elbv2_listener_rule_create(logical_id, properties, stack_name)


def update_rule(change: Change) -> Created:
    return provisioners._elbv2_listener_rule_update(*change)


TYPES = (
    ResourceType("AWS::ElasticLoadBalancingV2::ListenerRule", create_rule, update_rule),
    ResourceType("AWS::ElasticLoadBalancingV2::LoadBalancer", create, update, delete),
    ResourceType("AWS::ElasticLoadBalancingV2::Listener", create_listener, update_listener),
)
