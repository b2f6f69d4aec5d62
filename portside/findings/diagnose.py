"""Diagnose an environment: its problems, and how to fix them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portside.aws.ownership import expect_ours
from portside.aws.snapshot import Snapshot, with_earlier
from portside.aws.target import Target
from portside.aws.written import written
from portside.config.configuration import Configuration
from portside.config.service_names import find_service
from portside.findings.collect import collect
from portside.findings.finding import Finding
from portside.findings.injected_faults import naming_injected, read_injected
from portside.findings.verdict import judge
from portside.json_fields import JsonFields


@dataclass(frozen=True)
class Diagnosis(JsonFields):
    """The verdicts on an environment at a moment, the most decisive first, and the snapshot that they are based on."""

    environment: str
    at: datetime
    verdicts: tuple[Finding, ...]
    snapshot: Snapshot

    @property
    def is_wrong(self) -> bool:
        return any(verdict.is_wrong for verdict in self.verdicts)

    def as_json(self) -> dict[str, Any]:
        fields = super().as_json() | {"at": written(self.at), "wrong": self.is_wrong}
        return fields | {"evidence": fields.pop("snapshot")}


def diagnose(
    target: Target,
    configuration: Configuration,
    *,
    service: str | None = None,
    since: datetime | None = None,
    earlier: Snapshot | None = None,
) -> Diagnosis:
    """Look at an environment, or at one service of it, and judge; `since` is when the deployment in question began.

    `service` may be the short name. `earlier` is a snapshot from before AWS deleted tasks and logs. Raises `UsageError`
    for a service that is not configured, and `UserError` for stacks of another owner, except after a deployment.
    """
    services = configuration.services_of(target.environment.name)
    only = find_service(target.environment, services, service).container_name if service is not None else None
    snapshot = collect(target, services, since=since, only=only)
    # A deployment has already refused them, and its error must be shown.
    if since is None:
        expect_ours((stack for stack in snapshot.stacks if stack.status), target.environment)
    if earlier is not None:
        snapshot = with_earlier(snapshot, earlier)
    verdicts = naming_injected(judge(snapshot), read_injected(target), target.commands)
    return Diagnosis(target.environment.name, snapshot.at, tuple(verdicts), snapshot)
