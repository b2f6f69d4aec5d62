"""A deployment in progress: its timeline and diagnosis, and the report that is written however it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from portside.aws.errors import is_from_aws, message_of
from portside.aws.health import health
from portside.aws.model import Service
from portside.aws.retries import Retries
from portside.aws.target import Target, with_retries
from portside.config.configuration import Configuration
from portside.config.service_groups import ServiceGroup
from portside.config.service_props import ServiceProps
from portside.deploy.deployment_folder import PAGE, keep
from portside.deploy.jobs import JobRun
from portside.errors import UserError
from portside.findings.early_evidence import EarlyEvidence
from portside.findings.grouping import grouped, subject_of
from portside.images.resolution import Resolution
from portside.plan.plan import LEAVE, StackChange
from portside.records.deployment_record import FAILED, HEALTHY, INTERRUPTED, ROLLBACK, USUAL, Terms
from portside.records.origin import Origin
from portside.report.deployment_report import (
    DeploymentReport,
    ReportedJob,
    ReportedService,
    advised,
    duration,
    verdict_sentence,
)
from portside.report.job_summary import report_to_github
from portside.report.report_page import page
from portside.report.timeline import STACK, Timeline
from portside.state_file import NotWritten
from portside.terminal.console import say, step, talk_console
from portside.terminal.summary import named

if TYPE_CHECKING:
    from portside.aws.snapshot import Snapshot


@dataclass
class DeploymentRun:
    """A deployment in progress, and its diagnosis."""

    target: Target
    configuration: Configuration
    images: Resolution
    changes: Sequence[StackChange]
    origin: Origin
    terms: Terms = USUAL
    groups: Mapping[str, ServiceGroup] = field(default_factory=dict)
    """The security groups between services in the templates."""
    timeline: Timeline = field(default_factory=Timeline)
    running: Sequence[Service] = ()
    ran: Mapping[str, str] = field(default_factory=dict)
    """By service, the health of its tasks at the end."""
    job_runs: Mapping[str, JobRun] = field(default_factory=dict)
    """The jobs that ran before the rollout."""
    verdicts: tuple[Mapping[str, Any], ...] = ()
    evidence: Mapping[str, Any] | None = None
    folder: str = ""
    not_written: NotWritten | None = None
    """Why its report could not be written."""
    failed_in_passing: bool = False
    """Whether all causes in the diagnosis are transient errors of AWS."""
    reasons: tuple[str, ...] = ()
    """The causes, without their consequences."""
    undiagnosed: str = ""
    """Why the diagnosis itself failed, if it did."""
    retrying: Target = field(init=False)
    """The target with clients that retry for a long time."""
    retries: Retries = field(init=False)
    early: EarlyEvidence = field(init=False)

    def __post_init__(self) -> None:
        self.early = EarlyEvidence(self._collect)
        self.retrying, self.retries = with_retries(self.target)

    @property
    def services(self) -> tuple[ServiceProps, ...]:
        services = self.configuration.services_of(self.target.environment.name)
        return tuple(props for props in services if props.container_name not in self.terms.left_out)

    @property
    def actions(self) -> dict[str, str]:
        """The action on each stack."""
        return {change.stack: change.action for change in self.changes if change.action != LEAVE}

    @property
    def verb(self) -> str:
        """The start of its title."""
        return "Rolling back" if self.terms.kind == ROLLBACK else "Deploying"

    def diagnose(self) -> None:
        """Find out why it failed, while AWS still has the stopped tasks."""
        try:
            from portside.findings.codes import Severity
            from portside.findings.diagnose import diagnose

            with step("Finding out why"):
                earlier = self.early.gathered()
                diagnosis = diagnose(self.target, self.configuration, since=self.timeline.began, earlier=earlier)
        except Exception as error:
            # An error in the diagnosis must not hide the error that stopped the deployment.
            self.undiagnosed = f"Why it failed could not be read: {_short(error)}"
            return
        self.evidence = diagnosis.as_json()
        wrong = [verdict for verdict in diagnosis.verdicts if verdict.is_wrong]
        self.verdicts = tuple(verdict.as_json() for verdict in wrong)
        causes = [verdict for verdict in wrong if verdict.severity is not Severity.CONSEQUENCE]
        self.failed_in_passing = bool(causes) and all(verdict.is_passing for verdict in causes)
        self.reasons = tuple(f"{verdict.subject}: {verdict.what}" for verdict in causes)

    def forget(self) -> None:
        """Drop the diagnosis of an attempt, before another one."""
        self.verdicts, self.evidence, self.failed_in_passing, self.reasons = (), None, False, ()

    @property
    def last_seen(self) -> str:
        """The last known state of each stack in progress, and when it was read; empty if none was."""
        latest = {each.subject: each for each in self.timeline.moments if each.kind == STACK}
        moving = [each for each in latest.values() if not each.over]
        at = self.timeline.began + timedelta(seconds=max((each.seconds for each in latest.values()), default=0))
        states = ", ".join(f"{each.subject} {each.state}" for each in moving) or "no stack in progress"
        return f"Last seen at {at:%H:%M:%S} UTC: {states}." if latest else ""

    def _collect(self, service: str) -> Snapshot:
        from portside.findings.collect import collect

        return collect(self.target, self.services, since=self.timeline.began, only=service)

    def report(self, result: str, message: str = "") -> DeploymentReport:
        running = {state.name: state for state in self.running}
        return DeploymentReport(
            environment=self.target.environment.name,
            place=self.target.place,
            kind=self.terms.kind,
            who=self.origin.who,
            commit=self.origin.commit,
            began=self.timeline.began,
            seconds=round(self.timeline.seconds, 1),
            result=result,
            version=self.images.version,
            services=tuple(
                _reported(props, self.images, running.get(props.container_name))
                for props in self.services
                if props.is_service
            ),
            jobs=tuple(
                _reported_job(props, self.images, self.job_runs.get(props.container_name))
                for props in self.services
                if not props.is_service
            ),
            changes=self.actions,
            moments=self.timeline.moments,
            verdicts=self.verdicts,
            evidence=self.evidence,
            message=message,
            undiagnosed=self.undiagnosed,
        )


def _reported(props: ServiceProps, images: Resolution, state: Service | None) -> ReportedService:
    image = images.images.get(props.container_location)
    numbers = (str(state.desired), str(state.running), str(health(state))) if state else ("", "", "")
    if image is None:
        return ReportedService(props.container_name, props.container_location, "", "", *numbers)
    return ReportedService(props.container_name, image.tag, image.short_commit or "unknown", image.digest, *numbers)


def _reported_job(props: ServiceProps, images: Resolution, run: JobRun | None) -> ReportedJob:
    image = images.images.get(props.container_location)
    ended = f"exit code {run.exit_code}, {duration(run.seconds)}" if run else ""
    return ReportedJob(props.container_name, props.runs_when, image.tag if image else props.container_location, ended)


@contextmanager
def reporting(run: DeploymentRun) -> Iterator[None]:
    """Write the report of the deployment to a folder and to GitHub, however the block ends."""
    try:
        yield
    except KeyboardInterrupt:
        _write_report(run, run.report(INTERRUPTED, "interrupted"))
        raise
    except Exception as error:
        _write_report(run, run.report(FAILED, stopped_by(error)))
        raise
    _write_report(run, run.report(HEALTHY))


def stopped_by(error: BaseException) -> str:
    """The error that stopped a deployment, without its diagnosis."""
    message = error.message if isinstance(error, UserError) else _short(error)
    return str(getattr(error, "stopped_by", message))


def _short(error: BaseException) -> str:
    """An error in one line; only the type of an unexpected one, whose text may contain a secret."""
    if isinstance(error, UserError):
        return error.message
    return message_of(error) if is_from_aws(error) else type(error).__name__


def _write_report(run: DeploymentRun, report: DeploymentReport) -> None:
    files = {"timeline.json": run.timeline.as_json(), "summary.json": report.as_json(), PAGE: page(report)}
    if run.evidence:
        files["evidence.json"] = run.evidence
    try:
        folder = keep(run.target.key, report.began, report.result, files)
        run.folder = str(folder)
        say("Report:")
        # Not folded, so that terminals recognise it as a link.
        talk_console().print(str(folder / PAGE), soft_wrap=True, markup=False)
        report_to_github(report, folder)
    except NotWritten as error:
        # The deployment itself is recorded; `deploy` raises this at the end.
        run.not_written = error
        say(str(error), "yellow")
    except Exception as error:
        say(f"The report could not be written: {type(error).__name__}: {error}", "yellow")


class DeploymentFailed(UserError):
    """A failed deployment: what stopped it, then the verdicts of the diagnosis."""

    def __init__(self, run: DeploymentRun, failure: UserError) -> None:
        target, verdicts = run.target, run.verdicts
        lines = [
            f"{run.verb.lower()} {target.environment.name} {target.place} failed",
            *failure.message.splitlines(),
        ]
        groups = grouped(verdicts, dict)
        for (verdict, advice), group in zip(advised([group[0] for group in groups]), groups, strict=True):
            lines.append(verdict_sentence(verdict))
            lines += [f"  also: {named([subject_of(each) for each in group[1:]])}"] if group[1:] else []
            lines += [f"  look: {advice['look']}"] if "look" in advice else []
        lines += [run.undiagnosed] if run.undiagnosed else []
        fixes = list(fixes_of((subject_of(each), group[0].get("fix")) for group in groups for each in group))
        super().__init__("\n".join(lines), "\n".join(fixes) or failure.hint)
        self.stopped_by, self._run = failure.message, run
        self.why = next(map(verdict_sentence, verdicts), "")

    def as_json(self) -> dict[str, Any]:
        """The message, the verdicts, and the folder with the report."""
        verdicts, folder = list(self._run.verdicts), self._run.folder
        return {"message": self.message, "hint": self.hint, "verdicts": verdicts, "folder": folder}

    def as_error(self) -> dict[str, Any]:
        """The error that stopped it, and why there is no diagnosis, if so."""
        undiagnosed = {"undiagnosed": self._run.undiagnosed} if self._run.undiagnosed else {}
        return super().as_error() | {"stopped_by": self.stopped_by} | undiagnosed


def fixes_of(advice: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """Each fix once, with its subjects if there are several; from pairs of subject and fix."""
    subjects: dict[str, list[str]] = {}
    for subject, fix in advice:
        if fix:
            subjects.setdefault(fix, []).append(subject)
    for fix, names in subjects.items():
        yield f"fix: {named(list(filter(None, names)))}: {fix}" if len(subjects) > 1 else f"fix: {fix}"
