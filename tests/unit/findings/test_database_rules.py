"""The causes in the logs of programs that use a PostgreSQL or MySQL database of the environment, or none."""

from __future__ import annotations

import pytest

from portside.aws.model import Database
from portside.config.database_kinds import DATABASE_KINDS
from portside.config.service_props import DATABASE
from portside.findings.finding import Finding
from portside.findings.verdict import judge
from tests.unit.diagnosis_support import calling, evidence, exited, service

REFUSED = 'FATAL: password authentication failed for user "master"'
MYSQL_REFUSED = "ERROR 1045 (28000): Access denied for user 'master'@'10.0.0.4' (using password: YES)"
NO_ANSWER = 'connection to server at "db.example.org" (10.0.0.9), port 5432 failed: timeout expired'
LOCALHOST = "Error: connect ECONNREFUSED 127.0.0.1:5432"


def finding(kind: str | None, log: str, *, calls: bool = True, state: str = "available") -> Finding:
    database = Database(kind_name=None)
    if kind:
        found = DATABASE_KINDS[kind]
        database = Database("agora-dev-db", found.port, "db-1", state, "arn:secret", kind)
    app = service("agora-app", exited(1, log))
    app = calling(app, DATABASE) if calls else app
    return judge(evidence(app, database=database))[0]


@pytest.mark.parametrize(
    ("kind", "log", "command"),
    [
        ("postgresql", REFUSED, "aws rds modify-db-instance --db-instance-identifier db-1"),
        ("mysql", MYSQL_REFUSED, "aws rds modify-db-instance --db-instance-identifier db-1"),
        ("aurora-postgresql", REFUSED, "aws rds modify-db-cluster --db-cluster-identifier db-1"),
        ("aurora-mysql", MYSQL_REFUSED, "aws rds modify-db-cluster --db-cluster-identifier db-1"),
    ],
)
def test_a_refused_password_is_fixed_with_that_of_the_secret(kind: str, log: str, command: str) -> None:
    found = finding(kind, log)
    assert found.code == "DATABASE_REFUSED"
    assert command in found.fix


def test_a_stopped_instance_is_named_with_the_command_that_starts_it() -> None:
    found = finding("postgresql", NO_ANSWER, state="stopped")
    assert found.code == "DATABASE_UNREACHABLE"
    assert "instance db-1 is stopped" in found.what
    assert "aws rds start-db-instance --db-instance-identifier db-1" in found.fix


def test_a_service_without_the_call_is_reported() -> None:
    assert finding("postgresql", NO_ANSWER, calls=False).fix.startswith("calls=[Call(DATABASE, 5432)] of agora-app")


def test_localhost_is_not_the_database() -> None:
    assert finding("postgresql", LOCALHOST).code == "DATABASE_UNREACHABLE.LOCALHOST"


def test_without_a_database_in_the_environment_the_common_causes_are_reported() -> None:
    assert finding(None, REFUSED, calls=False).code == "DATABASE_REFUSED.AUTHENTICATION"
    assert finding(None, NO_ANSWER, calls=False).code == "DATABASE_UNREACHABLE.OTHER"
