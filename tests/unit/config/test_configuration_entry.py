"""Entries of the configuration: everything wrong with one is reported together."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from portside.config.entry import collecting_invalid, problems_of, report_of
from portside.config.service_props import Call, HealthCheck, ServiceProps
from portside.errors import ConfigurationError, Problem
from tests.unit.configuration_support import problems_raised_by, service


def test_all_mistakes_of_an_entry_are_reported_at_once() -> None:
    assert [problem.where for problem in problems_raised_by(lambda: HealthCheck("curl", 1, 1))] == [
        "HealthCheck.command",
        "HealthCheck.interval_seconds",
        "HealthCheck.timeout_seconds",
    ]


def test_an_entry_is_called_by_what_names_it() -> None:
    assert problems_raised_by(lambda: Call("api", 0))[0].where == 'Call("api").port'


def test_a_field_that_is_not_given_is_missed() -> None:
    assert problems_raised_by(lambda: Call(port=80)) == [Problem("Call.service", "missing", "Add service=…")]  # type: ignore[call-arg]


def test_an_unknown_field_is_reported_with_a_suggestion() -> None:
    wrong: dict[str, Any] = {"service": "api", "prot": 80}
    assert problems_raised_by(lambda: Call(**wrong)) == [
        Problem('Call("api").prot', "unknown field", 'Did you mean "port"?'),
        Problem('Call("api").port', "missing", "Add port=…"),
    ]


def test_too_many_values_are_reported() -> None:
    wrong: Any = ("api", 80, 5)
    assert [problem.what for problem in problems_raised_by(lambda: Call(*wrong))] == ["3 values for 2 fields"]


def test_a_field_given_twice_is_reported() -> None:
    twice: Any = {"service": "api"}
    assert problems_raised_by(lambda: Call("api", 80, **twice)) == [
        Problem('Call("api").service', "given twice", "Use it once, as name=value.")
    ]


def test_an_entry_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Call("api", 80).port = 81  # type: ignore[misc]


def test_entries_are_values_that_can_be_compared_copied_and_written_out() -> None:
    assert service() == service()
    assert dataclasses.replace(service(), public=True).public
    assert dataclasses.asdict(Call("api", 80)) == {"service": "api", "port": 80}


def test_an_entry_keeps_what_it_was_given_when_that_changes_later() -> None:
    variables, calls = {"A": "b"}, [Call("api", 80)]
    props = service(container_env_vars=variables, calls=calls)
    variables["C"] = "d"
    calls.clear()
    assert (props.container_env_vars, props.calls) == ({"A": "b"}, (Call("api", 80),))


def test_nothing_replaces_what_is_empty_by_default() -> None:
    props = service(container_env_vars=None, container_secrets=None, calls=None)
    assert (props.container_env_vars, props.container_secrets, props.calls) == ({}, (), ())


def test_a_check_of_several_fields_waits_until_each_is_right() -> None:
    problems = problems_raised_by(lambda: service(auto_scale_min_capacity=5, auto_scale_max_capacity="2"))
    assert [problem.where for problem in problems] == ['ServiceProps("app").auto_scale_max_capacity']


def test_while_gathering_wrong_entries_are_kept_without_their_wrong_fields() -> None:
    with collecting_invalid() as wrong:
        call = Call("api", 0)
    assert wrong[0] is call
    assert call.service == "api"
    assert not hasattr(call, "port")
    assert problems_of(wrong) == [
        Problem('Call("api").port', "not from 1 to 65535, got 0", "Use the TCP port as a number, such as 8080.")
    ]


def test_the_mistakes_of_an_entry_within_another_are_reported_for_the_whole() -> None:
    with collecting_invalid() as wrong:
        service(container_healthcheck=HealthCheck([]), calls=[Call("api", 1), Call("docs", 0)])
    assert [problem.where for problem in problems_of(wrong)] == [
        'ServiceProps("app").container_healthcheck.command',
        'ServiceProps("app").calls[1].port',
    ]


def test_right_entries_are_not_gathered() -> None:
    with collecting_invalid() as wrong:
        props = service()
    assert (wrong, report_of(props)) == ([], None)


def test_after_gathering_a_wrong_entry_raises_again() -> None:
    with collecting_invalid():
        pass
    with pytest.raises(ConfigurationError):
        ServiceProps()  # type: ignore[call-arg]
