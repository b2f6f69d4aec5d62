"""A deployment as one HTML page that needs nothing else: verdicts, what was deployed, a time chart, evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import escape
from typing import Any

from portside import redact
from portside.records.deployment_record import HEALTHY, INTERRUPTED, ROLLBACK
from portside.report.timeline import SERVICE, STACK, TASK, Lane, Moment, Span, lanes


@dataclass(frozen=True)
class ReportedService:
    """A service and the image that it was to get; the numbers are empty where nobody could look."""

    name: str
    version: str
    commit: str
    digest: str
    desired: str = ""
    running: str = ""
    health: str = ""


@dataclass(frozen=True, kw_only=True)
class DeploymentReport:
    """All that a deployment leaves to be told. `result` is a record's; `changes` has each stack's action.

    `message` says what stopped it, where something did; `verdicts` and `evidence` are a diagnosis's, which
    `undiagnosed` says why there is none.
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
    changes: Mapping[str, str] = field(default_factory=dict)
    moments: tuple[Moment, ...] = ()
    verdicts: tuple[Mapping[str, Any], ...] = ()
    evidence: Mapping[str, Any] | None = None
    message: str = ""
    undiagnosed: str = ""

    def redacted(self) -> DeploymentReport:
        """The same without secrets: what a page or a summary is made of."""
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
    def mark(self) -> str:
        """A sign for how it ended."""
        return "✓" if self.is_healthy else "✗"

    @property
    def headline(self) -> str:
        """What was done, and how it ended."""
        verb = "Rolling back" if self.kind == ROLLBACK else "Deploying"
        ended = {HEALTHY: "went well", INTERRUPTED: "was interrupted"}.get(self.result, "failed")
        return f"{verb} {self.environment} {self.place} {ended} after {duration(self.seconds)}"

    @property
    def service_rows(self) -> list[list[str]]:
        """Of each service its name, version, commit, desired and running tasks and health."""
        return [
            [each.name, each.version, each.commit, each.desired, each.running, each.health] for each in self.services
        ]

    def as_json(self) -> dict[str, Any]:
        """What a machine may want of it, without the moments and the evidence, which have files of their own."""
        return {
            "environment": self.environment,
            "place": self.place,
            "kind": self.kind,
            "who": self.who,
            "commit": self.commit,
            "began": self.began.isoformat(timespec="seconds"),
            "seconds": self.seconds,
            "result": self.result,
            "version": self.version,
            "message": self.message,
            "undiagnosed": self.undiagnosed,
            "verdicts": list(self.verdicts),
            "stacks": dict(self.changes),
            "services": [each.__dict__ for each in self.services],
        }


def verdict_sentence(verdict: Mapping[str, Any]) -> str:
    """A verdict in a line: whose it is, where it does not say that itself, and what it says."""
    whose, sentence = str(verdict.get("service") or verdict.get("stack") or ""), str(verdict.get("sentence", ""))
    return sentence if sentence.startswith(whose) else f"{whose}: {sentence}"


def advised(verdicts: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], dict[str, str]]]:
    """Each verdict with its look and its fix, where none before it has them.

    What only suffers from another's trouble is looked at, and mended, with that.
    """
    told: set[str] = set()
    for verdict in verdicts:
        advice = {name: str(verdict[name]) for name in ("look", "fix") if verdict.get(name)}
        yield verdict, {name: value for name, value in advice.items() if value not in told}
        told.update(advice.values())


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def page(report: DeploymentReport) -> str:
    """The page, without secrets."""
    report = report.redacted()
    title = escape(report.headline)
    parts = [
        *_head(report),
        *_deployed(report),
        *_chart(report),
        *_moments(report.moments),
        *_evidence(report.evidence),
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(report: DeploymentReport) -> Iterator[str]:
    yield f'<header class="{_tone(report)}"><h1>{report.mark} {escape(report.headline)}</h1>'
    told = [f"version {report.version}", f"by {report.who}", f"began {report.began:%Y-%m-%d %H:%M:%S} UTC"]
    if report.commit:
        told.append(f"from commit {report.commit[:7]}{'+' if '+' in report.commit else ''} of this repository")
    yield f"<p>{escape(', '.join(told))}</p></header>"
    if report.message:
        lines = "".join(f"<p>{escape(line)}</p>" for line in report.message.splitlines())
        yield f'<section class="verdict stopped">{lines}</section>'
    for verdict, advice in advised(report.verdicts):
        yield from _verdict(verdict, advice)
    if report.undiagnosed:
        yield f'<section class="verdict"><p>{escape(report.undiagnosed)}</p></section>'


def _tone(report: DeploymentReport) -> str:
    return "good" if report.is_healthy else "bad"


def _verdict(verdict: Mapping[str, Any], advice: Mapping[str, str]) -> Iterator[str]:
    yield f'<section class="verdict"><h2>{escape(verdict_sentence(verdict))}</h2><dl>'
    since = verdict.get("since")
    told = {**advice, "since": f"{datetime.fromisoformat(since):%Y-%m-%d %H:%M:%S} UTC"} if since else advice
    for name, value in told.items():
        yield f"<dt>{name.capitalize()}</dt><dd>{escape(value)}</dd>"
    yield "</dl>"
    words = [str(each) for each in verdict.get("evidence") or ()]
    if words:
        yield f"<pre>{escape(chr(10).join(words))}</pre>"
    yield "</section>"


def _deployed(report: DeploymentReport) -> Iterator[str]:
    if report.services:
        yield f"<h2>What was {'' if report.is_healthy else 'to be '}deployed</h2>"
        columns = ["Service", "Version", "Commit", "Digest", "Running", "Health"]
        rows = [
            [each.name, each.version, each.commit, each.digest, _of(each.running, each.desired), each.health]
            for each in report.services
        ]
        yield from _table(columns, rows)
    changed = [[stack, action] for stack, action in report.changes.items() if action != "nothing"]
    unchanged = len(report.changes) - len(changed)
    if changed:
        yield "<h2>Stacks</h2>"
        yield from _table(["Stack", "Change"], changed)
    if unchanged:
        yield f"<p>{unchanged} {'stack needs' if unchanged == 1 else 'stacks need'} no change.</p>"


def _of(running: str, desired: str) -> str:
    return f"{running} of {desired}" if desired else ""


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table, without columns that say nothing. On a phone its rows become blocks: cells carry their column's name."""
    told = [index for index in range(len(columns)) if any(row[index] for row in rows)]
    yield f"<table><thead><tr>{''.join(f'<th>{escape(columns[index])}</th>' for index in told)}</tr></thead><tbody>"
    for row in rows:
        yield f"<tr>{''.join(_cell(columns[index], row[index]) for index in told)}</tr>"
    yield "</tbody></table>"


def _cell(column: str, text: str) -> str:
    short = ' class="short"' if len(text) <= _SHORT else ""
    return f'<td data-column="{escape(column)}"{short}>{escape(text)}</td>'


_SHORT = 20

# The chart is drawn in units that are pixels where its box is as wide as this.
_WIDTH, _LEFT, _RIGHT = 720.0, 8.0, 16.0
_ROW, _BAR, _AXIS = 34.0, 12.0, 26.0
_INDENT = {STACK: 0.0, SERVICE: 12.0, TASK: 24.0}
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_MOST_TICKS = 8
_TONES = {
    "waiting": ("waiting", "pending", "preparing", "stopping", "deleting", "cleaning up"),
    "busy": ("creating", "updating", "rolling out", "running"),
    "good": ("created", "updated", "rolled out", "healthy", "deleted", "no changes", "imported"),
}
_LEGEND = {
    "waiting": "pending",
    "busy": "at work, or running and not yet healthy",
    "good": "healthy, done",
    "bad": "failed, unhealthy",
}


def _chart(report: DeploymentReport) -> Iterator[str]:
    drawn = [lane for lane in lanes(report.moments, report.seconds) if not _is_idle(lane)]
    if not drawn:
        return
    height = _AXIS + len(drawn) * _ROW + 8
    scale = (_WIDTH - _LEFT - _RIGHT) / max(report.seconds, 0.1)
    yield "<h2>When</h2>"
    legend = "".join(f'<li><span class="key {tone}"></span>{escape(told)}</li>' for tone, told in _LEGEND.items())
    yield f'<ul class="legend">{legend}</ul>'
    yield '<div class="chart" tabindex="0">'
    label = "Time chart of stacks, services and tasks"
    yield f'<svg viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" aria-label="{label}">'
    yield from _axis(report.seconds, scale, height)
    for number, lane in enumerate(drawn):
        yield from _row(lane, _AXIS + number * _ROW, scale)
    yield "</svg></div>"


def _is_idle(lane: Lane) -> bool:
    return all(span.state == "no changes" for span in lane.spans)


def _axis(seconds: float, scale: float, height: float) -> Iterator[str]:
    step = next((step for step in _STEPS if seconds / step <= _MOST_TICKS), _STEPS[-1])
    tick = 0.0
    while tick <= seconds:
        x = _LEFT + tick * scale
        anchor = "start" if tick == 0 else "end" if x > _WIDTH - 40 else "middle"
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_AXIS - 8:.0f}" y2="{height:.0f}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="12" text-anchor="{anchor}">{_tick(tick, step)}</text>'
        tick += step


def _tick(seconds: float, step: float) -> str:
    if step < 60 and seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f} min" if not rest else f"{minutes:.0f}:{rest:02.0f} min"


def _row(lane: Lane, top: float, scale: float) -> Iterator[str]:
    last = lane.spans[-1]
    name = f"task {lane.subject[:8]}" if lane.kind == TASK else lane.subject
    x = _LEFT + _INDENT[lane.kind]
    yield f'<text class="label {lane.kind}" x="{x:.0f}" y="{top + 12:.0f}">{escape(f"{name}: {last.state}")}</text>'
    for span in lane.spans:
        yield from _bar(span, top + 17, scale, is_last=span is last)


def _bar(span: Span, top: float, scale: float, *, is_last: bool) -> Iterator[str]:
    starts = _LEFT + span.starts * scale
    # An end is a moment, and is seen all the same.
    width = max((span.ends - span.starts) * scale, 3.0 if is_last else 1.0)
    why = f": {span.reason}" if span.reason else ""
    title = escape(f"{span.state}, {span.starts:.1f} s to {span.ends:.1f} s{why}")
    yield (
        f'<rect class="{tone_of(span.state)}" x="{min(starts, _WIDTH - _RIGHT):.1f}" y="{top:.0f}" '
        f'width="{width:.1f}" height="{_BAR:.0f}" rx="2"><title>{title}</title></rect>'
    )


def tone_of(state: str) -> str:
    """The class of a state: waiting, busy, good or bad."""
    return next((tone for tone, states in _TONES.items() if state in states), "bad")


def _moments(moments: Sequence[Moment]) -> Iterator[str]:
    if not moments:
        return
    rows = [
        [
            f"{moment.seconds:.1f} s",
            _subject(moment),
            f"{moment.state}: {moment.reason}" if moment.reason else moment.state,
        ]
        for moment in moments
    ]
    reasons = [row for row, moment in zip(rows, moments, strict=True) if moment.reason]
    if reasons:
        yield "<h3>Why tasks stopped</h3>"
        yield from _table(["After", "Task", "Reason"], reasons)
    yield f"<details><summary>Every moment ({len(rows)})</summary>"
    yield from _table(["After", "What", "State"], rows)
    yield "</details>"


def _subject(moment: Moment) -> str:
    return f"{moment.within}, task {moment.subject[:8]}" if moment.kind == TASK else moment.subject


def _evidence(diagnosis: Mapping[str, Any] | None) -> Iterator[str]:
    """What a diagnosis rests on; its verdicts stand on top of the page."""
    evidence = {name: value for name, value in (diagnosis or {}).items() if name != "verdicts"}
    inner = evidence.pop("evidence", None)
    sections = {**evidence, **(inner if isinstance(inner, Mapping) else {"evidence": inner})}
    if not any(sections.values()):
        return
    yield "<h2>Evidence</h2>"
    yield from _pairs([(name, value) for name, value in sections.items() if not _is_long(value)])
    for name, value in sections.items():
        if _is_long(value) and value:
            for title, part in _parts(_spoken(name), value):
                yield f"<details><summary>{escape(title)}</summary>"
                yield from _value(part)
                yield "</details>"


def _is_long(value: Any) -> bool:
    return isinstance(value, list | tuple | Mapping)


def _parts(title: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Things that have names get a section each."""
    if isinstance(value, list | tuple) and all(isinstance(each, Mapping) and each.get("name") for each in value):
        for each in value:
            yield f"{title}: {each['name']}", each
    else:
        yield title, value


def _value(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _pairs(list(value.items()))
    elif isinstance(value, list | tuple):
        if all(isinstance(each, str) for each in value):
            yield f"<pre>{escape(chr(10).join(value))}</pre>"
            return
        yield "<ol>"
        for each in value:
            yield "<li>"
            yield from _value(each)
            yield "</li>"
        yield "</ol>"
    else:
        yield f"<span>{escape(str(value))}</span>"


def _pairs(pairs: Sequence[tuple[str, Any]]) -> Iterator[str]:
    told = [(name, value) for name, value in pairs if value not in (None, "", [], (), {})]
    if not told:
        return
    yield "<dl>"
    for name, value in told:
        yield f"<dt>{escape(_spoken(str(name)))}</dt><dd>"
        yield from _value(value)
        yield "</dd>"
    yield "</dl>"


def _spoken(name: str) -> str:
    return name.replace("_", " ")


_STYLE = """
:root { --text: #1c2126; --quiet: #59636e; --back: #fff; --box: #f4f6f8; --edge: #d3d9e0;
  --good: #1a7f4b; --bad: #c4314b; --busy: #2f6fd0; --waiting: #9aa4af; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ec; --quiet: #9aa6b2; --back: #14181c; --box: #1d2329; --edge: #39424c;
    --good: #3fb37a; --bad: #f0697f; --busy: #69a2f5; --waiting: #6c7783; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
main { max-width: 64rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
header { border-left: .4rem solid var(--good); padding-left: .8rem; }
header.bad { border-color: var(--bad); }
header p { color: var(--quiet); margin: .3rem 0 0; }
.verdict { background: var(--box); border: 1px solid var(--edge); border-left: .4rem solid var(--bad);
  border-radius: .3rem; padding: .8rem 1rem; margin-top: 1rem; }
.verdict h2 { margin: 0 0 .5rem; }
dl { margin: 0; }
dt { color: var(--quiet); font-size: .85rem; }
dd { margin: 0 0 .4rem 0; }
dd > dl, dd > ol { border-left: 2px solid var(--edge); padding-left: .8rem; margin: 0; }
dd > ol { padding-left: 1.8rem; }
pre { background: var(--box); border: 1px solid var(--edge); border-radius: .3rem; padding: .6rem; margin: .3rem 0;
  white-space: pre-wrap; font: .85rem/1.45 ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--edge); }
th { color: var(--quiet); font-weight: 600; overflow-wrap: normal; }
td.short { white-space: nowrap; }
details { border: 1px solid var(--edge); border-radius: .3rem; margin-top: .6rem; padding: .4rem .8rem; }
summary { cursor: pointer; padding: .2rem 0; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; margin: 0 0 .5rem;
  color: var(--quiet); font-size: .85rem; }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: .15rem; margin-right: .4rem;
  vertical-align: -.05rem; }
.key.good { background: var(--good); } .key.bad { background: var(--bad); }
.key.busy { background: var(--busy); } .key.waiting { background: var(--waiting); }
.chart { overflow-x: auto; border: 1px solid var(--edge); border-radius: .3rem; padding: .5rem; }
.chart svg { display: block; width: 100%; min-width: 36rem; font: 12px system-ui, sans-serif; }
.chart text { fill: var(--text); } .chart .tick { fill: var(--quiet); }
.chart .stack { font-weight: 600; } .chart .task { fill: var(--quiet); }
.grid { stroke: var(--edge); }
rect.good { fill: var(--good); } rect.bad { fill: var(--bad); }
rect.busy { fill: var(--busy); } rect.waiting { fill: var(--waiting); }
@media (max-width: 45rem) {
  thead { display: none; }
  tr { display: block; border-bottom: 1px solid var(--edge); padding: .4rem 0; }
  td.short { white-space: normal; }
  td { display: grid; grid-template-columns: 5.5rem 1fr; gap: .6rem; border: 0; padding: .1rem 0; }
  td::before { content: attr(data-column); color: var(--quiet); }
  td:first-child { font-weight: 600; }
  td:empty { display: none; }
}
"""
