"""The command line: exit codes, suggestions, and what is asked before anything changes."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest
from botocore.exceptions import NoCredentialsError

from portside.cli import main
from portside.config.configuration import ROOT
from portside.errors import UsageError, UserError
from portside.terminal import console
from tests.unit.everyday_support import denied, expired, throttled
from tests.unit.operations_support import client_error


def _run(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main.run(arguments)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (["dpeloy", "dev"], "no command 'dpeloy'", 'Did you mean "deploy"?'),
        (["local", "staus"], "no command 'staus'", 'Did you mean "status"?'),
        (["deploy", "prdo", "--local"], 'no environment "prdo" in app.py', 'Did you mean "prod"?'),
        (["deploy"], "Missing argument 'ENV'.", "See: ./agora deploy --help"),
        (
            ["deploy", "dev", "--lcoal"],
            "No such option '--lcoal'. Did you mean '--local'?",
            "See: ./agora deploy --help",
        ),
        (["deploy", "dev", "--fault", "agora-app=slow-start"], "--fault: only with --local", "would change AWS"),
    ],
)
def test_wrong_use_prints_two_lines_with_exit_code_2(
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
        raise UserError("it broke", "Fix it.")

    monkeypatch.setattr(main.program.commands["local"].commands["down"], "callback", fail)  # type: ignore[attr-defined]
    assert _run(["local", "down"], capsys) == (1, "✗ it broke\nFix it.\n")


def test_an_interruption_leaves_with_the_shells_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main.program.commands["local"].commands["down"], "callback", interrupt)  # type: ignore[attr-defined]
    code, error = _run(["local", "down"], capsys)
    assert (code, error) == (130, "\n✗ interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["deploy", "dev"], "./agora status dev"), (["destroy", "dev", "--local"], "./agora status dev --local")],
)
def test_after_an_interruption_what_continues_must_end_before_the_same_command_is_run_again(
    arguments: list[str], status: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main.program.commands[arguments[0]], "callback", interrupt)
    code, error = _run(arguments, capsys)
    assert code == 130
    assert (
        f"continues its operations. When they have finished ({status}), run it again: ./agora {' '.join(arguments)}"
        in error
    )


@pytest.mark.parametrize(
    ("aws", "hint", "debug"),
    [
        (throttled(), "in a minute", False),
        (denied(), "have no permission for GetParameter. Print the policies that grant it: ./agora role ENV", False),
        (expired(), "Log in again", False),
        (NoCredentialsError(), "Log in again", False),
        (client_error("ValidationError", "odd"), "./agora --debug", True),
    ],
)
def test_an_error_of_aws_that_ends_a_command_says_what_to_do_about_it(
    aws: Exception,
    hint: str,
    debug: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise aws

    monkeypatch.setattr(aws, "operation_name", "GetParameter", raising=False)
    monkeypatch.setattr(main.program.commands["local"].commands["down"], "callback", fail)  # type: ignore[attr-defined]
    code, error = _run(["local", "down"], capsys)
    assert code == 1
    said, reported = error.splitlines()
    assert said == f"✗ AWS: {aws}"
    assert hint in reported
    assert ("--debug" in reported) is debug


def _in_a_shell(program: Sequence[str], redirected: str) -> subprocess.CompletedProcess[str]:
    # Without PYTHONUNBUFFERED and similar settings, as ./agora runs it: what is printed is written late.
    command = f"{shlex.join([sys.executable, '-E', *program])} {redirected}"
    return subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)


HELP = ("-m", "portside", "--help")
LONG_ANSWER = ("-m", "portside", "role", "dev", "--only", "deploy")
EXITS = (
    "-c",
    "import sys; from portside.cli import main as it; sys.argv[1:] = ['costs', 'dev'];"
    "it.program.commands['costs'].callback = lambda **_: sys.exit(sys.stdout.write('answer'));"
    "it.main()",
)


@pytest.mark.parametrize(
    ("redirected", "said"),
    [
        (">&-", "✗ stdout is closed"),
        pytest.param(
            ">/dev/full",
            "✗ the output could not be written: No space left",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full"),
        ),
    ],
)
@pytest.mark.parametrize("program", [HELP, LONG_ANSWER, EXITS])
def test_an_answer_that_cannot_be_printed_is_a_failure_in_a_sentence(
    redirected: str, said: str, program: Sequence[str]
) -> None:
    done = _in_a_shell(program, redirected)
    assert done.returncode == 1
    first, _hint = done.stderr.splitlines()
    assert first.startswith(said)


@pytest.mark.parametrize("program", [HELP, LONG_ANSWER])
@pytest.mark.parametrize("reader", ["| head -1", "| true"])
def test_a_closed_pipe_ends_the_output(program: Sequence[str], reader: str) -> None:
    done = _in_a_shell(program, reader)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_loads_neither_the_cdk_nor_boto3_nor_rich() -> None:
    code = (
        "import sys; from portside.cli.main import run; run(['--help']);"
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
    for name, command in _commands(main.program):
        assert command.help, name
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_what_changes_aws_can_be_tried_dry_asks_and_answers_machines(command: str) -> None:
    options = {option for each in main.program.commands[command].params for option in each.opts}
    assert {"--dry-run", "--yes", "--json", "--local"} <= options


def _failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(main.program.commands["costs"], "callback", fail)


@pytest.mark.parametrize(
    ("error", "code", "exit_code", "message"),
    [
        (UserError("it broke", "Fix it."), "failed", 1, "it broke"),
        (UsageError("not so", "But so."), "usage", 2, "not so"),
        (click.UsageError("no such option"), "usage", 2, "no such option"),
        (KeyboardInterrupt(), "interrupted", 130, "interrupted"),
        (throttled(), "throttled", 1, f"AWS: {throttled()}"),
        (denied(), "denied", 1, f"AWS: {denied()}"),
        (expired(), "credentials", 1, f"AWS: {expired()}"),
        (client_error("ParameterNotFound", "x"), "missing", 1, f"AWS: {client_error('ParameterNotFound', 'x')}"),
        (client_error("InternalFailure", "x"), "unavailable", 1, f"AWS: {client_error('InternalFailure', 'x')}"),
        (client_error("ValidationError", "x"), "aws", 1, f"AWS: {client_error('ValidationError', 'x')}"),
        (ZeroDivisionError("hunter2"), "unexpected", 1, "unexpected ZeroDivisionError at tests/unit"),
    ],
)
def test_a_machine_gets_a_document_with_what_stopped_the_command(
    error: BaseException,
    code: str,
    exit_code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    _failing(monkeypatch, error)
    assert main.run(["costs", "dev", "--json"]) == exit_code
    captured = capsys.readouterr()
    reported = json.loads(captured.out)["error"]
    assert (reported["code"], reported["exit_code"]) == (code, exit_code)
    assert reported["message"].startswith(message)
    assert reported["message"] in captured.err
    assert reported["hint"] in captured.err
    assert "hunter2" not in captured.out + captured.err


def test_a_machine_that_has_its_document_gets_no_second_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer_and_fail(**_: object) -> None:
        console.print_json({"answer": 1})
        raise UserError("but it failed")

    monkeypatch.setattr(main.program.commands["costs"], "callback", answer_and_fail)
    assert main.run(["costs", "dev", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"answer": 1}


def test_after_lines_the_error_is_one_more_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer_and_fail(**_: object) -> None:
        console.print_json_line({"line": 1})
        raise UserError("out of lines")

    monkeypatch.setattr(main.program.commands["costs"], "callback", answer_and_fail)
    main.run(["costs", "dev", "--json"])
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first == {"line": 1}
    assert second["error"]["message"] == "out of lines"


def test_json_that_is_asked_of_another_program_is_not_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _failing(monkeypatch, UserError("it broke"))
    main.run(["costs", "dev"])
    main.run(["exec", "nowhere", "x", "--", "cat", "--json"])
    assert capsys.readouterr().out == ""


def test_a_mistake_of_the_program_is_one_message_and_a_file_with_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    _failing(monkeypatch, ZeroDivisionError("token ghp_" + "0123456789012345678901234567890123456"))
    assert main.run(["costs", "dev"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    (report,) = (tmp_path / "errors").iterdir()
    assert str(report) in said
    written = report.read_text(encoding="utf-8")
    assert "Traceback" in written
    assert "command: ./agora costs dev" in written
    assert "ghp_0123" not in written
    assert report.stat().st_mode & 0o777 == 0o600


def test_a_mistake_whose_details_cannot_be_kept_is_said_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "file"))
    _failing(monkeypatch, ZeroDivisionError())
    assert main.run(["costs", "dev"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("✗ unexpected ZeroDivisionError")
    assert "./agora --debug" in said


def test_debug_shows_where_an_error_came_from_and_says_it_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _failing(monkeypatch, UserError("it broke", "Fix it."))
    assert main.run(["--debug", "costs", "dev"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert said.endswith("✗ it broke\nFix it.\n")
