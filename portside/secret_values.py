"""Finds the values of secrets by their names: `NAME=value`, `"name": "value"`, `--name value`, and others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain

from portside.secret_names import is_harmless, is_header, is_password_name, is_plural
from portside.secret_shapes import Span

_ALONE = re.compile(
    r"""(?i)[\s"'\\{,-]*+(?:property:\s?)?["']?([A-Za-z_][\w.-]*+)["']?\s*+([:=]?)\s*+([|>][-+]?|[{(\[]?)\s*+"""
)
# After a time or a program's name a line's last word is a key only if it is written like one.
_ALONE_AT_THE_END = re.compile(
    r"""[\s|:>](?:["']([A-Za-z_][\w.-]{0,120})["']\s?[:=]|([A-Za-z_][\w-]{0,60}[._][\w.-]{1,60})["']?\s?[:=]?)\s?([|>][-+]?)?\s*$"""
)
PRIVATE_KEY_ALONE = re.compile(r"(?i)\bprivate\s?_?key[\"']?\s?[:=]?\s*$")
LINE_OF_A_KEY = re.compile(r"\s*[A-Za-z0-9+/=_-]{16,}\s*")
_LAST_NAME = re.compile(r"[\s:|>]([A-Za-z_][\w.-]{0,120})\s*$")
FORM_FIELD = re.compile(r'name="?([\w.-]+)"?;?\s*$')
NAME_OF_A_PAIR = re.compile(
    r"""(?i)(?:^|[\s{,])["']?(?:name|key|parameter_?key)["']?\s?[:=]\s?["']?([\w./-]{2,200}+)["']?,?\s*$"""
)
FIELD_OF_A_PAIR = re.compile(r"""\s*+["']?[A-Za-z_][\w.-]*+["']?\s?[:=]""")
OTHER_VALUE = re.compile(r"""(?:input_value|value|got)["']?\s?[=:]\s?(?P<hide>.++)""", re.I)


def alone(text: str) -> tuple[str, str] | None:
    """The name without a value at the end of a line, and the marker of a block after it."""
    if whole := _ALONE.fullmatch(text):
        return whole[1], whole[3]
    if last := _ALONE_AT_THE_END.search(text[-200:]):
        return last[1] or last[2], last[3] or ""
    found = _LAST_NAME.search(text[-200:])
    return (found[1], "value") if found else None


def names_another(text: str) -> bool:
    """Whether a line has another name with a value."""
    return bool(re.match(r"""\s*+["']?[A-Za-z_][\w.-]*+["']?\s*+(?:=|:\s)\s*+\S""", text))


HIDDEN = "[hidden]"
QUOTE = r"""\\{0,16}["'`]|&(?:quot|apos|\#34|\#39);|%2[27]|\\{1,16}u002[27]"""
_KEY = re.compile(
    rf"""(?ix)
    (?: (?<![\w.-]) | (?<=\\[nrt]) | (?<=%2[27]) | (?<=&quot;) | (?<=u002[27]) )
    (?P<name> -{{0,2}} [a-z_][\w.-]*+ )
    (?P<close> (?:{QUOTE})? [\])]? )
    (?P<sep> \s{{0,8}}+ (?: => | -> | <- | → | \| | [:?+]= | ={{1,3}} | : | %3[AD] ) \s{{0,200}}+
           | \s{{1,8}}+ (?: is | was | with\s+value | set\s+to ) [ :]{{1,4}}+
           | \s (?: invalid | incorrect | wrong | bad | rejected | given | provided | received | entered | used )
             \s? [:=] \s{{1,4}}+
           | \s? , \s{{0,8}}+ | > | \s{{1,200}}+ | $ )
    """
)
_PAIR = re.compile(
    rf"""(?ix)
    \b(?: name | key | parameterkey | parameter | property | variable | field | env ) (?:{QUOTE})?
    \s{{0,4}}+ [=:]? \s{{0,4}}+ (?:{QUOTE})? (?P<name>[a-z_][\w.-]{{0,120}}+) (?:{QUOTE})? \s{{0,4}}+ [,;]? \s{{0,4}}+
    (?: in \s [^\n]{{1,120}}? \s with \s )?
    (?:{QUOTE})? (?: (?:parameter|default|string|input_)?value | got | got\s+value ) (?:{QUOTE})?
    (?: \s of \s type \s \w{{1,40}} )?
    \s{{0,4}}+ [=:] \s{{0,4}}+
    """
)
_PAIR_BACKWARDS = re.compile(
    r"""(?ix) \bvalue["']?\s?[:=]\s?["']? (?P<hide>[^"',}\n]{1,100}+) ["']? \s?,\s?
    ["']?(?:name|key)["']?\s?[:=]\s?["']?(?P<name>[a-z_][\w.-]{0,120}+)"""
)
_VALUE_FOR = re.compile(
    r"""(?i)\bvalue\s?["'](?P<hide>[^"'\n]{1,100}+)["']\s(?:for|of)\s(?:[a-z]{1,20}\s){0,2}["']?(?P<name>[a-z_][\w.-]{0,120}+)"""
)
_QUOTED = re.compile(rf"(?:[A-Za-z_.]{{1,20}}+\()?(?:[bruf]{{1,2}}(?=[\\\"']))?(?P<quote>{QUOTE})")
_TYPE = re.compile(
    r"!!?\w{1,20}\s|&\w{1,20}\s"
    r"|(?:str|string|String|bytes|SecretStr|(?:Optional|Option)[\[<]\w+[\]>]|any)(?: \| None)?\s?=\s?"
)
# A separator is part of a value unless it is followed by something that can't be part of a value.
_BARE = re.compile(r"""(?:[^\s,;&"'<>)}\]|`]|[,;&"'<>)}\]|`](?!\s|$|[\\"')}\]>,;&|<]|[\w. -]{1,40}[=:]))++""")
_NEXT_VARIABLE = re.compile(r"\s(?=[A-Za-z_][\w.]{0,80}=)")
LINE_OF_A_VARIABLE = re.compile(r"\s*(?:export\s+|declare\s+-\w+\s+|set\s+|-\s+)?([A-Za-z_][\w.-]*+)=")
_ASSIGNMENTS = frozenset({"=", "==", "===", ":", ":=", "?=", "+=", "=>", "->", "<-", "→", "|", "%3a", "%3d"})
_VERBS = (
    *("is", "was", "with", "set"),
    *("invalid", "incorrect", "wrong", "bad", "rejected", "given", "provided", "received", "entered", "used"),
)
# Names of two words; a sort key or a public key is not a secret.
_SPACED_NAME = re.compile(
    r"""(?ix)
    \b (?P<name> (?: private | secret | access | api | license | encryption | signing | shared | session | account
    | master | recovery | storage ) \s key )
    (?: \s \[ [^\]\n]{0,60}+ \] )? ["']? \s? [:=] \s{1,8}+
    """
)
# A value that someone tried or set.
_AFTER_A_VERB = re.compile(
    r"""(?ix)
    \b (?: wrong | bad | incorrect | rotat(?:e|ed|ing) | using | tried | typed | entered | with ) \s
    (?: the \s | new \s | old \s )? (?P<name> secret | password | passwd | passphrase | passcode | token ) \s
    (?: to \s | as \s )? ["']? (?P<hide> [^\s"',;:=()]{3,200}+ )
    """
)
# The name of a secret, in joined words: it is in AWS's errors, and must stay visible.
_NAME_OF_A_SECRET = re.compile(r"[a-z0-9]+(?:[-_./][a-zA-Z0-9]+)+")
_DIRECTIVE = re.compile(
    r"""(?ix)
    \b (?: (?:proxy|grpc)_set_header | (?:more_)?(?:set|add)_headers? | (?:fastcgi|uwsgi|scgi)_param | SetEnv
    | (?:Request)?Header \s set ) \s{1,20}+ ["']? (?P<name> [a-z_][\w.-]{0,100}+ ) \s{1,20}+
    """
)
_CHANGED_TO = re.compile(rf"(?:{QUOTE})\s{{0,4}}+(?:->|=>)\s{{0,4}}+(?P<quote>{QUOTE})")
# In a parser's error a token is not a secret, and in an ARN "secret" is a type of resource.
_A_PARSERS_WORDS = ("unexpected ", "illegal ")
# Words in errors of Secrets Manager and ECS that precede the secret's name.
_NAMED = re.compile(r"(?i)\b(?:specified|find|for|retrieve|get|the|this|no such|missing|unknown)\s$")
_ARN = re.compile(r"\barn:aws[\w-]*+:[\w:-]*\Z")


def named(text: str, names_secret: Callable[[str], bool], known: frozenset[str]) -> Iterator[Span]:
    """The values of secret names; a value that continues after the text ends beyond it."""
    low = text.lower()
    if "value" in low or "got" in low:
        for match in _PAIR.finditer(text):
            if names_secret(match["name"]) and (span := _value(text, match.end(), match["name"], "=", known)):
                yield span
    if "value" in low:
        for match in chain(_PAIR_BACKWARDS.finditer(text), _VALUE_FOR.finditer(text)):
            if names_secret(match["name"]):
                yield match.span("hide")
    if "key" in low:
        for match in _SPACED_NAME.finditer(text):
            if span := _value(text, match.end(), match["name"], ":", known):
                yield span
    for match in _AFTER_A_VERB.finditer(text):
        value, is_secret = match["hide"], match["name"].lower() == "secret"
        if not (value in known or is_harmless(match["name"], value, is_prose=True)) and not (
            is_secret and _NAME_OF_A_SECRET.fullmatch(value)
        ):
            yield match.span("hide")
    if "_" in low or "set" in low:
        for match in _DIRECTIVE.finditer(text):
            if names_secret(match["name"]) and (span := _value(text, match.end(), match["name"], "=", known)):
                yield span
    position = 0
    while key := _KEY.search(text, position):
        position = max(key.end(), position + 1)
        name = key["name"]
        if not names_secret(name.lstrip("-")):
            continue
        separator = key["sep"].strip().lower()
        if not _assigns(text, key, separator):
            continue
        before = text[key.start() - 1 : key.start()]
        if span := _value(text, key.end(), name, separator, known, before):
            yield span
            position = max(position, span[1])
            if changed := _CHANGED_TO.match(text, span[1]):
                yield _in_quotes(text, changed)


def _assigns(text: str, match: re.Match[str], separator: str) -> bool:
    """Whether the text after a name is its value."""
    name, before = match["name"], text[max(0, match.start() - 90) : match.start()]
    if before[-11:].lower().endswith(_A_PARSERS_WORDS) or ("arn:aws" in before and _ARN.search(before)):
        return False
    if separator == ":" and name.lower() == "secret" and _NAMED.search(before):
        return False
    if separator in _ASSIGNMENTS:
        return True
    quoted = _QUOTED.match(text, match.end())
    if separator == ",":
        return bool(quoted and (name.startswith("--") or is_header(name) or before.rstrip("\"'").endswith("(")))
    if separator == ">":
        return before.endswith("<") or bool(match["close"])
    if separator.split(" ")[0].rstrip(":=") in _VERBS:
        return True
    is_column = "\t" in match["sep"] or len(match["sep"]) > 1
    return bool(
        separator == "" and match["sep"] and (is_column or name.startswith("--") or (quoted and is_password_name(name)))
    )


def _value(text: str, at: int, name: str, separator: str, known: frozenset[str], before: str = "") -> Span | None:
    """The start and end of a value; the end is beyond the text if the value continues."""
    if typed := _TYPE.match(text, at):
        at = typed.end()
    if text.startswith(HIDDEN, at):
        return None
    quoted = _QUOTED.match(text, at)
    if not quoted and text[at : at + 1] in ("{", "["):
        end = _matching(text, at)
        is_about = is_plural(name) and not is_header(name)
        return None if is_about or is_harmless(name, text[at:end]) else (at, end)
    if text.startswith("(", at):
        end = text.find(")", at)
        span = at + 1, end if end >= 0 else len(text)
        return None if is_harmless(name, text[span[0] : span[1]], is_prose=True) else span
    span = _in_quotes(text, quoted) if quoted else _bare(text, at, name, separator, before)
    value = text[span[0] : span[1]]
    is_prose = not quoted and separator != "="
    return None if value in known or is_harmless(name, value, is_prose=is_prose) else span


def _in_quotes(text: str, quoted: re.Match[str]) -> Span:
    end = closing(text, quoted.end(), quoted["quote"])
    return quoted.end(), len(text) + 1 if end < 0 else end


def _bare(text: str, at: int, name: str, separator: str, before: str) -> Span:
    """A value without quotes, whose end depends on the text before it."""
    end = -1
    if separator == ">":
        end = text.find("<", at)
    elif before in ("'", '"') and (end := text.find(before, at)) >= 0:
        pass  # the quote was opened before the name: -H 'X-Api-Key: …'
    elif not is_header(name):
        line = LINE_OF_A_VARIABLE.match(text) if separator == "=" else None
        is_whole_line = line and line.end() == at and (line[1].isupper() or "." in line[1])
        found = _NEXT_VARIABLE.search(text, at) if is_whole_line else None
        if not is_whole_line:
            found = _BARE.match(text, at)
            return at, found.end() if found else at
        end = found.start() if found else -1
    return at, end if end >= 0 else len(text)


def closing(text: str, at: int, mark: str) -> int:
    """The position of the closing quote, or -1: the same mark, with as many backslashes before it."""
    backslashes = len(mark) - len(mark.lstrip("\\"))
    if "u002" in mark:
        return text.find(mark, at)
    while (found := text.find(mark, at)) >= 0:
        escaped = len(text[:found]) - len(text[:found].rstrip("\\")) if text[found - 1 : found] == "\\" else 0
        if not escaped or (backslashes and escaped == 0) or (escaped % 2 == 0 and not backslashes):
            return found
        at = found + len(mark)
    return -1


def _matching(text: str, at: int) -> int:
    depth = 0
    for match in re.finditer(r"[\[{}\]]", text[at:]):
        depth += 1 if match[0] in "[{" else -1
        if depth == 0:
            return at + match.end()
    return len(text)
