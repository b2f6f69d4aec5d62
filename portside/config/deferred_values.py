"""Values that the configuration can name but that are known only once something is deployed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

# How the CDK writes a value that it resolves later, in a string, a list or a number:
# https://docs.aws.amazon.com/cdk/v2/guide/tokens.html
_STRING_TOKEN = re.compile(r"[$#]\{Token\[")
_NUMBER_TOKENS = (-1.889e289, -1.888e289)

# A deferred value in a text is its name between noncharacters of Unicode, which no one writes:
# https://www.unicode.org/faq/private_use.html#nonchar1. There is one between any two letters, so that a text that was
# cut in the middle of a name, or put into capitals, is noticed.
_BEGIN, _BETWEEN, _END = "\ufdd0", "\ufdd1", "\ufdd2"
_MARK = re.compile(f"{_BEGIN}[^{_BEGIN}{_END}]*{_END}")
_ANY_PART = re.compile(f"[{_BEGIN}{_BETWEEN}{_END}]")


class _Deferred:
    """What a value can do before it is known: stand alone, or as it is inside a text."""

    def __str__(self) -> str:
        return f"{_BEGIN}{_BETWEEN.join(type(self).__name__)}{_END}"

    def __format__(self, spec: str) -> str:
        if spec:
            raise TypeError(f"{self!r} can't be formatted as {spec!r}: {_AS_IT_IS}")
        return str(self)

    def __add__(self, other: object) -> str:
        return str(self) + str(other) if isinstance(other, str | _Deferred) else NotImplemented

    def __radd__(self, other: object) -> str:
        return other + str(self) if isinstance(other, str) else NotImplemented

    def __getitem__(self, key: object) -> NoReturn:
        raise TypeError(f"{self!r} can't be cut: {_AS_IT_IS}")

    def __getattr__(self, name: str) -> NoReturn:
        what = f": {_AS_IT_IS}" if hasattr(str, name) else ""
        raise AttributeError(f"{self!r} has no {name}{what}", name=name, obj=self)


_AS_IT_IS = "it is known only when it is deployed, and goes into a text as it is"


@dataclass(frozen=True)
class DatabaseHost(_Deferred):
    """The host name of the environment's DocumentDB cluster, for a container's environment."""


@dataclass(frozen=True)
class DatabasePort(_Deferred):
    """The port of the environment's DocumentDB cluster, for a container's environment."""


@dataclass(frozen=True)
class DatabaseSecret(_Deferred):
    """The generated secret of the environment's database, for `ServiceSecret(secret_name=…)`.

    The secret is one plain string, so "password" is all that can be asked of it.
    """

    key: str = "password"


@dataclass(frozen=True)
class ImageVersion(_Deferred):
    """The tag by which the container's own image was chosen, such as `4.2.0-rc2` or `edge`."""


@dataclass(frozen=True)
class ImageCommit(_Deferred):
    """The commit from which the container's own image was made: its first digits, never to be read as a number."""


LateValue = DatabaseHost | DatabasePort | ImageVersion | ImageCommit

_BY_MARK = {str(kind()): kind() for kind in (DatabaseHost, DatabasePort, DatabaseSecret, ImageVersion, ImageCommit)}


def parts_of(value: object) -> list[object]:
    """A deferred value, or a text in pieces: what is known, and the deferred values between.

    Raises `ValueError` where a text has a deferred value that was changed, such as cut or put into capitals.
    """
    if not isinstance(value, str):
        return [value]
    parts: list[object] = []
    end = 0
    for found in _MARK.finditer(value):
        parts += [value[end : found.start()], _BY_MARK.get(found[0], found[0])]
        end = found.end()
    parts = [part for part in [*parts, value[end:]] if part != ""]
    if any(isinstance(part, str) and _ANY_PART.search(part) for part in parts):
        raise ValueError(as_written(value))
    return parts


def holds_deferred(text: str) -> bool:
    """Whether a text has a deferred value in it, or what is left of one."""
    return bool(_ANY_PART.search(text))


def as_written(text: str) -> str:
    """A text as a person would write it: `my-app@{ImageVersion()}`."""
    whole = _MARK.sub(lambda found: f"{{{_BY_MARK[found[0]]!r}}}" if found[0] in _BY_MARK else found[0], text)
    return _ANY_PART.sub("", whole)


def is_token(value: object) -> bool:
    """Whether a value is a CDK token, whose content no one can check before deployment."""
    if isinstance(value, str):
        return bool(_STRING_TOKEN.search(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _NUMBER_TOKENS[0] < value < _NUMBER_TOKENS[1]
    return False
