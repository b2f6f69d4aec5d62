"""Where the load balancer writes down every request."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from src.acknowledgment import acknowledge

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
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
        )
    )
    alb.set_attribute("access_logs.s3.enabled", "true")
    alb.set_attribute("access_logs.s3.bucket", bucket.bucket_name)
    # The load balancer tries to write when it is told where.
    if bucket.policy:
        alb.node.add_dependency(bucket.policy)
    acknowledge(
        bucket,
        "AwsSolutions-S1",
        "this is the bucket that logs go to: logging who reads the logs would need another such bucket; CloudTrail has "
        "the account's events",
    )
    return bucket
