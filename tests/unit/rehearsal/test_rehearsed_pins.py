"""The versions that rehearsals run in place of the configuration's."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from portside.aws.target import local_state_dir
from portside.config.configuration import ROOT
from portside.images.release_lock import find_lock
from portside.images.synthesis_images import keep
from portside.plan.images import kept_folder, local_releases
from portside.rehearsal.pins import forget, pin, read_pins
from portside.state_file import Damaged
from tests.unit.operations_support import resolution

PINNED = resolution("4.3.0-rc1", "api", "app")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "a state"))
    return tmp_path / "a state"


def test_without_a_rehearsal_nothing_is_pinned() -> None:
    assert read_pins() == {}


def test_what_was_pinned_last_counts_and_the_rest_stays() -> None:
    pin({"stage": "4.3.0-rc1", "prod": "4.3.0-rc1"})
    pin({"stage": "4.3.0-rc2"})
    assert read_pins() == {"stage": "4.3.0-rc2", "prod": "4.3.0-rc1"}


def test_the_lock_of_a_pinned_version_is_found_by_rehearsals_and_is_not_in_the_repository() -> None:
    pin({"stage": "4.3.0-rc1"}, PINNED)
    assert find_lock("4.3.0-rc1", [local_releases()]) == PINNED
    assert not (ROOT / "releases" / "4.3.0-rc1.json").exists()


@pytest.mark.parametrize(
    "written", [b"", b"{", b"[]", b'"stage"', b"\xff\xfe", b"null", b'{"stage": 4}', b'{"stage": "not a tag"}']
)
def test_a_damaged_file_is_named_with_its_fix_for_a_rehearsal_must_not_run_other_versions(written: bytes) -> None:
    local_state_dir().mkdir(parents=True)
    (local_state_dir() / "pins.json").write_bytes(written)
    for use in (read_pins, lambda: pin({"stage": "4.3.0-rc1"})):
        with pytest.raises(Damaged) as raised:
            use()
        assert f"rm -rf {shlex.quote(str(local_state_dir() / 'pins.json'))}" in raised.value.hint
    forget()
    pin({"stage": "4.3.0-rc1"})
    assert read_pins() == {"stage": "4.3.0-rc1"}


def test_forgetting_removes_pins_locks_and_resolved_images_only() -> None:
    pin({"stage": "4.3.0-rc1"}, PINNED)
    keep(PINNED, kept_folder() / "dev.json")
    (local_state_dir() / "other").write_text("kept")
    forget()
    assert read_pins() == {}
    assert [each.name for each in local_state_dir().iterdir()] == ["other"]


def test_forgetting_without_a_pin_is_no_error() -> None:
    forget()
    assert read_pins() == {}
