"""AWS::WAFv2::WebACLAssociation and ::LoggingConfiguration, with the API that shows the latter."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import alb, responses, waf
from portside.emulator.patches.patching import replaces
from portside.emulator.resources import Created, ResourceType, again
from portside.emulator.resources.failure import ResourceFailed, checked

_LOGGING = "_LoggingConfiguration"
# WAF takes log groups, buckets and delivery streams of this prefix only.
_NAMED_FOR_WAF = re.compile(r"[:/]aws-waf-logs-")
_LOGGING_PROPERTIES = ("LogDestinationConfigs", "LoggingFilter", "RedactedFields", "ResourceArn")


def associate(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    resource, acl = properties["ResourceArn"], properties["WebACLArn"]
    if ":loadbalancer/" in resource and resource not in alb._lbs:
        raise ResourceFailed("AWS WAF couldn't perform the operation because your resource doesn't exist.", "NotFound")
    checked(waf._associate_web_acl({"ResourceArn": resource, "WebACLArn": acl}))
    return f"{resource}|{acl}", {}


def disassociate(physical_id: str, properties: Mapping[str, Any]) -> None:
    resource, _, acl = physical_id.partition("|")
    # When the web ACL was replaced the resource already carries the new one.
    if waf._associations.get(resource) == acl:
        waf._disassociate_web_acl({"ResourceArn": resource})


def _acl(arn: str) -> dict[str, Any] | None:
    acl, _ = waf._resolve_local_web_acl(arn)
    return acl


def put_logging(configuration: Mapping[str, Any]) -> dict[str, Any]:
    acl = _acl(configuration["ResourceArn"])
    if not acl:
        raise ResourceFailed("AWS WAF couldn't perform the operation because your resource doesn't exist.", "NotFound")
    for destination in configuration.get("LogDestinationConfigs") or []:
        if not _NAMED_FOR_WAF.search(destination):
            message = f"Error reason: The ARN isn't valid., field: LOG_DESTINATION, parameter: {destination}"
            raise ResourceFailed(message, "InvalidRequest")
    kept = {name: configuration[name] for name in _LOGGING_PROPERTIES if name in configuration}
    acl[_LOGGING] = kept
    return kept


def create_logging(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    put_logging(properties)
    return str(properties["ResourceArn"]), {"ManagedByFirewallManager": "false"}


def delete_logging(physical_id: str, properties: Mapping[str, Any]) -> None:
    if acl := _acl(physical_id):
        acl.pop(_LOGGING, None)


@replaces("services.waf.handle_request")
async def with_logging(
    original: Any, method: str, path: str, headers: Mapping[str, str], body: Any, query_params: Any
) -> Any:
    """WAF has the actions for logging configurations."""
    action = str(headers.get("x-amz-target", "")).rpartition(".")[2]
    if not action.endswith(("LoggingConfiguration", "LoggingConfigurations")):
        return await original(method, path, headers, body, query_params)
    data = json.loads(body or b"{}")
    if action == "ListLoggingConfigurations":
        found = [acl[_LOGGING] for acl in waf._web_acls.values() if _LOGGING in acl]
        return responses.json_response({"LoggingConfigurations": found})
    if action == "PutLoggingConfiguration":
        try:
            return responses.json_response({"LoggingConfiguration": put_logging(data["LoggingConfiguration"])})
        except ResourceFailed as failed:
            return responses.error_response_json("WAFInvalidParameterException", str(failed), 400)
    acl = _acl(data.get("ResourceArn", ""))
    if not acl or _LOGGING not in acl:
        return waf._waf_err("WAFNonexistentItemException", "There is no logging configuration for this web ACL.")
    if action == "DeleteLoggingConfiguration":
        acl.pop(_LOGGING)
        return responses.json_response({})
    return responses.json_response({"LoggingConfiguration": acl[_LOGGING]})


_WAF = "AWS::WAFv2::"
TYPES = (
    ResourceType(f"{_WAF}WebACLAssociation", associate, again(associate), disassociate),
    ResourceType(f"{_WAF}LoggingConfiguration", create_logging, again(create_logging), delete_logging),
)
