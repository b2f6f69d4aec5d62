"""The logins that docker and podman have stored."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from portside.images.docker_login import docker_login

PASSWORD = "hunter2:of-the-registry"
HUB = "https://index.docker.io/v1/"


def auth(user: str = "me", password: str = PASSWORD) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def found(folder: Path, content: Any, host: str = "registry.example.org", **environ: str) -> tuple[str, str] | None:
    (folder / "config.json").write_text(content if isinstance(content, str) else json.dumps(content))
    login = docker_login(host, {"DOCKER_CONFIG": str(folder), "HOME": str(folder), **environ})
    return (login.username, login.password.reveal()) if login else None


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("registry.example.org", "registry.example.org"),
        ("registry.example.org", "https://registry.example.org"),
        ("localhost:5000", "localhost:5000"),
        ("docker.io", HUB),
        ("docker.io", "docker.io"),
    ],
)
def test_a_written_login_is_found(tmp_path: Path, host: str, key: str) -> None:
    assert found(tmp_path, {"auths": {key: auth()}}, host) == ("me", PASSWORD)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no JSON",
        "[]",
        {},
        {"auths": None},
        {"auths": {"registry.example.org": {}}},
        {"auths": {"registry.example.org": {"auth": "not base64!"}}},
        {"auths": {"registry.example.org": auth(password="")}},
        {"auths": {"other.example.org": auth()}},
        {"credsStore": "that-is-not-installed"},
        {"credsStore": "../../bin/sh"},
    ],
)
def test_an_unusable_login_is_not_returned(tmp_path: Path, content: Any) -> None:
    assert found(tmp_path, content) is None


def _helper(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int = 0) -> Path:
    program, asked = folder / "docker-credential-box", folder / "asked"
    program.write_text(f"#!/bin/sh\necho \"$@\" > {asked}; cat >> {asked}\ncat <<'END'\n{answer}\nEND\nexit {status}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return asked


@pytest.mark.parametrize("named", [{"credsStore": "box"}, {"credHelpers": {HUB: "box"}}])
def test_a_credential_helper_is_asked_for_the_host_on_its_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: dict[str, Any]
) -> None:
    asked = _helper(tmp_path, monkeypatch, json.dumps({"ServerURL": HUB, "Username": "me", "Secret": PASSWORD}))
    assert found(tmp_path, named, "docker.io") == ("me", PASSWORD)
    assert asked.read_text() == f"get\n{HUB}"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("credentials not found in native keychain", 1),
        ("{}", 0),
        ("no JSON", 0),
        (json.dumps({"Username": "<token>", "Secret": "identity"}), 0),
    ],
)
def test_a_helper_without_an_answer_leaves_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    _helper(tmp_path, monkeypatch, answer, status)
    content = {"credsStore": "box", "auths": {"registry.example.org": auth()}}
    assert found(tmp_path, content) == ("me", PASSWORD)


def test_podmans_logins_are_found_too(tmp_path: Path) -> None:
    (tmp_path / "containers").mkdir()
    (tmp_path / "containers" / "auth.json").write_text(json.dumps({"auths": {"registry.example.org": auth()}}))
    assert found(tmp_path, {}, XDG_RUNTIME_DIR=str(tmp_path)) == ("me", PASSWORD)
