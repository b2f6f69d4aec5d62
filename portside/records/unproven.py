"""Running unproven images in production: only if the user answers two questions at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from portside.errors import UsageError, UserError
from portside.records.deployment_record import LONGEST_REASON
from portside.redact import holds_credential

RESPONSIBLE = "unproven"
"""The expected answer to the second question."""

Confirm = Callable[[str, str], bool]
"""Asks a question, and returns whether the answer was as expected."""


def parse_reason(reason: str | None) -> str | None:
    """The reason to run images without a proof, for the record. Raises `UsageError` if it is empty or too long."""
    if reason is None:
        return None
    text = " ".join(reason.split()).replace("{{", "{ {")
    hint = 'Write why, in a sentence: --unproven "hot-fix for the outage, stage is down"'
    if not any(character.isalnum() for character in text):
        raise UsageError("--unproven: no reason", hint)
    if len(text) > LONGEST_REASON:
        raise UsageError(f"--unproven: longer than {LONGEST_REASON} characters", hint)
    if holds_credential(text):
        raise UsageError("--unproven: looks like it contains a password", "Others read the recorded reason.")
    return text


def expect_responsibility(
    environment: str, reason: str, services: Sequence[str], confirm: Confirm, *, is_rehearsal: bool
) -> None:
    """Ask twice whether unproven images may run; --yes answers neither. Raises `UserError` for a no.

    Without a terminal the answer is no: in CI no one is there to take responsibility. A rehearsal without a terminal
    continues, since nothing depends on it.
    """
    if not sys.stdin.isatty():
        if is_rehearsal:
            return
        raise UserError(
            f"{environment}: --unproven needs a terminal",
            "Run it in a terminal; neither --yes nor CI answers its questions.",
        )
    names = list(dict.fromkeys(services))
    images = f"the image of {names[0]}" if len(names) == 1 else f"the images of {', '.join(names)}"
    for question, expected in (
        (f"Nothing proves {images}. Run {'it' if len(names) == 1 else 'them'} in {environment}?", environment),
        (f'"{reason}" is recorded as the reason, with your name. Do you take responsibility?', RESPONSIBLE),
    ):
        if not confirm(question, expected):
            raise UserError("nothing was done: unproven images were not confirmed")
