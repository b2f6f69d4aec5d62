"""The command line: parses, calls, prints. What it calls is loaded only when it is called."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

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
    where = ["tests/unit", "-m", "not slow", *_in_processes(cores)] if quick else ["tests", *_in_processes(cores + 1)]
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
    sys.exit(run(sys.argv[1:]))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def run(arguments: Sequence[str]) -> int:
    """Run a command; what goes wrong is told in words and becomes the exit code."""
    debug = "--debug" in arguments
    try:
        agora.main(list(arguments), prog_name="./agora", standalone_mode=False)
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
        if debug or not _comes_from_aws(error):
            raise
        _complain(f"AWS: {error}", "Run ./agora --debug with the same command to see where this came from.")
        return 1


def _what_goes_on(arguments: Sequence[str]) -> str:
    by_cloudformation = {"deploy", "destroy", "rollback"} & set(arguments)
    return "What CloudFormation was doing goes on there; the same command picks it up again." * bool(by_cloudformation)


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
