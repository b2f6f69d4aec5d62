"""The command line: parses, calls, prints. What it calls is loaded only when it is called."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TextIO, cast

import click

from portside import __version__, owner_only, redact
from portside.cli import background_errors, environment, everyday, standard_streams
from portside.cli.command_group import CommandGroup
from portside.cli.completion import VARIABLE, completion
from portside.cli.costs import costs
from portside.cli.diagnose import diagnose
from portside.cli.local import local
from portside.cli.release import release
from portside.cli.role import role
from portside.cli.rollback import rollback
from portside.cli.verify import verify
from portside.commands import tool
from portside.emulator.client import connection
from portside.errors import UsageError, UserError
from portside.extension import Extension, install
from portside.program import PROGRAM
from portside.terminal import console

INTERRUPTED = 130
# No room, on the disk or by the quota, and what /dev/full or a broken disk answer.
_NOT_WRITTEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
# Each has stacks, an embedded AWS and the CDK's processes of its own, some 1.5 GB.
_MOST_TEST_PROCESSES = 4


class _Agora(CommandGroup):
    sections: ClassVar = {
        "Deploy": ("deploy", "diff", "verify", "rollback", "redeploy", "load-data", "unlock", "destroy"),
        "Observe": ("status", "diagnose", "logs", "history", "images", "exec", "tunnel"),
        "Release": ("release",),
        "Rehearse": ("local",),
        "Account": ("costs", "dns", "role"),
        "This tool": ("completion", "test"),
    }


@click.group(
    cls=_Agora,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  ./agora deploy dev --local   deploy dev to the embedded AWS
  ./agora status               all environments
  ./agora logs dev app -f      follow the log of a service
  ./agora diagnose prod        what is wrong, and the fix

Exit codes: 0 done, 1 failed or problems found, 2 usage error. NO_COLOR turns colors off.""",
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def agora(debug: bool) -> None:
    """Deploy to AWS, or rehearse on this machine with --local."""
    from portside.emulator.client.process import REPOSITORY, default_state_dir

    # Earlier versions created these for everyone. Other files in a folder of the user's own stay as they are.
    state = default_state_dir().parent
    for folder in [state] if state == REPOSITORY / ".agora" else [state / "deployments", state / "local"]:
        with contextlib.suppress(OSError):
            if folder.is_dir():
                owner_only.folder(folder)


@agora.command(context_settings={"ignore_unknown_options": True})
@click.option("--quick", is_flag=True, help="Run only the quick unit tests.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(quick: bool, pytest_arguments: tuple[str, ...]) -> None:
    """Run the tests of this repository.

    Further arguments go to pytest.
    """
    import subprocess

    from portside.config.configuration import ROOT

    cores = os.cpu_count() or 1
    # Tests end to end, which come first, wait at times.
    quickly = ["tests/unit", "tests/promises", "-m", "not slow and not e2e", *_in_processes(cores)]
    where = quickly if quick else ["tests", *_in_processes(cores + 1)]
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", *where, *pytest_arguments], cwd=ROOT))


def _in_processes(wanted: int) -> list[str]:
    """Options by which files of tests run in several processes, in their order."""
    processes = str(min(wanted, _MOST_TEST_PROCESSES))
    return ["--numprocesses", processes, "--dist", "loadfile", "--no-loadscope-reorder"]


for command in (
    completion,
    costs,
    diagnose,
    environment.deploy,
    environment.destroy,
    environment.diff,
    environment.history,
    environment.images,
    rollback,
    environment.unlock,
    everyday.dns,
    everyday.execute,
    everyday.logs,
    everyday.redeploy,
    everyday.status,
    everyday.tunnel,
    local,
    release,
    role,
    verify,
):
    agora.add_command(command)


def use(extension: Extension) -> None:
    """Add an app's own commands and rules to the machinery's."""
    install(extension)
    for command in extension.commands:
        agora.add_command(command)


def main(extension: Extension | None = None) -> NoReturn:
    """Run what the command line of this process asks for, with an app's own commands; leaves with its exit code."""
    if extension:
        use(extension)
    # CI ends a run with SIGTERM; a lock must be released then too.
    signal.signal(signal.SIGTERM, _interrupt)
    is_closed = cast(TextIO | None, sys.stdout) is None
    standard_streams.make_ready()
    if "--debug" not in sys.argv:
        background_errors.handle(_report_background_error)
    connection.end_commands_with_their_server()
    if is_closed:
        _complain("stdout is closed, so no answer can be printed", "Nothing was done. Send it elsewhere: > /dev/null")
        sys.exit(1)
    try:
        code = run(sys.argv[1:])
    finally:
        _give_up_what_is_not_written()
        if "--debug" in sys.argv:
            _print_calls()
    sys.exit(code)


def _give_up_what_is_not_written() -> None:
    """Python writes it once more when it ends, and prints a traceback when it can't."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def run(arguments: Sequence[str]) -> int:
    """Run a command; what goes wrong is said in words, first of all what stopped it, and becomes the exit code."""
    redact.install(redact.Redactor(values=redact.secrets_around(os.environ, arguments)))
    connection.begin()
    try:
        code = _run_and_explain(arguments)
    except SystemExit:
        _save_rehearsal()
        raise
    return max(code, _save_rehearsal())


def _save_rehearsal() -> int:
    """However the command ended: what it has changed in a rehearsal is there again after a crash."""
    try:
        connection.finish()
    except UserError as error:
        _complain(error.message, error.hint)
        return error.exit_code
    return 0


def _print_calls() -> None:
    """Print how often AWS was asked, where it was."""
    from portside.aws.clients import CALLS

    if CALLS.total:
        console.print_diagnostics(CALLS.sentence())


def _run_and_explain(arguments: Sequence[str]) -> int:
    try:
        _run(arguments)
        return 0
    except BrokenPipeError:
        # The reader of the answer has enough of it.
        sys.stderr.close()
        return 1
    except (Exception, KeyboardInterrupt) as error:
        if "--debug" in arguments and not isinstance(error, click.ClickException | click.Abort | KeyboardInterrupt):
            console.print_diagnostics(traceback.format_exc())
        return _fail(_death_behind(error) or _stopped_by(error, arguments), error, arguments)


def _death_behind(error: BaseException) -> UserError | None:
    """What fails after the embedded AWS has died fails because of that; a wrong use and an interrupt do not."""
    own = isinstance(error, UsageError | click.ClickException | click.Abort | KeyboardInterrupt)
    return None if own else connection.death()


def _run(arguments: Sequence[str]) -> None:
    console.begin()
    try:
        agora.main(list(arguments), prog_name=PROGRAM, complete_var=VARIABLE, standalone_mode=False)
    except SystemExit:
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def _fail(stopped: UserError, error: BaseException, arguments: Sequence[str]) -> int:
    """Say what stopped a command, to a person and where it was asked for to a machine."""
    left = getattr(error, "lock_left", "")
    if stopped.code == "unseen" and hasattr(error, "lock_left"):
        left = left or "The lock is released."
    _complain(stopped.message, "\n".join(filter(None, [stopped.hint, left])))
    if _wants_json(arguments):
        about: Mapping[str, Any] = getattr(error, "answered", {})
        with contextlib.suppress(OSError):
            console.print_error({**about, "error": stopped.as_error() | ({"lock": left} if left else {})})
            sys.stdout.flush()
    return stopped.exit_code


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether the answer is for a machine. What follows `--` is someone else's command."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in own


class _Interrupted(UserError):
    exit_code = INTERRUPTED
    code = "interrupted"


class _Unexpected(UserError):
    code = "unexpected"


def _stopped_by(error: BaseException, arguments: Sequence[str]) -> UserError:
    """Any error as one that a person can read."""
    from portside.aws.errors import is_from_aws

    if isinstance(error, UserError):
        return error
    if isinstance(error, click.ClickException):
        return UsageError(error.format_message(), _usage_hint(error))
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return _Interrupted("interrupted", _what_goes_on(arguments))
    if isinstance(error, OSError) and (path := _state_file_of(error)):
        from portside.state_file import NotWritten

        return NotWritten(path, "what is kept between commands", error)
    if isinstance(error, OSError) and error.errno in _NOT_WRITTEN:
        hint = "Make room on the disk, or where stdout goes."
        return UserError(f"what there is to say could not be written: {error.strerror}", hint)
    if is_from_aws(error):
        from portside.cli.aws_failure import AwsFailed

        return AwsFailed(error, _environment_of(arguments), arguments)
    return _unexpected(error, arguments)


def _state_file_of(error: OSError) -> Path | None:
    """The file in the state folder that could not be used, if it was one."""
    from portside.config.configuration import state_dir

    name = error.filename
    if isinstance(name, str) and state_dir().resolve() in Path(name).resolve().parents:
        return Path(name)
    return None


def _unexpected(error: BaseException, arguments: Sequence[str]) -> UserError:
    """A mistake in this code: what is known of it goes into a file, and its place into a sentence."""
    from portside.cli.crash_report import sentence_of
    from portside.config.configuration import ROOT

    kept = _keep_report(error, arguments)
    return _Unexpected(
        f"{sentence_of(error, ROOT)}: this is a mistake in {PROGRAM}",
        f"Report it with {kept}, where the details are; --debug shows them too."
        if kept
        else f"The details could not be written to a file. See them with: {tool('--debug', *arguments, local=False)}",
    )


def _keep_report(error: BaseException, arguments: Sequence[str]) -> Path | None:
    from portside.cli.crash_report import write_report
    from portside.config.configuration import state_dir

    try:
        return write_report(error, state_dir() / "errors", [PROGRAM, *arguments], redact=_redacted)
    except Exception:
        return None


def _redacted(text: str) -> str:
    return redact.current().text(text)


def _report_background_error(error: BaseException, name: str) -> None:
    from portside.cli.crash_report import sentence_of
    from portside.config.configuration import ROOT

    kept = _keep_report(error, sys.argv[1:])
    where = f"; details: {kept}" if kept else ""
    with contextlib.suppress(Exception):
        console.print_diagnostics(f"A background task ({name}) failed: {sentence_of(error, ROOT)}{where}")


def _what_goes_on(arguments: Sequence[str]) -> str:
    if not {"deploy", "destroy", "rollback"} & set(arguments):
        return ""
    status = tool("status", _environment_of(arguments), local="--local" in arguments)
    again = tool(*arguments, local=False)
    return f"What CloudFormation was doing goes on there. Once it has ended ({status}), run it again: {again}"


def _environment_of(arguments: Sequence[str]) -> str:
    """The environment that a command line is about; ENV where it names none."""
    words = [word for word in arguments if word not in ("--debug",)]
    leaf: click.Command = agora
    while words and isinstance(leaf, click.Group):
        found = leaf.commands.get(words.pop(0))
        if found is None:
            return "ENV"
        leaf = found
    try:
        named = leaf.make_context("", words, resilient_parsing=True).params.get("environment")
    except click.ClickException:
        return "ENV"
    return str(named or "ENV")


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context else f"See: {tool('--help', local=False)}"


def _complain(message: str, hint: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        click.secho("✗ ", fg="red", nl=False, err=True)
        for text in filter(None, [message, hint]):
            console.print_diagnostics(text)
