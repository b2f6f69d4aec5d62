from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from portside.config.configuration import ROOT
from portside.config.deferred_values import StackOutput, as_written, parts_of
from portside.config.mistakes import Report
from portside.config.own_stacks import OwnStack
from portside.config.service_neighbours import check_neighbours
from portside.config.service_props import DATABASE, Call, DurableVolume, Grant, ServiceProps, ServiceSecret
from portside.errors import ConfigurationError
from tests.unit.configuration_support import named, service

OWN = (
    OwnStack("storage", outputs=("BucketName",), grants=("read", "read_write")),
    OwnStack("cache", outputs=("Endpoint",), accepts_calls=True, port=6379),
    OwnStack("search", accepts_calls=True),
    OwnStack("empty"),
    OwnStack("mail", accepts_calls=True, port=25),
    OwnStack("files", volumes=("uploads",), accepts_calls=True, port=2049),
)


def problems(own: tuple[OwnStack, ...] | None, *more: ServiceProps, **changes: Any) -> list[str]:
    report = Report("services(…)")
    environment = dataclasses.replace(named("dev"), own_stacks=own)
    check_neighbours(environment, [service(public=True, **changes), *more], ROOT, report)
    return [str(each) for each in report.problems]


VALID: list[dict[str, Any]] = [
    {"container_env_vars": {"BUCKET": StackOutput("storage", "BucketName")}},
    {"container_env_vars": {"URL": f"https://{StackOutput('storage', 'BucketName')}.s3.amazonaws.com"}},
    {"container_secrets": [ServiceSecret(StackOutput("cache", "Endpoint"), "TOKEN", "field")]},
    {"grants": [Grant("storage", "read_write")]},
    {"calls": [Call("cache", 6379), Call("search", 9200)]},
    {"durable_volumes": [DurableVolume("/srv", "files", "uploads")]},
]


@pytest.mark.parametrize("changes", VALID)
def test_uses_of_existing_parts_are_accepted(changes: dict[str, Any]) -> None:
    assert problems(OWN, **changes) == []


MISTAKES: list[tuple[dict[str, Any], str]] = [
    (
        {"container_env_vars": {"BUCKET": StackOutput("storag", "BucketName")}},
        '.container_env_vars["BUCKET"]: no such stack of your own in dev, got \'storag\'\nDid you mean "storage"?',
    ),
    (
        {"container_env_vars": {"BUCKET": f"s3://{StackOutput('storage', 'BucketNam')}/x"}},
        '.container_env_vars["BUCKET"]: storage has no such output, got \'BucketNam\'\nDid you mean "BucketName"?',
    ),
    (
        {"container_env_vars": {"X": StackOutput("empty", "Name")}},
        ".container_env_vars[\"X\"]: empty has no such output, got 'Name'\n"
        'Add it to the stack: cdk.CfnOutput(self, "Name", value=…)',
    ),
    (
        {"container_secrets": [ServiceSecret(StackOutput("cache", "Endpiont"), "TOKEN")]},
        ".container_secrets[0].secret_name: cache has no such output, got 'Endpiont'\nDid you mean \"Endpoint\"?",
    ),
    (
        {"grants": [Grant("storage", "read"), Grant("storrage", "read")]},
        ".grants[1].stack: no such stack of your own in dev, got 'storrage'\nDid you mean \"storage\"?",
    ),
    (
        {"grants": [Grant("storage", "raed")]},
        ".grants[0].name: storage has no such grant, got 'raed'\nDid you mean \"read\"?",
    ),
    (
        {"grants": [Grant("cache", "read")]},
        ".grants[0].name: cache has no such grant, got 'read'\n"
        'Add it to the stack: self.grants = {"read": bucket.grant_read_write}',
    ),
    (
        {"durable_volumes": [DurableVolume("/srv", "files", "upload")]},
        ".durable_volumes[0].name: files has no such volume, got 'upload'\nDid you mean \"uploads\"?",
    ),
    (
        {"durable_volumes": [DurableVolume("/srv", "flies", "uploads")]},
        ".durable_volumes[0].stack: no such stack of your own in dev, got 'flies'\nDid you mean \"files\"?",
    ),
    (
        {"durable_volumes": [DurableVolume("/srv", "cache", "data")]},
        ".durable_volumes[0].name: cache has no such volume, got 'data'\n"
        'Add it to the stack: self.volumes = {"data": access_point}',
    ),
    (
        {
            "calls": [Call(DATABASE, 27017), Call("cache", 6379), Call("search", 9200), Call("mail", 25)],
            "durable_volumes": [DurableVolume("/srv", "files", "uploads")],
        },
        ".calls: more than 4 calls, 5 of them to the database and own stacks, "
        "got ['database', 'cache', 'search', 'mail', 'files']\n"
        "A task has five security groups, and each of these needs one. Combine own stacks.",
    ),
    ({"calls": [Call("cache", 6380)]}, ".calls[0]: cache listens on port 6379, got 6380\nUse port 6379."),
    (
        {"calls": [Call("storage", 443)]},
        ".calls[0]: accepts no calls: it has no connections, got 'storage'\n"
        "Set it in the stack: self.connections = ec2.Connections(security_groups=[…], default_port=ec2.Port.tcp(443))",
    ),
    ({"calls": [Call("cahce", 6379)]}, ".calls[0]: no such service, got 'cahce'\nDid you mean \"cache\"?"),
    (
        {"container_env_vars": {"CACHE_URL": "redis://cache:6379"}},
        ".container_env_vars[\"CACHE_URL\"]: no such host, got 'redis://cache:6379'\n"
        'Use an output of the stack: StackOutput("cache", …).',
    ),
]


@pytest.mark.parametrize(("changes", "said"), MISTAKES)
def test_a_mistake_is_reported_with_the_name_that_exists(changes: dict[str, Any], said: str) -> None:
    assert problems(OWN, **changes) == [f'ServiceProps("app"){said}']


def test_without_own_stacks_the_hint_is_to_create_one() -> None:
    [said] = problems((), grants=[Grant("storage", "read")])
    assert said.endswith('Create it: environment.stack_name("storage"), in stacks(…).')


def test_uses_of_own_stacks_that_are_unknown_are_not_judged() -> None:
    uses = {"container_env_vars": {"A": StackOutput("a", "B")}, "grants": [Grant("a", "b")], "calls": [Call("a", 1)]}
    assert problems(None, **uses) == []


def test_more_groups_than_a_task_can_have_are_refused() -> None:
    own = tuple(OwnStack(name, accepts_calls=True) for name in ("one", "two", "three", "four"))
    calls = [Call(each.part, 80) for each in own]
    assert problems(own, calls=calls) == []
    [said] = problems(own, calls=[Call(DATABASE, 27017), *calls])
    assert "more than 4 calls, 5 of them to the database and own stacks" in said
    api = service(container_name="api", container_port=81)
    assert len(problems(own, api, calls=[Call("api", 81), *calls])) == 1
    assert problems(own, api, calls=[Call("api", 81), Call(DATABASE, 27017), *calls[:2]]) == []


def test_an_output_in_a_text_is_found_again_and_shown_as_it_is_written() -> None:
    read = StackOutput("my-storage", "BucketName")
    assert parts_of(f"s3://{read}/x") == ["s3://", read, "/x"]
    assert as_written(f"s3://{read}/x") == 's3://{StackOutput("my-storage", "BucketName")}/x'
    assert parts_of(str(StackOutput("a", "B")) + read) == [StackOutput("a", "B"), read]


@pytest.mark.parametrize("changed", [str.upper, str.lower, lambda text: text[:-3], lambda text: text[8:]])
def test_an_output_that_was_changed_in_a_text_is_refused(changed: Any) -> None:
    with pytest.raises(ValueError, match=r"(?i)storage"):
        parts_of(changed(f"s3://{StackOutput('storagE', 'BucketName')}"))


@pytest.mark.parametrize("names", [("", "BucketName"), ("storage", ""), ("storage", None), (3, "A"), ("a,b", "C")])
def test_an_output_needs_two_names(names: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r'StackOutput\("storage", "BucketName"\)'):
        StackOutput(*names)


def test_the_class_alone_is_refused_with_an_example() -> None:
    with pytest.raises(ConfigurationError, match=r'Use StackOutput\("storage", "BucketName"\)'):
        service(container_env_vars={"BUCKET": StackOutput})


def test_python_code_in_a_text_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="as text instead of Python code"):
        service(container_env_vars={"BUCKET": 's3://StackOutput("storage", "BucketName")'})
