"""The image that loads data: published next to the images of the services and locked with them."""

from __future__ import annotations

from collections.abc import Sequence

from portside.config.configuration import Configuration
from portside.config.deferred_values import DatabaseHost, DatabaseSecret
from portside.config.image_reference import parse_reference
from portside.config.service_props import DATABASE, ServiceProps
from portside.errors import UsageError

LOADER = "agora-data"


def loaders_of(configuration: Configuration, names: Sequence[str]) -> list[str]:
    """The loader's image at the version of each environment that has a service which reads the database."""
    found = []
    for name in names:
        try:
            found.append(
                loader_image(configuration.services_of(name), configuration.environment(name).ghcr_package_version)
            )
        except UsageError:
            continue
    return list(dict.fromkeys(found))


def loader_image(services: Sequence[ServiceProps], version: str) -> str:
    """The loader's image at a version: it is published next to the images of the services that read the database."""
    parsed = parse_reference(model_of(services).container_location)
    if parsed is None or "/" not in parsed.name:
        raise UsageError(
            f"{model_of(services).container_location!r} names no registry that could have {LOADER}",
            "Give container_location a whole name, such as ghcr.io/owner/name:tag.",
        )
    return f"{parsed.name.rpartition('/')[0]}/{LOADER}:{version}"


def model_of(services: Sequence[ServiceProps]) -> ServiceProps:
    """The service whose deployment the load copies: the first that has the database's host and password."""
    for props in services:
        if any(call.service == DATABASE for call in props.calls) and database_keys(props):
            return props
    raise UsageError(
        "no service of app.py reads the database, so the load has no way to reach it",
        "A service that does calls DATABASE, and has DatabaseHost() and DatabaseSecret() in its environment.",
    )


def database_keys(props: ServiceProps) -> tuple[str, str] | None:
    """The environment variables that give a service the database's host and password; None without either."""
    host = next((key for key, value in props.container_env_vars.items() if isinstance(value, DatabaseHost)), None)
    secret = next(
        (each.environment_key for each in props.container_secrets if isinstance(each.secret_name, DatabaseSecret)), None
    )
    return (host, secret) if host and secret else None
