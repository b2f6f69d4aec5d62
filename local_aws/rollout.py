"""ECS services as on AWS: deployments in progress until they are steady, failed ones rolled back, and waited for."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from local_aws.fargate import Fargate, Launch
from local_aws.mending import Mend
from local_aws.ministack_modules import alb, ecs, responses, servicediscovery

ECS = "ministack.services.ecs"
WAIT_SECONDS = 180.0

# UpdateService's reference names these as starting a new deployment.
STARTS_DEPLOYMENT = (
    "capacityProviderStrategy",
    "enableExecuteCommand",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "volumeConfigurations",
)
# Stored with the service, though ministack's own functions leave them out.
KEPT_BESIDE = ("serviceConnectConfiguration", "volumeConfigurations", "availabilityZoneRebalancing")

# Reasons that ministack's scheduler gives when it stops a task itself.
_SCHEDULER_REASONS = frozenset(
    {
        "Deployment completed",
        "Service scaling down",
        "Task definition updated",
        "Deployment capacity limit",
        "Service deleted",
    }
)

_DRAINING = "has begun draining connections"
_RUNNING = frozenset({"RUNNING"})

# Reconciling reads all tasks and then starts some: two at once would start them twice. It is entered again by
# what it calls, on the same thread.
_reconciling = threading.RLock()
_changed = threading.Condition()


_interrupted = threading.Event()


def interrupt() -> None:
    """Ends every wait with a failure, so that stacks roll back before the server ends; theirs then wait no more."""
    _interrupted.set()
    _notify()


class RolloutFailed(Exception):
    """A deployment that ended otherwise than steady; the message is the one CloudFormation shows on AWS."""


def _notify() -> None:
    with _changed:
        _changed.notify_all()


def event(service: dict[str, Any], message: str) -> None:
    service["events"].insert(0, {"id": str(uuid.uuid4()), "createdAt": ecs._iso(), "message": message})
    del service["events"][100:]


def wait_until_steady(key: str, deployment_id: str | None = None) -> None:
    """Waits for the service's deployment as CloudFormation does. Raises RolloutFailed; blocks the calling thread.

    With `deployment_id`, a deployment that has failed is waited for until its rollback is over.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    if _interrupted.is_set():
        return
    while True:
        with _changed:
            if _interrupted.is_set():
                raise RolloutFailed("The embedded AWS was stopped while the service was being deployed.")
            service = ecs._services.get(key)
            if not service or service.get("status") != "ACTIVE":
                raise RolloutFailed("Resource of type 'AWS::ECS::Service' was deleted while it was being deployed.")
            primary = ecs._primary_deployment(service) or {}
            state = primary.get("rolloutState")
            failed = state == "FAILED" or any(
                each["id"] == deployment_id and each.get("rolloutState") == "FAILED" for each in service["deployments"]
            )
            if failed and (state == "FAILED" or state == "COMPLETED"):
                raise RolloutFailed("Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.")
            if state == "COMPLETED" and service.get("runningCount") == service.get("desiredCount"):
                return
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise RolloutFailed("Exceeded attempts to wait: the service did not stabilize")
            # Counts change in places that notify nobody, so it looks again now and then.
            _changed.wait(min(remaining, 0.25))


def service_key(cluster: str, service: str) -> str:
    name = ecs._resolve_service_ref(service)
    return f"{ecs._resolve_cluster_name(cluster)}/{name[0] if name else service}"


def _first_deployment_in_progress(original: Any) -> Any:
    def make_deployment(task_definition: str, desired_count: int, status: str = "PRIMARY") -> dict[str, Any]:
        deployment: dict[str, Any] = original(task_definition, desired_count, status)
        deployment["rolloutState"] = "IN_PROGRESS"
        deployment["rolloutStateReason"] = f"ECS deployment {deployment['id']} in progress."
        return deployment

    return make_deployment


def _reconcile_one_at_a_time(original: Any) -> Any:
    def reconcile(cluster_name: str, svc_key: str) -> None:
        with _reconciling:
            service = ecs._services.get(svc_key)
            before = _task_ids(service)
            original(cluster_name, svc_key)
            if service is not None and (started := _task_ids(service) - before):
                tasks = " ".join(f"(task {each})" for each in sorted(started))
                event(service, f"(service {service['serviceName']}) has started {len(started)} tasks: {tasks}.")
        _notify()

    return reconcile


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


def _announce_completion(original: Any) -> Any:
    def complete(cluster_name: str, svc_key: str, expected_deployment_id: str | None = None) -> None:
        with _reconciling:
            service = ecs._services.get(svc_key)
            primary = ecs._primary_deployment(service) if service else None
            before = primary.get("rolloutState") if primary else None
            running = _task_ids(service, _RUNNING)
            original(cluster_name, svc_key, expected_deployment_id)
            if service and (stopped := running - _task_ids(service, _RUNNING)):
                tasks = " ".join(f"(task {each})" for each in sorted(stopped))
                event(service, f"(service {service['serviceName']}) has stopped {len(stopped)} running tasks: {tasks}.")
            if service and primary and before == "IN_PROGRESS" and primary.get("rolloutState") == "COMPLETED":
                name = service["serviceName"]
                primary["rolloutStateReason"] = f"ECS deployment {primary['id']} completed."
                if not primary.pop("_rolling_back", False):
                    # What failed before is told by its own events; AWS drops the drained deployment.
                    service["deployments"] = [
                        each for each in service["deployments"] if each.get("rolloutState") != "FAILED"
                    ]
                event(service, f"(service {name}) (deployment {primary['id']}) deployment completed.")
                event(service, f"(service {name}) has reached a steady state.")
        _notify()

    return complete


def _word_failures_as_aws(original: Any) -> Any:
    def record(task: dict[str, Any], digest_resolution_failed: bool = False) -> None:
        cluster = ecs._cluster_name_from_arn(task.get("clusterArn", ""))
        service = ecs._services.get(f"{cluster}/{task.get('group', '').partition(':')[2]}")
        before = {each["id"] for each in _failed(service)}
        with _reconciling:
            original(task, digest_resolution_failed)
        for deployment in _failed(service):
            if service is None or deployment["id"] in before:
                continue
            deployment["rolloutStateReason"] = "ECS deployment circuit breaker: tasks failed to start."
            primary = ecs._primary_deployment(service)
            if primary and primary is not deployment:
                primary["_rolling_back"] = True
                primary["rolloutStateReason"] = (
                    f"ECS deployment circuit breaker: rolling back to deploymentId {primary['id']}."
                )
            for each in service["events"][:4]:
                each["message"] = (
                    each["message"]
                    .replace(
                        "deployment failed: deployment circuit breaker was triggered.",
                        f"(deployment {deployment['id']}) deployment failed: tasks failed to start.",
                    )
                    .replace(
                        "rolled back to the last completed deployment.",
                        f"rolling back to deployment {(primary or deployment)['id']}.",
                    )
                )
        _notify()

    return record


def _failed(service: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [each for each in (service or {}).get("deployments", []) if each.get("rolloutState") == "FAILED"]


def _tell_runtime_of_stops(fargate: Fargate) -> Callable[[Any], Any]:
    def mend(original: Any) -> Any:
        def mark_stopped(
            task_arn: str, task: dict[str, Any], reason: str, stop_code: str, exit_code: int | None = None
        ) -> bool:
            if stop_code == "UserInitiated" and reason in _SCHEDULER_REASONS:
                stop_code = "ServiceSchedulerInitiated"
                reason = f"Scaling activity initiated by (deployment {task.get('_deployment_id')})"
            marked = bool(original(task_arn, task, reason, stop_code, exit_code))
            if marked:
                fargate.ended(task_arn)
            _notify()
            return marked

        return mark_stopped

    return mend


def _hand_tasks_to_runtime(fargate: Fargate) -> Callable[[Any], Any]:
    def mend(original: Any) -> Any:
        def run_task_worker(
            task: dict[str, Any], td: dict[str, Any], container_overrides: Any, docker: Any, account: str, region: str
        ) -> None:
            definition = _with_overrides(td, container_overrides)
            # ECS names the deployment here, which ties a stopped task to the deployment that failed by it.
            if task.get("_deployment_id"):
                task["startedBy"] = task["_deployment_id"]
            fargate.launch(Launch(task, definition, account, region))

        return run_task_worker

    return mend


def _with_overrides(definition: dict[str, Any], overrides: list[dict[str, Any]]) -> dict[str, Any]:
    """The task definition with RunTask's environment and command overrides applied."""
    by_name = {each.get("name"): each for each in overrides}
    containers = []
    for container in definition.get("containerDefinitions", []):
        override = by_name.get(container["name"], {})
        environment = {each["name"]: each["value"] for each in container.get("environment", [])}
        environment |= {each["name"]: each["value"] for each in override.get("environment", [])}
        changed = {"environment": [{"name": name, "value": value} for name, value in environment.items()]}
        containers.append(container | changed | ({"command": override["command"]} if "command" in override else {}))
    return definition | {"containerDefinitions": containers}


def _replace_stopped_service_tasks(original: Any) -> Any:
    """Only the API's StopTask: the scheduler's own stops are followed by its own reconciling."""

    def stop_task(data: dict[str, Any]) -> Any:
        answer = original(data)
        if answer[0] < 400:
            group = json.loads(answer[2])["task"].get("group", "")
            cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
            if group.startswith("service:"):
                ecs._reconcile_service_tasks(cluster, f"{cluster}/{group.partition(':')[2]}")
        return answer

    return stop_task


def _list_tasks_by_any_name(original: Any) -> Any:
    def list_tasks(data: dict[str, Any]) -> Any:
        if service := data.get("serviceName"):
            name = ecs._resolve_service_ref(service)
            cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
            if not name or f"{cluster}/{name[0]}" not in ecs._services:
                return responses.error_response_json("ServiceNotFoundException", "Service not found.", 400)
            data = data | {"serviceName": name[0]}
        return original(data)

    return list_tasks


def _create_whole_service(original: Any) -> Any:
    def create_service(data: dict[str, Any]) -> Any:
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        if cluster not in ecs._clusters:
            return responses.error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
        if problem := _problem(data, ecs._clusters[cluster]):
            return responses.error_response_json("InvalidParameterException", problem, 400)
        with _reconciling:
            answer = original(data)
            service = ecs._services.get(f"{cluster}/{data.get('serviceName')}")
            if answer[0] < 400 and service:
                _keep_beside(service, data)
                answer = responses.json_response({"service": ecs._sanitize(service)})
        return answer

    return create_service


def _update_whole_service(original: Any) -> Any:
    def update_service(data: dict[str, Any]) -> Any:
        service = ecs._services.get(service_key(data.get("cluster", "default"), data.get("service", "")))
        if service and any(name in data and data[name] != service.get(name) for name in STARTS_DEPLOYMENT):
            data = data | {"forceNewDeployment": True}
        with _reconciling:
            if service:
                for name in KEPT_BESIDE:
                    if name in data:
                        service[name] = data[name]
            before = primary_id(service)
            answer = original(data)
            if answer[0] < 400 and service:
                # ministack says so on every update, with a number that it does not know.
                service["events"][:] = [each for each in service["events"] if _DRAINING not in each["message"]]
                _keep_beside(service, data)
                if primary_id(service) != before:
                    _notify()
                answer = responses.json_response({"service": ecs._sanitize(service)})
        return answer

    return update_service


def primary_id(service: dict[str, Any] | None) -> str | None:
    primary = ecs._primary_deployment(service) if service else None
    return primary["id"] if primary else None


def _keep_beside(service: dict[str, Any], data: dict[str, Any]) -> None:
    for name in KEPT_BESIDE:
        if name in data:
            service[name] = data[name]
    if primary := ecs._primary_deployment(service):
        for name in (*KEPT_BESIDE, "networkConfiguration", "platformVersion", "platformFamily"):
            if service.get(name):
                primary[name] = service[name]
    register_discovery(service)


def register_discovery(service: dict[str, Any]) -> None:
    """Service Connect keeps a Cloud Map service for each discovery name, and takes it away with the ECS service."""
    configuration = service.get("serviceConnectConfiguration") or {}
    namespace = _namespace_id(configuration.get("namespace"))
    wanted = {
        each.get("discoveryName") or each.get("portName")
        for each in configuration.get("services", [])
        if configuration.get("enabled") and namespace and service.get("status") == "ACTIVE"
    }
    owner = service["serviceArn"]
    for identifier, record in list(servicediscovery._services.items()):
        if record.get("_ecs_service") == owner and record["Name"] not in wanted:
            servicediscovery._delete_service({"Id": identifier})
        elif record.get("_ecs_service") == owner:
            wanted.discard(record["Name"])
    for name in sorted(wanted):
        created = servicediscovery._create_service({"NamespaceId": namespace, "Name": name})
        if created[0] < 400:
            identifier = json.loads(created[2])["Service"]["Id"]
            servicediscovery._services[identifier]["_ecs_service"] = owner


def _namespace_id(reference: str | None) -> str | None:
    for identifier, namespace in servicediscovery._namespaces.items():
        if reference and reference in (identifier, namespace["Arn"], namespace["Name"]):
            return str(identifier)
    return None


def _delete_with_discovery(original: Any) -> Any:
    def delete_service(data: dict[str, Any]) -> Any:
        service = ecs._services.get(service_key(data.get("cluster", "default"), data.get("service", "")))
        with _reconciling:
            answer = original(data)
        if answer[0] < 400 and service:
            register_discovery(service)
        _notify()
        return answer

    return delete_service


def _problem(data: dict[str, Any], cluster: dict[str, Any]) -> str | None:
    """Why ECS would refuse this service, where ministack would take it and go wrong later or never."""
    for each in data.get("capacityProviderStrategy") or []:
        if each["capacityProvider"] not in cluster.get("capacityProviders", []):
            return (
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated "
                f"with the cluster. Associate {each['capacityProvider']} with the cluster and try again."
            )
    definition = ecs._task_defs.get(ecs._resolve_td_key(data.get("taskDefinition", ""))) or {}
    ports = {
        container["name"]: container.get("portMappings", []) for container in definition.get("containerDefinitions", [])
    }
    named = {port.get("name") for mappings in ports.values() for port in mappings}
    for each in (data.get("serviceConnectConfiguration") or {}).get("services", []):
        if each.get("portName") not in named:
            return f"portName {each.get('portName')!r} does not refer to any named PortMapping in the task definition."
    for each in data.get("loadBalancers") or []:
        if each.get("containerName") not in ports:
            return f"The container {each.get('containerName')} does not exist in the task definition."
        if each.get("containerPort") not in {port.get("containerPort") for port in ports[each["containerName"]]}:
            port = each.get("containerPort")
            return f"The container {each['containerName']} did not have a container port {port} defined."
    return _target_group_problem(data.get("loadBalancers") or [])


def _target_group_problem(load_balancers: list[dict[str, Any]]) -> str | None:
    attached = {
        action.get("TargetGroupArn")
        for holder, actions in ((alb._listeners, "DefaultActions"), (alb._rules, "Actions"))
        for record in holder.values()
        for action in record.get(actions, [])
    }
    for each in load_balancers:
        arn = each.get("targetGroupArn")
        if arn and arn not in attached:
            return f"The target group with targetGroupArn {arn} does not have an associated load balancer."
    return None


def _reset_runtime(fargate: Fargate) -> Callable[[Any], Any]:
    def mend(original: Any) -> Any:
        def reset() -> None:
            original()
            fargate.reset()
            _notify()

        return reset

    return mend


class _InsteadOfDocker:
    """Makes ministack run its whole task life cycle; nobody calls it, because the runtime takes tasks over."""


def mends(fargate: Fargate) -> tuple[Mend, ...]:
    instead_of_docker = _InsteadOfDocker()
    return (
        Mend(ECS, "_get_docker", "()", "without Docker tasks are RUNNING at once", lambda _: lambda: instead_of_docker),
        Mend(
            ECS,
            "_run_task_worker",
            "(task, td, container_overrides, docker_client, account_id, region)",
            "tasks run in our own runtime",
            _hand_tasks_to_runtime(fargate),
        ),
        Mend(
            ECS,
            "_mark_task_stopped",
            "(task_arn, task, reason, stop_code, exit_code=None)",
            "the runtime must know, and the scheduler's stops carry AWS's stop code",
            _tell_runtime_of_stops(fargate),
        ),
        Mend(ECS, "reset", "()", "stand-ins end with the state", _reset_runtime(fargate)),
        Mend(
            ECS,
            "_make_deployment",
            "(task_definition, desired_count, status='PRIMARY')",
            "a first deployment counted as complete before any task ran",
            _first_deployment_in_progress,
        ),
        Mend(
            ECS,
            "_reconcile_service_tasks",
            "(cluster_name, svc_key)",
            "two threads at once started tasks twice, and there were no events",
            _reconcile_one_at_a_time,
        ),
        Mend(
            ECS,
            "_complete_service_deployment",
            "(cluster_name, svc_key, expected_deployment_id=None)",
            "there were no steady-state events",
            _announce_completion,
        ),
        Mend(
            ECS,
            "_record_service_task_failure",
            "(task, digest_resolution_failed=False)",
            "failed deployments are told in AWS's words",
            _word_failures_as_aws,
        ),
        Mend(
            ECS,
            "_list_tasks",
            "(data)",
            "list-tasks did not take a service's ARN",
            _list_tasks_by_any_name,
        ),
        Mend(
            ECS,
            "_create_service",
            "(data)",
            "Service Connect and volume configurations were dropped, missing clusters made up",
            _create_whole_service,
        ),
        Mend(
            ECS,
            "_update_service",
            "(data)",
            "only a new task definition started a deployment",
            _update_whole_service,
        ),
        Mend(ECS, "_delete_service", "(data)", "Cloud Map services go with the service", _delete_with_discovery),
        Mend(
            ECS,
            "_ECS_DEPLOYMENT_STEADY_DELAY",
            "1.0",
            "the runtime itself says when a task is steady",
            lambda _: 0.02,
        ),
    )


def mend_stop_task_api() -> None:
    """StopTask of the API alone, not the function of the same name that the scheduler calls."""
    ecs._ACTION_MAP["StopTask"] = _replace_stopped_service_tasks(ecs._ACTION_MAP["StopTask"])
