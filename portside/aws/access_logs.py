"""The bucket that the load balancer's access logs go to, which outlives its stack."""

from __future__ import annotations

from typing import Any

from portside.aws.errors import aws_errors, code_of
from portside.config.environment import OWNER_TAG, Environment
from portside.config.stacks import StackKind, only_stack

BUCKET = "AWS::S3::Bucket"


def bucket_prefix(environment: Environment) -> str:
    """The prefix that CloudFormation gives the bucket: the stack's name and the beginning of the logical ID."""
    return f"{only_stack(environment, StackKind.LOAD_BALANCER).name}-accesslogs"


def buckets_of(s3: Any, environment: Environment) -> tuple[str, ...]:
    """The names of an environment's buckets, including those of deleted load balancers.

    A bucket outlives its stacks, so that of another app can have the same prefix. Its owner tag decides, if it has one.
    """
    prefix = bucket_prefix(environment)
    pages = s3.get_paginator("list_buckets").paginate(Prefix=prefix)
    # Filtered again: an endpoint that ignores Prefix must not make us delete another owner's bucket.
    found = [each["Name"] for page in pages for each in page["Buckets"] if each["Name"].startswith(prefix)]
    return tuple(name for name in found if _owner(s3, name) in (None, environment.owner))


def _owner(s3: Any, bucket: str) -> str | None:
    try:
        tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except aws_errors() as error:
        # A bucket without tags is answered with an error.
        if code_of(error) != "NoSuchTagSet":
            raise
        return None
    return next((each["Value"] for each in tags if each["Key"] == OWNER_TAG), None)


def delete(s3: Any, bucket: str) -> None:
    """Delete a bucket with every version of its objects."""
    empty(s3, bucket)
    s3.delete_bucket(Bucket=bucket)


def empty(s3: Any, bucket: str) -> None:
    """Delete every version of a bucket's objects."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": each["Key"], "VersionId": each["VersionId"]}
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]
        if objects:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
