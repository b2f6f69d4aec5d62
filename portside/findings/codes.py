"""The codes of findings, read from `codes.toml`: their titles, order, severity, and what to do about each."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from portside.program import PROGRAM

_FILE = Path(__file__).with_name("codes.toml")


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """It does not work, or a deployment would fail."""
    CONSEQUENCE = "consequence"
    """It does not work because something else does not."""
    WARNING = "warning"
    """It does not stop a deployment."""
    NONE = "none"
    """Nothing has to be done."""


CHECK = "CHECK"
"""The outer code of every check before a deployment."""

# Placeholders for names in the title of a check.
_NAMES = re.compile(r"NAME|SERVICE|STACK|LOGICAL_ID")


@dataclass(frozen=True)
class Code:
    """A row of `codes.toml`. `order` is its place there: the most decisive codes come first.

    `also` are patterns of further subjects of a check, `page` is the page that lists it.
    """

    name: str
    title: str
    severity: Severity
    when: str
    action: str
    order: int
    also: tuple[str, ...] = ()
    page: str = ""
    passing: bool = False


def outer(name: str) -> str:
    """The code that a finer one, `OUTER.DETAIL`, belongs to; the code itself where it is no finer one."""
    return name.partition(".")[0]


def _read() -> tuple[Mapping[str, Code], Mapping[str, Code]]:
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8").replace("{program}", PROGRAM))
    checks = {f"{CHECK}.{name}": row for name, row in rows.pop(CHECK).items()}
    return _codes(rows, "diagnose.md"), _codes(checks, "verify.md")


def _codes(rows: Mapping[str, Mapping[str, Any]], page: str) -> Mapping[str, Code]:
    return {
        name: Code(
            name=name,
            title=row["title"],
            severity=Severity(row.get("severity", Severity.ERROR)),
            when=row["when"],
            action=row["action"],
            order=order,
            also=tuple(row.get("also", ())),
            page=row.get("page", page),
            passing=row.get("passing", False),
        )
        for order, (name, row) in enumerate(rows.items())
    }


CODES, CHECKS = _read()


def code_named(name: str) -> Code:
    """The row of a code; that of its outer code where it is a finer one. Raises KeyError for a code without a row."""
    return CHECKS[name] if outer(name) == CHECK else CODES[outer(name)]


def check_about(subject: str) -> Code:
    """The row of the check with this subject, or the row for all other checks."""
    exact = next((code for code in CHECKS.values() if code.title == subject), None)
    return exact or next((code for code in CHECKS.values() if _is_about(code, subject)), CHECKS[f"{CHECK}.OTHER"])


def _is_about(code: Code, subject: str) -> bool:
    title = _NAMES.sub(r"\\S+", re.escape(code.title))
    return any(re.fullmatch(pattern, subject, re.DOTALL) for pattern in (title, *code.also))
