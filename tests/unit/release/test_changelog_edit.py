"""Adding an entry to the changelog."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.config.configuration import ROOT
from portside.errors import UsageError
from portside.release.changelog_edit import with_entry

HEAD = "# Changelog\n\nWhat changed.\n\n"
RELEASED = "## [1.0.0] - 2026-01-01\n\n### Changed\n\n- Old.\n\n[1.0.0]: https://example.org/1\n"


def added(text: str, entry: str = "New.", section: str = "Changed") -> str:
    return with_entry(text.encode(), entry, section).decode()


def test_an_entry_goes_to_the_end_of_its_section() -> None:
    before = f"{HEAD}## [Unreleased]\n\n### Changed\n\n- One,\n  in two lines.\n\n### Fixed\n\n- Two.\n\n{RELEASED}"
    assert added(before) == before.replace("two lines.\n", "two lines.\n- New.\n")


@pytest.mark.parametrize(
    ("present", "section", "expected"),
    [
        (["Added", "Fixed"], "Changed", ["Added", "Changed", "Fixed"]),
        (["Fixed"], "Security", ["Fixed", "Security"]),
        (["Fixed"], "Added", ["Added", "Fixed"]),
        (["Added", "Replaced here"], "Changed", ["Added", "Changed", "Replaced here"]),
        (["Replaced here", "Fixed"], "Changed", ["Replaced here", "Changed", "Fixed"]),
        (["Replaced here"], "Changed", ["Replaced here", "Changed"]),
        (["Added"], "Known issues", ["Added", "Known issues"]),
        ([], "Changed", ["Changed"]),
    ],
)
def test_a_missing_section_is_made_where_it_belongs(present: list[str], section: str, expected: list[str]) -> None:
    before = f"{HEAD}## [Unreleased]\n\n" + "".join(f"### {each}\n\n- Some.\n\n" for each in present) + RELEASED
    after = added(before, section=section)
    unreleased = after.partition("## [1.0.0]")[0]
    assert [line[4:] for line in unreleased.splitlines() if line.startswith("### ")] == expected
    assert f"\n\n### {section}\n\n- New.\n\n" in after
    assert after.replace(f"### {section}\n\n- New.\n\n", "", 1) == before


def test_a_missing_unreleased_heading_is_made_above_the_newest_version() -> None:
    assert added(HEAD + RELEASED) == f"{HEAD}## [Unreleased]\n\n### Changed\n\n- New.\n\n{RELEASED}"
    assert added("# Changelog") == "# Changelog\n\n## [Unreleased]\n\n### Changed\n\n- New.\n"


def test_an_entry_goes_above_the_addresses_of_links() -> None:
    before = "# Changelog\n\n## [Unreleased]\n\n### Changed\n\n- Old.\n\n[Unreleased]: https://example.org/\n"
    assert added(before) == before.replace("- Old.\n", "- Old.\n- New.\n")


def test_a_section_without_entries_gets_one() -> None:
    before = f"{HEAD}## [Unreleased]\n\n### Changed\n\n### Fixed\n\n- Two.\n"
    assert added(before) == before.replace("### Changed\n", "### Changed\n\n- New.\n")


@pytest.mark.parametrize(
    "heading", ["## Unreleased", "## [unreleased]", "## [Unreleased] - soon", "##  [Unreleased] ##"]
)
def test_the_heading_is_known_however_it_is_written(heading: str) -> None:
    before = f"{HEAD}{heading}\n\n### changed\n\n- Old.\n"
    assert added(before) == f"{before}- New.\n"


def test_examples_and_comments_are_no_headings() -> None:
    example = "```\n## [Unreleased]\n```\n\n<!--\n## [Unreleased]\n-->\n\n"
    after = added(f"{HEAD}{example}{RELEASED}")
    assert after == f"{HEAD}{example}## [Unreleased]\n\n### Changed\n\n- New.\n\n{RELEASED}"


def test_a_long_entry_is_wrapped_and_the_same_entry_is_not_added_twice() -> None:
    entry = "stage and prod run " + "4.3.0-rc1 " * 30
    once = added(f"{HEAD}## [Unreleased]\n", entry)
    assert max(map(len, once.splitlines())) <= 120
    assert all(line.startswith("  ") for line in once.partition("- stage")[2].splitlines()[1:])
    assert added(once, entry) == once
    assert added(added(once), "New.").count("- New.") == 1


def test_the_same_entry_of_an_earlier_version_does_not_count() -> None:
    assert added(HEAD + RELEASED, "Old.").count("- Old.") == 2


def test_ends_of_lines_and_a_byte_order_mark_stay() -> None:
    before = codecs.BOM_UTF8 + f"{HEAD}## [Unreleased]\n\n### Changed\n\n- Öld.".replace("\n", "\r\n").encode()
    assert with_entry(before, "New.") == before + b"\r\n- New.\r\n"


def test_a_missing_file_is_created() -> None:
    made = with_entry(b"", "New.").decode()
    assert made.startswith("# Changelog\n\n")
    assert made.endswith("\n\n## [Unreleased]\n\n### Changed\n\n- New.\n")


def test_another_encoding_is_refused() -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        with_entry(b"# Changelog\n\xff\n", "New.")


def test_the_changelog_of_this_project_only_gains_lines() -> None:
    before = (ROOT / "CHANGELOG.md").read_text()
    after = added(before, "A new entry.")
    rest = iter(after.splitlines())
    assert all(line in rest for line in before.splitlines())
    assert "\n- A new entry.\n" in after.partition("## [Unreleased]")[2]


@given(
    st.lists(st.sampled_from(["# A", "## [Unreleased]", "## [1.0.0]", "### Changed", "### X", "- a", "b", "", "```"]))
)
def test_whatever_the_file_an_entry_is_added_once_and_nothing_is_lost(lines: list[str]) -> None:
    before = "".join(f"{line}\n" for line in lines)
    after = added(before)
    rest = iter(after.splitlines())
    # A file of empty lines is as none.
    assert not before.strip() or all(line in rest for line in lines)
    assert "- New." in after.splitlines()
    assert added(after) == after
