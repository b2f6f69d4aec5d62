"""Why a task could not start, by matching messages of ECS and Fargate with the rows of `task_words.toml`."""

from __future__ import annotations

from dataclasses import replace

from portside.findings.finding import Finding
from portside.findings.rule_context import Rule, RuleContext
from portside.findings.task_terms import TERMS
from portside.findings.words import finding_of, first_row, rows_of

FILE = "task_words.toml"


def start_failure(context: RuleContext) -> Finding | None:
    """The cause in the task's stopped reason, its containers' reasons, or a service event."""
    matched = first_row(FILE, context.words)
    if matched is None:
        return None
    row, found = matched
    evidence = context.evidence
    if row.code == "NO_ADDRESS":
        free = "; ".join(f"{each.id} {each.cidr}: {each.free} free" for each in context.snapshot.subnets)
        evidence = (*evidence, f"subnets: {free}") if free else evidence
    return replace(finding_of(row, TERMS, context, found), evidence=evidence)


RULES: tuple[Rule, ...] = (start_failure,)


def exec_format(context: RuleContext) -> Finding:
    """A program of another architecture, according to its log."""
    row = next(each for each in rows_of(FILE) if each.code == "EXEC_FORMAT")
    return replace(finding_of(row, TERMS, context, {}), evidence=context.evidence)
