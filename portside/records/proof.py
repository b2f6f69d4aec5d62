"""The proof that an image can run in production: the staging environment ran it healthy as the same service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from portside.aws.errors import aws_errors
from portside.aws.target import Target, other_target
from portside.commands import rehearses, tool
from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.errors import UserError
from portside.images.resolution import Resolution
from portside.images.service_images import ServiceImage, service_images
from portside.records.deployment_record import (
    HEALTHY,
    DeploymentRecord,
    new_record,
    place_of,
    read_records,
    write_record,
)
from portside.records.origin import Origin
from portside.records.proving_record import Place, find_record, is_adopted, named, own_record_of
from portside.records.task_record import read_tasks

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Proof:
    """The proof of images; without a `record`, the differences. `waived` is the configuration's reason to need none.

    `own` says that production's own record proves some of them, which is enough to start them again.
    """

    environment: str
    record: DeploymentRecord | None
    differences: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    """The services whose images nothing proves."""
    waived: str = ""
    own: DeploymentRecord | None = None
    unrecorded: tuple[str, ...] = ()
    task: str = ""
    answered: str = ""
    """Why an image, proven by its own record, ran without a proof then; repeated as long as it runs."""

    @property
    def sentence(self) -> str:
        if self.waived:
            return f"PROOF_WAIVED: no environment proves what runs here. Reason: {self.waived}"
        said = [self.task] if self.task else []
        if self.record:
            said.append(f"Proven by {self.environment}'s deployment {named(self.record)}")
        if self.own:
            said.append(f"Ran healthy here in deployment {named(self.own)}")
        if self.unrecorded:
            said.append(f"Running already, without a record: {', '.join(self.unrecorded)}")
        return ". ".join(said) + "."

    @property
    def remark(self) -> str:
        """The proof in a few words, for the record."""
        if self.waived:
            return "waived"
        parts = [f"{self.environment} {self.record.number}"] if self.record else []
        parts += [f"own {self.own.number}"] if self.own else []
        return ", ".join([*parts, *(["without record"] if self.unrecorded else [])])

    def as_json(self) -> dict[str, Any]:
        """The fields by name, of the record what identifies it."""
        record = self.record and {"number": self.record.number, "began": self.record.began, "who": self.record.who}
        return {
            "environment": self.environment,
            "record": record,
            "differences": list(self.differences),
            **({"waived": self.waived} if self.waived else {}),
            **({"own_record": self.own.number} if self.own else {}),
        }


class NotProven(UserError):
    """Production must not run images that the staging environment did not run healthy."""

    def __init__(self, environment: str, proof: Proof, images: str, *, local: bool, hint: str = "") -> None:
        said = (
            f"{environment} runs only images that {proof.environment} ran healthy, which is not the case for {images}"
        )
        hint = hint or f"Deploy it there first: {tool('deploy', proof.environment, local=local)}"
        if local:
            hint += f", or simulate that: {tool('deploy', environment, '--local', '--seed-stage', local=False)}"
        super().__init__("\n  ".join([said, *proof.differences]), hint)
        self.proof = proof


class ProofUnread(NotProven):
    """The record that would prove images could not be read, so its content is unknown."""

    def __init__(self, environment: str, proving: str, why: str, hint: str, requested: Sequence[ServiceImage]) -> None:
        said = f"{proving}'s record, which proves what {environment} runs, could not be read"
        UserError.__init__(self, f"{said}: {why}", hint or "Name a profile that reads it: --proof-profile PROFILE")
        self.proof = Proof(proving, None, (said,), tuple(each.service for each in requested))


Reach = Callable[[Environment], Target]
"""From an environment to its place, where its record is."""


def expect_proof(
    environment: Environment, configuration: Configuration, images: Resolution, reach: Reach
) -> Proof | None:
    """The proof that an environment may run these images; None where it needs none. Raises `NotProven`.

    One deployment of the environment that proves it must have run all of them well, each as the same service.
    """
    if not environment.is_production:
        return None
    if waived := _waived(environment):
        return waived
    requested = service_images(configuration.services_of(environment.name), images)
    proving, records = _records_of(configuration, environment, reach, requested)
    found = find_record(proving.environment.name, records, requested, Place.of(proving))
    proof = Proof(proving.environment.name, found.record, found.differences, found.services)
    if proof.record is None:
        raise NotProven(environment.name, proof, images.version, local=proving.is_local)
    return proof


def expect_proof_or_own(
    target: Target,
    configuration: Configuration,
    requested: Sequence[ServiceImage],
    own: Sequence[DeploymentRecord],
    reach: Reach,
    *,
    running: Mapping[str, str] | None = None,
) -> Proof | None:
    """The same for images that come back or start again, each for itself: an own record that ran it healthy is enough.

    `own` is the environment's own record. `running` has, by service, the digest that all of its tasks run: a service
    that no record names was deployed before this tool, and can be started again with that.
    """
    environment = target.environment
    if not environment.is_production:
        return None
    place, found, unrecorded = Place.of(target), list[DeploymentRecord](), list[str]()
    left = []
    for each in requested:
        record = own_record_of(each, own, place)
        if record:
            found.append(record)
        elif is_adopted(each.service, own) and each.digest and (running or {}).get(each.service) == each.digest:
            unrecorded.append(each.service)
        else:
            left.append(each)
    latest = max(found, key=lambda record: record.number, default=None)
    answered = next((record.unproven for record in found if record.unproven), "")
    proof = Proof(environment.proved_by or "", None, own=latest, unrecorded=tuple(unrecorded), answered=answered)
    if not left:
        return proof
    if waived := _waived(environment):
        return waived
    proving, records = _records_of(configuration, environment, reach, left)
    staged = [find_record(proving.environment.name, records, [each], Place.of(proving)) for each in left]
    differences = tuple(dict.fromkeys(difference for each in staged for difference in each.differences))
    lacking = tuple(service for each in staged for service in each.services)
    latest_staged = max((each.record for each in staged if each.record), key=lambda record: record.number, default=None)
    proof = replace(
        proof, environment=proving.environment.name, record=latest_staged, differences=differences, lacking=lacking
    )
    if differences:
        raise NotProven(environment.name, proof, ", ".join(each.service for each in left), local=target.is_local)
    return proof


def expect_task_proof(
    target: Target, configuration: Configuration, requested: ServiceImage, reach: Reach
) -> Proof | None:
    """The proof that a task may run once: the environment that proves this one ran the same image to exit code 0."""
    environment = target.environment
    if not environment.is_production:
        return None
    if waived := _waived(environment):
        return waived
    proving, _ = _records_of(configuration, environment, reach, [requested])
    name, place = proving.environment.name, Place.of(proving)
    ended = [
        record
        for record in _read(
            environment, name, [requested], lambda: read_tasks(proving.clients("ssm"), proving.environment)
        )
        if record.place == place.name and (place.is_rehearsal or not record.has_changes)
    ]
    same = [
        each
        for each in ended
        if (each.task, each.image, each.digest) == (requested.service, requested.name, requested.digest)
    ]
    done = next((record for record in same if record.exit_code == 0), None)
    if done is not None and requested.digest:
        return Proof(name, None, task=f"Proven by {name}, where task {done.number} ended with exit code 0")
    if same:
        found = f"{requested.service}: ended with exit code {same[0].exit_code} in {name}"
    else:
        found = f"{requested.service}: {requested.reference} did not run in {name}"
    proof = Proof(name, None, (found,), (requested.service,))
    raise NotProven(environment.name, proof, requested.service, local=False, hint=f"Run it there first, in {name}.")


def seed_proof(target: Target, configuration: Configuration, images: Resolution) -> None:
    """Simulate, in a rehearsal, that the proving environment ran these images."""
    proving = proving_environment(configuration, target.environment)
    assert target.is_local
    if proving is not None:
        services = {
            props.container_name: props.container_location
            for props in configuration.services_of(target.environment.name)
        }
        record = seeded_record(images, services, place_of(proving, is_local=True))
        write_record(other_target(target, proving).clients("ssm"), proving, record)


def proving_environment(configuration: Configuration, environment: Environment) -> Environment | None:
    """The environment whose deployments prove what this one may run; None where it needs no proof, or it is waived."""
    if not environment.is_production or environment.proved_by is None:
        return None
    return configuration.environment(environment.proved_by)


def seeded_record(images: Resolution, services: Mapping[str, str] | None = None, place: str = "") -> DeploymentRecord:
    """A record of a deployment that never was, for a rehearsal of what comes after it."""
    locations = services or {image.name.rpartition("/")[2]: reference for reference, image in images.images.items()}
    record = new_record(Origin("synthetic", None), images, locations, place)
    ran = {service: (reference, HEALTHY) for service, (reference, _) in (record.ran or {}).items()}
    return replace(record, result=HEALTHY, ran=ran, synthetic=True)


def _waived(environment: Environment) -> Proof | None:
    if environment.proved_by is None and environment.proof_waived:
        return Proof("", None, waived=environment.proof_waived)
    return None


def _records_of(
    configuration: Configuration, environment: Environment, reach: Reach, requested: Sequence[ServiceImage]
) -> tuple[Target, list[DeploymentRecord]]:
    if environment.proved_by is None:
        raise UserError(f"no environment proves what {environment.name} may run", "Name it in app.py as PROVED_BY.")
    proving = configuration.environment(environment.proved_by)

    def read() -> tuple[Target, list[DeploymentRecord]]:
        target = reach(proving)
        return target, read_records(target.clients("ssm"), proving)

    return _read(environment, proving.name, requested, read)


def _read(
    environment: Environment, proving: str, requested: Sequence[ServiceImage], read: Callable[[], Answer]
) -> Answer:
    """The record of another environment. Raises `ProofUnread` if it can't be read."""
    try:
        return read()
    except UserError as error:
        # A rehearsal has no profiles.
        profile = "" if rehearses() else "\nOr name a profile that reads it: --proof-profile PROFILE"
        hint = f"{error.hint}{profile}".strip()
        raise ProofUnread(environment.name, proving, error.message, hint, requested) from error
    except aws_errors() as error:
        raise ProofUnread(environment.name, proving, f"AWS: {error}", "", requested) from error
