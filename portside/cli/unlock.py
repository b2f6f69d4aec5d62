"""`unlock`: releases the lock of a deployment that was killed."""

from __future__ import annotations

from dataclasses import asdict

import click

from portside.cli.answers import answer, go_ahead
from portside.cli.options import environment_argument, json_option, local_option, yes_option
from portside.cli.targets import configured_target
from portside.terminal import console


@click.command()
@environment_argument
@local_option
@yes_option
@json_option
def unlock(environment: str, local: bool, yes: bool, as_json: bool) -> None:
    """Release a lock on ENV that a killed deployment kept.

    First make sure that the deployment is no longer running: two at once undo each other's changes.
    """
    from portside.records.environment_lock import read_lock, release_lock

    target = configured_target(environment, local=local).target
    name = target.environment.name
    lock = read_lock(target.clients("ssm"), target.environment)
    if lock is None:
        answer({"broken": None}, f"{name} is not locked.", as_json=as_json)
        return
    console.say(lock.sentence(name))
    go_ahead(f"Release this lock on {name} {target.place}?", assumed=yes, expected=target.environment.confirmation)
    release_lock(target.clients("ssm"), target.environment, lock)
    answer({"broken": asdict(lock)}, f"{name} is unlocked.", as_json=as_json)
