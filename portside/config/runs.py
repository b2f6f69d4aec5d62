"""When a container runs: always, on a schedule, before a rollout, or on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import available_timezones

from portside.config.cron import Expression, InvalidExpression, parse_expression
from portside.config.deferred_values import is_token
from portside.config.entry import configuration_entry
from portside.config.mistakes import Report, closest, kind_of


class Runs(StrEnum):
    """When a container runs, if not on a schedule."""

    ALWAYS = "always"
    """As a service, which replaces tasks that stop."""
    BEFORE_ROLLOUT = "before a rollout"
    """Once in each deployment that changes it, before a service changes. If it fails, no service changes."""
    ON_REQUEST = "on request"
    """Only with the command `run`."""


ALWAYS, BEFORE_ROLLOUT, ON_REQUEST = Runs.ALWAYS, Runs.BEFORE_ROLLOUT, Runs.ON_REQUEST

_UTC = "UTC"


def _expression(value: Any, report: Report) -> None:
    if not report.text(value, 'Use an expression such as "cron(0 3 * * ? *)" or "rate(15 minutes)".'):
        return
    try:
        parse_expression(value)
    except InvalidExpression as error:
        report.wrong(str(error), error.hint, value)


def _time_zone(value: Any, report: Report) -> None:
    hint = 'Use a name of the IANA database, such as "America/Los_Angeles".'
    known = available_timezones()
    if report.text(value, hint) and value not in known:
        similar = closest(value, sorted(known), similarity=0.8)
        report.wrong("no such time zone", f'Did you mean "{similar}"?' if similar else hint, value)


def _zone_of_cron(expression: str, time_zone: str, report: Report) -> None:
    if expression.startswith("rate") and time_zone != _UTC:
        report.at(".time_zone").wrong("has no effect: a rate has no time of day", "Remove it.", time_zone)


@configuration_entry(named_by="expression", together={("expression", "time_zone"): _zone_of_cron})
class Schedule:
    """When EventBridge Scheduler starts a task: `cron(minute hour day month weekday year)` or `rate(15 minutes)`."""

    expression: Annotated[str, _expression]
    time_zone: Annotated[str, _time_zone] = _UTC

    @property
    def parsed(self) -> Expression:
        return parse_expression(self.expression)


_CHOICES = 'ALWAYS, BEFORE_ROLLOUT, ON_REQUEST or Schedule("cron(0 3 * * ? *)")'


def check_runs(value: Any, report: Report) -> None:
    """Report a value of `runs` that is neither a `Runs` nor a `Schedule`."""
    if isinstance(value, Runs | Schedule):
        return
    hint = f"Use {_CHOICES}."
    if isinstance(value, str):
        named = next((each for each in Runs if value.lower().replace("_", " ") in (each, each.name.lower())), None)
        named = named or _closest_run(value)
        is_expression = value.startswith(("cron", "rate", "at("))
        fix = f'Use Schedule("{value}").' if is_expression else f"Use {named.name}, without quotes." if named else hint
        report.wrong("a text", fix, value)
    elif isinstance(value, type) and issubclass(value, Schedule):
        report.wrong("a class, not a value", 'Use Schedule("cron(0 3 * * ? *)").')
    else:
        report.wrong(f"not a time to run, got {kind_of(value)}", hint)


def _closest_run(text: str) -> Runs | None:
    """The value with the most similar name."""
    similar = closest(text.replace(" ", "_"), [each.name for each in Runs], similarity=0.6)
    return Runs[similar] if similar else None


# The fields that only have an effect on a service, with their defaults.
OF_SERVICES: Mapping[str, Any] = {
    "container_port": None,
    "auto_scale_min_capacity": 1,
    "auto_scale_max_capacity": 1,
    "spot_weight": 0,
    "deployment_failure_threshold": 3,
    "public": False,
    "health_check_path": "/",
    "target_group_port": 80,
    "health_check_grace_seconds": 60,
    "container_healthcheck": None,
    "no_healthcheck_reason": "",
    "routes": (),
    "target_protocol": "HTTP",
    "health_check_codes": "200",
    "health_check_interval_seconds": 10,
    "auto_scale_memory_percent": None,
    "one_at_a_time": False,
}
_WHY = {
    "container_port": "nothing can connect to a task that ends",
    "public": "the load balancer sends requests to services only",
    "container_healthcheck": "ECS replaces unhealthy tasks of services only; a task that ends has its exit code",
    "no_healthcheck_reason": "a task that ends has its exit code instead of a health check",
}
DEFAULT_TIMEOUT_MINUTES = 60


def of_services_only(field: str) -> Callable[[Any, Any, Report], None]:
    """A check that a field of services is not set for other containers."""

    def check(runs: Runs | Schedule, value: Any, report: Report) -> None:
        if runs is not ALWAYS and (is_token(value) or value != OF_SERVICES[field]):
            why = _WHY.get(field, "it is a setting of services, which this container is not")
            report.at(f".{field}").wrong(f"has no effect: {why}", "Remove it, or use runs=ALWAYS.", value)

    return check


def for_services(check: Callable[..., None]) -> Callable[..., None]:
    """A check that compares fields of services only."""

    def of_service(runs: Runs | Schedule, *compared: Any) -> None:
        if runs is ALWAYS:
            check(*compared)

    return of_service


def timeout_of_task(runs: Runs | Schedule, minutes: int, report: Report) -> None:
    """Report a timeout of a service, which never ends."""
    if runs is ALWAYS and minutes != DEFAULT_TIMEOUT_MINUTES:
        report.at(".timeout_minutes").wrong("has no effect: a service does not end", "Remove it.", minutes)
