"""The `aws` of rehearsals: one call, as the AWS CLI makes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from portside.emulator.client import aws_command
from portside.emulator.client.aws_command import UsageProblem, general_options, local_endpoint, parsed, print_answer


def parse(service: str, operation: str, *words: str) -> dict[str, Any]:
    model = get_session().get_service_model(service)
    return parsed(model.operation_model(operation).input_shape, words)


@pytest.mark.parametrize("url", ["", "https://sts.amazonaws.com", "http://127.0.0.1.example.org", "http://localhost:1"])
def test_it_calls_no_other_endpoint_than_this_machine_s(url: str) -> None:
    with pytest.raises(UsageProblem, match="works with the embedded AWS only"):
        local_endpoint({"AWS_ENDPOINT_URL": url})


@pytest.mark.parametrize("option", [("--endpoint-url", "https://sts.amazonaws.com"), ("--profile", "prod")])
def test_no_option_leads_elsewhere(option: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert aws_command.main(["sts", "get-caller-identity", *option]) == aws_command.USAGE


def test_options_become_parameters_by_the_operation_s_model() -> None:
    assert parse("secretsmanager", "CreateSecret", "--name", "a b", "--secret-string", '{"a": 1}') == {
        "Name": "a b",
        "SecretString": '{"a": 1}',
    }
    assert parse("ecs", "UpdateService", "--service", "s", "--desired-count", "2", "--force-new-deployment") == {
        "service": "s",
        "desiredCount": 2,
        "forceNewDeployment": True,
    }
    assert parse("cloudformation", "DeleteStack", "--stack-name=s", "--retain-resources", "A", "B") == {
        "StackName": "s",
        "RetainResources": ["A", "B"],
    }
    assert parse(
        "cloudformation",
        "UpdateTerminationProtection",
        "--no-enable-termination-protection",
        *("--stack-name", "s"),
    ) == {"EnableTerminationProtection": False, "StackName": "s"}


def test_shorthand_and_json_are_the_same() -> None:
    short = parse("ec2", "DescribeSubnets", "--filters", "Name=vpc-id,Values=a,b", "Name=state,Values=c")
    long = parse(
        "ec2",
        "DescribeSubnets",
        "--filters",
        '[{"Name": "vpc-id", "Values": ["a", "b"]}, {"Name": "state", "Values": ["c"]}]',
    )
    assert short == long


def test_a_value_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "value").write_text("s3cret")
    found = parse("secretsmanager", "PutSecretValue", "--secret-id", "a", "--secret-string", f"file://{tmp_path}/value")
    assert found["SecretString"] == "s3cret"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--nam", "x"), "unknown option --nam"),
        ((), "required: --name"),
        (("x",), "an option must come before 'x'"),
        (("--name", "a", "b"), "takes one value"),
        (("--name", "file:///nowhere"), "can't be read"),
        (("--name", "a", "--tags", "oops"), "Key=value"),
        (("--name", "a", "--tags", "Kay=1"), "unknown Kay"),
        (("--name", "a", "--tags", "[{]"), "not JSON"),
    ],
)
def test_what_is_wrong_with_an_option_is_said(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        parse("secretsmanager", "CreateSecret", *words)


def test_general_options_may_stand_anywhere() -> None:
    general, rest = general_options(["--region", "r", "sts", "x", "--query=a.b", "--no-cli-pager", "--name", "n"])
    assert (general, rest) == ({"region": "r", "query": "a.b"}, ["sts", "x", "--name", "n"])


@pytest.mark.parametrize(
    ("answer", "output", "printed"),
    [
        ({}, "json", ""),
        (None, "text", "None\n"),
        ("plain", "text", "plain\n"),
        (["a", "b"], "text", "a\tb\n"),
        ([["a", 1], ["b", 2]], "text", "a\t1\nb\t2\n"),
    ],
)
def test_an_answer_is_printed_as_the_aws_cli_does(
    answer: Any, output: str, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_answer(answer, output)
    assert capsys.readouterr().out == printed


def test_json_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_answer({"a": ["é"]}, "json")
    assert json.loads(capsys.readouterr().out) == {"a": ["é"]}
