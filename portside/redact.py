"""The redactor: removes secrets and control characters from all text that is shown, stored or sent.

    redactor = Redactor(names=["MONGODB_PASS"], values=[token], known=["my-app-sentry-dsn"])
    redactor.line("MONGODB_PASS=hunter2")        one line on its own
    redactor.text(message)                       several lines; a value or a key can continue on the next line
    stream = redactor.stream(); stream.line(…)   line by line, with values that continue
    redactor.value("DB_PASSWORD", "hunter2")     a value and its name
    redactor.json({"password": "hunter2"})       values of JSON, with their keys

`names` are the variables with secrets in the configuration, `values` the secrets of the tool itself, `known` the names
of secrets, which are shown. A command calls `install`; all others use `current()`.

A text is cut before it is searched, to limit the time, and the word at the cut is hidden. Every pattern is linear:
quantifiers are possessive or bounded. Rules find spans, and the spans are replaced.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from portside.secret_names import is_harmless, is_plural, is_secret_name, normalized
from portside.secret_shapes import Span, holds_credential, shaped
from portside.secret_values import (
    FIELD_OF_A_PAIR,
    FORM_FIELD,
    HIDDEN,
    LINE_OF_A_KEY,
    LINE_OF_A_VARIABLE,
    NAME_OF_A_PAIR,
    OTHER_VALUE,
    PRIVATE_KEY_ALONE,
    QUOTE,
    alone,
    closing,
    named,
    names_another,
)

__all__ = [
    "HIDDEN",
    "Lines",
    "Redactor",
    "clean",
    "current",
    "holds_credential",
    "install",
    "looks_secret",
    "secrets_around",
]

LONGEST_LINE = 8 * 1024
LONGEST_TEXT = 64 * 1024
MOST_LINES_OF_A_TEXT = 1500
"""Each line costs up to 20 µs whatever its length, measured on one core of 2026."""
CUT = "… (cut)"

_SHORTEST_VALUE = 6
"""Of a secret of the tool. Shorter values would match ordinary words."""
_MOST_LINES_OF_A_KEY = 120
_MOST_LINES_OF_A_VALUE = 30
_MOST_FIELDS_OF_A_PAIR = 4

_STEERING = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"  # colours and cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]{0,2000}+(?:\x07|\x1b\\|\x9c)?"  # titles and links
    r"|\x1b[PX^_][^\x1b\n]{0,2000}+(?:\x1b\\)?|\x1b[ -/]*+[0-~]?"
)
# C0 without \t and \n, DEL, C1; soft hyphen, zero width, direction of writing, tags.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
_COLOUR = re.compile(r"(\x1b\[[\d;]*m)")

_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z -]{0,12}")
_WORD_BACKWARDS = re.compile(r"""[^\s"'<>,;{}\[\]()|`]{0,2048}+""")
# A line without a match has no secrets except known values.
_SUSPECT = re.compile(
    r"""[=@:>$(]|["'`]|[\w+/%.-]{16}|-[upwa]|(?i:pass|pw|secret|token|key|auth|bearer|basic|cred|cookie|code|otp|pin)"""
)
_NAMES_IN_PAIRS = ("name", "Name", "key", "Key")


@dataclass
class _Open:
    """A value that continues on the next lines: to `end`, while indented more than `indent`, or for `left` lines."""

    end: str = ""
    indent: int = -1
    left: int = _MOST_LINES_OF_A_VALUE
    kind: str = "quote"


class Redactor:
    """Hides secrets in texts. `longest` is how many characters of a line are searched and shown."""

    def __init__(
        self,
        names: Iterable[str] = (),
        values: Iterable[str] = (),
        known: Iterable[str] = (),
        *,
        longest: int = LONGEST_LINE,
    ) -> None:
        self.names = frozenset(normalized(name) for name in names)
        self.known = frozenset(known)
        self.longest = longest
        self.values = frozenset(values)
        written = {way for value in self.values if len(value) >= _SHORTEST_VALUE for way in _ways_to_write(value)}
        # The longest first: one can be part of another.
        in_order = sorted(written - self.known, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, in_order))) if in_order else None

    def knowing(self, names: Iterable[str], known: Iterable[str]) -> Redactor:
        """The redactor with more variables and more names of secrets."""
        return Redactor({*self.names, *names}, self.values, {*self.known, *known}, longest=self.longest)

    def line(self, text: str) -> str:
        """A single line."""
        return self.stream().line(text)

    def stream(self) -> Lines:
        """For lines that belong together."""
        return Lines(self)

    def text(self, text: str) -> str:
        """A text of several lines."""
        return self.stream().text(text)

    def brief(self, text: str, most: int = 600) -> str:
        """A text in one line of a limited length."""
        return _in_one_line(self.text(text), most)

    def value(self, name: str, value: object) -> Any:
        """A value without secrets, given its name. Values that are not text keep their type."""
        if self.is_secret(name, value):
            return HIDDEN
        return self.json(value)

    def json(self, value: Any) -> Any:
        """A value of JSON without secrets: by the keys of mappings, and in every text."""
        if isinstance(value, str):
            return value if value in self.known else self.text(value)
        if isinstance(value, Mapping):
            about = next(
                (str(value[key]) for key in ("name", "Name", "key", "Key") if isinstance(value.get(key), str)), ""
            )
            found = {}
            for key, each in value.items():
                name = str(key)
                named = about if about and name.lower() in ("value", "defaultvalue") else name
                found[clean(name) if isinstance(key, str) else key] = self._under(named, each)
            return found
        if isinstance(value, list | tuple):
            if value and all(isinstance(each, str) for each in value):
                stream = self.stream()
                return [each if each in self.known else stream.text(each) for each in value]
            return [self.json(each) for each in value]
        return value

    def _under(self, name: str, value: Any) -> Any:
        if isinstance(value, Mapping | list | tuple) and not is_plural(name) and self.names_secret(name):
            return HIDDEN if value else value
        return self.value(name, value)

    def is_secret(self, name: str, value: object) -> bool:
        """Whether a value is a secret by its name: DB_PASSWORD is, PASSWORD_MIN_LENGTH and `true` are not."""
        if value is None or isinstance(value, bool | Mapping | list | tuple):
            return False
        return self.names_secret(name) and not is_harmless(name, str(value)) and str(value) not in self.known

    def names_secret(self, name: str) -> bool:
        """Whether the value of this name is a secret."""
        return normalized(name) in self.names or is_secret_name(name)

    def suspects(self, text: str) -> bool:
        """Whether a line can contain secrets."""
        return bool(_SUSPECT.search(text) or (self._values and self._values.search(text)))

    def spans(self, text: str) -> Iterator[Span]:
        """The spans of secrets in a clean line. A span beyond the end continues on the next line."""
        if self._values:
            yield from (match.span() for match in self._values.finditer(text))
        yield from shaped(text)
        yield from named(text, self.names_secret, self.known)


class Lines:
    """Lines that belong together: an open quote, key or block continues on the next line."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._open: _Open | None = None
        self._was_variable = False

    def text(self, text: str) -> str:
        """A text of one line or more."""
        rest = text[LONGEST_TEXT:]
        lines = clean(text[:LONGEST_TEXT]).split("\n", MOST_LINES_OF_A_TEXT)
        if len(lines) > MOST_LINES_OF_A_TEXT:
            rest = f"{lines.pop()}{rest}"
        shown = [self.line(line) for line in lines[:-1]]
        shown.append(self.line(lines[-1], is_cut=bool(rest)))
        if _begins_a_key(rest):
            self._open = _Open(left=_MOST_LINES_OF_A_KEY, kind="key")
        return "\n".join(shown)

    def brief(self, text: str, most: int = 600) -> str:
        """The next text in one line of a bounded length."""
        return _in_one_line(self.text(text), most)

    def line(self, raw: str, *, is_cut: bool = False) -> str:
        """The next line without secrets."""
        longest = self._redactor.longest
        rest = raw[longest:]
        is_cut = is_cut or bool(rest)
        text = " ".join(clean(raw[:longest]).split("\n"))
        if not (self._open or is_cut or self._was_variable or self._redactor.suspects(text)):
            return text
        begins = self._go_on(text)
        spans = [(0, begins)] if begins else []
        spans += self._redactor.spans(text)
        if is_cut:
            spans.append((len(text) - _length_of_last_word(text), len(text)))
        self._look_ahead(text, rest, spans, begins)
        return _replaced(text, spans) + (CUT if is_cut else "")

    def coloured(self, line: str) -> str:
        """The next line, with its colours if it has no secret."""
        shown = self.line(line)
        if shown != clean(line):
            return shown
        return "".join(each if _COLOUR.fullmatch(each) else clean(each) for each in _COLOUR.split(line))

    def _go_on(self, text: str) -> int:
        """The length of the continued value at the start of the line."""
        still = self._open
        if still is None:
            return 0
        still.left -= 1
        if still.left < 0:
            self._open = None
            return 0
        if still.kind == "key":
            if ends := _KEY_ENDS.search(text):
                self._open = None
                return ends.end()
            return len(text)
        if still.kind == "quote":
            end = closing(text, 0, still.end)
            self._open = None if end >= 0 else still
            return len(text) if end < 0 else end
        if still.kind == "base64":
            if LINE_OF_A_KEY.fullmatch(text):
                return len(text)
            self._open = None
            return 0
        if not text.strip():
            return 0
        indent = len(text) - len(text.lstrip())
        if still.kind == "block" and indent > still.indent:
            return len(text)
        self._open = None
        if still.kind in ("next", "value"):
            if other := OTHER_VALUE.search(text):
                return other.end() if indent >= still.indent else 0
            if still.kind == "value":
                # Between a name and its value there can be others, such as a type.
                self._open = still if indent >= still.indent and FIELD_OF_A_PAIR.match(text) else None
                return 0
            is_value = text.lstrip()[:1] in ("'", '"') or indent > still.indent
            return len(text) if is_value and not names_another(text) else 0
        if still.kind == "field":
            return len(text)
        if still.kind == "variable" and not LINE_OF_A_VARIABLE.match(text):
            self._open = still
            return len(text)
        return 0

    def _look_ahead(self, text: str, rest: str, spans: list[Span], begins: int) -> None:
        """Remember a value that continues on the next line."""
        begun = [match.start() for match in _KEY_BEGINS.finditer(text, begins)] if "PRIVATE KEY" in text else []
        if _begins_a_key(rest):
            begun.append(len(text))
        variable = LINE_OF_A_VARIABLE.match(text)
        was_variable, self._was_variable = self._was_variable, bool(variable)
        if self._open is not None:
            return
        if begun and not _KEY_ENDS.search(text, begun[-1]) and "-----END" not in rest:
            self._open = _Open(left=_MOST_LINES_OF_A_KEY, kind="key")
            return
        if "key" in text.lower() and PRIVATE_KEY_ALONE.search(text):
            self._open = _Open(left=_MOST_LINES_OF_A_KEY, kind="base64")
            return
        last = max(spans, default=(0, 0), key=lambda span: span[1])
        indent = len(text) - len(text.lstrip())
        if last[1] > len(text):
            quoted = _last_quote(text, last[0])
            if quoted and quoted not in rest:
                self._open = _Open(end=quoted)
        elif last[1] and re.fullmatch(r"""["'\s]*+[+\\]\s*+""", text[last[1] :]):
            self._open = _Open(indent=-1, kind="next")
        elif (last_name := alone(text)) and self._redactor.names_secret(last_name[0]):
            kind = "value" if last_name[1] == "value" else "block" if last_name[1][:1] in ("|", ">") else "next"
            most = _MOST_FIELDS_OF_A_PAIR if kind == "value" else _MOST_LINES_OF_A_VALUE
            self._open = _Open(indent=indent, left=most, kind=kind)
        elif (field := FORM_FIELD.search(text)) and self._redactor.names_secret(field[1]):
            self._open = _Open(kind="field")
        elif (pair := NAME_OF_A_PAIR.search(text[-300:])) and self._redactor.names_secret(pair[1]):
            self._open = _Open(indent=indent, left=_MOST_FIELDS_OF_A_PAIR, kind="value")
        elif variable and was_variable and self._redactor.names_secret(variable[1]):
            self._open = _Open(kind="variable")


def clean(text: str) -> str:
    """A text without escape sequences, control characters and direction characters."""
    text = text.replace("\r\n", "\n")
    if "\x1b" in text or "\x9b" in text or "\x9d" in text:
        text = _STEERING.sub("", text)
    text = text.replace("\r", "\n").replace("\u2028", " ").replace("\u2029", " ")
    return text if text.isascii() and text.isprintable() else _INVISIBLE.sub("", text)


def looks_secret(name: str, text: str) -> bool:
    """Whether a variable is a secret by its value or its name."""
    return holds_credential(text) or (is_secret_name(name) and not is_harmless(name, text))


def _in_one_line(text: str, most: int) -> str:
    line = " ".join(text.split("\n")).rstrip()
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _ways_to_write(value: str) -> Iterator[str]:
    yield from (value, quote(value, safe=""), json.dumps(value)[1:-1])
    encoded = base64.b64encode(value.encode()).decode()
    yield from (encoded, encoded.rstrip("="))


def _begins_a_key(rest: str) -> bool:
    """Whether the removed text begins a private key that continues on the next line."""
    return "PRIVATE KEY" in rest and rest.rfind("-----BEGIN") > rest.rfind("-----END")


def _length_of_last_word(text: str) -> int:
    word = _WORD_BACKWARDS.match(text[:-2049:-1])
    return word.end() if word else 0


def _last_quote(text: str, at: int) -> str:
    before = re.search(rf"(?:{QUOTE})\Z", text[max(0, at - 20) : at])
    return before[0] if before else ""


def _replaced(text: str, spans: Iterable[Span]) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if stop <= end or start >= stop:
            continue
        if (start >= end and text[end:start].strip()) or not parts:
            parts += [text[end:start] if start > end else "", HIDDEN]
        end = stop
    return "".join(parts) + text[end:]


def secrets_around(environ: Mapping[str, str], arguments: Iterable[str] = ()) -> list[str]:
    """The secrets of a process: in its variables with secret names, and in its arguments."""
    found = [value for name, value in environ.items() if is_secret_name(name) and not is_harmless(name, value)]
    before = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals and is_secret_name(name) and not is_harmless(name, value):
            found.append(value)
        elif before.startswith("-") and is_secret_name(before) and not argument.startswith("-"):
            found.append(argument)
        before = argument
    return found


_installed = Redactor()


def install(redactor: Redactor) -> None:
    """Use a redactor for all output of this process."""
    global _installed
    _installed = redactor


def current() -> Redactor:
    """The installed redactor; the default has no names."""
    return _installed
