"""Who switched the maintenance page of an environment on, kept in the environment itself, and its rule."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from portside.aws.errors import aws_errors, is_missing, why_unanswered
from portside.aws.target import Target
from portside.config.environment import Environment
from portside.config.routing import MAINTENANCE_PRIORITY
from portside.errors import UserError
from portside.json_fields import JsonFields
from portside.program import PROGRAM
from portside.records.parameter_history import put_parameter, read_parameter

_UNKNOWN = "unknown"


@dataclass(frozen=True)
class MaintenancePage(JsonFields):
    """The maintenance page of an environment: since when (ISO 8601), and the listener whose rule answers with it."""

    by: str
    since: str
    listener: str

    def sentence(self, environment: str) -> str:
        """The message that says who switched it on."""
        since = "" if self.since == _UNKNOWN else f" since {self.since[:19].replace('T', ' ')} UTC"
        return f"{environment} answers with its maintenance page{since}, switched on by {self.by}"


def parameter_name(environment: Environment) -> str:
    """The parameter that says who switched the page on."""
    return environment.parameter_name("maintenance")


def read_page(ssm: Any, environment: Environment) -> MaintenancePage | None:
    """The page that is on, None without one."""
    value = read_parameter(ssm, parameter_name(environment))
    if value is None:
        return None
    try:
        fields = json.loads(value)
        return MaintenancePage(*(str(fields[name]) for name in ("by", "since", "listener")))
    except (ValueError, TypeError, KeyError):
        return MaintenancePage("someone", _UNKNOWN, "")


def write_page(ssm: Any, environment: Environment, page: MaintenancePage) -> None:
    """Remember who switches the page on."""
    description = f"Who switched the maintenance page on; written by {PROGRAM}"
    put_parameter(ssm, parameter_name(environment), json.dumps(asdict(page), separators=(",", ":")), description)


def delete_page(ssm: Any, environment: Environment) -> None:
    """Forget the page."""
    try:
        ssm.delete_parameter(Name=parameter_name(environment))
    except aws_errors() as error:
        if not is_missing(error):
            raise


def _is_shown(target: Target, page: MaintenancePage) -> bool:
    """Whether the rule exists; a deployment that replaces the listener removes it."""
    try:
        return bool(page.listener and rule_of(target.clients("elbv2"), page.listener))
    except aws_errors() as error:
        if is_missing(error):
            return False
        raise


def maintenance_of(target: Target) -> str:
    """That the page of an environment is on, in a sentence; empty if it is off. Raises AWS's error."""
    page = read_page(target.clients("ssm"), target.environment)
    if page is None:
        return ""
    name = target.environment.name
    on, off = (target.commands.tool("maintenance", switch) for switch in ("on", "off"))
    try:
        is_shown = _is_shown(target, page)
    except aws_errors() as error:
        return f"{page.sentence(name)}, but its rule could not be read: {why_unanswered(error)}. Switch it off: {off}"
    except UserError:
        is_shown = False
    if is_shown:
        return f"{page.sentence(name)}; its alarms notify no one. Switch it off: {off}"
    return f"{page.by} switched the maintenance page of {name} on, but its rule does not exist. Show it again: {on}"


def rule_of(elbv2: Any, listener: str) -> str:
    """The ARN of a listener's maintenance rule, empty without one. Raises `UserError` if another rule has its place."""
    pages = elbv2.get_paginator("describe_rules").paginate(ListenerArn=listener)
    rules = (rule for page in pages for rule in page["Rules"])
    first = next((each for each in rules if each["Priority"] == str(MAINTENANCE_PRIORITY)), None)
    if first is None:
        return ""
    # A route that an earlier version deployed with this priority must not be changed or deleted.
    if first["Actions"][0]["Type"] != "fixed-response":
        raise UserError(
            f"a rule with priority {MAINTENANCE_PRIORITY} sends requests to a service; the page needs this priority",
            "Give its route another priority in app.py, and deploy.",
        )
    return str(first["RuleArn"])
