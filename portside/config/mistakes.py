"""Collects the mistakes in the configuration, so that all are reported together."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portside import redact
from portside.config.deferred_values import as_written, has_deferred, is_token
from portside.config.text_checks import foreign_letter, refused
from portside.errors import Problem
from portside.secret_names import is_plural

_LONGEST_SHOWN = 80
_UNSHOWN = object()

DEFERRED_HINT = "Only container_env_vars can have one, alone or inside a text."


@dataclass
class Report:
    """The problems found so far, and the place that is being checked."""

    where: str
    problems: list[Problem] = field(default_factory=list)

    def at(self, suffix: str) -> Report:
        """The same report at a place inside this one: `report.at('["VPC_CIDR"]')`."""
        return Report(self.where + suffix, self.problems)

    def wrong(self, mistake: str, hint: str, got: object = _UNSHOWN) -> None:
        """Add a problem. Omit `got` if the value can be a secret."""
        description = mistake if got is _UNSHOWN else f"{mistake}, got {self.shown(got)}"
        self.problems.append(Problem(self.where, description, hint))

    def shown(self, value: object) -> str:
        """A value at this place, as messages show it: only its type if the place has the name of a secret."""
        names = re.findall(r"[A-Za-z_][\w-]*", self.where)[1:]
        is_secret = any(redact.current().names_secret(name) and not is_plural(name) for name in names)
        has_content = value is not None and not isinstance(value, bool) and value not in ("", [], {}, ())
        return f"{kind_of(value)} that is not shown" if is_secret and has_content else shown(value)

    def integer(self, value: object, low: int, high: int, hint: str) -> bool:
        """Whether a value is a whole number from `low` to `high`; number tokens of the CDK are valid."""
        if is_token(value) and not isinstance(value, str):
            return True
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong("not a whole number", hint, value)
        elif not low <= value <= high:
            self.wrong(f"not from {low} to {high}", hint, value)
        else:
            return True
        return False

    def text(self, value: object, hint: str) -> bool:
        """Whether a value is a string that is not empty."""
        if not isinstance(value, str):
            self.wrong("not a text", hint, value)
        elif not value.strip():
            self.wrong("empty", hint, value)
        elif found := refused(value):
            self.wrong(*found)
        elif has_deferred(value):
            self.wrong("a value that is only known after a deployment", DEFERRED_HINT, value)
        else:
            return True
        return False

    def flag(self, value: object) -> bool:
        """Whether a value is True or False."""
        if isinstance(value, bool):
            return True
        self.wrong("neither True nor False", "Use True or False, without quotes.", value)
        return False

    def sequence(self, value: object, hint: str) -> bool:
        """Whether a value is a list or tuple. A string is not: it would be read letter by letter."""
        if isinstance(value, list | tuple):
            return True
        self.wrong("not a list", hint, value)
        return False

    def mapping(self, value: object, hint: str) -> bool:
        """Whether a value is a mapping."""
        if isinstance(value, Mapping):
            return True
        self.wrong("not a mapping", hint, value)
        return False

    def by_known_name(self, given: Mapping[Any, Any], known: Sequence[str], noun: str) -> dict[str, Any]:
        """The values of known names. Unknown names are reported; a misspelled name counts as the most similar one."""
        taken = {name: value for name, value in given.items() if name in known}
        for name, value in given.items():
            if name in known:
                continue
            place = self.at(f"[{quoted(name)}]" if noun == "key" else f".{name}")
            odd = foreign_letter(str(name))
            place.wrong(f"unknown {noun}{f': {odd}' if odd else ''}", suggestion(str(name), known))
            similar = closest(str(name), known, similarity=0.8)
            # Messages about the similar name would show the value.
            if similar and not redact.current().names_secret(str(name)):
                taken.setdefault(similar, value)
        return taken


def suggestion(name: str, known: Sequence[str]) -> str:
    """A hint for a name that does not exist."""
    similar = closest(name, known, similarity=0.6)
    return f'Did you mean "{similar}"?' if similar else f"Known are: {', '.join(known)}."


def closest(name: str, known: Sequence[str], *, similarity: float) -> str | None:
    """The known name that is the most similar, or that begins with this name or is its beginning; None if none is."""
    low, folded = name.lower(), {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(low, list(folded), n=1, cutoff=similarity)
    cut = [each for each in folded if len(low) > 2 and (each.startswith(low) or low.startswith(each))]
    best = [*found, *cut] if similarity > 0.6 else [*cut, *found]
    return folded[best[0]] if best else None


def quoted(value: object) -> str:
    """A value as a Python literal, with double quotes for text."""
    if isinstance(value, str) and not _is_redacted(value):
        text = as_written(value)
        return json.dumps(text, ensure_ascii=not text.isprintable())
    return shown(value)


def shown(value: object) -> str:
    """A value as messages show it: short, in one line, and without secrets."""
    parts = value if isinstance(value, list | tuple) else [value]
    if value != {} and not all(part is None or isinstance(part, str | int | float) for part in parts):
        return kind_of(value)
    if any(isinstance(part, str) and _is_redacted(part) for part in parts):
        return "a value that looks like a secret"
    text = repr(as_written(value) if isinstance(value, str) else value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def _is_redacted(text: str) -> bool:
    return redact.HIDDEN in redact.current().text(text) and redact.HIDDEN not in text


def kind_of(value: object) -> str:
    """The type of a value whose content is not shown."""
    if value is None:
        return "None"
    name = "text" if isinstance(value, str) else type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
