"""The maintenance page: a rule of the load balancer's listener that answers every request, before all other rules.

It is no part of a template, so that it is switched on and off in seconds, also while a stack can't be updated. Each
step can be repeated, so a command that was interrupted is repeated or undone.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from portside.aws.parallel import in_parallel
from portside.aws.reader import Reader
from portside.aws.target import Target
from portside.config.environment import Environment
from portside.config.routing import MAINTENANCE_PRIORITY
from portside.config.service_props import ServiceProps
from portside.config.stacks import StackKind, only_stack, stacks_for
from portside.errors import UsageError, UserError
from portside.records.environment_lock import expect_unlocked, locked
from portside.records.maintenance_record import MaintenancePage, delete_page, read_page, rule_of, write_page
from portside.records.origin import read_origin

MOST_CHARACTERS = 1024
"""Of the content of a fixed response.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html
"""
DEFAULT_MESSAGE = "We are working on this site. Please come back soon."
_STATUS_CODE = "503"
_LOAD_BALANCER, _ALARM = "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::CloudWatch::Alarm"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DisableAlarmActions.html
_ALARMS_AT_ONCE = 100
TAG = "portside:maintenance"
"""The tag of the rule, so that only these rules need to be deleted."""


def tag_value(environment: Environment) -> str:
    """The value of the tag: the start of the names of the environment's stacks."""
    return environment.stack_name("").rstrip("-")


def page_with(message: str) -> str:
    """An HTML page with a message. Raises `UsageError` if it is longer than a load balancer answers."""
    if not message.strip():
        raise UsageError("--message: empty", "Write what a visitor should read.")
    text = html.escape(message)
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        "<title>Maintenance</title>"
        "<style>body{font:1.2rem/1.5 system-ui;max-width:32em;margin:20vh auto;padding:0 1em}</style>"
        f"<h1>Maintenance</h1><p>{text}</p></html>"
    )
    expect_short(page, "--message")
    return page


def expect_short(page: str, option: str) -> None:
    """Raise `UsageError` if a page is longer than a load balancer answers, or empty."""
    if len(page) > MOST_CHARACTERS:
        more = len(page) - MOST_CHARACTERS
        raise UsageError(
            f"{option}: the page has {len(page)} characters, {more} more than a load balancer answers with",
            f"Shorten it by {more}.",
        )
    if not page.strip():
        raise UsageError(f"{option}: the page is empty", "Write what a visitor should read.")


@dataclass(frozen=True)
class _Listener:
    arn: str
    rule: str
    """The ARN of its maintenance rule, otherwise empty."""


def switch_on(target: Target, services: tuple[ServiceProps, ...], page: str) -> MaintenancePage:
    """Answer every request with the page, and silence the environment's alarms.

    Raises `UsageError` without a load balancer, and `UserError` if it is not deployed.
    """
    ssm, elbv2, environment = target.clients("ssm"), target.clients("elbv2"), target.environment
    origin = read_origin(target)
    expect_unlocked(ssm, environment, local=target.is_local)
    with locked(ssm, environment, origin, "maintenance on", local=target.is_local):
        listener = _listener(target, services)
        found = read_page(ssm, environment)
        since = found.since if found else datetime.now(UTC).isoformat(timespec="seconds")
        done = MaintenancePage(found.by if found else origin.who, since, listener.arn)
        write_page(ssm, environment, done)
        for names in _alarms(target, services):
            target.clients("cloudwatch").disable_alarm_actions(AlarmNames=names)
        answer = {"StatusCode": _STATUS_CODE, "ContentType": "text/html", "MessageBody": page}
        actions = [{"Type": "fixed-response", "FixedResponseConfig": answer}]
        if listener.rule:
            elbv2.modify_rule(RuleArn=listener.rule, Actions=actions)
        else:
            elbv2.create_rule(
                ListenerArn=listener.arn,
                Priority=MAINTENANCE_PRIORITY,
                Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}],
                Actions=actions,
                Tags=[{"Key": TAG, "Value": tag_value(environment)}],
            )
    return done


def switch_off(target: Target, services: tuple[ServiceProps, ...]) -> bool:
    """Answer requests again, and let the alarms notify again; False if nothing was on."""
    ssm, environment = target.clients("ssm"), target.environment
    expect_unlocked(ssm, environment, local=target.is_local)
    with locked(ssm, environment, read_origin(target), "maintenance off", local=target.is_local):
        page, listener = read_page(ssm, environment), _listener(target, services)
        if listener.rule:
            target.clients("elbv2").delete_rule(RuleArn=listener.rule)
        if page:
            for names in _alarms(target, services):
                target.clients("cloudwatch").enable_alarm_actions(AlarmNames=names)
            delete_page(ssm, environment)
    return bool(page or listener.rule)


def _listener(target: Target, services: tuple[ServiceProps, ...]) -> _Listener:
    """The listener that visitors reach: that of HTTPS, which that of HTTP redirects to, or the only one."""
    environment = target.environment
    if not environment.load_balancer:
        raise UsageError(
            f"{environment.name} has no load balancer, so no one sees a page", "Scale its services down instead."
        )
    stack = only_stack(environment, StackKind.LOAD_BALANCER).name
    balancers = Reader(target.clients, environment, services).ids(stack).get(_LOAD_BALANCER, ())
    elbv2 = target.clients("elbv2")
    found = elbv2.describe_listeners(LoadBalancerArn=balancers[0])["Listeners"] if balancers else []
    if not found:
        raise UserError(
            f"the load balancer of {environment.name} has no listener {target.place}",
            f"Deploy it first: {target.commands.tool('deploy')}",
        )
    arn = str(min(found, key=lambda each: each["Protocol"] != "HTTPS")["ListenerArn"])
    return _Listener(arn, rule_of(elbv2, arn))


def _alarms(target: Target, services: tuple[ServiceProps, ...]) -> Iterator[list[str]]:
    """The names of the alarms in the environment's stacks, as many as one call takes."""
    reader = Reader(target.clients, target.environment, services)
    stacks = [each.name for each in stacks_for(target.environment, services)]
    names: list[str] = []
    for found in in_parallel({name: partial(reader.ids, name) for name in stacks}).values():
        if isinstance(found, Exception):
            raise found
        names += found.get(_ALARM, ())
    for start in range(0, len(names), _ALARMS_AT_ONCE):
        yield names[start : start + _ALARMS_AT_ONCE]
