"""Why a service's tasks stop or are unhealthy: each cause once, with the tasks that it stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portside.aws.model import Event, Service, Task
from portside.aws.snapshot import Snapshot
from portside.findings import health_rules, log_rules, sidecar_rules, start_rules
from portside.findings.finding import Finding
from portside.findings.rule_context import Rule, RuleContext
from portside.findings.service_events import is_routine, reports_problem

# Why a task stopped: a sidecar, its start, its program's log, its health checks, its exit code.
_TASK_RULES: tuple[Rule, ...] = (
    sidecar_rules.sidecar,
    *start_rules.RULES,
    *log_rules.RULES,
    health_rules.health,
    log_rules.ended,
)

Found = tuple[Finding, list[Task]]


def findings_of(snapshot: Snapshot, service: Service, failed: Sequence[Task], events: Sequence[Event]) -> list[Found]:
    """The causes in failed tasks; otherwise in running tasks, at the load balancer, and in these events."""
    found = _of_failed_tasks(snapshot, service, failed)
    if any(finding.outer != "UNKNOWN" for finding, _ in found):
        return sorted((each for each in found), key=lambda each: each[0].order)
    rest = next(filter(None, (find(snapshot, service, events) for find in (_of_running_tasks, _of_targets))), None)
    of_events = [] if rest else list(_of_events(snapshot, service, events))
    known = [each for each in of_events if each[0].outer != "UNKNOWN"]
    return rest or known[:1] or found or of_events[:1]


def _of_failed_tasks(snapshot: Snapshot, service: Service, failed: Sequence[Task]) -> list[Found]:
    found: dict[str, Found] = {}
    similar: dict[tuple[object, ...], Finding] = {}
    # Not every task's log is read: one whose log was not ended like those that ended the same way.
    for task in sorted(failed, key=lambda task: not task.log):
        end = (task.deployment, task.stopped_reason, tuple((each.exit_code, each.reason) for each in task.containers))
        known = similar.get(end) if not task.log else None
        finding = (
            known or _first(RuleContext(snapshot, service, task)) or _unknown(RuleContext(snapshot, service, task))
        )
        similar.setdefault(end, finding)
        found.setdefault(finding.code, (finding, []))[1].append(task)
    return list(found.values())


def _of_running_tasks(snapshot: Snapshot, service: Service, _: Sequence[Event]) -> list[Found]:
    for task in service.tasks:
        if task.health == "UNHEALTHY" and not task.has_failed:
            context = RuleContext(snapshot, service, task)
            rules = (sidecar_rules.sidecar, *log_rules.RULES, health_rules.health)
            finding = next((each for rule in rules if (each := rule(context))), None)
            return [(finding or _unknown(context), [task])]
    return []


def _of_targets(snapshot: Snapshot, service: Service, _: Sequence[Event]) -> list[Found]:
    if not any(each.state == "unhealthy" for group in service.groups for each in group.targets):
        return []
    running = next((each for each in service.tasks if not each.has_failed), None)
    return [(health_rules.target(RuleContext(snapshot, service, running)), [running] if running else [])]


def _of_events(snapshot: Snapshot, service: Service, events: Sequence[Event]) -> Iterator[Found]:
    for event in events:
        if is_routine(event):
            continue
        context = RuleContext(snapshot, service, said=event.message)
        if finding := _first(context):
            yield finding, []
        elif reports_problem(event):
            yield (
                context.found(
                    "UNKNOWN.EVENT",
                    f"ECS reports: {event.message}",
                    look=context.events,
                    fix=f"Correct what the event names, then: {context.deploy}",
                ),
                [],
            )


def _first(context: RuleContext) -> Finding | None:
    return next((found for rule in _TASK_RULES if (found := rule(context))), None)


def _unknown(context: RuleContext) -> Finding:
    task = context.task
    reasons = [task.stopped_reason, *(each.reason for each in task.containers)] if task else []
    said = "; ".join(dict.fromkeys(filter(None, reasons))) or (task.status if task else "")
    return context.found(
        "UNKNOWN",
        f"its tasks stop, and AWS says only: {said}",
        look=context.log if task and task.log_group else f"task {task.id if task else ''} in ECS",
        fix=f"Correct what that names, then: {context.start_again}",
    )
