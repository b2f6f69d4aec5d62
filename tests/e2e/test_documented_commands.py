"""Every block of commands in the documentation runs, in the order of its page, and prints the output shown below it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.clone import PARTS, ROOT, Clone
from tests.e2e.documented_commands import commands_of, not_printed, rule, rules, run, shown_commands
from tests.unit.documents import PAGES, Block, blocks

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

RUN = [page for page in PAGES if any(commands_of(page)) and page != "docs/releases.md"]
# Pages whose commands change what is deployed have a separate rehearsal; the others share one.
ALONE = ("docs/by-hand.md", "docs/failures.md", "docs/rehearsal.md")
GROUPS = [*((page,) for page in ALONE), tuple(page for page in RUN if page not in ALONE)]
SHOWN = [block for page in PAGES for block in blocks(page) if block.language == "text" and page != "docs/commands.md"]


def declared(block: Block) -> dict[str, str]:
    """The row of an output that its page's commands do not print."""
    rows = (row for row in rules()["shown"] if row["page"] == block.page)
    return next((row for row in rows if block.text.startswith(row["begins"])), {})


@pytest.mark.parametrize("pages", GROUPS, ids=lambda pages: pages[0])
def test_the_commands_of_a_page_run_in_their_order(
    pages: tuple[str, ...], new_deployed: Callable[[], Clone], tmp_path: Path
) -> None:
    clone = new_deployed()
    shutil.copy2(ROOT / ".env.example", clone.folder)
    for command in (
        ["init", "-q", "--initial-branch=main"],
        ["remote", "add", "origin", "https://github.com/example/agora-infra.git"],
        ["add", *PARTS, "app.py", "releases"],
        ["-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "All of it"],
    ):
        assert clone.run(["git", *command], {}).exit_code == 0
    done = run(pages, clone, tmp_path)
    clone.stop()
    assert done.failures == "", done.output
    missing = [
        (f"{block.page}:{block.line}", part)
        for block in SHOWN
        if declared(block).get("printed_by", block.page if not declared(block) else "") in pages
        and (part := not_printed(block.text, done.output))
    ]
    assert missing == [], done.output


def test_every_output_is_printed_by_the_commands_of_a_page_or_declared() -> None:
    for block in SHOWN:
        row = declared(block)
        assert row or block.page in RUN, f"{block.page}:{block.line}"
        assert row.get("printed_by", RUN[0]) in RUN, row
        if "test" in row:
            assert row["says"] in block.text, row
            assert row["says"] in (ROOT / row["test"]).read_text(encoding="utf-8"), row
    for row in rules()["shown"]:
        assert {"printed_by", "test", "reason"} & row.keys(), row
        assert any(declared(block) == row for block in SHOWN), row


@pytest.mark.parametrize("kind", ["not_run", "fails"])
def test_every_declared_exception_matches_a_command_that_is_shown(kind: str) -> None:
    shown = [
        (page, each)
        for page in PAGES
        for block in blocks(page)
        if block.language == "bash"
        for each in shown_commands(block)
    ]
    for row in rules()[kind]:
        assert row["reason"]
        assert any(rule(kind, page, each) == row for page, each in shown), row


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        ("a  b\nc", None),
        ("a … d", None),
        ("at 2026-01-01 10:00 UTC", None),
        ("d\nb", "b"),
        ("http://127.0.0.1:1", None),
        ("e", "e"),
    ],
)
def test_an_output_is_compared_in_order_without_times_and_ports(shown: str, missing: str | None) -> None:
    assert not_printed(shown, "a b\n  c\nd\nat 2027-12-31 23:59 UTC\nhttp://127.0.0.1:99") == missing
