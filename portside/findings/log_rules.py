"""Why a program ended or is unhealthy, in its own last words: those of Node, Java and Caddy."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from datetime import timedelta

from portside.aws.model import AskedCall
from portside.commands import file_of
from portside.findings import start_rules
from portside.findings.finding import Cause, Finding
from portside.findings.rule_context import Rule, Seen, drift, more_memory
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


def out_of_memory(seen: Seen) -> Finding | None:
    """The kernel's end for the container, or the program's own when its heap is full."""
    ended = seen.exited
    heap = next((line for line in _lines(seen) if _HEAP.search(line)), None)
    if "OutOfMemory" not in seen.words and heap is None:
        return None
    size = more_memory(seen)
    by_itself = f"the heap of its program was full ({seen.memory} MiB are the task's limit)"
    killed = f"it used more than the {seen.memory} MiB of its task, and was killed"
    code = f" (exit code {ended.exit_code})" if ended and ended.exit_code is not None else ""
    return seen.found(
        Cause.OUT_OF_MEMORY,
        f"out of memory: {killed if heap is None else by_itself}{code}",
        look=seen.field("memory"),
        fix=f"memory={size} of {seen.name} in app.py (it has {seen.memory}), then: {seen.deploy}",
    )


def other_platform(seen: Seen) -> Finding | None:
    """A program of another architecture says so in its only line."""
    if any(re.search("exec format error", line, re.I) for line in _lines(seen)):
        return start_rules.exec_format(seen)
    return None


def not_a_command(seen: Seen) -> Finding | None:
    """A shell that found nothing to run: 126 and 127 are its exit codes for that."""
    ended = seen.exited
    if ended is None or ended.exit_code not in (126, 127):
        return None
    command = seen.definition.command if seen.definition else ()
    return seen.found(
        Cause.BAD_COMMAND,
        f"its command was not found or can't be run (exit code {ended.exit_code})",
        look=seen.field("container_command") if command else f"the entry point of {seen.image}",
        fix=f"Mend container_command of {seen.name} in app.py, then: {seen.deploy}" if command else seen.mend,
    )


def database(seen: Seen) -> Finding | None:
    """The database, which does not answer or does not let the program in."""
    lines = list(_lines(seen))
    facts = seen.evidence.database
    speaks_of_it = any(_MONGO.search(line) for line in lines)
    if speaks_of_it and any(_MONGO_AUTH.search(line) for line in lines):
        commands, secret = seen.commands, facts.secret or "SECRET"
        value = commands.aws(
            "secretsmanager", "get-secret-value", secret_id=secret, query="SecretString", output="text"
        )
        return seen.found(
            Cause.DATABASE_REFUSED,
            "the database does not accept its user and password",
            look=f"secret {secret}, and since when the cluster has another password",
            fix=commands.fix(
                commands.aws(
                    *("docdb", "modify-db-cluster"),
                    db_cluster_identifier=facts.id or "CLUSTER",
                    apply_immediately=True,
                    master_user_password=file_of(value),
                ),
                then=f"changes the cluster's password to that of the secret; then: {seen.redeploy}",
            ),
        )
    if not (speaks_of_it and any(_MONGO_AWAY.search(line) for line in lines)):
        return None
    if facts.state and facts.state != "available":
        start = seen.commands.aws("docdb", "start-db-cluster", db_cluster_identifier=facts.id)
        return seen.found(
            Cause.DATABASE_UNREACHABLE,
            f"the database does not answer: its cluster {facts.id} is {facts.state}",
            look=f"cluster {facts.id} in DocumentDB",
            fix=seen.commands.fix(start)
            if facts.state == "stopped"
            else f"Wait until it is available, then: {seen.start_again}",
        )
    if not any(call.service == DATABASE for call in seen.service.asked.calls):
        return seen.found(
            Cause.DATABASE_UNREACHABLE,
            "the database does not let it in: app.py does not say that it calls it",
            look=seen.field("calls"),
            fix=f"calls=[Call(DATABASE, {facts.port})] of {seen.name} in app.py, then: {seen.deploy}",
        )
    return seen.found(
        Cause.DATABASE_UNREACHABLE,
        f"it gets no connection to the database on port {facts.port}, whose cluster is "
        f"{facts.state or 'in a state that could not be read'}",
        look=f"security groups and routes of stack {facts.stack}",
        fix=drift(seen, facts.stack, f"correct that, then: {seen.start_again}"),
    )


def task_role(seen: Seen) -> Finding | None:
    """A right that the program's own role lacks."""
    for line in _lines(seen):
        if denied := _DENIED.search(line):
            action, resource = denied[1], (denied[2] or "").rstrip('".')
            role = seen.definition.task_role.rpartition("/")[2] if seen.definition else "its task role"
            return seen.found(
                Cause.TASK_ROLE_DENIED,
                f"its task role {role} may not do {action}{f' on {resource}' if resource else ''}",
                look=seen.field("permissions"),
                fix=_permission(seen, action, resource),
            )
    return None


def _permission(seen: Seen, action: str, resource: str) -> str:
    """The right that was refused and no other, so on the very resource; without one, what to look up."""
    exact = resource.startswith("arn:") and not set(resource) & set("*?")
    asked = resource if exact else "ARN"
    look_up = "" if exact else f" with the ARN that {action.partition(':')[0]} shows for what the program asked for"
    right = f"Permission([{json.dumps(action)}], [{json.dumps(asked)}])"
    return f"permissions=[{right}] of {seen.name} in app.py{look_up}, then: {seen.deploy}"


def read_only(seen: Seen) -> Finding | None:
    """A write to a root file system that the form made read-only."""
    for line in _lines(seen):
        if _READ_ONLY.search(line):
            path = re.search(r"'(/[^']+)'|\"(/[^\"]+)\"", line)
            where = next(filter(None, path.groups()), "a folder") if path else "a folder"
            folder = where.rpartition("/")[0] or where
            return seen.found(
                Cause.READ_ONLY,
                f"it writes to {where}, but its root file system is read-only",
                look=seen.field("read_only_root"),
                fix=f"container_volumes=[ContainerVolume({json.dumps(folder)})] of {seen.name} in app.py, "
                f"then: {seen.deploy}",
            )
    return None


def unknown_host(seen: Seen) -> Finding | None:
    """A name that nothing answers to in the namespace."""
    for line in _lines(seen):
        if found := _UNKNOWN_HOST.search(line):
            host = found[1].rstrip(".")
            if seen.evidence.service(host) is None:
                return seen.found(
                    Cause.ENDPOINT_MISSING,
                    f"it calls {host}, and nothing has that name",
                    look=seen.field("container_env_vars"),
                    fix=f"Name a service of app.py in container_env_vars of {seen.name}, then: {seen.deploy}",
                )
            return seen.found(
                Cause.ENDPOINT_MISSING,
                f"the name {host} did not exist in Service Connect when its tasks started, "
                "and they learn names only then",
                look=f"services of the namespace of {seen.evidence.environment} in ECS",
                fix=seen.start_again,
                callee=host,
            )
    return None


def refused(seen: Seen) -> Finding | None:
    """A callee that nobody listens for."""
    for line in _lines(seen):
        for found in _REFUSED.finditer(line):
            call = _call(seen, found[1], int(found[2]))
            if call is not None:
                return seen.found(
                    Cause.CALLEE_OUT,
                    f"{call.service} does not take its connections on port {call.port}",
                    look=seen.commands.tool("logs", stack_part(call.service)),
                    fix=seen.commands.tool("redeploy", stack_part(call.service)),
                    callee=call.service,
                )
    return None


def _call(seen: Seen, host: str, port: int) -> AskedCall | None:
    """The call that is meant: Service Connect gives every callee an address of its own on 127.255/16."""
    if host in ("localhost", "127.0.0.1"):
        return None
    calls = [call for call in seen.service.asked.calls if call.service != DATABASE]
    return next((call for call in calls if host == call.service), next((c for c in calls if c.port == port), None))


def ended(seen: Seen) -> Finding | None:
    """A program that ended for a reason that only its log tells."""
    container = seen.exited
    if container is None or seen.task is None:
        return None
    code = container.exit_code
    if code == 137:
        return seen.found(
            Cause.KILLED,
            f"{container.name} was killed (exit code 137); AWS does not say that memory was the reason",
            look=seen.log,
            fix=f"If its memory was near {seen.memory} MiB (MemoryUtilization in CloudWatch): "
            f"memory={more_memory(seen)} of {seen.name} in app.py; else a stop took longer than stop_timeout_seconds",
        )
    last = _complaint(seen)
    silent = ", and its log is gone" if seen.task.log_gone else ", and wrote nothing that tells why"
    says = f": {last.strip()}" if last else silent
    if code == 0:
        return seen.found(
            Cause.STOPPED_BY_ITSELF,
            f"{container.name} ended without an error (exit code 0), but a service has to go on running",
            look=seen.log,
            fix=f"Mend container_command of {seen.name} in app.py, or the program; then: {seen.deploy}",
        )
    told = f"exit code {code}{_signal(code)}"
    if _crashed_at_start(seen):
        return seen.found(
            Cause.CRASH_AT_START,
            f"{container.name} crashes while it starts, with {told}{says}",
            look=seen.log,
            fix=seen.mend,
        )
    return seen.found(
        Cause.CRASH_LATER,
        f"{container.name} starts, and then crashes with {told}{says}",
        look=seen.log,
        fix=seen.mend,
    )


def _signal(code: int | None) -> str:
    """The signal that ended a program, which its exit code tells by 128 more."""
    ended_by = {each.value + 128: each.name for each in signal.Signals}.get(code or 0, "")
    return f" ({ended_by})" if ended_by else ""


def _complaint(seen: Seen) -> str:
    """The line of the log that says most: the root of a trace, an error by its name, else one that tells of trouble."""
    lines = list(_lines(seen))
    roots = [line.strip().removeprefix("Caused by:") for line in lines if line.strip().startswith("Caused by:")]
    if roots:
        return roots[-1]
    named = (line for line in lines if re.match(r"\s*(?:[\w.$]+ )*[\w.$]*(?:Error|Exception|panic)\b.*:", line))
    return next(named, next((line for line in lines if re.search(r"error|exception|fatal|panic", line, re.I)), ""))


def _crashed_at_start(seen: Seen) -> bool:
    task = seen.task
    if task is None or task.started is None or task.stopped is None:
        return True
    return task.stopped - task.started < _AT_START and not any(_LISTENED.search(line) for line in task.log)


def _lines(seen: Seen) -> Iterator[str]:
    yield from seen.task.log if seen.task else ()
    container = seen.container
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
