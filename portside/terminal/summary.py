"""Long lists, summarized so that what differs or fails is not lost among everything else."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from portside.terminal.console import style_of

MOST_LISTED = 12
"""The most things that are listed one by one: half of a terminal of 24 rows."""
_MOST_NAMED = 3


def named(names: Sequence[str], separator: str = ", ") -> str:
    """The names or, of too many, the first and how many more there are."""
    if len(names) <= MOST_LISTED:
        return separator.join(names)
    return separator.join([*names[:_MOST_NAMED], f"{len(names) - _MOST_NAMED} more"])


def summarized(
    rows: Sequence[Sequence[str]], noun: str, *, state: int, ignored: Collection[int] = ()
) -> list[Sequence[str]]:
    """The rows of a table or, of too many, those in a good `state` as one row where their cells are equal.

    The first column names a row. Columns in `ignored` may differ.
    """
    if len(rows) <= MOST_LISTED:
        return list(rows)
    equal: dict[tuple[str, ...], list[Sequence[str]]] = {}
    for row in rows:
        is_good = style_of(row[state]) == "green"
        own = "" if is_good else row[0]
        key = (own, *(cell for index, cell in enumerate(row) if index and index not in ignored))
        equal.setdefault(key, []).append(row)
    groups = sorted(equal.values(), key=len)
    return [group[0] if len(group) == 1 else _together(group, noun) for group in groups]


def _together(group: Sequence[Sequence[str]], noun: str) -> list[str]:
    columns = list(zip(*group, strict=True))[1:]
    return [f"{len(group)} {noun}", *(cells[0] if len(set(cells)) == 1 else "…" for cells in columns)]
