"""Updates that failed, as they leave an account behind.

failed_update(account, "agora-app", Stopped(reason="CannotPullContainerError: …"))
failed_stack(account, "agora-dev-network", Refused("AWS::EC2::VPC", "… has dependencies"))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.aws_account import PROXY, SERVES, STACK, Account, deployment, running_task, stack_event

FAILED = "ecs-svc/2222222222222222222"
"""The deployment that failed."""
_FAILED_TASKS = 3
"""The fewest after which ECS gives a deployment up:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html"""
CIRCUIT_BREAKER = (
    "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit Breaker was "
    "triggered'.\" (RequestToken: 121161f9-1c97-e3d5-b4d3-8328bb2b676c, HandlerErrorCode: GeneralServiceException)"
)


@dataclass(frozen=True)
class Stopped:
    """How a task of the service's new revision ended; what is absent is as it usually is.

    `seconds` is how long it ran; None where it never started. `exit_code` is that of the service's own container,
    `sidecar_exit` that of the proxy next to it.
    """

    reason: str = "Essential container in task exited"
    stop_code: str = "TaskFailedToStart"
    seconds: float | None = None
    exit_code: int | None = None
    container_reason: str = ""
    health: str = "UNKNOWN"
    sidecar_health: str = "UNKNOWN"
    sidecar_exit: int | None = None
    log: Sequence[str] = ()
    event: str = ""
    """The event of ECS about each such task just before it stops."""


def failed_update(
    account: Account, container: str, ended: Stopped | None = None, *, events: Iterable[str] = (), running: bool = False
) -> None:
    """An update of a service that failed a few minutes ago and was rolled back, or with `running` is still tried.

    `ended` is how its tasks ended, where any was placed; `events` are the other events of the service.
    """
    service = account.services[container]
    before = service["taskDefinition"]
    new = _revise(account, before)
    tasks = 0 if ended is None else 1 if running else _FAILED_TASKS
    for number in range(1, tasks + 1):
        assert ended is not None
        _add_ended(account, container, number, new, ended)
        account.say(container, 21 - 3 * number, f"has started 1 tasks: (task {number:032x}).")
    for message in events:
        account.say(container, 13, message)
    if running:
        tried = {"rolloutState": "IN_PROGRESS", "rolloutStateReason": f"ECS deployment {FAILED} in progress."}
        service["deployments"] = [
            deployment(account, FAILED, new, minutes=19) | tried | {"failedTasks": tasks, "runningCount": 0},
            service["deployments"][0] | {"status": "ACTIVE"},
        ]
        service["taskDefinition"] = new
        if ended is not None:
            _add_starting(account, container, new)
        _begin(account, account.stack_of(container), "AWS::ECS::Service", "UPDATE_IN_PROGRESS")
        return
    given_up(account, container)
    failed_stack(account, account.stack_of(container)["StackName"], Refused("AWS::ECS::Service", CIRCUIT_BREAKER))


def given_up(account: Account, container: str) -> None:
    """The events of ECS about a service whose new deployment it stopped and rolled back."""
    account.say(container, 9.5, f"(deployment {FAILED}) deployment failed: tasks failed to start.")
    account.say(container, 9.4, f"rolling back to deployment {SERVES}.")
    account.say(container, 8, f"(deployment {SERVES}) deployment completed.")
    account.say(container, 8, "has reached a steady state.")


def _revise(account: Account, before: str) -> str:
    """Another revision of a task definition, with another image."""
    definition, new = account.definitions[before], f"{before.rpartition(':')[0]}:2"
    own = definition["containerDefinitions"][0]
    image = f"{own['image'].rpartition('@')[0]}@sha256:{2:064x}"
    changed = {"taskDefinitionArn": new, "revision": 2, "containerDefinitions": [own | {"image": image}]}
    account.definitions[new] = definition | changed
    return new


def _add_starting(account: Account, container: str, definition: str) -> None:
    starting = {"lastStatus": "PROVISIONING", "containers": [{"name": container, "lastStatus": "PENDING"}]}
    new = {"taskDefinitionArn": definition, "startedBy": FAILED, "healthStatus": "UNKNOWN"}
    del running_task(account, container, _FAILED_TASKS + 1, minutes=0.2, **starting, **new)["startedAt"]
    account.services[container]["pendingCount"] = 1


def _add_ended(account: Account, container: str, number: int, definition: str, ended: Stopped) -> None:
    own: dict[str, Any] = {"name": container, "lastStatus": "STOPPED", "healthStatus": ended.health}
    own |= {"exitCode": ended.exit_code} if ended.exit_code is not None else {}
    own |= {"reason": account.said(ended.container_reason)} if ended.container_reason else {}
    proxy: dict[str, Any] = {"name": PROXY, "lastStatus": "STOPPED", "healthStatus": ended.sidecar_health}
    proxy |= {"exitCode": ended.sidecar_exit} if ended.sidecar_exit is not None else {}
    task = running_task(account, container, number, minutes=21 - 3 * number, taskDefinitionArn=definition)
    task |= {
        "startedBy": FAILED,
        "healthStatus": ended.health,
        "desiredStatus": "STOPPED",
        "lastStatus": "STOPPED",
        "stoppedReason": account.said(ended.reason),
        "stopCode": ended.stop_code,
        "stoppedAt": task["startedAt"] + timedelta(seconds=ended.seconds or 0),
        "containers": [own, proxy],
    }
    if ended.event:
        account.say(container, (account.now - task["stoppedAt"]).total_seconds() / 60 + 0.1, ended.event)
    if ended.seconds is None:
        del task["startedAt"]
    options = account.definitions[definition]["containerDefinitions"][0]["logConfiguration"]["options"]
    if ended.log:
        stream = f"{options['awslogs-stream-prefix']}/{container}/{number:032x}"
        account.logs[options["awslogs-group"], stream] = list(ended.log)


@dataclass(frozen=True)
class Refused:
    """A resource of a type that failed in a stack, or with the type of a stack that itself; and where the stack ended.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
    """

    kind: str
    reason: str
    status: str = "UPDATE_FAILED"
    stack_status: str = "UPDATE_ROLLBACK_COMPLETE"


def failed_stack(account: Account, name: str, refused: Refused, *, running: bool = False) -> None:
    """The last operation of a stack failed; with `running` it has not ended."""
    stack, kind, operation = account.stacks[name], refused.kind, refused.stack_status.partition("_")[0]
    began = f"{operation if operation in ('CREATE', 'DELETE') else 'UPDATE'}_IN_PROGRESS"
    known = _begin(account, stack, kind, began)
    stack_event(account, name, 9, refused.status, refused.reason, of=("", kind) if kind == STACK else (known, kind))
    undone = f"{began.partition('_')[0]}_ROLLBACK_IN_PROGRESS".replace("CREATE_", "")
    if kind != STACK and "ROLLBACK" in refused.stack_status:
        stack_event(account, name, 8.9, undone, f"The following resource(s) failed to update: [{known}].")
    stack["StackStatus"] = undone if running and "ROLLBACK" in refused.stack_status else refused.stack_status
    if not running:
        stack_event(account, name, 8, refused.stack_status)


def _begin(account: Account, stack: dict[str, Any], kind: str, status: str) -> str:
    """Begin an operation on a stack, and on its resource of a type, whose logical id is returned."""
    resources = (each["LogicalResourceId"] for each in stack["resources"] if each["ResourceType"] == kind)
    known = next(resources, "Resource")
    stack |= {"LastUpdatedTime": account.at(20), "StackStatus": status}
    stack_event(account, stack["StackName"], 20, status, "User Initiated")
    if kind != STACK:
        stack_event(account, stack["StackName"], 19.5, status, of=(known, kind))
    return known
