"""Commands of which only one per clone can run at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from portside.config.configuration import ROOT
from portside.deploy.clone_lock import clone_lock
from portside.errors import UserError
from portside.process_identity import this_process

LOCK = """
import sys
from portside.deploy.clone_lock import clone_lock
from portside.process_identity import this_process
with clone_lock("dev"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> subprocess.Popen[str]:
    """Another process that holds dev, until its input ends."""
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", LOCK], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_command_is_refused_and_names_the_process_that_runs(holder: subprocess.Popen[str]) -> None:
    with pytest.raises(UserError, match=f"process {holder.pid}"), clone_lock("dev"):
        pytest.fail("held twice")
    with clone_lock("stage"):
        pass
    holder.communicate()


def test_the_lock_of_a_process_that_was_killed_is_free(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.communicate()
    with clone_lock("dev"):
        pass


def test_anyone_who_waits_gets_it_in_the_end(holder: subprocess.Popen[str]) -> None:
    assert holder.stdin is not None
    holder.stdin.close()
    with clone_lock("dev", wait=True):
        pass
    holder.wait()


@pytest.mark.parametrize("content", [b"", b"4711", b"{", b"\xff\xfe", b"[]", b"null"])
def test_whatever_is_in_the_file_the_lock_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    (tmp_path / "dev.lock").write_bytes(content)
    with clone_lock("dev"):
        (tmp_path / "dev.lock").write_bytes(content)
        with pytest.raises(UserError, match="another command of this clone is running on it"), clone_lock("dev"):
            pytest.fail("held twice")


def test_a_folder_in_the_place_of_the_lock_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    (tmp_path / "dev.lock").mkdir()
    with (
        pytest.raises(UserError, match="could not be written: Is a directory"),
        clone_lock("dev"),
    ):
        pytest.fail("held a folder")


def test_a_lock_that_a_dead_process_handed_on_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: subprocess.Popen[str]
) -> None:
    dead = replace(this_process(), started="1")
    (tmp_path / "dev.lock").write_text(json.dumps(dead.as_json()))
    with pytest.raises(UserError, match=f"started by process {dead.pid}, which has ended"), clone_lock("dev"):
        pytest.fail("held twice")
    holder.communicate()
