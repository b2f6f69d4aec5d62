"""The embedded AWS as a process: started once, found again, never mistaken for another, stopped completely."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from portside.emulator.client import control, loopback_client, process
from portside.errors import UserError
from portside.repository import ROOT
from tests.unit.local_aws_support import embedded_aws, until

__all__ = ["embedded_aws"]

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0f3a"


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


def test_its_state_and_its_address_survive_a_restart(state_dir: Path) -> None:
    before = process.up(state_dir, announce=_silent)
    control.put_image("ghcr.io/a/b:1", source="published", aws=before)
    control.put_certificate(CERTIFICATE, domain="example.org", aws=before)
    process.down(state_dir, _silent)
    after = process.up(state_dir, announce=_silent)
    assert (after.url, after.catalogue_url) == (before.url, before.catalogue_url)
    assert [(each["name"], each["tags"]) for each in control.images(aws=after)] == [("ghcr.io/a/b", ["1"])]
    assert control.put_certificate(CERTIFICATE, domain="example.org", aws=after) is False, "it is there already"


def test_a_reset_empties_it_and_keeps_it_running(state_dir: Path) -> None:
    aws = process.up(state_dir, announce=_silent)
    control.put_image("ghcr.io/a/b:1", source="published", aws=aws)
    control.put_certificate(CERTIFICATE, domain="example.org", aws=aws)
    control.set_catalogue_fault("server-error", aws=aws)
    control.reset(aws=process.expect_running(state_dir))
    assert process.running(state_dir) == aws
    assert control.images(aws=aws) == []
    assert control.catalogue_faults(aws=aws) == []
    assert control.put_certificate(CERTIFICATE, domain="example.org", aws=aws) is True, "it did not exist"


def test_two_commands_at_once_start_one_server(state_dir: Path) -> None:
    found: list[process.LocalAws] = []
    threads = [threading.Thread(target=lambda: found.append(process.up(state_dir, announce=_silent))) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 3
    assert len(set(found)) == 1


def test_two_clones_have_two_servers(state_dir: Path, embedded_aws: process.LocalAws) -> None:
    ours = process.up(state_dir, announce=_silent)
    assert ours.url != embedded_aws.url
    control.put_image("ghcr.io/a/only-in-ours:1", source="published", aws=ours)
    assert "ghcr.io/a/only-in-ours" in {each["name"] for each in control.images(aws=ours)}
    assert "ghcr.io/a/only-in-ours" not in {each["name"] for each in control.images(aws=embedded_aws)}


def test_a_state_file_of_another_clone_does_not_make_its_server_ours(
    state_dir: Path, embedded_aws: process.LocalAws
) -> None:
    state_dir.mkdir()
    (state_dir / "server.json").write_text(json.dumps(asdict(embedded_aws), default=str))
    (state_dir / "server.lock").write_text(str(embedded_aws.pid))
    assert process.running(state_dir) is None
    assert process.down(state_dir, _silent) is False
    with (state_dir / "server.lock").open() as our_lock:
        fcntl.flock(our_lock, fcntl.LOCK_EX)
        guess = replace(embedded_aws, control_url=f"{embedded_aws.control_url.rpartition('/')[0]}/guess")
        (state_dir / "server.json").write_text(json.dumps(asdict(guess), default=str))
        assert process.running(state_dir) is None, "a server without our secret is not ours"


@pytest.mark.slow
def test_a_server_whose_secret_is_lost_is_started_again_with_another(state_dir: Path) -> None:
    before = process.up(state_dir, announce=_silent)
    (state_dir / "secret").unlink()
    assert process.running(state_dir) is None, "nothing could be signed for it"
    after = process.up(state_dir, announce=_silent)
    assert (after.pid == before.pid, after.secret == before.secret) == (False, False)
    assert process.running(state_dir) == after


def test_images_of_an_older_catalogue_do_not_prevent_its_start(state_dir: Path) -> None:
    state_dir.mkdir()
    image = {"reference": "a:1", "digest": "sha256:1", "source": "stub", "created": "2026-01-01T00:00:00+00:00"}
    (state_dir / "images.json").write_text(json.dumps([image]))
    said: list[str] = []
    assert control.images(aws=process.up(state_dir, announce=said.append)) == []
    assert any("the images of the catalogue can't be read: another version wrote it" in each for each in said)
    assert (state_dir / "images.json.damaged").exists()


def test_a_killed_server_is_stopped(state_dir: Path) -> None:
    aws = process.up(state_dir, announce=_silent)
    os.kill(aws.pid, signal.SIGKILL)
    until(lambda: _ended(aws.pid), bool)
    assert process.running(state_dir) is None
    assert process.down(state_dir, _silent) is False


def test_leftovers_of_a_killed_server_and_a_used_port_are_no_problem(state_dir: Path) -> None:
    state_dir.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        left = process.LocalAws(url, f"{url}/secret", url, os.getpid(), 1.0)
        (state_dir / "server.json").write_text(json.dumps(asdict(left) | {"ports": [port, port, port]}, default=str))
        (state_dir / "server.lock").write_text(str(left.pid))
        aws = process.up(state_dir, announce=_silent)
        assert aws.url != left.url
        assert process.running(state_dir) == aws


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"pid": 1}', '{"pid": 1, "url": "x", "control_url": "x"}'])
def test_a_damaged_state_file_is_no_server(state_dir: Path, content: str) -> None:
    state_dir.mkdir()
    (state_dir / "server.json").write_text(content)
    (state_dir / "server.lock").write_text(str(os.getpid()))
    assert process.running(state_dir) is None
    assert process.down(state_dir, _silent) is False, "a process id in a file is not enough to end a process"


def test_a_server_that_dies_while_starting_says_why(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dying = state_dir.with_name("python")
    dying.write_text("#!/bin/sh\necho no such module; exit 3")
    dying.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(dying))
    with pytest.raises(UserError) as caught:
        process.up(state_dir, announce=_silent)
    assert "did not start (exit code 3)" in caught.value.message
    assert "no such module" in caught.value.hint
    assert "server.log" in caught.value.hint


def test_a_server_that_can_not_write_its_files_is_reported_in_a_sentence(state_dir: Path) -> None:
    (state_dir / "server.json" / "within").mkdir(parents=True)
    with pytest.raises(UserError) as caught:
        process.up(state_dir, announce=_silent)
    assert caught.value.message.startswith(f"the embedded AWS did not start: {state_dir / 'server.json'}: ")
    assert "Is a directory" in caught.value.message
    assert "ls -ld" in caught.value.hint


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/local: the state of the embedded AWS could not be written: Not a dir"):
        process.up(tmp_path / "file" / "local", announce=_silent)


def test_it_ends_with_its_clone(state_dir: Path) -> None:
    aws = process.up(state_dir, announce=_silent)
    shutil.rmtree(state_dir)
    until(lambda: _ended(aws.pid), bool)


def test_its_client_side_is_cheap_and_its_environment_leads_only_to_it(tmp_path: Path) -> None:
    code = "import sys; from portside.emulator.client import control, process; "
    code += "print([m for m in sys.modules if m.split('.')[0] in "
    code += "('ministack', 'boto3', 'botocore', 'aws_cdk', 'hypercorn', 'jsii', 'asyncio')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout.strip() == "[]"
    aws = process.LocalAws("http://127.0.0.1:1", "http://127.0.0.1:2/x", "http://127.0.0.1:3", 3, 4.0)
    environment = process.client_environment(aws, "607346494281", "us-east-1", tmp_path)
    assert environment["AWS_ENDPOINT_URL"] == aws.url
    assert environment["AWS_ACCESS_KEY_ID"] == "607346494281"
    assert environment["CDK_HOME"].startswith(str(tmp_path))
    assert not Path(environment["AWS_CONFIG_FILE"]).exists()
    assert not set(environment) & set(process.CLEARED_VARIABLES)


def test_the_state_directory_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AGORA_STATE_DIR", raising=False)
    assert process.default_state_dir() == ROOT / ".agora" / "local"
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    assert process.default_state_dir() == tmp_path / "local"


def test_its_catalogue_answers_where_it_says_and_fails_as_configured(embedded_aws: process.LocalAws) -> None:
    image = control.publish_image(
        "ghcr.io/process/app", ["edge", "sha-abc1234"], commit="abc1234" * 5, aws=embedded_aws
    )
    url = f"{embedded_aws.catalogue_url}/orgs/process/packages/container/app/versions"
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {embedded_aws.images_token}"})
    with loopback_client.send(request, timeout=5) as answer:
        assert [each["name"] for each in json.load(answer)] == [image["digest"]]
    control.set_catalogue_fault("server-error", "packages", "process/app", 2, aws=embedded_aws)
    switched_on = {"fault": "server-error", "api": "packages", "image": "process/app", "times": 2, "value": None}
    assert control.catalogue_faults(aws=embedded_aws) == [switched_on]
    with pytest.raises(urllib.error.HTTPError, match="500") as refused, loopback_client.send(request, timeout=5):
        pass
    refused.value.close()
    control.clear_catalogue_faults(aws=embedded_aws)
    with loopback_client.send(request, timeout=5) as answer:
        assert answer.status == 200
    with pytest.raises(UserError, match="did you mean endless"):
        control.set_catalogue_fault("endles", aws=embedded_aws)
    with pytest.raises(UserError, match="invalid commit"):
        control.publish_image("ghcr.io/process/app", ["edge"], commit="main", aws=embedded_aws)
    assert control.remove_image("ghcr.io/process/app:edge", aws=embedded_aws)


def test_what_clients_prove_themselves_with_is_written_nowhere(state_dir: Path) -> None:
    aws = process.up(state_dir, announce=_silent)
    control.set_catalogue_fault("server-error", aws=aws)
    for target in ("/orgs/a/packages/container/b/versions", "/v2/a/b/manifests/edge", "/token", "/nothing"):
        request = urllib.request.Request(aws.catalogue_url + target, headers={"authorization": "Bearer not-to-be-kept"})
        with pytest.raises(urllib.error.HTTPError) as refused, loopback_client.send(request, timeout=5):
            pass
        assert b"not-to-be-kept" not in refused.value.read()
    process.down(state_dir, _silent)
    kept = {each: each.read_bytes() for each in state_dir.rglob("*") if each.is_file()}
    assert state_dir / "server.log" in kept
    assert [each for each, content in kept.items() if b"not-to-be-kept" in content] == []


def test_the_secret_of_the_control_api_is_for_its_owner_only(state_dir: Path) -> None:
    aws = process.up(state_dir, announce=_silent)
    assert (state_dir / "server.json").stat().st_mode & 0o077 == 0
    assert json.loads((state_dir / "server.json").read_text())["control_url"] == aws.control_url
    unauthorized = replace(aws, control_url=f"{aws.control_url.rpartition('/')[0]}/guess")
    with pytest.raises(UserError, match="forbidden"):
        control.images(aws=unauthorized)
