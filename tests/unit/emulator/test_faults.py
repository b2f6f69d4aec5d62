"""Faults have names, belong to an account's container, and are checked when they are switched on."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.emulator.fargate.faults import Fault, Faults, checked


def test_a_misspelt_fault_gets_a_suggestion() -> None:
    with pytest.raises(ValueError, match="did you mean crash-at-start"):
        checked("1", "agora-api", "crash-on-start", None)


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "99999"])
def test_a_value_must_be_a_sensible_number(value: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        checked("1", "agora-api", "slow-start", value)


def test_a_fault_without_a_value_takes_none() -> None:
    with pytest.raises(ValueError, match="takes no value"):
        checked("1", "agora-api", "missing-image", "3")


def test_a_fault_is_on_for_its_account_and_container_only(tmp_path: Path) -> None:
    faults = Faults(tmp_path / "faults.json")
    fault = Fault("1", "agora-api", "slow-start", "2")
    faults.put(fault)
    assert faults.of("1", "agora-api") == fault
    assert faults.of("2", "agora-api") is None
    assert faults.of("1", "agora-app") is None


def test_faults_survive_a_restart_and_are_cleared_by_account(tmp_path: Path) -> None:
    faults = Faults(tmp_path / "faults.json")
    faults.put(Fault("1", "agora-api", "never-healthy"))
    faults.put(Fault("2", "agora-api", "never-healthy"))
    again = Faults(tmp_path / "faults.json")
    again.clear("1")
    assert [each.account for each in Faults(tmp_path / "faults.json").all()] == ["2"]
    again.clear()
    assert Faults(tmp_path / "faults.json").all() == []


def test_a_fault_with_times_ends_after_so_many_tasks(tmp_path: Path) -> None:
    faults = Faults(tmp_path / "faults.json")
    faults.put(Fault("1", "agora-api", "never-healthy", times=2))
    taken = [faults.take("1", "agora-api") for _ in range(3)]
    assert [each.fault if each else None for each in taken] == ["never-healthy", "never-healthy", None]
    assert Faults(tmp_path / "faults.json").all() == []


def test_a_fault_without_times_stays(tmp_path: Path) -> None:
    faults = Faults(tmp_path / "faults.json")
    faults.put(Fault("1", "agora-api", "never-healthy"))
    assert all(faults.take("1", "agora-api") for _ in range(5))


@pytest.mark.parametrize(
    ("given", "value", "times"), [("2x", None, 2), ("137,3x", "137", 3), ("137", "137", None), (None, None, None)]
)
def test_times_can_be_in_the_value(given: str | None, value: str | None, times: int | None) -> None:
    found = checked("1", "agora-api", "crash-at-start", given)
    assert (found.value, found.times) == (value, times)


def test_a_fault_without_a_value_takes_times_all_the_same() -> None:
    assert checked("1", "agora-api", "missing-image", "2x").times == 2


@pytest.mark.parametrize("given", ["0x", "x", "2x,3", "twice"])
def test_times_that_are_none_are_refused(given: str) -> None:
    with pytest.raises(ValueError, match="crash-at-start must be"):
        checked("1", "agora-api", "crash-at-start", given)
