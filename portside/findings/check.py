"""The findings of checks before a deployment: each passed, failed, or could not be read."""

from __future__ import annotations

from portside.findings.codes import check_about
from portside.findings.finding import Finding, State

OK, FAIL, SKIP = State.PASSED, State.WRONG, State.UNREAD
_PRINTED = {OK: "OK", FAIL: "FAIL", SKIP: "SKIP"}


def ok(subject: str, sentence: str, *, code: str = "") -> Finding:
    """A check that passed. Its code is that of its subject, where none is given."""
    return check(subject, OK, sentence, "", code)


def fail(subject: str, sentence: str, hint: str, *, code: str = "") -> Finding:
    """A check that failed, and what to do."""
    return check(subject, FAIL, sentence, hint, code)


def skip(subject: str, why: str, *, code: str = "") -> Finding:
    """A check that could not be made, and why."""
    return check(subject, SKIP, why, "", code)


def check(subject: str, state: State, sentence: str, hint: str = "", code: str = "") -> Finding:
    """A check, and how it ended. Its code is that of its subject, where none is given."""
    return Finding(code or check_about(subject).name, sentence, fix=hint, setting=subject, state=state)


def printed(finding: Finding) -> str:
    """The word that says how a check ended."""
    return _PRINTED[finding.state]


def check_as_json(finding: Finding) -> dict[str, str]:
    """A check's fields by name; the hint where there is one."""
    fields = {"subject": finding.subject, "state": printed(finding), "found": finding.what, "hint": finding.fix}
    return {name: value for name, value in fields.items() if value or name != "hint"}
