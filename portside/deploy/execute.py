"""Executing a command in a running container with ECS exec."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from portside.aws.deployed import find_deployed
from portside.aws.errors import code_of, is_denied
from portside.aws.model import Container as RunningContainer
from portside.aws.model import Service, Task
from portside.aws.target import Target
from portside.config.service_props import ServiceProps
from portside.deploy.session_manager import Session
from portside.errors import UsageError, UserError
from portside.json_fields import JsonFields

SHELL = "/bin/sh"
_QUICK_SECONDS = 3
_AGENT = "ExecuteCommandAgent"
_HOW_EXEC_WORKS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"


@dataclass(frozen=True)
class Container:
    """A container of a task that runs, as ECS exec and Systems Manager know it."""

    cluster: str
    task: str
    name: str
    runtime_id: str

    @property
    def target(self) -> str:
        """The target of a Systems Manager session."""
        return f"ecs:{self.cluster}_{self.task}_{self.runtime_id}"


@dataclass(frozen=True)
class Execution(JsonFields):
    """A command, and the container that executes it."""

    container: Container
    command: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The fields, and the target of the session."""
        return super().as_json() | {"target": self.container.target}


def choose_container(target: Target, props: ServiceProps, task: str = "") -> Container:
    """The newest healthy container of a service, or that of the task whose id begins so.

    Raises `UserError` that says what is missing where no command can be executed in it.
    """
    service = find_deployed(target, props)
    chosen = _choose_task(service, task, target)
    _expect_exec(target, props, service, chosen)
    container = chosen.container(service.name)
    if container is None or not container.runtime_id:
        raise UserError(f"the container {service.name} of task {chosen.id} does not run yet", "Try again in a moment.")
    _expect_agent(chosen, container)
    return Container(service.cluster, chosen.id, service.name, container.runtime_id)


def open_session(target: Target, execution: Execution) -> Session:
    """Ask ECS to execute the command. Raises `UserError` that says what is missing where it refuses."""
    from botocore.exceptions import ClientError

    container = execution.container
    try:
        opened = target.clients("ecs").execute_command(
            cluster=container.cluster,
            task=container.task,
            container=container.name,
            interactive=True,
            command=shlex.join(execution.command),
        )
    except ClientError as error:
        raise _refused(error, container) from error
    return Session(opened["session"], {"Target": container.target})


def quick_end_hint(execution: Execution, exit_code: int, seconds: float) -> str:
    """A hint for a session that ended at once, as the plugin does not report why; otherwise empty."""
    if seconds > _QUICK_SECONDS or (exit_code == 0 and execution.command != (SHELL,)):
        return ""
    return (
        f"The session ended at once. If it said that {execution.command[0]} does not exist, the image has no such "
        "program: one without a shell, such as a buildpack's, only executes what it has, after --."
    )


def _choose_task(service: Service, task_id: str, target: Target) -> Task:
    running, status = service.running_tasks, target.commands.tool("status")
    if not running:
        count = sum(not task.is_stopping for task in service.tasks)
        waiting = f": {count} {'is' if count == 1 else 'are'} starting" if count else ""
        raise UserError(f"{service.name} has no running task{waiting}", f"See why: {status}")
    if task_id:
        found = [task for task in running if task.id.startswith(task_id)]
        if len(found) != 1:
            raise UsageError(
                f"--task {task_id}: {'several tasks begin so' if found else 'no such task runs'}",
                f"{service.name} runs: {', '.join(sorted(task.id for task in running))}.",
            )
        return found[0]
    healthy = [task for task in running if task.health != "UNHEALTHY"]
    return max(healthy or running, key=lambda task: task.started or task.created)


def _expect_exec(target: Target, props: ServiceProps, service: Service, task: Task) -> None:
    name, environment = service.name, target.environment.name
    if not service.exec_on:
        raise UserError(
            f"commands can't be executed in {name}: ECS exec is off for it in {environment}",
            f'In app.py set ecs_exec=True in ServiceProps("{name}"), and deploy.'
            if props.ecs_exec is False
            else f'In app.py set ENVIRONMENTS["{environment}"]["ECS_EXEC"] to True, or ecs_exec=True in '
            f'ServiceProps("{name}") for it alone, and deploy.',
        )
    if not task.exec_on:
        raise UserError(
            f"commands can't be executed in task {task.id}: it started before ECS exec was on",
            f"Start new tasks: {target.commands.tool('redeploy', name)}",
        )


def _expect_agent(task: Task, container: RunningContainer) -> None:
    agent = next((each for each in container.agents if each.name == _AGENT), None)
    if agent is None or agent.status == "RUNNING":
        return
    reason = f": {agent.reason}" if agent.reason else ""
    if agent.status == "PENDING":
        raise UserError(f"the exec agent in task {task.id} is still starting{reason}", "Try again in a moment.")
    raise UserError(
        f"the exec agent in task {task.id} does not run ({agent.status.lower() or 'unknown'}){reason}",
        "Try another task, or start new ones. The agent needs a root that can be written to, the ssmmessages rights "
        f"in the task's role, and a way to Systems Manager: {_HOW_EXEC_WORKS}",
    )


def _refused(error: Exception, container: Container) -> UserError:
    code = code_of(error)
    if is_denied(error):
        return UserError(
            f"the credentials may not execute commands in containers: {error}",
            "They need ecs:ExecuteCommand on the cluster and its tasks, and ecs:DescribeTasks.",
        )
    if code == "TargetNotConnectedException":
        return UserError(
            f"the exec agent in task {container.task} is not connected: {error}",
            f"A task is connected some seconds after its start. If it stays so: {_HOW_EXEC_WORKS}",
        )
    if code == "InvalidParameterException" and "execute command was not enabled" in str(error).lower():
        return UserError(
            f"commands can't be executed in task {container.task}: it started before ECS exec was on",
            "Redeploy the service, which starts new tasks, or name another task with --task.",
        )
    return UserError(f"ECS does not execute the command: {error}", f"How it works: {_HOW_EXEC_WORKS}")
