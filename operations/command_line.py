"""The command line: parses, calls, prints. What it calls is loaded only when it is called."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO, cast

import click

from operations.commands import environment, everyday
from operations.commands.costs import costs
from operations.commands.diagnose import diagnose
from operations.commands.local import local
from operations.commands.options import Suggesting
from operations.commands.release import release
from operations.commands.role import role
from operations.commands.verify import verify
from src.errors import AgoraError

INTERRUPTED = 130
# No room, on the disk or by the quota, and what /dev/full or a broken disk answer.
_NOT_WRITTEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
# Each has stacks, an embedded AWS and the CDK's processes of its own, some 1.5 GB.
_MOST_TEST_PROCESSES = 4


@click.group(
    cls=Suggesting,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed or found wanting, 2 wrong use. NO_COLOR switches colours off.",
)
@click.option("--debug", is_flag=True, help="Show where in the code an error came from.")
def agora(debug: bool) -> None:
    """Deploy Agora's infrastructure to AWS, or rehearse it on this machine with --local."""


@agora.command(context_settings={"ignore_unknown_options": True})
@click.option("--quick", is_flag=True, help="Only the unit tests.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(quick: bool, pytest_arguments: tuple[str, ...]) -> None:
    """Run all tests, or the quick ones. Further arguments go to pytest."""
    import subprocess

    from src.form import ROOT

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
    costs,
    diagnose,
    environment.deploy,
    environment.destroy,
    environment.diff,
    environment.history,
    environment.images,
    environment.rollback,
    environment.unlock,
    everyday.dns,
    everyday.execute,
    everyday.load_data,
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


def main() -> NoReturn:
    """Run what the command line of this process asks for, and leave with its exit code."""
    # CI ends a run with SIGTERM; what is held must be let go then too.
    signal.signal(signal.SIGTERM, _interrupt)
    # Python has no stdout where the shell has closed it, whatever its type says. The next file would take its number.
    if cast(TextIO | None, sys.stdout) is None:
        _complain("stdout is closed, so no answer can be printed", "Nothing was done. Send it elsewhere: > /dev/null")
        sys.exit(1)
    try:
        code = run(sys.argv[1:])
    finally:
        _give_up_what_is_not_written()
    sys.exit(code)


def _give_up_what_is_not_written() -> None:
    """Python writes it once more when it ends, and tells with a traceback that it can't."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def run(arguments: Sequence[str]) -> int:
    """Run a command; what goes wrong is told in words and becomes the exit code."""
    debug = "--debug" in arguments
    try:
        _run(arguments)
        return 0
    except AgoraError as error:
        if debug:
            raise
        _complain(error.message, error.hint)
        return error.exit_code
    except click.ClickException as error:
        _complain(error.format_message(), _usage_hint(error))
        return 2
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted", _what_goes_on(arguments))
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NOT_WRITTEN and not debug:
            _complain(
                f"what there is to say could not be written: {error.strerror}",
                "Make room on the disk, or where stdout goes.",
            )
            return 1
        if debug or not _comes_from_aws(error):
            raise
        _complain(f"AWS: {error}", _aws_hint(error))
        return 1


def _run(arguments: Sequence[str]) -> None:
    try:
        agora.main(list(arguments), prog_name="./agora", standalone_mode=False)
    except SystemExit:
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def _what_goes_on(arguments: Sequence[str]) -> str:
    if not {"deploy", "destroy", "rollback"} & set(arguments):
        return ""
    status = f"./agora status ENV{' --local' if '--local' in arguments else ''}"
    return f"What CloudFormation was doing goes on there. Once it has ended ({status}), run the same command again."


def _aws_hint(error: Exception) -> str:
    from portside.aws.errors import LOG_IN, is_denied, is_expired, is_throttled

    if is_expired(error):
        return LOG_IN
    if is_throttled(error):
        return "AWS is asked too often at the moment. Run the same command again in a minute."
    if is_denied(error):
        right = getattr(error, "operation_name", "this")
        return f"These credentials lack the right for {right}. All the rights there are to give: ./agora role ENV"
    return "Run ./agora --debug with the same command to see where this came from."


def _comes_from_aws(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in ("botocore", "boto3")


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context else "See: ./agora --help"


def _complain(message: str, hint: str) -> None:
    click.secho("✗ ", fg="red", nl=False, err=True)
    click.echo(message, err=True)
    if hint:
        click.echo(hint, err=True)
