"""The CDK CLI as a child process; the only module that knows its options."""

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
from portside.repository import PACKAGE_FOLDER
from portside.synthesis import image_builder, kept_templates
from portside.synthesis.assembly import Stack, read_assembly
from portside.terminal.console import print_from_program

ALL_AT_ONCE = 20
"""The most stacks that are deployed in parallel; among so many only dependencies order them."""

VALIDATION = "CDK_VALIDATION"
"""The variable that switches off the CDK's validation, which takes most of a synthesis."""

Listener = Callable[[str], None]

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_TRACE = re.compile(r"at \S.*:\d+:\d+\)?$")
# It differs each time, and is of no use to the reader.
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
    """Synthesize the target's environment with these images. Returns its stacks in the order of their dependencies.

    Cached templates of the same inputs are used, except with `REREAD`.
    """
    images_file = target.assembly_dir.with_suffix(".images.json")
    keep(images, images_file)
    chosen = {IMAGES_FILE: str(images_file)} | ({} if validate else {VALIDATION: "false"})
    variables = {**_variables(target), **chosen}
    flags = ({REHEARSAL: "true"} if target.is_local else {}) | dict(context)
    if REREAD in flags:
        # These templates contain the current time, so they are never the same.
        _make(target, flags, on_line, variables)
        return read_assembly(target.assembly_dir)
    validated = variables.get(VALIDATION) != "false"
    digest = kept_templates.digest_of(variables, images.written(), flags)
    if not kept_templates.bring(digest, target.assembly_dir, validated=validated):
        _make(target, flags, on_line, variables)
        # If a file was changed meanwhile, it is unknown which content the templates are from.
        if kept_templates.digest_of(variables, images.written(), flags) == digest:
            kept_templates.keep(digest, target.assembly_dir, validated=validated)
    return read_assembly(target.assembly_dir)


def _make(target: Target, flags: Mapping[str, str], on_line: Listener, variables: Mapping[str, str]) -> None:
    if not _synthesized_by_the_app(target, flags, variables):
        _run(target, _synth_arguments(target, flags), on_line, variables=variables)


def _synthesized_by_the_app(target: Target, flags: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Whether the app succeeded without the CDK CLI, which saves its start; the CLI reports errors better."""
    cdk_variables = {"CDK_OUTDIR": str(target.assembly_dir), "CDK_CONTEXT_JSON": json.dumps(flags)}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**variables, **cdk_variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return done.returncode == 0


def _program() -> str:
    """The CDK CLI that the package pins. Raises `UserError` if it is not installed."""
    places = (Path(sys.prefix) / "bin" / "cdk", ROOT / "node_modules" / ".bin" / "cdk")
    found = next((str(each) for each in places if each.is_file()), None)
    if found is None:
        command = (
            "npm ci" if (ROOT / "package-lock.json").is_file() else f"npm install --no-save aws-cdk@{_pinned_version()}"
        )
        raise UserError(
            f"the CDK CLI is not installed in {ROOT}", f"Install it: cd {shlex.quote(str(ROOT))} && {command}"
        )
    return found


def _pinned_version() -> str:
    package = json.loads((PACKAGE_FOLDER / "portside/scaffold/files/package.json").read_text(encoding="utf-8"))
    return str(package["devDependencies"]["aws-cdk"])


def _synth_arguments(target: Target, flags: Mapping[str, str]) -> list[str]:
    app = f"{shlex.quote(sys.executable)} app.py"
    context = [word for key, value in flags.items() for word in ("--context", f"{key}={value}")]
    return ["synth", "--quiet", "--app", app, "--output", str(target.assembly_dir), *context]


def bootstrap(target: Target, on_line: Listener) -> None:
    """Bootstrap an account for the CDK (a bucket for templates, roles)."""
    place = f"aws://{target.environment.account}/{target.environment.region}"
    # No app: otherwise the CLI would synthesize the one of cdk.json.
    _run(target, ["bootstrap", place, "--app", ""], on_line)


def deploy(target: Target, stacks: Sequence[str], on_line: Listener, *, are_new: bool = False) -> None:
    """Deploy stacks of the target's assembly. Raises `CdkFailed` when one of them could not be.

    A rehearsal creates stacks that `are_new` without change sets: there they only take time, a third of all its calls.
    Raises `UserError` if this machine can't build an image that they need.
    """
    is_built = image_builder.builds_images(target.assembly_dir)
    builder = {image_builder.VARIABLE: image_builder.find_builder(target.process_environment)} if is_built else None
    _run(
        target,
        [
            *("deploy", *stacks, *_from_assembly(target), "--exclusively"),
            *("--require-approval", "never", "--concurrency", str(ALL_AT_ONCE), "--progress", "events"),
            *(("--method", "direct") if are_new and target.is_local else ()),
        ],
        on_line,
        variables=builder,
    )


def diff(target: Target, *, to_stderr: bool = False) -> None:
    """Print how the deployed stacks differ from the target's assembly, on stdout in CI and elsewhere."""
    _run(target, ["diff", *_from_assembly(target), "--ci"], None, output=sys.stderr if to_stderr else None)


def destroy(target: Target, stacks: Sequence[str], on_line: Listener) -> None:
    """Delete stacks of the target's assembly. Raises `CdkFailed` when one of them could not be."""
    _run(
        target,
        ["destroy", *stacks, *_from_assembly(target), "--exclusively", "--force", "--concurrency", str(ALL_AT_ONCE)],
        on_line,
    )


class CdkFailed(UserError):
    """The CDK CLI failed; `output` is its whole output, `reasons` its errors in a line each."""

    def __init__(self, verb: str, output: str) -> None:
        self.output, self.reasons = output, reasons_in(output)
        said = self.reasons or _last_words(output)
        super().__init__("\n".join([": ".join([f"cdk {verb} failed", *said[:1]]), *said[1:]]))

    @property
    def has_lost_aws(self) -> bool:
        """Whether it lost AWS, which continues: throttled, no connection, or expired credentials."""
        return not self.is_of_a_resource and bool(_LOST.search(self.output) or _EXPIRED.search(self.output))

    @property
    def is_of_a_resource(self) -> bool:
        """Whether CloudFormation named a resource that failed, so AWS was not lost."""
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
    """Run the CLI. Each line of its output goes to `on_line` or, if that is None, to `output`."""
    process = subprocess.Popen(
        [
            _program(),
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
    errors = threading.Thread(target=_pass_on, args=(process.stderr or (), sys.stderr))
    errors.start()
    try:
        if on_line is None:
            _pass_on(process.stdout or (), output)
        for line in process.stdout or ():
            said.append(lines.line(line.rstrip()) + "\n")
            if on_line is not None:
                on_line(said[-1].rstrip())
        errors.join()
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
    """The CLI writes into a pipe, so it does not detect the terminal."""
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
    reasons = (
        _REQUEST.sub("(", ": ".join(filter(None, map(_spaced, (block[:1], block[1:_MOST_LINES]))))) for block in blocks
    )
    return tuple(dict.fromkeys(each.replace("(RequestToken)", "") for each in reasons if each))


def _spaced(lines: Sequence[str]) -> str:
    return " ".join(" ".join(lines).split())


def _last_words(output: str) -> tuple[str, ...]:
    """The last lines of output without a marked error, without progress and stack traces."""
    lines = [line.rstrip() for line in _COLOURS.sub("", output).splitlines() if line.strip()]
    return tuple(line for line in lines if " | " not in line and not _TRACE.match(line.strip()))[-_MOST_LINES:]
