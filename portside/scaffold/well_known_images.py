"""Images of programs that are no containers of an app in AWS, by the last part of their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# The kind of database that takes its place.
DATABASES: Final = {
    **dict.fromkeys(("postgres", "postgresql", "postgis", "pgvector", "timescaledb"), "postgresql"),
    **dict.fromkeys(("mysql", "mariadb", "percona"), "mysql"),
    **dict.fromkeys(("mongo", "mongodb", "mongodb-community-server"), "documentdb"),
}
CACHES: Final = frozenset({"redis", "valkey", "memcached", "dragonfly", "keydb"})
STORES: Final = frozenset({"elasticsearch", "opensearch", "clickhouse-server", "minio", "rabbitmq", "kafka"})


def program_of(service: Mapping[str, Any]) -> str:
    """The name of an image without its registry and tag."""
    return str(service.get("image", "")).partition("@")[0].rpartition("/")[2].partition(":")[0]
