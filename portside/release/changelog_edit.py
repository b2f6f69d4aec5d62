"""Adding an entry to a changelog in the form of Keep a Changelog (https://keepachangelog.com/en/1.1.0/)."""

from __future__ import annotations

import codecs
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portside.errors import UsageError

_SECTIONS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_WIDTH = 120
_NEW_FILE = """\
# Changelog

What changed, newest first, in the form of [Keep a Changelog](https://keepachangelog.com/en/1.1.0/).
"""

_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*")
_UNRELEASED = re.compile(r"(?i)\[unreleased\].*|unreleased")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"[-*+]\s+")
_LINK_ADDRESS = re.compile(r" {0,3}\[[^\]]+\]:\s")


@dataclass(frozen=True)
class _Heading:
    line: int
    level: int
    title: str


def with_entry(text: bytes, entry: str, section: str = "Changed") -> bytes:
    """The changelog with an entry at the end of a section under Unreleased, which are made where they are missing.

    An entry that the section has already is not added again. Raises `UsageError` where the file is not in UTF-8.
    """
    try:
        written = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("CHANGELOG.md: not written in UTF-8", "Save it as UTF-8.") from error
    mark = codecs.BOM_UTF8 if text.startswith(codecs.BOM_UTF8) else b""
    lines = re.findall(r"[^\n]*\n|[^\n]+", written if written.strip() else _NEW_FILE)
    return mark + "".join(_with_entry(lines, " ".join(entry.split()), section)).encode()


def _with_entry(lines: Sequence[str], entry: str, section: str) -> list[str]:
    headings = list(_headings(lines))
    unreleased = next((each for each in headings if each.level == 2 and _UNRELEASED.fullmatch(each.title)), None)
    item = textwrap.wrap(
        entry, _WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    if unreleased is None:
        before = next((each.line for each in headings if each.level == 2), _end_of_prose(lines, len(lines)))
        return _inserted(lines, before, ["## [Unreleased]", "", f"### {section}", "", *item])
    after = [each for each in headings if each.line > unreleased.line]
    end = _end_of_prose(lines, next((each.line for each in after if each.level <= 2), len(lines)))
    inside = [each for each in after if each.line < end]
    place = next((each for each in inside if each.level == 3 and _is(each, section)), None)
    if place is None:
        before = _place_of_section(section, [each for each in inside if each.level == 3], end)
        return _inserted(lines, before, [f"### {section}", "", *item])
    end = next((each.line for each in inside if each.line > place.line), end)
    content = lines[place.line + 1 : end]
    if entry in _items(content):
        return list(lines)
    last = next((each for each in reversed(content) if each.strip()), "")
    goes_on = bool(_ITEM.match(last)) or last.startswith((" ", "\t"))
    return _inserted(lines, end, item, is_continued=goes_on)


def _headings(lines: Sequence[str]) -> Iterator[_Heading]:
    """The headings of a Markdown text, but not what looks like one in an example or a comment."""
    skipped_to = 0
    for number, line in enumerate(lines):
        if number < skipped_to:
            continue
        skipped_to = _end_of_block(lines, number)
        if not skipped_to and (found := _HEADING.fullmatch(line.rstrip("\r\n"))):
            yield _Heading(number, len(found[1]), found[2])


def _end_of_block(lines: Sequence[str], start: int) -> int:
    """The line after an example or comment of several lines that starts here, 0 where none does or it never ends."""
    if fence := _FENCE.match(lines[start]):
        is_end = re.compile(rf" {{0,3}}{fence[1]}{fence[1][0]}*\s*").fullmatch
    elif "<!--" in lines[start] and "-->" not in lines[start].rpartition("<!--")[2]:
        is_end = re.compile(r".*-->.*\s*").fullmatch
    else:
        return 0
    return next((number + 1 for number in range(start + 1, len(lines)) if is_end(lines[number])), 0)


def _is(heading: _Heading, section: str) -> bool:
    return heading.title.casefold() == section.casefold()


def _end_of_prose(lines: Sequence[str], end: int) -> int:
    """The end of a part, not counting trailing link definitions."""
    while end and (not lines[end - 1].strip() or _LINK_ADDRESS.match(lines[end - 1])):
        end -= 1
    return end


def _place_of_section(section: str, present: Sequence[_Heading], end: int) -> int:
    """The line before which a section belongs; sections of other names keep their place."""
    if section not in _SECTIONS:
        return end
    rank = _SECTIONS.index(section)
    ranks = [next((i for i, name in enumerate(_SECTIONS) if _is(each, name)), None) for each in present]
    earlier = [i for i, each in enumerate(ranks) if each is not None and each < rank]
    if earlier:
        following = present[earlier[-1] + 1 :]
    else:
        following = [heading for heading, each in zip(present, ranks, strict=True) if each is not None]
    return following[0].line if following else end


def _items(content: Sequence[str]) -> list[str]:
    """The entries of a section, each in one line."""
    items: list[list[str]] = []
    for line in content:
        if found := _ITEM.match(line):
            items.append([line[found.end() :]])
        elif items:
            items[-1].append(line)
    return [" ".join("".join(item).split()) for item in items]


def _inserted(lines: Sequence[str], before: int, block: Sequence[str], *, is_continued: bool = False) -> list[str]:
    """The lines with a block in them, apart from its neighbours by an empty line unless it continues a list."""
    end = "\r\n" if 2 * sum(line.endswith("\r\n") for line in lines) > len(lines) else "\n"
    while before and not lines[before - 1].strip():
        before -= 1
    head, tail = list(lines[:before]), list(lines[before:])
    if head and not head[-1].endswith("\n"):
        head[-1] += end
    if head and not is_continued:
        head.append(end)
    if tail and tail[0].strip():
        tail.insert(0, end)
    return [*head, *(line + end for line in block), *tail]
