"""A review as a comment in Markdown, whose texts are not trusted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from portside.report.review import EnvironmentReview

MARKER = "<!-- portside: review -->"
"""The first line of the comment, by which the next review finds it."""

_MOST_CHARACTERS = 60_000


def comment(reviews: Sequence[EnvironmentReview], base: str) -> str:
    """The comment: one section for each environment that changes."""
    text = "\n".join([MARKER, f"## Changes since {escaped(base)}", "", *_lines(reviews)])
    cut = "\n\nThe rest is too long for a comment."
    return f"{text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS].rpartition(chr(10))[0] + cut}\n"


def _lines(reviews: Sequence[EnvironmentReview]) -> Iterator[str]:
    for review in reviews:
        sections = list(review.sections)
        yield f"### {escaped(review.environment)}"
        yield ""
        yield escaped(review.costs) if sections else f"Nothing changes. {escaped(review.costs)}"
        for title, sentences in sections:
            yield f"\n**{title}**\n"
            yield from (f"- {escaped(each)}" for each in sentences)
        yield ""


def escaped(text: str) -> str:
    """The text in one line, without an effect of Markdown, HTML or GitHub's mentions and references."""
    one_line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]", " ", text).split())
    # GitHub makes a link of a bare address, and a notification of a mention.
    return re.sub(r"[^\w\s,;'()%+=$.-]|://|www\.", lambda found: _entities(found[0]), one_line)


def _entities(text: str) -> str:
    return "".join(f"&#{ord(each)};" for each in text)
