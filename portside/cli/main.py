"""The command line. A command loads its modules when it is called."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn, TextIO, cast

import click

from portside import __version__, owner_only, redact
from portside.cli import background_errors, standard_streams
from portside.cli.ci import ci
from portside.cli.command_group import CommandGroup
from portside.cli.completion import VARIABLE, completion
from portside.cli.costs import costs
from portside.cli.deploy import deploy
from portside.cli.destroy import destroy
from portside.cli.diagnose import diagnose
from portside.cli.diagram import diagram
from portside.cli.diff import diff
from portside.cli.dns import dns
from portside.cli.execute import execute
from portside.cli.failure import keep_report, user_error
from portside.cli.history import history
from portside.cli.images import images
from portside.cli.local import local
from portside.cli.lock import lock
from portside.cli.logs import logs
from portside.cli.maintenance import maintenance
from portside.cli.new import new
from portside.cli.redeploy import redeploy
from portside.cli.release.group import release
from portside.cli.review import review
from portside.cli.role import role
from portside.cli.rollback import rollback
from portside.cli.run_job import run_job
from portside.cli.run_tests import run_tests
from portside.cli.status import status
from portside.cli.tunnel import tunnel
from portside.cli.unlock import unlock
from portside.cli.upgrade import upgrade
from portside.cli.verify import verify
from portside.emulator.client import connection
from portside.errors import UsageError, UserError
from portside.extension import Extension, install
from portside.program import PROGRAM, STATE_FOLDER
from portside.repository import ROOT
from portside.terminal import console

# A name is that of an extension's command.
_SECTIONS: Mapping[str, Sequence[click.Command | str]] = {
    "Deploy": (
        *(deploy, diff, review, verify, rollback, redeploy),
        *(run_job, maintenance, "load-data", unlock, destroy),
    ),
    "Observe": (status, diagnose, logs, history, images, execute, tunnel),
    "Release": (release,),
    "Rehearse": (local,),
    "Account": (costs, diagram, dns, role, ci),
    "This tool": (new, upgrade, lock, completion, run_tests),
}


class _Program(CommandGroup):
    sections: ClassVar = {
        title: [each if isinstance(each, str) else str(each.name) for each in section]
        for title, section in _SECTIONS.items()
    }


@click.group(
    cls=_Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"""\b
Examples:
  {PROGRAM} deploy dev --local   deploy dev to the embedded AWS
  {PROGRAM} status               all environments
  {PROGRAM} logs dev app -f      follow the log of a service
  {PROGRAM} diagnose prod        what is wrong, and the fix

Exit codes: 0 done, 1 failed or problems found, 2 usage error. NO_COLOR turns colors off.""",
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def program(debug: bool) -> None:
    """Deploy to AWS, or rehearse on this machine with --local."""
    from portside.emulator.client.process import default_state_dir

    # Earlier versions created these readable by everyone. Other files in a folder of the user are left as they are.
    state = default_state_dir().parent
    for folder in [state] if state == ROOT / STATE_FOLDER else [state / "deployments", state / "local"]:
        with contextlib.suppress(OSError):
            if folder.is_dir():
                owner_only.folder(folder)


for each in (each for section in _SECTIONS.values() for each in section):
    if isinstance(each, click.Command):
        program.add_command(each)


def use(extension: Extension) -> None:
    """Add an app's own commands and rules to the machinery's."""
    install(extension)
    for command in extension.commands:
        program.add_command(command)


def main(extension: Extension | None = None) -> NoReturn:
    """Run the command line of this process, with an app's own commands, and exit with its code."""
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
        console.print_failure(
            "stdout is closed, so no answer can be printed", "Nothing was done. Redirect it: > /dev/null"
        )
        sys.exit(1)
    try:
        code = run(sys.argv[1:])
    finally:
        _discard_unwritten_output()
        if "--debug" in sys.argv:
            _print_calls()
    sys.exit(code)


def _discard_unwritten_output() -> None:
    """Python would write it again at its exit, and print a traceback if that fails."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def run(arguments: Sequence[str]) -> int:
    """Run a command, print the error that stopped it, and return the exit code."""
    redact.install(redact.Redactor(values=redact.secrets_around(os.environ, arguments)))
    connection.begin()
    try:
        code = _run_and_explain(arguments)
    except SystemExit:
        _save_rehearsal()
        raise
    return max(code, _save_rehearsal())


def _save_rehearsal() -> int:
    """Save the state of the embedded AWS, so that a crash does not lose the changes of this command."""
    try:
        connection.finish()
    except UserError as error:
        console.print_failure(error.message, error.hint)
        return error.exit_code
    return 0


def _print_calls() -> None:
    """Print the number of AWS calls, if there were any."""
    from portside.aws.clients import CALLS

    if CALLS.total:
        console.print_diagnostics(CALLS.sentence())


def _run_and_explain(arguments: Sequence[str]) -> int:
    try:
        _run(arguments)
        return 0
    except BrokenPipeError:
        # The reader of the output has closed it.
        sys.stderr.close()
        return 1
    except (Exception, KeyboardInterrupt) as error:
        if "--debug" in arguments and not isinstance(error, click.ClickException | click.Abort | KeyboardInterrupt):
            console.print_diagnostics(traceback.format_exc())
        return _fail(_death_behind(error) or user_error(error, arguments, program), error, arguments)


def _death_behind(error: BaseException) -> UserError | None:
    """The crash of the embedded AWS, which explains any error after it except wrong usage and interrupts."""
    own = isinstance(error, UsageError | click.ClickException | click.Abort | KeyboardInterrupt)
    return None if own else connection.death()


def _run(arguments: Sequence[str]) -> None:
    console.begin()
    try:
        program.main(list(arguments), prog_name=PROGRAM, complete_var=VARIABLE, standalone_mode=False)
    except SystemExit:
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def _fail(stopped: UserError, error: BaseException, arguments: Sequence[str]) -> int:
    """Print the error that stopped a command, with --json as JSON too."""
    left = getattr(error, "lock_left", "")
    if stopped.code == "unseen" and hasattr(error, "lock_left"):
        left = left or "The lock is released."
    console.print_failure(stopped.message, "\n".join(filter(None, [stopped.hint, left])))
    if _wants_json(arguments):
        about: Mapping[str, Any] = getattr(error, "answered", {})
        with contextlib.suppress(OSError):
            console.print_error({**about, "error": stopped.as_error() | ({"lock": left} if left else {})})
            sys.stdout.flush()
    return stopped.exit_code


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether the command line has --json before `--`, after which another program's command follows."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in own


def _report_background_error(error: BaseException, name: str) -> None:
    from portside.cli.crash_report import sentence_of

    kept = keep_report(error, sys.argv[1:])
    where = f"; details: {kept}" if kept else ""
    with contextlib.suppress(Exception):
        console.print_diagnostics(f"A background task ({name}) failed: {sentence_of(error, ROOT)}{where}")
