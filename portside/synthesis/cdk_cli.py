"""The CDK's command line, run as a child process; this is the only module that knows its options."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from portside import redact
from portside.aws.errors import EXPIRED, THROTTLED
from portside.aws.target import Target
from portside.config.configuration import ROOT
from portside.config.context_flags import REHEARSAL, REREAD
from portside.emulator.client import connection
from portside.errors import UserError
from portside.images.resolution import Resolution
from portside.images.synthesis_images import IMAGES_FILE, keep
from portside.synthesis import kept_templates
from portside.synthesis.assembly import Stack, read_assembly
from portside.terminal.console import print_from_program

ALL_AT_ONCE = 20
"""How many stacks are deployed side by side: more than there are, so that only their dependencies order them."""

VALIDATION = "CDK_VALIDATION"
"""The variable by which the CDK leaves out what takes most of a synthesis: checks by CloudFormation's rules."""

Listener = Callable[[str], None]

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_TRACE = re.compile(r"at \S.*:\d+:\d+\)?$")
# It is another one each time, and says nothing to a person.
_REQUEST = re.compile(r"\(RequestToken: [0-9a-f-]+, ?")
_MOST_LINES = 12
_LOST = re.compile(
    rf"\b({'|'.join(sorted(THROTTLED))}|Rate exceeded|TimeoutError|NetworkingError"
    r"|ECONNRE(?:SET|FUSED)|EAI_AGAIN|ENOTFOUND|ETIMEDOUT|EPIPE|socket hang up)\b"
)
_EXPIRED = re.compile(rf"\b({'|'.join(sorted(EXPIRED))})\b|security token included in the request is (expired|invalid)")


def synthesize(
    target: Target, images: Resolution, context: Mapping[str, str], on_line: Listener, *, validate: bool = True
) -> tuple[Stack, ...]:
    """Write the templates of the target's environment with these images; its stacks, those that others need first.

    Templates that were made of the same before are taken as they were kept, unless stacks are to be reread.
    """
    images_file = target.assembly_dir.with_suffix(".images.json")
    keep(images, images_file)
    chosen = {IMAGES_FILE: str(images_file)} | ({} if validate else {VALIDATION: "false"})
    variables = {**_variables(target), **chosen}
    flags = ({REHEARSAL: "true"} if target.is_local else {}) | dict(context)
    if REREAD in flags:
        # Each time is another one: the moment stands in these templates.
        _make(target, flags, on_line, variables)
        return read_assembly(target.assembly_dir)
    validated = variables.get(VALIDATION) != "false"
    digest = kept_templates.digest_of(variables, images.written(), flags)
    if not kept_templates.bring(digest, target.assembly_dir, validated=validated):
        _make(target, flags, on_line, variables)
        # Somebody may have changed a file meanwhile: then nobody knows of which content these were made.
        if kept_templates.digest_of(variables, images.written(), flags) == digest:
            kept_templates.keep(digest, target.assembly_dir, validated=validated)
    return read_assembly(target.assembly_dir)


def _make(target: Target, flags: Mapping[str, str], on_line: Listener, variables: Mapping[str, str]) -> None:
    if not _synthesized_by_the_app(target, flags, variables):
        _run(target, _synth_arguments(target, flags), on_line, variables=variables)


def _synthesized_by_the_app(target: Target, flags: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Whether the app did it alone, which saves the command line's start; that tells better why something is wrong."""
    told = {"CDK_OUTDIR": str(target.assembly_dir), "CDK_CONTEXT_JSON": json.dumps(flags)}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**variables, **told},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return done.returncode == 0


def _synth_arguments(target: Target, flags: Mapping[str, str]) -> list[str]:
    app = f"{shlex.quote(sys.executable)} app.py"
    context = [word for key, value in flags.items() for word in ("--context", f"{key}={value}")]
    return ["synth", "--quiet", "--app", app, "--output", str(target.assembly_dir), *context]


def bootstrap(target: Target, on_line: Listener) -> None:
    """Make what the CDK needs in an account, once (a bucket for templates, roles)."""
    place = f"aws://{target.environment.account}/{target.environment.region}"
    # No app: otherwise the CLI would synthesize the one of cdk.json.
    _run(target, ["bootstrap", place, "--app", ""], on_line)


def deploy(target: Target, stacks: Sequence[str], on_line: Listener) -> None:
    """Deploy stacks of the target's assembly. Raises `CdkFailed` when one of them could not be."""
    _run(
        target,
        [
            *("deploy", *stacks, *_from_assembly(target), "--exclusively"),
            *("--require-approval", "never", "--concurrency", str(ALL_AT_ONCE), "--progress", "events"),
        ],
        on_line,
    )


def diff(target: Target, *, to_stderr: bool = False) -> None:
    """Print how the deployed stacks differ from the target's assembly."""
    _run(target, ["diff", *_from_assembly(target)], None, output=sys.stderr if to_stderr else None)


def destroy(target: Target, stacks: Sequence[str], on_line: Listener) -> None:
    """Delete stacks of the target's assembly. Raises `CdkFailed` when one of them could not be."""
    _run(
        target,
        ["destroy", *stacks, *_from_assembly(target), "--exclusively", "--force", "--concurrency", str(ALL_AT_ONCE)],
        on_line,
    )


class CdkFailed(UserError):
    """The CDK's command line ended with an error; `output` is all that it said, `reasons` its errors in a line each."""

    def __init__(self, verb: str, output: str) -> None:
        self.output, self.reasons = output, reasons_in(output)
        said = self.reasons or _last_words(output)
        super().__init__("\n".join([": ".join([f"cdk {verb} failed", *said[:1]]), *said[1:]]))

    @property
    def has_lost_aws(self) -> bool:
        """Whether it could not ask AWS any longer, which goes on: throttled, no connection, or expired credentials."""
        return not self.is_of_a_resource and bool(_LOST.search(self.output) or _EXPIRED.search(self.output))

    @property
    def is_of_a_resource(self) -> bool:
        """Whether CloudFormation named a resource that failed, which is another thing than losing AWS."""
        return any("HandlerErrorCode" in each or "_FAILED" in each or "AWS::" in each for each in self.reasons)


def _variables(target: Target) -> dict[str, str]:
    return {**target.process_environment, "ENV": target.environment.name}


def _from_assembly(target: Target) -> list[str]:
    return ["--app", str(target.assembly_dir)]


def _run(
    target: Target,
    arguments: Sequence[str],
    on_line: Listener | None,
    *,
    output: IO[str] | None = None,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Run the CLI; each line of its talk goes to `on_line`, or where that is None straight to the person (`output`)."""
    process = subprocess.Popen(
        [
            str(Path(sys.prefix) / "bin" / "cdk"),
            *arguments,
            "--no-notices",
            *(() if on_line is None else ("--no-color",)),
        ],
        cwd=ROOT,
        env={**_variables(target), **(_colours(output) if on_line is None else {}), **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if on_line is None else subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    said: list[str] = []
    lines = redact.current().stream()
    talk = threading.Thread(target=_pass_on, args=(process.stderr or (), sys.stderr))
    talk.start()
    try:
        if on_line is None:
            _pass_on(process.stdout or (), output)
        for line in process.stdout or ():
            said.append(lines.line(line.rstrip()) + "\n")
            if on_line is not None:
                on_line(said[-1].rstrip())
        talk.join()
        process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if process.returncode != 0:
        if target.is_local and (died := connection.death()):
            raise died
        raise CdkFailed(arguments[0], "".join(said))


def _pass_on(lines: Iterable[str], to: IO[str] | None) -> None:
    """Print what the CLI says, as it comes, without secrets."""
    stream = redact.current().stream()
    for line in lines:
        with contextlib.suppress(OSError, ValueError):
            print_from_program(stream, line, to or sys.stdout)


def _colours(output: IO[str] | None) -> dict[str, str]:
    """The CLI writes into a pipe, and can't know that a person sees it."""
    is_coloured = (output or sys.stdout).isatty() and not os.environ.get("NO_COLOR")
    return {"FORCE_COLOR": "1"} if is_coloured else {}


def reasons_in(output: str) -> tuple[str, ...]:
    """The errors with which the CDK's command line ended, a line for each stack."""
    blocks: list[list[str]] = []
    for line in _COLOURS.sub("", output).splitlines():
        words = line.strip()
        if words.startswith("❌"):
            blocks.append([words.removeprefix("❌")])
        elif blocks and words and not _TRACE.match(words) and " | " not in words:
            blocks[-1].append(words.removeprefix("‣"))
    told = (
        _REQUEST.sub("(", ": ".join(filter(None, map(_spaced, (block[:1], block[1:_MOST_LINES]))))) for block in blocks
    )
    return tuple(dict.fromkeys(each.replace("(RequestToken)", "") for each in told if each))


def _spaced(lines: Sequence[str]) -> str:
    return " ".join(" ".join(lines).split())


def _last_words(output: str) -> tuple[str, ...]:
    """What it said last where it names no error as such, without the progress of stacks and places in its code."""
    lines = [line.rstrip() for line in _COLOURS.sub("", output).splitlines() if line.strip()]
    return tuple(line for line in lines if " | " not in line and not _TRACE.match(line.strip()))[-_MOST_LINES:]
