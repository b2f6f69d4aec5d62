"""Messages of clients of other databases than DocumentDB, and about wrong schemas."""

from __future__ import annotations

from portside.findings.log_rows.row import AT_ITS_TIME, Row

_MIGRATION = f"{AT_ITS_TIME}.MIGRATION"
_REFUSED, _AWAY = "DATABASE_REFUSED", "DATABASE_UNREACHABLE"

ROWS = (
    Row(
        f"{_REFUSED}.AUTHENTICATION",
        r"password authentication failed for user \"?(?P<user>[^\"]+)|Access denied for user '(?P<user>[^']+)'"
        r"|Login failed for user '(?P<user>[^']+)'|ORA-01017|P1000|role \"(?P<user>[^\"]+)\" does not exist"
        r"|ER_ACCESS_DENIED_ERROR|no password supplied|[Aa]uthentication failed against database server|28P01",
        "its database rejects user {user} or the password",
        "Correct the user in {env}, and the password's secret in {secrets}, then: {again}",
    ),
    Row(
        f"{_REFUSED}.TLS",
        r"no pg_hba\.conf entry for host .*(?:no encryption|SSL off)|SSL connection is required"
        r"|server does not support SSL"
        r"|Connections using insecure transport are prohibited",
        "its database and its driver are set up differently for TLS: {line}",
        "Switch TLS on (or off) for the connection: sslmode or ssl in {env}, then: {deploy}",
    ),
    Row(
        f"{_REFUSED}.HOST",
        r"no pg_hba\.conf entry|Host '[^']+' is not allowed to connect",
        "its database does not allow connections from its address: {line}",
        "Allow the addresses of its subnets in the database, then: {again}",
    ),
    Row(
        f"{_REFUSED}.DATABASE",
        r"database \"(?P<db>[^\"]+)\" does not exist|Unknown database '(?P<db>[^']+)'|P1003"
        r"|We could not find your database: (?P<db>\w+)|Cannot open database \"(?P<db>[^\"]+)\"",
        "the database {db} does not exist on its server",
        "Create the database, or correct its name in {env}, then: {again}",
    ),
    Row(
        f"{_REFUSED}.RIGHTS",
        r"permission denied for (?:table|relation|schema|database|sequence|view|function) \"?(?P<thing>[\w.]+)"
        r"|command denied to user '(?P<thing>[^']+)'",
        "its database user lacks a permission: {line}",
        "Grant it to the user in the database, or correct the user in {env}; then: {again}",
    ),
    Row(
        f"{_REFUSED}.CONNECTIONS",
        r"too many (?:clients|connections)|[Tt]oo many connections|remaining connection slots are reserved"
        r"|ER_CON_COUNT_ERROR",
        "its database accepts no more connections",
        "Smaller pools in the program or fewer tasks (AUTO_SCALE_CAPACITY in app.py), or a larger database; then: "
        "{again}",
    ),
    Row(
        f"{_REFUSED}.PROTOCOL",
        r"Client does not support authentication protocol|ER_NOT_SUPPORTED_AUTH_MODE"
        r"|caching_sha2_password.*cannot be loaded"
        r"|SCRAM authentication requires libpq|authentication method \d+ not supported",
        "its database driver is too old for the database's authentication method",
        "Update the database driver; {program}",
    ),
    Row(
        _MIGRATION,
        r"relation \"[^\"]+\" does not exist|Table '[^']+' doesn't exist|no such table: \S+"
        r"|column \S+ does not exist|Unknown column '\S+'"
        r"|(?:PendingMigrationError|Migrations are pending)|Validate failed: Migrations"
        r"|[Mm]igration checksum mismatch|P3009"
        r"|P3005|Dirty database version"
        r"|Can't locate revision|Could not acquire change log lock|Waiting for changelog lock|Found non-empty schema"
        r"|MigrationFailed|InconsistentMigrationHistory|Schema-validation: missing|migrat\w+ (?:failed|error)"
        r"|FlywayException|LiquibaseException"
        r"|Multiple head revisions",
        "its database does not have the schema that it expects (migrations): {line}",
        "Run the migrations that this version needs, or repair the failed migration; then: {again}",
    ),
    Row(
        f"{_AWAY}.NOT_READY",
        r"the database system is (?:starting up|shutting down|in recovery mode)",
        "its database is starting or stopping",
        "Wait until it takes connections, then: {again}",
    ),
    Row(
        f"{_AWAY}.NAME",
        r"could not translate host name \"(?P<host>[^\"]+)\"|Unknown (?:MySQL|MariaDB) server host '(?P<host>[^']+)'"
        r"|SequelizeHostNotFoundError: getaddrinfo \w+ (?P<host>[\w.-]+)"
        r"|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?P<host>\S*(?:postgres|mysql|maria|pg|rds\.amazonaws)\S*)",
        "the host name of its database, {host}, can't be resolved",
        "Correct the host of the database in {env}, then: {deploy}",
        "app.py, container_env_vars of {name}",
    ),
    Row(
        f"{_AWAY}.OTHER",
        r"(?i:(?:unable to|could ?n[o']t|cannot|can't|failed to|error) connect(?:ing)? (?:to"
        r"|with) (?:the )?(?:database|db)\b)"
        r"|(?i:database connection (?:failed|error|refused|timed out))|"
        r"could not connect to server: (?P<why>.+)"
        r"|connection to server at \"(?P<host>[^\"]+)\".* port (?P<port>\d+) failed: (?P<why>.+)"
        r"|Can't connect to (?:local )?(?:MySQL|MariaDB|server).*? (?:on"
        r"|through socket) '(?P<host>[^']+)'(?P<why>.*)|Communications link failure"
        r"|Can't reach database server at `?(?P<host>[\w.-]+)|SQLState: 08001"
        r"|A network-related or instance-specific error|SequelizeConnection(?:Refused"
        r"|Timed ?Out|)Error(?P<why>.*)"
        r"|CannotCreateTransactionException|HikariPool-\d+ - Connection is not available|The connection attempt failed"
        r"|Connection to (?P<host>[\w.-]+):(?P<port>\d+) refused|(?P<host>[\w.-]+):(?P<port>5432|3306"
        r"|1433)\b.*(?:refused|time|no route|reset|unreachable)|ECONNREFUSED (?P<host>[\w.:]*):(?P<port>5432|3306"
        r"|1433)\b",
        "no connection to its database {at_where}: {why}",
        "Correct the host and port in {env} (localhost is the task itself); if they are right, let its security group "
        "and routes reach it; then: {deploy}",
    ),
    Row(
        f"{AT_ITS_TIME}.CACHE_REFUSED",
        r"NOAUTH Authentication required|WRONGPASS|ERR invalid password|ERR AUTH|ACCESS_REFUSED - Login was refused"
        r"|DENIED Redis is running in protected mode"
        r"|SASL authentication failed|SaslAuthenticationException",
        "its cache or queue rejects its user or password: {line}",
        "Correct the user in {env} and the password's secret in {secrets}, then: {again}",
    ),
)
