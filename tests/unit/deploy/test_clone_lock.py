"""Commands of which only one per clone can run at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from portside.config.configuration import ROOT
from portside.deploy.clone_lock import holding
from portside.errors import UserError
from portside.process_identity import this_process

HOLD = """
import sys
from portside.deploy.clone_lock import holding
from portside.process_identity import this_process
with holding("dev"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> subprocess.Popen[str]:
    """Another process that holds dev, until its input ends."""
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_command_is_refused_and_names_the_process_that_runs(holder: subprocess.Popen[str]) -> None:
    with pytest.raises(UserError, match=f"process {holder.pid}"), holding("dev"):
        pytest.fail("held twice")
    with holding("stage"):
        pass
    holder.communicate()


def test_the_lock_of_a_process_that_was_killed_is_free(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.communicate()
    with holding("dev"):
        pass


def test_anyone_who_waits_gets_it_in_the_end(holder: subprocess.Popen[str]) -> None:
    assert holder.stdin is not None
    holder.stdin.close()
    with holding("dev", wait=True):
        pass
    holder.wait()


@pytest.mark.parametrize("content", [b"", b"4711", b"{", b"\xff\xfe", b"[]", b"null"])
def test_whatever_is_in_the_file_the_lock_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    (tmp_path / "dev.lock").write_bytes(content)
    with holding("dev"):
        (tmp_path / "dev.lock").write_bytes(content)
        with pytest.raises(UserError, match="another command of this clone is running on it"), holding("dev"):
            pytest.fail("held twice")


def test_a_folder_in_the_place_of_the_lock_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    (tmp_path / "dev.lock").mkdir()
    with pytest.raises(UserError, match="the lock of this clone could not be written: Is a directory"), holding("dev"):
        pytest.fail("held a folder")


def test_a_lock_that_a_dead_process_handed_on_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: subprocess.Popen[str]
) -> None:
    dead = replace(this_process(), started="1")
    (tmp_path / "dev.lock").write_text(json.dumps(dead.as_json()))
    with pytest.raises(UserError, match=f"one that process {dead.pid} started, which has ended"), holding("dev"):
        pytest.fail("held twice")
    holder.communicate()
