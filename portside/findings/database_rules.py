"""No connection to the environment's database: its cluster's state, the configuration, and the network."""

from __future__ import annotations

import re
from collections.abc import Sequence

from portside.config.database_kinds import DOCUMENTDB
from portside.config.service_props import DATABASE
from portside.findings.finding import Finding
from portside.findings.log_terms import first_in_log
from portside.findings.rule_context import RuleContext, drift
from portside.findings.words import rows_of

FILE = "documentdb_log_words.toml"

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
_DEFAULT_PORT = "27017"


def database(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """The database: its certificate, its name, its users, what it can do, and whether it answers."""
    if context.snapshot.database.kind is not DOCUMENTDB:
        return None
    shared = rows_of(FILE)[0].shared
    if not any(shared.search(line) for line in lines):
        unnamed = _calls_it(context) and any(_UNNAMED.search(line) for line in lines)
        return _no_connection(context) if unnamed else None
    if found := first_in_log(FILE, context, lines):
        return found
    if not any(_NO_CONNECTION.search(line) for line in lines):
        return None
    addresses = [found for line in lines for found in _ADDRESS.finditer(line)]
    cluster = next((each for each in addresses if each["port"] == _DEFAULT_PORT), None)
    port = str(context.snapshot.database.port)
    own = any(each["host"] in _OWN_TASK and each["port"] == port for each in addresses)
    if own or (cluster and cluster["host"] in _OWN_TASK):
        return context.found(
            "DATABASE_UNREACHABLE.LOCALHOST",
            "it looks for the database on localhost, which is its own task: the database's host is not set",
            look=context.field("container_env_vars"),
            fix=f"Set the variable that the program reads the host from in container_env_vars of {context.name} in "
            f"app.py to DatabaseHost() (the port to DatabasePort()), then: {context.deploy}",
        )
    return _no_connection(context)


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
