"""The documentation as tests read it: its pages, their blocks, links and tables, and the commands that they show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_AT_THE_TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md")
PAGES = (
    *(page for page in _AT_THE_TOP if (ROOT / page).is_file()),
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
)

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)$")
_HEADING = re.compile(r"^#{1,6} (?P<title>.+)$")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_INLINE_CODE = re.compile(r"`([^`]+)`")
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)")


@dataclass(frozen=True)
class Block:
    """A fenced block; `section` is the heading above it."""

    page: str
    line: int
    section: str
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command that a page shows: the variables set before it, its words, and whether people copy it whole."""

    where: str
    variables: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    is_whole: bool


@cache
def lines(page: str) -> tuple[str, ...]:
    return tuple((ROOT / page).read_text(encoding="utf-8").splitlines())


@cache
def blocks(page: str) -> tuple[Block, ...]:
    return tuple(_blocks(page))


def _blocks(page: str) -> Iterator[Block]:
    section, opened, indent, inside = "", None, "", list[str]()
    for number, line in enumerate(lines(page), start=1):
        fence = _FENCE.match(line)
        if opened is not None and line == f"{indent}```":
            yield Block(
                page, opened[0], section, opened[1], "".join(f"{each.removeprefix(indent)}\n" for each in inside)
            )
            opened, inside = None, []
        elif opened is not None:
            inside.append(line)
        elif fence:
            opened, indent = (number, fence["language"]), fence["indent"]
        elif heading := _HEADING.match(line):
            section = heading["title"]
    assert opened is None, f"{page}: the block of line {opened} is not closed"


@cache
def prose(page: str) -> tuple[tuple[int, str], ...]:
    """Line numbers and lines outside of fenced blocks."""
    found, fenced = [], False
    for number, line in enumerate(lines(page), start=1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            found.append((number, line))
    return tuple(found)


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    found: set[str] = set()
    for _, line in prose(page):
        if heading := _HEADING.match(line):
            text = re.sub(r"[^\w\- ]", "", heading["title"].lower()).replace(" ", "-")
            again = 0
            while (slug := f"{text}-{again}" if again else text) in found:
                again += 1
            found.add(slug)
    return found


def links(page: str) -> Iterator[tuple[str, str]]:
    """The place of each link, and its target."""
    numbers, texts = zip(*prose(page), strict=True)
    text = "\n".join(texts)
    for match in _LINK.finditer(text):
        line = numbers[text.count("\n", 0, match.end())]
        yield f"{page}:{line}", match["target"]


def tables(page: str, section: str) -> dict[str, list[str]]:
    """The rows of all tables under a heading by their first cell, without its code marks."""
    rows: dict[str, list[str]] = {}
    current = ""
    for _, line in prose(page):
        if heading := _HEADING.match(line):
            current = heading["title"]
        elif current == section and line.startswith("| `"):
            first, *rest = (cell.strip() for cell in line.strip("|").split(" | "))
            rows[first.strip("`")] = [cell.strip(" |") for cell in rest]
    return rows


def commands(page: str) -> Iterator[Command]:
    """Every command in bash blocks and in inline code."""
    for block in blocks(page):
        if block.language == "bash":
            for line in block.text.replace("\\\n", " ").splitlines():
                yield from _commands_of(f"{page}:{block.line}", line, is_whole=True)
    text = "\n".join(line for _, line in prose(page))
    for code in _INLINE_CODE.findall(text):
        code = " ".join(code.split())
        if re.match(r"([A-Z_]+=\S+ )*(\./agora|cdk|python -m pytest|aws)\b", code):
            yield from _commands_of(f"{page}: `{code}`", code, is_whole=False)


def _commands_of(where: str, line: str, *, is_whole: bool) -> Iterator[Command]:
    # The user replaces names in angle brackets, which the shell would parse as redirections.
    text = re.sub(r"<([a-z-]+)>", r"\1", line).replace("$(cat .env | xargs)", "")
    if inner := re.search(r"\$\((.+)\)", text):
        text = inner[1]
    words = shlex.split(re.sub(r" > \S+$", "", text), comments=True)
    variables = []
    while words and (words[0] == "env" or _ASSIGNMENT.fullmatch(words[0])):
        if match := _ASSIGNMENT.fullmatch(words.pop(0)):
            variables.append((match["name"], match["value"]))
    if words:
        yield Command(where, tuple(variables), tuple(words), is_whole)
