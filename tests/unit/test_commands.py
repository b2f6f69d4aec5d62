"""How commands that messages print are written."""

from __future__ import annotations

import shlex

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.commands import Commands, file_of, remark, tool

AWS = Commands("dev", "111122223333", "us-east-1")
HERE = Commands("dev", "111122223333", "us-east-1", is_local=True)


def test_a_command_of_the_tool_names_the_environment_and_says_local_in_a_rehearsal() -> None:
    assert AWS.tool("deploy", "--bring-back") == "./agora deploy dev --bring-back"
    assert HERE.tool("redeploy", "api") == "./agora redeploy dev api --local"


def test_a_command_of_aws_names_the_region_and_in_a_rehearsal_runs_on_the_embedded_one() -> None:
    assert AWS.aws("ecs", "list-tasks", cluster="c") == "aws ecs list-tasks --cluster c --region us-east-1"
    assert HERE.aws("ecs", "list-tasks", cluster="c") == "./agora local env dev -- aws ecs list-tasks --cluster c"


def test_a_fix_names_the_account_on_aws_alone() -> None:
    assert AWS.fix("a", "b", then="then: c") == "a && b  # in account 111122223333; then: c"
    assert HERE.fix("a") == "a"
    assert HERE.fix("a", then="then: c") == "a  # then: c"


def test_options_are_flags_values_and_lists() -> None:
    words = shlex.split(HERE.aws("x", "wait y", flag=True, off=False, many=["a", "b"], number=3, value="-x"))
    assert words[5:] == ["aws", "x", "wait", "y", "--flag", "--many", "a", "b", "--number", "3", "--value=-x"]


@given(st.text(min_size=1))
def test_any_value_is_one_word_on_one_line(value: str) -> None:
    command = AWS.aws("secretsmanager", "restore-secret", secret_id=value)
    assert "\n" not in command
    assert "\r" not in command
    words = shlex.split(command)
    assert words[:3] == ["aws", "secretsmanager", "restore-secret"]
    assert words[-2:] == ["--region", "us-east-1"]
    assert len(words) == (6 if value.startswith("-") else 7)


@given(st.text())
def test_a_remark_stays_a_remark(text: str) -> None:
    assert len(f"true{remark(text)}".splitlines()) == 1
    assert shlex.split(f"true{remark(text)}", comments=True) == ["true"]


def test_only_what_a_shell_must_read_itself_is_left_unquoted() -> None:
    assert HERE.aws("x", "y", value="$(id)").endswith("--value '$(id)'")
    assert HERE.aws("x", "y", value=file_of("id")).endswith("--value file://<(id)")


@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_an_arn_is_of_the_region_s_partition(region: str, partition: str) -> None:
    arn = Commands("dev", "111122223333", region).secret_arn("dsn")
    assert arn == f"arn:{partition}:secretsmanager:{region}:111122223333:secret:dsn-??????"


@pytest.mark.parametrize(("given_option", "printed"), [(True, " --local"), (False, "")])
def test_a_command_without_a_place_is_for_where_the_running_one_acts(given_option: bool, printed: str) -> None:
    with click.Context(click.Command("pin")) as context:
        context.params["local"] = given_option
        assert tool("release", "pin", "1.0") == f"./agora release pin 1.0{printed}"
    assert tool("release", "pin", "1.0") == "./agora release pin 1.0"
