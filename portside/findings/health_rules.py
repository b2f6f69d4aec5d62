"""Why a running task is unhealthy: by the container's own check, or by the load balancer's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from portside.aws.model import CLOCKS_DIFFER, TargetGroup
from portside.findings.finding import ANY_CALLEE, Finding
from portside.findings.rule_context import RuleContext, drift

Found = Callable[..., Finding]
"""`found` of a rule context, with the evidence."""

_CODES = re.compile(r"with these codes: \[([\d, ]+)\]")
_UPSTREAM = frozenset({"502", "503", "504"})
_LISTENS_ON = re.compile(r"\blisten\w*\b.*?\bport\b\D{0,4}(\d{2,5})|\blisten\w*\b.*?[:\s](\d{2,5})\b", re.I)
_ASKS = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\]):(\d{2,5})")
_ELB = re.compile(r"ELB health checks|is unhealthy in \(target-group", re.I)
_CONTAINER = re.compile(r"container health check", re.I)


def health(context: RuleContext) -> Finding | None:
    """A task that was given up because of a health check, or runs and fails one."""
    if _ELB.search(context.words):
        return target(context)
    if _CONTAINER.search(context.words) or (context.task and context.task.health == "UNHEALTHY"):
        return _container(context)
    return None


def _container(context: RuleContext) -> Finding:
    command = (context.definition.health_command if context.definition else "") or context.service.asked.health_command
    asked, listens = _ASKS.search(command), _listens_on(context)
    evidence = (*context.evidence, f"health check: {command}") if command else context.evidence
    found = partial(context.found, "HEALTH_CHECK", evidence=evidence)
    if asked and listens and asked[1] != listens:
        return found(
            f"its health check asks port {asked[1]}, but the program listens on port {listens}",
            look=context.field("container_healthcheck"),
            fix=f"Correct the port in container_healthcheck of {context.name} in app.py, then: {context.deploy}",
        )
    return found(
        f"it runs, but fails its container health check{f' ({command})' if command else ''}",
        look=context.log,
        fix=f"{context.fix_program}; if it is only slow: "
        f"start_period_seconds of container_healthcheck of {context.name} in app.py",
    )


def target(context: RuleContext) -> Finding:
    """Why the load balancer finds targets unhealthy, now or in the events."""
    reasons = list(_reasons(context))
    group = next(iter(context.service.groups), None)
    evidence = (*context.evidence, *(f"load balancer: {reason}" for reason in dict.fromkeys(reasons)))
    # The newest: earlier ones may be from before the program started.
    decisive = reasons[0] if reasons else ""
    codes = [code for found in _CODES.finditer(decisive) for code in re.findall(r"\d+", found[1])]
    path = (group.path if group else "") or context.service.asked.health_path
    found = partial(context.found, evidence=evidence)
    if codes:
        return _wrong_code(context, codes[0], path, found)
    if "timed out" in decisive.lower():
        return _timed_out(context, group, path, found)
    if decisive.rstrip(".") == "Health checks failed":
        return _refuses(context, path, found)
    return _of_the_load_balancer(context, decisive, path, found)


def _reasons(context: RuleContext) -> Iterator[str]:
    """The load balancer's reasons while the task existed, the newest first; for a running task the current ones."""
    stopped = context.task if context.task and context.task.stopped else None
    for group in context.service.groups if stopped is None else ():
        for each in group.targets:
            if each.state == "unhealthy" and each.description:
                yield each.description
    if found := re.search(r"due to \(reason (.+?)\)\.?$", context.said):
        yield found[1]
    for event in context.service.events:
        if stopped and not (stopped.created - CLOCKS_DIFFER <= event.at <= stopped.at + CLOCKS_DIFFER):
            continue
        if found := re.search(r"is unhealthy in \(target-group .*due to \(reason (.+?)\)\.?$", event.message):
            yield found[1]


# The codes, why the target answers with them, and the fix up to the deployment.
_ANSWERS = (
    ("404", "there is no such page", "health_check_path of {name} in app.py: a path that answers 200"),
    ("3.*", "it sends the load balancer elsewhere", "health_check_path of {name} in app.py: a path that answers 200"),
    ("40[13]", "it requires a login", "health_check_path of {name} in app.py: a path that needs no login"),
    (
        "400",
        "it refuses the request, often because of its Host header, which is the task's address",
        "Let the program accept any Host header for {path}, or health_check_path of {name} in app.py: a path that "
        "answers 200",
    ),
)


def _wrong_code(context: RuleContext, code: str, path: str, found: Found) -> Finding:
    asks = f"the load balancer asks it for {path} and gets {code}"
    for pattern, why, fix in _ANSWERS:
        if re.fullmatch(pattern, code):
            fix = f"{fix.format(name=context.name, path=path)}; then: {context.deploy}"
            return found("TARGET_CODE", f"{asks}: {why}", look=context.field("health_check_path"), fix=fix)
    passes_on = code in _UPSTREAM and context.service.asked.calls
    return found(
        "TARGET_CODE",
        f"{asks}{', which a proxy answers when it cannot pass a request on' if passes_on else ''}",
        look=context.log,
        fix=context.fix_program,
        callee=ANY_CALLEE if passes_on else "",
    )


def _timed_out(context: RuleContext, group: TargetGroup | None, path: str, found: Found) -> Finding:
    port, limit = context.service.asked.port, f" within {group.timeout} s" if group and group.timeout else ""
    if group and group.lets_in is False:
        restore = f"restore the rule for port {port} (ec2 authorize-security-group-ingress)"
        return found(
            "SECURITY_GROUP",
            f"its security groups do not let the load balancer in on port {port}",
            look=f"security groups of {context.name}, stack {context.service.stack}",
            fix=drift(context, context.service.stack, restore),
        )
    return found(
        "TARGET_TIMEOUT",
        f"it does not answer the load balancer's request for {path}{limit}",
        look=context.log,
        fix=f"{context.fix_program}; if it is only slow to start: "
        f"health_check_grace_seconds of {context.name} in app.py",
        callee=ANY_CALLEE if context.service.asked.calls else "",
    )


def _refuses(context: RuleContext, path: str, found: Found) -> Finding:
    port, listens = context.service.asked.port, _listens_on(context)
    if listens and listens != str(port):
        return found(
            "TARGET_REFUSED",
            f"nothing listens on port {port}, where the load balancer asks for {path}; "
            f"the program listens on port {listens}",
            look=context.field("container_port"),
            fix=f"container_port={listens} of {context.name} in app.py (or let the program listen on {port}), "
            f"then: {context.deploy}",
        )
    return found(
        "TARGET_REFUSED",
        f"it takes no connection of the load balancer on port {port}",
        look=context.field("container_port"),
        fix=f"container_port of {context.name} in app.py: the port that the program listens on; then: {context.deploy}",
    )


def _of_the_load_balancer(context: RuleContext, reason: str, path: str, found: Found) -> Finding:
    """Reasons other than the answer of the program.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    """
    port, commands = context.service.asked.port, context.commands
    place = f"target group of {context.name} in EC2, load balancers"
    if re.search(r"internal error", reason, re.I):
        return found(
            "AWS_TROUBLE.LOAD_BALANCER",
            "the load balancer could not check it because of an internal error, which is transient",
            look="https://health.aws.amazon.com",
            fix=f"{context.start_again}  # again",
        )
    if re.search(r"not enabled for the load balancer", reason, re.I):
        return found(
            "REFUSED.ZONE",
            "its task runs in an availability zone in which the load balancer has no subnet",
            look="subnets of the load balancer and of the service",
            fix=drift(context, context.service.stack, f"give both the same zones; then: {context.deploy}"),
        )
    if re.search(r"not (?:configured to receive|registered)|IP address|in use by", reason, re.I):
        return found(
            "BY_HAND.TARGET",
            f"the load balancer does not send it requests: {reason}",
            look=place,
            fix=drift(context, context.service.stack, f"restore what was changed; then: {context.deploy}"),
        )
    said = f": {reason}" if reason else "; ECS and the load balancer no longer say why"
    return found(
        "UNKNOWN.TARGET",
        f"it fails the load balancer's health check for {path} on port {port}{said}",
        look=context.log,
        fix=f"See that the program answers {path} on port {port} with 200 within the time limit "
        f"(health_check_path, container_port and health_check_grace_seconds of {context.name} in app.py); "
        f"its log: {commands.tool('logs', context.name)}; then: {context.deploy}",
    )


def _listens_on(context: RuleContext) -> str:
    lines = context.task.log if context.task else ()
    found = [match for line in reversed(lines) if (match := _LISTENS_ON.search(line))]
    return next((each[1] or each[2] for each in found), "")
