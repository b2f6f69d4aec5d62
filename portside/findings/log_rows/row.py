"""A row of a table of log messages: the pattern, the cause, and the fix."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from portside.commands import FROM_FILE
from portside.findings.finding import Finding
from portside.findings.rule_context import RuleContext, more_memory
from portside.secret_names import is_secret_name

AT_ITS_TIME = "CRASH"
"""In place of a code: `CRASH_AT_START` or `CRASH_LATER`, whichever it was."""


@dataclass(frozen=True)
class Row:
    """Lines that match `pattern` mean `what`, for which `fix` is what to do.

    `what`, `fix` and `look` may name the groups of the pattern and the words of `_words`. A row whose code begins with
    `AT_ITS_TIME` counts only where the program ended.
    """

    code: str
    pattern: str
    what: str
    fix: str
    look: str = "{log}"

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern. Several groups may have the same name, of which the matched one counts."""
        numbers = count()
        return re.compile(re.sub(r"\(\?P<(\w+)>", lambda name: f"(?P<{name[1]}__{next(numbers)}>", self.pattern))

    @property
    def of_the_program(self) -> bool:
        """Whether it applies only to programs that ended."""
        return self.code.partition(".")[0] in (AT_ITS_TIME, "CRASH_AT_START", "CRASH_LATER", "BAD_COMMAND")


def finding(row: Row, context: RuleContext, line: str, crash: str) -> Finding | None:
    """The finding of a row for a line; `crash` is the code for a program that ended like this one."""
    found = row.compiled.search(line)
    if found is None:
        return None
    groups = {
        name.partition("__")[0]: _Word(each.strip()) for name, each in found.groupdict().items() if each is not None
    }
    words = _Words(groups | {"line": line.strip()[:200]}, context)
    return context.found(
        crash + row.code.removeprefix(AT_ITS_TIME) if row.code.partition(".")[0] == AT_ITS_TIME else row.code,
        _tidy(row.what.format_map(words)),
        look=row.look.format_map(words),
        fix=row.fix.format_map(words),
        evidence=context.evidence_with(line),
    )


def first(rows: Sequence[Row], context: RuleContext, lines: Sequence[str], crash: str) -> Finding | None:
    """The finding of the first row that matches one of these lines."""
    ended = context.has_program_ended
    known = (row for row in rows if ended or not row.of_the_program)
    return next((found for row in known for line in lines if (found := finding(row, context, line, crash))), None)


def _tidy(sentence: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\s+([,;:)])", r"\1", sentence)).strip().rstrip(":,; ")


class _Word(str):
    """A group, in whose place `{group:other words}` has others where it is empty."""

    __slots__ = ()

    def __format__(self, instead: str) -> str:
        return str(self) or instead


class _Words(dict[str, str]):
    """The words of a template: the groups of a match, then those of the context; a group without a match is empty."""

    def __init__(self, groups: Mapping[str, str], context: RuleContext) -> None:
        super().__init__(groups)
        self._context = context

    def __missing__(self, name: str) -> str:
        context = self._context
        if name == "set":
            return set_variable(context, self.get("var", ""))
        if name == "unset":
            variable = self.get("var", "")
            return f"{'setting' if '.' in variable else 'environment variable'} {variable} is not set"
        if name in ("where", "at_where"):
            where = ":".join(each for each in (self.get("host"), self.get("port")) if each)
            return where or "a server" if name == "where" else f"at {where}" if where else ""
        if name == "its_port":
            return f"port {self['port']}" if self.get("port") else "its port"
        return _WORDS[name](context) if name in _WORDS else _Word()


def set_variable(context: RuleContext, variable: str) -> str:
    """How to set a variable: in its secret, if it has one, otherwise in app.py."""
    commands = context.commands
    field = "container_secrets" if is_secret_name(variable) else "container_env_vars"
    for secret in context.service.asked.secrets:
        if secret.variable == variable and secret.name:
            put = commands.aws("secretsmanager", "put-secret-value", secret_id=secret.name, secret_string=FROM_FILE)
            return commands.fix(put, then=f"the value of {variable}; then: {context.start_again}")
    return f"Set {as_variable(variable)} in {field} of {context.name} in app.py, then: {context.deploy}"


def as_variable(setting: str) -> str:
    """The environment variable of a setting. Spring reads `mail.host-name` from MAIL_HOSTNAME:
    https://docs.spring.io/spring-boot/reference/features/external-config.html
    """
    return setting.replace("-", "").replace(".", "_").upper() if "." in setting else setting


def entry(context: RuleContext) -> str:
    """The command of the program: that of app.py, or the image's own."""
    given = context.definition.command if context.definition else ()
    if given:
        field = f"container_command of {context.name} in app.py"
        return f"Correct {field}, which runs {' '.join(given)}; then: {context.deploy}"
    return (
        f"Correct what the image starts with (ENTRYPOINT and CMD in the Dockerfile), or set container_command of "
        f"{context.name} in app.py; {publish(context)}"
    )


def publish(context: RuleContext) -> str:
    """The command after the program is fixed; a rollback if no earlier revision serves."""
    if context.fix_program == context.rollback:
        return f"until then: {context.rollback}"
    if context.snapshot.is_released:
        return f"cut another release candidate of the program, promote it, then: {context.deploy}"
    return f"publish the program's image, then: {context.deploy}"


_WORDS: dict[str, Callable[[RuleContext], str]] = {
    "name": lambda context: context.name,
    "deploy": lambda context: context.deploy,
    "status": lambda context: context.commands.tool("status"),
    "redeploy": lambda context: context.redeploy,
    "again": lambda context: context.start_again,
    "program": publish,
    "image": lambda context: context.image,
    "log": lambda context: context.log,
    "container_port": lambda context: str(context.service.asked.port),
    "has": lambda context: str(context.memory),
    "memory": lambda context: str(more_memory(context)),
    "env": lambda context: f"container_env_vars of {context.name} in app.py",
    "secrets": lambda context: f"container_secrets of {context.name} in app.py",
    "command": lambda context: f"container_command of {context.name} in app.py",
    "entry": entry,
    "set_sentry": lambda context: set_variable(context, "SENTRY_DSN"),
}
