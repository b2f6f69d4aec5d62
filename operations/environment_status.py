"""What runs where: the services of environments, the last deployment, who is at work, which stacks are not usable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from operations.deployed_service import chunks, read_tasks
from operations.deployment_record import DeploymentRecord, read_records
from operations.hold import Hold, read_hold
from operations.service_states import cluster_of, service_arn
from operations.target import Target
from portside.aws.errors import LOG_IN, is_expired
from portside.aws.model import Stack as DeployedStack
from portside.aws.stack_reading import read_all_stacks
from portside.config.stacks import service_stack
from portside.deploy.running_images import digests_of, unaccounted, with_others
from src.environment import Environment
from src.errors import AgoraError
from src.form import Form
from src.image import parse_reference
from src.image_outputs import IMAGE_COMMIT_OUTPUT, IMAGE_OUTPUT, UNKNOWN_COMMIT
from src.resolved_image import short_commit
from src.service_props import ServiceProps

STEADY, ABSENT, UNKNOWN = "steady", "not deployed", "unknown"

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html
_MOST_SERVICES = 10
_SIDE_BY_SIDE = 8
_CLIENTS = ("cloudformation", "ecs", "elbv2", "ssm")

NO_LONGER_GOOD = f"the AWS credentials have expired or are not known. {LOG_IN}"

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class ServiceStatus:
    """A service as it runs. Numbers and moments are None where they are not known.

    `state` is "steady", "not deployed", "unknown", or says what is going on; `targets` are those of the load balancer.
    """

    name: str
    state: str
    version: str = ""
    commit: str = ""
    desired: int | None = None
    running: int | None = None
    pending: int | None = None
    rollout: str = ""
    healthy_targets: int | None = None
    targets: int | None = None
    since: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True)
class EnvironmentStatus:
    """An environment. `remarks` tell what could not be known, and why; `stacks` are those that are not usable."""

    name: str
    services: tuple[ServiceStatus, ...] = ()
    last: DeploymentRecord | None = None
    hold: Hold | None = None
    stacks: Mapping[str, str] | None = None
    remarks: tuple[str, ...] = ()
    unaccounted: tuple[str, ...] = ()
    """Images that run in production without a record or a proof, in sentences."""

    @property
    def is_unread(self) -> bool:
        """Whether nothing at all could be read."""
        unknown = all(service.state == UNKNOWN for service in self.services)
        return unknown and self.stacks is None and self.last is None and self.hold is None

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        last = self.last
        return {
            "environment": self.name,
            "services": [each.as_json() for each in self.services],
            "last_deployment": {"number": last.number, **last.as_json()} if last else None,
            "hold": self.hold and self.hold.as_json(),
            "stacks_not_usable": self.stacks,
            "unaccounted_images": list(self.unaccounted),
            "remarks": list(self.remarks),
        }


def read_status(form: Form, names: Sequence[str], reach: Callable[[str], Target]) -> list[EnvironmentStatus]:
    """The named environments, side by side; `reach` gives the place of one, or raises `AgoraError`."""
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        return list(pool.map(lambda name: _read(form, name, reach), names))


def _read(form: Form, name: str, reach: Callable[[str], Target]) -> EnvironmentStatus:
    try:
        target = reach(name)
        # boto3 makes clients on one thread only; what they are asked for is safe on several.
        # https://docs.aws.amazon.com/boto3/latest/guide/clients.html#multithreading-or-multiprocessing-with-clients
        clients = {service: target.clients(service) for service in _CLIENTS}
    except AgoraError as error:
        why = NO_LONGER_GOOD if error.__cause__ and is_expired(error.__cause__) else error.message
        return EnvironmentStatus(name, remarks=(f"not reachable: {why}",))
    with ThreadPoolExecutor(max_workers=_SIDE_BY_SIDE) as pool:
        return _Reading(form.environment(name), form.services_of(name), clients, pool).status()


class _Reading:
    """One look at an environment: what fails is remarked on, and the rest is told all the same."""

    def __init__(
        self,
        environment: Environment,
        services: Sequence[ServiceProps],
        clients: Mapping[str, Any],
        pool: ThreadPoolExecutor,
    ) -> None:
        self._environment, self._services, self._clients, self._pool = environment, services, clients, pool
        self._remarks: list[str] = []
        self._running: dict[str, Sequence[str]] = {}

    def status(self) -> EnvironmentStatus:
        """Ask for everything that depends on nothing at once, then for what is known by then."""
        name, ssm, cloudformation = self._environment.name, self._clients["ssm"], self._clients["cloudformation"]
        records = self._pool.submit(read_records, ssm, name)
        hold = self._pool.submit(read_hold, ssm, name)
        states = self._pool.submit(read_all_stacks, cloudformation, self._environment.stack_name(""))
        arns = {
            props.container_name: self._pool.submit(
                service_arn, cloudformation, service_stack(self._environment, props.container_name).name
            )
            for props in self._services
        }
        stacks = self._settled("its stacks", states)
        services = self._services_by(arns, stacks or {})
        found = self._settled("its deployments on record", records)
        return EnvironmentStatus(
            name,
            services,
            last=next((record for record in found or () if not record.synthetic), None),
            hold=self._settled("who holds it", hold),
            stacks=None
            if stacks is None
            else {each.name: each.status for each in stacks.values() if not each.is_usable},
            remarks=tuple(dict.fromkeys(self._remarks)),
            unaccounted=() if found is None else unaccounted(self._environment, self._running, found),
        )

    def _settled(self, what: str, future: Future[Answer]) -> Answer | None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return future.result()
        except (BotoCoreError, ClientError) as error:
            self._remarks.append(
                f"unknown: {NO_LONGER_GOOD}" if is_expired(error) else f"{what}: unknown, AWS: {error}"
            )
            return None

    def _services_by(
        self, arns: Mapping[str, Future[str | None]], stacks: Mapping[str, DeployedStack]
    ) -> tuple[ServiceStatus, ...]:
        failed_before = len(self._remarks)
        found = {name: self._settled("its services", future) for name, future in arns.items()}
        is_known = len(self._remarks) == failed_before
        deployed = {name: arn for name, arn in found.items() if arn}
        clusters = sorted({cluster_of(arn) for arn in deployed.values()})
        ecs = self._clients["ecs"]
        described_by = {
            cluster: self._pool.submit(
                _describe, ecs, cluster, [a for a in deployed.values() if cluster_of(a) == cluster]
            )
            for cluster in clusters
        }
        tasks_of = {cluster: self._pool.submit(read_tasks, ecs, cluster) for cluster in clusters}
        described: dict[str, Any] = {}
        for future in described_by.values():
            found_there = self._settled("its services", future)
            described.update(found_there or {})
        tasks = [task for future in tasks_of.values() for task in self._settled("its tasks", future) or ()]
        targets = {
            name: self._pool.submit(_target_health, self._clients["elbv2"], described[arn])
            for name, arn in deployed.items()
            if described.get(arn, {}).get("loadBalancers")
        }
        rows = []
        for props in self._services:
            name = props.container_name
            arn = deployed.get(name)
            if arn is None or arn not in described:
                rows.append(ServiceStatus(name, ABSENT if arn is None and is_known else UNKNOWN))
                continue
            health = self._settled("the load balancer's targets", targets[name]) if name in targets else None
            own = [task for task in tasks if task.get("group") == f"service:{arn.rpartition('/')[2]}"]
            self._running[name] = digests_of(own, name)
            stack = stacks.get(service_stack(self._environment, name).name)
            rows.append(_service_status(name, described[arn], own, health, stack))
        if is_known:
            self._running = with_others(self._running, tasks, [arn.rpartition("/")[2] for arn in deployed.values()])
        return tuple(rows)


def _describe(ecs: Any, cluster: str, arns: Sequence[str]) -> dict[str, Any]:
    return {
        service["serviceArn"]: service
        for chunk in chunks(arns, _MOST_SERVICES)
        for service in ecs.describe_services(cluster=cluster, services=chunk)["services"]
        if service.get("status") != "INACTIVE"
    }


def _target_health(elbv2: Any, service: Mapping[str, Any]) -> tuple[int, int]:
    """How many targets are healthy, of how many. What is leaving is no target any more."""
    states = [
        target["TargetHealth"]["State"]
        for balancer in service["loadBalancers"]
        if balancer.get("targetGroupArn")
        for target in elbv2.describe_target_health(TargetGroupArn=balancer["targetGroupArn"])[
            "TargetHealthDescriptions"
        ]
    ]
    staying = [state for state in states if state != "draining"]
    return staying.count("healthy"), len(staying)


def _service_status(
    name: str,
    service: Mapping[str, Any],
    tasks: Sequence[Mapping[str, Any]],
    targets: tuple[int, int] | None,
    stack: DeployedStack | None,
) -> ServiceStatus:
    primary: Mapping[str, Any] = next((each for each in service["deployments"] if each["status"] == "PRIMARY"), {})
    version, commit = _version(name, stack, tasks)
    return ServiceStatus(
        name,
        _state(service, tasks, targets),
        version,
        commit,
        desired=service["desiredCount"],
        running=service["runningCount"],
        pending=service["pendingCount"],
        rollout=str(primary.get("rolloutState", "")),
        healthy_targets=targets[0] if targets else None,
        targets=targets[1] if targets else None,
        since=primary.get("createdAt"),
    )


def _version(name: str, stack: DeployedStack | None, tasks: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The tag and the commit that the stack names; one that names none is told by its tasks' image."""
    if stack and IMAGE_OUTPUT in stack.outputs:
        image = parse_reference(stack.outputs[IMAGE_OUTPUT])
        commit = stack.outputs.get(IMAGE_COMMIT_OUTPUT, UNKNOWN_COMMIT)
        tag = (image.tag if image else None) or stack.outputs[IMAGE_OUTPUT].rpartition("/")[2]
        return tag, "" if commit == UNKNOWN_COMMIT else short_commit(commit)
    images = {each["image"] for task in tasks for each in task.get("containers", ()) if each["name"] == name}
    found = [(parsed.tag or str(parsed.digest)[:19]) for each in sorted(images) if (parsed := parse_reference(each))]
    return " and ".join(found), ""


def _state(service: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]], targets: tuple[int, int] | None) -> str:
    desired, running = service["desiredCount"], service["runningCount"]
    rollouts = {each["status"]: each.get("rolloutState") for each in service["deployments"]}
    sick = sum(task.get("healthStatus") == "UNHEALTHY" for task in tasks)
    if rollouts.get("PRIMARY") == "FAILED":
        return "failed"
    if "IN_PROGRESS" in rollouts.values():
        return "rolling out"
    if sick:
        return f"unhealthy: {sick} of {len(tasks)} tasks"
    if running != desired or service["pendingCount"]:
        return f"{running} of {desired} running"
    if targets and targets[0] < targets[1]:
        return f"unhealthy: {targets[1] - targets[0]} of {targets[1]} targets"
    return STEADY if desired else "scaled to zero"
