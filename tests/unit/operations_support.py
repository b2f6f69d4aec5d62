"""Stand-ins for AWS that answer with what a test gives them, and refuse what it does not expect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from operations.assembly import Stack
from operations.target import Target
from src.form import Form, load_form

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def minutes_after_noon(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def client_error(code: str, message: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class FakeCloudFormation:
    """Stacks by name: `status`, `updated`, `outputs`, `exports`, `template`, `resources`, `events`."""

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
        return described | {"LastUpdatedTime": stack.get("updated", NOON), "Outputs": outputs + exports}


class FakePaginator:
    def __init__(self, pages: Any) -> None:
        self._pages = pages

    def paginate(self, **arguments: Any) -> Iterator[Any]:
        return iter(self._pages(**arguments))


class FakeParameters:
    """The parameter store of Systems Manager."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})

    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        if Name not in self.values:
            raise client_error("ParameterNotFound", "no such parameter")
        return {"Parameter": {"Value": self.values[Name]}}

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool, Description: str) -> None:
        assert (Type, Overwrite, bool(Description)) == ("String", True, True)
        self.values[Name] = Value


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
    clients: Mapping[str, Any], *, environment: str = "dev", is_local: bool = False, form: Form | None = None
) -> Target:
    """A place to act on, made of stand-ins."""
    return Target((form or load_form()).environment(environment), is_local, clients.__getitem__, {})
