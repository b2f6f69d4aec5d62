"""The codes of findings, read from `codes.toml`: their titles, order, severity, and what to do about each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

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


@dataclass(frozen=True)
class Code:
    """A row of `codes.toml`. `order` is its place there: the most decisive codes come first."""

    name: str
    title: str
    severity: Severity
    when: str
    action: str
    order: int


def outer(name: str) -> str:
    """The code that a finer one, `OUTER.DETAIL`, belongs to; the code itself where it is no finer one."""
    return name.partition(".")[0]


def _read() -> Mapping[str, Code]:
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        name: Code(
            name=name,
            title=row["title"],
            severity=Severity(row["severity"]),
            when=row["when"],
            action=row["action"],
            order=order,
        )
        for order, (name, row) in enumerate(rows.items())
    }


CODES: Mapping[str, Code] = _read()


def code_named(name: str) -> Code:
    """The row of a code; that of its outer code where it is a finer one. Raises KeyError for a code without a row."""
    return CODES[outer(name)]
