"""The name that people open, and whether it leads to the environment's load balancer."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from portside.aws.ownership import expect_ours
from portside.aws.stack_reading import read_stack
from portside.aws.target import Target
from portside.commands import tool
from portside.config.environment import Environment
from portside.config.stacks import StackKind, only_stack
from portside.errors import UserError

RESOLVES, ELSEWHERE, NOT_YET, UNKNOWN = "resolves", "leads elsewhere", "does not resolve yet", "unknown"

Resolve = Callable[[str], set[str]]
"""Resolves a name to its addresses, possibly none. Raises OSError if the lookup fails."""


@dataclass(frozen=True)
class DnsStatus:
    """The `snippet` for the organisation's DNS repository, and the load balancer that the name resolves to now."""

    environment: str
    fqdn: str
    export: str
    load_balancer: str
    snippet: str
    state: str
    found: str

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def read_dns(target: Target, resolve: Resolve) -> DnsStatus:
    """Read the export, and look the name up.

    Raises `UserError` where there is no load balancer yet, or where it is another app's.
    """
    environment = target.environment
    if not environment.load_balancer:
        raise UserError(f"{environment.name} has no load balancer: LOAD_BALANCER in app.py is False")
    name = only_stack(environment, StackKind.LOAD_BALANCER).name
    stack = read_stack(target.clients("cloudformation"), name)
    expect_ours([stack] if stack else [], environment)
    exports = {key: value for key, value in (stack.exports if stack else {}).items() if key == f"{name}-dns"}
    if not exports:
        raise UserError(
            f"{environment.name} has no load balancer {target.place} that exports its name as {name}-dns",
            f"Deploy it first, then add the name: {tool('deploy', environment.name)}"
            f"{' --local' if target.is_local else ''}",
        )
    ((export, load_balancer),) = exports.items()
    if not environment.fqdn:
        state, found = UNKNOWN, f"{environment.name} has no FQDN in app.py: open http://{load_balancer}"
    elif target.is_local:
        state, found = UNKNOWN, "a rehearsal has no DNS"
    else:
        state, found = compare(environment.fqdn, load_balancer, resolve)
    return DnsStatus(
        environment.name, environment.fqdn, export, load_balancer, snippet_of(environment, export), state, found
    )


def snippet_of(environment: Environment, export: str) -> str:
    """The line for org-formation, which copies the export's value from the environment's account."""
    account = f"{environment.identity.title.replace(' ', '')}{environment.name.capitalize()}Account"
    return f"TargetHostName: !CopyValue [!Sub '{export}', !Ref {account}]"


def compare(fqdn: str, load_balancer: str, resolve: Resolve) -> tuple[str, str]:
    """Whether a name leads to a load balancer, and what was found.

    One answer contains only some of a load balancer's addresses, so one in common is enough.
    """
    try:
        expected, actual = resolve(load_balancer), resolve(fqdn)
    except OSError as error:
        return UNKNOWN, f"the name server does not answer: {error}"
    if not actual:
        return NOT_YET, f"{fqdn} has no address"
    addresses = ", ".join(sorted(actual))
    if not expected:
        return UNKNOWN, f"{fqdn} has {addresses}, but the load balancer's own name has no address"
    if actual & expected:
        return RESOLVES, f"{fqdn} leads to the load balancer ({addresses})"
    return ELSEWHERE, f"{fqdn} leads to {addresses}, the load balancer is {', '.join(sorted(expected))}"


def look_up(name: str) -> set[str]:
    """The addresses of a name, as this machine's resolver finds them."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)}
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            return set()
        raise
