"""Small configurations for the tests: a valid one, and the mistakes reported for others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from portside.config.configuration import ROOT, Configuration
from portside.config.configuration import check_configuration as check_names
from portside.config.database_kinds import DOCUMENTDB
from portside.config.environment import Environment
from portside.config.identity import Identity
from portside.config.kind import Kind
from portside.config.service_props import Call, ServiceProps
from portside.errors import ConfigurationError, Problem

OMITTED = object()
WAIVED: dict[str, Any] = {"PROVED_BY": None, "PROOF_WAIVED": "a test of something else"}

CERTIFICATE_ID = "e8093404-7db1-4042-90d0-01eb5bde1ffc"
ENVIRONMENT: dict[str, Any] = {
    "ACCOUNT": "607346494281",
    "VPC_CIDR": "10.254.172.0/24",
    "FQDN": "app-dev.example.org",
    "CERTIFICATE_ID": CERTIFICATE_ID,
    "TAGS": {"CostCenter": "NO PROGRAM / 000000"},
    "GHCR_PACKAGE_VERSION": "1.0.0",
    "AUTO_SCALE_CAPACITY": {"min": 1, "max": 2},
    "DATABASE_KIND": "documentdb",
}
SERVICE: dict[str, Any] = {
    "container_name": "app",
    "container_port": 443,
    "container_memory_reservation": 1024,
    "container_location": "ghcr.io/sage-bionetworks/app:v1.0",
}


def named(name: str) -> Environment:
    """An environment of which only the name matters."""
    return Environment(
        name=name,
        identity=Identity("agora", "agora-{environment}"),
        kind=Kind.DEVELOPMENT,
        branch=name,
        account=ENVIRONMENT["ACCOUNT"],
        vpc_cidr=ENVIRONMENT["VPC_CIDR"],
        fqdn=ENVIRONMENT["FQDN"],
        certificate_arn=f"arn:aws:acm:us-east-1:{ENVIRONMENT['ACCOUNT']}:certificate/{CERTIFICATE_ID}",
        tags=ENVIRONMENT["TAGS"],
        ghcr_package_version="1.0.0",
        auto_scale_min=1,
        auto_scale_max=2,
        database_name="agora",
        database_kind=DOCUMENTDB,
        database_stack=DOCUMENTDB.stack,
    )


def check_configuration(
    environments: object,
    services: object,
    root: Path = ROOT,
    releases: object = None,
    *,
    app: object = "agora",
    acting_on: Collection[str] | None = None,
) -> Configuration:
    written = {"APP": app, "ENVIRONMENTS": environments, "services": services, "RELEASES": releases}
    return check_names(written, root, acting_on)


def with_changes(right: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (right | changes).items() if value is not OMITTED}


def service(**changes: Any) -> ServiceProps:
    return ServiceProps(**with_changes(SERVICE, **changes))


def one_service(_: Environment) -> list[ServiceProps]:
    return [service(public=True)]


def api_and_app(**changes: Any) -> Callable[[Environment], list[ServiceProps]]:
    """A configuration's services: an app that is public and calls an api. Changes are those of the app."""

    def services(_: Environment) -> list[ServiceProps]:
        api = service(container_name="api", container_port=3333)
        return [api, service(**({"public": True, "calls": [Call("api", 3333)]} | changes))]

    return services


def environments(**names: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Environments that are right next to each other, with changes to each: `environments(dev={}, prod={})`.

    A production environment without a staging one waives its proof, unless it says something of it.
    """
    kinds = {name: changes.get("KIND", Kind.default_of(name)) for name, changes in names.items()}
    return {
        name: with_changes(
            ENVIRONMENT
            | {"VPC_CIDR": f"10.254.{172 + index}.0/24", "FQDN": f"{name}.example.org"}
            | (WAIVED if kinds[name] == Kind.PRODUCTION and Kind.STAGING not in kinds.values() else {}),
            **changes,
        )
        for index, (name, changes) in enumerate(names.items())
    }


def problems_raised_by(write: Callable[[], object]) -> list[Problem]:
    """The mistakes reported for a configuration, or a part of one."""
    with pytest.raises(ConfigurationError) as raised:
        write()
    return list(raised.value.problems)


def problems_of(configuration: object, services: object = one_service) -> list[Problem]:
    return problems_raised_by(lambda: check_configuration(configuration, services))


def environment_problems(**changes: Any) -> list[Problem]:
    return problems_of(environments(dev=changes))


def service_problems(**changes: Any) -> list[Problem]:
    return problems_raised_by(lambda: service(**changes))
