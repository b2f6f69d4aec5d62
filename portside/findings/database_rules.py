"""Errors of DocumentDB drivers in a program's log, by how to fix them.

https://docs.aws.amazon.com/documentdb/latest/developerguide/troubleshooting.connecting.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from portside.commands import file_of
from portside.config.service_props import DATABASE
from portside.findings.finding import Finding
from portside.findings.rule_context import RuleContext, drift

_MENTIONED = re.compile(r"mongo|:27017|docdb|sasl conversation error", re.I)
_TLS = re.compile(
    r"self[- ]signed certificate|SELF_SIGNED|unable to (?:verify the first|get (?:local )?issuer) certificate|PKIX path"
    r"|certificate verify failed|CERTIFICATE_VERIFY_FAILED|x509: |SSLHandshakeException|certificate has expired"
    r"|does not match certificate|CERT_HAS_EXPIRED|ERR_TLS_CERT|unable to find valid certification path|UNABLE_TO_\w+"
    r"|IP address mismatch|hostname mismatch|tlsCAFile|(?:rds-combined-ca|global)-bundle",
    re.I,
)
_CLOSED = re.compile(
    r"connection (?:<monitor>|\d+)? ?(?:to \S+ )?closed|prematurely (?:reached|closed)|ECONNRESET|connection reset"
    r"|socket hang up"
    r"|Unsupported or unrecognized SSL|wrong version number|does not look like a TLS|secure TLS|EPROTO"
    r"|SSL(?:V3)?_?(?:ALERT|Error)|tls: "
    r"|Remote host terminated the handshake"
    r"|EOF occurred in violation of protocol|unexpected EOF|incomplete read of message header: EOF",
    re.I,
)
_AUTHENTICATION = re.compile(
    r"Authentication ?failed|bad auth\b|MongoSecurityException|\bcode: 18\b|'code': 18\b"
    r"|\berror 18\b"
    r"|sasl conversation error|unable to authenticate|auth error",
    re.I,
)
_MECHANISM = re.compile(
    r"[Uu]nsupported (?:authentication )?mechanism|mechanism \S+ (?:is )?not supported|MechanismUnavailable"
)
_RIGHT = re.compile(
    r"not authorized on (?P<database>[\w-]+) to execute|requires authentication|\bcode: 13\b|Authorization failure"
)
_UNSUPPORTED = re.compile(
    r"[Rr]etryable writes are not supported|(?:maximum|max) wire version \d+|[Ff]eature not supported"
    r"|Unrecognized pipeline stage"
    r"|(?:[Oo]peration|(?<!MongoParseError: )[Oo]ption|[Aa]ggregation stage|[Cc]ommand|[Ii]ndex(?: type)?)\s?\S*"
    r" (?:is )?not supported"
    r"|no such command|CommandNotSupported"
    r"|CommandNotFound|Transactions are not supported|Transaction numbers are only allowed",
)
_NOT_PRIMARY = re.compile(r"not (?:master|primary)\b|NotPrimary|NotWritablePrimary|ReplicaSetNoPrimary.*setName")
_NAME = re.compile(
    r"(?:getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|query(?:Srv|Txt) E\w+|UnknownHostException:?|lookup"
    r"|nodename nor servname provided.*|"
    r"Name or service not known|Temporary failure in name resolution|No address associated with hostname"
    r"|Failed looking up SRV record)"
    r"(?: (?P<host>[\w.-]+))?",
)
_ADDRESS = re.compile(r"(?P<host>[\w.-]+|\[?::1\]?):(?P<port>\d{2,5})\b")
_AWAY = re.compile(
    r"Mongo\w*(?:ServerSelection|Network|Timeout|SocketOpen|SocketRead|SocketWrite)\w*(?:Error|Exception)"
    r"|ServerSelectionTimeout"
    r"|[Ss]erver selection (?:error|timeout|timed out)|No suitable servers|(?:buffering|connection) timed out"
    r"|ECONNREFUSED|ETIMEDOUT"
    r"|Timed out (?:after \d+ ms )?while waiting (?:for a server|to connect)|Connection refused|AutoReconnect"
    r"|[Ii]/o timeout"
    r"|context deadline exceeded|Exception opening socket|failed to connect|could not connect|No route to host",
    re.I,
)
_UNNAMED = re.compile(
    r"connect(?:ing|ion)? (?:to|with) (?:the )?(?:database|db)\b|database connection (?:failed|error)", re.I
)
_OWN_TASK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_CA = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"


def database(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """The database: its certificate, its name, its users, what it can do, and whether it answers."""
    if not any(_MENTIONED.search(line) for line in lines):
        unnamed = _calls_it(context) and any(_UNNAMED.search(line) for line in lines)
        return _away(context) if unnamed else None
    kinds = (
        (_MECHANISM, _mechanism),
        (_TLS, _certificate),
        (_AUTHENTICATION, _authentication),
        (_RIGHT, _right),
        (_UNSUPPORTED, _unsupported),
        (_NAME, _name),
        (_NOT_PRIMARY, _not_primary),
        (_CLOSED, _closed),
    )
    for sign, rule in kinds:
        line = next((line for line in lines if sign.search(line)), None)
        if line is not None:
            return rule(context, line)
    if not any(_AWAY.search(line) for line in lines):
        return None
    addresses = [found for line in lines for found in _ADDRESS.finditer(line)]
    cluster = next((each for each in addresses if each["port"] == "27017"), None)
    own = next((each for each in addresses if each["host"] in _OWN_TASK and each["port"] == str(_port(context))), None)
    if own or (cluster and cluster["host"] in _OWN_TASK):
        return _localhost(context)
    return _away(context)


def _calls_it(context: RuleContext) -> bool:
    return any(call.service == DATABASE for call in context.service.asked.calls)


def _port(context: RuleContext) -> int:
    return context.snapshot.database.port


def _certificate(context: RuleContext, line: str) -> Finding:
    return context.found(
        "DATABASE_REFUSED.TLS",
        f"it does not trust the certificate of the database (TLS): {_short(line)}",
        look=context.field("container_env_vars"),
        fix=f"Put Amazon's certificates ({_CA}) into the image and name them to the driver (tlsCAFile, or the trust "
        f"store), "
        f"or connect without TLS where the cluster's parameter tls is disabled (tls=false in the program's address "
        f"of the "
        f"database); {context.fix_program}",
        evidence=context.evidence_with(line),
    )


def _closed(context: RuleContext, line: str) -> Finding:
    return context.found(
        "DATABASE_REFUSED.CLOSED",
        "the database closes the connection at once, as it does where one side uses TLS and the other does not",
        look=f"parameter tls of cluster {context.snapshot.database.id}, and the address in container_env_vars",
        fix=f"Let the program connect as the cluster's parameter tls says (disabled in this repository: no tls=true, "
        f"no ssl=true, "
        f"no mongodb+srv) in container_env_vars of {context.name} in app.py, then: {context.deploy}",
        evidence=context.evidence_with(line),
    )


def _authentication(context: RuleContext, line: str) -> Finding:
    facts, commands = context.snapshot.database, context.commands
    secret = facts.secret or "SECRET"
    value = commands.aws("secretsmanager", "get-secret-value", secret_id=secret, query="SecretString", output="text")
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
        evidence=context.evidence_with(line),
    )


def _mechanism(context: RuleContext, line: str) -> Finding:
    return context.found(
        "DATABASE_REFUSED.MECHANISM",
        f"the database does not know the way in which it authenticates: {_short(line)}",
        look=context.field("container_env_vars"),
        fix=f"authMechanism=SCRAM-SHA-1 in the program's address of the database (container_env_vars of "
        f"{context.name} in "
        f"app.py), which DocumentDB knows; then: {context.deploy}",
        evidence=context.evidence_with(line),
    )


def _right(context: RuleContext, line: str) -> Finding:
    found = _RIGHT.search(line)
    named = found["database"] if found and found["database"] else ""
    return context.found(
        "DATABASE_REFUSED.RIGHTS",
        f"its database user may not do what it asks for{f' in database {named}' if named else ''}: {_short(line)}",
        look=context.field("container_env_vars"),
        fix=f"Grant the user that right in the database ({context.commands.tool('tunnel')}), or correct user, "
        "database and authSource=admin in "
        f"container_env_vars of {context.name} in app.py; then: {context.start_again}",
        evidence=context.evidence_with(line),
    )


def _unsupported(context: RuleContext, line: str) -> Finding:
    is_retry = "etryable" in line
    what = (
        "retryWrites=false in the program's address of the database"
        if is_retry
        else (
            "Use a driver and operations that DocumentDB supports "
            "(https://docs.aws.amazon.com/documentdb/latest/developerguide/"
            "mongo-apis.html)"
        )
    )
    return context.found(
        "DATABASE_REFUSED.UNSUPPORTED",
        f"DocumentDB does not support what it asks for: {_short(line)}",
        look=context.log,
        fix=f"{what} (container_env_vars of {context.name} in app.py), then: {context.deploy}"
        if is_retry
        else f"{what}; {context.fix_program}",
        evidence=context.evidence_with(line),
    )


def _not_primary(context: RuleContext, line: str) -> Finding:
    return context.found(
        "DATABASE_REFUSED.NOT_PRIMARY",
        "it writes to an instance of the database that only reads",
        look=context.field("container_env_vars"),
        fix=f"Set the host in container_env_vars of {context.name} in app.py to DatabaseHost(), which is the "
        f"cluster's own "
        f"address, and replicaSet=rs0 in the program; then: {context.deploy}",
        evidence=context.evidence_with(line),
    )


def _name(context: RuleContext, line: str) -> Finding:
    found = _NAME.search(line)
    host = (found["host"] if found else "") or ""
    srv = "srv" in line.lower() and "_mongodb._tcp" in line
    what = (
        "mongodb:// instead of mongodb+srv://, which DocumentDB does not have" if srv else "the host to DatabaseHost()"
    )
    return context.found(
        "DATABASE_UNREACHABLE.NAME",
        f"the name of the database{f', {host},' if host else ''} can't be resolved",
        look=context.field("container_env_vars"),
        fix=f"Set {what} in container_env_vars of {context.name} in app.py, then: {context.deploy}",
        evidence=context.evidence_with(line),
    )


def _localhost(context: RuleContext) -> Finding:
    return context.found(
        "DATABASE_UNREACHABLE.LOCALHOST",
        "it looks for the database on localhost, which is its own task: the database's host is not set",
        look=context.field("container_env_vars"),
        fix=f"Set the variable that the program reads the host from in container_env_vars of {context.name} in "
        f"app.py to "
        f"DatabaseHost() (the port to DatabasePort()), then: {context.deploy}",
    )


def _away(context: RuleContext) -> Finding:
    """No connection, for an unknown reason: check the cluster's state, the configuration, then the network."""
    facts = context.snapshot.database
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
    if not _calls_it(context):
        return context.found(
            "DATABASE_UNREACHABLE",
            "the database does not allow it: app.py does not list DATABASE in its calls",
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


def _short(line: str) -> str:
    text = line.strip()
    return text if len(text) <= 160 else f"{text[:159]}…"
