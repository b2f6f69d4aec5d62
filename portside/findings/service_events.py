"""Which of a service's events are relevant, and which of them report a problem.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
"""

from __future__ import annotations

import re
from datetime import datetime

from portside.aws.model import CLOCKS_DIFFER, Event, Service, Stack

_COMPLETED = re.compile(r"\(deployment ([\w/-]+)\) deployment completed")
_STABLE = re.compile(r"reached a steady state")
_FAILED = re.compile(r"deployment failed")
_ROLLED_BACK_TO = re.compile(r"rolling back to deployment(?:Id)? ([\w/-]+)")
# Events of every deployment, and those that only follow from a task's failure.
_ROUTINE = re.compile(
    r"has started \d+ tasks?|has stopped \d+ running tasks?|deregistered \d+ targets?|registered \d+ targets?"
    r"|begun draining connections|reached a steady state|deployment (?:completed|in progress)"
    r"|updated (?:computed)?\s*desired ?count|rebalanc|replaced \d+ tasks? due to an unhealthy"
    r"|deployment failed: tasks failed|rolling back to deployment|unable to consistently start tasks",
    re.I,
)
_PROBLEM = re.compile(
    r"unable|fail|error|denied|not authorized|unhealthy|limit|could not|cannot|can't|not found|does not|alarm|throttl",
    re.I,
)


def is_routine(event: Event) -> bool:
    """Whether an event says only what happens in every deployment, or what follows from a task's own failure."""
    return bool(_ROUTINE.search(event.message))


def reports_problem(event: Event) -> bool:
    """Whether an event that no rule knows says that something is wrong."""
    return not is_routine(event) and bool(_PROBLEM.search(event.message))


def events_in_question(service: Service, since: datetime | None, stack: Stack) -> list[Event]:
    """The events since the last success, the newest first.

    After a rollback the previous revision completes and becomes stable again, which is no success.
    """
    kept: list[Event] = []
    back_to, failed = "", False
    for event in reversed(service.events):
        if since is not None and event.at < since - CLOCKS_DIFFER:
            continue
        undone = stack.has_failed and stack.was_in_operation(event.at)
        if rolled := _ROLLED_BACK_TO.search(event.message):
            back_to = rolled[1]
        if _FAILED.search(event.message):
            failed = True
        done = _COMPLETED.search(event.message)
        if (done and done[1] != back_to and not undone) or (
            _STABLE.search(event.message) and not failed and not undone
        ):
            kept.clear()
            failed = False
        kept.append(event)
    return kept[::-1]
