"""Terms of the rows about lines of logs: where settings are, and the commands of a fix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from portside.commands import FROM_FILE, file_of
from portside.config.database_kinds import DOCUMENTDB
from portside.findings.finding import Finding
from portside.findings.rule_context import RuleContext, more_memory
from portside.findings.words import CRASH, Groups, Row, Terms, finding_of, rows_of
from portside.secret_names import is_secret_name

# Reported only for programs that ended.
_OF_ENDED_PROGRAMS = (CRASH, "CRASH_AT_START", "CRASH_LATER", "BAD_COMMAND")
_LONGEST_LINE = 200


def first_in_log(
    file: str, context: RuleContext, lines: Sequence[str], crash: str = "CRASH_AT_START"
) -> Finding | None:
    """The finding of the first row of a file that matches one of these lines; `crash` is the code of a crash."""
    ended, whole = context.has_program_ended, "\n".join(lines)
    for row in rows_of(file):
        if (ended or row.code.partition(".")[0] not in _OF_ENDED_PROGRAMS) and row.shared.search(whole):
            found = next(((line, said) for line in lines if (said := row.said(line)) is not None), None)
            if found:
                return _finding(row, context, *found, crash)
    return None


def _finding(row: Row, context: RuleContext, line: str, groups: Groups, crash: str) -> Finding:
    code = crash + row.code.removeprefix(CRASH) if row.code.startswith(f"{CRASH}.") else row.code
    found = finding_of(replace(row, code=code), TERMS, context, {**groups, "line": line.strip()[:_LONGEST_LINE]})
    return replace(found, what=_tidy(found.what), evidence=context.evidence_with(line))


def _tidy(sentence: str) -> str:
    """The sentence without what empty words leave: double spaces, a space before a comma, a colon at the end."""
    return re.sub(r"\s+", " ", re.sub(r"\s+([,;:)])", r"\1", sentence)).strip().rstrip(":,; ")


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


def _unset(_: RuleContext, groups: Groups) -> str:
    variable = groups.get("var", "")
    return f"{'setting' if '.' in variable else 'environment variable'} {variable} is not set"


def _where(_: RuleContext, groups: Groups) -> str:
    return ":".join(filter(None, (groups.get("host"), groups.get("port"))))


def _at_where(context: RuleContext, groups: Groups) -> str:
    where = _where(context, groups)
    return f"at {where}" if where else ""


def _entry(context: RuleContext, _: Groups) -> str:
    """The command of the program: that of app.py, or the image's own."""
    if context.command:
        field = f"container_command of {context.name} in app.py"
        return f"Correct {field}, which runs {' '.join(context.command)}; then: {context.deploy}"
    return (
        f"Correct what the image starts with (ENTRYPOINT and CMD in the Dockerfile), or set container_command of "
        f"{context.name} in app.py; {_publish(context, {})}"
    )


def _publish(context: RuleContext, _: Groups) -> str:
    """The command after the program is fixed; a rollback if no earlier revision serves."""
    if context.fix_program == context.rollback:
        return f"until then: {context.rollback}"
    if context.snapshot.is_released:
        return f"cut another release candidate of the program, promote it, then: {context.deploy}"
    return f"publish the program's image, then: {context.deploy}"


def _database_secret(context: RuleContext, _: Groups) -> str:
    return context.snapshot.database.secret or "SECRET"


def _reset_password(context: RuleContext, groups: Groups) -> str:
    commands, secret = context.commands, _database_secret(context, groups)
    value = commands.aws("secretsmanager", "get-secret-value", secret_id=secret, query="SecretString", output="text")
    kind = context.snapshot.database.kind or DOCUMENTDB
    reset = commands.aws(
        *kind.command("modify"),
        **kind.identified(context.snapshot.database.id or kind.noun.upper()),
        apply_immediately=True,
        master_user_password=file_of(value),
    )
    return commands.fix(
        reset, then=f"changes the {kind.noun}'s password to that of the secret; then: {context.redeploy}"
    )


TERMS: Terms[RuleContext] = {
    "status": lambda context, _: context.commands.tool("status"),
    "again": lambda context, _: context.start_again,
    "tunnel": lambda context, _: context.commands.tool("tunnel"),
    "program": _publish,
    "container_port": lambda context, _: str(context.service.asked.port or "none"),
    "has": lambda context, _: str(context.memory),
    "memory": lambda context, _: str(more_memory(context)),
    "env": lambda context, _: f"container_env_vars of {context.name} in app.py",
    "secrets": lambda context, _: f"container_secrets of {context.name} in app.py",
    "command": lambda context, _: f"container_command of {context.name} in app.py",
    "entry": _entry,
    "set": lambda context, groups: set_variable(context, groups.get("var", "")),
    "set_sentry": lambda context, _: set_variable(context, "SENTRY_DSN"),
    "unset": _unset,
    "where": lambda context, groups: _where(context, groups) or "a server",
    "at_where": _at_where,
    "its_port": lambda _, groups: f"port {groups['port']}" if groups.get("port") else "its port",
    "named_host": lambda _, groups: f", {groups['host']}," if groups["host"] else "",
    "in_database": lambda _, groups: f"in database {groups['database']}" if groups["database"] else "",
    "database_secret": _database_secret,
    "database_cluster": lambda context, _: context.snapshot.database.id,
    "reset_password": _reset_password,
}
