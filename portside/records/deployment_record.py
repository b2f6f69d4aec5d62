"""The record of deployments to an environment, stored in the environment itself.

It is a parameter of Systems Manager that every deployment overwrites, so its history is that of the environment. A
record has the image and the health of each service, as read from the running tasks at the end.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from portside.aws.errors import aws_errors
from portside.config.environment import Environment
from portside.errors import UserError
from portside.images.resolution import Resolution, parse_resolution
from portside.images.resolved_image import PLATFORM, ResolvedImage
from portside.program import PROGRAM
from portside.records.origin import Origin
from portside.records.parameter_history import read_versions, write_version
from portside.redact import current

DEPLOY, ROLLBACK = "deploy", "rollback"
HEALTHY, FAILED, INTERRUPTED = "healthy", "failed", "interrupted"
NOT_READ = "not read"
"""The health of a service in a deployment that did not finish."""

NOT_ENDED = "it goes on, or its process was killed"
"""The reason in the record of a rollback whose result was not recorded."""

LONGEST_REASON = 200
_FORMAT = 2
"""The format of a record. Version 1, without a number, had the images of the lock and no health."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The kind of a deployment, and why its images can run.

    `left_out` are services that keep their image. With `prune` stacks that are not configured are deleted. `proof` is
    the proof of the images, `unproven` the reason to run them without one. `recheck` raises `UserError` if the proof is
    no longer valid; it is called under the environment's lock.
    """

    kind: str = DEPLOY
    instead_of: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()
    prune: bool = False
    proof: str = ""
    unproven: str = ""
    recheck: Callable[[], object] = lambda: None
    expected_seconds: float | None = None


USUAL = Terms()


@dataclass
class Recording:
    """A deployment in progress; `ran` is set to the health of each service at the end, `jobs` to the jobs that ran."""

    ran: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class DeploymentRecord:
    """A deployment that has ended: who began it and when (ISO 8601), with which images, and how it ended.

    `commit` is this repository's. `instead_of` has the digests that a rollback took out of service. A `synthetic`
    record is not of a real deployment. `ran` has, by service, the reference of its image in `images` and the health of
    its tasks at the end; it is None in a record of format 1. `place` names account, region and environment.
    """

    kind: str
    began: str
    seconds: float
    who: str
    commit: str | None
    result: str
    images: Resolution
    reason: str = ""
    instead_of: tuple[str, ...] = ()
    synthetic: bool = False
    number: int = 0
    ran: Mapping[str, tuple[str, str]] | None = None
    place: str = ""
    proof: str = ""
    unproven: str = ""
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The jobs that ran before the rollout: the task's id, its exit code, and seconds."""

    @property
    def is_healthy(self) -> bool:
        """Whether it ended with every service stable."""
        return self.result == HEALTHY

    @property
    def has_changes(self) -> bool:
        """Whether it was made from uncommitted files, or from an unknown commit."""
        return self.commit is None or "+" in self.commit

    def image_of(self, service: str) -> tuple[ResolvedImage, str] | None:
        """The image of a service and its health, None where the service was not part of it."""
        reference, health = (self.ran or {}).get(service, ("", ""))
        image = self.images.images.get(reference)
        return (image, health) if image else None

    @property
    def digests(self) -> frozenset[str]:
        return frozenset(image.digest for image in self.images.images.values())

    def as_json(self) -> dict[str, Any]:
        """Its fields without empty ones, for `--json`."""
        fields = {name: value for name, value in vars(self).items() if name not in ("images", "number", "ran")}
        services = {
            service: {"image": found[0].name, "digest": found[0].digest, "health": found[1]}
            for service in self.ran or {}
            if (found := self.image_of(service))
        }
        fields |= {"instead_of": list(self.instead_of), "images": self.images.as_json(), "services": services}
        return {name: value for name, value in fields.items() if value}

    def written(self) -> str:
        """The text of the parameter: health is in the entry of a service's image, and defaults are omitted."""
        fields = {"format": _FORMAT, **self.as_json()}
        fields.pop("services", None)
        images = fields["images"]["images"]
        for entry in images.values():
            if entry["platform"] == PLATFORM:
                del entry["platform"]
        for service, (reference, health) in (self.ran or {}).items():
            if reference in images:
                images[reference].setdefault("ran", {})[service] = health
        return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def place_of(environment: Environment, *, is_local: bool) -> str:
    """Where a deployment was, to recognise a record that was copied from elsewhere."""
    rehearsed = "rehearsal/" if is_local else ""
    return f"{rehearsed}{environment.account}/{environment.region}/{environment.name}"


def parameter_name(environment: Environment) -> str:
    """The parameter whose history an environment's is."""
    return environment.parameter_name("deployment")


def read_records(ssm: Any, environment: Environment) -> list[DeploymentRecord]:
    """The deployments of an environment, the latest first. Texts that are not a record are ignored.

    A deployment that was recorded twice, at its start and when it finished, counts once.
    """
    found = (_parse(text, number) for number, text in read_versions(ssm, parameter_name(environment)))
    records: list[DeploymentRecord] = []
    for record in found:
        if record is None:
            continue
        has_ended = any((each.began, each.who) == (record.began, record.who) for each in records)
        if record.reason != NOT_ENDED or not has_ended:
            records.append(record)
    return records


def write_record(ssm: Any, environment: Environment, record: DeploymentRecord) -> None:
    """Add a deployment to the history."""
    description = f"The last deployment; the earlier versions are those before it; written by {PROGRAM}"
    write_version(ssm, parameter_name(environment), record.written(), description)


@contextmanager
def recorded(ssm: Any, environment: Environment, record: DeploymentRecord) -> Iterator[Recording]:
    """Record the deployment that the block executes, however it ends.

    A rollback is recorded from its start: if its process is killed, the images that it replaces must not count as a
    proof any more. Raises `UserError` if the deployment succeeded but can't be recorded.
    """
    clock, recording = time.monotonic(), Recording()
    began = replace(record, began=datetime.now(UTC).isoformat(timespec="seconds"))

    def write(result: str, reason: str = "") -> None:
        seconds = round(time.monotonic() - clock, 1)
        ran = {
            service: (began.ran[service][0], health)
            for service, health in recording.ran.items()
            if began.ran and service in began.ran
        }
        ended = replace(began, result=result, reason=reason, seconds=seconds, ran=ran or began.ran)
        ended = replace(ended, jobs=recording.jobs)
        write_record(ssm, environment, ended)

    if began.instead_of:
        write(INTERRUPTED, NOT_ENDED)
    try:
        yield recording
    except BaseException as error:
        # The original error is reported, not that it could not be recorded.
        with contextlib.suppress(Exception):
            if isinstance(error, KeyboardInterrupt):
                write(INTERRUPTED)
            else:
                write(FAILED, _reason_of(error))
        raise
    try:
        write(HEALTHY)
    except (*aws_errors(), ValueError) as error:
        raise UserError(
            f"{environment} is deployed, but that could not be recorded: {error}",
            "Remove the cause, then run the same command again: it changes nothing more, and records what runs.",
        ) from error


def new_record(
    origin: Origin, images: Resolution, services: Mapping[str, str], place: str, terms: Terms = USUAL
) -> DeploymentRecord:
    """The record of a deployment that starts, with the images of `services` (location by name)."""
    locations = {name: location for name, location in services.items() if name not in terms.left_out}
    deployed = {location: images.images[location] for location in locations.values() if location in images.images}
    return DeploymentRecord(
        terms.kind,
        datetime.now(UTC).isoformat(timespec="seconds"),
        0,
        origin.who,
        origin.commit,
        FAILED,
        replace(images, images=deployed),
        instead_of=terms.instead_of,
        ran={name: (location, NOT_READ) for name, location in locations.items() if location in deployed},
        place=place,
        proof=terms.proof,
        unproven=terms.unproven,
    )


def last_healthy(records: Sequence[DeploymentRecord]) -> DeploymentRecord | None:
    """The latest healthy deployment that is not synthetic."""
    return next((record for record in records if record.is_healthy and not record.synthetic), None)


def usual_seconds(records: Sequence[DeploymentRecord]) -> float | None:
    """The median duration of healthy deployments that changed images, None without any.

    Those without changes end at once, so they are not typical. `records` are the latest first.
    """
    healthy = [record for record in records if record.is_healthy and not record.synthetic and record.seconds]
    before = [*(record.digests for record in healthy[1:]), None]
    took = [record.seconds for record, digests in zip(healthy, before, strict=False) if record.digests != digests]
    return statistics.median(took) if took else None


def _reason_of(error: BaseException) -> str:
    """The error that stopped a deployment and, from the diagnosis, its cause, in one line."""
    if not isinstance(error, UserError):
        return type(error).__name__
    stopped, why = getattr(error, "stopped_by", ""), getattr(error, "why", "")
    if not why:
        return _reason(stopped.partition("\n")[0] or error.message, LONGEST_REASON)
    half = LONGEST_REASON // 2
    return "; ".join(filter(None, [_reason(stopped.partition("\n")[0], half), _reason(why, half)]))


def _reason(message: str, longest: int) -> str:
    """An error in a short line without secrets.

    The second line of several: the first one says only that it failed. Indented lines are hints.
    """
    lines = [line for line in current().text(message).splitlines() if line.strip() and not line.startswith("  ")]
    # Systems Manager refuses {{…}}, which CloudFormation's messages may have, in the values of parameters.
    line = " ".join("".join(lines[1:2] or lines[:1]).split()).replace("{{", "{ {")
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _parse(value: str, number: int) -> DeploymentRecord | None:
    try:
        fields = json.loads(value)
        if fields.get("format") not in (None, _FORMAT):
            return None
        is_read, written = "format" in fields, fields["images"]
        ran = _take_health(written["images"]) if is_read else None
        return DeploymentRecord(
            kind=str(fields["kind"]),
            began=str(fields["began"]),
            seconds=float(fields.get("seconds", 0)),
            who=str(fields["who"]),
            commit=str(fields["commit"]) if fields.get("commit") else None,
            result=str(fields["result"]),
            images=parse_resolution(json.dumps(written), f"record {number}"),
            reason=str(fields.get("reason", "")),
            instead_of=tuple(map(str, fields.get("instead_of", ()))),
            synthetic=fields.get("synthetic") is True,
            number=number,
            ran=ran,
            place=str(fields.get("place", "")),
            proof=str(fields.get("proof", "")),
            unproven=str(fields.get("unproven", "")),
            jobs=dict(fields.get("jobs", {})),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _take_health(images: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Remove the health of services from the entries of their images and return it; restore omitted defaults."""
    ran = {}
    for reference, entry in images.items():
        entry.setdefault("platform", PLATFORM)
        for service, health in entry.pop("ran", {}).items():
            if not isinstance(health, str) or service in ran:
                raise ValueError(service)
            ran[service] = (reference, health)
    return ran
