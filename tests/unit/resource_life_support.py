"""The life of a resource of any type: created, updated, replaced, rolled back, deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.unit.local_aws_support import Account

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A type with its properties, an update in place, a replacing update, and how its service describes it.

    `read(account, reference, attributes)` returns None if the resource does not exist.
    """

    name: str
    properties: Properties
    read: Callable[[Account, str], Any]
    in_place: Properties | None = None
    replacing: Properties | None = None
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.name.removeprefix("AWS::")


def found(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        if "NotFound" in code or "NoSuch" in code or "NonExistent" in code or status == 404:
            return None
        raise


# Passing values, which may differ after a rollback.
PASSING = {"LastModifiedTimestamp", "LastChangedDate", "VersionIdsToStages", "UpdateDate", "DefaultVersionId"}
PASSING |= {"ResponseMetadata", "CreatedBy"}


def without_passing(answer: Any) -> Any:
    if not isinstance(answer, dict):
        return answer
    return {name: value for name, value in answer.items() if name not in PASSING}


def first(service: str, operation: str, parameter: str, key: str = "") -> Callable[[Account, str], Any]:
    """Reads what an operation returns below `key`, the first item if it is a list; `parameter` names the resource."""

    def read(account: Account, reference: str) -> Any:
        client = account.client(service)
        value: Any = [reference] if parameter.endswith("Ids") else reference
        answer = found(lambda: getattr(client, operation)(**{parameter: value}))
        answer = answer[key] if answer and key else answer
        return without_passing(next(iter(answer), None) if isinstance(answer, list) else answer)

    return read


NETWORK: dict[str, Any] = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.30.0.0/24"}},
    **{
        f"Subnet{zone.upper()}": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": f"10.30.0.{64 * index}/26",
                "AvailabilityZone": f"us-east-1{zone}",
            },
        }
        for index, zone in enumerate("ab")
    },
    "Group": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"GroupDescription": "of the test", "VpcId": {"Ref": "Vpc"}},
    },
}
REFUSED = {
    "Type": "AWS::Logs::LogGroup",
    "DependsOn": "Subject",
    "Properties": {"LogGroupName": "test-logs"},
}


def resources_of(row: Row, properties: Properties, **more: Any) -> dict[str, Any]:
    return {**row.others, "Subject": {"Type": row.name, "Properties": dict(properties)}, **more}


def lives(account: Account, row: Row) -> None:
    """Lead a resource through its life, and expect what AWS does."""
    output = {"Subject": {"Ref": "Subject"}}

    def deploy(properties: Properties, expected: str, **more: Any) -> tuple[str, Any]:
        state = account.deploy("subject", resources_of(row, properties, **more), output)
        assert state == expected, account.why_failed("subject")
        reference = account.outputs("subject")["Subject"]
        return reference, row.read(account, reference)

    first, created = deploy(row.properties, "CREATE_COMPLETE")
    readable = created is not None
    current = row.properties
    if row.in_place:
        changed = {**current, **row.in_place}
        same, before = deploy(changed, "UPDATE_ROLLBACK_COMPLETE", Refused=REFUSED)
        assert (same, before) == (first, created), "rolled back"
        same, updated = deploy(changed, "UPDATE_COMPLETE")
        assert same == first
        assert updated != created or not readable
        current, created = changed, updated
    if row.replacing:
        changed = {**current, **row.replacing}
        same, before = deploy(changed, "UPDATE_ROLLBACK_COMPLETE", Refused=REFUSED)
        assert (same, before) == (first, created), "rolled back from a replacement"
        other, replaced = deploy(changed, "UPDATE_COMPLETE")
        assert other != first
        assert (replaced is not None) == readable
        assert row.read(account, first) is None
        first = other
    account.delete("subject")
    account.stacks.remove("subject")
    assert row.read(account, first) is None
