"""Shell completion, in a real bash: commands, options, environments, services."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from portside.cli.main import program
from tests.unit.documents import ROOT

BASH = shutil.which("bash") or "bash"


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("completion") / "agora.bash"
    file.write_text(CliRunner().invoke(program, ["completion", "bash"]).stdout)
    return file


def completed(script: Path, *words: str, folder: Path = ROOT) -> list[str]:
    """The words that bash offers for the last word of a line."""
    program = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_agora_completion "$1" && printf '%s\\n' "${COMPREPLY[@]}"
"""
    run = subprocess.run(
        [BASH, "-c", program, "bash", str(script), "./agora", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.stderr == ""
    return run.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["sta"], ["status"]),
        (["release", "pro"], ["promote"]),
        (["logs", "de"], ["dev"]),
        (["status", "st"], ["stage"]),
        (["local", "env", "pr"], ["prod"]),
        (["deplyo", "dep"], ["deploy"]),
        (["logs", "dev", "api-"], ["api-next", "api-docs"]),
        (["logs", "dev", "agora-ap"], ["agora-api", "agora-api-next", "agora-api-docs", "agora-app", "agora-apex"]),
        (["local", "publish", "edge", "ap"], ["api", "api-next", "api-docs", "app", "apex"]),
        (["deploy", "dev", "--dr"], ["--dry-run"]),
        (["completion", ""], ["bash", "zsh"]),
    ],
)
def test_bash_offers_what_fits(script: Path, words: list[str], offered: list[str]) -> None:
    assert completed(script, *words) == offered


def test_a_configuration_that_cannot_be_read_completes_nothing_and_reports_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import click

    from portside.cli import completion
    from portside.config import configuration

    def broken() -> None:
        raise SyntaxError("a secret in a broken line")

    monkeypatch.setattr(configuration, "load_configuration", broken)
    context = click.Context(program)
    assert completion.environments(context, program.params[0], "") == []
    assert completion.services(context, program.params[0], "") == []


def test_the_script_for_zsh_runs_the_program_that_is_typed() -> None:
    script = CliRunner().invoke(program, ["completion", "zsh"]).stdout
    assert "#compdef agora" in script
    assert "$+commands" not in script, "./agora is not on the PATH"
    assert "_AGORA_COMPLETE=zsh_complete ${(Q)~words[1]})" in script


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_offers_what_fits(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(CliRunner().invoke(program, ["completion", "zsh"]).stdout)
    # Without a terminal there is no line editor: functions print the words that its builtins would offer.
    line = """
compdef() { :; }; compadd() { print -l -- $completions; }; _describe() { print -l -- $completions_with_descriptions; }
source "$1"; shift; words=("$@"); CURRENT=$#words; _agora_completion
"""
    run = subprocess.run(
        ["zsh", "-f", "-c", line, "zsh", str(script), "./agora", "logs", "dev", "api-"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (run.stdout.split(), run.stderr) == (["api-next", "api-docs"], "")
