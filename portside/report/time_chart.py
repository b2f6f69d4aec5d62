"""The time chart of a deployment: a row for each stack, service and task, with bars in percent of the whole time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portside.report.deployment_report import DeploymentReport
from portside.report.timeline import TASK, Lane, Span, in_causal_order, lanes

_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_MOST_TICKS = 5
_LEAST_WIDTH = 0.7
_TONES = {
    "waiting": ("checking", "waiting", "pending", "preparing", "stopping", "deleting", "cleaning up"),
    "busy": ("creating", "updating", "rolling out", "running", "deploying"),
    "good": ("created", "updated", "rolled out", "healthy", "deleted", "no changes", "imported"),
}
LEGEND = {
    "waiting": "pending",
    "busy": "in progress, or running and not yet healthy",
    "good": "healthy, done",
    "bad": "failed, unhealthy",
}


@dataclass(frozen=True)
class Tick:
    """A vertical line, and its label."""

    x: float
    anchor: str
    text: str


@dataclass(frozen=True)
class Bar:
    """One state of a stack, service or task."""

    tone: str
    x: float
    width: float
    title: str


@dataclass(frozen=True)
class Row:
    """A stack, service or task, its last state, and the reasons for its states."""

    kind: str
    label: str
    state: str
    tone: str
    bars: tuple[Bar, ...]
    reasons: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The bars in words."""
        return "; ".join(bar.title for bar in self.bars)


@dataclass(frozen=True)
class Chart:
    """The whole chart; the first row has the phases of the deployment."""

    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]


def chart_of(report: DeploymentReport) -> Chart:
    """The chart, without what did not change."""
    moments = in_causal_order(report.moments, lambda state: tone_of(state) == "bad")
    drawn = [lane for lane in lanes(moments, report.seconds) if not _is_idle(lane)]
    scale = 100 / max(report.seconds, 0.1)
    rows = [_row(lane, scale) for lane in drawn]
    return Chart(tuple(_ticks(report.seconds, scale)), (_phases(drawn, report, scale), *rows) if rows else ())


def _phases(drawn: Sequence[Lane], report: DeploymentReport, scale: float) -> Row:
    """The time before the first stack, the deployment, the rollback if there was one, and the time after the last."""
    begins = min(lane.spans[0].starts for lane in drawn)
    ends = max(lane.spans[-1].starts for lane in drawn)
    failed = [span.starts for lane in drawn for span in lane.spans if span.state.startswith("failed")]
    turned = min(failed, default=ends)
    spans = [
        Span("preparing", 0, begins),
        Span("deploying", begins, turned),
        Span("rolling back", turned, ends),
        Span("checking", ends, max(report.seconds, ends)),
    ]
    bars = tuple(_bar(span, scale) for span in spans if span.ends > span.starts)
    return Row("phases", "Phases", f"{report.result}", tone_of("healthy" if report.is_healthy else "failed"), bars)


def _is_idle(lane: Lane) -> bool:
    return all(span.state == "no changes" for span in lane.spans)


def _ticks(seconds: float, scale: float) -> Iterator[Tick]:
    step = next((step for step in _STEPS if seconds / step <= _MOST_TICKS), _STEPS[-1])
    for number in range(int(seconds // step) + 1):
        x = number * step * scale
        yield Tick(x, "start" if number == 0 else "end" if x > 90 else "middle", _tick_text(number * step, step))


def _tick_text(seconds: float, step: float) -> str:
    if step < 60 and seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f} min" if not rest else f"{minutes:.0f}:{rest:02.0f} min"


def _row(lane: Lane, scale: float) -> Row:
    last = lane.spans[-1]
    name = f"task {lane.subject[:8]}" if lane.kind == TASK else lane.subject
    reasons = tuple(dict.fromkeys(span.reason for span in lane.spans if span.reason))
    return Row(
        lane.kind, name, last.state, tone_of(last.state), tuple(_bar(span, scale) for span in lane.spans), reasons
    )


def _bar(span: Span, scale: float) -> Bar:
    # The last state often lasts no time, and must be visible.
    width = max((span.ends - span.starts) * scale, _LEAST_WIDTH)
    reason = f": {span.reason}" if span.reason else ""
    title = f"{span.state}, {span.starts:.1f} s to {span.ends:.1f} s{reason}"
    return Bar(tone_of(span.state), min(span.starts * scale, 100 - width), width, title)


def tone_of(state: str) -> str:
    """The CSS class of a state: waiting, busy, good or bad."""
    return next((tone for tone, states in _TONES.items() if state in states), "bad")
