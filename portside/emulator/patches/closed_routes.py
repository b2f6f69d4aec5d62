"""Patches of ministack's functions that would answer unsigned requests, run code or connect to other machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.client.resource_types import supported
from portside.emulator.gate import served
from portside.emulator.gate.confinement import NotServed
from portside.emulator.gate.refusals import refusal
from portside.emulator.ministack_modules import app
from portside.emulator.patches.patching import replaces


@replaces("app._handle_pre_body_request")
@replaces("app._handle_post_body_shortcuts")
async def not_answered(*_: object, **__: object) -> None:
    """Its own paths need no signature: health, reset, settings, downloads."""


@replaces("app._docker_socket_present")
@replaces("services.ec2._get_docker")
@replaces("services.rds._get_docker")
@replaces("services.documentdb._get_docker")
@replaces("services.elasticache._get_docker")
def no_container_engine(*_: object) -> None:
    """It would look for a container engine, and clean up there."""


@replaces("app._collect_scripts")
def no_scripts(*_: object) -> list[str]:
    """It would run scripts on this machine."""
    return []


@replaces("services.s3._verify_presigned_sigv4")
def already_verified(*_: object) -> None:
    """It uses a different secret; the gate has verified the signature."""


@replaces("services.sns._http_post_sync")
def sends_nothing(*_: object) -> None:
    """It would send messages to web addresses."""
    raise NotServed("the embedded AWS sends nothing out")


@replaces("services.eventbridge.start_scheduler")
@replaces("services.eventbridge._invoke_target")
def runs_nothing(*_: object, **__: object) -> None:
    """It would run the targets of rules."""


@replaces("services.cloudformation.provisioners._custom_resource_create")
@replaces("services.cloudformation.provisioners._custom_resource_update")
def no_custom_resources(*_: object, **__: object) -> None:
    """It would run their functions."""
    raise NotServed("the embedded AWS runs no custom resources")


@replaces("services.cloudformation.provisioners._custom_resource_delete")
def deletes_without_function(*_: object, **__: object) -> None:
    """A custom resource of an earlier rehearsal is deleted without calling its function."""


@replaces("services.cloudformation.handlers.validate_template_support")
@replaces("services.cloudformation.changesets.validate_template_support")
def check_types(original: Any, template: Mapping[str, Any], conditions: Mapping[str, Any], params: Any = None) -> Any:
    """Resource types that aren't served are refused by name before anything is created."""
    resources = template.get("Resources") or {}
    kinds = [
        (str(name), str(each.get("Type", "AWS::CloudFormation::CustomResource")))
        for name, each in resources.items()
        if isinstance(each, dict) and conditions.get(str(each.get("Condition")), True)
    ]
    if problem := served.problem_of_resources(kinds):
        raise ValueError(problem)
    return original(template, conditions, params=params)


@replaces("app._handle_special_data_plane_request")
async def only_buckets(
    original: Any, method: str, path: str, headers: Any, body: bytes, query_params: Any, request_id: str, **_: object
) -> Any:
    """Of the requests that ministack routes by host or path, only those to S3's virtual hosts remain."""
    response = await app._handle_s3_vhost_request(headers.get("host", ""), path, method, headers, body, query_params)
    return app._with_data_plane_headers(response, request_id, include_s3_id=True) if response else None


@replaces("app._dispatch_service_request")
async def only_served(
    original: Any, method: str, path: str, headers: Any, body: bytes, query_params: Any, request_id: str
) -> Any:
    """Services and operations that aren't served get an error.

    The service in the signature can differ from ministack's detection, so this detects it like ministack.
    """
    parameters = app._routing_params(method, path, headers, body, query_params)
    route = app.detect_service(method, path, headers, parameters)
    problem = "" if route in served.ROUTES else served.problem_of_service(route)
    if not problem:
        operation = operation_of(route, method, headers, parameters)
        problem = served.problem_of_operation(route, operation, {"Protocol": _first(parameters, "Protocol")})
    if problem:
        return refusal("NotServed", problem, route, headers).as_tuple
    return await original(method, path, headers, body, query_params, request_id)


def operation_of(service: str, method: str, headers: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    """The name of the operation in AWS's API reference; empty if operations of its kind are never refused."""
    if target := headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    if service == "s3":
        kinds = {"notification": "PutBucketNotificationConfiguration", "replication": "PutBucketReplication"}
        return next((name for key, name in kinds.items() if method == "PUT" and key in parameters), "")
    return _first(parameters, "Action")


def _first(parameters: Mapping[str, Any], name: str) -> str:
    value = parameters.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value or "")


def keep_served(resource_types: dict[str, Any]) -> None:
    """Delete from ministack's tables what is not served: services, their saved states, and resource types."""
    for service in app.SERVICE_REGISTRY.keys() - served.ROUTES:
        del app.SERVICE_REGISTRY[service]
        del app.SERVICE_HANDLERS[service]
    for state, module in list(app._state_map.items()):
        if module not in served.MODULES:
            del app._state_map[state]
    for kind in resource_types.keys() - supported():
        del resource_types[kind]
