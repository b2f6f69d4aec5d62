"""Services as a person names them: whole, or without what all their names begin with."""

from __future__ import annotations

from collections.abc import Sequence

from portside.config.configuration import stack_part
from portside.config.mistakes import quoted, suggestion
from portside.config.service_props import ServiceProps
from portside.errors import UsageError


def find_service(services: Sequence[ServiceProps], name: str) -> ServiceProps:
    """The service of a name: `agora-api`, or `api` for short. Raises `UsageError` with the one that was meant."""
    for known in ((props.container_name for props in services), (stack_part(p.container_name) for p in services)):
        found = next((props for props, each in zip(services, known, strict=True) if each == name), None)
        if found:
            return found
    names = [props.container_name for props in services]
    is_whole = any(name.startswith(f"{each.partition('-')[0]}-") for each in names)
    hint = suggestion(name, names if is_whole else [stack_part(each) for each in names])
    raise UsageError(f"no service {quoted(name)} in app.py", hint)


def choose_services(
    services: Sequence[ServiceProps], names: Sequence[str], *, all_of_them: bool
) -> tuple[ServiceProps, ...]:
    """The named services, once each, in configured order, or all. Raises `UsageError` for neither and both."""
    if all_of_them == bool(names):
        raise UsageError(
            "both names and --all" if names else "no service is named",
            f"Name services, or pass --all. Known are: {', '.join(stack_part(p.container_name) for p in services)}.",
        )
    chosen = services if all_of_them else [find_service(services, name) for name in names]
    return tuple(props for props in services if props in chosen)
