"""Whether production can run the images that a command starts: proven, or confirmed by the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from portside.errors import UsageError
from portside.records.deployment_record import USUAL, Terms
from portside.records.proof import NotProven, Proof
from portside.records.unproven import Confirm, expect_responsibility

Ask = Callable[[], Proof | None]
"""Reads the proof; None if the environment needs none. Raises `NotProven`."""


@dataclass(frozen=True)
class Clearance:
    """Why an environment can run images. `refused` names the images without a proof, `reason` why they run anyway."""

    environment: str
    is_rehearsal: bool
    ask: Ask
    proof: Proof | None = None
    refused: NotProven | None = None
    reason: str = ""

    @property
    def sentence(self) -> str:
        """The message before the command starts."""
        if self.refused:
            return f"{self.refused.message}\nIt runs without a proof: {self.reason}"
        return self.proof.sentence if self.proof else ""

    def confirm(self, confirm: Confirm) -> None:
        """Ask the user to confirm images without a proof. Raises `UserError` if they decline."""
        if self.refused:
            services = self.refused.proof.lacking
            expect_responsibility(self.environment, self.reason, services, confirm, is_rehearsal=self.is_rehearsal)

    def recheck(self) -> None:
        """Read the proof again, under the environment's lock. Raises `NotProven` if images are no longer proven."""
        try:
            self.ask()
        except NotProven:
            if not self.refused:
                raise

    def terms(self, terms: Terms = USUAL) -> Terms:
        """The terms of the deployment, with its proof."""
        remark = self.proof.remark if self.proof else ""
        unproven = self.reason if self.refused else self.proof.answered if self.proof else ""
        return replace(terms, proof=remark, unproven=unproven, recheck=self.recheck)


def ask_for_clearance(environment: str, ask: Ask, reason: str | None, *, is_rehearsal: bool) -> Clearance:
    """Read the proof. Raises `NotProven` without a proof and without a reason."""
    try:
        proof = ask()
    except NotProven as refused:
        if reason is None:
            refused.hint += '\nOr take responsibility for it yourself: --unproven "REASON"'
            raise
        return Clearance(environment, is_rehearsal, ask, refused=refused, reason=reason)
    if reason is not None and proof is None:
        raise UsageError(f"--unproven: {environment} needs no proof", "Leave it out.")
    return Clearance(environment, is_rehearsal, ask, proof=proof)
