"""Which tests `test` runs."""

from __future__ import annotations

import subprocess

import click.testing
import pytest

from portside.cli.run_tests import run_tests


@pytest.mark.parametrize(
    ("arguments", "expected", "unexpected"),
    [
        ([], ["tests"], ["tests/unit", "not slow and not e2e"]),
        (["--quick"], ["tests/unit", "tests/test_app.py", "not slow and not e2e"], ["tests"]),
        (["-k", "agora"], ["tests", "-k", "agora"], []),
        (["tests/test_app.py", "--snapshot-update"], ["tests/test_app.py", "--snapshot-update"], ["tests"]),
        (["tests/test_app.py::test_x"], ["tests/test_app.py::test_x"], ["tests"]),
        (["--quick", "tests/unit/cli"], ["tests/unit/cli", "not slow and not e2e"], ["tests/unit"]),
        (["tests/missing.py"], ["tests", "tests/missing.py"], []),
    ],
)
def test_only_the_named_files_run_or_else_everything(
    arguments: list[str], expected: list[str], unexpected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    def call(command: list[str], **_: object) -> int:
        given.extend(command)
        return 3

    monkeypatch.setattr(subprocess, "call", call)
    assert click.testing.CliRunner().invoke(run_tests, arguments).exit_code == 3
    assert [each for each in expected if each not in given] == []
    assert [each for each in unexpected if each in given] == []
