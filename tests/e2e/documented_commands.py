"""The commands of the documentation's pages as scripts, for a clone and its embedded AWS."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click

from portside.cli.main import program
from tests.e2e.clone import LONGEST_SECONDS, Clone
from tests.unit.documents import Block, blocks

RULES = Path(__file__).with_suffix(".toml")
_PLACEHOLDER = re.compile(r"<([a-z-]+)>")

# Records commands that fail, checks expected exit codes, and looks up the values of placeholders.
_PREAMBLE = r"""
trap 'printf "%s (exit code %s)\n" "$BASH_COMMAND" "$?" >>"$FAILURES"' ERR
set -E
exits() { local expected=$1 code; shift; "$@" && code=0 || code=$?; [ "$code" = "$expected" ]; }
listed() { aws ecs "$@" --output text | tr '\t' '\n' | sed 's#.*/##' | grep -m 1 -e "$pattern"; }
service() { pattern=agora-dev-$1 listed list-services --cluster "$(placeholder cluster-name)" --query 'serviceArns[]'; }
placeholder() {
  case $1 in
    cluster-name) pattern=agora-dev listed list-clusters --query 'clusterArns[]' ;;
    service-name | app-service-name) service app ;;
    apex-service-name) service apex ;;
  esac
}
"""


@dataclass(frozen=True)
class Run:
    """The output of some pages' commands, and the commands that did not end as expected."""

    output: str
    failures: str


@cache
def rules() -> Mapping[str, Any]:
    """The declared exceptions."""
    return tomllib.loads(RULES.read_text(encoding="utf-8"))


def rule(kind: str, page: str, command: str) -> Mapping[str, Any] | None:
    """The first row of a kind that matches the command."""
    rows = (row for row in rules()[kind] if row.get("page", page) == page)
    return next((row for row in rows if re.fullmatch(row["command"], command)), None)


def shown_commands(block: Block) -> Iterator[str]:
    """The commands of a block, without comments; the lines of a function or loop are one command."""
    pending = ""
    for line in block.text.replace("\\\n", " ").splitlines():
        code = re.sub(r"(^|\s+)#\s.*", "", line)
        pending = f"{pending}\n{code}" if pending else code
        if _is_whole(pending):
            if pending.strip():
                yield re.sub(r" {2,}", " ", pending.strip())
            pending = ""
    assert not pending, f"{block.page}:{block.line}: the block ends within a command"


@cache
def _is_whole(text: str) -> bool:
    if not re.search(r"[{(]|\b(for|while|if)\b", text):
        return True
    parsed = subprocess.run(["bash", "-n", "-c", _PLACEHOLDER.sub("x", text)], capture_output=True, check=False)
    return parsed.returncode == 0


def commands_of(page: str) -> Iterator[str]:
    """The commands of a page that are run, in order."""
    for block in blocks(page):
        if block.language == "bash":
            yield from (each for each in shown_commands(block) if rule("not_run", page, each) is None)


def script(pages: Sequence[str]) -> str:
    """The commands of these pages, in order. On a rehearsal that several pages share, each command runs once."""
    done = set[str]()
    lines = [_PREAMBLE]
    for page in pages:
        lines.append(f"echo '@@ {page}'")
        for shown in commands_of(page):
            command = rehearsed(shown)
            if len(pages) == 1 or command not in done:
                row = rule("fails", page, shown)
                lines.append(f"exits {row['exit_code']} {_as_run(command)}" if row else _as_run(command))
            done.add(command)
    return "\n".join(lines) + "\n"


def _as_run(command: str) -> str:
    text = _PLACEHOLDER.sub(r'"$(placeholder \1)"', command)
    return text.replace("./agora ", f"{shlex.quote(sys.executable)} -m agora_own ")


def rehearsed(command: str) -> str:
    """The command with --local instead of a profile, if it has that option."""
    match = re.match(r"(?:AWS_PROFILE=\S+ )?(\./agora .*)", command)
    if not match:
        return command
    words = shlex.split(match[1].split(">")[0])[1:]
    leaf: click.Command = program
    while isinstance(leaf, click.Group):
        found = leaf.get_command(click.Context(leaf), words.pop(0))
        assert found is not None, command
        leaf = found
    has_option = any("--local" in option.opts for option in leaf.params)
    return f"{match[1]} --local" if has_option and not {"--local", "--templates"} & set(words) else match[1]


def run(pages: Sequence[str], clone: Clone, programs: Path) -> Run:
    """Run the pages' commands in a clone from which dev was deployed; `aws` and `cdk` are written to `programs`."""
    failures = programs / "failures"
    failures.touch()
    tool = f'exec {shlex.quote(sys.executable)} -m agora_own local env "${{ENV:-dev}}" --'
    for name, command in (("aws", "aws"), ("cdk", shlex.quote(str(Path(sys.prefix) / "bin" / "cdk")))):
        program = programs / name
        program.write_text(f'#!/bin/sh\n{tool} {command} "$@"\n')
        program.chmod(0o755)
    variables = clone.environment(FAILURES=str(failures))
    done = subprocess.run(
        ["bash", "-c", script(pages)],
        cwd=clone.folder,
        env=variables | {"PATH": f"{programs}{os.pathsep}{variables['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_SECONDS * 2,
        check=False,
    )
    return Run(done.stdout, failures.read_text())


# Values that differ from run to run, and their replacements in a comparison.
_VARIABLE = (
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?( UTC|Z)?", "TIME"),
    (r"\b\d+ (s|min|h|days) ago\b", "AGE"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"[0-9a-f]{14}-[0-9a-z]{8}\.us-east-1\.elb", "ID.us-east-1.elb"),
    (r"\b[0-9a-z]{8}\.us-east-1\.elb", "ID.us-east-1.elb"),
    (r"\bdeploy of (\S+) by \S+,", r"deploy of \1 by PERSON,"),
    (r"\btask [0-9a-f]{8}\b", "task ID"),
    (r"\s+", " "),
)


def comparable(text: str) -> str:
    """Text without what differs from run to run."""
    for pattern, instead in _VARIABLE:
        text = re.sub(pattern, instead, text)
    return text.strip()


def not_printed(shown: str, printed: str) -> str | None:
    """The first part of a shown output that was not printed after the part before it; `…` matches any text."""
    output, at = comparable(printed), 0
    for part in (comparable(each) for line in shown.splitlines() for each in line.split("…")):
        if part and (found := output.find(part, at)) == -1:
            return part
        at = found + len(part) if part else at
    return None
