"""The container runtime: what Fargate does with a task from PROVISIONING to STOPPED, with stand-ins for containers.

ministack keeps its own task life cycle, circuit breaker and drain; it only hands each new task over here instead
of to Docker. One thread with one event loop serves all tasks. What takes Fargate minutes takes fractions of a
second, scaled by `AGORA_LOCAL_TIME_SCALE` (1 by default).
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from local_aws import loopback_http, stand_in
from local_aws.catalogue import Catalogue, parse_reference
from local_aws.faults import Fault, Faults
from local_aws.ministack_modules import alb, ec2, ecs, iam, responses, secretsmanager, ssm
from local_aws.stand_in import StandIn

log = logging.getLogger("local_aws.fargate")

# Seconds at time scale 1.
PROVISIONING_SECONDS = 0.03
PULL_SECONDS = 0.05
START_SECONDS = 0.05
HEALTH_INTERVAL_SECONDS = 0.05
GRACE_PART_OF_CONFIGURED = 0.01
MONITORING_INTERVAL_SECONDS = 2.0
FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 10.0
SLOW_START_SECONDS = 5.0
REMEMBER_STOPPED_SECONDS = 3600

ESSENTIAL_EXITED = "Essential container in task exited"


@dataclass(frozen=True)
class Launch:
    """A task that ministack wants to run."""

    task: dict[str, Any]
    task_definition: dict[str, Any]
    account: str
    region: str

    @property
    def arn(self) -> str:
        return str(self.task["taskArn"])

    @property
    def task_id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]

    @property
    def cluster(self) -> str:
        return str(self.task["clusterArn"]).rsplit("/", 1)[-1]

    @property
    def service(self) -> str | None:
        kind, _, name = str(self.task.get("group", "")).partition(":")
        return name if kind == "service" else None

    @property
    def service_key(self) -> str:
        return f"{self.cluster}/{self.service}"

    @property
    def deployment(self) -> str:
        return str(self.task.get("_deployment_id"))

    @property
    def containers(self) -> list[dict[str, Any]]:
        return list(self.task_definition.get("containerDefinitions", []))


@dataclass(frozen=True)
class TargetState:
    """What the load balancer thinks of a target: AWS's state, reason code and description."""

    state: str
    reason: str = ""
    description: str = ""


class TaskStopped(Exception):
    """Fargate gives this task up, with AWS's stop code and reason; `exit_code` if a container ended."""

    def __init__(
        self,
        reason: str,
        stop_code: str = "TaskFailedToStart",
        *,
        container: str | None = None,
        exit_code: int | None = None,
        container_reason: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.stop_code = stop_code
        self.container = container
        self.exit_code = exit_code
        self.container_reason = container_reason


@dataclass
class _Live:
    launch: Launch
    coroutine: asyncio.Task[None]
    server: asyncio.Server | None = None
    stand_in: StandIn | None = None
    target_groups: list[str] = field(default_factory=list)


class Fargate:
    """Runs the stand-ins of all accounts."""

    def __init__(self, catalogue: Catalogue, faults: Faults, time_scale: float = 1.0) -> None:
        self.catalogue = catalogue
        self.faults = faults
        self.time_scale = time_scale
        self.loop = asyncio.new_event_loop()
        self._live: dict[str, _Live] = {}
        self._targets: dict[tuple[str, str], TargetState] = {}
        self._failures: dict[str, int] = {}
        self._addresses = itertools.count()
        self._thread = threading.Thread(target=self._run_loop, name="fargate", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, coroutine: Coroutine[Any, Any, Any], timeout: float = 30) -> Any:
        """Runs a coroutine on the runtime's loop and waits for it. Not to be called on that loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def launch(self, launch: Launch) -> None:
        """Takes a task over; returns at once, from whatever thread."""
        self.loop.call_soon_threadsafe(self._begin, launch)

    def ended(self, task_arn: str) -> None:
        """The task's stand-in goes away, whoever stopped the task; from whatever thread."""
        self.loop.call_soon_threadsafe(self._end, task_arn)

    def reset(self) -> None:
        """Every stand-in goes away, without a word to ministack, which has forgotten them already."""
        self.loop.call_soon_threadsafe(self._end_all)

    def stand_ins(self, account: str | None = None) -> list[StandIn]:
        found = [live.stand_in for live in list(self._live.values()) if live.stand_in]
        return [each for each in found if account is None or each.account == account]

    def target_state(self, target_group_arn: str, address: str) -> TargetState | None:
        return self._targets.get((target_group_arn, address))

    def healthy_targets(self, target_group_arn: str) -> list[StandIn]:
        """The stand-ins behind a target group that take traffic."""
        return [
            live.stand_in
            for live in list(self._live.values())
            if live.stand_in
            and target_group_arn in live.target_groups
            and self._targets.get((target_group_arn, live.stand_in.address), TargetState("")).state == "healthy"
        ]

    def in_namespace(self, namespace: str, name: str, port: int | None) -> list[StandIn]:
        """The running stand-ins that Service Connect knows by this name."""
        return [
            each
            for each in self.stand_ins()
            if each.namespace == namespace and any(a.name == name and port in (None, a.port) for a in each.aliases)
        ]

    def _begin(self, launch: Launch) -> None:
        self._live[launch.arn] = _Live(launch, self.loop.create_task(self._life(launch)))

    def _end(self, task_arn: str) -> None:
        live = self._live.pop(task_arn, None)
        if not live:
            return
        if live.server:
            live.server.close()
        if live.stand_in:
            for target_group in live.target_groups:
                self._targets.pop((target_group, live.stand_in.address), None)
        if live.coroutine is not asyncio.current_task(self.loop):
            live.coroutine.cancel()

    def _end_all(self) -> None:
        for task_arn in list(self._live):
            self._end(task_arn)
        self._failures.clear()

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.time_scale)

    async def _life(self, launch: Launch) -> None:
        with responses.request_scope(launch.account, launch.region):
            try:
                await self._start(launch)
                await self._become_healthy(launch)
                self._count_as_steady(launch)
                await self._stay_healthy(launch)
            except TaskStopped as stopped:
                self._stop(launch, stopped)
            except Exception as error:  # the emulator's own fault: say so where a person looks
                log.exception("task %s", launch.arn)
                self._stop(launch, TaskStopped(f"InternalError: the embedded AWS failed: {error!r}"))

    async def _start(self, launch: Launch) -> None:
        failures = self._failures.get(launch.deployment, 0)
        if launch.service and failures:
            await self._pause(min(FIRST_BACKOFF_SECONDS * 2 ** (failures - 1), LONGEST_BACKOFF_SECONDS))
        await self._pause(PROVISIONING_SECONDS)
        if not ecs._mark_task_pending(launch.arn, launch.task):
            return
        self._assume_roles(launch)
        address = self._attach_network_interface(launch)
        ecs._mark_task_activating(launch.arn, launch.task)
        await self._pause(PULL_SECONDS)
        digests = {each["name"]: self._pull(launch, each) for each in launch.containers}
        for container in launch.containers:
            self._read_secrets(launch, container)
            self._open_log_stream(launch, container)
        await self._pause(START_SECONDS)
        for container in launch.containers:
            await self._start_container(launch, container)
        await self._listen(launch, address, digests)
        for container in launch.task["containers"]:
            container["lastStatus"] = "RUNNING"
            container["runtimeId"] = f"{launch.task_id}-{uuid.uuid4().int % 10**10:010}"
        if not ecs._mark_task_running(launch.arn, launch.task):
            self.ended(launch.arn)
            return
        for container in launch.containers:
            self._fail_after_start(launch, container)

    def _assume_roles(self, launch: Launch) -> None:
        for name in ("executionRoleArn", "taskRoleArn"):
            arn = launch.task_definition.get(name)
            if arn and arn.rsplit("/", 1)[-1] not in iam._roles:
                raise TaskStopped(
                    f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that "
                    "the role being passed has the proper trust relationship and permissions and that your IAM user "
                    "has permissions to pass this role."
                )

    def _attach_network_interface(self, launch: Launch) -> str:
        """An elastic network interface in one of the service's subnets, taken in turn."""
        service = ecs._services.get(launch.service_key) if launch.service else None
        network = (service or {}).get("networkConfiguration", {}).get("awsvpcConfiguration", {})
        subnets = network.get("subnets") or [launch.task.get("_subnet")]
        number = next(self._addresses)
        subnet_id = subnets[number % len(subnets)]
        subnet = ec2._subnets.get(subnet_id) or {}
        hosts = ipaddress.ip_network(subnet.get("CidrBlock") or "10.255.0.0/24", strict=False)
        # AWS keeps the first four addresses of a subnet and its last for itself.
        in_use = {each.address for each in self.stand_ins(launch.account)}
        usable = max(hosts.num_addresses - 5, 1)
        candidates = (str(hosts[4 + (number + offset) % usable]) for offset in range(usable))
        address = next((each for each in candidates if each not in in_use), str(hosts[-2]))
        interface = f"eni-{uuid.uuid4().hex[:17]}"
        launch.task["attachments"] = [
            {
                "id": str(uuid.uuid4()),
                "type": "ElasticNetworkInterface",
                "status": "ATTACHED",
                "details": [
                    {"name": "subnetId", "value": subnet_id or ""},
                    {"name": "networkInterfaceId", "value": interface},
                    {"name": "macAddress", "value": "02:00:00:00:00:00"},
                    {"name": "privateIPv4Address", "value": address},
                ],
            }
        ]
        launch.task["availabilityZone"] = subnet.get("AvailabilityZone", f"{launch.region}a")
        launch.task.pop("containerInstanceArn", None)
        for container in launch.task["containers"]:
            container["networkInterfaces"] = [{"attachmentId": interface, "privateIpv4Address": address}]
        return address

    def _fault(self, launch: Launch, container: dict[str, Any], name: str) -> Fault | None:
        fault = self.faults.of(launch.account, container["name"])
        return fault if fault and fault.fault == name else None

    def _pull(self, launch: Launch, container: dict[str, Any]) -> str:
        """The image's digest. A service's deployment keeps the digest that its first task found, as ECS does."""
        image = container["image"]
        deployment = self._deployment(launch)
        pinned = (deployment or {}).get("_image_digests", {}).get(container["name"])
        found = self.catalogue.find(image)
        if not found or self._fault(launch, container, "missing-image"):
            raise TaskStopped(
                f"CannotPullContainerError: pull image manifest has been retried 1 time(s): "
                f"failed to resolve ref {_full_reference(image)}: {_full_reference(image)}: not found",
                container=container["name"],
            )
        digest = str(pinned or found.digest)
        if deployment is not None:
            deployment.setdefault("_image_digests", {})[container["name"]] = digest
        for each in launch.task["containers"]:
            if each["name"] == container["name"]:
                each["imageDigest"] = digest
        return digest

    def _deployment(self, launch: Launch) -> dict[str, Any] | None:
        service = ecs._services.get(launch.service_key) if launch.service else None
        return ecs._deployment_for_task(service, launch.task) if service else None

    def _read_secrets(self, launch: Launch, container: dict[str, Any]) -> None:
        """Checks that every secret can be read, and keeps none of the values.

        A fault bites even where the container reads no secret, or no field of one: then it is as if it did.
        """
        missing, without_field = (
            self._fault(launch, container, name) is not None for name in ("missing-secret", "missing-json-field")
        )
        secrets = [(secret["name"], *secret_location(secret["valueFrom"])) for secret in container.get("secrets", [])]
        if (missing or without_field) and not secrets:
            arn = f"arn:aws:secretsmanager:{launch.region}:{launch.account}:secret:{container['name']}-fault"
            secrets = [("FAULT", arn, None)]
        for number, (variable, arn, field_name) in enumerate(secrets):
            if missing:
                raise _no_such_secret(arn)
            if without_field and (field_name or number == len(secrets) - 1):
                raise _no_such_field(field_name or variable)
            value = _secret_value(arn) if ":secretsmanager:" in arn else ssm.resolve_parameter_value(arn)
            if value is None:
                raise _no_such_secret(arn)
            if field_name and field_name not in _json_fields(value):
                raise _no_such_field(field_name)

    def _open_log_stream(self, launch: Launch, container: dict[str, Any]) -> None:
        config = ecs._awslogs_config(container, launch.task_id, launch.task_id)
        if config and not ecs._ensure_awslogs_stream(config):
            raise TaskStopped(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
                "failed to create Cloudwatch log stream: ResourceNotFoundException: "
                f"The specified log group does not exist. : exit status 1 (log group {config['group']})"
            )

    def write_log(self, launch: Launch, container: dict[str, Any], message: str) -> None:
        config = ecs._awslogs_config(container, launch.task_id, launch.task_id)
        if config:
            with responses.request_scope(launch.account, config["region"] or launch.region):
                ecs._emit_awslogs_event(config, message)

    async def _start_container(self, launch: Launch, container: dict[str, Any]) -> None:
        self.write_log(launch, container, f"stand-in for {container['image']}: starting")
        if fault := self._fault(launch, container, "crash-at-start"):
            exit_code = int(float(fault.value or 1))
            self.write_log(
                launch, container, f"ERROR: crashed while starting, exit code {exit_code} (fault switched on)"
            )
            raise _exited(container, exit_code)
        if fault := self._fault(launch, container, "slow-start"):
            seconds = float(fault.value or SLOW_START_SECONDS)
            self.write_log(launch, container, f"starting slowly: {seconds:g} s until it listens (fault switched on)")
            await asyncio.sleep(seconds)

    def _fail_after_start(self, launch: Launch, container: dict[str, Any]) -> None:
        if self._fault(launch, container, "out-of-memory"):
            self.write_log(launch, container, "ERROR: out of memory (fault switched on)")
            raise _exited(container, 137, "OutOfMemoryError: Container killed due to memory usage")
        fault = self._fault(launch, container, "crash-after-start")
        if fault and fault.value is None:
            self.write_log(launch, container, "ERROR: crashed after it had started, exit code 1 (fault switched on)")
            raise _exited(container, 1)
        if fault:
            live = self._live[launch.arn]
            self.loop.call_later(float(fault.value or 0), self._crash, live, container)

    def _crash(self, live: _Live, container: dict[str, Any]) -> None:
        if self._live.get(live.launch.arn) is not live:
            return
        with responses.request_scope(live.launch.account, live.launch.region):
            self.write_log(live.launch, container, "ERROR: crashed, exit code 1 (fault switched on)")
            live.coroutine.cancel()
            self._stop(live.launch, _exited(container, 1))

    async def _listen(self, launch: Launch, address: str, digests: dict[str, str]) -> None:
        """Starts the HTTP server that answers for the task's containers."""
        live = self._live[launch.arn]
        container = next((each for each in launch.containers if each.get("portMappings")), launch.containers[0])
        service = ecs._services.get(launch.service_key) if launch.service else None
        namespace, aliases = stand_in.service_connect(service)
        live.stand_in = StandIn(
            account=launch.account,
            region=launch.region,
            task_arn=launch.arn,
            cluster=launch.cluster,
            service=launch.service,
            container=container["name"],
            image=container["image"],
            digest=digests[container["name"]],
            address=address,
            environment={each["name"]: each["value"] for each in container.get("environment", [])},
            namespace=namespace,
            aliases=aliases,
            healthy=not any(self._fault(launch, each, "never-healthy") for each in launch.containers),
        )
        live.target_groups = [
            each["targetGroupArn"]
            for each in (service or {}).get("loadBalancers", [])
            if each.get("targetGroupArn") and each.get("containerName") in {c["name"] for c in launch.containers}
        ]
        for target_group in live.target_groups:
            self._targets[target_group, address] = TargetState(
                "initial", "Elb.RegistrationInProgress", "Target registration is in progress"
            )
        live.server = await loopback_http.serve(stand_in.handler(live.stand_in, self.in_namespace))
        live.stand_in.port = loopback_http.port_of(live.server)
        for each in launch.containers:
            ports = ", ".join(str(p.get("containerPort")) for p in each.get("portMappings", [])) or "no port"
            where = f"http://127.0.0.1:{live.stand_in.port} for container port {ports}"
            self.write_log(launch, each, f"stand-in for {each['image']}: listening on {where}")

    async def _become_healthy(self, launch: Launch) -> None:
        """Container health checks, then the load balancer's: each ends in health or in the end of the task."""
        live = self._live.get(launch.arn)
        if not live or not live.stand_in:
            return
        checked = [each for each in launch.containers if each.get("healthCheck")]
        if checked:
            await self._check_containers(launch, live, checked)
        for target_group in live.target_groups:
            await self._check_target(launch, live, target_group)
        if not checked and not live.target_groups:
            await self._pause(HEALTH_INTERVAL_SECONDS)

    async def _check_containers(self, launch: Launch, live: _Live, checked: list[dict[str, Any]]) -> None:
        assert live.stand_in
        healthy = False
        for _ in range(max(int(each["healthCheck"].get("retries") or 3) for each in checked)):
            await self._pause(HEALTH_INTERVAL_SECONDS)
            healthy = live.stand_in.healthy
            if healthy:
                break
        state = "HEALTHY" if healthy else "UNHEALTHY"
        names = {each["name"] for each in checked}
        for container in launch.task["containers"]:
            if container["name"] in names:
                container["healthStatus"] = state
        launch.task["healthStatus"] = state
        if not healthy:
            for container in checked:
                self.write_log(launch, container, "ERROR: the health check fails (fault switched on)")
            raise TaskStopped("Task failed container health checks", "ServiceSchedulerInitiated")

    async def _check_target(self, launch: Launch, live: _Live, target_group: str) -> None:
        """New targets need their passing checks in a row to take traffic; failures count after the grace period."""
        assert live.stand_in
        group = alb._tgs.get(target_group) or {}
        service = ecs._services.get(launch.service_key) or {}
        grace = float(service.get("healthCheckGracePeriodSeconds") or 0) * GRACE_PART_OF_CONFIGURED * self.time_scale
        started = time.monotonic()
        passed = failed = 0
        while passed < int(group.get("HealthyThresholdCount", 5)):
            await self._pause(HEALTH_INTERVAL_SECONDS)
            problem = await self._target_problem(live, group)
            if not problem:
                passed += 1
                continue
            passed, failed = 0, failed + 1
            if failed >= int(group.get("UnhealthyThresholdCount", 2)):
                self._targets[target_group, live.stand_in.address] = problem
                if time.monotonic() - started >= grace:
                    raise self._failed_target(launch, target_group, problem)
        self._targets[target_group, live.stand_in.address] = TargetState("healthy")

    async def _target_problem(self, live: _Live, group: dict[str, Any]) -> TargetState | None:
        assert live.stand_in
        request = loopback_http.Request(
            "GET", group.get("HealthCheckPath") or "/", {"user-agent": "ELB-HealthChecker/2.0"}
        )
        timeout = float(group.get("HealthCheckTimeoutSeconds", 5))
        try:
            answer = await loopback_http.fetch(live.stand_in.port, request, timeout)
        except TimeoutError:
            return TargetState("unhealthy", "Target.Timeout", "Request timed out")
        except OSError:
            return TargetState("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
        if _matches(answer.status, (group.get("Matcher") or {}).get("HttpCode", "200")):
            return None
        return TargetState(
            "unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{answer.status}]"
        )

    def _failed_target(self, launch: Launch, target_group: str, problem: TargetState) -> TaskStopped:
        port = next((p.get("containerPort") for c in launch.containers for p in c.get("portMappings", [])), 80)
        self._event(
            launch,
            f"(service {launch.service}) (port {port}) is unhealthy in (target-group {target_group}) "
            f"due to (reason {problem.description}).",
        )
        return TaskStopped(
            f"Task failed ELB health checks in (target-group {target_group})", "ServiceSchedulerInitiated"
        )

    def _event(self, launch: Launch, message: str) -> None:
        service = ecs._services.get(launch.service_key) if launch.service else None
        if service is not None:
            service["events"].insert(0, {"id": str(uuid.uuid4()), "createdAt": ecs._iso(), "message": message})

    def _count_as_steady(self, launch: Launch) -> None:
        if not launch.service:
            return
        key = launch.service_key
        self._failures.pop(launch.deployment, None)
        ecs._record_service_task_healthy(key, launch.task)
        ecs._refresh_service_state(launch.cluster, launch.task["group"])
        ecs._reconcile_service_tasks(launch.cluster, key)
        deployment = launch.task.get("_deployment_id")
        ecs._complete_service_deployment(launch.cluster, key, expected_deployment_id=deployment)

    async def _stay_healthy(self, launch: Launch) -> None:
        """The load balancer goes on checking, so that a dependency that goes away is seen behind it."""
        live = self._live.get(launch.arn)
        if not live or not live.stand_in:
            return
        failed = 0
        while live.target_groups:
            await self._pause(MONITORING_INTERVAL_SECONDS)
            for target_group in live.target_groups:
                group = alb._tgs.get(target_group)
                if not group:
                    continue
                problem = await self._target_problem(live, group)
                failed = failed + 1 if problem else 0
                if problem and failed >= int(group.get("UnhealthyThresholdCount", 2)):
                    self._targets[target_group, live.stand_in.address] = problem
                    raise self._failed_target(launch, target_group, problem)

    def _stop(self, launch: Launch, stopped: TaskStopped) -> None:
        if launch.service:
            self._failures[launch.deployment] = self._failures.get(launch.deployment, 0) + 1
        for container in launch.task["containers"]:
            if stopped.container in (None, container["name"]):
                if stopped.exit_code is not None:
                    container["exitCode"] = stopped.exit_code
                if stopped.container_reason or stopped.stop_code == "TaskFailedToStart":
                    container["reason"] = stopped.container_reason or stopped.reason
        marked = ecs._mark_task_stopped(launch.arn, launch.task, stopped.reason, stopped.stop_code)
        self._end(launch.arn)
        _forget_old_tasks()
        if marked and stopped.stop_code == "ServiceSchedulerInitiated":
            # ministack counts only exits and failed starts; ECS counts failed health checks just the same.
            ecs._record_service_task_failure(launch.task)


def secret_location(value_from: str) -> tuple[str, str | None]:
    """The ARN (or parameter name) and the JSON field of a container secret's `valueFrom`."""
    parts = value_from.split(":")
    if ":secretsmanager:" not in value_from:
        return value_from, None
    return ":".join(parts[:7]), (parts[7] or None) if len(parts) > 7 else None


def _secret_value(arn: str) -> str | None:
    """By its whole ARN, or by one without the six random characters; ministack takes any beginning of an ARN."""
    secret = secretsmanager._resolve(arn, use_arn_scope=True)[1]
    if not secret or arn not in (secret["ARN"], secret["ARN"][:-7]):
        candidates = [each for each in secretsmanager._secrets.values() if each["ARN"][:-7] == arn]
        arn = candidates[0]["ARN"] if candidates else ""
    value: str | None = secretsmanager.resolve_secret_string(arn) if arn else None
    return value


def _json_fields(value: str) -> frozenset[str]:
    with contextlib.suppress(ValueError):
        decoded = json.loads(value)
        if isinstance(decoded, dict):
            return frozenset(decoded)
    return frozenset()


def _secret_failure(detail: str) -> TaskStopped:
    return TaskStopped(
        "ResourceInitializationError: unable to pull secrets or registry auth: "
        f"execution resource retrieval failed: {detail}"
    )


def _no_such_secret(arn: str) -> TaskStopped:
    return _secret_failure(
        f"unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret {arn} "
        "from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret."
    )


def _no_such_field(name: str) -> TaskStopped:
    return _secret_failure(
        "unable to retrieve secret from asm: service call has been retried 1 time(s): "
        f"retrieved secret from Secrets Manager did not contain json key {name}"
    )


def _exited(container: dict[str, Any], exit_code: int, reason: str = "") -> TaskStopped:
    return TaskStopped(
        ESSENTIAL_EXITED,
        "EssentialContainerExited",
        container=container["name"],
        exit_code=exit_code,
        container_reason=reason,
    )


def _full_reference(image: str) -> str:
    with contextlib.suppress(ValueError):
        parsed = parse_reference(image)
        host = parsed.name.split("/")[0]
        prefix = "" if "." in host or ":" in host else "docker.io/" + ("" if "/" in parsed.name else "library/")
        return prefix + image + ("" if parsed.digest or f":{parsed.tag}" in image else ":latest")
    return image


def _matches(status: int, matcher: str) -> bool:
    """Whether a target group's matcher, such as `200`, `200,302` or `200-299`, holds."""
    for part in str(matcher).split(","):
        low, _, high = part.partition("-")
        if low.strip().isdigit() and int(low) <= status <= int(high or low):
            return True
    return False


def _forget_old_tasks() -> None:
    """ECS shows a stopped task for about an hour; without this the state would grow with every deployment."""
    oldest = time.time() - REMEMBER_STOPPED_SECONDS
    for arn, task in list(ecs._tasks.items()):
        if task.get("lastStatus") == "STOPPED" and ecs._ts_to_epoch(task.get("stoppedAt") or ecs._iso()) < oldest:
            ecs._tasks.pop(arn, None)


def time_scale() -> float:
    """`AGORA_LOCAL_TIME_SCALE`: 1 is the usual compressed time, 0 leaves out every pause that can be left out."""
    with contextlib.suppress(ValueError):
        return max(0.0, float(os.environ.get("AGORA_LOCAL_TIME_SCALE", "1")))
    return 1.0
