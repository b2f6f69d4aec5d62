"""What proves that a release may run in prod: that stage ran exactly these images, and was healthy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from operations.deployment_record import DEPLOY, HEALTHY, DeploymentRecord, read_records, write_record
from operations.target import Target, beside
from portside.commands import tool
from src.environment import Environment
from src.errors import AgoraError
from src.form import Form
from src.resolution import Resolution

_PROVEN = ("prod", "production")
_PROVING = ("stage", "staging")


@dataclass(frozen=True)
class Proof:
    """The deployment of another environment that proves a release; without one, what was found instead."""

    environment: str
    record: DeploymentRecord | None
    differences: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What to tell a person."""
        assert self.record
        when = self.record.began[:16].replace("T", " ")
        pretended = ", which never was" if self.record.synthetic else ""
        return f"Proven by {self.environment}'s deployment {self.record.number} of {when} UTC{pretended}."

    def as_json(self) -> dict[str, Any]:
        """The fields by name, of the record what identifies it."""
        record = self.record and {"number": self.record.number, "began": self.record.began, "who": self.record.who}
        return {"environment": self.environment, "record": record, "differences": list(self.differences)}


class NotProven(AgoraError):
    """Prod was asked to run what stage never ran well."""

    def __init__(self, environment: str, proof: Proof, version: str, *, local: bool) -> None:
        said = f"{environment} runs only what {proof.environment} ran well, which is not so for {version}"
        hint = f"Deploy it there first: {tool('deploy', proof.environment, local=local)}"
        if local:
            hint += f", or pretend that was done: {tool('deploy', environment, '--local', '--seed-stage', local=False)}"
        super().__init__("\n  ".join([said, *proof.differences]), hint)
        self.proof = proof


def expect_proof(
    environment: Environment, form: Form, images: Resolution, reach: Callable[[Environment], Target]
) -> Proof | None:
    """The proof that an environment may run these images; None where it needs none. Raises `NotProven`.

    `reach` gives the place of the environment that proves it.
    """
    proving = proving_environment(form, environment)
    if proving is None:
        return None
    target = reach(proving)
    records = read_records(target.clients("ssm"), proving.name)
    counting = [record for record in records if target.is_local or not record.synthetic]
    proof = find_proof(proving.name, counting, images)
    if proof.record is None:
        raise NotProven(environment.name, proof, images.version, local=target.is_local)
    return proof


def seed_proof(target: Target, form: Form, images: Resolution) -> None:
    """Let a rehearsal pretend that the proving environment ran these images."""
    proving = proving_environment(form, target.environment)
    assert target.is_local
    if proving is not None:
        write_record(beside(target, proving).clients("ssm"), proving.name, seeded_record(images))


def proving_environment(form: Form, environment: Environment) -> Environment | None:
    """The environment whose deployments prove what this one may run, if the form has one."""
    if environment.name not in _PROVEN:
        return None
    return next((form.environments[name] for name in form.environments if name in _PROVING), None)


def seeded_record(images: Resolution) -> DeploymentRecord:
    """A record of a deployment that never was, for a rehearsal of what comes after it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return DeploymentRecord(DEPLOY, now, 0, "nobody", None, HEALTHY, images, synthetic=True)


def find_proof(environment: str, records: Sequence[DeploymentRecord], images: Resolution) -> Proof:
    """Look for a healthy deployment of exactly these images, latest first."""
    healthy = [record for record in records if record.is_healthy]
    for record in healthy:
        if not _differences(record, images):
            return Proof(environment, record)
    if not healthy:
        return Proof(environment, None, (f"{environment} has no healthy deployment on record",))
    of_version = [record for record in healthy if record.images.version == images.version]
    return Proof(environment, None, tuple(_differences((of_version or healthy)[0], images)))


def _differences(record: DeploymentRecord, images: Resolution) -> list[str]:
    ran = {image.name: image for image in record.images.images.values()}
    found = []
    for image in images.images.values():
        if image.digest in record.digests:
            continue
        there = ran.get(image.name)
        if there is None:
            found.append(f"{image.name}: was not deployed with {record.images.version}")
        else:
            found.append(f"{image.name}: ran as {there.tag} {there.digest}, wanted is {image.tag} {image.digest}")
    return found
