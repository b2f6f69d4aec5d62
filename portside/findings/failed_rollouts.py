"""Which of a service's deployments failed, and which of its tasks show why."""

from __future__ import annotations

import re
from datetime import datetime

from portside.aws.model import CLOCKS_DIFFER, Service, Stack, Task

_FAILED_ROLLOUT = re.compile(r"\(deployment ([\w/-]+)\) deployment failed")
_ROLLED_BACK_TO = re.compile(r"rolling back to deployment(?:Id)? ([\w/-]+)")
_COMPLETED = re.compile(r"\(deployment ([\w/-]+)\) deployment completed")


def failed_rollouts(service: Service, since: datetime | None, stack: Stack) -> set[str]:
    """The deployments that failed since the last success: the newest, or those of the stack's operation."""
    failed, back_to = dict[str, datetime](), ""
    for event in reversed(service.events):
        if since is not None and event.at < since - CLOCKS_DIFFER:
            continue
        undone = stack.has_failed and stack.was_in_operation(event.at)
        if gave_up := _FAILED_ROLLOUT.search(event.message):
            # Only the newest counts, unless the same operation of the stack made several.
            failed = {each: at for each, at in failed.items() if undone and stack.was_in_operation(at)}
            failed[gave_up[1]] = event.at
        if rolled := _ROLLED_BACK_TO.search(event.message):
            back_to = rolled[1]
        # After a rollback by ECS or CloudFormation the previous revision completes again, which is no success.
        if (done := _COMPLETED.search(event.message)) and done[1] != back_to and not undone:
            failed.clear()
    return set(failed)


def tasks_in_question(service: Service, rollouts: set[str], since: datetime | None, stack: Stack) -> list[Task]:
    """The tasks that failed in the deployments in question; where those are not known, since the stack's began."""
    failed = [task for task in service.tasks if task.has_failed]
    primary = {service.primary.id} if service.primary else set()
    # After a failed deployment the previous revision may fail too.
    relevant = rollouts | (set() if rollouts and service.is_healthy else primary)
    of_these = [task for task in failed if task.deployment in relevant]
    begins = max(filter(None, (since, None if of_these or service.status else stack.began)), default=None)
    found = of_these or ([] if service.status else failed)
    return [task for task in found if begins is None or task.at >= begins - CLOCKS_DIFFER]
