"""The releases of all environments as one HTML page that loads nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portside import redact
from portside.report.rendering import render

MARKS = {"good": "✓", "bad": "≠", "waiting": "○"}
"""A mark for each tone, for readers who do not see the colors."""


@dataclass(frozen=True)
class BoardCell:
    """A service in an environment: lines about its image, and how it compares to `app.py`."""

    lines: tuple[str, ...]
    state: str
    tone: str


@dataclass(frozen=True)
class BoardEnvironment:
    """An environment, its cells by service, the next step, and the command for it, if there is one."""

    name: str
    version: str
    step: str
    command: str
    is_current: bool
    cells: dict[str, BoardCell]
    remarks: tuple[str, ...] = ()


def board(title: str, environments: Sequence[BoardEnvironment], tags: Sequence[str], at: datetime) -> str:
    """The page: each environment with its next step, and below them the services. Without secrets."""
    services = list(dict.fromkeys(service for each in environments for service in each.cells))
    page = render(
        "release_board.html.j2",
        title=title,
        environments=environments,
        services=services,
        tags=tags,
        at=at,
        marks=MARKS,
    )
    return redact.current().text(page)
