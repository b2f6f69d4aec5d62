"""Checks against earlier deployments: the lock, the proof that prod requires, the last rollback, the adoption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portside.aws.target import other_target
from portside.config.stacks import StackKind, only_stack
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding
from portside.images.committed_locks import NotCommitted, expect_committed, expect_committed_rules
from portside.plan.rollback import restored_images
from portside.preflight.context import Context, Question
from portside.records.environment_lock import read_lock
from portside.records.proof import NotProven, ProofUnread, expect_proof
from portside.records.running_images import running_in, unaccounted

LOCK, PROOF, ROLLBACK, ADOPTION = "hold", "proof", "last rollback", "adoption"
RUNNING = "running tasks"

NEW = "is new, and has nothing to take over"

# The names of exports that the CDK generates for references between stacks:
# https://docs.aws.amazon.com/cdk/v2/guide/resources.html#resource-stack
_FOR_STACKS = ":ExportsOutput"


def questions() -> list[Question]:
    return [
        Question(LOCK, lock),
        Question(PROOF, proof),
        Question(RUNNING, running),
        Question(ROLLBACK, last_rollback),
        Question(ADOPTION, adoption),
    ]


def lock(context: Context) -> Finding:
    """Whether a deployment has locked the environment."""
    name = context.environment.name
    found = read_lock(context.client("ssm"), context.environment)
    if found is None:
        return ok(LOCK, f"{name} is not locked")
    hint = f"Wait until it finishes. If it ended without releasing the lock: {context.commands.tool('unlock')}"
    return fail(LOCK, found.sentence(name), hint)


def proof(context: Context) -> Finding:
    """Whether the environment that proves this one ran the same images well, where that is asked for."""
    profile, target, images = context.options.proof_profile, context.target, context.known_images()
    try:
        if not target.is_local:
            expect_committed_rules(context.configuration, context.environment)
            expect_committed(context.environment, context.services, images)
        found = expect_proof(
            context.environment,
            context.configuration,
            images,
            lambda proving: other_target(target, proving, profile=profile),
        )
    except ProofUnread as unread:
        return skip(PROOF, f"{unread.message}: name a profile that reads it with --proof-profile")
    except (NotProven, NotCommitted) as refused:
        return fail(PROOF, " ".join(refused.message.split()), refused.hint)
    return ok(PROOF, found.sentence if found else f"{context.environment.name} needs none")


def running(context: Context) -> Finding:
    """Whether the images that run in production are recorded there with their proof."""
    environment = context.environment
    if not environment.is_production:
        return ok(RUNNING, f"{environment.name} may run anything")
    found = unaccounted(environment, running_in(context.look().whole()), context.records())
    if not found:
        return ok(RUNNING, "all are recorded, with their proof")
    return fail(RUNNING, "; ".join(found), f"See who deployed what: {context.commands.tool('history')}")


def last_rollback(context: Context) -> Finding:
    """Whether the deployment would undo the last rollback."""
    returning = restored_images(context.records(), context.known_images())
    if not returning:
        return ok(ROLLBACK, "none would be undone")
    name, branch = context.environment.name, context.environment.branch
    return fail(
        ROLLBACK,
        f"{name} was rolled back, and this would deploy {', '.join(returning)} again",
        f"Merge the rollback's commit into {branch}, or if that is intended: "
        + context.commands.tool("deploy", "--bring-back"),
    )


def adoption(context: Context) -> Finding:
    """The next of the two steps that adopt an environment of the previous app."""
    states, name = context.states(), context.environment.name
    if not states:
        return ok(ADOPTION, f"{name} {NEW}")
    exports = [export for state in states.values() for export in state.exports if _FOR_STACKS in export]
    importers = read_importers(context.client("cloudformation"), exports)
    ours, others = sorted(importers & states.keys()), sorted(importers - states.keys())
    deploy, kept = context.commands.tool("deploy"), context.environment.keep_exports
    if ours and not kept:
        found = f"step 1 of 2 is missing: the exports that go are imported by {_listed([*ours, *others])}"
        return fail(ADOPTION, found, f'Set "KEEP_EXPORTS": True for {name} in app.py, then: {deploy}')
    if others and not kept:
        hint = f'First {_stop_importing(context, others)} Until then: "KEEP_EXPORTS": True for {name} in app.py'
        return fail(ADOPTION, f"the exports that go are imported by {_listed(others)}", hint)
    if ours:
        return ok(ADOPTION, f"step 1 of 2 is next: {deploy} takes over {_listed(ours)}{_also(others)}")
    if others:
        return ok(
            ADOPTION, f"step 1 of 2 is done. Step 2 waits for {_listed(others)}: {_stop_importing(context, others)}"
        )
    settle = f'"KEEP_EXPORTS": False for {name} in app.py'
    if exports and kept:
        return ok(ADOPTION, f"step 1 of 2 is done, and no stack imports the exports. Step 2: {settle}, then {deploy}")
    if exports:
        return ok(ADOPTION, f"step 2 of 2 is next: {deploy} removes the exports, which no stack imports")
    return ok(ADOPTION, f"done, but app.py would export them again: {settle}" if kept else "done")


def _stop_importing(context: Context, importers: Sequence[str]) -> str:
    bastion = only_stack(context.environment, StackKind.BASTION).name
    if list(importers) == [bastion]:
        return f"configure it as BASTION in app.py and deploy, or delete the stack {bastion}."
    return "remove their imports from this environment, or delete these stacks."


def _also(others: Sequence[str]) -> str:
    return f". {_listed(others)} will still import after that" if others else ""


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def read_importers(cloudformation: Any, exports: Sequence[str]) -> set[str]:
    """The stacks that import one of these exports."""
    from botocore.exceptions import ClientError

    found: set[str] = set()
    for name in exports:
        try:
            for page in cloudformation.get_paginator("list_imports").paginate(ExportName=name):
                found.update(page["Imports"])
        except ClientError as error:
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListImports.html
            if "is not imported by any stack" not in str(error):
                raise
    return found
