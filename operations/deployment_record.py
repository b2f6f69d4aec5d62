"""What was deployed to an environment, kept in the environment itself.

One parameter of Systems Manager, written anew by every deployment: its history is the history of the environment. AWS
keeps the last 100 versions of a parameter, and standard ones cost nothing.
https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from operations.origin import Origin
from portside.aws.errors import is_missing
from src.errors import AgoraError
from src.plain_secrets import holds_credential
from src.resolution import Resolution, parse_resolution

DEPLOY, ROLLBACK = "deploy", "rollback"
HEALTHY, FAILED, INTERRUPTED = "healthy", "failed", "interrupted"

_LONGEST_REASON = 200


@dataclass(frozen=True)
class DeploymentRecord:
    """A deployment that has ended: who began it and when (ISO 8601), with which images, and how it ended.

    `commit` is this repository's. `instead_of` has the digests that a rollback took out of service. A `synthetic`
    record stands for a deployment that never was.
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

    @property
    def is_healthy(self) -> bool:
        """Whether it ended with every service steady."""
        return self.result == HEALTHY

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
            "images": self.images.as_json(),
        }
        return {name: value for name, value in fields.items() if value}


def parameter_name(environment: str) -> str:
    """The parameter whose history an environment's is."""
    return f"/agora/{environment}/deployment"


def read_records(ssm: Any, environment: str) -> list[DeploymentRecord]:
    """The deployments of an environment, the latest first. What is no record is passed over."""
    from botocore.exceptions import ClientError

    try:
        pages = list(ssm.get_paginator("get_parameter_history").paginate(Name=parameter_name(environment)))
    except ClientError as error:
        if is_missing(error):
            return []
        raise
    versions = [version for page in pages for version in page["Parameters"]]
    newest_first = sorted(versions, key=lambda version: version["Version"], reverse=True)
    found = (_parse(version["Value"], version["Version"]) for version in newest_first)
    return [record for record in found if record is not None]


def write_record(ssm: Any, environment: str, record: DeploymentRecord) -> None:
    """Add a deployment to the history."""
    ssm.put_parameter(
        Name=parameter_name(environment),
        Value=json.dumps(record.as_json(), separators=(",", ":")),
        Type="String",
        Overwrite=True,
        # A standard parameter holds 4 KiB: 8 services with all that can be known, 13 of a release. Only a larger record
        # makes it an advanced one, which costs, holds twice as much, and stays one until it is deleted.
        Tier="Intelligent-Tiering",
        Description="The last deployment; the earlier versions are those before it; written by ./agora",
    )


@contextmanager
def recorded(
    ssm: Any,
    environment: str,
    origin: Origin,
    images: Resolution,
    *,
    kind: str = DEPLOY,
    instead_of: Iterable[str] = (),
) -> Iterator[None]:
    """Record the deployment that the block carries out, however it ends.

    Raises `AgoraError` where it went well, but can't be put on record.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    began, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    record = DeploymentRecord(kind, began, 0, origin.who, origin.commit, HEALTHY, images, instead_of=tuple(instead_of))

    def write(result: str, reason: str = "") -> None:
        seconds = round(time.monotonic() - clock, 1)
        write_record(ssm, environment, replace(record, result=result, reason=reason, seconds=seconds))

    try:
        yield
    except BaseException as error:
        # What went wrong is to be told, not that it could not be written down.
        with contextlib.suppress(Exception):
            if isinstance(error, KeyboardInterrupt):
                write(INTERRUPTED)
            else:
                write(FAILED, _reason(error.message if isinstance(error, AgoraError) else type(error).__name__))
        raise
    try:
        write(HEALTHY)
    except (BotoCoreError, ClientError) as error:
        raise AgoraError(
            f"{environment} is deployed, but that could not be put on record: {error}",
            "Mend the cause, then run the same command again: it changes nothing more, and records what runs.",
        ) from error


def last_healthy(records: Sequence[DeploymentRecord]) -> DeploymentRecord | None:
    """The latest deployment that ended well, of those that were."""
    return next((record for record in records if record.is_healthy and not record.synthetic), None)


def _reason(message: str) -> str:
    """What went wrong, in a short line; nothing where somebody could read a secret in it.

    Of a message in lines it is the second, the first verdict: the first one says only that it failed. Lines that are
    indented say where to look.
    """
    if holds_credential(message):
        return ""
    lines = [line for line in message.splitlines() if line.strip() and not line.startswith("  ")]
    # Systems Manager refuses {{…}}, which CloudFormation's messages may have, in the values of parameters.
    line = " ".join("".join(lines[1:2] or lines[:1]).split()).replace("{{", "{ {")
    return line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 1]}…"


def _parse(value: str, number: int) -> DeploymentRecord | None:
    try:
        fields = json.loads(value)
        return DeploymentRecord(
            kind=str(fields["kind"]),
            began=str(fields["began"]),
            seconds=float(fields.get("seconds", 0)),
            who=str(fields["who"]),
            commit=str(fields["commit"]) if fields.get("commit") else None,
            result=str(fields["result"]),
            images=parse_resolution(json.dumps(fields["images"]), f"record {number}"),
            reason=str(fields.get("reason", "")),
            instead_of=tuple(map(str, fields.get("instead_of", ()))),
            synthetic=fields.get("synthetic") is True,
            number=number,
        )
    except (ValueError, TypeError, KeyError):
        return None
