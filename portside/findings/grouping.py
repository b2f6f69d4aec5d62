"""Verdicts that say the same of several services or stacks, so that many failures with one cause are shown once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from portside.terminal.summary import MOST_LISTED

Verdict = TypeVar("Verdict")

# Digests, and IDs of tasks, stacks and images.
_ID = re.compile(r"\b[0-9a-f]{8,}\b")


def grouped(verdicts: Sequence[Verdict], as_json: Callable[[Verdict], Mapping[str, Any]]) -> list[list[Verdict]]:
    """The verdicts in groups, in the order of each group's first; of few verdicts each is a group.

    Verdicts of a group have the same cause, sentence and fix, except for IDs and the names of services and stacks.
    """
    if len(verdicts) <= MOST_LISTED:
        return [[each] for each in verdicts]
    groups: dict[tuple[str, ...], list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(_key(as_json(verdict)), []).append(verdict)
    return list(groups.values())


def subject_of(verdict: Mapping[str, Any]) -> str:
    """The service or stack of a verdict in JSON; empty for the whole environment."""
    return str(verdict.get("service") or verdict.get("stack") or "")


def _key(verdict: Mapping[str, Any]) -> tuple[str, ...]:
    service, stack = (str(verdict.get(field) or "") for field in ("service", "stack"))
    # Both end with the service's short name, which commands have.
    ends = ("-".join(service.split("-")[start:]) for start in range(service.count("-") + 1))
    short = next((end for end in ends if stack.endswith(f"-{end}")), "")
    names = "|".join(rf"\b{re.escape(name)}\b" for name in (stack, service, short) if name)
    said = [_ID.sub("…", str(verdict.get(field) or "")) for field in ("cause", "sentence", "fix")]
    return (str(bool(names)), *(re.sub(names, "…", each) if names else each for each in said))
