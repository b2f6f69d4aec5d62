"""Runs of the CDK CLI, started again if it lost its connection to AWS while CloudFormation continued."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from portside.aws.model import Stack
from portside.aws.reader import Reader
from portside.synthesis.cdk_cli import CdkFailed
from portside.terminal.console import say

_SETTLED_WITHIN_SECONDS = 60 * 60
# It gives up if the connection to AWS is lost each time.
_MOST_RUNS = 3


def run_until_done(run: Callable[[], None], can_start_again: Callable[[CdkFailed], bool]) -> None:
    """Run it again if it lost its connection to AWS, at most three times. Raises `CdkFailed`."""
    for _ in range(_MOST_RUNS - 1):
        try:
            run()
            return
        except CdkFailed as failure:
            if not failure.has_lost_aws or not can_start_again(failure):
                raise
            say(f"The CDK CLI lost its connection to AWS and is started again: {failure.message}", "yellow")
    run()


def wait_until_settled(reader: Reader, names: Sequence[str], *, every_seconds: float) -> dict[str, Stack] | None:
    """The stacks, once none of them is in progress; None if that takes more than an hour."""
    until = time.monotonic() + _SETTLED_WITHIN_SECONDS
    is_said = False
    while True:
        states = dict(reader.named(names))
        moving = [state.name for state in states.values() if not state.is_settled]
        if not moving:
            return states
        if time.monotonic() > until:
            return None
        if not is_said:
            say(f"The CDK CLI has ended, and CloudFormation continues with {', '.join(moving)}.", "yellow")
            is_said = True
        time.sleep(every_seconds)
