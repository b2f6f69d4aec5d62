"""Finds services by name, or by name without the common prefix."""

from __future__ import annotations

from collections.abc import Sequence

from portside.config.environment import Environment
from portside.config.mistakes import quoted, suggestion
from portside.config.service_props import ServiceProps
from portside.errors import UsageError


def find_service(environment: Environment, services: Sequence[ServiceProps], name: str) -> ServiceProps:
    """The service of a name, `my-app-api` or `api`. Raises `UsageError` with the most similar name."""
    names = [props.container_name for props in services]
    short = [environment.short_name(each) for each in names]
    for known in (names, short):
        if name in known:
            return services[known.index(name)]
    is_whole = any(name.startswith(f"{each.partition('-')[0]}-") for each in names)
    hint = suggestion(name, names if is_whole else short)
    raise UsageError(f"no service {quoted(name)} in app.py", hint)


def choose_services(
    environment: Environment, services: Sequence[ServiceProps], names: Sequence[str], *, all_of_them: bool
) -> tuple[ServiceProps, ...]:
    """The named services in the order of the configuration, or all. Raises `UsageError` for neither or both."""
    if all_of_them == bool(names):
        known = ", ".join(environment.short_name(each.container_name) for each in services if each.is_service)
        raise UsageError(
            "both services and --all" if names else "no services",
            f"Name services, or pass --all. Known are: {known}.",
        )
    running = [props for props in services if props.is_service]
    chosen = running if all_of_them else [find_service(environment, services, name) for name in names]
    return tuple(props for props in services if props in chosen)
