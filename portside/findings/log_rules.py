"""Why a program ended or is unhealthy, in its own last words: those of Node, Java and Caddy."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from datetime import timedelta

from portside.aws.model import ConfiguredCall
from portside.commands import file_of
from portside.findings import start_rules
from portside.findings.finding import Finding
from portside.findings.rule_context import Rule, RuleContext, drift, more_memory
from src.form import stack_part
from src.service_props import DATABASE

_AT_START = timedelta(seconds=5)
_LISTENED = re.compile(r"\blisten(?:ing|s|ed)?\b|\bstarted\b .*\bin\b|server is running|\bready\b", re.I)
_UNKNOWN_HOST = re.compile(r"(?:getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|UnknownHostException:|lookup) ([\w.-]+)")
_REFUSED = re.compile(
    r"(?:ECONNREFUSED|Connection refused|connect: connection refused|dial tcp)\D{0,60}?([\w.-]*?)[:/ ]*:(\d{2,5})", re.I
)
_DENIED = re.compile(r"is not authorized to perform: ([\w-]+:\w+)(?: on resource: \"?([^\s\",]+))?")
_MONGO = re.compile(r"mongo|:27017|docdb", re.I)
_MONGO_AUTH = re.compile(r"Authentication ?failed|MongoSecurityException|AuthenticationFailed|\bcode: 18\b", re.I)
_MONGO_AWAY = re.compile(
    r"Mongo\w*(?:ServerSelection|Network|Timeout|SocketOpen|SocketRead)\w*(?:Error|Exception)"
    r"|Timed out (?:after \d+ ms )?while waiting (?:for a server|to connect)",
    re.I,
)
_HEAP = re.compile(r"JavaScript heap out of memory|java\.lang\.OutOfMemoryError|Reached heap limit", re.I)
_READ_ONLY = re.compile(r"EROFS|Read-only file system", re.I)


def out_of_memory(context: RuleContext) -> Finding | None:
    """The kernel's end for the container, or the program's own when its heap is full."""
    ended = context.exited
    heap = next((line for line in _lines(context) if _HEAP.search(line)), None)
    if "OutOfMemory" not in context.words and heap is None:
        return None
    size = more_memory(context)
    by_itself = f"the heap of its program was full ({context.memory} MiB are the task's limit)"
    killed = f"it used more than the {context.memory} MiB of its task, and was killed"
    code = f" (exit code {ended.exit_code})" if ended and ended.exit_code is not None else ""
    return context.found(
        "OUT_OF_MEMORY",
        f"out of memory: {killed if heap is None else by_itself}{code}",
        look=context.field("memory"),
        fix=f"memory={size} of {context.name} in app.py (it has {context.memory}), then: {context.deploy}",
    )


def other_platform(context: RuleContext) -> Finding | None:
    """A program of another architecture says so in its only line."""
    if any(re.search("exec format error", line, re.I) for line in _lines(context)):
        return start_rules.exec_format(context)
    return None


def not_a_command(context: RuleContext) -> Finding | None:
    """A shell that found nothing to run: 126 and 127 are its exit codes for that."""
    ended = context.exited
    if ended is None or ended.exit_code not in (126, 127):
        return None
    command = context.definition.command if context.definition else ()
    return context.found(
        "BAD_COMMAND",
        f"its command was not found or can't be run (exit code {ended.exit_code})",
        look=context.field("container_command") if command else f"the entry point of {context.image}",
        fix=f"Mend container_command of {context.name} in app.py, then: {context.deploy}" if command else context.mend,
    )


def database(context: RuleContext) -> Finding | None:
    """The database, which does not answer or does not let the program in."""
    lines = list(_lines(context))
    facts = context.snapshot.database
    speaks_of_it = any(_MONGO.search(line) for line in lines)
    if speaks_of_it and any(_MONGO_AUTH.search(line) for line in lines):
        commands, secret = context.commands, facts.secret or "SECRET"
        value = commands.aws(
            "secretsmanager", "get-secret-value", secret_id=secret, query="SecretString", output="text"
        )
        return context.found(
            "DATABASE_REFUSED",
            "the database does not accept its user and password",
            look=f"secret {secret}, and since when the cluster has another password",
            fix=commands.fix(
                commands.aws(
                    *("docdb", "modify-db-cluster"),
                    db_cluster_identifier=facts.id or "CLUSTER",
                    apply_immediately=True,
                    master_user_password=file_of(value),
                ),
                then=f"changes the cluster's password to that of the secret; then: {context.redeploy}",
            ),
        )
    if not (speaks_of_it and any(_MONGO_AWAY.search(line) for line in lines)):
        return None
    if facts.state and facts.state != "available":
        start = context.commands.aws("docdb", "start-db-cluster", db_cluster_identifier=facts.id)
        return context.found(
            "DATABASE_UNREACHABLE",
            f"the database does not answer: its cluster {facts.id} is {facts.state}",
            look=f"cluster {facts.id} in DocumentDB",
            fix=context.commands.fix(start)
            if facts.state == "stopped"
            else f"Wait until it is available, then: {context.start_again}",
        )
    if not any(call.service == DATABASE for call in context.service.asked.calls):
        return context.found(
            "DATABASE_UNREACHABLE",
            "the database does not let it in: app.py does not say that it calls it",
            look=context.field("calls"),
            fix=f"calls=[Call(DATABASE, {facts.port})] of {context.name} in app.py, then: {context.deploy}",
        )
    return context.found(
        "DATABASE_UNREACHABLE",
        f"it gets no connection to the database on port {facts.port}, whose cluster is "
        f"{facts.state or 'in a state that could not be read'}",
        look=f"security groups and routes of stack {facts.stack}",
        fix=drift(context, facts.stack, f"correct that, then: {context.start_again}"),
    )


def task_role(context: RuleContext) -> Finding | None:
    """A right that the program's own role lacks."""
    for line in _lines(context):
        if denied := _DENIED.search(line):
            action, resource = denied[1], (denied[2] or "").rstrip('".')
            role = context.definition.task_role.rpartition("/")[2] if context.definition else "its task role"
            return context.found(
                "TASK_ROLE_DENIED",
                f"its task role {role} may not do {action}{f' on {resource}' if resource else ''}",
                look=context.field("permissions"),
                fix=_permission(context, action, resource),
            )
    return None


def _permission(context: RuleContext, action: str, resource: str) -> str:
    """The right that was refused and no other, so on the very resource; without one, what to look up."""
    exact = resource.startswith("arn:") and not set(resource) & set("*?")
    asked = resource if exact else "ARN"
    look_up = "" if exact else f" with the ARN that {action.partition(':')[0]} shows for what the program asked for"
    right = f"Permission([{json.dumps(action)}], [{json.dumps(asked)}])"
    return f"permissions=[{right}] of {context.name} in app.py{look_up}, then: {context.deploy}"


def read_only(context: RuleContext) -> Finding | None:
    """A write to a root file system that the form made read-only."""
    for line in _lines(context):
        if _READ_ONLY.search(line):
            path = re.search(r"'(/[^']+)'|\"(/[^\"]+)\"", line)
            where = next(filter(None, path.groups()), "a folder") if path else "a folder"
            folder = where.rpartition("/")[0] or where
            return context.found(
                "READ_ONLY",
                f"it writes to {where}, but its root file system is read-only",
                look=context.field("read_only_root"),
                fix=f"container_volumes=[ContainerVolume({json.dumps(folder)})] of {context.name} in app.py, "
                f"then: {context.deploy}",
            )
    return None


def unknown_host(context: RuleContext) -> Finding | None:
    """A name that nothing answers to in the namespace."""
    for line in _lines(context):
        if found := _UNKNOWN_HOST.search(line):
            host = found[1].rstrip(".")
            if context.snapshot.service(host) is None:
                return context.found(
                    "ENDPOINT_MISSING",
                    f"it calls {host}, and nothing has that name",
                    look=context.field("container_env_vars"),
                    fix=f"Name a service of app.py in container_env_vars of {context.name}, then: {context.deploy}",
                )
            return context.found(
                "ENDPOINT_MISSING",
                f"the name {host} did not exist in Service Connect when its tasks started, "
                "and they learn names only then",
                look=f"services of the namespace of {context.snapshot.environment} in ECS",
                fix=context.start_again,
                callee=host,
            )
    return None


def refused(context: RuleContext) -> Finding | None:
    """A callee that nobody listens for."""
    for line in _lines(context):
        for found in _REFUSED.finditer(line):
            call = _call(context, found[1], int(found[2]))
            if call is not None:
                return context.found(
                    "CALLEE_OUT",
                    f"{call.service} does not take its connections on port {call.port}",
                    look=context.commands.tool("logs", stack_part(call.service)),
                    fix=context.commands.tool("redeploy", stack_part(call.service)),
                    callee=call.service,
                )
    return None


def _call(context: RuleContext, host: str, port: int) -> ConfiguredCall | None:
    """The call that is meant: Service Connect gives every callee an address of its own on 127.255/16."""
    if host in ("localhost", "127.0.0.1"):
        return None
    calls = [call for call in context.service.asked.calls if call.service != DATABASE]
    return next((call for call in calls if host == call.service), next((c for c in calls if c.port == port), None))


def ended(context: RuleContext) -> Finding | None:
    """A program that ended for a reason that only its log tells."""
    container = context.exited
    if container is None or context.task is None:
        return None
    code = container.exit_code
    if code == 137:
        return context.found(
            "KILLED",
            f"{container.name} was killed (exit code 137); AWS does not say that memory was the reason",
            look=context.log,
            fix=f"If its memory was near {context.memory} MiB (MemoryUtilization in CloudWatch): "
            f"memory={more_memory(context)} of {context.name} in app.py; "
            "else a stop took longer than stop_timeout_seconds",
        )
    last = _complaint(context)
    silent = ", and its log is gone" if context.task.log_gone else ", and wrote nothing that tells why"
    says = f": {last.strip()}" if last else silent
    if code == 0:
        return context.found(
            "STOPPED_BY_ITSELF",
            f"{container.name} ended without an error (exit code 0), but a service has to go on running",
            look=context.log,
            fix=f"Mend container_command of {context.name} in app.py, or the program; then: {context.deploy}",
        )
    told = f"exit code {code}{_signal(code)}"
    if _crashed_at_start(context):
        return context.found(
            "CRASH_AT_START",
            f"{container.name} crashes while it starts, with {told}{says}",
            look=context.log,
            fix=context.mend,
        )
    return context.found(
        "CRASH_LATER",
        f"{container.name} starts, and then crashes with {told}{says}",
        look=context.log,
        fix=context.mend,
    )


def _signal(code: int | None) -> str:
    """The signal that ended a program, which its exit code tells by 128 more."""
    ended_by = {each.value + 128: each.name for each in signal.Signals}.get(code or 0, "")
    return f" ({ended_by})" if ended_by else ""


def _complaint(context: RuleContext) -> str:
    """The line of the log that says most: the root of a trace, an error by its name, else one that tells of trouble."""
    lines = list(_lines(context))
    roots = [line.strip().removeprefix("Caused by:") for line in lines if line.strip().startswith("Caused by:")]
    if roots:
        return roots[-1]
    named = (line for line in lines if re.match(r"\s*(?:[\w.$]+ )*[\w.$]*(?:Error|Exception|panic)\b.*:", line))
    return next(named, next((line for line in lines if re.search(r"error|exception|fatal|panic", line, re.I)), ""))


def _crashed_at_start(context: RuleContext) -> bool:
    task = context.task
    if task is None or task.started is None or task.stopped is None:
        return True
    return task.stopped - task.started < _AT_START and not any(_LISTENED.search(line) for line in task.log)


def _lines(context: RuleContext) -> Iterator[str]:
    yield from context.task.log if context.task else ()
    container = context.container
    if container and container.reason:
        yield container.reason


RULES: tuple[Rule, ...] = (
    out_of_memory,
    other_platform,
    not_a_command,
    task_role,
    read_only,
    database,
    unknown_host,
    refused,
)
