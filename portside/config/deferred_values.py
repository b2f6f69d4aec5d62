"""Values that the configuration can use and that are only known after a deployment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn, get_args

# The tokens of the CDK in strings, lists and numbers:
# https://docs.aws.amazon.com/cdk/v2/guide/tokens.html
_STRING_TOKEN = re.compile(r"[$#]\{Token\[")
_NUMBER_TOKENS = (-1.889e289, -1.888e289)

# A deferred value in a text is its name between noncharacters of Unicode, which no text contains:
# https://www.unicode.org/faq/private_use.html#nonchar1. They also separate its letters, so that a name that was cut or
# changed to capitals is detected.
_BEGIN, _BETWEEN, _END = "\ufdd0", "\ufdd1", "\ufdd2"
_MARK = re.compile(f"{_BEGIN}[^{_BEGIN}{_END}]*{_END}")
_NAME = re.compile(r"[A-Za-z0-9-]+")
_ANY_PART = re.compile(f"[{_BEGIN}{_BETWEEN}{_END}]")


class _Deferred:
    """A value that is not known yet: it can be used alone or in a text, and not be changed."""

    def __str__(self) -> str:
        return f"{_BEGIN}{_BETWEEN.join(type(self).__name__)}{_END}"

    def __format__(self, spec: str) -> str:
        if spec:
            raise TypeError(f"{self!r} can't be formatted as {spec!r}: {_UNCHANGED}")
        return str(self)

    def __add__(self, other: object) -> str:
        return str(self) + str(other) if isinstance(other, str | _Deferred) else NotImplemented

    def __radd__(self, other: object) -> str:
        return other + str(self) if isinstance(other, str) else NotImplemented

    def __getitem__(self, key: object) -> NoReturn:
        raise TypeError(f"{self!r} can't be sliced: {_UNCHANGED}")

    def __getattr__(self, name: str) -> NoReturn:
        reason = f": {_UNCHANGED}" if hasattr(str, name) else ""
        raise AttributeError(f"{self!r} has no {name}{reason}", name=name, obj=self)


_UNCHANGED = "it is only known after a deployment, and can only be inserted into a text as it is"


@dataclass(frozen=True)
class DatabaseHost(_Deferred):
    """The host name of the environment's database, for a container's environment."""


@dataclass(frozen=True)
class DatabasePort(_Deferred):
    """The port of the environment's database, for a container's environment."""


@dataclass(frozen=True)
class DatabaseName(_Deferred):
    """The name of the database that was created with the environment's cluster or instance."""


@dataclass(frozen=True)
class DatabaseUser(_Deferred):
    """The master user of the environment's database."""


@dataclass(frozen=True)
class DatabaseSecret(_Deferred):
    """The generated secret of the environment's database, for `ServiceSecret(secret_name=…)`.

    The secret is one plain string, so "password" is its only key.
    """

    key: str = "password"


@dataclass(frozen=True)
class ImageVersion(_Deferred):
    """The tag of the container's own image, such as `4.2.0-rc2` or `edge`."""


@dataclass(frozen=True)
class ImageCommit(_Deferred):
    """The commit of the container's own image: its first digits, as many as make it not look like a number."""


@dataclass(frozen=True)
class StackOutput(_Deferred):
    """An output of one of the team's own stacks: `StackOutput("storage", "BucketName")`.

    `stack` is the end of the stack's name. The ARN of a secret can be the `secret_name` of a `ServiceSecret`.
    """

    stack: str
    output: str

    def __post_init__(self) -> None:
        if not all(isinstance(each, str) and _NAME.fullmatch(each) for each in (self.stack, self.output)):
            raise ValueError('write the end of a stack\'s name, and its output: StackOutput("storage", "BucketName")')

    def __str__(self) -> str:
        return f"{_BEGIN}{_BETWEEN.join(f'{type(self).__name__}({self.stack},{self.output})')}{_END}"

    def __repr__(self) -> str:
        return f'StackOutput("{self.stack}", "{self.output}")'


LateValue = DatabaseHost | DatabasePort | DatabaseName | DatabaseUser | ImageVersion | ImageCommit | StackOutput
OfDatabase = DatabaseHost | DatabasePort | DatabaseName | DatabaseUser | DatabaseSecret

_BY_MARK = {str(kind()): kind() for kind in (*get_args(OfDatabase), ImageVersion, ImageCommit)}
_OUTPUT = re.compile(r"StackOutput\(([A-Za-z0-9-]+),([A-Za-z0-9-]+)\)")


def _marked(mark: str) -> object:
    """The deferred value of a mark; None for a changed mark."""
    output = _OUTPUT.fullmatch("".join(mark[1:-1].split(_BETWEEN)))
    known = StackOutput(*output.groups()) if output else _BY_MARK.get(mark)
    return known if str(known) == mark else None


def parts_of(value: object) -> list[object]:
    """A deferred value, or the parts of a text: texts and deferred values.

    Raises `ValueError` if a deferred value in the text was changed, for example cut.
    """
    if not isinstance(value, str):
        return [value]
    parts: list[object] = []
    end = 0
    for found in _MARK.finditer(value):
        parts += [value[end : found.start()], _marked(found[0]) or found[0]]
        end = found.end()
    parts = [part for part in [*parts, value[end:]] if part != ""]
    if any(isinstance(part, str) and _ANY_PART.search(part) for part in parts):
        raise ValueError(as_written(value))
    return parts


def has_deferred(text: str) -> bool:
    """Whether a text contains a deferred value, or a part of one."""
    return bool(_ANY_PART.search(text))


def as_written(text: str) -> str:
    """A text as it is in the configuration: `my-app@{ImageVersion()}`."""
    whole = _MARK.sub(lambda found: f"{{{value!r}}}" if (value := _marked(found[0])) else found[0], text)
    return _ANY_PART.sub("", whole)


def is_token(value: object) -> bool:
    """Whether a value is a CDK token, whose content can't be checked before deployment."""
    if isinstance(value, str):
        return bool(_STRING_TOKEN.search(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _NUMBER_TOKENS[0] < value < _NUMBER_TOKENS[1]
    return False
