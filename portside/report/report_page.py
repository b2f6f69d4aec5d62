"""A deployment as one HTML page that loads nothing else: verdicts, images, a time chart, evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portside.report import time_chart
from portside.report.deployment_report import DeploymentReport, Table, advised, verdict_sentence
from portside.report.rendering import render
from portside.report.timeline import TASK, Moment


def page(report: DeploymentReport) -> str:
    """The page, without secrets."""
    report = report.redacted()
    return render(
        "report_page.html.j2",
        report=report,
        verdicts=[(verdict, verdict_sentence(verdict), advice) for verdict, advice in advised(report.verdicts)],
        unchanged=list(report.changes.values()).count("nothing"),
        chart=time_chart.chart_of(report),
        layout=time_chart,
        moments=Table.of("After", "What", "State", rows=[_moment(each) for each in report.moments]),
        evidence=_evidence(report.evidence),
        parts=_parts,
    )


def _moment(moment: Moment) -> list[str]:
    subject = f"{moment.within}, task {moment.subject[:8]}" if moment.kind == TASK else moment.subject
    return [
        f"{moment.seconds:.1f} s",
        subject,
        f"{moment.state}: {moment.reason}" if moment.reason else moment.state,
    ]


def _evidence(diagnosis: Mapping[str, Any] | None) -> dict[str, Any]:
    """The evidence of a diagnosis; its verdicts are at the top of the page."""
    evidence = {name: value for name, value in (diagnosis or {}).items() if name != "verdicts"}
    inner = evidence.pop("evidence", None)
    return {**evidence, **(inner if isinstance(inner, Mapping) else {"evidence": inner})}


def _parts(title: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A section for each item of a list, if the items have names, else one for the value."""
    if isinstance(value, list | tuple) and all(isinstance(each, Mapping) and each.get("name") for each in value):
        for each in value:
            yield f"{title}: {each['name']}", each
    else:
        yield title, value
