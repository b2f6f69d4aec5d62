"""Checks that services only use what the team's own stacks have: outputs, grants, volumes and connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portside.config.deferred_values import StackOutput, parts_of
from portside.config.environment import Environment
from portside.config.mistakes import Report, quoted, suggestion
from portside.config.own_stacks import OwnStack
from portside.config.service_props import ServiceProps

# How a stack gets what a service asks of it.
_OUTPUT_HINT = 'Add it to the stack: cdk.CfnOutput(self, "{}", value=…)'
_GRANT_HINT = 'Add it to the stack: self.grants = {{"{}": bucket.grant_read_write}}'
_VOLUME_HINT = 'Add it to the stack: self.volumes = {{"{}": access_point}}'
_CALLS_HINT = (
    "Set it in the stack: self.connections = ec2.Connections(security_groups=[…], default_port=ec2.Port.tcp({}))"
)


def own_stacks_by_part(environment: Environment) -> Mapping[str, OwnStack]:
    """The own stacks of an environment, by the end of their names; empty if they are unknown."""
    return {each.part: each for each in environment.own_stacks or ()}


def outputs_of(props: ServiceProps) -> dict[str, StackOutput]:
    """The outputs of own stacks that a service reads, by the place in its configuration."""
    variables, secrets = getattr(props, "container_env_vars", {}), getattr(props, "container_secrets", ())
    places = [
        (f".container_env_vars[{quoted(key)}]", part) for key, value in variables.items() for part in parts_of(value)
    ]
    places += [(f".container_secrets[{index}].secret_name", each.secret_name) for index, each in enumerate(secrets)]
    return {place: value for place, value in places if isinstance(value, StackOutput)}


def check_uses(environment: Environment, props: ServiceProps, report: Report) -> None:
    """Report outputs, grants and volumes that no own stack has, unless the own stacks are unknown."""
    if environment.own_stacks is None:
        return
    own = own_stacks_by_part(environment)
    for where, read in outputs_of(props).items():
        if stack := _existing(read.stack, own, environment, report.at(where)):
            _check_name(read.output, stack.outputs, f"{stack.part} has no such output", _OUTPUT_HINT, report.at(where))
    for field, kind, hint in (("grants", "grant", _GRANT_HINT), ("durable_volumes", "volume", _VOLUME_HINT)):
        for index, used in enumerate(getattr(props, field, ())):
            place = report.at(f".{field}[{index}]")
            if stack := _existing(used.stack, own, environment, place.at(".stack")):
                names = stack.grants if field == "grants" else stack.volumes
                _check_name(used.name, names, f"{stack.part} has no such {kind}", hint, place.at(".name"))


def check_call(stack: OwnStack, port: int, report: Report) -> None:
    """Report a call to an own stack that accepts none, or none on this port."""
    if not stack.accepts_calls:
        report.wrong("accepts no calls: it has no connections", _CALLS_HINT.format(port), stack.part)
    elif stack.port not in (None, port):
        report.wrong(f"{stack.part} listens on port {stack.port}", f"Use port {stack.port}.", port)


def _existing(part: str, own: Mapping[str, OwnStack], environment: Environment, report: Report) -> OwnStack | None:
    if part not in own:
        hint = suggestion(part, list(own)) if own else f'Create it: environment.stack_name("{part}"), in stacks(…).'
        report.wrong(f"no such stack of your own in {environment.name}", hint, part)
    return own.get(part)


def _check_name(name: str, known: Sequence[str], mistake: str, hint: str, report: Report) -> None:
    if name not in known:
        report.wrong(mistake, suggestion(name, known) if known else hint.format(name), name)
