"""`exec`: runs a command in a container."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import click

from portside.cli.answers import answer
from portside.cli.options import (
    collect,
    dry_run_option,
    environment_argument,
    json_option,
    local_option,
    service_argument,
    task_option,
)
from portside.cli.targets import configured_target
from portside.errors import UsageError
from portside.terminal import console


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """Where to run the command: `task` is the beginning of a task's id, or empty."""

    local: bool
    task: str
    dry_run: bool
    as_json: bool


@click.command("exec", context_settings={"ignore_unknown_options": False})
@environment_argument
@service_argument
@click.argument("command", metavar="[-- CMD…]", nargs=-1, type=click.UNPROCESSED)
@local_option
@task_option
@dry_run_option
@json_option
@collect(SessionOptions, "session")
def execute(environment: str, service: str, command: tuple[str, ...], session: SessionOptions) -> None:
    """Run a command, by default a shell, in a container.

    It runs in the newest healthy task of SERVICE. The exit code is that of AWS's Session Manager plugin, which
    does not report the exit code of CMD.
    """
    from portside.aws.target import with_retries
    from portside.config.service_names import find_service
    from portside.deploy import session_manager
    from portside.deploy.execute import SHELL, Execution, choose_container, open_session, quick_end_hint

    if session.as_json and not session.dry_run:
        raise UsageError("--json: only with --dry-run", "A session uses the terminal.")
    configured = configured_target(environment, local=session.local)
    target, _ = with_retries(configured.target)
    props = find_service(target.environment, configured.services, service)
    plugin = None if session.dry_run else session_manager.find_plugin(target.process_environment)
    planned = Execution(choose_container(target, props, session.task), command or (SHELL,))
    if plugin is None:
        answer(
            planned.as_json(), f"{' '.join(planned.command)} in task {planned.container.task}", as_json=session.as_json
        )
        return
    console.say(f"{props.container_name}, task {planned.container.task} {target.place}")
    began = time.monotonic()
    code = session_manager.carry(plugin, open_session(target, planned), target)
    if hint := quick_end_hint(planned, code, time.monotonic() - began):
        console.say(hint, "yellow")
    sys.exit(code)
