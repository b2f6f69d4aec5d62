"""The time chart of a deployment: what is drawn where, in SVG units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portside.report.deployment_report import DeploymentReport
from portside.report.timeline import SERVICE, STACK, TASK, Lane, Span, lanes

# Units are pixels if the box of the chart is this wide.
WIDTH = 720.0
BAR_HEIGHT = 12.0
AXIS_HEIGHT = 26.0
_LEFT, _RIGHT = 8.0, 16.0
_ROW_HEIGHT = 34.0
_INDENT = {STACK: 0.0, SERVICE: 12.0, TASK: 24.0}
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_MOST_TICKS = 8
_TONES = {
    "waiting": ("waiting", "pending", "preparing", "stopping", "deleting", "cleaning up"),
    "busy": ("creating", "updating", "rolling out", "running"),
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
    """A stack, service or task."""

    kind: str
    x: float
    top: float
    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Chart:
    """The whole chart."""

    height: float
    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]


def chart_of(report: DeploymentReport) -> Chart:
    """The chart, without what did not change."""
    drawn = [lane for lane in lanes(report.moments, report.seconds) if not _is_idle(lane)]
    scale = (WIDTH - _LEFT - _RIGHT) / max(report.seconds, 0.1)
    rows = tuple(_row(lane, AXIS_HEIGHT + number * _ROW_HEIGHT, scale) for number, lane in enumerate(drawn))
    return Chart(AXIS_HEIGHT + len(drawn) * _ROW_HEIGHT + 8, tuple(_ticks(report.seconds, scale)), rows)


def _is_idle(lane: Lane) -> bool:
    return all(span.state == "no changes" for span in lane.spans)


def _ticks(seconds: float, scale: float) -> Iterator[Tick]:
    step = next((step for step in _STEPS if seconds / step <= _MOST_TICKS), _STEPS[-1])
    for number in range(int(seconds // step) + 1):
        x = _LEFT + number * step * scale
        anchor = "start" if number == 0 else "end" if x > WIDTH - 40 else "middle"
        yield Tick(x, anchor, _tick_text(number * step, step))


def _tick_text(seconds: float, step: float) -> str:
    if step < 60 and seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f} min" if not rest else f"{minutes:.0f}:{rest:02.0f} min"


def _row(lane: Lane, top: float, scale: float) -> Row:
    last = lane.spans[-1]
    name = f"task {lane.subject[:8]}" if lane.kind == TASK else lane.subject
    bars = tuple(_bar(span, scale, is_last=span is last) for span in lane.spans)
    return Row(lane.kind, _LEFT + _INDENT[lane.kind], top, f"{name}: {last.state}", bars)


def _bar(span: Span, scale: float, *, is_last: bool) -> Bar:
    # The last state often lasts no time, and must be visible.
    width = max((span.ends - span.starts) * scale, 3.0 if is_last else 1.0)
    reason = f": {span.reason}" if span.reason else ""
    title = f"{span.state}, {span.starts:.1f} s to {span.ends:.1f} s{reason}"
    return Bar(tone_of(span.state), min(_LEFT + span.starts * scale, WIDTH - _RIGHT), width, title)


def tone_of(state: str) -> str:
    """The CSS class of a state: waiting, busy, good or bad."""
    return next((tone for tone, states in _TONES.items() if state in states), "bad")
