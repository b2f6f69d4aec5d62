"""What earlier deployments say about the next: the hold, the proof that prod wants, and the last rollback."""

from __future__ import annotations

from operations.check import Check, fail, ok, skip
from operations.hold import read_hold
from operations.proof import NotProven, expect_proof
from operations.rollback import brings_back
from operations.target import beside
from operations.verification.context import Context
from operations.verification.questions import Question
from src.errors import UsageError

HOLD, PROOF, ROLLBACK = "hold", "proof", "last rollback"


def questions() -> list[Question]:
    """What is asked of the environment's own record."""
    return [Question(HOLD, hold), Question(PROOF, proof), Question(ROLLBACK, last_rollback)]


def hold(context: Context) -> Check:
    """Whether somebody is at work on the environment."""
    name = context.environment.name
    found = read_hold(context.client("ssm"), name)
    if found is None:
        return ok(HOLD, f"nobody holds {name}")
    hint = f"Wait for its end. If it ended without letting go: ./agora unlock {context.command}"
    return fail(HOLD, found.sentence(name), hint)


def proof(context: Context) -> Check:
    """Whether the environment before this one ran the same images well, where that is asked for."""
    profile = context.options.proof_profile
    try:
        found = expect_proof(
            context.environment,
            context.form,
            context.known_images(),
            lambda proving: beside(context.target, proving, profile=profile),
        )
    except NotProven as unproven:
        return fail(PROOF, " ".join(unproven.message.split()), unproven.hint)
    except UsageError as unreachable:
        return skip(PROOF, f"{unreachable.message}: name a profile that reads it with --proof-profile")
    return ok(PROOF, found.sentence if found else f"{context.environment.name} needs none")


def last_rollback(context: Context) -> Check:
    """Whether the deployment would bring back what a rollback took out of service."""
    returning = brings_back(context.records(), context.known_images())
    if not returning:
        return ok(ROLLBACK, "none would be undone")
    name = context.environment.name
    return fail(
        ROLLBACK,
        f"{name} was rolled back, and this would bring back {', '.join(returning)}",
        f"Merge the rollback's commit into {name}, or if they are meant: ./agora deploy {context.command} --bring-back",
    )
