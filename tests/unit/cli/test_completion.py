"""Shell completion, in a real bash: commands, options, environments, services."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from portside.cli.main import program
from tests.apps import AGORA
from tests.unit.documents import ROOT

BASH = shutil.which("bash") or "bash"


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("completion") / "agora.bash"
    file.write_text(CliRunner().invoke(program, ["completion", "bash"]).stdout)
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `./agora` reads Agora's configuration, whatever the repository's own says."""
    launcher = tmp_path_factory.mktemp("clone") / "agora"
    code = f"""
from pathlib import Path
from portside.config import configuration
configuration.APP_FOLDER = Path({str(AGORA)!r})
import agora_own.__main__
"""
    # A path with a space can't be in the first line of a script.
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(code)} "$@"\n')
    launcher.chmod(0o755)
    return launcher.parent


def completed(script: Path, folder: Path, *words: str) -> list[str]:
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
def test_bash_offers_what_fits(script: Path, folder: Path, words: list[str], offered: list[str]) -> None:
    assert completed(script, folder, *words) == offered


@pytest.mark.slow
def test_the_launcher_completes(script: Path) -> None:
    assert completed(script, ROOT, "sta") == ["status"]


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
def test_zsh_offers_what_fits(tmp_path: Path, folder: Path) -> None:
    script = tmp_path / "script"
    script.write_text(CliRunner().invoke(program, ["completion", "zsh"]).stdout)
    # Without a terminal there is no line editor: functions print the words that its builtins would offer.
    line = """
compdef() { :; }; compadd() { print -l -- $completions; }; _describe() { print -l -- $completions_with_descriptions; }
source "$1"; shift; words=("$@"); CURRENT=$#words; _agora_completion
"""
    run = subprocess.run(
        ["zsh", "-f", "-c", line, "zsh", str(script), "./agora", "logs", "dev", "api-"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (run.stdout.split(), run.stderr) == (["api-next", "api-docs"], "")
