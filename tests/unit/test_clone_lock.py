"""What only one command of a clone may do at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from operations.clone_lock import holding
from src.errors import AgoraError
from src.form import ROOT

HOLD = """
import sys
from operations.clone_lock import holding
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


def test_a_second_command_is_refused_and_told_who_is_at_work(holder: subprocess.Popen[str]) -> None:
    with pytest.raises(AgoraError, match=f"process {holder.pid}"), holding("dev"):
        pytest.fail("held twice")
    with holding("stage"):
        pass
    holder.communicate()


def test_the_lock_of_a_process_that_was_killed_is_free(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.communicate()
    with holding("dev"):
        pass


def test_whoever_waits_gets_it_in_the_end(holder: subprocess.Popen[str]) -> None:
    assert holder.stdin is not None
    holder.stdin.close()
    with holding("dev", wait=True):
        pass
    holder.wait()
