"""What people see of environments, log lines, loads, tunnels and names."""

from __future__ import annotations

import shlex
import time
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from portside.aws.stack_status import status_of
from portside.terminal import console

if TYPE_CHECKING:
    from portside.aws.dns import DnsStatus
    from portside.aws.logs import LogLine
    from portside.commands import Commands
    from portside.deploy.environment_status import EnvironmentStatus, ServiceStatus
    from portside.deploy.tunnel import Tunnel

_COLUMNS = ("Service", "Version", "Commit", "Tasks", "Targets", "Since (UTC)", "State")
_TASK_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")


def show_status(found: Sequence[EnvironmentStatus]) -> None:
    """Print each environment: a table of its services, then what else there is to say."""
    from rich.text import Text

    from portside.terminal.console import data_console, print_table

    console = data_console()
    for number, environment in enumerate(found):
        if number:
            console.print()
        console.print(Text(environment.name, "bold"))
        if environment.services:
            rows = [_row(service) for service in environment.services]
            print_table(_COLUMNS, rows, states=[len(_COLUMNS) - 1])
        for sentence in sentences_of(environment):
            console.print(Text(sentence), soft_wrap=True)


def sentences_of(environment: EnvironmentStatus) -> list[str]:
    """What a person is told of an environment below its services."""
    said = []
    if last := environment.last:
        when = last.began[:16].replace("T", " ")
        reason = f": {last.reason}" if last.reason else ""
        said.append(f"Last: {last.kind} of {last.images.version} by {last.who}, {when} UTC, {last.result}{reason}")
    if environment.lock:
        said.append(environment.lock.sentence(environment.name))
    said += list(environment.unaccounted)
    said += [f"Stack {name}: {status_of(state).sentence}" for name, state in (environment.stacks or {}).items()]
    said += [f"Stack {stack.name}: {stack.report}" for stack in environment.unconfigured]
    return said + list(environment.remarks)


def watch_status(
    read: Callable[[], Sequence[EnvironmentStatus]],
    *,
    every_seconds: float,
    as_json: bool,
    wait: Callable[[float], object] = time.sleep,
) -> None:
    """Show environments again and again: redrawn on a terminal, else printed once for each change."""
    terminal = console.data_console()
    if terminal.is_terminal and not as_json:
        from rich.live import Live
        from rich.text import Text

        from portside.terminal.shown_console import ShownConsole

        # A console of its own: what is captured from the other one must not pass through the live picture.
        with Live(console=ShownConsole(highlight=False), auto_refresh=False, vertical_overflow="visible") as live:
            while True:
                with terminal.capture() as captured:
                    show_status(read())
                picture = Text.from_ansi(captured.get())
                at = datetime.now(UTC).strftime("%H:%M:%S")
                live.update(picture.append(f"\n{at} UTC, Ctrl-C ends it", "dim"), refresh=True)
                wait(every_seconds)
    before: list[dict[str, object]] | None = None
    while True:
        found = read()
        now = [each.as_json() for each in found]
        if now != before:
            if as_json:
                console.print_json(now)
            else:
                console.print_lines(f"{'' if before is None else chr(10)}{datetime.now(UTC):%H:%M:%S} UTC")
                show_status(found)
            before = now
        wait(every_seconds)


def _row(service: ServiceStatus) -> list[str]:
    tasks = "-" if service.desired is None else f"{service.running}/{service.desired}"
    if service.pending:
        tasks += f" +{service.pending}"
    targets = "-" if service.targets is None else f"{service.healthy_targets}/{service.targets}"
    since = service.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if service.since else "-"
    return [service.name, service.version or "-", service.commit or "-", tasks, targets, since, service.state]


def show_line(line: LogLine) -> None:
    """Print a log line, each of its lines with the task that wrote it."""
    from portside.aws.model import short_task_id

    short = short_task_id(line.task)
    at = f"{line.at:%H:%M:%S}.{line.at.microsecond // 1000:03}"
    is_coloured = console.data_console().color_system is not None
    colour = _TASK_COLOURS[zlib.crc32(line.task.encode()) % len(_TASK_COLOURS)]
    prefix = f"{at} {click.style(short, fg=colour) if is_coloured else short}"
    for text in line.texts:
        console.print_beside(prefix, text)


def show_tunnel(planned: Tunnel, commands: Commands) -> None:
    """Tell a person where the port leads and how to connect."""
    from portside.terminal.console import say

    say(f"127.0.0.1:{planned.local_port} leads to {planned.host}:{planned.port} through {planned.through}.")
    console.print_lines(f"mongosh {shlex.quote(planned.uri)}")
    say(f"The password is in Secrets Manager: {planned.password_command(commands)}")


def show_dns(found: DnsStatus) -> None:
    """Print what to add, what it stands for, and where the name leads."""
    from portside.terminal.console import say, style_of

    console.print_lines(
        f"Name           {found.fqdn}\nExport         {found.export}\nLoad balancer  {found.load_balancer}\n"
    )
    console.print_lines(found.snippet)
    say(f"{found.state}: {found.found}", style_of("healthy" if found.state == "resolves" else found.state))
