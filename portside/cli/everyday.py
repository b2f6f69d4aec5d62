"""The commands of every day: see what runs, read its logs, get into it, start it anew, load and reach its data."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from portside.cli.completion import services
from portside.cli.everyday_view import show_dns, show_status, show_tunnel
from portside.cli.options import (
    Reaching,
    acting_on,
    changing_options,
    dry_run_option,
    environment_argument,
    go_ahead,
    json_option,
    local_option,
    looking_at,
    optional_environment_argument,
    read_configuration,
    service_argument,
)
from portside.cli.proving import (
    clear_images,
    confirm,
    proof_options,
    starting_services,
)
from portside.errors import UsageError, UserError
from portside.terminal import console

if TYPE_CHECKING:
    from portside.aws.logs import LogLine
    from portside.config.configuration import Configuration
    from portside.deploy.environment_status import EnvironmentStatus

task_option = click.option("--task", metavar="ID", default="", help="The task with an id that starts with ID.")


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

    configuration = read_configuration(local=local)
    names = [configuration.environment(environment).name] if environment else list(configuration.environments)
    if watch:
        _watch(configuration, names, local=local, as_json=as_json)
        return
    reaching = Reaching(configuration, local=local)
    found = read_status(configuration, names, reaching)
    reaching.expect_one()
    if as_json:
        console.print_json([each.as_json() for each in found])
    else:
        show_status(found)
    if all(each.is_unread for each in found):
        reasons = dict.fromkeys(remark for each in found for remark in each.remarks)
        raise UserError(f"nothing could be read of {', '.join(each.name for each in found)}", "\n".join(reasons))


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
def logs(
    environment: str, service: str, local: bool, follow: bool, since: str, grep: str, task: str, as_json: bool
) -> None:
    """Print the logs of the tasks of a service, merged by time.

    Includes stopped tasks.
    """
    from datetime import UTC, datetime

    from portside.aws import logs as log
    from portside.aws.deployed import find_deployed
    from portside.aws.target import with_retries
    from portside.config.service_names import find_service
    from portside.terminal.console import say

    begin = log.parse_since(since, datetime.now(UTC))
    acting = looking_at(environment, local=local)
    target = acting.target
    found = find_deployed(target, find_service(acting.target.environment, acting.services, service), stopped=True)
    sources = log.find_sources(target.clients("ecs"), found)
    client = (with_retries(target)[0] if follow else target).clients("logs")

    def read(moment: datetime) -> Iterable[LogLine]:
        return log.read_lines(client, sources, moment, task=task, grep=grep)

    if follow:
        pause = target.polling_seconds
        lines: Iterable[LogLine] = log.follow(read, begin, wait=lambda: time.sleep(pause), remark=say)
    else:
        lines = read(begin)
    try:
        if _print_lines(lines, as_json=as_json) == 0:
            say(f"No line{' with this text' if grep else ''} since {begin:%Y-%m-%d %H:%M:%S} UTC.")
    except KeyboardInterrupt:
        if not follow:
            raise


@click.command("exec", context_settings={"ignore_unknown_options": False})
@environment_argument
@service_argument
@click.argument("command", metavar="[-- CMD…]", nargs=-1, type=click.UNPROCESSED)
@local_option
@task_option
@dry_run_option
@json_option
def execute(
    environment: str, service: str, command: tuple[str, ...], local: bool, task: str, dry_run: bool, as_json: bool
) -> None:
    """Run a command, by default a shell, in a container.

    It runs in the newest healthy task of SERVICE. The exit code is that of AWS's Session Manager plugin, which
    does not report the exit code of CMD.
    """
    from portside.aws.target import with_retries
    from portside.config.service_names import find_service
    from portside.deploy import session_manager
    from portside.deploy.execute import SHELL, Execution, choose_container, open_session, quick_end_hint

    if as_json and not dry_run:
        raise UsageError("--json: only with --dry-run", "A session has the terminal to itself.")
    acting = looking_at(environment, local=local)
    target, _ = with_retries(acting.target)
    props = find_service(acting.target.environment, acting.services, service)
    plugin = None if dry_run else session_manager.find_plugin(target.process_environment)
    planned = Execution(choose_container(target, props, task), command or (SHELL,))
    if plugin is None:
        _show_plan(planned.as_json(), f"{' '.join(planned.command)} in task {planned.container.task}", as_json=as_json)
        return
    console.say(f"{props.container_name}, task {planned.container.task} {target.place}")
    began = time.monotonic()
    code = session_manager.carry(plugin, open_session(target, planned), target)
    if hint := quick_end_hint(planned, code, time.monotonic() - began):
        console.say(hint, "yellow")
    sys.exit(code)


@click.command()
@environment_argument
@click.argument("services", metavar="SERVICE…", nargs=-1, shell_complete=services)
@click.option("--all", "all_of_them", is_flag=True, help="All services of the environment.")
@changing_options
@proof_options
def redeploy(
    environment: str,
    services: tuple[str, ...],
    all_of_them: bool,
    local: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    unproven: str | None,
    proof_profile: str | None,
) -> None:
    """Start new tasks of services without other changes.

    Images and settings stay the same. In production only proven images start: those that the record says
    ran healthy, or, for a service without a record, exactly what is running. Exit code 1 if ECS
    rolls back.
    """
    from portside.config.service_names import choose_services
    from portside.deploy import redeploy as redeployment
    from portside.records.origin import read_origin
    from portside.terminal.console import say

    with acting_on(environment, local=local, only_if_running=True) as acting:
        target = acting.target
        chosen = choose_services(acting.target.environment, acting.services, services, all_of_them=all_of_them)
        planned = redeployment.plan(target, chosen)
        for each in planned:
            console.say(f"  new tasks of {each.name}: {each.desired}")
        names = [each.name for each in planned]
        cleared = clear_images(acting, starting_services(acting, names), reason=unproven, profile=proof_profile)
        if dry_run:
            _show_plan({"environment": target.environment.name, "services": names}, "", as_json=as_json)
            return
        cleared.confirm(confirm)
        go_ahead(
            f"Start new tasks of {', '.join(names)} in {target.environment.name} {target.place}?",
            assumed=local or yes,
            expected=target.environment.confirmation,
        )
        done = redeployment.redeploy(target, acting.configuration, planned, read_origin(target), cleared.recheck)
        if as_json:
            console.print_json(done.as_json())
        else:
            for name, state in done.services.items():
                console.print_lines(f"{name}: {state} (after {done.seconds:.0f} s).")
            if redeployment.NO_TASKS in done.services.values():
                say(f"A desired count of 0 was set outside app.py: {target.commands.tool('diagnose')}", "yellow")


@click.command()
@environment_argument
@click.option("--port", type=click.IntRange(1, 65535), default=27017, show_default=True, help="The local port.")
@local_option
@dry_run_option
@json_option
def tunnel(environment: str, port: int, local: bool, dry_run: bool, as_json: bool) -> None:
    """Forward a local port to ENV's database until Ctrl-C.

    Uses the bastion if there is one, otherwise a container that can call the database.
    """
    from portside.deploy import session_manager
    from portside.deploy import tunnel as tunnelling

    if as_json and not dry_run:
        raise UsageError("--json: only with --dry-run", "A tunnel has the terminal to itself.")
    acting = looking_at(environment, local=local)
    target = acting.target
    plugin = None if dry_run else session_manager.find_plugin(target.process_environment)
    planned = tunnelling.plan(target, acting.services, port)
    if as_json:
        console.print_json(planned.as_json())
        return
    session = tunnelling.open_session(target, planned) if plugin is not None else None
    show_tunnel(planned, target.commands)
    if plugin is not None and session is not None:
        sys.exit(session_manager.carry(plugin, session, target))


@click.command()
@environment_argument
@local_option
@json_option
def dns(environment: str, local: bool, as_json: bool) -> None:
    """Show the DNS records that ENV needs, and where its name points."""
    from portside.aws.dns import look_up, read_dns

    found = read_dns(looking_at(environment, local=local).target, look_up)
    if as_json:
        console.print_json(found.as_json())
    else:
        show_dns(found)


def _watch(configuration: Configuration, names: Sequence[str], *, local: bool, as_json: bool) -> None:
    from portside.cli.everyday_view import watch_status
    from portside.deploy.environment_status import read_status

    reaching = Reaching(configuration, local=local)

    def read() -> list[EnvironmentStatus]:
        found = read_status(configuration, names, reaching)
        # Later ones may be refused for a while: the first look says whether there is anything to watch.
        reaching.expect_one()
        return found

    try:
        watch_status(read, every_seconds=2 if local else 10, as_json=as_json)
    except KeyboardInterrupt:
        return


def _print_lines(lines: Iterable[LogLine], *, as_json: bool) -> int:
    """Print lines as they come; how many there were."""
    from portside.cli.everyday_view import show_line
    from portside.terminal.console import print_json_line

    count = 0
    for line in lines:
        count += 1
        if as_json:
            print_json_line(line.as_json())
        else:
            show_line(line)
        sys.stdout.flush()
    return count


def _show_plan(value: object, sentence: str, *, as_json: bool) -> None:

    if as_json:
        console.print_json(value)
    elif sentence:
        console.print_lines(sentence)
