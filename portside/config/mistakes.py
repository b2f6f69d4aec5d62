"""Where the mistakes in a part of the configuration are noted, so that all of them are told at once."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portside import redact
from portside.config.deferred_values import as_written, holds_deferred, is_token
from portside.config.text_checks import look_alike, refused
from portside.errors import Problem
from portside.secret_names import is_plural

_LONGEST_SHOWN = 80
_UNSHOWN = object()

DEFERRED_HINT = "Only container_env_vars can have one, alone or inside a text."


@dataclass
class Report:
    """The problems found so far, and the place that is being looked at."""

    where: str
    problems: list[Problem] = field(default_factory=list)

    def at(self, suffix: str) -> Report:
        """The same report, looking at a place inside this one: `report.at('["VPC_CIDR"]')`."""
        return Report(self.where + suffix, self.problems)

    def wrong(self, what: str, hint: str, got: object = _UNSHOWN) -> None:
        """Note a problem. Leave `got` out where the value may be a secret."""
        said = what if got is _UNSHOWN else f"{what}, got {self.shown(got)}"
        self.problems.append(Problem(self.where, said, hint))

    def shown(self, value: object) -> str:
        """A value at this place as a message may show it: not at all where the place is named like a secret."""
        names = re.findall(r"[A-Za-z_][\w-]*", self.where)[1:]
        is_secret = any(redact.current().names_secret(name) and not is_plural(name) for name in names)
        has_content = value is not None and not isinstance(value, bool) and value not in ("", [], {}, ())
        return f"{kind_of(value)} that is not shown" if is_secret and has_content else shown(value)

    def integer(self, value: object, low: int, high: int, hint: str) -> bool:
        """Whether a value is a whole number of low..high; a number that is a token of the CDK is taken for one."""
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
        """Whether a value is a string with something in it."""
        if not isinstance(value, str):
            self.wrong("not a text", hint, value)
        elif not value.strip():
            self.wrong("empty", hint, value)
        elif found := refused(value):
            self.wrong(*found)
        elif holds_deferred(value):
            self.wrong("a value that is known only when it is deployed", DEFERRED_HINT, value)
        else:
            return True
        return False

    def flag(self, value: object) -> bool:
        """Whether a value is True or False."""
        if isinstance(value, bool):
            return True
        self.wrong("neither True nor False", "Write True or False, without quotes.", value)
        return False

    def sequence(self, value: object, hint: str) -> bool:
        """Whether a value is a list or tuple; a lone string would be read letter by letter."""
        if isinstance(value, list | tuple):
            return True
        self.wrong("not a list", hint, value)
        return False

    def mapping(self, value: object, hint: str) -> bool:
        """Whether a value is a dict or the like."""
        if isinstance(value, Mapping):
            return True
        self.wrong("not a mapping", hint, value)
        return False

    def by_known_name(self, given: Mapping[Any, Any], known: Sequence[str], noun: str) -> dict[str, Any]:
        """What was given under known names. Others are reported; a misspelt one is taken for what it resembles."""
        taken = {name: value for name, value in given.items() if name in known}
        for name, value in given.items():
            if name in known:
                continue
            place = self.at(f"[{quoted(name)}]" if noun == "key" else f".{name}")
            odd = look_alike(str(name))
            place.wrong(f"unknown {noun}{f': {odd}' if odd else ''}", suggestion(str(name), known))
            meant = closest(str(name), known, likeness=0.8)
            # Its value would be shown as that of the one that was meant.
            if meant and not redact.current().names_secret(str(name)):
                taken.setdefault(meant, value)
        return taken


def suggestion(name: str, known: Sequence[str]) -> str:
    """What to do about a name that does not exist."""
    meant = closest(name, known, likeness=0.6)
    return f'Perhaps you meant "{meant}"?' if meant else f"Known are: {', '.join(known)}."


def closest(name: str, known: Sequence[str], *, likeness: float) -> str | None:
    """The known name that was probably meant, if one is like it or one is the other's beginning."""
    low, folded = name.lower(), {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(low, list(folded), n=1, cutoff=likeness)
    cut = [each for each in folded if len(low) > 2 and (each.startswith(low) or low.startswith(each))]
    best = [*found, *cut] if likeness > 0.6 else [*cut, *found]
    return folded[best[0]] if best else None


def quoted(value: object) -> str:
    """A value as it stands in Python code, texts in double quotes."""
    if isinstance(value, str) and not _is_redacted(value):
        text = as_written(value)
        return json.dumps(text, ensure_ascii=not text.isprintable())
    return shown(value)


def shown(value: object) -> str:
    """A value as a message may show it: short, in one line, and without what looks like a secret."""
    parts = value if isinstance(value, list | tuple) else [value]
    if value != {} and not all(part is None or isinstance(part, str | int | float) for part in parts):
        return kind_of(value)
    if any(isinstance(part, str) and _is_redacted(part) for part in parts):
        return "what looks like a secret"
    try:
        text = repr(as_written(value) if isinstance(value, str) else value)
    except ValueError:  # Python writes out no number of more than 4,300 digits
        return kind_of(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def _is_redacted(text: str) -> bool:
    return redact.HIDDEN in redact.current().text(text) and redact.HIDDEN not in text


def kind_of(value: object) -> str:
    """What a value is, where its content had better not be shown."""
    if value is None:
        return "None"
    name = "text" if isinstance(value, str) else type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
