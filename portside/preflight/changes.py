"""What the deployment would replace or delete; what holds state only where a person names it."""

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
    """What is asked of the change: it compares new templates with deployed ones."""
    return [Question(SUBJECT, changes)]


def changes(context: Context) -> list[Finding]:
    """A line of all that is lost, and one for each thing that holds state."""
    states, stacks, deployed = context.states(), context.stacks(), context.deployed()
    found = lost(stacks, deployed, values_of(states, stacks, deployed))
    unread = [name for name, state in states.items() if not state.is_usable]
    return said(found, context.options.replace, unread)


def lost(stacks: Sequence[Stack], deployed: Mapping[str, Template], values: Values) -> dict[str, list[Loss]]:
    """By stack, what a deployment of these templates would replace or delete."""
    return {
        stack.name: losses(deployed[stack.name].get("Resources", {}), stack.resources(), values)
        for stack in stacks
        if stack.name in deployed
    }


def values_of(
    states: Mapping[str, DeployedStack], stacks: Sequence[Stack] = (), deployed: Mapping[str, Template] | None = None
) -> Values:
    """What stacks read from each other, as it is now; also under the names that outputs of `stacks` will have."""
    exports = {name: value for state in states.values() for name, value in state.exports.items()}
    outputs = {(stack, name): value for stack, state in states.items() for name, value in state.outputs.items()}
    for stack in stacks:
        before = (deployed or {}).get(stack.name)
        if before is not None:
            outputs = dict(_renamed(stack, before, states[stack.name].outputs)) | outputs
    return Values(exports, outputs)


def _renamed(stack: Stack, before: Template, values: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], str]]:
    """Outputs that tell what another output tells already: what they come to is known before they are made."""
    told = {_written(each): values[name] for name, each in before.get("Outputs", {}).items() if name in values}
    for name, each in stack.template.get("Outputs", {}).items():
        if _written(each) in told:
            yield (stack.name, name), told[_written(each)]


def _written(output: Mapping[str, object]) -> str:
    return json.dumps(output["Value"], sort_keys=True)


def said(found: Mapping[str, Sequence[Loss]], allowed: frozenset[str], unread: Sequence[str] = ()) -> list[Finding]:
    """What is told of losses, of which `allowed` are meant. `unread` are stacks whose templates can't be compared."""
    every = [(stack, loss) for stack, all_of in found.items() for loss in all_of]
    stateful = [(stack, loss) for stack, loss in every if loss.is_stateful]
    interrupting = [(stack, loss) for stack, loss in every if loss.interruption]
    others = [loss for _, loss in every if not loss.is_stateful]
    checks = [ok(SUBJECT, f"of what holds no state: {_summary(others)}")]
    checks += [_told(stack, loss, allowed) for stack, loss in stateful]
    if not stateful:
        checks.append(ok("state", "nothing that holds state is replaced or deleted"))
    checks += [_interrupted(stack, loss, allowed) for stack, loss in interrupting]
    for name in sorted(allowed - {loss.logical_id for _, loss in (*stateful, *interrupting)}):
        checks.append(skip(f"state: {name}", "--replace names it, but nothing of that name would be lost"))
    checks += [skip(f"templates of {name}", "the stack is in no state to compare with") for name in unread]
    return checks


def _told(stack: str, loss: Loss, allowed: frozenset[str]) -> Finding:
    subject = f"state: {stack} {loss.logical_id}"
    if loss.logical_id in allowed:
        return ok(subject, f"{loss.sentence}; that is meant (--replace)")
    if not loss.is_certain:
        return skip(subject, loss.sentence)
    renamed = "; if only its logical ID changed, a new one is made beside" if loss.what == DELETED else ""
    hint = f"Take the change back; or if it is meant, pass --replace {loss.logical_id}"
    return fail(subject, f"{loss.sentence}{renamed}", hint)


def _interrupted(stack: str, loss: Loss, allowed: frozenset[str]) -> Finding:
    subject = f"interruption: {stack} {loss.logical_id}"
    said = f"{loss.sentence}; {loss.interruption}"
    if loss.logical_id in allowed:
        return ok(subject, f"{said}; that is meant (--replace)")
    if not loss.is_certain:
        return skip(subject, said)
    way = _WAYS.get(loss.kind, "Revert the change. ")
    return fail(subject, said, f"{way}Or if it is meant, pass --replace {loss.logical_id}")


_WAYS = {
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        "Revert the change; where only the port differs, set target_group_port. "
    ),
}


def _summary(others: Sequence[Loss]) -> str:
    parts = []
    for what in dict.fromkeys(loss.what for loss in others):
        names = [f"{loss.logical_id}{'' if loss.is_certain else '?'}" for loss in others if loss.what == what]
        more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
        parts.append(f"{len(names)} {what} ({', '.join(names[:_MOST_SHOWN])}{more})")
    return "; ".join(parts) or "nothing is replaced or deleted"
