"""Executing a command in a container that runs: which one, whether it can be, and the session that does it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from operations.deployed_service import DeployedService, read_tasks, task_id
from operations.session_manager import Session
from operations.target import Target
from portside.aws.errors import code_of, is_denied
from src.errors import AgoraError, UsageError

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
        """What Systems Manager opens a session to."""
        return f"ecs:{self.cluster}_{self.task}_{self.runtime_id}"


@dataclass(frozen=True)
class Execution:
    """A command, and where it is to be executed."""

    container: Container
    command: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self) | {"target": self.container.target}


def choose_container(target: Target, service: DeployedService, task: str = "") -> Container:
    """The newest healthy container of a service, or that of the task whose id begins so.

    Raises `AgoraError` that says what is missing where no command can be executed in it.
    """
    tasks = read_tasks(target.clients("ecs"), service.cluster, service=service.ecs_name)
    chosen = _choose_task(service, tasks, task, target)
    _expect_exec(target, service, chosen)
    container = next((each for each in chosen["containers"] if each["name"] == service.name), None)
    if container is None or not container.get("runtimeId"):
        raise AgoraError(
            f"the container {service.name} of task {task_id(chosen)} does not run yet", "Try again in a moment."
        )
    _expect_agent(service, chosen, container)
    return Container(service.cluster, task_id(chosen), service.name, str(container["runtimeId"]))


def open_session(target: Target, execution: Execution) -> Session:
    """Ask ECS to execute the command. Raises `AgoraError` that says what is missing where it refuses."""
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


def what_a_quick_end_means(execution: Execution, exit_code: int, seconds: float) -> str:
    """What to say where a session ended before a person can have done anything in it; the plugin keeps its reason."""
    if seconds > _QUICK_SECONDS or (exit_code == 0 and execution.command != (SHELL,)):
        return ""
    return (
        f"The session ended at once. If it said that {execution.command[0]} does not exist, the image has no such "
        "program: one without a shell, such as a buildpack's, only executes what it has, after --."
    )


def _choose_task(
    service: DeployedService, tasks: Sequence[Mapping[str, Any]], wanted: str, target: Target
) -> Mapping[str, Any]:
    running = [task for task in tasks if task["lastStatus"] == "RUNNING"]
    status = target.commands.tool("status")
    if not running:
        waiting = f": {len(tasks)} {'is' if len(tasks) == 1 else 'are'} starting" if tasks else ""
        raise AgoraError(f"{service.name} has no running task{waiting}", f"See why: {status}")
    if wanted:
        found = [task for task in running if task_id(task).startswith(wanted)]
        if len(found) != 1:
            raise UsageError(
                f"--task {wanted}: {'several tasks begin so' if found else 'no such task runs'}",
                f"{service.name} runs: {', '.join(task_id(task) for task in running)}.",
            )
        return found[0]
    healthy = [task for task in running if task.get("healthStatus") != "UNHEALTHY"]
    return max(healthy or running, key=lambda task: str(task.get("startedAt") or task["createdAt"]))


def _expect_exec(target: Target, service: DeployedService, task: Mapping[str, Any]) -> None:
    name, environment = service.name, target.environment.name
    if not service.described.get("enableExecuteCommand"):
        is_own_choice = service.props.ecs_exec is False
        raise AgoraError(
            f"commands can't be executed in {name}: ECS exec is off for it in {environment}",
            f'In app.py set ecs_exec=True in ServiceProps("{name}"), and deploy.'
            if is_own_choice
            else f'In app.py set ENVIRONMENTS["{environment}"]["ECS_EXEC"] to True, or ecs_exec=True in '
            f'ServiceProps("{name}") for it alone, and deploy.',
        )
    if not task.get("enableExecuteCommand"):
        raise AgoraError(
            f"commands can't be executed in task {task_id(task)}: it started before ECS exec was on",
            f"Start new tasks: {target.commands.tool('redeploy', name)}",
        )


def _expect_agent(service: DeployedService, task: Mapping[str, Any], container: Mapping[str, Any]) -> None:
    agent = next((each for each in container.get("managedAgents", ()) if each.get("name") == _AGENT), None)
    if agent is None or agent.get("lastStatus") == "RUNNING":
        return
    reason = f": {agent['reason']}" if agent.get("reason") else ""
    if agent.get("lastStatus") == "PENDING":
        raise AgoraError(f"the exec agent in task {task_id(task)} is still starting{reason}", "Try again in a moment.")
    status = str(agent.get("lastStatus", "unknown")).lower()
    raise AgoraError(
        f"the exec agent in task {task_id(task)} does not run ({status}){reason}",
        "Try another task, or start new ones. The agent needs a root that can be written to, the ssmmessages rights "
        f"in the task's role, and a way to Systems Manager: {_HOW_EXEC_WORKS}",
    )


def _refused(error: Exception, container: Container) -> AgoraError:
    code = code_of(error)
    if is_denied(error):
        return AgoraError(
            f"the credentials may not execute commands in containers: {error}",
            "They need ecs:ExecuteCommand on the cluster and its tasks, and ecs:DescribeTasks.",
        )
    if code == "TargetNotConnectedException":
        return AgoraError(
            f"the exec agent in task {container.task} is not connected: {error}",
            f"A task is connected some seconds after its start. If it stays so: {_HOW_EXEC_WORKS}",
        )
    if code == "InvalidParameterException" and "execute command was not enabled" in str(error).lower():
        return AgoraError(
            f"commands can't be executed in task {container.task}: it started before ECS exec was on",
            "Redeploy the service, which starts new tasks, or name another task with --task.",
        )
    return AgoraError(f"ECS does not execute the command: {error}", f"How it works: {_HOW_EXEC_WORKS}")
