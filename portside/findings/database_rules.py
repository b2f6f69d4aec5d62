"""No connection to the environment's database: its cluster's state, the configuration, and the network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from portside.config.database_kinds import DOCUMENTDB
from portside.config.service_props import DATABASE
from portside.findings.finding import Finding
from portside.findings.log_terms import TERMS, first_in_log
from portside.findings.rule_context import RuleContext, drift
from portside.findings.words import rows_of

FILE, DATABASES_FILE = "documentdb_log_words.toml", "database_log_words.toml"

_ADDRESS = re.compile(r"(?P<host>[\w.-]+|\[?::1\]?):(?P<port>\d{2,5})\b")
_NO_CONNECTION = re.compile(
    r"Mongo\w*(?:ServerSelection|Network|Timeout|SocketOpen|SocketRead|SocketWrite)\w*(?:Error|Exception)"
    r"|ServerSelectionTimeout|[Ss]erver selection (?:error|timeout|timed out)|No suitable servers"
    r"|(?:buffering|connection) timed out|ECONNREFUSED|ETIMEDOUT|Connection refused|AutoReconnect"
    r"|Timed out (?:after \d+ ms )?while waiting (?:for a server|to connect)|[Ii]/o timeout"
    r"|context deadline exceeded|Exception opening socket|failed to connect|could not connect|No route to host",
    re.I,
)
_UNNAMED = re.compile(
    r"connect(?:ing|ion)? (?:to|with) (?:the )?(?:database|db)\b|database connection (?:failed|error)", re.I
)
_OWN_TASK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
# The details of the code for a server that did not answer.
_NO_ANSWER = frozenset({"OTHER", "NOT_READY"})


def database(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """The database: its certificate, its name, its users, what it can do, and whether it answers."""
    kind = context.snapshot.database.kind
    if kind is None:
        return None
    return _documentdb(context, lines) if kind is DOCUMENTDB else _relational(context, lines)


def _relational(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """The environment's own PostgreSQL or MySQL: whether it answers, and its generated password."""
    found = first_in_log(DATABASES_FILE, context, lines)
    if found is None:
        return None
    family, _, detail = found.code.partition(".")
    if family == "DATABASE_UNREACHABLE" and detail in _NO_ANSWER:
        return _on_localhost(context, lines) or _no_connection(context)
    if found.code == "DATABASE_REFUSED.AUTHENTICATION" and _calls_it(context):
        return replace(found, code=family, fix=TERMS["reset_password"](context, {}))
    return None


def _documentdb(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    shared = rows_of(FILE)[0].shared
    if not any(shared.search(line) for line in lines):
        unnamed = _calls_it(context) and any(_UNNAMED.search(line) for line in lines)
        return _no_connection(context) if unnamed else None
    if found := first_in_log(FILE, context, lines):
        return found
    if not any(_NO_CONNECTION.search(line) for line in lines):
        return None
    return _on_localhost(context, lines) or _no_connection(context)


def _on_localhost(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """That the program looks for the database in its own task."""
    facts = context.snapshot.database
    addresses = [found for line in lines for found in _ADDRESS.finditer(line)]
    usual = str((facts.kind or DOCUMENTDB).port)
    first = next((each for each in addresses if each["port"] == usual), None)
    own = any(each["host"] in _OWN_TASK and each["port"] == str(facts.port) for each in addresses)
    if not own and not (first and first["host"] in _OWN_TASK):
        return None
    return context.found(
        "DATABASE_UNREACHABLE.LOCALHOST",
        "it looks for the database on localhost, which is its own task: the database's host is not set",
        look=context.field("container_env_vars"),
        fix=f"Set the variable that the program reads the host from in container_env_vars of {context.name} in "
        f"app.py to DatabaseHost() (the port to DatabasePort()), then: {context.deploy}",
    )


def _calls_it(context: RuleContext) -> bool:
    return any(call.service == DATABASE for call in context.service.asked.calls)


def _no_connection(context: RuleContext) -> Finding:
    """No connection, for an unknown reason: check the cluster's state, the configuration, then the network."""
    facts = context.snapshot.database
    if facts.state and facts.state != "available":
        kind = facts.kind or DOCUMENTDB
        start = context.commands.aws(*kind.command("start"), **kind.identified(facts.id))
        return context.found(
            "DATABASE_UNREACHABLE",
            f"the database does not answer: its {facts.name} is {facts.state}",
            look=f"{facts.name} in {kind.title}",
            fix=context.commands.fix(start)
            if facts.state == "stopped"
            else f"Wait until it is available, then: {context.start_again}",
        )
    if not _calls_it(context):
        return context.found(
            "DATABASE_UNREACHABLE",
            "the database does not allow it: app.py does not list DATABASE in its calls",
            look=context.field("calls"),
            fix=f"calls=[Call(DATABASE, {facts.port})] of {context.name} in app.py, then: {context.deploy}",
        )
    return context.found(
        "DATABASE_UNREACHABLE",
        f"it gets no connection to the database on port {facts.port}, whose "
        f"{facts.kind.noun if facts.kind else 'server'} is {facts.state or 'in a state that could not be read'}",
        look=f"security groups and routes of stack {facts.stack}",
        fix=drift(context, facts.stack, f"correct that, then: {context.start_again}"),
    )
