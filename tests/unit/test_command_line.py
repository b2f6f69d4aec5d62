"""The command line: exit codes, suggestions, and what is asked before anything changes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence

import click
import pytest

from operations import command_line
from src.errors import AgoraError
from src.form import ROOT


def _run(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = command_line.run(arguments)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (["dpeloy", "dev"], "no command 'dpeloy'", 'Perhaps you meant "deploy"?'),
        (["local", "staus"], "no command 'staus'", 'Perhaps you meant "status"?'),
        (["deploy", "prdo", "--local"], 'no environment "prdo" in app.py', 'Perhaps you meant "prod"?'),
        (["deploy"], "Missing argument 'ENV'.", "See: ./agora deploy --help"),
        (
            ["deploy", "dev", "--lcoal"],
            "No such option '--lcoal'. Did you mean '--local'?",
            "See: ./agora deploy --help",
        ),
        (["deploy", "dev", "--fault", "agora-app=slow-start"], "--fault: only with --local", "never in AWS"),
    ],
)
def test_wrong_use_is_answered_in_two_lines_with_exit_code_2(
    arguments: list[str], said: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, error = _run(arguments, capsys)
    assert code == 2
    first, second = error.strip().splitlines()
    assert said in first
    assert hint in second


def test_failures_leave_with_exit_code_1_and_their_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise AgoraError("it broke", "Mend it.")

    monkeypatch.setattr(command_line.agora.commands["local"].commands["down"], "callback", fail)  # type: ignore[attr-defined]
    assert _run(["local", "down"], capsys) == (1, "✗ it broke\nMend it.\n")


def test_an_interruption_leaves_with_the_shells_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line.agora.commands["local"].commands["down"], "callback", interrupt)  # type: ignore[attr-defined]
    code, error = _run(["local", "down"], capsys)
    assert code == 130
    assert "interrupted" in error


def test_help_loads_neither_the_cdk_nor_boto3_nor_rich() -> None:
    code = (
        "import sys; from operations.command_line import run; run(['--help']);"
        "sys.exit(', '.join({'aws_cdk', 'jsii', 'boto3', 'rich'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{path}{name}", command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path}{name} ")


def test_every_command_and_option_says_what_it_does() -> None:
    for name, command in _commands(command_line.agora):
        assert command.help, name
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_what_changes_aws_can_be_tried_dry_asks_and_answers_machines(command: str) -> None:
    options = {option for each in command_line.agora.commands[command].params for option in each.opts}
    assert {"--dry-run", "--yes", "--json", "--local"} <= options
