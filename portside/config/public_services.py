"""Constraints between the public services of an environment."""

from __future__ import annotations

from collections.abc import Sequence

from portside.config.deferred_values import is_token
from portside.config.environment import Environment
from portside.config.mistakes import Report, quoted
from portside.config.service_props import ServiceProps

_NOT_PUBLIC_HINT = (
    "Set it for the service to which the load balancer sends requests. An app without one sets "
    '"LOAD_BALANCER": False in ENVIRONMENTS.'
)


def check_public(environment: Environment, services: Sequence[ServiceProps], report: Report) -> None:
    """Report public services of which not exactly one receives all requests that no route matches."""
    public = [props for props in services if getattr(props, "public", False)]
    if not environment.load_balancer:
        for props in public:
            place = Report(f"ServiceProps({quoted(getattr(props, 'container_name', None))}).public", report.problems)
            where = f'ENVIRONMENTS["{environment.name}"]["LOAD_BALANCER"]'
            place.wrong(f"{where} is False", f"Remove public=True, or {where}.")
        return
    rest = [quoted(getattr(props, "container_name", None)) for props in public if not getattr(props, "routes", ())]
    if len(rest) > 1:
        mistake = f"{len(rest)} services have public=True and no routes: {', '.join(rest)}"
        hint = 'Add routes to the others, such as routes=[Route(10, paths=["/api", "/api/*"])].'
        report.wrong(mistake, hint)
    elif public and not rest:
        report.wrong("every public service has routes", "Remove those of the service that receives all other requests.")
    elif not public and all(hasattr(props, "public") for props in services):
        report.wrong("no service has public=True", _NOT_PUBLIC_HINT)
    _check_priorities(services, report)
    if environment.adopted_stacks and len(rest) == 1:
        _check_adopted(public, services, report)


def _check_adopted(public: Sequence[ServiceProps], services: Sequence[ServiceProps], report: Report) -> None:
    """Report calls that CloudFormation can't order where the service without routes has the listeners."""
    calls = {
        getattr(props, "container_name", ""): [call.service for call in getattr(props, "calls", ())]
        for props in services
    }
    first = next(props.container_name for props in public if not getattr(props, "routes", ()))
    reached, following = set[str](), [first]
    while following:
        name = following.pop()
        following += [callee for callee in calls.get(name, ()) if callee not in reached]
        reached.add(name)
    for props in public:
        if props.container_name in reached and props.container_name != first:
            mistake = (
                f"{first} calls it, so it must be deployed before; it also needs the listener, which {first} creates "
                "in an adopted environment"
            )
            place = Report(f"ServiceProps({quoted(props.container_name)}).routes", report.problems)
            place.wrong(mistake, f"Remove public=True and the routes, and let {first} pass these requests on.")


def _check_priorities(services: Sequence[ServiceProps], report: Report) -> None:
    """Report a priority of two routes: a listener's rules have different ones."""
    users: dict[int, str] = {}
    for props in services:
        name = getattr(props, "container_name", "")
        for index, route in enumerate(getattr(props, "routes", ())):
            priority = getattr(route, "priority", None)
            if priority is None or is_token(priority):
                continue
            if priority in users:
                place = Report(f"ServiceProps({quoted(name)}).routes[{index}]", report.problems)
                place.wrong(f"a route of {users[priority]} has this priority", "Use another.", priority)
            users[priority] = name
