"""The one reader of an environment: its stacks, services, tasks and targets, in as few calls as AWS's API allows.

| call | how many | page |
|---|---|---|
| DescribeStacks | all stacks of the account and region | as AWS cuts it |
| DescribeServices | 1 for every 10 services | 10 |
| ListTasks | 1 or 2: those that run, and those that stopped | 100 |
| DescribeTasks | 1 for every 100 tasks | 100 |
| DescribeTargetHealth | 1 for every service with a load balancer | |

Names of the cluster and of services are in the outputs of their stacks, if the templates publish them; otherwise they
are listed (ListServices, DescribeStackResources). Limits:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html and API_DescribeTasks.html there.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from portside.aws import service_reading, stack_reading
from portside.aws.clients import Clients
from portside.aws.configured import configured
from portside.aws.errors import is_denied, is_missing
from portside.aws.model import Service, Stack, TargetGroup, Task, Unread
from portside.aws.parallel import in_parallel, unread_because
from portside.config.environment import Environment
from portside.config.service_props import ServiceProps
from portside.config.stacks import StackKind, only_stack, service_stack, stacks_for

_SERVICE, _CLUSTER = "AWS::ECS::Service", "AWS::ECS::Cluster"
# How the CDK names the outputs by which the monitoring stack reads names of services, and services that of the cluster.
_SERVICE_OUTPUT = re.compile(r"OutputFnGetAttService\w*Name[0-9A-F]{8}$")
_CLUSTER_OUTPUT = re.compile(r"OutputRefCluster[0-9A-F]+$")

Jobs = dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class Look:
    """An environment at a moment. `stacks` are those that exist, by name; None where they could not be read.

    `unread` is what could not be read; `errors` are AWS's. `unlisted` says why only the configured stacks are known.
    """

    stacks: Mapping[str, Stack] | None
    services: tuple[Service, ...] = ()
    other_tasks: tuple[Task, ...] = ()
    """Those of the cluster's services that are not configured."""
    unread: tuple[Unread, ...] = ()
    errors: tuple[Exception, ...] = ()
    unlisted: Unread | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """The results of the extra jobs, by their names."""
    jobs: tuple[Service, ...] = ()
    """The containers that don't run always, with their tasks."""

    @property
    def known_stacks(self) -> Mapping[str, Stack]:
        """The stacks. Raises AWS's error where they could not be read."""
        if self.stacks is None:
            # They are read before all that depends on them.
            raise self.errors[0]
        return self.stacks

    def whole(self) -> Look:
        """The same, where all could be read. Raises the first of AWS's errors."""
        for error in self.errors:
            raise error
        return self


@dataclass
class _Failures:
    """The errors of one read."""

    deadline: float | None
    unread: list[Unread] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def answers(self, jobs: Jobs) -> dict[str, Any]:
        """The results of the jobs that succeeded."""
        found = in_parallel(jobs, self.deadline)
        for job, answer in found.items():
            if isinstance(answer, Exception):
                self.unread.append(unread_because(job, answer))
                self.errors.append(answer)
        return {job: answer for job, answer in found.items() if not isinstance(answer, Exception)}


class Reader:
    """Reads an environment, repeatedly and on any thread; constant values are read once.

    `clients` must be safe to use on any thread. If the role may not list all stacks, the configured ones are read one
    by one.
    """

    def __init__(self, clients: Clients, environment: Environment, services: Sequence[ServiceProps]) -> None:
        self.clients, self.environment, self.services = clients, environment, tuple(services)
        self._lock = threading.Lock()
        self._cluster = ""
        self._refusal: Exception | None = None

    @property
    def lists_all(self) -> bool:
        """Whether all stacks were listed; else only the configured ones are known."""
        return self._refusal is None

    def stacks(self, deadline: float | None = None) -> dict[str, Stack]:
        """All stacks with the environment's prefix; only the configured ones if the role may not list stacks."""
        cloudformation = self.clients("cloudformation")
        if self._refusal is None:
            from botocore.exceptions import ClientError

            try:
                return stack_reading.read_all_stacks(cloudformation, self.environment.stack_name(""))
            except ClientError as error:
                if not is_denied(error):
                    raise
                self._refusal = error
        names = [stack.name for stack in stacks_for(self.environment, self.services)]
        jobs: Jobs = {name: partial(stack_reading.read_stack, cloudformation, name) for name in names}
        found: dict[str, Stack] = {}
        for name, answer in in_parallel(jobs, deadline).items():
            if isinstance(answer, Exception):
                raise answer
            if answer is not None:
                found[name] = answer
        return found

    def named(self, names: Iterable[str]) -> dict[str, Stack]:
        """Those of the named stacks that exist."""
        found = self.stacks()
        return {name: found[name] for name in names if name in found}

    def look(
        self,
        *,
        stopped: bool = False,
        deadline: float | None = None,
        extra: Mapping[str, Callable[[], Any]] | None = None,
    ) -> Look:
        """The environment now; with `stopped`, with the tasks that stopped within the last hour.

        Reads that take longer than `deadline`, of `time.monotonic()`, are reported as unread. `extra` jobs run
        while the stacks are read.
        """
        failures = _Failures(deadline)
        job = f"stacks of {self.environment.name}"
        answers = failures.answers({job: partial(self.stacks, deadline), **(extra or {})})
        stacks: dict[str, Stack] | None = answers.pop(job, None)
        read, other_tasks = self._services(stacks, failures, stopped=stopped)
        services = tuple(each for each in read if each.asked.is_service)
        jobs = tuple(each for each in read if not each.asked.is_service)
        unlisted = unread_because("stacks that are not configured", self._refusal) if self._refusal else None
        return Look(
            stacks, services, other_tasks, tuple(failures.unread), tuple(failures.errors), unlisted, answers, jobs
        )

    def _services(
        self, stacks: Mapping[str, Stack] | None, failures: _Failures, *, stopped: bool
    ) -> tuple[tuple[Service, ...], tuple[Task, ...]]:
        bare = [self._bare(props, stacks) for props in self.services]
        if stacks is None and not is_denied(failures.errors[0]):
            # The other reads would fail for the same reason.
            return tuple(bare), ()
        cluster = self._cluster_name(stacks, failures)
        if not cluster:
            return tuple(bare), ()
        bare = [replace(each, cluster=cluster) for each in bare]
        ecs = self.clients("ecs")
        others = [each for each in bare if not each.asked.is_service]
        named = self._named([each for each in bare if each.asked.is_service], stacks or {}, cluster, failures)
        names = [each.ecs_name for each in named if each.ecs_name]
        jobs: Jobs = {
            f"services {', '.join(part)}": partial(service_reading.describe_services, ecs, cluster, part)
            for part in service_reading.chunks(names, service_reading.SERVICES_AT_ONCE)
        }
        lists = (
            {f"{status.lower()} tasks of cluster {cluster}": status for status in _statuses(stopped=stopped)}
            if names or others
            else {}
        )
        jobs |= {job: partial(service_reading.list_task_arns, ecs, cluster, status) for job, status in lists.items()}
        answers = failures.answers(jobs)
        described: dict[str, Mapping[str, Any]] = {}
        answered: set[str] = set()
        for job in jobs.keys() & answers.keys() - lists.keys():
            described |= answers[job]
            answered |= set(job.removeprefix("services ").split(", "))
        found = [
            service_reading.with_service(each, described[each.ecs_name])
            if each.ecs_name in described
            else replace(each, known=each.known and (not each.ecs_name or each.ecs_name in answered))
            for each in named
        ]
        arns = list(dict.fromkeys(arn for job in lists for arn in answers.get(job, ())))
        return self._with_tasks_and_targets([*found, *others], cluster, arns, failures)

    def _bare(self, props: ServiceProps, stacks: Mapping[str, Stack] | None) -> Service:
        stack = service_stack(self.environment, props.container_name).name
        outputs = stacks[stack].outputs if stacks and stack in stacks else {}
        name = next((value for key, value in outputs.items() if _SERVICE_OUTPUT.search(key)), "")
        own = {each.part for each in self.environment.own_stacks or ()}
        return Service(props.container_name, stack, configured(props, own), ecs_name=name, known=stacks is not None)

    def _cluster_name(self, stacks: Mapping[str, Stack] | None, failures: _Failures) -> str:
        """The name of the cluster, which never changes; empty if it does not exist."""
        stack = only_stack(self.environment, StackKind.ECS_CLUSTER).name
        if stacks is not None and stack not in stacks:
            # It may come from another stack of the previous app; then the services' ARNs contain its name.
            own = (service_stack(self.environment, each.container_name).name for each in self.services)
            arns = (self._first(each, _SERVICE, failures) for each in own if each in stacks)
            return next((cluster for arn in arns if (cluster := service_reading.cluster_of(arn))), "")
        if not self._cluster:
            outputs = stacks[stack].outputs if stacks else {}
            self._cluster = next((value for key, value in outputs.items() if _CLUSTER_OUTPUT.search(key)), "")
            self._cluster = self._cluster or self._first(stack, _CLUSTER, failures)
        return self._cluster

    def _first(self, stack: str, kind: str, failures: _Failures) -> str:
        """The physical ID of the first resource of a type in a stack, otherwise empty."""
        job = f"resources of stack {stack}"
        ids = failures.answers({job: partial(self.ids, stack)})
        return next(iter(ids.get(job, {}).get(kind, ())), "")

    def described(self, services: Sequence[Service]) -> tuple[Service, ...]:
        """Services that were read before as ECS describes them now, without their tasks and targets.

        Deleted services have no status. Raises AWS's error.
        """
        found: dict[str, Mapping[str, Any]] = {}
        for cluster in dict.fromkeys(each.cluster for each in services):
            names = [each.ecs_name for each in services if each.cluster == cluster]
            for part in service_reading.chunks(names, service_reading.SERVICES_AT_ONCE):
                found |= service_reading.describe_services(self.clients("ecs"), cluster, part)
        return tuple(
            service_reading.with_service(each, found[each.ecs_name])
            if each.ecs_name in found
            else replace(each, status="")
            for each in services
        )

    def ids(self, stack: str) -> dict[str, tuple[str, ...]]:
        """The physical IDs of a stack's resources, by type; empty if the stack does not exist."""
        from botocore.exceptions import ClientError

        try:
            return stack_reading.read_ids(self.clients("cloudformation"), stack)
        except ClientError as error:
            if is_missing(error):
                return {}
            raise

    def _named(
        self, services: Sequence[Service], stacks: Mapping[str, Stack], cluster: str, failures: _Failures
    ) -> list[Service]:
        """The services with the names that ECS knows them by.

        The outputs of a stack are valid while no operation changes it. Otherwise the cluster's services are listed; for
        a stack with no service among them its resources are read, which name a service that was deleted by hand.
        """
        unsure = [each for each in services if not each.ecs_name or not _is_sure(stacks.get(each.stack))]
        if not [each for each in unsure if each.stack in stacks or not stacks]:
            return list(services)
        job = f"services of cluster {cluster}"
        answers = failures.answers({job: partial(service_reading.list_service_names, self.clients("ecs"), cluster)})
        if job not in answers:
            return [replace(each, known=each not in unsure) for each in services]
        listed = {
            each.stack: next((name for name in answers[job] if service_reading.is_of_stack(name, each.stack)), "")
            for each in unsure
        }
        left = {f"stack {each}": each for each, name in listed.items() if not name and each in stacks}
        ids = failures.answers({job: partial(self.ids, stack) for job, stack in left.items()})
        for job, stack in left.items():
            listed[stack] = next(iter(ids.get(job, {}).get(_SERVICE, ())), "").rpartition("/")[2]
        unread = {stack for job, stack in left.items() if job not in ids}
        return [
            replace(each, ecs_name=listed.get(each.stack, each.ecs_name), known=each.known and each.stack not in unread)
            for each in services
        ]

    def _with_tasks_and_targets(
        self, services: Sequence[Service], cluster: str, arns: Sequence[str], failures: _Failures
    ) -> tuple[tuple[Service, ...], tuple[Task, ...]]:
        ecs = self.clients("ecs")
        chunks = service_reading.chunks(arns, service_reading.TASKS_AT_ONCE)
        tasks: Jobs = {
            f"tasks of cluster {cluster} ({number})": partial(service_reading.describe_tasks, ecs, cluster, chunk)
            for number, chunk in enumerate(chunks, 1)
        }
        groups = {
            f"target group {group.arn.rpartition('targetgroup/')[2]}": group
            for each in services
            for group in each.groups
        }
        targets: Jobs = {job: partial(_with_targets, self.clients("elbv2"), group) for job, group in groups.items()}
        answers = failures.answers({**tasks, **targets})
        described = [task for job in tasks for task in answers.get(job, ())]
        read = {group.arn: answers[job] for job, group in groups.items() if job in answers}
        tasks_of, other_tasks = service_reading.by_service(services, described)
        found = tuple(
            replace(
                each,
                tasks=tasks_of[each.name],
                groups=tuple(read.get(group.arn, group) for group in each.groups),
            )
            for each in services
        )
        return found, other_tasks


def _statuses(*, stopped: bool) -> tuple[str, ...]:
    return ("RUNNING", "STOPPED") if stopped else ("RUNNING",)


def _is_sure(stack: Stack | None) -> bool:
    return stack is not None and stack.is_settled


def _with_targets(elbv2: Any, group: TargetGroup) -> TargetGroup:
    """A group with its targets. ELB calls them unused where no load balancer sends requests to the group.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    """
    from botocore.exceptions import ClientError

    try:
        targets = service_reading.read_targets(elbv2, group.arn)
    except ClientError as error:
        if not is_missing(error):
            raise
        return replace(group, is_used=False, is_gone=True)
    is_used = not targets or any(each.state != "unused" for each in targets)
    return replace(group, targets=targets, is_used=is_used)
