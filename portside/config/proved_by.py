"""The environment in which images must have run before they can run in production: `PROVED_BY`, or a waiver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.config.kind import Kind
from portside.config.mistakes import Report, quoted, suggestion

NO_ONE = ""
"""The value of `"PROVED_BY": None`, as opposed to a missing key."""
REPORTED = "\0"
"""The value of a key whose problem was reported."""

_NO_STAGING_HINT = 'Add an environment with "KIND": "staging", or set "PROVED_BY": None, "PROOF_WAIVED": "reason".'


def check_proved_by(name: str, entries: Mapping[str, Mapping[str, Any]], report: Report) -> dict[str, str | None]:
    """The fields `proved_by` and `proof_waived` of an environment, given the valid fields of all entries.

    An entry without a kind was reported, so problems that depend on the kind are not.
    """
    entry = entries[name]
    kind, by, waived = entry.get("kind"), entry.get("proved_by"), entry.get("proof_waived", "")
    if kind is None or REPORTED in (by, waived):
        return {}
    if kind is not Kind.PRODUCTION:
        for key in ("proved_by", "proof_waived"):
            if key in entry:
                mistake = f"{quoted(name)} is a {kind} environment, and only a production environment needs proof"
                report.at(f'["{key.upper()}"]').wrong(mistake, "Remove this key.")
        return {"proved_by": None}
    if waived and by != NO_ONE:
        hint = 'Add "PROVED_BY": None, or remove PROOF_WAIVED.'
        report.at('["PROOF_WAIVED"]').wrong("has no effect unless PROVED_BY is None", hint)
        return {}
    place = report.at('["PROVED_BY"]')
    if by is None:
        return _default(name, entries, place)
    if by == NO_ONE:
        if not waived:
            hint = f'Add why {name} can run images that ran in no other environment: "PROOF_WAIVED": "reason".'
            report.at('["PROOF_WAIVED"]').wrong("missing", hint)
        return {"proved_by": None, "proof_waived": waived}
    _check_named(name, by, entries, place)
    return {"proved_by": by}


def _staging(entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The staging environments with a valid name: the others were reported."""
    return [name for name, entry in entries.items() if isinstance(name, str) and entry.get("kind") is Kind.STAGING]


def _default(name: str, entries: Mapping[str, Mapping[str, Any]], place: Report) -> dict[str, str | None]:
    staging = _staging(entries)
    if len(staging) > 1:
        hint = f'Choose the environment in which images must run before {name}: "PROVED_BY": {quoted(staging[0])}.'
        place.wrong(f"missing, and {len(staging)} environments are staging: {', '.join(staging)}", hint)
    elif not staging and all("kind" in entry for entry in entries.values()):
        place.wrong("missing, and no environment is staging", _NO_STAGING_HINT)
    return {"proved_by": staging[0] if staging else None}


def _check_named(name: str, by: str, entries: Mapping[str, Mapping[str, Any]], place: Report) -> None:
    staging = _staging(entries)
    hint = f"Use a staging environment: {' or '.join(map(quoted, staging))}." if staging else _NO_STAGING_HINT
    if by == name:
        place.wrong("an environment can't prove itself", hint, by)
    elif by not in entries:
        place.wrong("no such environment", suggestion(by, staging) if staging else hint, by)
    elif entries[by].get("kind") not in (None, Kind.STAGING):
        place.wrong(f"a {entries[by]['kind']} environment, not a staging environment", hint, by)
