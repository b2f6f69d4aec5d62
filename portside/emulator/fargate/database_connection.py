"""How a container connects to its database, as its environment variables say."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

DATABASE_PORT = "27017"
_ENGINES: Final[Mapping[str, str]] = {
    "5432": "postgres",
    "3306": "mysql",
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_PORTS: Final[Mapping[str, str]] = {name: port for port, name in _ENGINES.items() if port.isdigit()}
_URL = re.compile(
    r"(?P<scheme>[a-z]+)(?:\+\w+)?://(?:(?P<user>[^:@/]*)(?::[^@/]*)?@)?"
    r"(?P<host>[^:/?,]+)(?::(?P<port>\d+))?[^/?]*(?:/(?P<name>[^?]*))?(?:\?(?P<query>.*))?"
)
_HOST = re.compile(r"(?P<prefix>.*?)_?(?:HOST|HOSTNAME|SERVER|ENDPOINT|ADDRESS)")
_OF_DATABASES = ("MONGO", "POSTGRES", "MYSQL", "MARIADB", "DATABASE", "DATASOURCE")
_USERS = ("USER", "USERNAME", "USER_NAME")
_NAMES = ("NAME", "DATABASE", "DB", "DBNAME", "DB_NAME", "DATABASE_NAME")
_TLS = ("SSLMODE", "SSL_MODE", "SSL", "TLS", "USE_SSL", "USE_TLS")
_OFF = frozenset({"disable", "disabled", "false", "0", "off", "no", "none"})


@dataclass(frozen=True)
class Connection:
    """A connection to a database; `without_tls` only if a variable disables TLS."""

    host: str = "database"
    port: str = DATABASE_PORT
    user: str = ""
    name: str = ""
    without_tls: bool = False
    scheme: str = ""

    @property
    def engine(self) -> str:
        """`postgres`, `mysql`, or empty for MongoDB and unknown engines."""
        return _ENGINES.get(self.scheme) or _ENGINES.get(self.port, "")


def connection(environment: Mapping[str, str], hosts: Mapping[str, str] | None = None) -> Connection:
    """The connection to one of the hosts, or to the host that a variable's name says is a database's.

    `hosts` have the names of engines, as RDS calls them, whose clients use their own port where none is configured.
    """
    hosts = hosts or {}
    found = next((each for each in map(_of_url, environment.values()) if each and (each.host in hosts)), None)
    if found:
        return found
    for variable, value in environment.items():
        if (match := _HOST.fullmatch(variable)) and (value in hosts or (not hosts and is_database(variable))):
            named = re.search("mysql|mariadb|postgres", match["prefix"].lower())
            engine = hosts.get(value, "").removeprefix("aurora-") or (named[0] if named else "")
            return _of_variables(environment, match["prefix"], value, engine)
    urls = [each for each in map(_of_url, environment.values()) if each and each.engine]
    return urls[0] if urls and not hosts else Connection()


def is_database(variable: str) -> bool:
    """Whether a variable's name says that its value is about a database."""
    return variable.startswith(("DB_", "PG")) or any(each in variable for each in _OF_DATABASES)


def _of_url(value: str) -> Connection | None:
    match = _URL.search(value)
    if not match:
        return None
    query = {name.lower(): values[0].lower() for name, values in parse_qs(match["query"] or "").items()}
    options = [query[name] for name in ("sslmode", "ssl-mode", "ssl", "tls", "usessl") if name in query]
    engine = _ENGINES.get(match["scheme"], "")
    return Connection(
        host=match["host"],
        port=match["port"] or _PORTS.get(engine, DATABASE_PORT),
        user=match["user"] or query.get("user", ""),
        name=match["name"] or "",
        without_tls=any(each in _OFF for each in options),
        scheme=match["scheme"],
    )


def _of_variables(environment: Mapping[str, str], prefix: str, host: str, engine: str) -> Connection:
    def first(names: Collection[str]) -> str:
        candidates = (environment.get(f"{prefix}{join}{name}") for name in names for join in ("_", ""))
        return next((each for each in candidates if each), "")

    return Connection(
        host=host,
        port=first(("PORT",)) or _PORTS.get(_ENGINES.get(engine, ""), DATABASE_PORT),
        user=first(_USERS),
        name=first(_NAMES),
        without_tls=first(_TLS).lower() in _OFF,
    )
