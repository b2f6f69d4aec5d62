"""The CDK's bootstrap stack, from the template in the CDK CLI's package, and an upload to its bucket."""

from __future__ import annotations

from pathlib import Path

from portside.config.configuration import ROOT
from tests.unit.local_aws_support import Account, account, embedded_aws, network

__all__ = ["account", "embedded_aws", "network"]

TEMPLATE = Path("node_modules", "aws-cdk", "lib", "api", "bootstrap", "bootstrap-template.yaml")
STACK = "CDKToolkit"


def test_the_bootstrap_stack_is_created_and_its_bucket_takes_templates(account: Account) -> None:
    cloudformation, s3 = account.client("cloudformation"), account.client("s3")
    cloudformation.create_stack(StackName=STACK, TemplateBody=(ROOT / TEMPLATE).read_text(encoding="utf-8"))
    assert account.state(STACK) == "CREATE_COMPLETE", account.why_failed(STACK)
    role = cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId="CloudFormationExecutionRole")
    attached = account.client("iam").list_attached_role_policies(
        RoleName=role["StackResourceDetail"]["PhysicalResourceId"]
    )
    # No other account is trusted, and no policy is given: the template then uses this one.
    assert [each["PolicyName"] for each in attached["AttachedPolicies"]] == ["AdministratorAccess"]

    bucket = account.outputs(STACK)["BucketName"]
    s3.put_object(Bucket=bucket, Key="template", Body=b"{}", ServerSideEncryption="aws:kms")
    stored = s3.head_object(Bucket=bucket, Key="template")
    assert stored["SSEKMSKeyId"].endswith(":alias/aws/s3")
    s3.delete_object(Bucket=bucket, Key="template")
