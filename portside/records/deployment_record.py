"""What was deployed to an environment, kept in the environment itself.

A parameter of Systems Manager, written again by every deployment: its history is that of the environment. It holds what
ran, service by service, as the running tasks had it in the end.
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

from portside.config.environment import Environment
from portside.errors import UserError
from portside.images.resolution import Resolution, parse_resolution
from portside.images.resolved_image import PLATFORM, ResolvedImage
from portside.records.origin import Origin
from portside.records.parameter_history import read_versions, write_version
from portside.redact import current

DEPLOY, ROLLBACK = "deploy", "rollback"
HEALTHY, FAILED, INTERRUPTED = "healthy", "failed", "interrupted"
NOT_READ = "not read"
"""The health of a service in a deployment that did not come to its end."""

NOT_ENDED = "it goes on, or its process was killed"
"""The reason on record of a rollback whose end is not on record."""

LONGEST_REASON = 200
_FORMAT = 2
"""The form of what is written. Version 1, which has no number, copied the images of the lock and no health."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a deployment is, and why its images may run.

    `left_out` are services that keep what they run. With `prune` stacks that are not configured are deleted. `proof`
    says what proves the images, `unproven` why they run without a proof. `recheck` raises `UserError` where that is no
    longer so; it is called under the environment's lock.
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
    """A deployment that is still running; `ran` gets the health of each service, as its tasks have it in the end."""

    ran: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeploymentRecord:
    """A deployment that has ended: who began it and when (ISO 8601), with which images, and how it ended.

    `commit` is this repository's. `instead_of` has the digests that a rollback took out of service. A `synthetic`
    record stands for a deployment that never was. `ran` has, by service, the reference of its image in `images` and how
    its tasks were in the end; it is None in a record that was written before that was read. `place` is where it was.
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

    @property
    def is_healthy(self) -> bool:
        """Whether it ended with every service stable."""
        return self.result == HEALTHY

    @property
    def has_changes(self) -> bool:
        """Whether it was made of files that no commit has, or of which nothing says that one does."""
        return self.commit is None or "+" in self.commit

    def image_of(self, service: str) -> tuple[ResolvedImage, str] | None:
        """The image of a service and its health, None where the service was not part of it."""
        reference, health = (self.ran or {}).get(service, ("", ""))
        image = self.images.images.get(reference)
        return (image, health) if image else None

    @property
    def digests(self) -> frozenset[str]:
        """What it ran."""
        return frozenset(image.digest for image in self.images.images.values())

    def as_json(self) -> dict[str, Any]:
        """What is kept: the fields by name, those that say nothing left out."""
        fields = {
            "kind": self.kind,
            "began": self.began,
            "seconds": self.seconds,
            "who": self.who,
            "commit": self.commit,
            "result": self.result,
            "reason": self.reason,
            "instead_of": list(self.instead_of),
            "synthetic": self.synthetic,
            "place": self.place,
            "proof": self.proof,
            "unproven": self.unproven,
            "images": self.images.as_json(),
            "services": {
                service: {"image": image.name, "digest": image.digest, "health": found[1]}
                for service in self.ran or {}
                if (found := self.image_of(service)) and (image := found[0])
            },
        }
        return {name: value for name, value in fields.items() if value}

    def written(self) -> str:
        """The text of the parameter: the health of services stands beside their image, and defaults are left out."""
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
    """Where a deployment was, so that a record that was copied from elsewhere is known by it."""
    rehearsed = "rehearsal/" if is_local else ""
    return f"{rehearsed}{environment.account}/{environment.region}/{environment.name}"


def parameter_name(environment: str) -> str:
    """The parameter whose history an environment's is."""
    return f"/agora/{environment}/deployment"


def read_records(ssm: Any, environment: str) -> list[DeploymentRecord]:
    """The deployments of an environment, the latest first. What is no record is passed over.

    Of one that was recorded at its beginning and again at its end the latter counts.
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


def write_record(ssm: Any, environment: str, record: DeploymentRecord) -> None:
    """Add a deployment to the history."""
    description = "The last deployment; the earlier versions are those before it; written by ./agora"
    write_version(ssm, parameter_name(environment), record.written(), description)


@contextmanager
def recorded(ssm: Any, environment: str, record: DeploymentRecord) -> Iterator[Recording]:
    """Record the deployment that the block carries out, however it ends.

    A rollback is on record from its beginning: if its process is killed, what it takes out of service must not prove
    anything any more. Raises `UserError` where it went well, but can't be put on record.
    """
    from botocore.exceptions import BotoCoreError, ClientError

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
        write_record(ssm, environment, ended)

    if began.instead_of:
        write(INTERRUPTED, NOT_ENDED)
    try:
        yield recording
    except BaseException as error:
        # What went wrong is to be told, not that it could not be written down.
        with contextlib.suppress(Exception):
            if isinstance(error, KeyboardInterrupt):
                write(INTERRUPTED)
            else:
                write(FAILED, _reason_of(error))
        raise
    try:
        write(HEALTHY)
    except (BotoCoreError, ClientError, ValueError) as error:
        raise UserError(
            f"{environment} is deployed, but that could not be put on record: {error}",
            "Remove the cause, then run the same command again: it changes nothing more, and records what runs.",
        ) from error


def new_record(
    origin: Origin, images: Resolution, services: Mapping[str, str], place: str, terms: Terms = USUAL
) -> DeploymentRecord:
    """The record of a deployment that begins: of the images only those that `services`, by name, have as location."""
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
    """The latest deployment that ended well, of those that were."""
    return next((record for record in records if record.is_healthy and not record.synthetic), None)


def usual_seconds(records: Sequence[DeploymentRecord]) -> float | None:
    """How long the environment's healthy deployments of other images took: their median, None where there were none.

    Those that had nothing to do, and were over at once, tell nothing of the next one. `records` are the latest first.
    """
    healthy = [record for record in records if record.is_healthy and not record.synthetic and record.seconds]
    before = [*(record.digests for record in healthy[1:]), None]
    took = [record.seconds for record, digests in zip(healthy, before, strict=False) if record.digests != digests]
    return statistics.median(took) if took else None


def _reason_of(error: BaseException) -> str:
    """What stopped a deployment and then, where a diagnosis says so, why: two short lines as one."""
    if not isinstance(error, UserError):
        return type(error).__name__
    stopped, why = getattr(error, "stopped_by", ""), getattr(error, "why", "")
    if not why:
        return _reason(stopped.partition("\n")[0] or error.message, LONGEST_REASON)
    half = LONGEST_REASON // 2
    return "; ".join(filter(None, [_reason(stopped.partition("\n")[0], half), _reason(why, half)]))


def _reason(message: str, longest: int) -> str:
    """What went wrong, in a short line without secrets.

    Of a message in lines it is the second: the first one says only that it failed. Lines that are indented say where to
    look.
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
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _take_health(images: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The health of services, which is taken out of the entries of their images; what was left out is put back."""
    ran = {}
    for reference, entry in images.items():
        entry.setdefault("platform", PLATFORM)
        for service, health in entry.pop("ran", {}).items():
            if not isinstance(health, str) or service in ran:
                raise ValueError(service)
            ran[service] = (reference, health)
    return ran
