"""The tables in docs/ of codes and of rules over templates: `python -m portside.findings.tables` writes them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from portside.findings.codes import CHECKS, CODES, Severity
from portside.findings.templates.rule import rows

DOCS = Path(__file__).parents[2] / "docs"
DIAGNOSE, VERIFY = "diagnose.md", "verify.md"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], widest: int = 36) -> str:
    """A Markdown table with columns of one width; a longer cell is wrapped over several rows."""
    lines = [line for row in rows for line in _folded(row, widest)]
    widths = [max(len(line[column]) for line in [header, *lines]) for column in range(len(header))]
    rule = "|".join("-" * (width + 2) for width in widths)
    return "".join(f"|{line}|\n" for line in [_line(header, widths), rule, *(_line(each, widths) for each in lines)])


def _folded(row: Sequence[str], widest: int) -> Iterator[Sequence[str]]:
    cells = [_cell(cell, widest) for cell in row]
    return zip_longest(*cells, fillvalue="")


def _cell(text: str, widest: int) -> list[str]:
    # A name stays whole, so that it can be searched for.
    return [text] if re.fullmatch(r"`[^`]*`", text) else textwrap.wrap(text, widest, break_on_hyphens=False) or [""]


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


def checks_table() -> str:
    """Every check before a deployment."""
    rows = [(f"`{code.title}`", code.when, code.action) for code in CHECKS.values() if code.page == VERIFY]
    return table(("check", "FAIL means", "what to do"), rows, 34)


def warnings_list() -> str:
    """The checks that do not stop a deployment."""
    names = [f"`{code.title}`" for code in CHECKS.values() if code.severity is Severity.WARNING]
    return textwrap.fill(", ".join(names) + ".", 80, break_on_hyphens=False) + "\n"


TABLES: Mapping[tuple[str, str], Callable[[], str]] = {
    (DIAGNOSE, "codes"): codes_table,
    (VERIFY, "checks"): checks_table,
    (VERIFY, "warnings"): warnings_list,
    (VERIFY, "template rules"): rules_table,
}
"""The generated texts, by page and by the name of their marks."""


def with_table(page: str, name: str, text: str) -> str:
    """A page with this text between its two marks of a name. Raises ValueError where it has no such marks."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"no {begin.strip()} … {end.strip()}")
    return f"{before}{begin}{text}{end}{after}"


def main() -> None:
    for (page, name), text in TABLES.items():
        path = DOCS / page
        path.write_text(with_table(path.read_text(encoding="utf-8"), name, text()), encoding="utf-8")


if __name__ == "__main__":
    main()
