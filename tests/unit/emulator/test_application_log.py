"""The stub of a program reports its fault in the format of the program's platform."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agora_own.apex import APEX as AGORA_APEX
from portside.emulator.fargate import proxy
from portside.emulator.fargate.faults import Fault

POSTGRES = {"PGHOST": "pg.example", "PGPORT": "5432", "PGUSER": "jane", "PGDATABASE": "orders"}
MYSQL = {"DATABASE_URL": "mysql://jane@mysql.example/orders"}
APEX = {"API_HOST": "agora-api", "API_PORT": "3333", "APP_HOST": "agora-app", "APP_PORT": "4200"}
SPRING = {"SPRING_DATA_MONGODB_HOST": "docdb.example", "SPRING_DATA_MONGODB_PORT": "27018"}
NODE = {"MONGODB_HOST": "docdb.example", "SSR_API_URL": "http://agora-api:3333/v1", "CSR_API_URL": "https://a.org/api"}


def _logged(fault: str, environment: dict[str, str]) -> str:
    from portside.emulator.fargate import application_log
    from portside.emulator.fargate.launch import Launch

    container: dict[str, Any] = {
        "name": "c",
        "environment": [{"name": name, "value": value} for name, value in environment.items()],
    }
    launch = Launch(
        {"taskArn": "arn:aws:ecs:us-east-1:1:task/cluster/abc", "clusterArn": "cluster/cluster"},
        {"containerDefinitions": [container], "taskRoleArn": "arn:aws:iam::1:role/task-role"},
        "1",
        "us-east-1",
        {"c": Fault("1", "c", fault)},
        proxy.parse(json.dumps([AGORA_APEX])),
    )
    return "\n".join(application_log.lines_of_fault(launch, container))


@pytest.mark.parametrize(
    ("fault", "environment", "logged"),
    [
        ("callee-unknown", NODE, "Error: getaddrinfo ENOTFOUND agora-api"),
        ("callee-unknown", SPRING, "java.net.UnknownHostException: backend"),
        ("callee-refused", NODE, "request to http://agora-api:3333 failed"),
        ("callee-refused", SPRING, "java.net.ConnectException: Connection refused: backend/"),
        ("callee-refused", APEX, "dial tcp 127.255.0.3:3333: connect: connection refused"),
        ("database-unreachable", NODE, "connect ETIMEDOUT docdb.example:27017"),
        ("database-unreachable", SPRING, "MongoTimeoutException: Timed out after 30000 ms while waiting to connect"),
        ("database-unreachable", SPRING, "servers=[{address=docdb.example:27018,"),
        ("database-auth", NODE, "codeName: 'AuthenticationFailed'"),
        ("database-auth", SPRING, "com.mongodb.MongoSecurityException: Exception authenticating"),
        ("database-unreachable", POSTGRES, 'server at "pg.example", port 5432 failed: Connection timed out'),
        ("database-unreachable", MYSQL, "Can't connect to MySQL server on 'mysql.example:3306' (110)"),
        ("database-auth", POSTGRES, 'FATAL:  password authentication failed for user "jane"'),
        ("database-auth", MYSQL, "Access denied for user 'jane'@'127.255.0.3' (using password: YES)"),
        ("database-tls", POSTGRES, 'no pg_hba.conf entry for host "127.255.0.3", user "jane", database "orders"'),
        ("database-tls", MYSQL, "Connections using insecure transport are prohibited"),
        ("database-tls", NODE, "connection <monitor> to docdb.example:27017 closed"),
        ("database-missing", POSTGRES, 'FATAL:  database "orders" does not exist'),
        ("database-missing", MYSQL, "Unknown database 'orders'"),
        ("role-denied", NODE, "User: arn:aws:sts::1:assumed-role/task-role/abc is not authorized to perform: s3:Get"),
        ("role-denied", SPRING, "S3Exception: User: arn:aws:sts::1:assumed-role/task-role/abc is not authorized"),
    ],
)
def test_a_fault_is_logged_in_the_format_of_the_platform(fault: str, environment: dict[str, str], logged: str) -> None:
    assert logged in _logged(fault, environment)


def test_a_program_does_not_report_what_it_cannot_know() -> None:
    assert _logged("missing-image", NODE) == ""


@pytest.mark.parametrize(("environment", "logged"), [(NODE, "Node.js v"), (SPRING, "Caused by: java"), (APEX, "caddy")])
def test_a_program_that_crashes_logs_as_its_platform_does(environment: dict[str, str], logged: str) -> None:
    assert logged in _logged("crash-at-start", environment)
    assert _logged("crash-after-start", environment) != _logged("crash-at-start", environment)
