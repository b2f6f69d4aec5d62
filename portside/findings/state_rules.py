"""Findings from the state of a service, if no task or event explains it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from portside.aws.model import Agent, Event, Service, Stack, Task
from portside.aws.snapshot import Snapshot
from portside.commands import remark
from portside.findings.finding import Finding
from portside.findings.rule_context import RuleContext
from portside.findings.service_events import is_routine


def about(service: Service, finding: Finding, since: datetime | None) -> Finding:
    return replace(finding, service=service.name, stack=service.stack, since=since)


def by_state(
    snapshot: Snapshot, service: Service, stack: Stack, events: Sequence[Event], *, deployment_failed: bool
) -> Iterator[Finding]:
    """The finding about the state of a service; `events` are the relevant ones."""
    context = RuleContext(snapshot, service)
    since = stack.updated
    if not service.status:
        yield _not_deployed(snapshot, service, stack, deployment_failed=deployment_failed)
        return
    agents = [(task, agent) for task, agent in service.exec_agents if agent.status == "STOPPED"]
    if deployment_failed:
        yield about(
            service,
            context.found(
                "UNKNOWN",
                "its last deployment failed, and why is no longer known (ECS keeps stopped tasks for an hour)",
                look=context.events,
                fix=context.deploy + remark(f"and within the hour: {snapshot.commands.tool('diagnose')}"),
                evidence=(
                    f"stack {stack.name}: {stack.status}",
                    *(f"{each.logical_id}: {each.reason}" for each in stack.failures[:2]),
                    *_not_routine(events),
                ),
            ),
            since,
        )
    elif service.desired == 0 and service.asked.tasks > 0:
        commands = snapshot.commands
        command = commands.aws(
            *("ecs", "update-service"),
            cluster=service.cluster,
            service=service.ecs_name,
            desired_count=service.asked.tasks,
        )
        yield about(
            service,
            context.found(
                "NO_TASK_WANTED",
                "none of its tasks runs: its desired count was set to 0 outside its stack",
                look=context.events,
                fix=commands.fix(command),
                evidence=(f"desired {service.desired}, running {service.running}",),
            ),
            service.events[0].at if service.events else since,
        )
    elif stack.is_moving or service.pending or any(each.state == "IN_PROGRESS" for each in service.rollouts):
        yield _going_on(snapshot, service, stack, events)
    elif agents:
        yield _no_exec_agent(context, *agents[0])
    elif not service.is_stable or service.running == 0:
        yield about(
            service,
            context.found(
                "UNKNOWN",
                f"{service.running} of {service.desired} tasks run, and ECS does not say why",
                look=context.events,
                fix=context.redeploy,
                evidence=tuple(f"event: {each.message}" for each in service.events[:3]),
            ),
            since,
        )


def _no_exec_agent(context: RuleContext, task: Task, agent: Agent) -> Finding:
    return about(
        context.service,
        context.found(
            "EXEC_AGENT",
            f"it runs, but the agent of ECS exec in task {task.id[:8]} does not, so no command can be run",
            look=context.field("ecs_exec") if not agent.reason else f"task {task.id} in ECS",
            fix=context.redeploy,
            evidence=(f"ExecuteCommandAgent is STOPPED {agent.reason}".rstrip(),),
        ),
        task.started or task.created,
    )


def _not_deployed(snapshot: Snapshot, service: Service, stack: Stack, *, deployment_failed: bool) -> Finding:
    context = RuleContext(snapshot, service)
    if stack.is_moving:
        return _going_on(snapshot, service, stack, ())
    sentence = "not deployed"
    cause = "NOT_DEPLOYED"
    if deployment_failed:
        cause = "UNKNOWN"
        sentence += ": its first deployment failed, and ECS no longer knows why its tasks stopped"
    reasons = tuple(f"{each.logical_id}: {each.reason}" for each in stack.failures[:2])
    look = f"events of stack {stack.name} in CloudFormation"
    return about(
        service, context.found(cause, sentence, look=look, fix=context.deploy, evidence=reasons), stack.updated
    )


def _going_on(snapshot: Snapshot, service: Service, stack: Stack, events: Sequence[Event]) -> Finding:
    context = RuleContext(snapshot, service)
    primary = service.primary
    new = [task for task in service.tasks if primary and task.deployment == primary.id and not task.has_failed]
    running = sum(task.status == "RUNNING" for task in new)
    tasks = f"{running} of {service.desired} new tasks run, {len(new) - running} are starting"
    return about(
        service,
        context.found(
            "GOING_ON",
            f"being deployed: {tasks if service.status else stack.status}",
            look=context.events,
            fix=f"Wait, then: {snapshot.commands.tool('diagnose')}",
            evidence=(*((primary.reason,) if primary and primary.reason else ()), *_not_routine(events)),
        ),
        primary.created if primary else stack.began,
    )


def _not_routine(events: Sequence[Event]) -> tuple[str, ...]:
    """Unknown events are shown as evidence."""
    return tuple(f"event: {each.message}" for each in events if not is_routine(each))[:3]
