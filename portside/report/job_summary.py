"""What GitHub shows of a deployment that it ran: a summary of the job, and the verdict beside the run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from portside.report.report_page import DeploymentReport, advised, verdict_sentence
from portside.terminal.console import print_diagnostics

_SPECIAL = "\\`*_{}[]<>()#+!|~"


def tell_github(report: DeploymentReport, folder: Path | None) -> None:
    """Append to the job's summary, and say the verdicts in GitHub's own way, where GitHub runs this."""
    report = report.redacted()
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(summary(report, folder))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in error_commands(report):
            # GitHub reads both streams; stdout is for whoever asked for JSON.
            print_diagnostics(line)


def error_commands(report: DeploymentReport) -> list[str]:
    """A workflow command for each verdict of a deployment that did not end well.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
    """
    if report.is_healthy:
        return []
    said = [(report.environment, report.message)] if report.message else []
    said += [
        (f"{each.get('service') or each.get('stack') or report.environment}", verdict_sentence(each))
        for each in report.verdicts
    ]
    return [
        f"::error title={_property(f'Deploying {report.environment}: {title}')}::{_data(text)}" for title, text in said
    ]


def summary(report: DeploymentReport, folder: Path | None) -> str:
    """The summary, in GitHub's Markdown."""
    parts = [f"## {report.mark} {_text(report.headline)}"]
    parts += [_text(line) for line in report.message.splitlines() if line]
    parts += [_verdict(verdict, advice) for verdict, advice in advised(report.verdicts)]
    parts += [_text(report.undiagnosed)] if report.undiagnosed else []
    if report.services:
        parts.append(_table(["Service", "Version", "Commit", "Desired", "Running", "Health"], report.service_rows))
    changed = {stack: action for stack, action in report.changes.items() if action != "nothing"}
    if changed:
        parts.append(_table(["Stack", "Change"], [[stack, action] for stack, action in changed.items()]))
    if folder is not None:
        parts.append(f"The page with the time chart and the evidence is in `{folder}`.")
    return "\n\n".join(parts) + "\n\n"


def _verdict(verdict: Mapping[str, Any], advice: Mapping[str, str]) -> str:
    said = f"**{_text(verdict_sentence(verdict))}**"
    told = "\n".join(f"- {name.capitalize()}: {_text(value)}" for name, value in advice.items())
    return "\n\n".join(filter(None, [said, told]))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, without columns that say nothing."""
    told = [index for index in range(len(columns)) if any(row[index] for row in rows)]
    cells = [[_text(row[index]) for index in told] for row in rows]
    lines = [[columns[index] for index in told], ["---"] * len(told), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(text: str) -> str:
    """A text that Markdown leaves as it is, in one line."""
    line = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in line).replace("&", "&amp;")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
