"""The folder that a deployment leaves."""

from __future__ import annotations

import errno
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from portside import state_file
from portside.deploy.deployment_folder import KEPT, folders_of, keep
from tests.unit.operations_support import NOON


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    return tmp_path


def _names(key: str = "dev") -> list[str]:
    return sorted(path.name for path in folders_of(key).iterdir())


def test_it_is_named_by_its_moment_and_its_result_and_has_what_it_was_given(state: Path) -> None:
    folder = keep("dev-local", NOON, "failed", {"page.html": "<html>", "summary.json": {"result": "failed"}})
    assert folder == state / "deployments" / "dev-local" / "2026-11-23T12-00-00Z-failed"
    assert (folder / "page.html").read_text() == "<html>"
    assert json.loads((folder / "summary.json").read_text()) == {"result": "failed"}


def test_two_in_the_same_second_do_not_take_each_others_place() -> None:
    first, second = (keep("dev", NOON, "healthy", {"page.html": text}) for text in ("first", "second"))
    assert first != second
    assert (first / "page.html").read_text() == "first"


def test_the_newest_are_kept_and_other_environments_left_alone() -> None:
    keep("prod", NOON, "healthy", {})
    for minutes in range(KEPT + 3):
        keep("dev", NOON + timedelta(minutes=minutes), "healthy", {})
    assert len(_names()) == KEPT
    assert _names()[0] == "2026-11-23T12-03-00Z-healthy"
    assert len(_names("prod")) == 1


def test_nothing_is_left_half_written_when_writing_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(state_file, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            keep("dev", NOON, "healthy", {"page.html": ""})
    assert _names() == []


def test_what_a_killed_deployment_left_unfinished_is_finished_by_the_next() -> None:
    folders_of("dev").mkdir(parents=True)
    (folders_of("dev") / ".unfinished-abc").mkdir()
    keep("dev", NOON, "healthy", {})
    assert _names() == ["2026-11-23T12-00-00Z-healthy"]


def test_a_full_disk_is_one_sentence_and_what_was_kept_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    keep("dev", NOON, "healthy", {"page.html": ""})
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(state_file.NotWritten, match="the report of the deployment could not be written: No space"):
            keep("dev", NOON, "failed", {"page.html": ""})
    assert _names() == ["2026-11-23T12-00-00Z-healthy"]


def test_a_file_in_the_place_of_the_folder_is_reported() -> None:
    folders_of("dev").parent.mkdir(parents=True)
    folders_of("dev").write_text("")
    with pytest.raises(state_file.NotWritten, match="could not be written"):
        keep("dev", NOON, "healthy", {})
