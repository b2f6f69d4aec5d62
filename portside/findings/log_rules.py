"""Why a program ended or is unhealthy, according to its log.

Rules that depend on the environment are here or in `database_rules`; those that depend only on the text are rows of
`log_words.toml`. The program's error is matched before the rest of its log.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from portside.findings import start_rules
from portside.findings.connection_rules import answers_badly, refused, unknown_host
from portside.findings.database_rules import DATABASES_FILE, database
from portside.findings.finding import Finding
from portside.findings.log_block import is_remark
from portside.findings.log_terms import first_in_log
from portside.findings.memory_rules import killed_at_limit, out_of_memory
from portside.findings.rule_context import KILLED, Rule, RuleContext, more_memory

FILE = "log_words.toml"
LineRule = Callable[[RuleContext, Sequence[str]], Finding | None]

# The start-up time of the slowest programs, for those that do not log when they are ready.
_STARTS_WITHIN = timedelta(seconds=60)
_READY = re.compile(
    r"\blisten(?:ing|s)?\b(?! (?:EADDR|EACCES|tcp))|\bstarted\b (?!by\b).*\bin\b|server is running"
    r"|\bready\b(?! (?:to|for start))"
    r"|Application startup complete"
    r"|serving (?:initial configuration|at|on)|start worker process|resuming normal operations"
    r"|Booted\b",
    re.I,
)
_NEVER_BOOTED = re.compile(
    r"failed to boot|Exception in worker process|APPLICATION FAILED TO START|Application startup failed"
    r"|Exception encountered during context initialization"
)
_DENIED = re.compile(r"is not authorized to perform: ([\w-]+:\w+)(?: on resource: \"?([^\s\",]+))?")
_READ_ONLY = re.compile(r"EROFS|Read-only file system|\[Errno 30\]|os error 30", re.I)
_PATH = re.compile(
    r"['\"\u201c\u2018`](/[^'\"\u201d\u2019`]+)['\"\u201d\u2019`]|(/[\w./-]+)(?=:? ?\(?Read-only)",
    re.I,
)
_LONGEST = 220
_SIGNALS = {
    134: "SIGABRT: it aborted itself",
    139: "SIGSEGV: a memory fault",
    143: "SIGTERM: it was asked to stop",
}


def program(context: RuleContext) -> Finding | None:
    """The cause in the program's error, otherwise in the rest of its log."""
    crash = "CRASH_AT_START" if _crashed_at_start(context) else "CRASH_LATER"
    for lines in _groups(context):
        found = _known(context, lines, crash) if lines else None
        # Some reports take two lines to say it.
        whole = "\n".join(context.block.lines)
        if found := found or first_in_log(FILE, context, [whole], crash):
            return found
    return None


def _known(context: RuleContext, lines: Sequence[str], crash: str) -> Finding | None:
    for rule in _RULES_OF_THE_ENVIRONMENT:
        if found := rule(context, lines):
            return found
    if found := first_in_log(DATABASES_FILE, context, lines, crash):
        return found
    for rule in (unknown_host, refused, answers_badly):
        if found := rule(context, lines):
            return found
    return first_in_log(FILE, context, lines, crash)


def _groups(context: RuleContext) -> Iterator[Sequence[str]]:
    """The lines of the error, its reason first; then the others that are no mere remarks, the newest first."""
    block, container = context.block, context.container
    yield [*([block.reason] if block.reason else []), *block.lines]
    rest = [line for line in reversed(block.rest) if not is_remark(line)]
    yield [*([container.reason] if container and container.reason else []), *rest]


def other_platform(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """A program of another architecture."""
    if any(re.search("exec format error", line, re.I) for line in lines):
        return start_rules.exec_format(context)
    return None


def task_role(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """A right that the program's own role lacks."""
    for line in lines:
        if denied := _DENIED.search(line):
            action, resource = denied[1], (denied[2] or "").rstrip('".')
            role = context.task_role or "its task role"
            return context.found(
                "TASK_ROLE_DENIED",
                f"its task role {role} may not do {action}{f' on {resource}' if resource else ''}",
                look=context.field("permissions"),
                fix=_permission(context, action, resource),
                evidence=context.evidence_with(line),
            )
    return None


def _permission(context: RuleContext, action: str, resource: str) -> str:
    """The right that was refused and no other, so on the very resource; without one, what to look up."""
    exact = resource.startswith("arn:") and not set(resource) & set("*?")
    asked = resource if exact else "ARN"
    look_up = "" if exact else f" with the ARN that {action.partition(':')[0]} shows for what the program asked for"
    right = f"Permission([{json.dumps(action)}], [{json.dumps(asked)}])"
    return f"permissions=[{right}] of {context.name} in app.py{look_up}, then: {context.deploy}"


def read_only(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """A write to a root file system that the configuration made read-only."""
    for line in lines:
        if _READ_ONLY.search(line):
            path = _PATH.search(line)
            where = next(filter(None, path.groups()), "") if path else ""
            is_folder = "chown" in line or "chmod" in line
            folder = (where if is_folder else where.rpartition("/")[0] or where) or "/FOLDER"
            unnamed = "" if where else ", with the folder that the log names"
            return context.found(
                "READ_ONLY",
                f"it writes to {where or 'a folder'}, but its root file system is read-only",
                look=context.field("read_only_root"),
                fix=f"container_volumes=[ContainerVolume({json.dumps(folder)})] of {context.name} in app.py{unnamed}, "
                f"then: {context.deploy}",
                evidence=context.evidence_with(line),
            )
    return None


def not_a_command(context: RuleContext) -> Finding | None:
    """A shell that found nothing to run: 126 and 127 are its exit codes for that."""
    ended = context.exited
    if ended is None or ended.exit_code not in (126, 127):
        return None
    command = context.command
    said = _error_line(context)
    return context.found(
        "BAD_COMMAND",
        f"its command was not found or can't be run (exit code {ended.exit_code}){f': {said}' if said else ''}",
        look=context.field("container_command") if command else f"the entry point of {context.image}",
        fix=f"Correct container_command of {context.name} in app.py, then: {context.deploy}"
        if command
        else context.fix_program,
    )


def ended(context: RuleContext) -> Finding | None:
    """A program that ended for an unknown reason, whose log is quoted."""
    container = context.exited
    if container is None or context.task is None:
        return None
    code, last = container.exit_code, _error_line(context)
    name = "it" if container.name == context.name else f"container {container.name}"
    if code == KILLED:
        return context.found(
            "KILLED",
            f"{name} was killed (exit code 137); AWS does not say that memory was the reason"
            f"{f', and its log ends with: {last}' if last else ''}",
            look=context.log,
            fix=f"If its memory was near {context.memory} MiB (MemoryUtilization in CloudWatch): "
            f"memory={more_memory(context)} of {context.name} in app.py; "
            "otherwise stopping took longer than stop_timeout_seconds",
        )
    if code == 0:
        return context.found(
            "STOPPED_BY_ITSELF",
            f"{name} ended without an error (exit code 0), but services must keep running{f': {last}' if last else ''}",
            look=context.log,
            fix=f"Correct container_command of {context.name} in app.py, or let the program run in the foreground; "
            f"then: {context.deploy}",
        )
    ended_with = f"exit code {code}{_meaning(code)}"
    says = f": {last}" if last else _without_an_error(context)
    at_start = _crashed_at_start(context)
    return context.found(
        "CRASH_AT_START" if at_start else "CRASH_LATER",
        f"{name} {'crashes at start' if at_start else 'starts, then crashes'}, with {ended_with}{says}",
        look=context.log,
        fix=context.fix_program,
    )


def _without_an_error(context: RuleContext) -> str:
    """The part of the message for a log without an error."""
    task = context.task
    if task is None or task.log_gone:
        return ", and its log was deleted"
    if context.block.last:
        return f"; its log ends with: {_cut(context.block.last)}"
    if not task.log_group or any(task.id in each.what for each in context.snapshot.unknown):
        return ", and its log could not be read"
    return ", and wrote nothing"


def _meaning(code: int | None) -> str:
    """The meaning of an exit code: for a signal, 128 plus its number."""
    signals = {each.value + 128: each.name for each in signal.Signals}
    return f" ({_SIGNALS.get(code, signals[code])})" if code in signals else ""


def _error_line(context: RuleContext) -> str:
    """The line with the reason; empty if the log has no error."""
    return _cut(context.block.reason)


def _cut(line: str) -> str:
    text = line.strip()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _crashed_at_start(context: RuleContext) -> bool:
    task = context.task
    if task is None or task.started is None or task.stopped is None:
        return True
    if any(_NEVER_BOOTED.search(line) for line in task.log):
        return True
    return task.stopped - task.started < _STARTS_WITHIN and not any(_READY.search(line) for line in task.log)


_RULES_OF_THE_ENVIRONMENT: tuple[LineRule, ...] = (
    out_of_memory,
    other_platform,
    task_role,
    database,
    read_only,
)
RULES: tuple[Rule, ...] = (killed_at_limit, program, not_a_command)
