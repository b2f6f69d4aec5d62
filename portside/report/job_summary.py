"""The report of a deployment in GitHub Actions: a summary of the job, and its errors as annotations."""

from __future__ import annotations

import os
from pathlib import Path

from portside.report.deployment_report import DeploymentReport, Table, advised, verdict_sentence
from portside.terminal.console import print_diagnostics

_SPECIAL = "\\`*_{}[]<>()#+!|~"


def report_to_github(report: DeploymentReport, folder: Path | None) -> None:
    """Append to the job's summary and print annotations, if GitHub Actions runs this."""
    report = report.redacted()
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(summary(report, folder))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in error_commands(report):
            # GitHub reads both streams; stdout is for `--json`.
            print_diagnostics(line)


def error_commands(report: DeploymentReport) -> list[str]:
    """A workflow command for the error and for each verdict of a failed deployment.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
    """
    if report.is_healthy:
        return []
    errors = [(report.environment, report.message)] if report.message else []
    errors += [
        (str(each.get("service") or each.get("stack") or report.environment), verdict_sentence(each))
        for each in report.verdicts
    ]
    return [
        f"::error title={_property(f'Deploying {report.environment}: {subject}')}::{_data(text)}"
        for subject, text in errors
    ]


def summary(report: DeploymentReport, folder: Path | None) -> str:
    """The summary, in GitHub's Markdown."""
    parts = [f"## {_text(report.headline)}"]
    parts += [_text(line) for line in report.message.splitlines() if line]
    for verdict, advice in advised(report.verdicts):
        parts.append(f"**{_text(verdict_sentence(verdict))}**")
        parts.append("\n".join(f"- {name.capitalize()}: {_text(value)}" for name, value in advice.items()))
    parts.append(_text(report.undiagnosed))
    parts += [_table(table) for table in (report.service_table, report.job_table, report.stack_table) if table.rows]
    if folder is not None:
        parts.append(f"The page with the time chart and the evidence is in `{folder}`.")
    return "\n\n".join(filter(None, parts)) + "\n\n"


def _table(table: Table) -> str:
    lines = [table.columns, ["---"] * len(table.columns), *([_text(cell) for cell in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(text: str) -> str:
    """Plain text in one line, escaped for Markdown."""
    line = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in line).replace("&", "&amp;")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
