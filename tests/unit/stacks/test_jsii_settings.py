"""jsii's cache moves to the state folder only where the home folder can't have it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portside.stacks import jsii_settings


@pytest.fixture(autouse=True)
def no_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # setenv first, so that the variable is restored after each test.
    monkeypatch.setenv(jsii_settings.VARIABLE, "")
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "state"))


def chosen(monkeypatch: pytest.MonkeyPatch, home: Path) -> str:
    monkeypatch.setenv("HOME", str(home))
    jsii_settings.choose()
    return os.environ[jsii_settings.VARIABLE]


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
    monkeypatch.setenv(jsii_settings.VARIABLE, "/elsewhere")
    assert chosen(monkeypatch, tmp_path / "home") == "/elsewhere"
