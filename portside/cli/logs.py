"""`logs`: prints the logs of a service."""

from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from portside.cli.options import collect, environment_argument, local_option, service_argument, task_option
from portside.cli.targets import configured_target
from portside.terminal import console
from portside.terminal.console import say

if TYPE_CHECKING:
    from datetime import datetime

    from portside.aws.logs import LogLine

_TASK_COLORS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")


@dataclass(frozen=True, kw_only=True)
class LogFilter:
    """Which lines to print."""

    since: str
    grep: str
    task: str


@click.command()
@environment_argument
@service_argument
@local_option
@click.option("--follow", "-f", is_flag=True, help="Print new lines until Ctrl-C.")
@click.option(
    "--since", default="10m", show_default=True, help="Start time: 30s, 10m, 2h or 1d ago, or an ISO 8601 time."
)
@click.option("--grep", metavar="TEXT", default="", help="Only lines that contain TEXT.")
@task_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@collect(LogFilter, "only")
def logs(environment: str, service: str, local: bool, follow: bool, only: LogFilter, as_json: bool) -> None:
    """Print the logs of the tasks of a service, merged by time.

    Includes stopped tasks.
    """
    from datetime import UTC, datetime

    from portside.aws import logs as log
    from portside.aws.deployed import find_deployed
    from portside.aws.target import with_retries
    from portside.config.service_names import find_service
    from portside.deploy.jobs import find_sources

    begin = log.parse_since(only.since, datetime.now(UTC))
    configured = configured_target(environment, local=local)
    target = configured.target
    props = find_service(target.environment, configured.services, service)
    sources = (
        log.find_sources(target.clients("ecs"), find_deployed(target, props, stopped=True))
        if props.is_service
        else find_sources(target, props)
    )
    client = (with_retries(target)[0] if follow else target).clients("logs")

    def read(moment: datetime) -> Iterable[LogLine]:
        return log.read_lines(client, sources, moment, task=only.task, grep=only.grep)

    if follow:
        pause = target.polling_seconds
        lines: Iterable[LogLine] = log.follow(read, begin, wait=lambda: time.sleep(pause), remark=say)
    else:
        lines = read(begin)
    try:
        if _print_lines(lines, as_json=as_json) == 0:
            say(f"No line{' with this text' if only.grep else ''} since {begin:%Y-%m-%d %H:%M:%S} UTC.")
    except KeyboardInterrupt:
        if not follow:
            raise


def _print_lines(lines: Iterable[LogLine], *, as_json: bool) -> int:
    """Print lines as they arrive, and return their number."""
    count = 0
    for line in lines:
        count += 1
        if as_json:
            console.print_json_line(line.as_json())
        else:
            _show_line(line)
        sys.stdout.flush()
    return count


def _show_line(line: LogLine) -> None:
    """Print a log entry, each of its lines after the time and the task."""
    from portside.aws.model import short_task_id

    short = short_task_id(line.task)
    at = f"{line.at:%H:%M:%S}.{line.at.microsecond // 1000:03}"
    is_colored = console.data_console().color_system is not None
    color = _TASK_COLORS[zlib.crc32(line.task.encode()) % len(_TASK_COLORS)]
    prefix = f"{at} {click.style(short, fg=color) if is_colored else short}"
    for text in line.texts:
        console.print_labelled(prefix, text)
