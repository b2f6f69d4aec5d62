"""A failed deployment, as it is reported afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from portside.records.deployment_record import DEPLOY, FAILED
from portside.report.deployment_report import DeploymentReport, ReportedJob, ReportedService
from portside.report.timeline import SERVICE, STACK, TASK, Moment
from tests.unit.operations_support import NOON, digest

REASON = "CannotPullContainerError: failed to resolve ref ghcr.io/org/agora-app@sha256:0123: not found"

VERDICT = {
    "service": "agora-app",
    "stack": "agora-dev-app",
    "cause": "IMAGE_MISSING",
    "sentence": "the image is not in the registry any more",
    "since": "2026-11-23T12:00:31+00:00",
    "evidence": [REASON],
    "look": "https://github.com/orgs/org/packages/container/package/agora-app",
    "fix": "./agora deploy dev",
    "wrong": True,
}

EVIDENCE = {
    "environment": "dev",
    "services": [
        {
            "name": "agora-app",
            "events": [{"at": "2026-11-23T12:00:31+00:00", "message": "(service agora-dev-app) has started 1 tasks."}],
            "tasks": [{"id": "5" * 32, "stopped_reason": REASON, "log": ["listening on 4200", "<b>not bold</b>"]}],
        }
    ],
}

MOMENTS = (
    Moment(0.2, STACK, "agora-dev-network", "no changes", over=True),
    Moment(4.0, STACK, "agora-dev-api", "updating"),
    Moment(4.5, STACK, "agora-dev-app", "updating"),
    Moment(9.0, SERVICE, "agora-api", "rolling out", "agora-dev-api"),
    Moment(10.0, TASK, "1" * 32, "pending", "agora-api"),
    Moment(31.0, TASK, "1" * 32, "running", "agora-api"),
    Moment(52.0, TASK, "1" * 32, "healthy", "agora-api"),
    Moment(70.0, SERVICE, "agora-api", "rolled out", "agora-dev-api", over=True),
    Moment(75.0, STACK, "agora-dev-api", "updated", over=True),
    Moment(10.0, SERVICE, "agora-app", "rolling out", "agora-dev-app"),
    Moment(11.0, TASK, "5" * 32, "pending", "agora-app"),
    Moment(31.0, TASK, "5" * 32, "stopped", "agora-app", REASON, over=True),
    Moment(120.0, SERVICE, "agora-app", "failed, rolling back", "agora-dev-app"),
    Moment(121.0, STACK, "agora-dev-app", "failed, rolling back"),
    Moment(180.0, STACK, "agora-dev-app", "failed, rolled back", over=True),
    Moment(180.0, SERVICE, "agora-app", "failed, rolled back", "agora-dev-app", over=True),
)


def failed_report(**changes: Any) -> DeploymentReport:
    """agora-app's task could not start, and CloudFormation rolled its stack back."""
    report = DeploymentReport(
        environment="dev",
        place="in AWS account 607346494281",
        kind=DEPLOY,
        who="Developer/jane",
        commit="a" * 40 + "+changes",
        began=NOON,
        seconds=185.0,
        result=FAILED,
        version="edge",
        services=(
            ReportedService("agora-api", "edge", "ccccccc", digest("api"), "1", "1", "healthy"),
            ReportedService("agora-app", "edge", "ccccccc", digest("app")),
        ),
        jobs=(ReportedJob("agora-migrate", "before a rollout", "edge", "exit code 0, 12 s"),),
        changes={"agora-dev-network": "nothing", "agora-dev-api": "update", "agora-dev-app": "update"},
        moments=MOMENTS,
        verdicts=(VERDICT,),
        evidence={"verdicts": [VERDICT], "evidence": EVIDENCE},
        message="deploying dev in AWS account 607346494281 failed",
    )
    return replace(report, **changes)
