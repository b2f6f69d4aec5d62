"""A console of rich that prints only redacted text."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group
from rich.text import Text

from portside import redact


class RedactingConsole(Console):
    """Redacts before it folds: a secret that is folded over two lines could not be recognized."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's."""
        super().print(*map(redacted, objects), **options)


def redacted(renderable: Any) -> Any:
    """A text, or a group of texts, without secrets. A table must be built from redacted texts."""
    if isinstance(renderable, str):
        return redact.current().text(renderable)
    if isinstance(renderable, Text):
        text = redact.current().text(renderable.plain)
        if text == renderable.plain:
            return renderable
        # Redaction moves the places at which colors begin.
        return Text(text, renderable.style, overflow=renderable.overflow, no_wrap=renderable.no_wrap)
    if isinstance(renderable, Group):
        return Group(*map(redacted, renderable.renderables))
    return renderable
