"""Why a task that runs counts as unhealthy: to ECS by the container's own check, or to the load balancer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portside.aws.model import CLOCKS_DIFFER, TargetGroupFacts
from portside.findings.finding import ANY_CALLEE, Cause, Finding
from portside.findings.rule_context import Seen, drift

_CODES = re.compile(r"with these codes: \[([\d, ]+)\]")
_UPSTREAM = frozenset({"502", "503", "504"})
_LISTENS_ON = re.compile(r"\blisten\w*\b.*?\bport\b\D{0,4}(\d{2,5})|\blisten\w*\b.*?[:\s](\d{2,5})\b", re.I)
_ASKS = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\]):(\d{2,5})")
_ELB = re.compile(r"ELB health checks|is unhealthy in \(target-group", re.I)
_CONTAINER = re.compile(r"container health check", re.I)


def health(seen: Seen) -> Finding | None:
    """A task that was given up because of a health check, or runs and fails one."""
    if _ELB.search(seen.words):
        return target(seen)
    if _CONTAINER.search(seen.words) or (seen.task and seen.task.health == "UNHEALTHY"):
        return _container(seen)
    return None


def _container(seen: Seen) -> Finding:
    command = (seen.definition.health_command if seen.definition else "") or seen.service.asked.health_command
    asked, listens = _ASKS.search(command), _listens_on(seen)
    evidence = (*seen.told, f"health check: {command}") if command else seen.told
    if asked and listens and asked[1] != listens:
        return seen.found(
            Cause.HEALTH_CHECK,
            f"its health check asks port {asked[1]}, but the program listens on port {listens}",
            look=seen.field("container_healthcheck"),
            fix=f"Mend the port in container_healthcheck of {seen.name} in app.py, then: {seen.deploy}",
            evidence=evidence,
        )
    return seen.found(
        Cause.HEALTH_CHECK,
        f"it runs, but fails its container health check{f' ({command})' if command else ''}",
        look=seen.log,
        fix=f"{seen.mend}; if it is only slow: start_period_seconds of container_healthcheck of {seen.name} in app.py",
        evidence=evidence,
    )


def target(seen: Seen) -> Finding:
    """What the load balancer says about the service's targets, now or in its events."""
    reasons = list(_reasons(seen))
    group = next(iter(seen.service.groups), None)
    evidence = (*seen.told, *(f"load balancer: {reason}" for reason in dict.fromkeys(reasons)))
    # The newest: others may be of the time when the program had yet to start.
    decisive = reasons[0] if reasons else ""
    codes = [code for found in _CODES.finditer(decisive) for code in re.findall(r"\d+", found[1])]
    path = (group.path if group else "") or seen.service.asked.health_path
    if codes:
        return _wrong_code(seen, codes[0], path, evidence)
    if "timed out" in decisive.lower():
        return _timed_out(seen, group, path, evidence)
    return _refuses(seen, path, evidence)


def _reasons(seen: Seen) -> Iterator[str]:
    """What the load balancer said while the task lived, the newest first; of one that runs, what it says now."""
    stopped = seen.task if seen.task and seen.task.stopped else None
    for group in seen.service.groups if stopped is None else ():
        for each in group.targets:
            if each.state == "unhealthy" and each.description:
                yield each.description
    if found := re.search(r"due to \(reason (.+?)\)\.?$", seen.said):
        yield found[1]
    for event in seen.service.events:
        if stopped and not (stopped.created - CLOCKS_DIFFER <= event.at <= stopped.at + CLOCKS_DIFFER):
            continue
        if found := re.search(r"is unhealthy in \(target-group .*due to \(reason (.+?)\)\.?$", event.message):
            yield found[1]


def _wrong_code(seen: Seen, code: str, path: str, evidence: tuple[str, ...]) -> Finding:
    asks = f"the load balancer asks it for {path} and gets {code}"
    if code == "404" or code.startswith("3"):
        why = "there is no such page" if code == "404" else "it sends the load balancer elsewhere"
        return seen.found(
            Cause.TARGET_CODE,
            f"{asks}: {why}",
            look=seen.field("health_check_path"),
            fix=f"health_check_path of {seen.name} in app.py: a path that answers 200; then: {seen.deploy}",
            evidence=evidence,
        )
    if code in ("401", "403"):
        return seen.found(
            Cause.TARGET_CODE,
            f"{asks}: it wants to know who asks",
            look=seen.field("health_check_path"),
            fix=f"health_check_path of {seen.name} in app.py: a path that answers everybody; then: {seen.deploy}",
            evidence=evidence,
        )
    passes_on = code in _UPSTREAM and seen.service.asked.calls
    return seen.found(
        Cause.TARGET_CODE,
        f"{asks}{', which is what it says where it can not pass a request on' if passes_on else ''}",
        look=seen.log,
        fix=seen.mend,
        evidence=evidence,
        callee=ANY_CALLEE if passes_on else "",
    )


def _timed_out(seen: Seen, group: TargetGroupFacts | None, path: str, evidence: tuple[str, ...]) -> Finding:
    port, limit = seen.service.asked.port, f" within {group.timeout} s" if group and group.timeout else ""
    if group and group.lets_in is False:
        return seen.found(
            Cause.SECURITY_GROUP,
            f"its security groups do not let the load balancer in on port {port}",
            look=f"security groups of {seen.name}, stack {seen.service.stack}",
            fix=drift(
                seen, seen.service.stack, f"bring the rule for port {port} back (ec2 authorize-security-group-ingress)"
            ),
            evidence=evidence,
        )
    return seen.found(
        Cause.TARGET_TIMEOUT,
        f"it does not answer the load balancer's request for {path}{limit}",
        look=seen.log,
        fix=f"{seen.mend}; if it is only slow to start: health_check_grace_seconds of {seen.name} in app.py",
        evidence=evidence,
        callee=ANY_CALLEE if seen.service.asked.calls else "",
    )


def _refuses(seen: Seen, path: str, evidence: tuple[str, ...]) -> Finding:
    port, listens = seen.service.asked.port, _listens_on(seen)
    if listens and listens != str(port):
        return seen.found(
            Cause.TARGET_REFUSED,
            f"nothing listens on port {port}, where the load balancer asks for {path}; "
            f"the program listens on port {listens}",
            look=seen.field("container_port"),
            fix=f"container_port={listens} of {seen.name} in app.py (or let the program listen on {port}), "
            f"then: {seen.deploy}",
            evidence=evidence,
        )
    return seen.found(
        Cause.TARGET_REFUSED,
        f"it takes no connection of the load balancer on port {port}",
        look=seen.field("container_port"),
        fix=f"container_port of {seen.name} in app.py: the port that the program listens on; then: {seen.deploy}",
        evidence=evidence,
    )


def _listens_on(seen: Seen) -> str:
    lines = seen.task.log if seen.task else ()
    found = [match for line in reversed(lines) if (match := _LISTENS_ON.search(line))]
    return next((each[1] or each[2] for each in found), "")
