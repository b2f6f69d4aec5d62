"""Which environment's runs prove what a production environment may run: `PROVED_BY`, and how it is waived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.config.kind import Kind
from portside.config.mistakes import Report, quoted, suggestion

NO_ONE = ""
"""What `"PROVED_BY": None` is read as, apart from a key that was left out."""
REPORTED = "\0"
"""What a value is read as that was reported already."""

_NO_STAGING_HINT = 'Add an environment with "KIND": "staging", or write "PROVED_BY": None, "PROOF_WAIVED": "reason".'


def check_proved_by(name: str, entries: Mapping[str, Mapping[str, Any]], report: Report) -> dict[str, str | None]:
    """The fields `proved_by` and `proof_waived` of an environment, given what all entries say.

    An entry has `kind`, `proved_by` and `proof_waived` where it says them rightly; without a kind it is wrong already,
    and nothing more is reported that could follow from that.
    """
    entry = entries[name]
    kind, by, waived = entry.get("kind"), entry.get("proved_by"), entry.get("proof_waived", "")
    if kind is None or REPORTED in (by, waived):
        return {}
    if kind is not Kind.PRODUCTION:
        for key in ("proved_by", "proof_waived"):
            if key in entry:
                what = f"{quoted(name)} is a {kind} environment, and only a production environment needs proof"
                report.at(f'["{key.upper()}"]').wrong(what, "Remove this key.")
        return {"proved_by": None}
    if waived and by != NO_ONE:
        hint = 'Write "PROVED_BY": None beside it, or remove PROOF_WAIVED.'
        report.at('["PROOF_WAIVED"]').wrong("nothing is waived while PROVED_BY is not None", hint)
        return {}
    place = report.at('["PROVED_BY"]')
    if by is None:
        return _default(name, entries, place)
    if by == NO_ONE:
        if not waived:
            hint = f'Say why {name} may run what no environment proved: "PROOF_WAIVED": "reason".'
            report.at('["PROOF_WAIVED"]').wrong("missing", hint)
        return {"proved_by": None, "proof_waived": waived}
    _check_named(name, by, entries, place)
    return {"proved_by": by}


def _staging(entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Those with a sound name: another one is reported already."""
    return [name for name, entry in entries.items() if isinstance(name, str) and entry.get("kind") is Kind.STAGING]


def _default(name: str, entries: Mapping[str, Mapping[str, Any]], place: Report) -> dict[str, str | None]:
    staging = _staging(entries)
    if len(staging) > 1:
        hint = f'Name the one whose runs prove what {name} may run: "PROVED_BY": {quoted(staging[0])}.'
        place.wrong(f"missing, and {len(staging)} environments are staging: {', '.join(staging)}", hint)
    elif not staging and all("kind" in entry for entry in entries.values()):
        place.wrong("missing, and no environment is staging", _NO_STAGING_HINT)
    return {"proved_by": staging[0] if staging else None}


def _check_named(name: str, by: str, entries: Mapping[str, Mapping[str, Any]], place: Report) -> None:
    staging = _staging(entries)
    hint = f"Name a staging environment: {' or '.join(map(quoted, staging))}." if staging else _NO_STAGING_HINT
    if by == name:
        place.wrong("an environment cannot prove itself", hint, by)
    elif by not in entries:
        place.wrong("no such environment", suggestion(by, staging) if staging else hint, by)
    elif entries[by].get("kind") not in (None, Kind.STAGING):
        place.wrong(f"a {entries[by]['kind']} environment, and only a staging environment proves", hint, by)
