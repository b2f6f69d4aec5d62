"""Stubs for AWS that answer with what a test gives them, and refuse what it does not expect."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from portside.aws.target import Target
from portside.config.configuration import Configuration
from portside.config.environment import OWNER_TAG
from portside.images.resolution import Resolution
from portside.images.resolved_image import PLATFORM, ResolvedImage
from portside.records.deployment_record import DEPLOY, HEALTHY, DeploymentRecord
from portside.synthesis.assembly import Stack
from tests.apps import agora
from tests.aws_account import Account

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def minutes_after_noon(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def client_error(code: str, message: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class FakeCloudFormation:
    """Stacks by name: `status`, `updated`, `outputs`, `exports`, `template`, `resources`, `events`, `tags`.

    They carry the owner tag of the environment in their name unless they are given tags.
    """

    def __init__(self, stacks: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.stacks: dict[str, dict[str, Any]] = {name: dict(stack) for name, stack in (stacks or {}).items()}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        if StackName not in self.stacks:
            raise client_error("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [self._described(StackName)]}

    def get_template(self, *, StackName: str, TemplateStage: str) -> dict[str, Any]:
        assert TemplateStage == "Original"
        return {"TemplateBody": json.dumps(self.stacks[StackName]["template"])}

    def describe_stack_resources(self, *, StackName: str) -> dict[str, Any]:
        if StackName not in self.stacks:
            raise client_error("ValidationError", f"Stack with id {StackName} does not exist")
        return {"StackResources": self.stacks[StackName].get("resources", [])}

    def get_paginator(self, operation: str) -> FakePaginator:
        pages: dict[str, Any] = {
            "describe_stacks": lambda: [{"Stacks": [self._described(name)]} for name in self.stacks],
            "describe_stack_events": lambda StackName: [
                {"StackEvents": [event]} for event in self.stacks[StackName]["events"]
            ],
            "list_stack_resources": lambda StackName: [
                {"StackResourceSummaries": [each]} for each in self.stacks[StackName].get("resources", [])
            ],
        }
        return FakePaginator(pages[operation])

    def _described(self, name: str) -> dict[str, Any]:
        stack = self.stacks[name]
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in stack.get("outputs", {}).items()]
        exports = [
            {"OutputKey": key, "OutputValue": value, "ExportName": key}
            for key, value in stack.get("exports", {}).items()
        ]
        described = {"StackName": name, "StackStatus": stack.get("status", "CREATE_COMPLETE"), "CreationTime": NOON}
        owner = "/".join(name.split("-")[:2])
        tags = [{"Key": key, "Value": value} for key, value in stack.get("tags", {OWNER_TAG: owner}).items()]
        described |= {"Tags": tags, "EnableTerminationProtection": stack.get("protected", False)}
        return described | {"LastUpdatedTime": stack.get("updated", NOON), "Outputs": outputs + exports}


class FakePaginator:
    def __init__(self, pages: Any) -> None:
        self._pages = pages

    def paginate(self, **arguments: Any) -> Iterator[Any]:
        return iter(self._pages(**arguments))


class FakeParameters:
    """The parameter store of Systems Manager: each call is atomic, a put adds a version, and the limits are AWS's."""

    KEPT_VERSIONS = 100
    PAGE = 50
    MOST_BYTES: ClassVar = {"Standard": 4096, "Advanced": 8192}

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.tiers: dict[str, str] = {}
        self.meta = SimpleNamespace(endpoint_url="https://ssm.us-east-1.amazonaws.com")
        self._versions: dict[str, list[tuple[int, str]]] = {}
        self._lock = threading.Lock()
        for name, value in (values or {}).items():
            self.put_parameter(Name=name, Value=value, Type="String", Overwrite=True, Description="given")

    @property
    def values(self) -> dict[str, str]:
        """The current value of each parameter."""
        return {name: versions[-1][1] for name, versions in self._versions.items()}

    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        with self._lock:
            number, value = self._existing(Name)[-1]
            return {"Parameter": {"Name": Name, "Version": number, "Value": value}}

    def get_paginator(self, operation: str) -> FakePaginator:
        assert operation == "get_parameter_history"
        return FakePaginator(self._history)

    def put_parameter(
        self, *, Name: str, Value: str, Type: str, Overwrite: bool, Description: str, Tier: str = "Standard"
    ) -> dict[str, Any]:
        assert (Type, bool(Description)) == ("String", True)
        with self._lock:
            if Name in self._versions and not Overwrite:
                raise client_error("ParameterAlreadyExists", "The parameter already exists")
            size = len(Value.encode())
            tier = self._tier(Name, Tier, size)
            if size > self.MOST_BYTES[tier]:
                raise client_error("ValidationException", f"{tier} tier parameters support a maximum value of 4096")
            if re.search(r"{{.*}}", Value):
                raise client_error("ValidationException", "Parameter value: {{…}} doesn't match the allowed pattern")
            self.tiers[Name] = tier
            versions = self._versions.setdefault(Name, [])
            versions.append((versions[-1][0] + 1 if versions else 1, Value))
            del versions[: -self.KEPT_VERSIONS]
            return {"Version": versions[-1][0]}

    def delete_parameter(self, *, Name: str) -> None:
        with self._lock:
            self._existing(Name)
            del self._versions[Name], self.tiers[Name]

    def delete_parameters(self, *, Names: Sequence[str]) -> None:
        with self._lock:
            for name in Names:
                self._versions.pop(name, None)
                self.tiers.pop(name, None)

    def _existing(self, name: str) -> list[tuple[int, str]]:
        if name not in self._versions:
            raise client_error("ParameterNotFound", "no such parameter")
        return self._versions[name]

    def _tier(self, name: str, wanted: str, size: int) -> str:
        if wanted != "Intelligent-Tiering":
            return wanted
        is_large = size > self.MOST_BYTES["Standard"] or self.tiers.get(name) == "Advanced"
        return "Advanced" if is_large else "Standard"

    def _history(self, *, Name: str) -> Iterator[dict[str, Any]]:
        with self._lock:
            versions = list(self._existing(Name))
        for start in range(0, len(versions), self.PAGE):
            page = versions[start : start + self.PAGE]
            yield {"Parameters": [{"Name": Name, "Version": number, "Value": value} for number, value in page]}


class FakeEcs:
    """One service with its task definition and tasks."""

    def __init__(
        self, service: Mapping[str, Any], definition: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.service, self.definition, self.tasks = service, definition, list(tasks)

    def describe_services(self, *, cluster: str, services: Sequence[str]) -> dict[str, Any]:
        assert services
        assert cluster
        return {"services": [self.service]}

    def get_paginator(self, operation: str) -> FakePaginator:
        def tasks(**request: Any) -> Iterator[dict[str, Any]]:
            for arn in self.list_tasks(**request)["taskArns"]:
                yield {"taskArns": [arn]}

        listed = {"serviceArns": [self.service["serviceArn"]]}
        return FakePaginator({"list_tasks": tasks, "list_services": lambda **_: [listed]}[operation])

    def describe_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:
        assert taskDefinition == self.service["taskDefinition"]
        return {"taskDefinition": self.definition}

    def list_tasks(self, *, cluster: str, serviceName: str = "", desiredStatus: str = "RUNNING") -> dict[str, Any]:
        assert cluster
        assert "/" not in serviceName, "ECS takes the short name of a service"
        return {"taskArns": [task["taskArn"] for task in self.tasks if task["desiredStatus"] == desiredStatus]}

    def describe_tasks(self, *, cluster: str, tasks: Sequence[str]) -> dict[str, Any]:
        assert cluster
        return {"tasks": [task for task in self.tasks if task["taskArn"] in tasks]}


def stack(name: str, template: Mapping[str, Any], folder: Path, *, depends_on: Sequence[str] = ()) -> Stack:
    """A synthesized stack with a template."""
    file = folder / f"{name}.template.json"
    file.write_text(json.dumps(template))
    return Stack(name, tuple(depends_on), file)


def reads(producer: str, output: str) -> dict[str, Any]:
    """A weak reference."""
    return {"Fn::GetStackOutput": {"StackName": producer, "OutputName": output, "Region": "us-east-1"}}


def resource(kind: str = "AWS::SNS::Topic", **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def target(
    clients: Mapping[str, Any],
    *,
    environment: str = "dev",
    is_local: bool = False,
    configuration: Configuration | None = None,
) -> Target:
    """A place to act on, made of stubs."""
    return Target((configuration or agora()).environment(environment), is_local, clients.__getitem__, {})


def digest(content: str) -> str:
    """A digest that is distinguished from others by a word."""
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


def resolved(name: str, tag: str, content: str = "", **more: Any) -> ResolvedImage:
    """An image of `ghcr.io/org`; the same content has the same digest, by default that of its name and tag."""
    reported = digest(content or f"{name} {tag}")
    return replace(ResolvedImage(f"ghcr.io/org/{name}", tag, reported, "c" * 40, PLATFORM, NOON.isoformat()), **more)


def resolution(version: str, *names: str, **contents: str) -> Resolution:
    """The images of a version, by name; contents tell digests apart that are not those of the version."""
    images = [resolved(name, version) for name in names]
    images += [resolved(name, version, content) for name, content in contents.items()]
    return Resolution(version, {f"{image.name}:{version}": image for image in images})


def deployment_of(images: Resolution, **changes: Any) -> DeploymentRecord:
    """A record of a deployment that ended well at noon, with changes."""
    ran = {image.name.rpartition("/")[2]: (reference, HEALTHY) for reference, image in images.images.items()}
    usual = DeploymentRecord(DEPLOY, NOON.isoformat(), 61.5, "Developer/jane", "a" * 40, HEALTHY, images, ran=ran)
    return replace(usual, **changes)


def write_task_or_warn(account: Account) -> None:
    """A deployment recorded, that made all that runs."""
    record = replace(
        deployment_of(resolution("edge", "agora-app")), began=account.at(24 * 60 + 1).isoformat(), seconds=600
    )
    account.parameters[f"/agora/{account.environment.name}/deployment"] = [record.written()]
