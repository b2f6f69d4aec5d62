"""A deployment as it goes on: what is seen of it, and what it leaves behind however it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from operations.console import say, talk_console
from operations.deployment_folder import PAGE, keep
from operations.deployment_record import DEPLOY, FAILED, HEALTHY, INTERRUPTED, ROLLBACK
from operations.early_evidence import EarlyEvidence
from operations.job_summary import tell_github
from operations.origin import Origin
from operations.plan import StackChange
from operations.progress import step
from operations.report_page import DeploymentReport, ReportedService, advised, page, verdict_sentence
from operations.service_states import ServiceState
from operations.target import Target
from operations.timeline import Timeline
from src.errors import AgoraError
from src.form import Form
from src.resolution import Resolution
from src.service_props import ServiceProps

if TYPE_CHECKING:
    from operations.diagnosis.evidence import Evidence


@dataclass
class Course:
    """A deployment as it goes on, and what is found out about it."""

    target: Target
    form: Form
    images: Resolution
    changes: Sequence[StackChange]
    origin: Origin
    kind: str = DEPLOY
    expected_seconds: float | None = None
    timeline: Timeline = field(default_factory=Timeline)
    running: Sequence[ServiceState] = ()
    left_out: frozenset[str] = frozenset()
    """Services that keep what they run."""
    ran: Mapping[str, str] = field(default_factory=dict)
    """What the tasks of each service were like in the end."""
    verdicts: tuple[Mapping[str, Any], ...] = ()
    evidence: Mapping[str, Any] | None = None
    folder: str = ""
    early: EarlyEvidence = field(init=False)

    def __post_init__(self) -> None:
        self.early = EarlyEvidence(self._collect)

    @property
    def services(self) -> tuple[ServiceProps, ...]:
        """The services that are deployed."""
        services = self.form.services_of(self.target.environment.name)
        return tuple(props for props in services if props.container_name not in self.left_out)

    @property
    def actions(self) -> dict[str, str]:
        """What happens to each stack."""
        return {change.stack: change.action for change in self.changes}

    @property
    def verb(self) -> str:
        """What is done."""
        return "Rolling back" if self.kind == ROLLBACK else "Deploying"

    def diagnose(self) -> None:
        """Find out why it failed, while AWS still knows."""
        try:
            from operations.diagnosis.diagnose import diagnose

            with step("Finding out why"):
                earlier = self.early.gathered()
                diagnosis = diagnose(self.target, self.form, since=self.timeline.began, earlier=earlier)
        except Exception as error:
            # Whatever goes wrong here, what CloudFormation said of the failure is still to be told.
            say(f"Why it failed could not be found out: {type(error).__name__}: {error}", "yellow")
            return
        self.evidence = diagnosis.as_json()
        self.verdicts = tuple(verdict.as_json() for verdict in diagnosis.verdicts if verdict.is_wrong)

    def _collect(self, service: str) -> Evidence:
        from operations.diagnosis.evidence import collect

        return collect(self.target, self.services, since=self.timeline.began, only=service)

    def report(self, result: str, message: str = "") -> DeploymentReport:
        """All that is to be told of it."""
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
        )


def _reported(props: ServiceProps, images: Resolution, state: ServiceState | None) -> ReportedService:
    image = images.images.get(props.container_location)
    numbers = (str(state.desired), str(state.running), state.health) if state else ("", "", "")
    if image is None:
        return ReportedService(props.container_name, props.container_location, "", "", *numbers)
    return ReportedService(props.container_name, image.tag, image.short_commit or "unknown", image.digest, *numbers)


@contextmanager
def told(course: Course) -> Iterator[None]:
    """Keep what the block's deployment leaves in a folder, and tell GitHub of it, however it ends."""
    try:
        yield
    except KeyboardInterrupt:
        _leave(course, course.report(INTERRUPTED, "interrupted"))
        raise
    except Exception as error:
        _leave(course, course.report(FAILED, error.message if isinstance(error, AgoraError) else type(error).__name__))
        raise
    _leave(course, course.report(HEALTHY))


def _leave(course: Course, report: DeploymentReport) -> None:
    files = {"timeline.json": course.timeline.as_json(), "summary.json": report.as_json(), PAGE: page(report)}
    if course.evidence:
        files["evidence.json"] = course.evidence
    try:
        folder = keep(course.target.key, report.began, report.result, files)
        course.folder = str(folder)
        say("What happened is in:")
        # Not folded, so that a person can click on it.
        talk_console().print(str(folder / PAGE), soft_wrap=True, markup=False)
        tell_github(report, folder)
    except Exception as error:
        # A full disk, or whatever it is, changes nothing about how the deployment ended.
        say(f"What happened could not be written down: {type(error).__name__}: {error}", "yellow")


class DeploymentFailed(AgoraError):
    """A deployment that did not end well: its verdicts say why and what to do. CloudFormation rolls back by itself."""

    def __init__(self, course: Course, failure: AgoraError) -> None:
        target, verdicts = course.target, course.verdicts
        lines = [f"{course.verb.lower()} {target.environment.name} {target.place} failed"]
        for verdict, advice in advised(verdicts):
            lines.append(verdict_sentence(verdict))
            lines += [f"  look: {advice['look']}"] if "look" in advice else []
        if not verdicts:
            lines.append(failure.message)
        fixes = list(fixes_of((each.get("service") or each.get("stack") or "", each.get("fix")) for each in verdicts))
        if any(verdict.get("cause") == "CREDENTIALS" for verdict in verdicts):
            fixes.append(hold_stays(target))
        super().__init__("\n".join(lines), "\n".join(fixes) or failure.hint)
        self._course = course

    def as_json(self) -> dict[str, Any]:
        """The verdicts, the message that has them for a person, and where what is kept of it is."""
        verdicts, folder = list(self._course.verdicts), self._course.folder
        return {"message": self.message, "hint": self.hint, "verdicts": verdicts, "folder": folder}


def hold_stays(target: Target) -> str:
    """What to do about a hold that nobody is left to let go."""
    return f"The hold could not be let go without them. Take it away then: {target.commands.tool('unlock')}"


def fixes_of(advice: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """Each fix once, and whose it is where there are several; from subjects and what mends them, if that is known."""
    subjects: dict[str, list[str]] = {}
    for subject, fix in advice:
        if fix:
            subjects.setdefault(fix, []).append(subject)
    for fix, whose in subjects.items():
        yield f"fix: {', '.join(filter(None, whose))}: {fix}" if len(subjects) > 1 else f"fix: {fix}"
