"""The callees that a service starts after: none of which another one starts after anyway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portside.config.service_props import DATABASE, Call, ServiceProps
from portside.config.start_order import awaited_callees
from tests.unit.configuration_support import service


def services(calls: Mapping[str, Sequence[str]]) -> list[ServiceProps]:
    return [service(container_name=name, calls=[Call(each, 80) for each in called]) for name, called in calls.items()]


def mesh(count: int) -> list[ServiceProps]:
    """Each service calls the three before it."""
    names = [f"s{number}" for number in range(count)]
    return services({name: names[max(0, number - 3) : number] for number, name in enumerate(names)})


def everything_before(name: str, awaited: Mapping[str, Sequence[str]]) -> set[str]:
    return set(awaited[name]).union(*(everything_before(each, awaited) for each in awaited[name]))


def test_a_service_starts_after_its_callees() -> None:
    found = awaited_callees(services({"web": ["api", "docs"], "api": [], "docs": []}))
    assert found["web"] == ("api", "docs")
    assert found["api"] == found["docs"] == ()


def test_a_callee_that_another_callee_starts_after_is_omitted() -> None:
    found = awaited_callees(services({"store": [], "api": ["store"], "app": ["api"], "web": ["store", "app"]}))
    assert found == {"web": ("app",), "app": ("api",), "api": ("store",), "store": ()}


def test_nothing_is_lost_by_omitting_callees() -> None:
    found = awaited_callees(mesh(16))
    for number in range(16):
        assert everything_before(f"s{number}", found) == {f"s{before}" for before in range(number)}


def test_a_mesh_of_128_services_has_one_dependency_for_each() -> None:
    assert sum(map(len, awaited_callees(mesh(128)).values())) == 127


def test_a_fan_keeps_all_its_callees() -> None:
    leaves = {f"s{number}": list[str]() for number in range(20)}
    assert len(awaited_callees(services({**leaves, "web": list(leaves)}))["web"]) == 20


def test_callers_come_before_their_callees() -> None:
    found = list(awaited_callees(mesh(16)))
    assert found == [f"s{number}" for number in reversed(range(16))]


def test_the_database_is_no_service() -> None:
    assert awaited_callees(services({"api": [DATABASE]})) == {"api": ()}
