"""Running in production what nothing proves: only when a person answers two questions at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from portside.errors import UsageError, UserError
from portside.records.deployment_record import LONGEST_REASON
from portside.redact import holds_credential

RESPONSIBLE = "unproven"
"""What a person types for the second question."""

Confirm = Callable[[str, str], bool]
"""Asks a question; whether the answer was the one that is expected."""


def parse_reason(reason: str | None) -> str | None:
    """Why images may run without a proof, as it goes on record. Raises `UsageError` where that says nothing."""
    if reason is None:
        return None
    text = " ".join(reason.split()).replace("{{", "{ {")
    hint = 'Write why, in a sentence: --unproven "hot-fix for the outage, stage is down"'
    if not any(character.isalnum() for character in text):
        raise UsageError("--unproven: no reason", hint)
    if len(text) > LONGEST_REASON:
        raise UsageError(f"--unproven: longer than {LONGEST_REASON} characters", hint)
    if holds_credential(text):
        raise UsageError("--unproven: holds what looks like a password", "It goes on record, where others read it.")
    return text


def expect_responsibility(
    environment: str, reason: str, services: Sequence[str], confirm: Confirm, *, is_rehearsal: bool
) -> None:
    """Ask twice whether unproven images may run; --yes answers neither. Raises `UserError` for a no.

    Without a terminal the answer is no: what runs in CI was not typed by the person who answers for it. A rehearsal
    without a terminal goes on, since nothing depends on it.
    """
    if not sys.stdin.isatty():
        if is_rehearsal:
            return
        raise UserError(
            f"{environment}: --unproven is asked at a terminal only, and there is none",
            "Run it where you can answer; --yes does not answer it, and neither does CI.",
        )
    names = list(dict.fromkeys(services))
    images = f"the image of {names[0]}" if len(names) == 1 else f"the images of {', '.join(names)}"
    for question, expected in (
        (f"Nothing proves {images}. Run {'it' if len(names) == 1 else 'them'} in {environment}?", environment),
        (f'"{reason}" goes on record with your name as the reason. Do you answer for it?', RESPONSIBLE),
    ):
        if not confirm(question, expected):
            raise UserError("nothing was done: unproven images were not confirmed")
