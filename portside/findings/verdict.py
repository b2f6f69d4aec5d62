"""Judge a snapshot: the problems, their causes and fixes, the most decisive first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from portside.aws.errors import DENIED, EXPIRED
from portside.aws.health import HealthState, health
from portside.aws.model import CLOCKS_DIFFER, Service, Stack, Task
from portside.aws.runs import failed_run, last_run
from portside.aws.snapshot import Snapshot
from portside.commands import tool
from portside.config.identity import short_name
from portside.findings import hand_rules, stack_rules
from portside.findings.codes import Severity
from portside.findings.consequences import traced
from portside.findings.failed_rollouts import failed_rollouts, tasks_in_question
from portside.findings.finding import Finding, State
from portside.findings.rule_context import RuleContext
from portside.findings.service_events import events_in_question
from portside.findings.state_rules import about, by_state
from portside.findings.task_findings import findings_of

__all__ = ["Finding", "judge"]

# A service whose tasks fail repeatedly is unhealthy, even if they are always replaced.
_REPEATED_FAILURES = 3
# https://docs.aws.amazon.com/documentdb/latest/developerguide/monitoring_docdb-cluster_status.html
_AFTERWARDS = {"stopping": "stopped, then start it", "starting": "available"}
_NO_ANSWER = frozenset({"stopped", *_AFTERWARDS})
_STABLE = re.compile(r"deployment completed|reached a steady state")


def judge(snapshot: Snapshot) -> tuple[Finding, ...]:
    """The verdicts on an environment, root causes before consequences; never none."""
    expired = [each for each in snapshot.unknown if each.code in EXPIRED]
    if expired:
        return (_credentials(snapshot, expired[0].what),)
    stacks = [verdict for stack in snapshot.stacks for verdict in _on_stack(snapshot, stack)]
    services = [verdict for service in snapshot.services for verdict in _on_service(snapshot, service, stacks)]
    jobs = [verdict for job in snapshot.jobs for verdict in _on_job(snapshot, job)]
    found = traced(snapshot, [*stacks, *_on_database(snapshot), *services, *jobs])
    wrong = sorted((each for each in found if each.is_wrong), key=_rank)
    unconfigured = tuple(stack_rules.unconfigured(each) for each in snapshot.beside)
    if snapshot.only is not None:
        wrong, unconfigured = _about(snapshot.only, wrong, snapshot), ()
    if wrong:
        return (*wrong, *unconfigured)
    return (*_nothing_wrong(snapshot, [each for each in found if not each.is_wrong]), *unconfigured)


def _rank(verdict: Finding) -> tuple[bool, bool, int]:
    # A service that is not deployed is a cause, unless another service is the reason.
    suffers = verdict.code == "CALLEE_OUT" or (verdict.code == "NOT_DEPLOYED" and bool(verdict.callee))
    return suffers, verdict.code == "UNKNOWN", verdict.order


def _about(name: str, verdicts: Sequence[Finding], snapshot: Snapshot) -> list[Finding]:
    """Those on one service and on the stacks that all share; those on its callees where it suffers from them."""
    own = snapshot.service(name)
    services = {each.stack for each in (*snapshot.services, *snapshot.jobs)} - {own.stack if own else ""}
    mine = [each for each in verdicts if each.service == name or (not each.service and each.stack not in services)]
    suffers = any(each.service == name and each.severity is Severity.CONSEQUENCE for each in mine)
    return list(verdicts) if suffers else mine


def _credentials(snapshot: Snapshot, sentence: str) -> Finding:
    return Finding(
        "CREDENTIALS",
        f"AWS no longer accepts the credentials, so {snapshot.environment} could not be read",
        evidence=(f"could not be read: {sentence}",),
        look="the AWS profile in use",
        fix='aws sso login --profile "$AWS_PROFILE"',
        since=snapshot.at,
    )


def _on_stack(snapshot: Snapshot, stack: Stack) -> Iterator[Finding]:
    service = next((each.name for each in (*snapshot.services, *snapshot.jobs) if each.stack == stack.name), "")
    reasons = stack.failures if _matters(snapshot, stack) else ()
    roots = [found for each in reasons if (found := stack_rules.failure(snapshot, stack, each))]
    stuck = stack_rules.state(snapshot, stack)
    for found in [*([stuck] if stuck else []), *roots[:1]]:
        yield stack_rules.verdict(stack, found, service)
    if stuck or roots or service:
        return
    is_open = stack.is_moving or stack.status == "ROLLBACK_COMPLETE" or not _is_past(snapshot, stack)
    if is_open and (found := stack_rules.unexplained(snapshot, stack)):
        yield stack_rules.verdict(stack, found, service)


def _on_database(snapshot: Snapshot) -> Iterator[Finding]:
    facts = snapshot.database
    if facts.kind is None or facts.state not in _NO_ANSWER:
        return
    started = snapshot.commands.aws(*facts.kind.command("start"), **facts.kind.identified(facts.id))
    start = snapshot.commands.fix(started)
    yield Finding(
        "DATABASE_UNREACHABLE",
        f"its {facts.name} is {facts.state}, so it answers no connection",
        evidence=(f"{facts.kind.title}: {facts.id} is {facts.state}",),
        look=f"{facts.name} in {facts.kind.title}",
        fix=start if facts.state == "stopped" else f"Wait until it is {_AFTERWARDS[facts.state]}",
        stack=facts.stack,
    )


def _matters(snapshot: Snapshot, stack: Stack) -> bool:
    """Whether what failed in a stack is still of interest: an export that is in use leaves the stack as it was."""
    kept = any("xport" in each.reason for each in stack.failures)
    return (stack.has_failed or stack.is_moving or kept) and not _is_past(snapshot, stack)


def _is_past(snapshot: Snapshot, stack: Stack) -> bool:
    """Whether a later deployment went well, to which the stack's last failure means nothing any more."""
    failed = stack.failures[-1].at if stack.failures else stack.updated
    return failed is not None and any(each.result == "healthy" and each.began > failed for each in snapshot.records)


def _on_service(snapshot: Snapshot, service: Service, stacks: Sequence[Finding]) -> Iterator[Finding]:
    stack = snapshot.stack(service.stack) or Stack(service.stack)
    since = snapshot.since
    by_hand = _by_hand(snapshot, service, stack)
    if by_hand:
        yield by_hand
        return
    rollouts = failed_rollouts(service, since, stack)
    deployment_failed = bool(rollouts) or (stack.has_failed and not _is_past(snapshot, stack))
    if not service.known and not deployment_failed:
        return
    failed = tasks_in_question(service, rollouts, since, stack)
    events = events_in_question(service, since, stack)
    findings = findings_of(snapshot, service, failed, events)
    if not deployment_failed and not stack.is_moving and service.is_healthy:
        yield from _of_healthy_service(service, findings)
        return
    if findings:
        on_its_way = (stack.is_moving and not stack.has_failed) or any(
            each.state == "IN_PROGRESS" for each in service.rollouts
        )
        for finding, tasks in findings:
            yield _verdict(service, finding, tasks, " (it is still being tried)" if on_its_way else "")
        return
    if not service.known:
        return
    reported_by_stack = any(each.stack == service.stack for each in stacks)
    if reported_by_stack and not service.status:
        return
    yield from by_state(snapshot, service, stack, events, deployment_failed=deployment_failed and not reported_by_stack)


def _on_job(snapshot: Snapshot, job: Service) -> Iterator[Finding]:
    """Why the last run of a job failed, if it did; an earlier failure is no problem any more."""
    failed = failed_run(job)
    if failed and not (snapshot.since and failed.at < snapshot.since - CLOCKS_DIFFER):
        for finding, tasks in findings_of(snapshot, job, [failed], ()):
            yield _verdict(job, finding, tasks, "")


def _by_hand(snapshot: Snapshot, service: Service, stack: Stack) -> Finding | None:
    """Changes outside the stack, which may cause all other problems."""
    if not service.known:
        return None
    failed = next((task for task in service.tasks if task.has_failed and task.definition == service.definition), None)
    rules = (hand_rules.deleted, hand_rules.another_revision, hand_rules.entrance)
    found = next((found for rule in rules if (found := rule(RuleContext(snapshot, service, failed), stack))), None)
    return about(service, found, failed.at if failed else None) if found else None


def _of_healthy_service(service: Service, findings: Sequence[tuple[Finding, list[Task]]]) -> Iterator[Finding]:
    stable_since = [event.at for event in service.events if _STABLE.search(event.message)]
    for finding, tasks in findings:
        # Count outages with a stable period between them; one long outage is something else.
        outages = {sum(at <= task.at for at in stable_since) for task in tasks} - {0}
        if len(outages) >= _REPEATED_FAILURES:
            yield _verdict(service, finding, tasks, " (repeatedly; each time another task replaced it)")
        elif tasks:
            verdict = _verdict(service, finding, tasks, "")
            failed = f"{len(tasks)} tasks failed" if len(tasks) > 1 else "a task failed"
            until = f"until {max(task.at for task in tasks):%H:%M} UTC"
            yield replace(
                verdict,
                code="HEALED",
                what=f"it has recovered; {failed} {until}: {verdict.what}",
                fix="Nothing has to be done",
            )


def _verdict(service: Service, finding: Finding, tasks: Sequence[Task], remark: str) -> Finding:
    since = min((task.at for task in tasks), default=service.events[0].at if service.events else None)
    count = f"{len(tasks)} tasks stopped so" if len(tasks) > 1 else ""
    evidence = (*finding.evidence, *((count,) if count else ()))
    return replace(
        finding,
        service=service.name,
        stack=service.stack,
        what=finding.what + remark,
        evidence=evidence,
        since=since,
    )


def _nothing_wrong(snapshot: Snapshot, remarks: Sequence[Finding]) -> tuple[Finding, ...]:
    """The verdict if no problem was found, which is no proof that everything works."""
    if snapshot.unknown:
        return (_not_all_known(snapshot), *remarks)
    if remarks:
        return tuple(sorted(remarks, key=_rank))
    about = snapshot.only or snapshot.environment
    services = [each for each in snapshot.services if snapshot.only in (None, each.name)]
    if only := next((job for job in snapshot.jobs if job.name == snapshot.only), None):
        return (_idle(snapshot, only),)
    running = sum(each.running for each in services)
    unchecked = ", ".join(each.name for each in services if health(each).state is not HealthState.HEALTHY)
    well = f"none unhealthy; nothing checks the health of {unchecked}" if unchecked else "all healthy"
    last = next((each for each in snapshot.records if each.result == "healthy"), None)
    last_deployment = (
        (f"last deployment: {last.version}, {last.ended:%Y-%m-%d %H:%M} UTC, by {last.who}",) if last else ()
    )
    return (
        Finding(
            "NOTHING",
            f"Nothing is wrong with {about}: {running} tasks run, {well}",
            evidence=last_deployment,
            look=snapshot.commands.tool("history"),
            fix="Nothing has to be done",
            service=snapshot.only or "",
        ),
    )


def _idle(snapshot: Snapshot, job: Service) -> Finding:
    """The verdict on a job whose last run did not fail."""
    last = last_run(job)
    said = f"its last run ended at {last.at:%H:%M} UTC with exit code 0" if last else "no run ended in the last hour"
    return Finding(
        "NOTHING",
        f"Nothing is wrong with {job.name}: {said}",
        look=snapshot.commands.tool("logs", short_name(snapshot.app, job.name)),
        fix="Nothing has to be done",
        service=job.name,
    )


def _not_all_known(snapshot: Snapshot) -> Finding:
    first = snapshot.unknown[0]
    denied = any(each.code in DENIED for each in snapshot.unknown)
    rights = f"Give these credentials the rights that {tool('role', snapshot.environment, local=False)} prints, then: "
    return Finding(
        "UNKNOWN",
        f"Nothing wrong was seen in {snapshot.environment}, but not everything could be read, so this is no all-clear",
        evidence=tuple(f"unknown: {each.what}, because {each.why}" for each in snapshot.unknown[:5]),
        look=f"{first.what}: {first.why}",
        fix=f"{rights if denied else ''}{snapshot.commands.tool('diagnose')}",
        since=snapshot.at,
        state=State.UNREAD,
    )
