"""Connections of a program to services of the environment and to other hosts, by name and by port."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from portside.aws.configured import ConfiguredCall
from portside.config.service_props import DATABASE
from portside.findings.finding import Finding
from portside.findings.rule_context import RuleContext

_UNKNOWN_HOST = re.compile(
    r"(?:getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|UnknownHostException:|\blookup (?!address)"
    r"|host not found in (?:upstream|resolver)"
    r"|[Cc]ould not resolve (?:host|"
    r"address|hostname):?|[Ff]ailed to (?:resolve|look up address of)|host='|connecting to|could not be resolved.*"
    r"|Could not translate host name)"
    r"[ \"'`]*([\w.-]+)"
)
_NO_NAME = re.compile(
    r"Name or service not known|Temporary failure in name resolution|nodename nor servname|failed to lookup address"
    r"|no such host"
    r"|No address associated with hostname|getaddrinfo failed|NameResolutionError|EAI_AGAIN|ENOTFOUND|host not found"
    r"|UnknownHost"
    r"|[Cc]ould not resolve (?:host|address)|[Ff]ailed to resolve",
)
_TEMPORARY = re.compile(r"EAI_AGAIN|Temporary failure|Try again|server misbehaving|i/o timeout")
_REFUSED = re.compile(
    r"(?:ECONNREFUSED|Connection refused|connect: connection refused|dial tcp)\D{0,60}?([\w.-]*?)[:/ ]*:(\d{2,5})", re.I
)


_NO_ANSWER = re.compile(
    r"upstream connect error|no healthy upstream|status(?:[ _]?code)?\W{1,4}50[234]\b"
    r"|\b50[234] (?:Bad Gateway|Service|Gateway)",
    re.I,
)
_URL = re.compile(r"\bhttps?://([\w.-]+?)(?::(\d{2,5}))?(?=[/\s'\"?]|$)")


def unknown_host(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """A name that does not resolve: that of a service, of another host, or an unknown one."""
    line = next((line for line in lines if _NO_NAME.search(line)), None)
    if line is None:
        return None
    found = next((match for each in (line, *lines) if (match := _UNKNOWN_HOST.search(each))), None)
    host = found[1].strip(".") if found else ""
    finding = partial(context.found, evidence=context.evidence_with(line))
    if host and context.snapshot.service(host) is not None:
        return finding(
            "ENDPOINT_MISSING",
            f"the name {host} did not exist in Service Connect when its tasks started, and they learn names only then",
            look=f"services of the namespace of {context.snapshot.environment} in ECS",
            fix=context.start_again,
            callee=host,
        )
    if "." in host or not host:
        which = f"the name {host}" if host else "the name of a host that it calls"
        if any(_TEMPORARY.search(each) for each in lines):
            return finding(
                "ENDPOINT_MISSING.DNS",
                f"DNS does not answer for {which}",
                look=context.log,
                fix=f"{context.start_again}  # again; if it lasts: DNS support of the VPC, and the route out of its "
                f"subnets (NAT)",
            )
        return finding(
            "ENDPOINT_MISSING.DNS",
            f"{which} does not exist in DNS",
            look=context.field("container_env_vars"),
            fix=f"Correct the host in container_env_vars of {context.name} in app.py, then: {context.deploy}",
        )
    return finding(
        "ENDPOINT_MISSING",
        f"it calls {host}, and nothing has that name",
        look=context.field("container_env_vars"),
        fix=f"Name a service of app.py in container_env_vars of {context.name}, then: {context.deploy}",
    )


def refused(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """A callee on which nothing listens, or that it may not call."""
    for line in lines:
        for found in _REFUSED.finditer(line):
            call = _call(context, found[1], int(found[2]))
            if call is not None:
                return _callee_out(context, call, f"does not take its connections on port {call.port}", line)
    return None


def answers_badly(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """A callee without a task that can answer, for which a Service Connect proxy answers."""
    line = next((line for line in lines if _NO_ANSWER.search(line)), None)
    if line is None:
        return None
    for found in (match for each in lines for match in _URL.finditer(each)):
        call = _call(context, found[1], int(found[2] or 80))
        if call is not None and call.service == found[1]:
            return _callee_out(context, call, f"has no task that answers on port {call.port}", line)
    return None


def _callee_out(context: RuleContext, call: ConfiguredCall, problem: str, line: str) -> Finding:
    name = context.short_name(call.service)
    return context.found(
        "CALLEE_OUT",
        f"{call.service} {problem}",
        look=context.commands.tool("logs", name),
        fix=context.commands.tool("redeploy", name),
        evidence=context.evidence_with(line),
        callee=call.service,
    )


def _call(context: RuleContext, host: str, port: int) -> ConfiguredCall | None:
    """The configured call: Service Connect gives every callee its own address on 127.255/16."""
    if host in ("localhost", "127.0.0.1"):
        return None
    calls = [call for call in context.service.asked.calls if call.service != DATABASE]
    return next((call for call in calls if host == call.service), next((c for c in calls if c.port == port), None))
