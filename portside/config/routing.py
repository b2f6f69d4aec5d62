"""Which requests the load balancer sends to a public service."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Annotated, Any

from portside.config import service_checks as checks
from portside.config.deferred_values import is_token
from portside.config.entry import configuration_entry
from portside.config.mistakes import Report

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
_PATH = re.compile(r"/[A-Za-z0-9_\-.$/~\"'@:+&*?]{0,127}")
_HOST = re.compile(r"(?=.{1,128}$)[a-z0-9*?]([a-z0-9*?.-]*[a-z0-9*?])?\.[a-z*?]+")
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
_MOST_VALUES = 5
MAINTENANCE_PRIORITY = 1
"""The priority of the rule that answers with the maintenance page."""

MOST_PRIORITY = 39_999
"""The last priority of a route; those up to 49999 are of services without routes."""

_PRIORITY_HINT = f"Use a whole number from 2 to {MOST_PRIORITY}, without quotes; 1 is of the maintenance page."

_CODES = re.compile(r"[2-4][0-9]{2}(?:-[2-4][0-9]{2})?(?:,[2-4][0-9]{2}(?:-[2-4][0-9]{2})?)*")


def last_priority(container_name: str) -> int:
    """The priority of the rule of a service without routes.

    Services have different ones, so that one can replace another, which still has its rule.
    """
    return MOST_PRIORITY + 1 + zlib.crc32(container_name.encode()) % 10_000


def _patterns(pattern: re.Pattern[str], hint: str) -> checks.Check:
    def check(value: Any, report: Report) -> None:
        if not report.sequence(value, hint):
            return
        for index, text in enumerate(value):
            place = report.at(f"[{index}]")
            if place.text(text, hint) and not is_token(text) and not pattern.fullmatch(text):
                place.wrong("not a pattern that a load balancer accepts", hint, text)

    return check


def _has_condition(paths: Sequence[str], hosts: Sequence[str], report: Report) -> None:
    if not paths and not hosts:
        report.wrong("has neither paths nor hosts", 'Add paths=["/api", "/api/*"], or hosts=["api.example.org"].')
    elif len(paths) + len(hosts) > _MOST_VALUES:
        mistake = f"more than {_MOST_VALUES} paths and hosts, which is the most of a rule"
        report.wrong(mistake, "Use several routes.", [*hosts, *paths])


def success_codes(value: Any, report: Report) -> None:
    """The status codes of a healthy target, as a load balancer accepts them."""
    hint = 'Use codes from 200 to 499: "200", "200,302" or "200-399".'
    if report.text(value, hint) and not is_token(value) and not _CODES.fullmatch(value):
        report.wrong("not status codes of HTTP", hint, value)


def protocol(value: Any, report: Report) -> None:
    """The protocol between the load balancer and the tasks."""
    hint = 'Use "HTTP", or "HTTPS" if the container serves TLS itself.'
    if report.text(value, hint) and not is_token(value) and value not in ("HTTP", "HTTPS"):
        report.wrong("not a protocol of a target group", hint, value)


@configuration_entry(named_by="priority", together={("paths", "hosts"): _has_condition})
class Route:
    """Requests that a public service receives instead of the one without routes.

    A request matches if its path is one of `paths` and its host one of `hosts`; either can be omitted. `*` matches
    any characters, and `?` one. Of several routes that match, that with the lowest `priority` decides.
    """

    priority: Annotated[int, checks.between(MAINTENANCE_PRIORITY + 1, MOST_PRIORITY, _PRIORITY_HINT)]
    paths: Annotated[Sequence[str], _patterns(_PATH, 'Use patterns of paths: ["/api", "/api/*"].')] = ()
    hosts: Annotated[Sequence[str], _patterns(_HOST, 'Use host names in lowercase: ["api.example.org"].')] = ()
