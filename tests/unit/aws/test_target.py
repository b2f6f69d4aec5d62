"""Where a command acts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest

from portside.aws.target import aws_target, local_target, other_target, tool_environment
from portside.config.configuration import ROOT, state_dir
from portside.emulator.client import process
from portside.emulator.client.process import LocalAws
from portside.errors import UsageError, UserError
from portside.git import git
from tests.apps import agora
from tests.unit.configuration_support import check_configuration, environments, one_service
from tests.unit.operations_support import client_error, target


class _Session:
    """A user's credentials: for an account, or for none."""

    account: str | None = None
    arn = "arn:aws:iam::607346494281:user/jane"
    profiles: ClassVar[list[str | None]] = []

    def __init__(self, *, region_name: str, profile_name: str | None) -> None:
        self.region_name = region_name
        self.profiles.append(profile_name)

    def client(self, service: str, **_: object) -> _Session:
        assert service == "sts"
        return self

    def get_caller_identity(self) -> dict[str, Any]:
        if self.account is None:
            raise client_error("ExpiredToken", "The security token included in the request is expired")
        return {"Account": self.account, "Arn": self.arn}


DEV = "607346494281"
STAGE_AND_PROD = "681175625864"


def _log_in(monkeypatch: pytest.MonkeyPatch, account: str, arn: str = _Session.arn) -> list[str | None]:
    """Have credentials for an account; the profiles that are asked for from now on."""
    profiles: list[str | None] = []
    monkeypatch.setattr(
        boto3, "Session", type("In", (_Session,), {"account": account, "arn": arn, "profiles": profiles})
    )
    return profiles


def test_credentials_for_another_account_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _log_in(monkeypatch, STAGE_AND_PROD)
    with pytest.raises(UsageError) as refused:
        aws_target(agora().environment("dev"))
    assert "for account 681175625864, but dev is 607346494281" in refused.value.message
    assert "AWS_PROFILE" in refused.value.hint


def test_missing_or_expired_credentials_say_how_to_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "Session", _Session)
    with pytest.raises(UsageError, match="no usable AWS credentials") as refused:
        aws_target(agora().environment("dev"))
    assert "sso login" in refused.value.hint


def test_the_environments_own_region_is_used_whatever_the_profile_says(monkeypatch: pytest.MonkeyPatch) -> None:
    _log_in(monkeypatch, DEV)
    found = aws_target(agora().environment("dev"))
    assert found.process_environment["AWS_REGION"] == found.process_environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert not found.is_local


def test_a_rehearsal_needs_the_embedded_aws(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    with pytest.raises(UserError, match="is not running") as refused:
        local_target(agora().environment("dev"))
    assert "./agora local up" in refused.value.hint


def test_state_is_kept_in_the_clone_unless_told_otherwise(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGORA_STATE_DIR", raising=False)
    assert state_dir() == ROOT / ".agora"
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    assert state_dir() == tmp_path


def test_tools_find_the_virtual_environments_node_first() -> None:
    assert tool_environment()["PATH"].startswith(f"{sys.prefix}/bin:")


@pytest.mark.parametrize(
    ("arn", "caller"),
    [
        ("arn:aws:sts::607346494281:assumed-role/Developer/jane@example.org", "Developer/jane@example.org"),
        ("arn:aws:iam::607346494281:user/jane", "arn:aws:iam::607346494281:user/jane"),
    ],
)
def test_the_credentials_in_use_are_named_briefly(arn: str, caller: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _log_in(monkeypatch, DEV, arn)
    assert aws_target(agora().environment("dev")).caller == caller


def test_a_named_profile_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = _log_in(monkeypatch, DEV)
    aws_target(agora().environment("dev"), profile="agora-dev")
    aws_target(agora().environment("dev"))
    assert profiles == ["agora-dev", None]


def test_a_profile_that_does_not_exist_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(UsageError, match=r"no usable AWS credentials: .*no-such-profile"):
        aws_target(agora().environment("dev"), profile="no-such-profile")


def test_an_environment_in_the_same_account_and_region_is_reached_with_the_same_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profiles = _log_in(monkeypatch, STAGE_AND_PROD)
    configuration = agora()
    prod = aws_target(configuration.environment("prod"))
    stage = other_target(prod, configuration.environment("stage"))
    assert (stage.environment.name, stage.clients, stage.caller) == ("stage", prod.clients, prod.caller)
    assert profiles == [None]


def test_an_environment_elsewhere_needs_its_own_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = check_configuration(
        environments(dev={"REGION": "us-west-2"}, stage={}, prod={"ACCOUNT": DEV}), one_service
    )
    profiles = _log_in(monkeypatch, DEV)
    stage = aws_target(configuration.environment("stage"))
    assert other_target(stage, configuration.environment("dev")).process_environment["AWS_REGION"] == "us-west-2"
    assert len(profiles) == 2
    other = aws_target(configuration.environment("prod"))
    _log_in(monkeypatch, STAGE_AND_PROD)
    with pytest.raises(UsageError, match="credentials are for account 681175625864, but dev is 607346494281"):
        other_target(other, agora().environment("dev"), profile="of-another-account")


def test_a_profile_that_is_named_reaches_another_environment_even_in_the_same_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profiles = _log_in(monkeypatch, STAGE_AND_PROD)
    configuration = agora()
    other_target(aws_target(configuration.environment("prod")), configuration.environment("stage"), profile="reader")
    assert profiles == [None, "reader"]


def test_in_a_rehearsal_all_environments_are_in_the_embedded_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = LocalAws("http://127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:1", 1, 0.0)
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(process, "running", lambda _: aws)
    configuration = agora()
    found = other_target(
        target({}, environment="prod", is_local=True, configuration=configuration), configuration.environment("dev")
    )
    assert (found.environment.name, found.is_local, found.local_aws) == ("dev", True, aws)
    assert found.process_environment["AWS_ACCESS_KEY_ID"] == DEV
    assert found.clients("ssm").meta.endpoint_url == aws.url


def test_a_token_for_images_is_for_no_other_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_" + "x" * 36)
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(process, "running", lambda _: LocalAws("http://127.0.0.1:1", "", "", 1, 0.0))
    dev = agora().environment("dev")
    local = local_target(dev)
    _log_in(monkeypatch, DEV)
    for variables in (tool_environment(), aws_target(dev).process_environment, local.process_environment):
        assert not any("ghp_" in value for value in variables.values())
        assert "PATH" in variables


def test_git_gets_no_token_for_images_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_" + "x" * 36)
    git("init", "--quiet", "--template=", folder=tmp_path)
    git("config", "alias.variables", "!env", folder=tmp_path)
    said = git("variables", folder=tmp_path)
    assert "GIT_TERMINAL_PROMPT=0" in said
    assert "ghp_" not in said
