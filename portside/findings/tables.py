"""The tables in docs/ of codes and of rules over templates: `python -m portside.findings.tables` writes them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from portside.findings.codes import CODES
from portside.findings.templates.rule import rows

DOCS = Path(__file__).parents[2] / "docs"
CODES_TABLE, RULES_TABLE = "codes", "template rules"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], widest: int = 36) -> str:
    """A Markdown table with columns of one width; a longer cell goes on in the rows below."""
    lines = [line for row in rows for line in _folded(row, widest)]
    widths = [max(len(line[column]) for line in [header, *lines]) for column in range(len(header))]
    rule = "|".join("-" * (width + 2) for width in widths)
    return "".join(f"|{line}|\n" for line in [_line(header, widths), rule, *(_line(each, widths) for each in lines)])


def _folded(row: Sequence[str], widest: int) -> Iterator[Sequence[str]]:
    cells = [textwrap.wrap(cell, widest, break_on_hyphens=False) or [""] for cell in row]
    return zip_longest(*cells, fillvalue="")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "|".join(f" {cell.ljust(width)} " for cell, width in zip(cells, widths, strict=True))


def codes_table() -> str:
    """Every code of a diagnosis, the most decisive first."""
    rows = [(f"`{code.title}`", code.when, code.action) for code in CODES.values()]
    return table(("cause", "reported when", "what to do"), rows)


def rules_table() -> str:
    """Every rule over templates, in the order in which its findings are reported."""
    found = [(row.when, "AWS refuses it" if row.refused else "it does not work", row.fix) for row in rows().values()]
    return table(("fails when", "deployed", "what to do"), found)


def with_table(page: str, text: str, name: str = CODES_TABLE) -> str:
    """A page whose table between the two marks is this one. Raises ValueError where it has no such marks."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"no {begin.strip()} … {end.strip()}")
    return f"{before}{begin}{text}{end}{after}"


def main() -> None:
    """Write the tables."""
    for name, text, marks in (
        ("diagnose.md", codes_table(), CODES_TABLE),
        ("verify.md", rules_table(), RULES_TABLE),
    ):
        page = DOCS / name
        page.write_text(with_table(page.read_text(encoding="utf-8"), text, marks), encoding="utf-8")


if __name__ == "__main__":
    main()
