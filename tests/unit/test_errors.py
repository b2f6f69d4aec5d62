"""The messages that a user reads when something is wrong."""

from __future__ import annotations

from portside.errors import ConfigurationError, Problem, UsageError, UserError


def test_an_error_says_what_is_wrong_and_then_what_to_do() -> None:
    assert str(UserError("no such stack", "Deploy it first.")) == "no such stack\nDeploy it first."


def test_an_error_without_a_hint_is_one_line() -> None:
    assert str(UserError("no such stack")) == "no such stack"


def test_what_failed_and_what_was_asked_for_wrongly_leave_with_different_codes() -> None:
    assert (UserError("x").exit_code, UsageError("x").exit_code, ConfigurationError([]).exit_code) == (1, 2, 2)


def test_a_wrong_configuration_reports_every_problem_with_its_place_and_its_hint() -> None:
    error = ConfigurationError([Problem("a", "empty, got ''", "Fill it."), Problem("b", "missing", "Give it.")])
    assert str(error) == "a: empty, got ''\nFill it.\nb: missing\nGive it."


def test_a_wrong_configuration_is_a_value_error() -> None:
    assert issubclass(ConfigurationError, ValueError)
