"""AWS::S3::Bucket with the settings that templates commonly have; it is deleted only when it is empty."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from portside.emulator.ministack_modules import provisioners, s3
from portside.emulator.resources import Change, Created, ResourceType
from portside.emulator.resources.failure import checked

# The names of CloudFormation that S3's API calls differently.
_NAMES_OF_RULES: Mapping[str, str] = {
    "Id": "ID",
    "NoncurrentVersionTransitions": "NoncurrentVersionTransition",
    "ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
    "TagFilters": "Tag",
    "Transitions": "Transition",
}


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    created: Created = provisioners._s3_create(logical_id, properties, stack_name)
    _configure(created[0], {}, properties)
    return created


def update(change: Change) -> Created:
    updated: Created = provisioners._s3_update(*change[:4])
    _configure(updated[0], change.old, change.new)
    if "VersioningConfiguration" in change.old and "VersioningConfiguration" not in change.new:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html: it can be suspended, never removed.
        s3._bucket_versioning[updated[0]] = "Suspended"
    return updated


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    status, _, body = s3._delete_bucket(physical_id)
    if status == 409 and b"BucketNotEmpty" in body:
        raise ValueError(
            "The bucket you tried to delete is not empty (Service: Amazon S3; Status Code: 409; "
            f"Error Code: BucketNotEmpty; Request ID: {uuid.uuid4().hex[:16].upper()}; Proxy: null)"
        )
    if status != 404:
        checked((status, {}, body))


def _configure(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for key, (root, rules_of, put, remove) in _CONFIGURATIONS.items():
        if new.get(key):
            checked(put(name, _element(root, rules_of(new[key])).encode()))
        elif old.get(key):
            checked(remove(name))


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, each) for each in value)
    if isinstance(value, Mapping):
        inner = "".join(_element(_NAMES_OF_RULES.get(str(key), str(key)), each) for key, each in value.items())
    else:
        inner = escape(str(value).lower() if isinstance(value, bool) else str(value))
    return f"<{name}>{inner}</{name}>"


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html"""
    expiration = {
        "Days": rule.get("ExpirationInDays"),
        "Date": rule.get("ExpirationDate"),
        "ExpiredObjectDeleteMarker": rule.get("ExpiredObjectDeleteMarker"),
    }
    noncurrent_days = rule.get("NoncurrentVersionExpirationInDays")
    found = {
        "Id": rule.get("Id"),
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
        "Expiration": {name: value for name, value in expiration.items() if value is not None},
        "NoncurrentVersionExpiration": rule.get("NoncurrentVersionExpiration")
        or (noncurrent_days and {"NoncurrentDays": noncurrent_days}),
        "Transitions": [_transition(each, "Days") for each in rule.get("Transitions") or ()],
        "NoncurrentVersionTransitions": [
            _transition(each, "NoncurrentDays") for each in rule.get("NoncurrentVersionTransitions") or ()
        ],
        "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
    }
    if rule.get("TagFilters"):
        found["Filter"] = {"And": {"Prefix": rule.get("Prefix", ""), "TagFilters": rule["TagFilters"]}}
    return {name: value for name, value in found.items() if value}


def _transition(transition: Mapping[str, Any], days: str) -> dict[str, Any]:
    renamed = {"TransitionInDays": days, "TransitionDate": "Date"}
    return {renamed.get(name, name): value for name, value in transition.items()}


_Configuration = tuple[str, Callable[[Any], Any], Callable[..., Any], Callable[..., Any]]
# By property: the root of S3's XML, its content, and the functions that store and remove it.
_CONFIGURATIONS: Mapping[str, _Configuration] = {
    "BucketEncryption": (
        "ServerSideEncryptionConfiguration",
        lambda value: {"Rule": value["ServerSideEncryptionConfiguration"]},
        s3._put_bucket_encryption,
        s3._delete_bucket_encryption,
    ),
    "LifecycleConfiguration": (
        "LifecycleConfiguration",
        lambda value: {"Rule": [_lifecycle_rule(each) for each in value["Rules"]]},
        s3._put_bucket_lifecycle,
        s3._delete_bucket_lifecycle,
    ),
    "OwnershipControls": (
        "OwnershipControls",
        lambda value: {"Rule": value["Rules"]},
        s3._put_bucket_ownership_controls,
        s3._delete_bucket_ownership_controls,
    ),
    "Tags": (
        "Tagging",
        lambda value: {"TagSet": {"Tag": value}},
        s3._put_bucket_tagging,
        s3._delete_bucket_tagging,
    ),
}

TYPES = (ResourceType("AWS::S3::Bucket", create, update, delete, tagged=True),)
