"""The embedded AWS's APIs refuse as AWS's do: calls, quotas, stacks in the wrong state, exports in use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from portside.emulator.client import control
from portside.emulator.patches.api_faults import ApiFaults, checked
from portside.errors import UserError
from tests.unit.local_aws_support import REGION, Account, account, embedded_aws, network

__all__ = ["account", "embedded_aws", "network"]

PARAMETER = {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}}


@pytest.fixture
def once(account: Account) -> Iterator[Account]:
    """The account, whose API refuses nothing any more afterwards."""
    yield account
    control.clear_api_faults(aws=account.aws)


def _client(account: Account, service: str) -> Any:
    """A client without retries."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=account.aws.url,
        region_name=REGION,
        aws_access_key_id=account.number,
        aws_secret_access_key=account.aws.account_secret(account.number),
        config=Config(retries={"total_max_attempts": 1}),
    )


def _error_of(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("service", "operation", "codes"),
    [
        ("ecs", "list_clusters", ("ThrottlingException", "AccessDeniedException", "ExpiredTokenException")),
        ("logs", "describe_log_groups", ("ThrottlingException", "AccessDeniedException", "ExpiredTokenException")),
        ("cloudformation", "describe_stacks", ("Throttling", "AccessDenied", "ExpiredToken")),
        ("elbv2", "describe_load_balancers", ("Throttling", "AccessDenied", "ExpiredToken")),
        ("sts", "get_caller_identity", ("Throttling", "AccessDenied", "ExpiredToken")),
        ("ec2", "describe_vpcs", ("RequestLimitExceeded", "UnauthorizedOperation", "RequestExpired")),
    ],
)
def test_a_call_is_refused_in_the_words_of_its_protocol(
    once: Account, service: str, operation: str, codes: tuple[str, str, str]
) -> None:
    call = getattr(_client(once, service), operation)
    for code, expected in zip(
        ("ThrottlingException", "AccessDeniedException", "ExpiredTokenException"), codes, strict=True
    ):
        control.set_api_fault(service, operation, code, times=1, aws=once.aws)
        assert _error_of(call)[0] == expected
        call()


def test_a_denial_names_who_may_not_do_what(once: Account) -> None:
    control.set_api_fault("ecs", "DescribeTasks", "AccessDeniedException", aws=once.aws)
    _, message = _error_of(_client(once, "ecs").describe_tasks, tasks=["x"])
    assert f"User: arn:aws:sts::{once.number}:assumed-role/" in message
    assert "is not authorized to perform: ecs:DescribeTasks on resource" in message
    _client(once, "ecs").list_clusters()


def test_all_operations_of_a_service_and_of_one_account_only(once: Account) -> None:
    control.set_api_fault("ecs", "*", "ThrottlingException", account="999988887777", aws=once.aws)
    _client(once, "ecs").list_clusters()
    other = Account(once.aws, "999988887777")
    assert _error_of(_client(other, "ecs").list_clusters) == ("ThrottlingException", "Rate exceeded")
    assert control.api_faults(aws=once.aws)[0]["account"] == "999988887777"


def test_a_client_that_tries_again_gets_over_a_few_refusals(once: Account) -> None:
    control.set_api_fault("ecs", "list_clusters", "ThrottlingException", times=1, aws=once.aws)
    assert once.client("ecs").list_clusters()["clusterArns"]


def test_only_known_codes_can_be_switched_on() -> None:
    with pytest.raises(ValueError, match="known are ThrottlingException"):
        checked("ecs", "*", "Throttled")
    with pytest.raises(ValueError, match="1 or more"):
        checked("ecs", "*", "ThrottlingException", times=0)


def test_a_new_refusal_of_the_same_calls_takes_the_old_ones_place() -> None:
    faults = ApiFaults()
    faults.put(checked("elbv2", "*", "ThrottlingException"))
    faults.put(checked("elbv2", "*", "ExpiredTokenException", times=1))
    taken = [faults.take("elasticloadbalancing", "DescribeTargetHealth", "1") for _ in range(2)]
    assert [each.code if each else None for each in taken] == ["ExpiredTokenException", None]


def test_quotas_have_awss_defaults_and_can_be_used_up(account: Account) -> None:
    quotas = account.client("service-quotas")
    eips = {"ServiceCode": "ec2", "QuotaCode": "L-0263D0A3"}
    assert quotas.get_service_quota(**eips)["Quota"]["Value"] == 5
    fargate = {"ServiceCode": "fargate", "QuotaCode": "L-3032A538"}
    assert quotas.get_aws_default_service_quota(**fargate)["Quota"]["Value"] == 6
    control.set_quota(account.number, "fargate", "L-3032A538", 2, aws=account.aws)
    assert quotas.get_service_quota(**fargate)["Quota"]["Value"] == 2
    assert {q["QuotaName"] for q in quotas.list_service_quotas(ServiceCode="vpc")["Quotas"]} >= {"VPCs per Region"}
    assert _error_of(quotas.get_service_quota, ServiceCode="ec2", QuotaCode="L-0")[0] == "NoSuchResourceException"
    with pytest.raises(UserError, match="unknown quota"):
        control.set_quota(account.number, "ec2", "L-0", 2, aws=account.aws)


def _described(account: Account, stack: str) -> dict[str, Any]:
    found: dict[str, Any] = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return found


def test_a_stack_whose_rollback_failed_takes_no_update_until_it_is_continued(account: Account) -> None:
    assert account.deploy("stuck", PARAMETER) == "CREATE_COMPLETE"
    control.set_stack_fault(account.number, "stuck", "UPDATE_ROLLBACK_FAILED", aws=account.aws)
    found = _described(account, "stuck")
    assert found["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert found["StackStatusReason"] == "The following resource(s) failed to update: [Parameter]. "
    cloudformation = account.client("cloudformation")
    expected = (
        "ValidationError",
        f"Stack:{found['StackId']} is in UPDATE_ROLLBACK_FAILED state and can not be updated.",
    )
    changed = {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "2"}}}
    template = json.dumps({"Resources": changed})
    assert _error_of(cloudformation.update_stack, StackName="stuck", TemplateBody=template) == expected
    change = {"StackName": "stuck", "ChangeSetName": "c", "TemplateBody": template}
    assert _error_of(cloudformation.create_change_set, **change) == expected
    events = cloudformation.describe_stack_events(StackName="stuck")["StackEvents"]
    failed = next(each for each in events if each["ResourceStatus"] == "UPDATE_FAILED")
    assert failed["LogicalResourceId"] == "Parameter"
    assert "HandlerErrorCode: NotStabilized" in failed["ResourceStatusReason"]
    cloudformation.continue_update_rollback(StackName="stuck")
    assert account.state("stuck") == "UPDATE_ROLLBACK_COMPLETE"
    assert not control.clear_stack_fault(account.number, "stuck", aws=account.aws)
    assert account.state("stuck") == "UPDATE_ROLLBACK_COMPLETE"
    assert account.deploy("stuck", changed) == "UPDATE_COMPLETE"


@pytest.mark.parametrize("state", ["DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"])
def test_a_stack_that_can_only_be_deleted_can_be_deleted(account: Account, state: str) -> None:
    assert account.deploy("stuck", PARAMETER) == "CREATE_COMPLETE"
    control.set_stack_fault(account.number, "stuck", state, aws=account.aws)
    assert _described(account, "stuck")["StackStatus"] == state
    account.delete("stuck")
    account.stacks.remove("stuck")


def test_a_stack_stays_in_progress_until_the_fault_is_cleared(account: Account) -> None:
    assert account.deploy("stuck", PARAMETER) == "CREATE_COMPLETE"
    control.set_stack_fault(account.number, "stuck", "UPDATE_IN_PROGRESS", aws=account.aws)
    assert _described(account, "stuck")["StackStatus"] == "UPDATE_IN_PROGRESS"
    assert control.clear_stack_fault(account.number, "stuck", aws=account.aws)
    assert account.state("stuck") == "CREATE_COMPLETE"
    assert not control.clear_stack_fault(account.number, "stuck", aws=account.aws)


def test_a_first_deployment_that_failed_leaves_a_stack_behind(account: Account) -> None:
    control.set_stack_fault(account.number, "never", "ROLLBACK_COMPLETE", aws=account.aws)
    assert _described(account, "never")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert control.clear_stack_fault(account.number, "never", aws=account.aws)
    assert _error_of(account.client("cloudformation").describe_stacks, StackName="never")[0] == "ValidationError"


def test_a_stack_that_does_not_exist_cannot_be_updating(account: Account) -> None:
    with pytest.raises(UserError, match="no stack 'never'"):
        control.set_stack_fault(account.number, "never", "UPDATE_IN_PROGRESS", aws=account.aws)
    with pytest.raises(UserError, match="unknown state"):
        control.set_stack_fault(account.number, "never", "BROKEN", aws=account.aws)


def _exporting(value: str | None) -> dict[str, Any]:
    outputs = {"Other": {"Value": "1", "Export": {"Name": "other-thing"}}}
    if value:
        outputs["Out"] = {"Value": value, "Export": {"Name": "shared-thing"}}
    return {"Resources": PARAMETER, "Outputs": outputs}


def test_an_export_in_use_is_neither_changed_nor_deleted(account: Account) -> None:
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName="exporter", TemplateBody=json.dumps(_exporting("one")))
    imported = {"Type": "String", "Value": {"Fn::ImportValue": "shared-thing"}}
    account.stacks.append("exporter")
    importer = {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": imported}}
    assert account.deploy("importer", importer) == "CREATE_COMPLETE"
    for value, verb in (("two", "updated"), (None, "deleted")):
        cloudformation.update_stack(StackName="exporter", TemplateBody=json.dumps(_exporting(value)))
        assert account.state("exporter") == "UPDATE_ROLLBACK_COMPLETE"
        events = cloudformation.describe_stack_events(StackName="exporter")["StackEvents"]
        reported = [
            each["ResourceStatus"]
            for each in events
            if each.get("ResourceStatusReason") == f"Export shared-thing cannot be {verb} as it is in use by importer"
        ]
        assert reported == ["UPDATE_ROLLBACK_IN_PROGRESS"]
        assert account.outputs("exporter")["Out"] == "one"
    cloudformation.delete_stack(StackName="exporter")
    found = _described(account, "exporter")
    assert found["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert (
        found["StackStatusReason"] == "Delete canceled. Cannot delete export shared-thing as it is in use by importer."
    )
