"""The embedded AWS as a process: started once, found again, never mistaken for another, stopped for good."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from local_aws import control, process
from src.errors import AgoraError
from tests.unit.local_aws_support import until


def _silent(_: str) -> None:
    pass


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "a folder with spaces"
    yield folder
    with contextlib.suppress(FileNotFoundError):
        process.down(folder, _silent)


def _ended(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


def test_it_runs_until_it_is_stopped(state_dir: Path) -> None:
    assert process.running(state_dir) is None
    assert process.down(state_dir, _silent) is False
    aws = process.up(state_dir, announce=_silent)
    assert aws.url.startswith("http://127.0.0.1:")
    assert process.running(state_dir) == aws
    assert process.up(state_dir, announce=_silent) == aws
    assert process.down(state_dir, _silent) is True
    assert process.running(state_dir) is None


@pytest.mark.slow
def test_its_state_and_its_address_survive_a_restart_and_a_reset_empties_it(state_dir: Path) -> None:
    before = process.up(state_dir, announce=_silent)
    control.put_image("ghcr.io/a/b:1", source="published", aws=before)
    _parameters(before).put_parameter(Name="kept", Value="yes", Type="String")
    process.down(state_dir, _silent)
    after = process.up(state_dir, announce=_silent)
    assert after.url == before.url
    assert _parameters(after).get_parameter(Name="kept")["Parameter"]["Value"] == "yes"
    assert [each["reference"] for each in control.images(aws=after)] == ["ghcr.io/a/b:1"]
    process.reset(state_dir)
    assert process.running(state_dir) == after
    assert control.images(aws=after) == []
    assert _parameters(after).describe_parameters()["Parameters"] == []


def _parameters(aws: process.LocalAws):  # type: ignore[no-untyped-def]  # boto3 makes its clients up at run time
    session = boto3.session.Session(aws_access_key_id="123456789012", aws_secret_access_key="local")
    return session.client("ssm", region_name="us-east-1", endpoint_url=aws.url)


def test_two_commands_at_once_start_one_server(state_dir: Path) -> None:
    found: list[process.LocalAws] = []
    threads = [threading.Thread(target=lambda: found.append(process.up(state_dir, announce=_silent))) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 3
    assert len(set(found)) == 1


def test_two_clones_have_two_servers(state_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    first, second = (process.up(folder, announce=_silent) for folder in (state_dir, other))
    try:
        control.put_image("ghcr.io/a/b:1", source="published", aws=first)
        assert first.url != second.url
        assert control.images(aws=second) == []
        # Even the other clone's state file does not make its server ours.
        shutil.copy(other / "server.json", state_dir / "server.json")
        process.down(other, _silent)
        assert process.running(state_dir) is None
    finally:
        process.down(other, _silent)


def test_a_killed_server_is_started_anew_and_a_taken_port_does_no_harm(state_dir: Path) -> None:
    before = process.up(state_dir, announce=_silent)
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: _ended(before.pid), bool)
    assert process.running(state_dir) is None
    port = int(before.url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        after = process.up(state_dir, announce=_silent)
        assert after.url != before.url
        assert process.running(state_dir) == after


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"pid": 1}', '{"pid": 1, "url": "x", "control_url": "x"}'])
def test_a_damaged_state_file_is_no_server(state_dir: Path, content: str) -> None:
    state_dir.mkdir()
    (state_dir / "server.json").write_text(content)
    (state_dir / "server.lock").write_text(str(os.getpid()))
    assert process.running(state_dir) is None
    assert process.down(state_dir, _silent) is False, "a process id in a file is not enough to end a process"


def test_a_server_that_dies_while_starting_says_why(state_dir: Path) -> None:
    state_dir.mkdir()
    (state_dir / "images.json").write_text("damaged")
    with pytest.raises(AgoraError) as caught:
        process.up(state_dir, announce=_silent)
    assert "did not start (exit code 1)" in caught.value.message
    assert "JSONDecodeError" in caught.value.hint
    assert "server.log" in caught.value.hint


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AgoraError, match=r"cannot keep its state in .*file"):
        process.up(tmp_path / "file" / "local", announce=_silent)


@pytest.mark.slow
def test_it_ends_with_its_clone(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws = process.up(state_dir, announce=_silent)
    shutil.rmtree(state_dir)
    until(lambda: _ended(aws.pid), bool)


def test_its_client_side_is_cheap_and_its_environment_leads_nowhere_else(tmp_path: Path) -> None:
    code = "import sys, local_aws.process, local_aws.control; print([m for m in sys.modules if m.split('.')[0] in "
    code += "('ministack', 'boto3', 'botocore', 'aws_cdk', 'hypercorn', 'jsii', 'asyncio')])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=process.REPOSITORY
    )
    assert loaded.stdout.strip() == "[]"
    aws = process.LocalAws("http://127.0.0.1:1", "http://127.0.0.1:2/x", 3, 4.0)
    environment = process.client_environment(aws, "607346494281", "us-east-1", tmp_path)
    assert environment["AWS_ENDPOINT_URL"] == aws.url
    assert environment["AWS_ACCESS_KEY_ID"] == "607346494281"
    assert environment["CDK_HOME"].startswith(str(tmp_path))
    assert not Path(environment["AWS_CONFIG_FILE"]).exists()
    assert not set(environment) & set(process.CLEARED_VARIABLES)


def test_the_state_directory_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AGORA_STATE_DIR", raising=False)
    assert process.default_state_dir() == process.REPOSITORY / ".agora" / "local"
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    assert process.default_state_dir() == tmp_path / "local"


def test_the_secret_of_the_control_api_is_for_its_owner_only(state_dir: Path) -> None:
    aws = process.up(state_dir, announce=_silent)
    assert (state_dir / "server.json").stat().st_mode & 0o077 == 0
    assert json.loads((state_dir / "server.json").read_text())["control_url"] == aws.control_url
    stranger = process.LocalAws(aws.url, aws.control_url.rpartition("/")[0] + "/guess", aws.pid, 0)
    with pytest.raises(AgoraError, match="not yours"):
        control.images(aws=stranger)
