"""Where the load balancer writes down every request."""

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
    """Let a load balancer write its access logs into a bucket of their own, which forgets them after so many days.

    The bucket stays when its stack goes: what happened is asked about afterwards. A small portal writes some 0.2 GB a
    month, at $0.023 each, https://aws.amazon.com/s3/pricing/.
    """
    bucket = s3.Bucket(
        scope,
        "AccessLogs",
        # The only encryption that the load balancer can write with.
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
    # The load balancer tries to write when it is told where.
    if bucket.policy:
        alb.node.add_dependency(bucket.policy)
    _log_its_readers(bucket)
    return bucket


def _log_its_readers(bucket: s3.Bucket) -> None:
    """Let S3 write down who reads the visitors' addresses, into the same bucket: without a destination it is that one.

    Each file of these logs makes a line in the next, so there are always a few, which go as all others do.
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
