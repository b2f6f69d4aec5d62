"""jsii's cache moves to the state folder only where the home folder can't have it; its Node is the faster one."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from portside.stacks import jsii_settings


@pytest.fixture(autouse=True)
def no_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # setenv first, so that the variable is restored after each test.
    monkeypatch.setenv(jsii_settings.CACHE, "")
    monkeypatch.setenv(jsii_settings.NODE, "")
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "state"))


def chosen(monkeypatch: pytest.MonkeyPatch, home: Path) -> str:
    monkeypatch.setenv("HOME", str(home))
    jsii_settings.choose()
    return os.environ[jsii_settings.CACHE]


def test_a_writable_home_keeps_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert chosen(monkeypatch, tmp_path) == ""


def test_a_read_only_home_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # root can write into any folder; a kernel refuses it where the file system is read-only.
    monkeypatch.setattr(os, "access", lambda path, _: not str(path).startswith(str(tmp_path / "home")))
    (tmp_path / "home").mkdir()
    assert chosen(monkeypatch, tmp_path / "home") == str(tmp_path / "state" / "jsii")


def test_a_home_that_is_no_folder_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    assert chosen(monkeypatch, tmp_path / "home") == str(tmp_path / "state" / "jsii")


def test_a_folder_that_was_named_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    monkeypatch.setenv(jsii_settings.CACHE, "/elsewhere")
    assert chosen(monkeypatch, tmp_path / "home") == "/elsewhere"


def test_node_runs_with_options_that_make_a_synthesis_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    jsii_settings.choose()
    script = "console.log(JSON.stringify([process.execArgv, process.argv.slice(2)]))"
    command = [os.environ[jsii_settings.NODE], "--max-old-space-size=64", "-e", script, "", "two words"]
    options, arguments = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert "--liftoff-only" in options
    assert "--single-threaded-gc" in options
    assert arguments == ["two words"]


def test_a_node_that_was_named_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jsii_settings.NODE, "/elsewhere/node")
    jsii_settings.choose()
    assert os.environ[jsii_settings.NODE] == "/elsewhere/node"


def test_without_node_jsii_reports_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    jsii_settings.choose()
    assert os.environ[jsii_settings.NODE] == ""
