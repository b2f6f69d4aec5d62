"""A web app with a worker, a migration before each rollout, a nightly report and a job on request, on PostgreSQL."""

if __name__ == "__main__":
    from src.synthesize import main

    main()

from typing import Any

from src.environment import Environment
from src.late_values import DatabaseHost, DatabaseName, DatabasePort, DatabaseSecret, DatabaseUser
from src.service_props import (
    BEFORE_ROLLOUT,
    DATABASE,
    ON_REQUEST,
    Call,
    Schedule,
    ServiceProps,
    ServiceSecret,
)

APP = "desk"

ENVIRONMENTS = {
    "dev": {
        "ACCOUNT": "111122223333",
        "VPC_CIDR": "10.20.40.0/24",
        "FQDN": "desk-dev.example.org",
        "CERTIFICATE_ID": "33333333-7db1-4042-90d0-01eb5bde1ffc",
        "TAGS": {"CostCenter": "Desk / 1"},
        "GHCR_PACKAGE_VERSION": "1.0.0",
        "AUTO_SCALE_CAPACITY": {"min": 1, "max": 2},
        "DATABASE_KIND": "postgresql",
    },
}


def services(environment: Environment) -> list[ServiceProps]:
    """All containers run the same image, with other commands."""
    image = f"ghcr.io/example/desk:{environment.ghcr_package_version}"
    database: dict[str, Any] = {
        "container_location": image,
        "container_env_vars": {
            "PGHOST": DatabaseHost(),
            "PGPORT": DatabasePort(),
            "PGDATABASE": DatabaseName(),
            "PGUSER": DatabaseUser(),
        },
        "container_secrets": [ServiceSecret(DatabaseSecret("password"), "PGPASSWORD")],
        "calls": [Call(DATABASE, environment.database_port)],
        "container_memory_reservation": 256,
    }
    return [
        ServiceProps(
            container_name="desk-web",
            container_port=8000,
            no_healthcheck_reason="the load balancer asks for /",
            public=True,
            **database,
        ),
        ServiceProps(
            container_name="desk-worker",
            container_port=8001,
            container_command=["desk", "work"],
            no_healthcheck_reason="it only works on the queue",
            **database,
        ),
        ServiceProps(
            container_name="desk-migrate", container_command=["desk", "migrate"], runs=BEFORE_ROLLOUT, **database
        ),
        ServiceProps(
            container_name="desk-report",
            container_command=["desk", "report"],
            runs=Schedule("cron(0 3 * * ? *)", time_zone="America/Los_Angeles"),
            **database,
        ),
        ServiceProps(container_name="desk-import", container_command=["desk", "import"], runs=ON_REQUEST, **database),
    ]
