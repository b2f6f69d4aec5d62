"""SDKs report a refusal by the code that AWS gives it in each protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from portside.emulator.client.process import LocalAws
from portside.emulator.gate.refusals import REASONS, refusal
from portside.emulator.gate.served import SERVICES, problem_of_resources
from tests.unit.local_aws_support import REGION, embedded_aws

__all__ = ["embedded_aws"]

CALLS: dict[str, Callable[[Any], Any]] = {
    "sts": lambda of: of.get_caller_identity(),
    "ssm": lambda of: of.describe_parameters(),
    "s3": lambda of: of.list_buckets(),
    "ec2": lambda of: of.describe_vpcs(),
    "cloudwatch": lambda of: of.describe_alarms(),
}


def _code(aws: LocalAws, service: str, key: str, secret: str, token: str | None = None) -> str:
    client: Any = boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ClientError) as refused:
        CALLS[service](client)
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("sts", "SignatureDoesNotMatch"),
        ("ssm", "InvalidSignatureException"),
        ("s3", "SignatureDoesNotMatch"),
        ("ec2", "SignatureDoesNotMatch"),
        ("cloudwatch", "InvalidSignatureException"),
    ],
)
def test_a_wrong_secret_has_awss_code(embedded_aws: LocalAws, service: str, code: str) -> None:
    assert _code(embedded_aws, service, "111122223333", "local") == code


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("sts", "InvalidClientTokenId"),
        ("ssm", "UnrecognizedClientException"),
        ("s3", "InvalidAccessKeyId"),
        ("ec2", "AuthFailure"),
        ("cloudwatch", "UnrecognizedClientException"),
    ],
)
def test_an_unknown_key_has_awss_code(embedded_aws: LocalAws, service: str, code: str) -> None:
    assert _code(embedded_aws, service, "AKIA" + "IOSFODNN7EXAMPLE", "x") == code


def test_a_session_of_sts_is_accepted_with_its_token_only(embedded_aws: LocalAws) -> None:
    account = "111122223333"
    secret = embedded_aws.account_secret(account)
    sts: Any = boto3.client(
        "sts",
        endpoint_url=embedded_aws.url,
        region_name=REGION,
        aws_access_key_id=account,
        aws_secret_access_key=secret,
    )
    role = "arn:aws:iam::444455556666:role/cdk-deploy"
    given = sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    session: Any = boto3.client(
        "sts",
        endpoint_url=embedded_aws.url,
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    assert session.get_caller_identity()["Account"] == "444455556666"
    assert _code(embedded_aws, "sts", given["AccessKeyId"], secret, given["SessionToken"]) == "SignatureDoesNotMatch"
    assert _code(embedded_aws, "sts", given["AccessKeyId"], given["SecretAccessKey"]) == "InvalidClientTokenId"
    assert _code(embedded_aws, "s3", given["AccessKeyId"], given["SecretAccessKey"], "x") == "InvalidToken"


def test_a_presigned_address_of_an_object_is_valid_for_every_holder(embedded_aws: LocalAws) -> None:
    import urllib.error
    import urllib.request

    account = "111122223333"
    s3: Any = boto3.client(
        "s3",
        endpoint_url=embedded_aws.url,
        region_name=REGION,
        aws_access_key_id=account,
        aws_secret_access_key=embedded_aws.account_secret(account),
        config=Config(signature_version="s3v4"),
    )
    s3.create_bucket(Bucket="presigned")
    s3.put_object(Bucket="presigned", Key="a key", Body=b"content")
    url = s3.generate_presigned_url("get_object", {"Bucket": "presigned", "Key": "a key"}, ExpiresIn=60)
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.read() == b"content"
    for changed in (url.replace("a%20key", "b%20key"), url.partition("?")[0], f"{url}0"):
        with pytest.raises(urllib.error.HTTPError, match="403") as refused:
            urllib.request.urlopen(changed, timeout=5)
        refused.value.close()


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("service", ["sts", "ssm", "s3", "ec2", "lambda", "route53", ""])
def test_every_reason_has_a_format_in_every_protocol(reason: str, service: str) -> None:
    for headers in ({}, {"x-amz-target": "A.B"}, {"content-type": "application/x-www-form-urlencoded"}):
        said = refusal(reason, "a <message>", service, headers)
        is_temporary = reason in ("ThrottlingException", "ServiceUnavailable")
        assert 400 <= said.status < 500 or (said.status == 503 and is_temporary)
        assert b"a <message>" in said.body or b"a &lt;message&gt;" in said.body
        assert said.headers["content-type"]


def test_a_message_in_cbor_is_a_map_of_two_texts() -> None:
    said = refusal("NotServed", "why", "monitoring", {"smithy-protocol": "rpc-v2-cbor"})
    assert said.body == b"\xa2\x79\x00\x06__type\x79\x00\x14UnsupportedOperation\x79\x00\x07message\x79\x00\x03why"


@pytest.mark.parametrize("kind", ["AWS::EC2::VPC", "AWS::S3::BucketPolicy", "AWS::CDK::Metadata", "AWS::ECS::Service"])
def test_what_the_stacks_use_is_served(kind: str) -> None:
    assert problem_of_resources([("Thing", kind)]) == ""


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::Lambda::Function",
        "Custom::X",
        "AWS::S3ObjectLambda::AccessPoint",
        "AWS::EC2",
        "AWS::Logs::SubscriptionFilter",
    ],
)
def test_what_runs_code_is_not(kind: str) -> None:
    assert f"Thing ({kind})" in problem_of_resources([("Thing", kind), ("Fine", "AWS::EC2::VPC")])


def test_every_service_has_a_name_that_people_know() -> None:
    assert all(SERVICES.values())
    assert len(set(SERVICES.values())) == len(SERVICES)
