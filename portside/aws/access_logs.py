"""The bucket that the load balancer's access logs go to, which outlives its stack."""

from __future__ import annotations

from typing import Any

from portside.config.environment import Environment
from portside.config.stacks import StackKind, only_stack

BUCKET = "AWS::S3::Bucket"


def bucket_prefix(environment: Environment) -> str:
    """The prefix that CloudFormation gives the bucket: the stack's name and the beginning of the logical ID."""
    return f"{only_stack(environment, StackKind.LOAD_BALANCER).name}-accesslogs"


def buckets_of(s3: Any, environment: Environment) -> tuple[str, ...]:
    """The names of an environment's buckets, including those of deleted load balancers."""
    prefix = bucket_prefix(environment)
    pages = s3.get_paginator("list_buckets").paginate(Prefix=prefix)
    # Filtered again: an endpoint that ignores Prefix must not make us delete another owner's bucket.
    return tuple(each["Name"] for page in pages for each in page["Buckets"] if each["Name"].startswith(prefix))


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
