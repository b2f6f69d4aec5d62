"""The access logs of the load balancer."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
_READERS = "readers/"
_WRITER = iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")


def keep_access_logs(scope: Construct, alb: elbv2.ApplicationLoadBalancer, *, days: int) -> s3.Bucket:
    """Let a load balancer write its access logs into a separate bucket, which deletes them after some days.

    The bucket is retained when its stack is deleted, for later questions. A small portal writes some 0.2 GB a month, at
    $0.023 each, https://aws.amazon.com/s3/pricing/.
    """
    bucket = s3.Bucket(
        scope,
        "AccessLogs",
        # The only encryption that the load balancer supports.
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(
                expiration=cdk.Duration.days(days),
                noncurrent_version_expiration=cdk.Duration.days(1),
                abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
            )
        ],
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[_WRITER],
            actions=["s3:PutObject"],
            resources=[bucket.arn_for_objects(f"AWSLogs/{cdk.Aws.ACCOUNT_ID}/*")],
            conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
        )
    )
    alb.set_attribute("access_logs.s3.enabled", "true")
    alb.set_attribute("access_logs.s3.bucket", bucket.bucket_name)
    # The load balancer writes a test file when the bucket is set.
    if bucket.policy:
        alb.node.add_dependency(bucket.policy)
    _log_its_readers(bucket)
    return bucket


def _log_its_readers(bucket: s3.Bucket) -> None:
    """Log who reads the visitors' addresses, into the same bucket, which is the default destination.

    Each file of these logs adds a line to the next, so there are always a few. They expire like the others.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    resource = cast(s3.CfnBucket, bucket.node.default_child)
    resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(log_file_prefix=_READERS)
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
            actions=["s3:PutObject"],
            resources=[bucket.arn_for_objects(f"{_READERS}*")],
            conditions={
                "ArnLike": {"aws:SourceArn": bucket.bucket_arn},
                "StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID},
            },
        )
    )
