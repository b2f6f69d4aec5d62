"""The report of a deployment: one view of it for the HTML page, GitHub's job summary and the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from portside import redact
from portside.records.deployment_record import HEALTHY, INTERRUPTED, ROLLBACK
from portside.report.timeline import Moment
from portside.timestamps import timestamp


@dataclass(frozen=True)
class ReportedService:
    """A service and the image that was deployed to it; the numbers are empty if they could not be read."""

    name: str
    version: str
    commit: str
    digest: str
    desired: str = ""
    running: str = ""
    health: str = ""


@dataclass(frozen=True)
class ReportedJob:
    """A job or scheduled task, when it runs, and its run in this deployment."""

    name: str
    runs: str
    version: str
    run: str = ""


@dataclass(frozen=True)
class Table:
    """A table without its empty columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    @classmethod
    def of(cls, *columns: str, rows: Sequence[Sequence[str]]) -> Table:
        """The columns that have a value in some row."""
        filled = [index for index in range(len(columns)) if any(row[index] for row in rows)]
        return cls([columns[index] for index in filled], [[row[index] for index in filled] for row in rows])


@dataclass(frozen=True, kw_only=True)
class DeploymentReport:
    """A deployment, to report. `result` is a record's; `changes` has each stack's action.

    `message` says what stopped it, if anything did; `verdicts` and `evidence` are a diagnosis's, and `undiagnosed` says
    why they are missing.
    """

    environment: str
    place: str
    kind: str
    who: str
    commit: str | None
    began: datetime
    seconds: float
    result: str
    version: str
    services: tuple[ReportedService, ...] = ()
    jobs: tuple[ReportedJob, ...] = ()
    changes: Mapping[str, str] = field(default_factory=dict)
    moments: tuple[Moment, ...] = ()
    verdicts: tuple[Mapping[str, Any], ...] = ()
    evidence: Mapping[str, Any] | None = None
    message: str = ""
    undiagnosed: str = ""

    def redacted(self) -> DeploymentReport:
        """The report without secrets, to publish."""
        redactor = redact.current()
        return replace(
            self,
            who=redactor.text(self.who),
            version=redactor.text(self.version),
            message=redactor.text(self.message),
            undiagnosed=redactor.text(self.undiagnosed),
            moments=tuple(replace(moment, reason=redactor.text(moment.reason)) for moment in self.moments),
            verdicts=tuple(redactor.json(self.verdicts)),
            evidence=redactor.json(self.evidence),
        )

    @property
    def is_healthy(self) -> bool:
        """Whether it ended with every service stable."""
        return self.result == HEALTHY

    @property
    def headline(self) -> str:
        """The action and its result."""
        verb = "Rolling back" if self.kind == ROLLBACK else "Deploying"
        ended = {HEALTHY: "succeeded", INTERRUPTED: "was interrupted"}.get(self.result, "failed")
        mark = "✓" if self.is_healthy else "✗"
        return f"{mark} {verb} {self.environment} {self.place} {ended} after {duration(self.seconds)}"

    @property
    def service_table(self) -> Table:
        """Each service with its image, running tasks and health."""
        rows = [
            [each.name, each.version, each.commit, each.digest, _of(each.running, each.desired), each.health]
            for each in self.services
        ]
        return Table.of("Service", "Version", "Commit", "Digest", "Running", "Health", rows=rows)

    @property
    def job_table(self) -> Table:
        """Each job and scheduled task, with its run in this deployment."""
        rows = [[each.name, each.runs, each.version, each.run] for each in self.jobs]
        return Table.of("Job", "Runs", "Version", "In this deployment", rows=rows)

    @property
    def stack_table(self) -> Table:
        """Each stack that changes, and how."""
        changed = [(stack, action) for stack, action in self.changes.items() if action != "nothing"]
        return Table.of("Stack", "Change", rows=changed)

    def as_json(self) -> dict[str, Any]:
        """The report for `summary.json`; moments and evidence have their own files."""
        own_files = {"moments", "evidence"}
        fields = {
            name: value for name, value in vars(self).items() if name not in own_files | {"changes", "services", "jobs"}
        }
        return {
            **fields,
            "began": timestamp(self.began),
            "stacks": dict(self.changes),
            "services": [vars(each) for each in self.services],
            "jobs": [vars(each) for each in self.jobs],
        }


def _of(running: str, desired: str) -> str:
    return f"{running} of {desired}" if desired else ""


def verdict_sentence(verdict: Mapping[str, Any]) -> str:
    """A verdict in one line, with the service or stack that it is about."""
    subject, sentence = str(verdict.get("service") or verdict.get("stack") or ""), str(verdict.get("sentence", ""))
    return sentence if sentence.startswith(subject) else f"{subject}: {sentence}"


def advised(verdicts: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], dict[str, str]]]:
    """Each verdict with its `look` and `fix`, unless an earlier verdict has the same.

    A consequence of another problem is fixed together with that problem.
    """
    shown: set[str] = set()
    for verdict in verdicts:
        advice = {name: str(verdict[name]) for name in ("look", "fix") if verdict.get(name)}
        yield verdict, {name: value for name, value in advice.items() if value not in shown}
        shown.update(advice.values())


def duration(seconds: float) -> str:
    """Seconds as `59 s` or `3 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"
