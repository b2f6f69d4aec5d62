"""Which services start before which."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping, Sequence

from portside.config.mistakes import Report
from portside.config.service_props import ServiceProps


def awaited_callees(services: Sequence[ServiceProps]) -> dict[str, tuple[str, ...]]:
    """The callees after which each service starts, callers first: without those that another of them starts after."""
    names = {props.container_name for props in services}
    callees = {
        props.container_name: tuple(dict.fromkeys(call.service for call in props.calls if call.service in names))
        for props in services
    }
    awaited: dict[str, tuple[str, ...]] = {}
    before: dict[str, set[str]] = {}
    for name in graphlib.TopologicalSorter(callees).static_order():
        earlier = set().union(*(before[callee] for callee in callees[name]))
        awaited[name] = tuple(callee for callee in callees[name] if callee not in earlier)
        before[name] = earlier.union(callees[name])
    return dict(reversed(awaited.items()))


def check_cycles(services: Sequence[ServiceProps], report: Report) -> None:
    """Report services that call each other in a cycle."""
    names = {props.container_name for props in services}
    callees = {props.container_name: {call.service for call in props.calls} & names for props in services}
    while cycle := _cycle(callees):
        first, second = cycle[:2]
        report.wrong(
            f"services call each other in a cycle: {' -> '.join(cycle)}",
            "Remove one of these calls: the first deployment starts callees before their callers.",
        )
        callees[first].remove(second)


def _cycle(callees: Mapping[str, set[str]]) -> list[str]:
    try:
        graphlib.TopologicalSorter(callees).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return []
