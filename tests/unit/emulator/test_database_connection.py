"""The database that a container's variables name."""

from __future__ import annotations

import pytest

from portside.emulator.fargate.database_connection import Connection, connection, is_database


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"MONGODB_HOST": "h", "MONGODB_PORT": "27018"}, Connection("h", "27018")),
        (
            {"DB_HOST": "h", "DB_PORT": "5432", "DB_USERNAME": "jane", "DB_NAME": "orders"},
            Connection("h", "5432", "jane", "orders"),
        ),
        (
            {"PGHOST": "h", "PGPORT": "5432", "PGUSER": "jane", "PGDATABASE": "orders", "PGSSLMODE": "disable"},
            Connection("h", "5432", "jane", "orders", without_tls=True),
        ),
        ({"MYSQL_HOST": "h", "MYSQL_PORT": "3306", "MYSQL_SSL": "true"}, Connection("h", "3306")),
        (
            {"DATABASE_URL": "postgresql+psycopg://jane@h/orders?sslmode=disable"},
            Connection("h", "5432", "jane", "orders", without_tls=True, scheme="postgresql"),
        ),
        (
            {"SPRING_DATASOURCE_URL": "jdbc:mysql://h:3307/orders?useSSL=true&user=jane"},
            Connection("h", "3307", "jane", "orders", scheme="mysql"),
        ),
        ({"API_URL": "http://agora-api:3333", "UPGRADE_HOST": "x"}, Connection()),
    ],
)
def test_variables_and_urls_name_a_connection(environment: dict[str, str], expected: Connection) -> None:
    assert connection(environment) == expected


def test_a_known_host_is_found_in_any_variable() -> None:
    environment = {"DB_HOST": "another", "STORE_ENDPOINT": "known", "STORE_PORT": "3306"}
    found = connection(environment, {"known": "mysql"})
    assert (found.host, found.port, found.engine) == ("known", "3306", "mysql")
    assert connection(environment, {"unknown": "mysql"}) == Connection()


@pytest.mark.parametrize(
    ("environment", "engine", "port"),
    [
        ({"MATOMO_DATABASE_HOST": "h"}, "mysql", "3306"),
        ({"APP_DB_HOST": "h"}, "aurora-postgresql", "5432"),
        ({"STORE_HOST": "h"}, "docdb", "27017"),
        ({"MYSQL_HOST": "h"}, "", "3306"),
        ({"DB_HOST": "h", "DB_PORT": "3307"}, "mysql", "3307"),
    ],
)
def test_a_client_uses_the_port_of_its_engine_where_none_is_configured(
    environment: dict[str, str], engine: str, port: str
) -> None:
    assert connection(environment, {"h": engine}).port == port


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("DB_HOST", True), ("SPRING_DATA_MONGODB_HOST", True), ("PGHOST", True), ("API_HOST", False)],
)
def test_names_of_variables_tell_databases_from_services(variable: str, expected: bool) -> None:
    assert is_database(variable) is expected
