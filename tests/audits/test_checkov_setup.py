"""How checkov gets its environment, with the launcher's stubs for Python and pip."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_launcher import SET_UP, Clone

SCRIPT = ("--audits",)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path)
    made.change_lock("requirements-checkov.txt", "one")
    return made


def set_up(clone: Clone) -> list[str]:
    answer = clone.run(*SCRIPT, program=str(clone.root / "tools/setup.sh"))
    assert answer.code == 0, answer.err
    return clone.calls()


def test_the_audits_get_checkov_next_to_the_development_tools(clone: Clone) -> None:
    assert set_up(clone) == [*SET_UP, "venv", "packages"]
    assert (clone.root / ".agora/checkov/bin/python").exists()


def test_checkov_is_installed_once_and_again_when_its_lock_changes(clone: Clone) -> None:
    set_up(clone)
    assert set_up(clone) == []
    clone.change_lock("requirements-checkov.txt", "two")
    assert set_up(clone) == ["venv", "packages"]


def test_no_one_else_waits_for_checkov(clone: Clone) -> None:
    assert clone.run("test").code == 0
    assert clone.calls() == [*SET_UP, "agora_own"]
