"""Every resource type that a team's own stacks use: created, updated, replaced, rolled back and deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.local_aws_support import Account, account, embedded_aws, network
from tests.unit.resource_life_support import NETWORK, Properties, Row, first, found, lives, resources_of

__all__ = ["account", "embedded_aws", "network"]


def attributes_of_queue(account: Account, url: str) -> Any:
    answer = found(lambda: account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"]))
    return answer and {name: each for name, each in answer["Attributes"].items() if "Timestamp" not in name}


def key(account: Account, name: str) -> Any:
    metadata = first("kms", "describe_key", "KeyId", "KeyMetadata")(account, name)
    return None if not metadata or metadata["KeyState"] == "PendingDeletion" else metadata


def managed_policy(account: Account, arn: str) -> Any:
    read = first("iam", "get_policy", "PolicyArn", "Policy")(account, arn)
    if not read:
        return None
    iam = account.client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return read | {"document": iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]}


def table(account: Account, name: str) -> Any:
    read = first("dynamodb", "describe_table", "TableName", "Table")(account, name)
    return read and {
        "id": read["TableId"],
        "key": read["KeySchema"],
        "class": read.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
        "stream": read.get("StreamSpecification", {}).get("StreamEnabled", False),
        "recovery": account.client("dynamodb").describe_continuous_backups(TableName=name)[
            "ContinuousBackupsDescription"
        ]["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
    }


def cache_parameters(account: Account, name: str) -> Any:
    parameters = found(lambda: account.client("elasticache").describe_cache_parameters(CacheParameterGroupName=name))
    return parameters and {each["ParameterName"]: each["ParameterValue"] for each in parameters["Parameters"]}


def bucket(account: Account, name: str) -> Any:
    s3 = account.client("s3")
    if not found(lambda: s3.head_bucket(Bucket=name)):
        return None
    return {
        "versioned": s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
        "encryption": found(
            lambda: s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        ),
        "lifecycle": found(lambda: s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]),
        "public": found(lambda: s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]),
        "tags": found(lambda: s3.get_bucket_tagging(Bucket=name)["TagSet"]),
    }


def policy(statement: str, *, of: Any = "*") -> dict[str, Any]:
    """A policy with one statement, about the resource `of`."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Sid": statement, "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": of}],
    }


TABLE: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
CACHE_SUBNETS: dict[str, Any] = {
    "Subnets": {
        "Type": "AWS::ElastiCache::SubnetGroup",
        "Properties": {"Description": "of the test", "SubnetIds": [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}]},
    }
}
OWN_QUEUE: dict[str, Any] = {"Queue": {"Type": "AWS::SQS::Queue"}, "Other": {"Type": "AWS::SQS::Queue"}}
OWN_TOPIC: dict[str, Any] = {"Topic": {"Type": "AWS::SNS::Topic"}, "Second": {"Type": "AWS::SNS::Topic"}}
QUEUE_ARN = {"Fn::GetAtt": ["Queue", "Arn"]}
ASSUMED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

ROWS = [
    Row(
        "AWS::S3::Bucket",
        {},
        bucket,
        in_place={
            "VersioningConfiguration": {"Status": "Enabled"},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": 30, "Id": "old"}]},
            "Tags": [{"Key": "team", "Value": "a"}],
        },
        replacing={"BucketName": "another-name-of-the-test"},
    ),
    Row(
        "AWS::S3::BucketPolicy",
        {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": policy("first", of={"Fn::GetAtt": ["Bucket", "Arn"]})},
        first("s3", "get_bucket_policy", "Bucket", "Policy"),
        in_place={"PolicyDocument": policy("second", of={"Fn::GetAtt": ["Bucket", "Arn"]})},
        replacing={"Bucket": {"Ref": "Second"}},
        others={"Bucket": {"Type": "AWS::S3::Bucket"}, "Second": {"Type": "AWS::S3::Bucket"}},
    ),
    Row(
        "AWS::SQS::Queue",
        {"VisibilityTimeout": 60},
        attributes_of_queue,
        in_place={"VisibilityTimeout": 90, "MessageRetentionPeriod": 3600},
        replacing={"QueueName": "another-queue"},
    ),
    Row(
        "AWS::SQS::QueuePolicy",
        {"Queues": [{"Ref": "Queue"}], "PolicyDocument": policy("first", of=QUEUE_ARN)},
        lambda account, _: None,
        in_place={"PolicyDocument": policy("second", of=QUEUE_ARN)},
        others=OWN_QUEUE,
    ),
    Row(
        "AWS::SNS::Topic",
        {"DisplayName": "first"},
        first("sns", "get_topic_attributes", "TopicArn", "Attributes"),
        in_place={"DisplayName": "second"},
        replacing={"TopicName": "another-topic"},
    ),
    Row(
        "AWS::SNS::TopicPolicy",
        {"Topics": [{"Ref": "Topic"}], "PolicyDocument": policy("first", of={"Ref": "Topic"})},
        lambda account, _: None,
        in_place={"PolicyDocument": policy("second", of={"Ref": "Topic"})},
        others=OWN_TOPIC,
    ),
    Row(
        "AWS::SNS::Subscription",
        {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": QUEUE_ARN},
        first("sns", "get_subscription_attributes", "SubscriptionArn", "Attributes"),
        in_place={"RawMessageDelivery": True},
        replacing={"Endpoint": {"Fn::GetAtt": ["Other", "Arn"]}},
        others=OWN_QUEUE | OWN_TOPIC,
    ),
    Row(
        "AWS::DynamoDB::Table",
        TABLE,
        table,
        in_place={
            "TableClass": "STANDARD_INFREQUENT_ACCESS",
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        },
        replacing={
            "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
        },
    ),
    Row(
        "AWS::DynamoDB::GlobalTable",
        {**TABLE, "Replicas": [{"Region": "us-east-1"}]},
        table,
        in_place={"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}},
        replacing={"TableName": "another-global-table"},
    ),
    Row(
        "AWS::ElastiCache::SubnetGroup",
        CACHE_SUBNETS["Subnets"]["Properties"],
        first("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroupName", "CacheSubnetGroups"),
        in_place={"Description": "another"},
        replacing={"CacheSubnetGroupName": "another-group"},
        others=NETWORK,
    ),
    Row(
        "AWS::ElastiCache::ParameterGroup",
        {"CacheParameterGroupFamily": "valkey8", "Description": "of the test", "Properties": {"timeout": "10"}},
        cache_parameters,
        in_place={"Properties": {"timeout": "20"}},
        replacing={"CacheParameterGroupFamily": "redis7"},
    ),
    Row(
        "AWS::ElastiCache::CacheCluster",
        {
            "Engine": "memcached",
            "CacheNodeType": "cache.t4g.micro",
            "NumCacheNodes": 1,
            "CacheSubnetGroupName": {"Ref": "Subnets"},
            "VpcSecurityGroupIds": [{"Fn::GetAtt": ["Group", "GroupId"]}],
        },
        first("elasticache", "describe_cache_clusters", "CacheClusterId", "CacheClusters"),
        in_place={"CacheNodeType": "cache.t4g.small"},
        replacing={"ClusterName": "another-cluster"},
        others=NETWORK | CACHE_SUBNETS,
    ),
    Row(
        "AWS::ElastiCache::ReplicationGroup",
        {
            "ReplicationGroupDescription": "of the test",
            "Engine": "valkey",
            "CacheNodeType": "cache.t4g.micro",
            "NumCacheClusters": 2,
            "AutomaticFailoverEnabled": True,
            "CacheSubnetGroupName": {"Ref": "Subnets"},
            "SecurityGroupIds": [{"Fn::GetAtt": ["Group", "GroupId"]}],
        },
        first("elasticache", "describe_replication_groups", "ReplicationGroupId", "ReplicationGroups"),
        in_place={"CacheNodeType": "cache.t4g.small", "SnapshotRetentionLimit": 3},
        replacing={"AtRestEncryptionEnabled": True},
        others=NETWORK | CACHE_SUBNETS,
    ),
    Row(
        "AWS::ElastiCache::ServerlessCache",
        {
            "ServerlessCacheName": "orders",
            "Engine": "valkey",
            "SecurityGroupIds": [{"Fn::GetAtt": ["Group", "GroupId"]}],
            "SubnetIds": [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}],
        },
        first("elasticache", "describe_serverless_caches", "ServerlessCacheName", "ServerlessCaches"),
        in_place={"Description": "of the test"},
        replacing={"ServerlessCacheName": "invoices"},
        others=NETWORK,
    ),
    Row(
        "AWS::ElastiCache::User",
        {
            "UserId": "jane",
            "UserName": "jane",
            "Engine": "valkey",
            "AccessString": "on ~* +@all",
            "Passwords": ["a-long-enough-password"],
        },
        first("elasticache", "describe_users", "UserId", "Users"),
        in_place={"AccessString": "on ~app::* +@read"},
        replacing={"UserId": "jack"},
    ),
    Row(
        "AWS::ElastiCache::UserGroup",
        {"UserGroupId": "people", "Engine": "valkey", "UserIds": [{"Ref": "Jane"}]},
        first("elasticache", "describe_user_groups", "UserGroupId", "UserGroups"),
        in_place={"UserIds": [{"Ref": "Jane"}, {"Ref": "Jack"}]},
        replacing={"UserGroupId": "others"},
        others={
            name.title(): {
                "Type": "AWS::ElastiCache::User",
                "Properties": {
                    "UserId": name,
                    "UserName": name,
                    "Engine": "valkey",
                    "AccessString": "on ~* +@all",
                    "NoPasswordRequired": True,
                },
            }
            for name in ("jane", "jack")
        },
    ),
    Row(
        "AWS::EFS::FileSystem",
        {"Encrypted": True},
        first("efs", "describe_file_systems", "FileSystemId", "FileSystems"),
        in_place={"ThroughputMode": "elastic"},
        replacing={"PerformanceMode": "maxIO"},
    ),
    Row(
        "AWS::EFS::MountTarget",
        {
            "FileSystemId": {"Ref": "Files"},
            "SubnetId": {"Ref": "SubnetA"},
            "SecurityGroups": [{"Fn::GetAtt": ["Group", "GroupId"]}],
        },
        first("efs", "describe_mount_targets", "MountTargetId", "MountTargets"),
        replacing={"SubnetId": {"Ref": "SubnetB"}},
        others=NETWORK | {"Files": {"Type": "AWS::EFS::FileSystem"}},
    ),
    Row(
        "AWS::EFS::AccessPoint",
        {"FileSystemId": {"Ref": "Files"}, "PosixUser": {"Uid": "1000", "Gid": "1000"}},
        first("efs", "describe_access_points", "AccessPointId", "AccessPoints"),
        in_place={"AccessPointTags": [{"Key": "Name", "Value": "data"}]},
        replacing={"RootDirectory": {"Path": "/data"}},
        others={"Files": {"Type": "AWS::EFS::FileSystem"}},
    ),
    Row(
        "AWS::SecretsManager::Secret",
        {"Description": "first", "SecretString": "a"},
        first("secretsmanager", "describe_secret", "SecretId"),
        in_place={"Description": "second"},
        replacing={"Name": "another-secret"},
    ),
    Row(
        "AWS::IAM::Role",
        {"AssumeRolePolicyDocument": ASSUMED},
        first("iam", "get_role", "RoleName", "Role"),
        in_place={"Description": "second"},
        replacing={"Path": "/team/"},
    ),
    Row(
        "AWS::IAM::Policy",
        {"PolicyName": "read", "PolicyDocument": policy("first"), "Roles": [{"Ref": "Role"}]},
        lambda account, _: None,
        in_place={"PolicyDocument": policy("second")},
        others={"Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": ASSUMED}}},
    ),
    Row(
        "AWS::IAM::ManagedPolicy",
        {"PolicyDocument": policy("first")},
        managed_policy,
        in_place={"PolicyDocument": policy("second")},
        replacing={"Description": "another"},
    ),
    Row(
        "AWS::KMS::Key",
        {"KeyPolicy": policy("first")},
        key,
        in_place={"Description": "second"},
    ),
    Row(
        "AWS::KMS::Alias",
        {"AliasName": "alias/first", "TargetKeyId": {"Ref": "Key"}},
        key,
        in_place={"TargetKeyId": {"Ref": "Second"}},
        replacing={"AliasName": "alias/second"},
        others={
            name: {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy("key")}} for name in ("Key", "Second")
        },
    ),
    Row(
        "AWS::EC2::SecurityGroup",
        {"GroupDescription": "first", "VpcId": {"Ref": "Vpc"}},
        first("ec2", "describe_security_groups", "GroupIds", "SecurityGroups"),
        in_place={"SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "CidrIp": "10.0.0.0/8"}]},
        replacing={"GroupDescription": "second"},
        others=NETWORK,
    ),
    Row(
        "AWS::EC2::VPCEndpoint",
        {
            "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
            "VpcId": {"Ref": "Vpc"},
            "VpcEndpointType": "Gateway",
        },
        first("ec2", "describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints"),
        in_place={"Tags": [{"Key": "team", "Value": "a"}]},
        replacing={"ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.dynamodb"}},
        others=NETWORK,
    ),
    Row(
        "AWS::SSM::Parameter",
        {"Type": "String", "Value": "first"},
        lambda account, name: found(lambda: account.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]),
        in_place={"Value": "second"},
        replacing={"Name": "/another/name"},
    ),
    Row(
        "AWS::Logs::LogGroup",
        {"RetentionInDays": 7},
        lambda account, name: next(
            iter(account.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]), None
        ),
        in_place={"RetentionInDays": 14},
        replacing={"LogGroupName": "another-log-group"},
    ),
    Row(
        "AWS::Events::Rule",
        {"ScheduleExpression": "rate(1 hour)", "State": "ENABLED"},
        first("events", "describe_rule", "Name"),
        in_place={"ScheduleExpression": "rate(2 hours)"},
        replacing={"Name": "another-rule"},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_type_lives_as_on_aws(account: Account, row: Row) -> None:
    lives(account, row)


@pytest.mark.parametrize(
    ("kind", "properties", "problem"),
    [
        ("AWS::SQS::Queue", {"Colour": "red"}, "#: extraneous key [Colour] is not permitted"),
        ("AWS::DynamoDB::Table", {}, "#: required key [KeySchema] not found"),
        (
            "AWS::DynamoDB::Table",
            {**TABLE, "BillingMode": "FREE"},
            "#/BillingMode: failed validation constraint for keyword [enum]",
        ),
        (
            "AWS::S3::Bucket",
            {"VersioningConfiguration": {"State": "Enabled"}},
            "#/VersioningConfiguration: required key [Status] not found",
        ),
        (
            "AWS::DynamoDB::Table",
            {**TABLE, "AttributeDefinitions": [{"AttributeName": "id", "Type": "S"}]},
            "#/AttributeDefinitions/0: extraneous key [Type] is not permitted",
        ),
    ],
)
def test_properties_that_the_schema_refuses_are_refused(
    account: Account, kind: str, properties: Properties, problem: str
) -> None:
    assert account.deploy("subject", {"Subject": {"Type": kind, "Properties": properties}}) == "ROLLBACK_COMPLETE"
    why = account.why_failed("subject")
    assert "Properties validation failed for resource Subject with message:" in why
    assert problem in why


def test_values_are_taken_as_cloudformation_takes_them(account: Account) -> None:
    properties = {"VisibilityTimeout": "60", "FifoQueue": "true"}
    resources = {"Subject": {"Type": "AWS::SQS::Queue", "Properties": properties}}
    assert account.deploy("subject", resources) == "CREATE_COMPLETE", account.why_failed("subject")


@pytest.mark.parametrize(
    ("kind", "key", "more"),
    [
        ("AWS::S3::Bucket", "BucketName", {}),
        ("AWS::SQS::Queue", "QueueName", {}),
        ("AWS::SNS::Topic", "TopicName", {}),
        ("AWS::DynamoDB::Table", "TableName", TABLE),
        ("AWS::SSM::Parameter", "Name", {"Type": "String", "Value": "a"}),
        ("AWS::IAM::Role", "RoleName", {"AssumeRolePolicyDocument": ASSUMED}),
        ("AWS::Events::Rule", "Name", {"ScheduleExpression": "rate(1 hour)"}),
    ],
)
def test_a_name_of_another_stack_is_refused(account: Account, kind: str, key: str, more: Properties) -> None:
    resources = {"Subject": {"Type": kind, "Properties": {**more, key: "a-name-that-is-taken"}}}
    assert account.deploy("first", resources) == "CREATE_COMPLETE", account.why_failed("first")
    assert account.deploy("second", resources) == "ROLLBACK_COMPLETE"
    events = account.client("cloudformation").describe_events(StackName="second")["OperationEvents"]
    reasons = [each.get("ValidationStatusReason", "") for each in events]
    assert "already exists" in "\n".join([account.why_failed("second"), *reasons])


def test_a_retained_resource_does_not_collide_with_its_successor(account: Account) -> None:
    subject = {"Type": "AWS::DynamoDB::Table", "Properties": TABLE, "DeletionPolicy": "Retain"}
    output = {"Name": {"Ref": "Subject"}}
    assert account.deploy("subject", {"Subject": subject}, output) == "CREATE_COMPLETE"
    kept = account.outputs("subject")["Name"]
    account.delete("subject")
    account.stacks.remove("subject")
    assert account.deploy("subject", {"Subject": {**subject, "DeletionPolicy": "Delete"}}, output) == "CREATE_COMPLETE"
    assert account.outputs("subject")["Name"] != kept
    assert table(account, kept)


def test_a_bucket_is_deleted_when_it_is_empty(account: Account) -> None:
    bucket = {"Subject": {"Type": "AWS::S3::Bucket"}}
    assert account.deploy("subject", bucket, {"Name": {"Ref": "Subject"}}) == "CREATE_COMPLETE"
    name = account.outputs("subject")["Name"]
    account.client("s3").put_object(Bucket=name, Key="a", Body=b"b")
    account.client("cloudformation").delete_stack(StackName="subject")
    assert account.state("subject") == "DELETE_FAILED"
    assert "The bucket you tried to delete is not empty (Service: Amazon S3;" in account.why_failed("subject")
    account.client("s3").delete_object(Bucket=name, Key="a")


def test_a_protected_table_is_not_deleted(account: Account) -> None:
    properties = {**TABLE, "DeletionProtectionEnabled": True}
    resources = {"Subject": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}
    assert account.deploy("subject", resources, {"Name": {"Ref": "Subject"}}) == "CREATE_COMPLETE"
    name = account.outputs("subject")["Name"]
    account.client("cloudformation").delete_stack(StackName="subject")
    assert account.state("subject") == "DELETE_FAILED"
    assert "currently protected against deletion" in account.why_failed("subject")
    account.client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=False)


def test_objects_are_encrypted_with_the_default_key_of_the_account(account: Account) -> None:
    rule = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    properties = {"BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]}}
    resources = {"Subject": {"Type": "AWS::S3::Bucket", "Properties": properties}}
    assert account.deploy("subject", resources, {"Name": {"Ref": "Subject"}}) == "CREATE_COMPLETE"
    name, s3 = account.outputs("subject")["Name"], account.client("s3")
    assert bucket(account, name)["encryption"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    s3.put_object(Bucket=name, Key="a", Body=b"b", ServerSideEncryption="aws:kms")
    assert s3.head_object(Bucket=name, Key="a")["SSEKMSKeyId"].endswith("alias/aws/s3")
    s3.delete_object(Bucket=name, Key="a")


def test_a_topic_delivers_to_a_queue(account: Account) -> None:
    resources = {
        **OWN_TOPIC,
        **OWN_QUEUE,
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": QUEUE_ARN},
        },
    }
    outputs = {"Topic": {"Ref": "Topic"}, "Queue": {"Ref": "Queue"}}
    assert account.deploy("subject", resources, outputs) == "CREATE_COMPLETE", account.why_failed("subject")
    names = account.outputs("subject")
    account.client("sns").publish(TopicArn=names["Topic"], Message="hello")
    (message,) = account.client("sqs").receive_message(QueueUrl=names["Queue"])["Messages"]
    assert "hello" in message["Body"]


def test_a_cache_has_an_address_as_on_aws(account: Account) -> None:
    row = next(each for each in ROWS if each.name == "AWS::ElastiCache::ReplicationGroup")
    output = {"Address": {"Fn::GetAtt": ["Subject", "PrimaryEndPoint.Address"]}}
    for encrypted, start in ((False, "subject-subject-"), (True, "master.subject-subject-")):
        properties = {**row.properties, "TransitEncryptionEnabled": encrypted}
        assert account.deploy(f"cache-{encrypted}", resources_of(row, properties), output) == "CREATE_COMPLETE"
        address = account.outputs(f"cache-{encrypted}")["Address"]
        assert address.endswith(".use1.cache.amazonaws.com"), address
        assert address.startswith(start.replace("subject-s", f"cache-{str(encrypted).lower()}-s")), address


@pytest.mark.parametrize(
    "kind", ["AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup", "AWS::EFS::MountTarget"]
)
def test_a_network_in_use_is_kept(account: Account, kind: str) -> None:
    outputs = {name: {"Ref": name} for name in ("Vpc", "SubnetA", "SubnetB")} | {
        "Group": {"Fn::GetAtt": ["Group", "GroupId"]}
    }
    assert account.deploy("parts", NETWORK, outputs) == "CREATE_COMPLETE", account.why_failed("parts")
    found = account.outputs("parts")
    row = next(each for each in ROWS if each.name == kind)
    others = {name: each for name, each in row.others.items() if name not in NETWORK}
    text = json.dumps({**others, "Subject": {"Type": kind, "Properties": row.properties}})
    for name in ("SubnetA", "SubnetB"):
        text = text.replace(json.dumps({"Ref": name}), json.dumps(found[name]))
    text = text.replace(json.dumps({"Fn::GetAtt": ["Group", "GroupId"]}), json.dumps(found["Group"]))
    assert account.deploy("user", json.loads(text)) == "CREATE_COMPLETE", account.why_failed("user")
    account.client("cloudformation").delete_stack(StackName="parts")
    assert account.state("parts") == "DELETE_FAILED"
    why = account.why_failed("parts")
    assert f"resource {found['Group']} has a dependent object" in why
    assert f"The subnet '{found['SubnetA']}' has dependencies and cannot be deleted." in why


def test_a_rule_is_stored_and_runs_nothing(account: Account) -> None:
    target = {"Id": "queue", "Arn": QUEUE_ARN}
    rule = {"EventPattern": {"source": ["orders"]}, "Targets": [target]}
    resources = {**OWN_QUEUE, "Rule": {"Type": "AWS::Events::Rule", "Properties": rule}}
    assert account.deploy("subject", resources, {"Queue": {"Ref": "Queue"}}) == "CREATE_COMPLETE"
    account.client("events").put_events(Entries=[{"Source": "orders", "DetailType": "new", "Detail": "{}"}])
    queue = account.outputs("subject")["Queue"]
    assert "Messages" not in account.client("sqs").receive_message(QueueUrl=queue)


@pytest.mark.parametrize("kind", ["Custom::S3AutoDeleteObjects", "AWS::Lambda::Function", "AWS::MSK::Cluster"])
def test_another_type_is_refused_by_name_before_anything_is_created(account: Account, kind: str) -> None:
    template = {"Resources": {**OWN_QUEUE, "Subject": {"Type": kind}}}
    with pytest.raises(ClientError, match=rf"Unrecognized resource types: \[Subject \({kind}\)\]"):
        account.client("cloudformation").create_stack(StackName="another", TemplateBody=json.dumps(template))
    with pytest.raises(ClientError, match="does not exist"):
        account.client("cloudformation").describe_stacks(StackName="another")
