"""Patches of ministack's functions that would answer unsigned requests, run code or connect to other machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portside.emulator.gate import served
from portside.emulator.gate.confinement import NotServed
from portside.emulator.gate.gate import only_served
from portside.emulator.patches.patching import Patch

_APP = "ministack.app"
_CLOUDFORMATION = "ministack.services.cloudformation"
_CHECK = "(template: dict, conditions: dict, params: dict | None = None) -> None"
_PRE_BODY = "(method: str, path: str, headers: dict, query_params: dict, request_id: str)"
_WITH_BODY = "(method: str, path: str, headers: dict, body: bytes, query_params: dict, request_id: str)"
_DATA_PLANE = (
    "(method: str, path: str, headers: dict, body: bytes, query_params: dict, request_id: str, "
    "raw_path: str | None = None, raw_query_string: str = '', client_ip: str = '127.0.0.1')"
)
_CUSTOM = "resource_type='AWS::CloudFormation::CustomResource')"


def patches(app: Any) -> tuple[Patch, ...]:
    """The patches, for the module `app` with ministack's routing."""
    own_paths = "its own paths need no signature: health, reset, settings, downloads"
    buckets = only_buckets(app._handle_s3_vhost_request, app._with_data_plane_headers)
    dispatch = only_served(app.detect_service, app._routing_params)
    engine = "it looks for a container engine, and cleans up there"
    return (
        Patch(_APP, "_handle_pre_body_request", _PRE_BODY, own_paths, answering(None)),
        Patch(_APP, "_handle_post_body_shortcuts", _WITH_BODY, own_paths, answering(None)),
        Patch(_APP, "_handle_special_data_plane_request", _DATA_PLANE, "gateways, functions and proxies", buckets),
        Patch(_APP, "_dispatch_service_request", _WITH_BODY, "it serves services that run code", dispatch),
        Patch(_APP, "_collect_scripts", "(*dirs)", "it runs scripts on this machine", returning([])),
        Patch(_APP, "_docker_socket_present", "() -> bool", engine, returning(False)),
        Patch("ministack.services.ec2", "_get_docker", "()", engine, returning(None)),
        Patch("ministack.services.rds", "_get_docker", "()", engine, returning(None)),
        Patch("ministack.services.documentdb", "_get_docker", "()", engine, returning(None)),
        Patch(
            "ministack.services.sns",
            "_http_post_sync",
            "(endpoint: str, payload: str, sns_message_type: str) -> int",
            "messages went to web addresses",
            refusing("sends nothing out"),
        ),
        Patch(
            "ministack.services.s3",
            "_verify_presigned_sigv4",
            "(method, path, headers, query_params)",
            "it uses a different secret; the gate has verified the signature",
            returning(None),
        ),
        *_of_templates(),
    )


def _of_templates() -> tuple[Patch, ...]:
    checks = tuple(
        Patch(
            f"{_CLOUDFORMATION}.{module}",
            "validate_template_support",
            _CHECK,
            "custom resources and functions are not refused by name",
            check_types,
        )
        for module in ("handlers", "changesets")
    )
    provisioners, runs = f"{_CLOUDFORMATION}.provisioners", "custom resources ran their functions"
    no_code = refusing("runs no custom resources")
    return (
        *checks,
        Patch(provisioners, "_custom_resource_create", f"(logical_id, props, stack_name, {_CUSTOM}", runs, no_code),
        Patch(
            provisioners,
            "_custom_resource_update",
            f"(physical_id, old_props, new_props, stack_name, logical_id=None, {_CUSTOM}",
            runs,
            no_code,
        ),
        # A custom resource of an earlier rehearsal is deleted without calling its function.
        Patch(
            provisioners,
            "_custom_resource_delete",
            f"(physical_id, props, stack_name=None, logical_id=None, {_CUSTOM}",
            runs,
            returning(None),
        ),
    )


def keep_served(app: Any, resource_types: dict[str, Any]) -> None:
    """Delete from ministack's tables what is not served: services, their saved states, and resource types."""
    for service in app.SERVICE_REGISTRY.keys() - served.ROUTES:
        del app.SERVICE_REGISTRY[service]
        del app.SERVICE_HANDLERS[service]
    for state, module in list(app._state_map.items()):
        if module not in served.MODULES:
            del app._state_map[state]
    for kind in [each for each in resource_types if not served.resource_is_served(each)]:
        del resource_types[kind]


def returning(value: object) -> Callable[[Any], Callable[..., Any]]:
    """A function with this result and no effect."""

    def make(original: Any) -> Callable[..., Any]:
        def function(*_: object, **__: object) -> Any:
            return value

        return function

    return make


def answering(value: object) -> Callable[[Any], Callable[..., Any]]:
    """A coroutine with this result and no effect."""

    def make(original: Any) -> Callable[..., Any]:
        async def function(*_: object, **__: object) -> Any:
            return value

        return function

    return make


def refusing(limit: str) -> Callable[[Any], Callable[..., Any]]:
    """A function that raises NotServed."""

    def make(original: Any) -> Callable[..., Any]:
        def refuse(*_: object, **__: object) -> Any:
            raise NotServed(f"the embedded AWS {limit}")

        return refuse

    return make


def only_buckets(buckets: Callable[..., Any], headers_for: Callable[..., Any]) -> Callable[[Any], Callable[..., Any]]:
    """Of the requests that ministack routes by host or path, only those to S3's virtual hosts remain."""

    def make(original: Any) -> Callable[..., Any]:
        async def handle(
            method: str,
            path: str,
            headers: dict[str, str],
            body: bytes,
            query_params: Any,
            request_id: str,
            **_: object,
        ) -> Any:
            response = await buckets(headers.get("host", ""), path, method, headers, body, query_params)
            return headers_for(response, request_id, include_s3_id=True) if response else None

        return handle

    return make


def check_types(original: Callable[..., Any]) -> Callable[..., Any]:
    """The template check, which refuses resource types that aren't served before anything is created."""

    def validate(template: Mapping[str, Any], conditions: Mapping[str, Any], params: Any = None) -> Any:
        resources = template.get("Resources") or {}
        kinds = [
            (str(name), str(each.get("Type", "AWS::CloudFormation::CustomResource")))
            for name, each in resources.items()
            if isinstance(each, dict) and conditions.get(str(each.get("Condition")), True)
        ]
        if problem := served.problem_of_resources(kinds):
            raise ValueError(problem)
        return original(template, conditions, params=params)

    return validate
