"""`history`: lists the recorded deployments of an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from portside.cli.options import environment_argument, json_option, local_option
from portside.cli.targets import configured_target
from portside.terminal import console
from portside.timestamps import age

if TYPE_CHECKING:
    from portside.records.deployment_record import DeploymentRecord


@click.command()
@environment_argument
@local_option
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="The number of deployments.")
@json_option
def history(environment: str, local: bool, limit: int, as_json: bool) -> None:
    """List the recorded deployments of ENV, newest first."""
    from portside.records.deployment_record import read_records

    target = configured_target(environment, local=local).target
    records = read_records(target.clients("ssm"), target.environment)[:limit]
    if as_json:
        console.print_json([{"number": record.number, **record.as_json()} for record in records])
    elif not records:
        console.say(f"No deployment of {target.environment.name} is recorded.")
    else:
        columns = ["No", "Began", "What", "Version", "Ended", "Seconds", "From", "Who"]
        console.print_table(columns, [_row(record) for record in records], states=[4])


def _row(record: DeploymentRecord) -> list[str]:
    kind = f"{record.kind} (synthetic)" if record.synthetic else record.kind
    kind += f" (unproven: {record.unproven})" if record.unproven else ""
    commit, plus, _ = (record.commit or "unknown").partition("+")
    ended = f"{record.result}: {record.reason}" if record.reason else record.result
    return [
        str(record.number),
        age(record.began),
        kind,
        record.images.version,
        ended,
        f"{record.seconds:.0f}",
        f"{commit[:7]}{plus}",
        record.who,
    ]
