"""The host name, which another repository points at the load balancer."""

from __future__ import annotations

from portside.aws.dns import ELSEWHERE, NOT_YET, RESOLVES, compare, look_up, snippet_of
from portside.config.stacks import StackKind, only_stack
from portside.findings.check import fail, ok
from portside.findings.finding import Finding
from portside.preflight.context import Context
from portside.preflight.questions import NotKnown, Question

SUBJECT = "host name"


def questions() -> list[Question]:
    """What is asked of the DNS."""
    return [Question(SUBJECT, host_name)]


def host_name(context: Context) -> Finding:
    """Whether people who open the host name come to this environment's load balancer."""
    environment = context.environment
    if context.target.is_local:
        raise NotKnown(f"a rehearsal has no DNS, and {environment.fqdn} is another's")
    name = only_stack(environment, StackKind.LOAD_BALANCER).name
    balancer = context.states().get(name)
    export = f"{name}-dns"
    wanted = balancer.exports.get(export) if balancer else None
    if not wanted:
        raise NotKnown("there is no load balancer yet: deploy first, then point the name there")
    state, found = compare(environment.fqdn, wanted, look_up)
    if state in (NOT_YET, ELSEWHERE):
        hint = f"Add to org-formation, as {context.commands.tool('dns')} shows: {snippet_of(environment.name, export)}"
        return fail(SUBJECT, found, hint)
    if state != RESOLVES:
        raise NotKnown(found)
    return ok(SUBJECT, found)
