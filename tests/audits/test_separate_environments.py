"""How checkov and mkdocs get their environments, with the launcher's stubs for Python and pip."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_launcher import SET_UP, Clone

ONE = ["venv", "packages"]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path)
    for name in ("checkov", "docs"):
        made.change_lock(f"requirements-{name}.txt", "one")
    return made


def set_up(clone: Clone, option: str) -> list[str]:
    answer = clone.run(option, program=str(clone.root / "tools/setup.sh"))
    assert answer.code == 0, answer.err
    return clone.calls()


def environments(clone: Clone) -> list[str]:
    return sorted(path.parts[-3] for path in clone.root.glob(".agora/*/bin/python"))


def test_the_audits_get_both_next_to_the_development_tools(clone: Clone) -> None:
    assert set_up(clone, "--audits") == [*SET_UP, *ONE, *ONE]
    assert environments(clone) == ["checkov", "docs"]


def test_the_documentation_site_gets_mkdocs_only(clone: Clone) -> None:
    assert set_up(clone, "--docs") == [*SET_UP, *ONE]
    assert environments(clone) == ["docs"]


def test_each_is_installed_once_and_again_when_its_lock_changes(clone: Clone) -> None:
    set_up(clone, "--audits")
    assert set_up(clone, "--audits") == []
    clone.change_lock("requirements-checkov.txt", "two")
    assert set_up(clone, "--docs") == []
    assert set_up(clone, "--audits") == ONE


def test_no_one_else_waits_for_them(clone: Clone) -> None:
    assert clone.run("test").code == 0
    assert clone.calls() == [*SET_UP, "agora_own"]
