"""Where a command acts."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from operations.target import aws_target, local_target, state_dir, tool_environment
from src.errors import AgoraError, UsageError
from src.form import ROOT, load_form
from tests.unit.operations_support import client_error


class _Session:
    """A person's credentials: for an account, or for none."""

    account: str | None = None

    def __init__(self, region_name: str) -> None:
        self.region_name = region_name

    def client(self, service: str) -> _Session:
        assert service == "sts"
        return self

    def get_caller_identity(self) -> dict[str, Any]:
        if self.account is None:
            raise client_error("ExpiredToken", "The security token included in the request is expired")
        return {"Account": self.account}


def test_credentials_for_another_account_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "Session", type("Other", (_Session,), {"account": "681175625864"}))
    with pytest.raises(UsageError) as refused:
        aws_target(load_form().environment("dev"))
    assert "for account 681175625864, but dev is 607346494281" in refused.value.message
    assert "AWS_PROFILE" in refused.value.hint


def test_missing_or_expired_credentials_say_how_to_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "Session", _Session)
    with pytest.raises(UsageError, match="no usable AWS credentials") as refused:
        aws_target(load_form().environment("dev"))
    assert "sso login" in refused.value.hint


def test_the_environments_own_region_is_used_whatever_the_profile_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "Session", type("Own", (_Session,), {"account": "607346494281"}))
    found = aws_target(load_form().environment("dev"))
    assert found.process_environment["AWS_REGION"] == found.process_environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert not found.is_local


def test_a_rehearsal_needs_the_embedded_aws(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    with pytest.raises(AgoraError, match="does not run") as refused:
        local_target(load_form().environment("dev"))
    assert "./agora local up" in refused.value.hint


def test_state_is_kept_in_the_clone_unless_told_otherwise(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGORA_STATE_DIR", raising=False)
    assert state_dir() == ROOT / ".agora"
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    assert state_dir() == tmp_path


def test_tools_find_the_virtual_environments_node_first() -> None:
    import sys

    assert tool_environment()["PATH"].startswith(f"{sys.prefix}/bin:")
