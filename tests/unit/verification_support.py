"""An environment to verify, in an AWS that answers with what a test gives it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from portside.config.configuration import Configuration
from portside.findings.finding import Finding
from portside.images.resolution import Resolution
from portside.preflight.context import Answer, Context, Options, Question, answer, context_of
from portside.synthesis.assembly import Stack
from tests.unit.configuration_support import check_configuration, environments, one_service, service
from tests.unit.operations_support import NOON, FakeCloudFormation, FakeParameters, client_error, resolved, target

ACCOUNT = "607346494281"
LOCATION = "ghcr.io/sage-bionetworks/app:v1.0"
IMAGES = Resolution("v1.0", {LOCATION: replace(resolved("app", "v1.0"), name=LOCATION.rpartition(":")[0])})

DENIED = client_error(
    "AccessDeniedException",
    "User: arn:aws:sts::1:assumed-role/x/y is not authorized to perform: acm:DescribeCertificate on resource: z",
    "DescribeCertificate",
)
THROTTLED = client_error("ThrottlingException", "Rate exceeded", "DescribeVpcs")
EXPIRED = client_error("ExpiredTokenException", "The security token included in the request is expired", "DescribeX")


class FakeClient:
    """Answers each operation with a value, an error that it raises, or what a function makes of the arguments.

    A list is the pages of an operation that AWS pages. A call without an answer in the test is refused.
    """

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self._lock = threading.Lock()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation.startswith("__"):
            raise AttributeError(operation)
        return lambda **arguments: self._answer(operation, arguments)

    def get_paginator(self, operation: str) -> FakePages:
        return FakePages(lambda arguments: self._answer(operation, arguments))

    def _answer(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        with self._lock:
            self.asked.append((operation, arguments))
        assert operation in self._answers, f"unexpected {operation}({arguments})"
        given = self._answers[operation]
        found = given(**arguments) if callable(given) else given
        if isinstance(found, Exception):
            raise found
        return found


class FakePages:
    def __init__(self, read: Callable[[Mapping[str, Any]], Any]) -> None:
        self._read = read

    def paginate(self, **arguments: Any) -> Iterator[Any]:
        found = self._read(arguments)
        assert isinstance(found, list), "AWS pages this operation"
        return iter(found)


def running_service(tasks: int) -> FakeClient:
    """ECS with one service, app, of which so many tasks run."""
    found = {"serviceName": "app", "status": "ACTIVE", "runningCount": tasks, "deployments": []}
    return FakeClient(list_services=[], list_tasks=[], describe_services={"services": [found]})


def configuration_with(*services: Mapping[str, Any], **dev: Any) -> Configuration:
    """A form of dev, stage and prod with these services, or one."""
    names: dict[str, Any] = {"dev": dev, "stage": {}, "prod": {}}
    if not services:
        return check_configuration(environments(**names), one_service)
    return check_configuration(environments(**names), lambda _: [service(**each) for each in services])


def context(
    clients: Mapping[str, Any] | None = None,
    *,
    stacks: Mapping[str, Mapping[str, Any]] | None = None,
    new: Sequence[Stack] = (),
    configuration: Configuration | None = None,
    images: Resolution = IMAGES,
    environment: str = "dev",
    is_local: bool = False,
    **options: Any,
) -> Context:
    """The environment of the checks, at noon; `stacks` are deployed, `new` would be."""
    configuration = configuration or configuration_with()
    answering = {"cloudformation": FakeCloudFormation(stacks), "ssm": FakeParameters()} | dict(clients or {})
    place = target(answering, environment=environment, is_local=is_local, configuration=configuration)
    return replace(context_of(place, configuration, images, Options(**options), stacks=new), now=NOON)


def ask(question: Question, about: Context) -> Answer:
    return answer(question, about)


def by_subject(questions: Sequence[Question], about: Context) -> dict[str, Finding]:
    """All findings, by subject."""
    checks = [check for question in questions for check in answer(question, about).checks]
    found = {check.subject: check for check in checks}
    assert len(found) == len(checks), "a subject is reported once"
    return found


def deployed(template: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A stack as CloudFormation has it."""
    return {"template": template or {"Resources": {}}, **more}


def resource_of(kind: str, physical: str, logical: str = "X") -> dict[str, Any]:
    """A resource as CloudFormation lists it."""
    return {"ResourceType": kind, "PhysicalResourceId": physical, "LogicalResourceId": logical}


NETWORK = {"agora-dev-network": deployed(resources=[resource_of("AWS::EC2::VPC", "vpc-own", "Vpc")])}
