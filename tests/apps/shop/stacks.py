"""The bucket, the queue, the cache and the file system of the shop."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from src.environment import Environment
from src.platform import Platform


class Storage(cdk.Stack):
    """A bucket, which is retained when the stack is deleted: that is the CDK's default."""

    def __init__(self, scope: cdk.App, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        bucket = s3.Bucket(
            self,
            "Uploads",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
        )
        self.grants = {"read": bucket.grant_read, "read_write": bucket.grant_read_write}
        cdk.CfnOutput(self, "BucketName", value=bucket.bucket_name)


class Orders(cdk.Stack):
    """A queue, and another one for messages that could not be processed five times."""

    def __init__(self, scope: cdk.App, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        failed = sqs.Queue(self, "Failed", enforce_ssl=True, retention_period=cdk.Duration.days(14))
        queue = sqs.Queue(
            self,
            "Orders",
            enforce_ssl=True,
            visibility_timeout=cdk.Duration.minutes(2),
            dead_letter_queue=sqs.DeadLetterQueue(queue=failed, max_receive_count=5),
        )
        self.grants = {"send": queue.grant_send_messages, "consume": queue.grant_consume_messages}
        cdk.CfnOutput(self, "QueueUrl", value=queue.queue_url)


class Cache(cdk.Stack):
    """A serverless cache in the private subnets, with TLS, which services reach with `Call("cache", 6379)`."""

    def __init__(self, scope: cdk.App, construct_id: str, platform: Platform) -> None:
        super().__init__(scope, construct_id)
        group = ec2.SecurityGroup(self, "Group", vpc=platform.vpc, allow_all_outbound=False)
        cache = elasticache.CfnServerlessCache(
            self,
            "Cache",
            engine="valkey",
            serverless_cache_name=self.stack_name,
            security_group_ids=[group.security_group_id],
            subnet_ids=[subnet.subnet_id for subnet in platform.private_subnets],
        )
        self.connections = ec2.Connections(security_groups=[group], default_port=ec2.Port.tcp(6379))
        cdk.CfnOutput(self, "Endpoint", value=cache.attr_endpoint_address)


class Files(cdk.Stack):
    """A file system with a folder for uploads, to which tasks write as user 1000 whatever their own user is."""

    def __init__(self, scope: cdk.App, construct_id: str, platform: Platform) -> None:
        super().__init__(scope, construct_id)
        file_system = efs.FileSystem(
            self,
            "Files",
            vpc=platform.vpc,
            encrypted=True,
            enable_automatic_backups=True,
            throughput_mode=efs.ThroughputMode.ELASTIC,
        )
        uploads = file_system.add_access_point(
            "Uploads",
            path="/uploads",
            create_acl=efs.Acl(owner_uid="1000", owner_gid="1000", permissions="750"),
            posix_user=efs.PosixUser(uid="1000", gid="1000"),
        )
        self.volumes = {"uploads": uploads}


def stacks(app: cdk.App, environment: Environment, platform: Platform) -> None:
    """The own stacks of an environment."""
    Storage(app, environment.stack_name("storage"))
    Orders(app, environment.stack_name("orders"))
    Cache(app, environment.stack_name("cache"), platform)
    Files(app, environment.stack_name("files"), platform)
