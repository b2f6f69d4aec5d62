"""Why a task could not start, in the words of ECS and Fargate, by the rows of `task_words.toml`."""

from __future__ import annotations

import re
from dataclasses import replace

from portside.findings.finding import Finding
from portside.findings.rule_context import Rule, RuleContext
from portside.findings.task_terms import TERMS
from portside.findings.words import finding_of, first_row, rows_of

FILE = "task_words.toml"


def words_of_aws(context: RuleContext) -> Finding | None:
    """What the task's stopped reason, its containers' reasons, or a service event says."""
    matched = first_row(FILE, context.words)
    if matched is None:
        return None
    row, found = matched
    evidence = context.evidence
    if row.code == "NO_ADDRESS":
        free = "; ".join(f"{each.id} {each.cidr}: {each.free} free" for each in context.snapshot.subnets)
        evidence = (*evidence, f"subnets: {free}") if free else evidence
    return replace(finding_of(row, TERMS, context, found), evidence=evidence)


RULES: tuple[Rule, ...] = (words_of_aws,)


def exec_format(context: RuleContext) -> Finding:
    """A program of another architecture, where its log says so."""
    row = next(each for each in rows_of(FILE) if each.code == "EXEC_FORMAT")
    found = re.search("", "")
    assert found is not None  # nosec B101 # an empty pattern always matches
    return replace(finding_of(row, TERMS, context, found), evidence=context.evidence)
