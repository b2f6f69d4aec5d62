"""The resources that the deployment would replace or delete; stateful ones only if the user names them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from portside.aws.model import Stack as DeployedStack
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding
from portside.plan.replacement import DELETED, Loss, Values, losses
from portside.preflight.context import Context, Question, Template
from portside.synthesis.assembly import Stack

SUBJECT = "templates"
_MOST_SHOWN = 6


def questions() -> list[Question]:
    return [Question(SUBJECT, changes)]


def changes(context: Context) -> list[Finding]:
    """One finding for all lost resources, and one for each stateful resource."""
    states, stacks, deployed = context.states(), context.stacks(), context.deployed()
    found = lost(stacks, deployed, values_of(states, stacks, deployed))
    unread = [name for name, state in states.items() if not state.is_usable]
    return said(found, context.options.replace, unread)


def lost(stacks: Sequence[Stack], deployed: Mapping[str, Template], values: Values) -> dict[str, list[Loss]]:
    """By stack, the resources that a deployment of these templates would replace or delete."""
    return {
        stack.name: losses(deployed[stack.name].get("Resources", {}), stack.resources(), values)
        for stack in stacks
        if stack.name in deployed
    }


def values_of(
    states: Mapping[str, DeployedStack], stacks: Sequence[Stack] = (), deployed: Mapping[str, Template] | None = None
) -> Values:
    """The values of exports and outputs, also under the names that the outputs of `stacks` will have."""
    exports = {name: value for state in states.values() for name, value in state.exports.items()}
    outputs = {(stack, name): value for stack, state in states.items() for name, value in state.outputs.items()}
    for stack in stacks:
        before = (deployed or {}).get(stack.name)
        if before is not None:
            outputs = dict(_renamed(stack, before, states[stack.name].outputs)) | outputs
    return Values(exports, outputs)


def _renamed(stack: Stack, before: Template, values: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], str]]:
    """New outputs with the value of an existing output: their values are known in advance."""
    known = {_value_of(each): values[name] for name, each in before.get("Outputs", {}).items() if name in values}
    for name, each in stack.template.get("Outputs", {}).items():
        if _value_of(each) in known:
            yield (stack.name, name), known[_value_of(each)]


def _value_of(output: Mapping[str, object]) -> str:
    return json.dumps(output["Value"], sort_keys=True)


def said(found: Mapping[str, Sequence[Loss]], allowed: frozenset[str], unread: Sequence[str] = ()) -> list[Finding]:
    """The findings about losses, of which `allowed` are intended. `unread` stacks could not be compared."""
    every = [(stack, loss) for stack, all_of in found.items() for loss in all_of]
    stateful = [(stack, loss) for stack, loss in every if loss.is_stateful]
    interrupting = [(stack, loss) for stack, loss in every if loss.interruption]
    others = [loss for _, loss in every if not loss.is_stateful]
    checks = [ok(SUBJECT, f"stateless resources: {_summary(others)}")]
    checks += [_stateful(stack, loss, allowed) for stack, loss in stateful]
    if not stateful:
        checks.append(ok("state", "no stateful resource is replaced or deleted"))
    checks += [_interrupted(stack, loss, allowed) for stack, loss in interrupting]
    for name in sorted(allowed - {loss.logical_id for _, loss in (*stateful, *interrupting)}):
        checks.append(skip(f"state: {name}", "--replace names it, but it is not replaced or deleted"))
    checks += [skip(f"templates of {name}", "the stack is in no state to compare with") for name in unread]
    return checks


def _stateful(stack: str, loss: Loss, allowed: frozenset[str]) -> Finding:
    subject = f"state: {stack} {loss.logical_id}"
    if loss.logical_id in allowed:
        return ok(subject, f"{loss.sentence}; intended (--replace)")
    if not loss.is_certain:
        return skip(subject, loss.sentence)
    renamed = "; if only its logical ID changed, a second one is created" if loss.what == DELETED else ""
    way = _WAYS.get(loss.kind, "Revert the change; ")
    hint = f"{way}or if it is intended, pass --replace {loss.logical_id}"
    return fail(subject, f"{loss.sentence}{renamed}", hint)


def _interrupted(stack: str, loss: Loss, allowed: frozenset[str]) -> Finding:
    subject = f"interruption: {stack} {loss.logical_id}"
    said = f"{loss.sentence}; {loss.interruption}"
    if loss.logical_id in allowed:
        return ok(subject, f"{said}; intended (--replace)")
    if not loss.is_certain:
        return skip(subject, said)
    way = _WAYS.get(loss.kind, "Revert the change. ")
    return fail(subject, said, f"{way}Or if it is intended, pass --replace {loss.logical_id}")


_WAYS = {
    **dict.fromkeys(
        ("AWS::EC2::EIP", "AWS::EC2::NatGateway"),
        "Revert the change; where there are fewer NAT gateways than now, set NAT_GATEWAYS in app.py to their number; ",
    ),
    **dict.fromkeys(
        ("AWS::DocDB::DBClusterParameterGroup", "AWS::RDS::DBClusterParameterGroup", "AWS::RDS::DBParameterGroup"),
        "Revert the change; where the engine differs, set DATABASE_ENGINE_VERSION in app.py to the deployed version; ",
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        "Revert the change; where only the port differs, set target_group_port. "
    ),
    "AWS::ServiceDiscovery::PrivateDnsNamespace": (
        "Revert the change; where FQDN differs, set NAMESPACE in app.py to the deployed name; "
    ),
}


def _summary(others: Sequence[Loss]) -> str:
    parts = []
    for fate in dict.fromkeys(loss.what for loss in others):
        names = [f"{loss.logical_id}{'' if loss.is_certain else '?'}" for loss in others if loss.what == fate]
        more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
        parts.append(f"{len(names)} {fate} ({', '.join(names[:_MOST_SHOWN])}{more})")
    return "; ".join(parts) or "nothing is replaced or deleted"
