"""The names that `app.py` imports."""

from __future__ import annotations

from portside.config.deferred_values import (
    DatabaseHost,
    DatabaseName,
    DatabasePort,
    DatabaseSecret,
    DatabaseUser,
    ImageCommit,
    ImageVersion,
    StackOutput,
)
from portside.config.environment import Environment
from portside.config.kind import Kind
from portside.config.runs import ALWAYS, BEFORE_ROLLOUT, ON_REQUEST, Schedule
from portside.config.service_props import (
    DATABASE,
    Call,
    ContainerVolume,
    DurableVolume,
    Grant,
    HealthCheck,
    Permission,
    Route,
    ServiceProps,
    ServiceSecret,
)

__all__ = [
    "ALWAYS",
    "BEFORE_ROLLOUT",
    "DATABASE",
    "ON_REQUEST",
    "Call",
    "ContainerVolume",
    "DatabaseHost",
    "DatabaseName",
    "DatabasePort",
    "DatabaseSecret",
    "DatabaseUser",
    "DurableVolume",
    "Environment",
    "Grant",
    "HealthCheck",
    "ImageCommit",
    "ImageVersion",
    "Kind",
    "Permission",
    "Route",
    "Schedule",
    "ServiceProps",
    "ServiceSecret",
    "StackOutput",
    "main",
]


def main() -> None:
    """Synthesize the environment in the variable ENV: the CDK runs `app.py` as a program."""
    from portside.stacks.synthesize import main as synthesize

    synthesize()
