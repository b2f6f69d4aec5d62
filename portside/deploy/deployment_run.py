"""A deployment as it goes on: what is seen of it, and what it leaves behind however it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from portside.aws.errors import is_from_aws, message_of
from portside.aws.health import health
from portside.aws.model import Service
from portside.aws.patience import Patience
from portside.aws.target import Target, patient
from portside.config.configuration import Form
from portside.config.service_groups import ServiceGroup
from portside.config.service_props import ServiceProps
from portside.deploy.deployment_folder import PAGE, keep
from portside.errors import UserError
from portside.findings.early_evidence import EarlyEvidence
from portside.images.resolution import Resolution
from portside.plan.plan import LEAVE, StackChange
from portside.records.deployment_record import DEPLOY, FAILED, HEALTHY, INTERRUPTED, ROLLBACK
from portside.records.origin import Origin
from portside.report.deployment_report import DeploymentReport, ReportedService, advised, verdict_sentence
from portside.report.job_summary import report_to_github
from portside.report.report_page import page
from portside.report.timeline import STACK, Timeline
from portside.state_file import NotWritten
from portside.terminal.console import say, step, talk_console

if TYPE_CHECKING:
    from portside.aws.snapshot import Snapshot


@dataclass
class DeploymentRun:
    """A deployment as it goes on, and what is found out about it."""

    target: Target
    form: Form
    images: Resolution
    changes: Sequence[StackChange]
    origin: Origin
    kind: str = DEPLOY
    expected_seconds: float | None = None
    timeline: Timeline = field(default_factory=Timeline)
    running: Sequence[Service] = ()
    left_out: frozenset[str] = frozenset()
    """Services that keep what they run."""
    groups: Mapping[str, ServiceGroup] = field(default_factory=dict)
    """The groups between services that the templates have."""
    ran: Mapping[str, str] = field(default_factory=dict)
    """What the tasks of each service were like in the end."""
    verdicts: tuple[Mapping[str, Any], ...] = ()
    evidence: Mapping[str, Any] | None = None
    folder: str = ""
    not_written: NotWritten | None = None
    """Why nothing is kept of it on this machine."""
    failed_in_passing: bool = False
    """Whether all that a diagnosis found wrong is what AWS does for a moment."""
    reasons: tuple[str, ...] = ()
    """What was found wrong, without what only suffers from it."""
    undiagnosed: str = ""
    """Why the diagnosis itself failed, where it did."""
    patient: Target = field(init=False)
    """The same place, asked for as long as there is hope."""
    patience: Patience = field(init=False)
    early: EarlyEvidence = field(init=False)

    def __post_init__(self) -> None:
        self.early = EarlyEvidence(self._collect)
        self.patient, self.patience = patient(self.target)

    @property
    def services(self) -> tuple[ServiceProps, ...]:
        """The services that are deployed."""
        services = self.form.services_of(self.target.environment.name)
        return tuple(props for props in services if props.container_name not in self.left_out)

    @property
    def actions(self) -> dict[str, str]:
        """What happens to each stack."""
        return {change.stack: change.action for change in self.changes if change.action != LEAVE}

    @property
    def verb(self) -> str:
        """What is done."""
        return "Rolling back" if self.kind == ROLLBACK else "Deploying"

    def diagnose(self) -> None:
        """Find out why it failed, while AWS still knows."""
        try:
            from portside.findings.codes import Severity
            from portside.findings.diagnose import diagnose

            with step("Finding out why"):
                earlier = self.early.gathered()
                diagnosis = diagnose(self.target, self.form, since=self.timeline.began, earlier=earlier)
        except Exception as error:
            # Whatever goes wrong here, what stopped the deployment is what a person has to see.
            self.undiagnosed = f"Why it failed could not be read: {_short(error)}"
            return
        self.evidence = diagnosis.as_json()
        wrong = [verdict for verdict in diagnosis.verdicts if verdict.is_wrong]
        self.verdicts = tuple(verdict.as_json() for verdict in wrong)
        causes = [verdict for verdict in wrong if verdict.severity is not Severity.CONSEQUENCE]
        self.failed_in_passing = bool(causes) and all(verdict.is_passing for verdict in causes)
        self.reasons = tuple(f"{verdict.subject}: {verdict.what}" for verdict in causes)

    def forget(self) -> None:
        """Drop what was found of an attempt, before another one."""
        self.verdicts, self.evidence, self.failed_in_passing, self.reasons = (), None, False, ()

    @property
    def last_seen(self) -> str:
        """The last known state of each stack that is not done, and when it was seen; empty where nothing was."""
        latest = {each.subject: each for each in self.timeline.moments if each.kind == STACK}
        moving = [each for each in latest.values() if not each.over]
        at = self.timeline.began + timedelta(seconds=max((each.seconds for each in latest.values()), default=0))
        states = ", ".join(f"{each.subject} {each.state}" for each in moving) or "no stack in progress"
        return f"Last seen at {at:%H:%M:%S} UTC: {states}." if latest else ""

    def _collect(self, service: str) -> Snapshot:
        from portside.findings.collect import collect

        return collect(self.target, self.services, since=self.timeline.began, only=service)

    def report(self, result: str, message: str = "") -> DeploymentReport:
        """Everything that is reported of it."""
        running = {state.name: state for state in self.running}
        return DeploymentReport(
            environment=self.target.environment.name,
            place=self.target.place,
            kind=self.kind,
            who=self.origin.who,
            commit=self.origin.commit,
            began=self.timeline.began,
            seconds=round(self.timeline.seconds, 1),
            result=result,
            version=self.images.version,
            services=tuple(_reported(props, self.images, running.get(props.container_name)) for props in self.services),
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


@contextmanager
def reporting(run: DeploymentRun) -> Iterator[None]:
    """Write the report of the block's deployment to a folder and to GitHub, however it ends."""
    try:
        yield
    except KeyboardInterrupt:
        _leave(run, run.report(INTERRUPTED, "interrupted"))
        raise
    except Exception as error:
        _leave(run, run.report(FAILED, stopped_by(error)))
        raise
    _leave(run, run.report(HEALTHY))


def stopped_by(error: BaseException) -> str:
    """What stopped a deployment, without what a diagnosis adds to it."""
    message = error.message if isinstance(error, UserError) else _short(error)
    return str(getattr(error, "stopped_by", message))


def _short(error: BaseException) -> str:
    """An error in a line. One that is not AWS's says only its kind: it may have anything in it."""
    if isinstance(error, UserError):
        return error.message
    return message_of(error) if is_from_aws(error) else type(error).__name__


def _leave(run: DeploymentRun, report: DeploymentReport) -> None:
    files = {"timeline.json": run.timeline.as_json(), "summary.json": report.as_json(), PAGE: page(report)}
    if run.evidence:
        files["evidence.json"] = run.evidence
    try:
        folder = keep(run.target.key, report.began, report.result, files)
        run.folder = str(folder)
        say("What happened is in:")
        # Not folded, so that a person can click on it.
        talk_console().print(str(folder / PAGE), soft_wrap=True, markup=False)
        report_to_github(report, folder)
    except NotWritten as error:
        # It changes nothing about how the deployment ended, which is on record; the command says so at its end.
        run.not_written = error
        say(str(error), "yellow")
    except Exception as error:
        say(f"What happened could not be written down: {type(error).__name__}: {error}", "yellow")


class DeploymentFailed(UserError):
    """A deployment that did not end well: what stopped it, then its verdicts, which say why and what to do."""

    def __init__(self, run: DeploymentRun, failure: UserError) -> None:
        target, verdicts = run.target, run.verdicts
        lines = [
            f"{run.verb.lower()} {target.environment.name} {target.place} failed",
            *failure.message.splitlines(),
        ]
        for verdict, advice in advised(verdicts):
            lines.append(verdict_sentence(verdict))
            lines += [f"  look: {advice['look']}"] if "look" in advice else []
        lines += [run.undiagnosed] if run.undiagnosed else []
        fixes = list(fixes_of((each.get("service") or each.get("stack") or "", each.get("fix")) for each in verdicts))
        super().__init__("\n".join(lines), "\n".join(fixes) or failure.hint)
        self.stopped_by, self._run = failure.message, run
        self.why = next(map(verdict_sentence, verdicts), "")

    def as_json(self) -> dict[str, Any]:
        """The verdicts, the message that has them for a person, and where what is kept of it is."""
        verdicts, folder = list(self._run.verdicts), self._run.folder
        return {"message": self.message, "hint": self.hint, "verdicts": verdicts, "folder": folder}

    def as_error(self) -> dict[str, Any]:
        """What stopped it, and apart from that whether a diagnosis could be made."""
        undiagnosed = {"undiagnosed": self._run.undiagnosed} if self._run.undiagnosed else {}
        return super().as_error() | {"stopped_by": self.stopped_by} | undiagnosed


def fixes_of(advice: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """Each fix once, and whose it is where there are several; from subjects and what mends them, if that is known."""
    subjects: dict[str, list[str]] = {}
    for subject, fix in advice:
        if fix:
            subjects.setdefault(fix, []).append(subject)
    for fix, whose in subjects.items():
        yield f"fix: {', '.join(filter(None, whose))}: {fix}" if len(subjects) > 1 else f"fix: {fix}"
