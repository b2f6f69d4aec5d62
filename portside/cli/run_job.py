"""`run`: runs a job once."""

from __future__ import annotations

from typing import Any

import click

from portside.cli.answers import answer, answering, confirm_change
from portside.cli.completion import services
from portside.cli.diagnose import show_verdicts
from portside.cli.options import ChangeOptions, changing_options, environment_argument
from portside.cli.targets import locked_target
from portside.errors import UsageError
from portside.terminal import console


@click.command("run")
@environment_argument
@click.argument("job", metavar="JOB", shell_complete=services)
@click.argument("command", metavar="[-- CMD…]", nargs=-1, type=click.UNPROCESSED)
@changing_options
def run_job(environment: str, job: str, command: tuple[str, ...], change: ChangeOptions) -> None:
    """Run a job or scheduled task once.

    It runs as it is deployed, or with CMD instead of its command. Prints its log until it ends. Exit
    code 1 if the task fails. Ctrl-C stops the task.
    """
    from datetime import UTC, datetime

    from portside.config.service_names import find_service
    from portside.deploy import jobs
    from portside.deploy.task_run import TaskFailed
    from portside.findings.diagnose import diagnose
    from portside.records.environment_lock import expect_unlocked, locked
    from portside.records.origin import read_origin

    with locked_target(environment, local=change.local, only_if_running=True) as configured:
        target = configured.target
        props = find_service(target.environment, configured.services, job)
        short_name = target.environment.short_name(props.container_name)
        if props.is_service:
            raise UsageError(
                f"{props.container_name} is a service, which runs always",
                f"Run a command in it: {target.commands.tool('exec', short_name)} -- CMD",
            )
        start = jobs.read_start(target, props, "run", command)
        console.say(f"  runs   {props.container_name} once, on {start.cluster}")
        if change.dry_run:
            answer({"environment": target.environment.name, "request": start.request}, "", as_json=change.as_json)
            return
        confirm_change(f"Run {short_name} in {target.environment.name} {target.place}?", target.environment, change)
        ssm, began = target.clients("ssm"), datetime.now(UTC)
        expect_unlocked(ssm, target.environment, local=target.is_local)
        result: dict[str, Any] = {}
        with answering(result, as_json=change.as_json):
            try:
                with locked(ssm, target.environment, read_origin(target), "run", local=target.is_local):
                    done = jobs.run_job(target, props, start)
            except TaskFailed:
                found = diagnose(target, configured.configuration, service=props.container_name, since=began)
                wrong = [each for each in found.verdicts if each.is_wrong]
                result["verdicts"] = [each.as_json() for each in wrong]
                if not change.as_json:
                    show_verdicts(wrong)
                raise
            result |= done.as_json()
        if not change.as_json:
            console.print_lines(f"{short_name}: ended with exit code 0 (after {done.seconds:.0f} s).")
