"""The context of a rule: a service and one of its tasks, with texts and commands for findings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from portside.aws.model import Container, Service, Task, TaskDefinition
from portside.aws.snapshot import Snapshot
from portside.commands import Commands
from portside.config.identity import short_name
from portside.config.task_size import FARGATE_SIZES
from portside.findings.finding import Finding
from portside.findings.log_block import ErrorBlock, read_block
from portside.records.deployment_record import HEALTHY

KILLED = 137
"""The exit code of a program that the kernel killed: 128 and the number of SIGKILL."""


@dataclass(frozen=True)
class RuleContext:
    """A service in its environment, and one of its tasks; without one, what its events say."""

    snapshot: Snapshot
    service: Service
    task: Task | None = None
    said: str = ""
    """The words of an event, where there is no task."""

    @cached_property
    def words(self) -> str:
        if self.task is None:
            return self.said
        own = [f"{each.name}: {each.reason}" for each in self.task.containers if each.reason]
        return " ".join([self.task.stopped_reason, self.task.stop_code, *own])

    @property
    def container(self) -> Container | None:
        """The service's own container in the task."""
        containers = self.task.containers if self.task else ()
        return next((each for each in containers if each.name == self.service.name), None)

    @property
    def exited(self) -> Container | None:
        """The container that exited: the service's own, or a sidecar."""
        ended = [each for each in (self.task.containers if self.task else ()) if each.exit_code is not None]
        own = [each for each in ended if each.name == self.service.name]
        return next((each for each in [*own, *ended] if each.exit_code), next(iter([*own, *ended]), None))

    @property
    def definition(self) -> TaskDefinition | None:
        """The revision of the task, otherwise the first that was read."""
        found = self.service.definition_of(self.task) if self.task else None
        return found or next(iter(self.service.definitions), None)

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def image(self) -> str:
        return self.definition.image if self.definition and self.definition.image else self.service.asked.image

    @property
    def command(self) -> tuple[str, ...]:
        return self.definition.command if self.definition else ()

    @property
    def memory(self) -> int:
        """The task's limit, in MiB."""
        return (self.definition.memory if self.definition else 0) or self.service.asked.memory

    @property
    def task_role(self) -> str:
        """The name of the role of the task's program; empty if it is unknown."""
        return self.definition.task_role.rpartition("/")[2] if self.definition else ""

    @property
    def was_rolled_back(self) -> bool:
        """Whether the previous revision still serves."""
        stack, primary = self.snapshot.stack(self.service.stack), self.service.primary
        if primary and self.task and self.task.deployment not in ("", primary.id):
            return True
        return bool(stack and stack.has_failed) or any(each.state == "FAILED" for each in self.service.rollouts)

    @property
    def commands(self) -> Commands:
        return self.snapshot.commands

    def short_name(self, container_name: str) -> str:
        """The name of a service as people use it."""
        return short_name(self.snapshot.app, container_name)

    @property
    def deploy(self) -> str:
        return self.commands.tool("deploy")

    @property
    def redeploy(self) -> str:
        """The command that starts the service's tasks again, or a job."""
        verb = "redeploy" if self.service.asked.is_service else "run"
        return self.commands.tool(verb, self.short_name(self.name))

    @property
    def rollback(self) -> str:
        """The command that goes back to the images that ran before."""
        return self.commands.tool("rollback")

    @property
    def start_again(self) -> str:
        """The command that starts its tasks after a fix outside app.py; `deploy` skips unchanged stacks."""
        stack = self.snapshot.stack(self.service.stack)
        return self.redeploy if stack and stack.is_as_made else self.deploy

    @property
    def fix_program(self) -> str:
        serves_on = self.was_rolled_back and self.service.running > 0
        if not serves_on and self._ran_with_another_image:
            return self.rollback
        if self.snapshot.is_released:
            return f"Fix the program, cut another release candidate, promote it, then: {self.deploy}"
        remark = " (the earlier revision still serves)" if serves_on else ""
        return f"Fix the program and publish its image{remark}, then: {self.deploy}"

    @property
    def _ran_with_another_image(self) -> bool:
        """Whether there is a deployment that a rollback can go back to."""
        digest = self.image.rpartition("@")[2]
        return any(
            each.result == HEALTHY and not each.synthetic and digest not in each.digests
            for each in self.snapshot.records
        )

    def field(self, name: str) -> str:
        """The place of a field in app.py."""
        return f"app.py, {name} of {self.name}"

    @property
    def log(self) -> str:
        """Where the container writes."""
        if self.task and self.task.log_group:
            return f"log group {self.task.log_group}, stream {self.task.log_stream}"
        return self.commands.tool("logs", self.short_name(self.name))

    @property
    def events(self) -> str:
        """Where ECS reports what it does."""
        if not self.service.ecs_name:
            return f"events of stack {self.service.stack} in CloudFormation"
        if self.snapshot.is_local:
            return f"events of service {self.service.ecs_name} in cluster {self.service.cluster}"
        region = self.snapshot.region
        return (
            f"https://{region}.console.aws.amazon.com/ecs/v2/clusters/{self.service.cluster}"
            f"/services/{self.service.ecs_name}/events?region={region}"
        )

    @cached_property
    def block(self) -> ErrorBlock:
        return read_block(self.task.log if self.task else ())

    @property
    def has_program_ended(self) -> bool:
        """Whether the task stopped because a program in it ended, which neither ECS nor the kernel had stopped."""
        task, ended = self.task, self.exited
        if task is None or (ended is not None and ended.exit_code == KILLED):
            return False
        return task.stop_code == "EssentialContainerExited" or "Essential container" in task.stopped_reason

    @property
    def last_lines(self) -> tuple[str, ...]:
        """The program's error in the task's log, otherwise the end of the log."""
        return tuple(f"log: {line}" for line in self.block.shown)

    @property
    def evidence(self) -> tuple[str, ...]:
        """The messages of AWS and the program's error, as evidence."""
        if self.task is None:
            return (f"event: {self.said}",) if self.said else ()
        lines = [f"task {self.task.id[:8]}: {self.task.stopped_reason or self.task.status}"]
        ended = self.exited
        if ended and ended.exit_code is not None:
            lines.append(f"{ended.name} exited with {ended.exit_code}{f': {ended.reason}' if ended.reason else ''}")
        return (*lines, *self.last_lines)

    def evidence_with(self, line: str) -> tuple[str, ...]:
        """The evidence, and in it what the log says there."""
        given = self.evidence
        reasons = [each.reason for each in (self.task.containers if self.task else ())]
        quoted = [f"log: {each}" for each in line.split("\n") if each.strip() and each not in reasons]
        is_there = any(all(part in each for each in (" ".join(given),)) for part in quoted[:1])
        return given if is_there or len(quoted) > 1 else (*given, *quoted)

    def found(
        self,
        cause: str,
        sentence: str,
        *,
        look: str,
        fix: str,
        evidence: tuple[str, ...] | None = None,
        callee: str = "",
    ) -> Finding:
        """A finding with the messages of AWS and of the program as its evidence."""
        return Finding(cause, sentence, self.evidence if evidence is None else evidence, look, fix, callee)


def drift(context: RuleContext, stack: str, then: str) -> str:
    """The command that shows changes outside a stack, and what to do then."""
    return context.commands.fix(
        context.commands.aws("cloudformation", "detect-stack-drift", stack_name=stack), then=then
    )


Rule = Callable[[RuleContext], Finding | None]


def more_memory(context: RuleContext) -> int:
    """Fargate's next memory size in MiB, with the task's CPU if possible."""
    own = [size for size in FARGATE_SIZES.get(context.service.asked.cpu, ()) if size > context.memory]
    return min(own or [size for sizes in FARGATE_SIZES.values() for size in sizes if size > context.memory] or [0])
