"""Endpoints that are new to Service Connect, and the order of deployment that they oblige to."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping, Sequence
from typing import Any

from portside.aws.ownership import Owner
from portside.aws.stack_reading import read_templates
from portside.config.service_props import ServiceProps
from portside.findings.check import fail, ok
from portside.findings.finding import Finding
from portside.plan.unconfigured import read_unconfigured
from portside.preflight.context import Context, Question

SUBJECT = "Service Connect"

Endpoint = tuple[str, int]
"""The name and port by which a service is called."""


def questions() -> list[Question]:
    return [Question(SUBJECT, new_endpoints)]


def new_endpoints(context: Context) -> Finding:
    """Which endpoints are new: a task learns of endpoints when its deployment starts, so callers come after callees.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html
    """
    deployed = context.deployed()
    existing = {endpoint for template in deployed.values() for endpoint in endpoints_of(template)}
    new = missing(context.services, existing)
    return (_offered_elsewhere(context) if new and deployed else None) or said(context.services, new)


def _offered_elsewhere(context: Context) -> Finding | None:
    """The failure for services that already run in stacks that are not configured."""
    environment, states = context.environment, context.states()
    created = {each.container_name for each in context.services if context.stack_of(each) not in states}
    unconfigured = read_unconfigured(context.target, context.services) if created else ()
    others = [each.name for each in unconfigured if each.costs and each.owner is not Owner.ANOTHER]
    templates = read_templates(context.client("cloudformation"), others)
    found = {
        name: stack
        for stack, template in templates.items()
        for name in sorted(created.intersection(name for name, _ in endpoints_of(template)))
    }
    if not found:
        return None
    prefix = environment.stack_name("")
    running = ", ".join(f"{name} in {stack}" for name, stack in found.items())
    ways = ", ".join(f'stack="{stack.removeprefix(prefix)}" to {name}' for name, stack in found.items())
    return fail(SUBJECT, f"already running in stacks that are not in app.py: {running}", f"In app.py add {ways}.")


def endpoints_of(template: Mapping[str, Any]) -> set[Endpoint]:
    """The endpoints that the services of a template offer."""
    return {
        (alias["DnsName"], int(alias["Port"]))
        for resource in template.get("Resources", {}).values()
        if resource["Type"] == "AWS::ECS::Service"
        for service in resource["Properties"].get("ServiceConnectConfiguration", {}).get("Services", ())
        for alias in service.get("ClientAliases", ())
    }


def missing(services: Sequence[ServiceProps], existing: set[Endpoint]) -> list[Endpoint]:
    """The endpoints that a deployment adds."""
    configured = [(props.container_name, props.container_port) for props in services if props.container_port]
    return [endpoint for endpoint in configured if endpoint not in existing]


def order_of(services: Sequence[ServiceProps]) -> list[list[str]]:
    """The services in groups: each calls only those of groups before."""
    names = [props.container_name for props in services]
    sorter = graphlib.TopologicalSorter(
        {props.container_name: [call.service for call in props.calls if call.service in names] for props in services}
    )
    sorter.prepare()
    groups = []
    while sorter.is_active():
        ready = sorter.get_ready()
        groups.append(sorted(ready, key=names.index))
        sorter.done(*ready)
    return groups


def said(services: Sequence[ServiceProps], new: Sequence[Endpoint]) -> Finding:
    if not new:
        return ok(SUBJECT, "no endpoint is new: services are deployed in parallel")
    order = ", then ".join(" and ".join(group) for group in order_of(services))
    named = ", ".join(f"{name}:{port}" for name, port in new)
    return ok(SUBJECT, f"new: {named}; so callees come first: {order}")
