"""Deployments of ECS services: in progress until they are stable, rolled back if they fail, and with events."""

from __future__ import annotations

import threading
from typing import Any

from portside.emulator.ministack_modules import ecs
from portside.emulator.patches import rollout, service_events
from portside.emulator.patches.patching import replaces

# Reconciling reads all tasks and then starts some: two threads would start them twice. It is reentrant.
reconciling = threading.RLock()

_RUNNING = frozenset({"RUNNING"})


def primary_id(service: dict[str, Any] | None) -> str | None:
    primary = ecs._primary_deployment(service) if service else None
    return primary["id"] if primary else None


@replaces("services.ecs._ECS_DEPLOYMENT_STEADY_DELAY")
def stable_delay(_: float) -> float:
    """In seconds; the runtime reports when a task is stable."""
    return 0.0


@replaces("services.ecs._make_deployment")
def first_in_progress(
    original: Any, task_definition: str, desired_count: int, status: str = "PRIMARY"
) -> dict[str, Any]:
    """A new deployment is in progress until it is stable; ministack completes the first one before any task runs."""
    deployment: dict[str, Any] = original(task_definition, desired_count, status)
    deployment["rolloutState"] = "IN_PROGRESS"
    deployment["rolloutStateReason"] = f"ECS deployment {deployment['id']} in progress."
    return deployment


@replaces("services.ecs._reconcile_service_tasks")
def reconcile_one_at_a_time(original: Any, cluster_name: str, svc_key: str) -> None:
    """The scheduler reconciles on one thread at a time, with an event about the tasks that it starts."""
    with reconciling:
        service = ecs._services.get(svc_key)
        before = _task_ids(service)
        original(cluster_name, svc_key)
        if service is not None and (started := _task_ids(service) - before):
            service_events.add(service, f"has started {len(started)} tasks: {_listed(started)}.")
    rollout.notify()


@replaces("services.ecs._complete_service_deployment")
def announce_completion(
    original: Any, cluster_name: str, svc_key: str, expected_deployment_id: str | None = None
) -> None:
    """The end of a deployment has events; AWS drops failed deployments, unless this is their rollback."""
    with reconciling:
        service = ecs._services.get(svc_key)
        primary = ecs._primary_deployment(service) if service else None
        before = primary.get("rolloutState") if primary else None
        running = _task_ids(service, _RUNNING)
        original(cluster_name, svc_key, expected_deployment_id)
        if service and (stopped := running - _task_ids(service, _RUNNING)):
            service_events.add(service, f"has stopped {len(stopped)} running tasks: {_listed(stopped)}.")
        if service and primary and before == "IN_PROGRESS" and primary.get("rolloutState") == "COMPLETED":
            _complete(service, primary)
    rollout.notify()


def _complete(service: dict[str, Any], primary: dict[str, Any]) -> None:
    primary["rolloutStateReason"] = f"ECS deployment {primary['id']} completed."
    if not primary.pop("_rolling_back", False):
        service["deployments"] = [each for each in service["deployments"] if each.get("rolloutState") != "FAILED"]
    service_events.add(service, f"(deployment {primary['id']}) deployment completed.")
    service_events.add(service, "has reached a steady state.")


@replaces("services.ecs._record_service_task_failure")
def report_failures_as_aws(original: Any, task: dict[str, Any], digest_resolution_failed: bool = False) -> None:
    """The circuit breaker counts failed tasks, with AWS's texts in reasons and events."""
    cluster = ecs._cluster_name_from_arn(task.get("clusterArn", ""))
    service = ecs._services.get(f"{cluster}/{task.get('group', '').partition(':')[2]}")
    before = {each["id"] for each in _failed(service)}
    with reconciling:
        original(task, digest_resolution_failed)
    for deployment in _failed(service):
        if service is not None and deployment["id"] not in before:
            _report_failure(service, deployment)
    rollout.notify()


def _report_failure(service: dict[str, Any], deployment: dict[str, Any]) -> None:
    deployment["rolloutStateReason"] = "ECS deployment circuit breaker: tasks failed to start."
    primary = ecs._primary_deployment(service)
    if primary and primary is not deployment:
        primary["_rolling_back"] = True
        primary["rolloutStateReason"] = f"ECS deployment circuit breaker: rolling back to deploymentId {primary['id']}."
    words = {
        "deployment failed: deployment circuit breaker was triggered.": (
            f"(deployment {deployment['id']}) deployment failed: tasks failed to start."
        ),
        "rolled back to the last completed deployment.": (
            f"rolling back to deployment {(primary or deployment)['id']}."
        ),
    }
    for each in service["events"][:4]:
        for ministacks, awss in words.items():
            each["message"] = each["message"].replace(ministacks, awss)


def _failed(service: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [each for each in (service or {}).get("deployments", []) if each.get("rolloutState") == "FAILED"]


def _task_ids(service: dict[str, Any] | None, states: frozenset[str] | None = None) -> set[str]:
    if service is None:
        return set()
    group = f"service:{service['serviceName']}"
    return {
        arn.rsplit("/", 1)[-1]
        for arn, task in ecs._tasks.items()
        if task.get("group") == group
        and task.get("clusterArn") == service.get("clusterArn")
        and (states is None or task.get("lastStatus") in states)
    }


def _listed(task_ids: set[str]) -> str:
    return " ".join(f"(task {each})" for each in sorted(task_ids))
