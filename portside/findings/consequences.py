"""Which findings only follow from another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from portside.aws.model import Service
from portside.aws.snapshot import Snapshot
from portside.config.service_props import DATABASE
from portside.findings.finding import ANY_CALLEE, Finding


def traced(snapshot: Snapshot, verdicts: Sequence[Finding]) -> list[Finding]:
    """The verdicts; those caused by another service name that service and have its fix."""
    if verdicts and all(each.code == "NOT_DEPLOYED" for each in verdicts):
        return _none_deployed(snapshot, verdicts)
    return [_traced(snapshot, verdict, verdicts) for verdict in verdicts]


def _none_deployed(snapshot: Snapshot, verdicts: Sequence[Finding]) -> list[Finding]:
    if len(verdicts) < len(snapshot.services):
        return list(verdicts)
    first = verdicts[0]
    return [replace(first, service="", stack="", what=f"{snapshot.environment} is not deployed")]


def _traced(snapshot: Snapshot, verdict: Finding, verdicts: Sequence[Finding]) -> Finding:
    service = snapshot.service(verdict.service)
    if service is None:
        return verdict
    if verdict.code == "NOT_DEPLOYED":
        root = next(_problems(snapshot, service, verdicts, set()), None)
        return verdict if root is None else _because(snapshot, verdict, root, "not deployed yet")
    if not verdict.callee:
        return verdict
    names = _callees(service) if verdict.callee == ANY_CALLEE else [verdict.callee]
    for name in names:
        callee = snapshot.service(name)
        if callee is not None and _is_out(callee):
            root = next(_problems(snapshot, callee, verdicts, set(), with_own=True), None)
            if root is not None and root is not verdict:
                return replace(_because(snapshot, verdict, root, verdict.what), code="CALLEE_OUT", callee=name)
    return replace(verdict, callee="" if verdict.callee == ANY_CALLEE else verdict.callee)


def _because(snapshot: Snapshot, verdict: Finding, root: Finding, sentence: str) -> Finding:
    # Asked about one service, the other one's finding is not shown, so its sentence is.
    why = f": {root.what}" if snapshot.only else ""
    return replace(
        verdict,
        what=f"{sentence}, because of {root.service or root.stack}{why}",
        look=root.look,
        fix=root.fix,
        callee=root.service,
    )


def _callees(service: Service) -> list[str]:
    return [call.service for call in service.asked.calls if call.service != DATABASE]


def _is_out(service: Service) -> bool:
    """Whether no task of a service can answer."""
    alive = [task for task in service.tasks if not task.has_failed and task.status == "RUNNING"]
    return service.running == 0 or (bool(alive) and all(task.health == "UNHEALTHY" for task in alive))


def _problems(
    snapshot: Snapshot, service: Service, verdicts: Sequence[Finding], context: set[str], *, with_own: bool = False
) -> Iterator[Finding]:
    """The problems of a service's dependencies, the deepest first: indirect callees, callees, shared stacks."""
    context.add(service.name)
    for name in _callees(service):
        callee = snapshot.service(name)
        if callee is not None and name not in context:
            yield from _problems(snapshot, callee, verdicts, context, with_own=True)
    for each in verdicts:
        if with_own and each.service == service.name and each.is_wrong and not _suffers(each, snapshot):
            yield each
    if not with_own:
        yield from (each for each in verdicts if not each.service and each.stack and each.is_wrong)


def _suffers(verdict: Finding, snapshot: Snapshot) -> bool:
    """Whether the cause is another service. A missing service whose stacks are all stable has its own problem."""
    if verdict.code != "NOT_DEPLOYED":
        return bool(verdict.callee)
    return any(each.has_failed or each.is_moving for each in snapshot.stacks)
