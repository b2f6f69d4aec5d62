"""A console of rich that shows nothing but what the redactor lets through, in whatever way it is given."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group
from rich.text import Text

from portside import redact


class ShownConsole(Console):
    """Redacts before it folds: a secret that is folded over two lines could not be found any more."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's."""
        super().print(*map(shown, objects), **options)


def shown(what: Any) -> Any:
    """A text, or a group of texts, without secrets. Tables and trees are made of such texts by who prints them."""
    if isinstance(what, str):
        return redact.current().text(what)
    if isinstance(what, Text):
        text = redact.current().text(what.plain)
        # What is hidden moves the places at which colours begin.
        return what if text == what.plain else Text(text, what.style, overflow=what.overflow, no_wrap=what.no_wrap)
    if isinstance(what, Group):
        return Group(*map(shown, what.renderables))
    return what
