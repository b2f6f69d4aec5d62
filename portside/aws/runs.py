"""The runs of a job that ECS still lists: it keeps a task for an hour after it stopped."""

from __future__ import annotations

from portside.aws.model import Service, Task


def last_run(job: Service) -> Task | None:
    """The newest task that has ended."""
    return next((task for task in job.tasks if task.status == "STOPPED"), None)


def exit_code(job: Service, task: Task) -> int | None:
    """The exit code of a job's container in a task, None if it never started."""
    own = task.container(job.name)
    return own.exit_code if own else None


def failed_run(job: Service) -> Task | None:
    """The last run, if it did not end with exit code 0."""
    last = last_run(job)
    return last if last and exit_code(job, last) != 0 else None
