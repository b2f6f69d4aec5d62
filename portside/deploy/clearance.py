"""Whether production may run what a command is about to start: proven, or on a person's word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from portside.errors import UsageError
from portside.records.deployment_record import USUAL, Terms
from portside.records.proof import NotProven, Proof
from portside.records.unproven import Confirm, expect_responsibility

Ask = Callable[[], Proof | None]
"""Asks for the proof, now: the proof, or None where none is needed. Raises `NotProven`."""


@dataclass(frozen=True)
class Clearance:
    """Why an environment may run images. `refused` says what nothing proves, `reason` why that runs all the same."""

    environment: str
    is_rehearsal: bool
    ask: Ask
    proof: Proof | None = None
    refused: NotProven | None = None
    reason: str = ""

    @property
    def sentence(self) -> str:
        """What is said before anything else."""
        if self.refused:
            return f"{self.refused.message}\nIt is to run without a proof: {self.reason}"
        return self.proof.sentence if self.proof else ""

    def confirm(self, confirm: Confirm) -> None:
        """Have a person answer for what nothing proves. Raises `UserError` for a no."""
        if self.refused:
            services = self.refused.proof.lacking
            expect_responsibility(self.environment, self.reason, services, confirm, is_rehearsal=self.is_rehearsal)

    def recheck(self) -> None:
        """Ask again, under the environment's lock. Raises `NotProven` where what was proven no longer is."""
        try:
            self.ask()
        except NotProven:
            if not self.refused:
                raise

    def terms(self, terms: Terms = USUAL) -> Terms:
        """The terms of the deployment, with what proves it."""
        remark = self.proof.remark if self.proof else ""
        unproven = self.reason if self.refused else self.proof.answered if self.proof else ""
        return replace(terms, proof=remark, unproven=unproven, recheck=self.recheck)


def ask_for_clearance(environment: str, ask: Ask, reason: str | None, *, is_rehearsal: bool) -> Clearance:
    """Ask for the proof. Raises `NotProven` where there is none, and no reason to do without."""
    try:
        proof = ask()
    except NotProven as refused:
        if reason is None:
            refused.hint += '\nOr answer for it yourself: --unproven "REASON"'
            raise
        return Clearance(environment, is_rehearsal, ask, refused=refused, reason=reason)
    if reason is not None and proof is None:
        raise UsageError(f"--unproven: {environment} needs no proof", "Leave it out.")
    return Clearance(environment, is_rehearsal, ask, proof=proof)
