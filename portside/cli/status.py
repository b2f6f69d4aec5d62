"""`status`: versions, tasks, health and the last deployment of environments."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from portside.cli.options import json_option, local_option, optional_environment_argument
from portside.cli.targets import ReachableTargets, read_configuration
from portside.errors import UserError
from portside.terminal import console
from portside.terminal.summary import summarized
from portside.timestamps import age

if TYPE_CHECKING:
    from portside.deploy.environment_status import EnvironmentStatus, JobStatus, ServiceStatus

_COLUMNS = ("Service", "Version", "Commit", "Tasks", "Targets", "Since", "State")
_JOB_COLUMNS = ("Job", "Version", "Runs", "Last run", "Next start", "State")
_COMMIT, _SINCE = _COLUMNS.index("Commit"), _COLUMNS.index("Since")


@click.command()
@optional_environment_argument
@local_option
@click.option("--watch", is_flag=True, help="Refresh every few seconds until Ctrl-C.")
@json_option
def status(environment: str | None, local: bool, watch: bool, as_json: bool) -> None:
    """Show versions, tasks, health and the last deployment.

    Without ENV for all environments. Exit code 1 if nothing could be read.
    """
    from portside.deploy.environment_status import read_status

    configuration = read_configuration(local=local, acting_on=())
    names = [configuration.environment(environment).name] if environment else list(configuration.environments)
    targets = ReachableTargets(configuration, local=local)
    short_name = configuration.environment(configuration.first).short_name

    def read() -> list[EnvironmentStatus]:
        found = read_status(configuration, names, targets)
        # Only the first read decides: later ones can fail for a while.
        targets.expect_one()
        return found

    if watch:
        try:
            watch_status(read, every_seconds=2 if local else 10, as_json=as_json, short_name=short_name)
        except KeyboardInterrupt:
            return
    found = read()
    if as_json:
        console.print_json([each.as_json() for each in found])
    else:
        show_status(found, short_name)
    if all(each.is_unread for each in found):
        reasons = dict.fromkeys(remark for each in found for remark in each.remarks)
        raise UserError(f"could not read {', '.join(each.name for each in found)}", "\n".join(reasons))


def watch_status(
    read: Callable[[], Sequence[EnvironmentStatus]],
    *,
    every_seconds: float,
    as_json: bool,
    wait: Callable[[float], object] = time.sleep,
    short_name: Callable[[str], str] = str,
) -> None:
    """Show environments until interrupted: redrawn on a terminal, otherwise printed after each change."""
    if console.data_console().is_terminal and not as_json:
        _redraw_status(lambda: show_status(read(), short_name), lambda: wait(every_seconds))
    before: list[dict[str, object]] | None = None
    while True:
        found = read()
        now = [each.as_json() for each in found]
        if now != before:
            if as_json:
                console.print_json(now)
            else:
                console.print_lines(f"{'' if before is None else chr(10)}{datetime.now(UTC):%H:%M:%S} UTC")
                show_status(found, short_name)
            before = now
        wait(every_seconds)


def _redraw_status(show: Callable[[], None], wait: Callable[[], object]) -> None:
    from rich.live import Live
    from rich.text import Text

    from portside.terminal.redacting_console import RedactingConsole

    terminal = console.data_console()
    # A separate console: output that is captured from the other one must not pass through the live display.
    with Live(console=RedactingConsole(highlight=False), auto_refresh=False, vertical_overflow="visible") as live:
        while True:
            with terminal.capture() as captured:
                show()
            picture = Text.from_ansi(captured.get())
            live.update(picture.append(f"\n{datetime.now(UTC):%H:%M:%S} UTC, Ctrl-C ends it", "dim"), refresh=True)
            wait()


def show_status(found: Sequence[EnvironmentStatus], short_name: Callable[[str], str] = str) -> None:
    """Print a table of services for each environment, and remarks below it."""
    from rich.text import Text

    terminal = console.data_console()
    for number, environment in enumerate(found):
        if number:
            terminal.print()
        terminal.print(Text(environment.name, "bold"))
        if environment.services:
            services = [_row(service, short_name) for service in environment.services]
            rows = summarized(services, "services", state=len(_COLUMNS) - 1, ignored=[_COMMIT, _SINCE])
            console.print_table(_COLUMNS, rows, states=[len(_COLUMNS) - 1])
        if environment.jobs:
            rows = [_job_row(job, short_name) for job in environment.jobs]
            console.print_table(_JOB_COLUMNS, rows, states=[len(_JOB_COLUMNS) - 1])
        for sentence in sentences_of(environment):
            console.print_message(sentence)


def sentences_of(environment: EnvironmentStatus) -> list[str]:
    """The remarks below the table of services."""
    from portside.aws.stack_status import status_of

    sentences = []
    if last := environment.last:
        reason = f": {last.reason}" if last.reason else ""
        sentences.append(
            f"Last: {last.kind} of {last.images.version} by {last.who}, {age(last.began)}, {last.result}{reason}"
        )
    if environment.lock:
        sentences.append(environment.lock.sentence(environment.name))
    sentences += filter(None, [environment.maintenance])
    sentences += environment.unaccounted
    sentences += [f"Stack {name}: {status_of(state).sentence}" for name, state in (environment.stacks or {}).items()]
    sentences += [f"Stack {stack.name}: {stack.report}" for stack in environment.unconfigured]
    return sentences + list(environment.remarks)


def _job_row(job: JobStatus, short_name: Callable[[str], str]) -> list[str]:
    last = f"{age(job.last_run)}, {job.last_run_from}" if job.last_run else "-"
    start = f"{job.next_start:%Y-%m-%d %H:%M} UTC" if job.next_start else "-"
    return [short_name(job.name), job.version or "-", job.runs, last, start, job.state]


def _row(service: ServiceStatus, short_name: Callable[[str], str]) -> list[str]:
    tasks = "-" if service.desired is None else f"{service.running}/{service.desired}"
    if service.pending:
        tasks += f" +{service.pending}"
    targets = "-" if service.targets is None else f"{service.healthy_targets}/{service.targets}"
    return [
        short_name(service.name),
        service.version or "-",
        service.commit or "-",
        tasks,
        targets,
        age(service.since),
        service.state,
    ]
