"""Count the phrases of tests/plain_english.toml in all that people read here: `python -m tests.plain_english`."""

import argparse
import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORD_LIST = Path(__file__).with_suffix(".toml")
COMMENT = re.compile(r"""(?:[^#'"]|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")*#+ ?(.*)""")
FIRST_WORD = re.compile(r"(?<![\w'-])[A-Za-z]+(?:-[A-Za-z]+)*(?:'[a-z]+)?")
WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
ADDRESS = re.compile(r"https?://[^\s)>\]\"'`]+")
# What a person writes and reads besides Python. Locks, snapshots and data of AWS's are neither.
# A whole file; a docstring or a comment; a string literal; the words of an identifier; the words of a test's name.
KINDS = ("page", "docstring", "message", "name", "test")
TEXTS = {
    ".md",
    ".rst",
    ".toml",
    ".yaml",
    ".yml",
    ".sh",
    ".html",
    ".jinja",
    ".j2",
    ".css",
    ".js",
    ".in",
    ".cfg",
    ".example",
    "",
}


@dataclass(frozen=True, kw_only=True)
class Text:
    """A piece of text that a person reads, with the line it starts on."""

    path: str
    line: int
    kind: str  # one of KINDS
    words: str


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """A row of the word list."""

    pattern: re.Pattern[str]
    first_word: re.Pattern[str]
    source: str
    instead: str
    kinds: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """Where a phrase is right, and why."""

    path: re.Pattern[str]
    phrase: re.Pattern[str]


@dataclass(frozen=True, kw_only=True)
class Hit:
    path: str
    line: int
    phrase: Phrase
    found: str


@dataclass(frozen=True)
class WordList:
    phrases: tuple[Phrase, ...]
    exemptions: tuple[Exemption, ...]
    areas: dict[str, str]
    limits: dict[str, int]

    @classmethod
    def read(cls, path: Path = WORD_LIST) -> "WordList":
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(
            phrases=tuple(
                Phrase(
                    pattern=compiled(row["phrase"]),
                    first_word=first_word(row["phrase"]),
                    source=row["phrase"],
                    instead=row["instead"],
                    kinds=frozenset(row.get("in", KINDS)),
                )
                for row in content["phrases"]
            ),
            exemptions=tuple(
                Exemption(path=re.compile(row["path"]), phrase=compiled(row["phrase"])) for row in content["exemptions"]
            ),
            areas=content["areas"],
            limits=content["limits"],
        )

    def area(self, path: str) -> str:
        """The first area whose pattern matches the path."""
        return next(area for area, pattern in self.areas.items() if re.match(pattern, path))

    @cached_property
    def starting_with(self) -> Callable[[str], tuple[Phrase, ...]]:
        """The phrases that may start with a word: trying each phrase at each word would take half a minute."""
        return cache(lambda word: tuple(phrase for phrase in self.phrases if phrase.first_word.fullmatch(word)))

    def hits(self, text: Text) -> Iterator[Hit]:
        """The phrases found in one text; a longer phrase wins over a shorter one in the same place."""
        found = sorted(
            (
                (match.span(), phrase)
                for word in FIRST_WORD.finditer(text.words)
                for phrase in self.starting_with(word.group().lower())
                if text.kind in phrase.kinds and (match := phrase.pattern.match(text.words, word.start()))
            ),
            key=lambda each: (each[0][0], -each[0][1]),
        )
        exempt = [
            match.span()
            for exemption in self.exemptions
            if exemption.path.match(text.path)
            for match in exemption.phrase.finditer(text.words)
        ]
        end = 0
        for (start, stop), phrase in found:
            if start < end or any(first <= start and stop <= last for first, last in exempt):
                continue
            end = stop
            line = text.line + text.words.count("\n", 0, start)
            yield Hit(path=text.path, line=line, phrase=phrase, found=" ".join(text.words[start:stop].split()))


def compiled(phrase: str) -> re.Pattern[str]:
    """A phrase as a pattern: whole words, in either case, over the end of a line."""
    anywhere = phrase.replace(" ", r"\s+")
    return re.compile(rf"(?<![\w'-])(?:{anywhere})(?![\w'-])", re.IGNORECASE)


def first_word(phrase: str) -> re.Pattern[str]:
    """What matches the first word of each alternative of a phrase."""
    words, depth, start = [""], 0, True
    for character in phrase:
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            words.append("")
            start = True
        elif character == " " and depth == 0:
            start = False
        elif start:
            words[-1] += character
    lookahead = re.compile(r"\(\?[!=].*$")
    alternatives = (lookahead.sub("", word).replace("(?-i:", "(?:") for word in words)
    return re.compile("|".join(f"(?:{word})" for word in alternatives), re.IGNORECASE)


def tracked_files(root: Path = ROOT) -> list[str]:
    """The files in git below `root`, those not yet committed included; all files where `root` is no clone."""
    if not (root / ".git").exists():
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({name for name in names if name and (root / name).is_file()})


def texts_of(path: str, root: Path = ROOT) -> Iterator[Text]:
    """What a person reads in a file; nothing for a file of data."""
    suffix = Path(path).suffix
    if suffix not in TEXTS | {".py"} or Path(path).name in {"LICENSE", ".gitignore", ".gitattributes"}:
        return
    content = (root / path).read_text(encoding="utf-8")
    if suffix == ".py":
        yield from python_texts(path, content)
    else:
        yield Text(path=path, line=1, kind="page", words=ADDRESS.sub("", content))


def python_texts(path: str, content: str) -> Iterator[Text]:
    """The names that a module defines, its docstrings, comments, and the string literals of two words or more."""
    nodes = list(ast.walk(ast.parse(content)))
    yield from names(path, nodes)
    yield from comments(path, content, nodes)
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    inside_f_strings = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            words = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside_f_strings:
            words = node.value
        else:
            continue
        words = ADDRESS.sub("", words)
        if id(node) in docstrings or (" " in words and len(WORD.findall(words)) > 1):
            kind = "docstring" if id(node) in docstrings else "message"
            yield Text(path=path, line=node.lineno, kind=kind, words=words)


def names(path: str, nodes: list[ast.AST]) -> Iterator[Text]:
    """Modules, classes, functions, parameters and variables, each once, split into words."""
    seen = {Path(path).stem: 1}
    for node in nodes:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                seen.setdefault(name, node.lineno)
            case ast.arg(arg=name):
                seen.setdefault(name, node.lineno)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                seen.setdefault(name, node.lineno)
            case _:
                pass
    for name, line in seen.items():
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_+", " ", name).strip()
        yield Text(path=path, line=line, kind="test" if name.startswith("test_") else "name", words=words)


def comments(path: str, content: str, nodes: list[ast.AST]) -> Iterator[Text]:
    """Comments; those on lines that follow each other are one text. `tokenize` would take half of the whole time."""
    inside_strings = {
        line
        for node in nodes
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno and node.end_lineno > node.lineno
        for line in range(node.lineno, node.end_lineno + 1)
    }
    block: list[str] = []
    for number, line in enumerate([*content.splitlines(), ""], start=1):
        found = COMMENT.match(line) if "#" in line and number not in inside_strings else None
        alone = found is not None and line.lstrip().startswith("#")
        if block and not alone:
            yield Text(path=path, line=number - len(block), kind="docstring", words="\n".join(block))
            block = []
        if found and alone:
            block.append(found.group(1))
        elif found:
            yield Text(path=path, line=number, kind="docstring", words=found.group(1))


@dataclass(frozen=True, kw_only=True)
class Count:
    """What was counted: words and hits of each area."""

    words: Counter[str]
    hits: tuple[tuple[str, Hit], ...]

    def of_area(self, area: str) -> int:
        return sum(name == area for name, _ in self.hits)


def count(word_list: WordList, root: Path = ROOT, paths: list[str] | None = None) -> Count:
    """Count the words and the listed phrases in the files given, or in all that git tracks."""
    words: Counter[str] = Counter()
    hits = []
    for path in tracked_files(root) if paths is None else paths:
        area = word_list.area(path)
        for text in texts_of(path, root):
            words[area] += len(WORD.findall(text.words))
            hits += [(area, hit) for hit in word_list.hits(text)]
    return Count(words=words, hits=tuple(hits))


def rate(hits: int, words: int) -> float:
    return 10_000 * hits / max(words, 1)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Count odd phrases in all that a person reads, per 10,000 words.")
    parser.add_argument("paths", nargs="*", help="show each place in the files whose path starts with one of these")
    parser.add_argument("--root", type=Path, default=ROOT, help="another git clone or folder, for comparison")
    parser.add_argument("--phrases", action="store_true", help="count each phrase")
    options = parser.parse_args(arguments)
    word_list = WordList.read()
    counted = count(word_list, options.root)
    if options.paths:
        for _, hit in counted.hits:
            if hit.path.startswith(tuple(options.paths)):
                print(f"{hit.path}:{hit.line}: {hit.found} -> {hit.phrase.instead}")
        return 0
    if options.phrases:
        for source, number in Counter(hit.phrase.source for _, hit in counted.hits).most_common():
            print(f"{number:6}  {source}")
        return 0
    rows = [(area, counted.of_area(area), counted.words[area]) for area in word_list.areas]
    for area, hits, words in [*rows, ("all", len(counted.hits), counted.words.total())]:
        print(f"{area:12} {hits:6} in {words:7} words: {rate(hits, words):6.1f} per 10,000")
    return 0


if __name__ == "__main__":
    sys.exit(main())
