"""AWS's Session Manager plugin: found, and run as AWS's own command line does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portside.aws.target import Target
from portside.deploy.session_manager import Plugin, Session, arguments, carry, find_plugin
from portside.errors import UserError
from tests.unit.everyday_support import Ecs, Ssm, place, service, write_plugin

OPENED = {"SessionId": "s-1", "StreamUrl": "wss://example.org", "TokenValue": "the-token"}
SESSION = Session(OPENED, {"Target": "ecs:c_t_r"})


def _place(folder: Path, ssm: Any = None, **environment: str) -> Target:
    found = place(Ecs(service()), ssm=ssm or Ssm())
    return replace(found, process_environment={"PATH": str(folder), **environment})


def test_a_plugin_that_is_not_installed_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="session-manager-plugin is not installed") as refused:
        find_plugin({"PATH": str(tmp_path)})
    assert "https://docs.aws.amazon.com/" in refused.value.hint


@pytest.mark.parametrize(
    ("version", "reads_variable"),
    [("1.2.497.0", False), ("1.2.498.0", True), ("1.2.1000.0", True), ("1.3", True), ("what?", False)],
)
def test_the_version_decides_whether_the_token_is_kept_out_of_the_arguments(
    tmp_path: Path, version: str, reads_variable: bool
) -> None:
    write_plugin(tmp_path, version=version)
    assert find_plugin({"PATH": str(tmp_path)}).reads_variable is reads_variable


def test_the_plugin_is_run_as_aws_runs_it_with_the_token_out_of_sight(tmp_path: Path) -> None:
    record = write_plugin(tmp_path, exit_code=7)
    target = _place(tmp_path, AWS_PROFILE="dev-profile")
    assert carry(find_plugin(target.process_environment), SESSION, target) == 7
    called = json.loads(record.read_text())
    assert called["response"] == OPENED
    assert called["arguments"] == [
        "AWS_SSM_START_SESSION_RESPONSE",
        "us-east-1",
        "StartSession",
        "dev-profile",
        '{"Target": "ecs:c_t_r"}',
        "https://ssm.us-east-1.amazonaws.com",
    ]


def test_an_old_plugin_gets_the_session_as_an_argument(tmp_path: Path) -> None:
    record = write_plugin(tmp_path, version="1.2.463.0")
    target = _place(tmp_path)
    assert carry(find_plugin(target.process_environment), SESSION, target) == 0
    called = json.loads(record.read_text())
    assert json.loads(called["arguments"][0]) == OPENED
    assert called["arguments"][3] == ""


def test_the_environment_of_this_process_is_not_changed(tmp_path: Path) -> None:
    target = _place(tmp_path)
    _, environment = arguments(Plugin("p", (1, 3)), SESSION, target, "e")
    assert "the-token" in environment["AWS_SSM_START_SESSION_RESPONSE"]
    assert "AWS_SSM_START_SESSION_RESPONSE" not in target.process_environment


def test_a_session_that_no_one_can_carry_is_closed(tmp_path: Path) -> None:
    ssm = Ssm()
    with pytest.raises(UserError, match="can't be run"):
        carry(Plugin(str(tmp_path / "gone"), (1, 3)), SESSION, _place(tmp_path, ssm))
    assert ssm.terminated == ["s-1"]
