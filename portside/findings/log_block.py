"""The error in a program's log: its block of lines, and the line that names the reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINES_SHOWN = 6
_LINES_OF_A_BLOCK = 12
_FRAMES_SHOWN = 2

# A name as languages write those of errors: `TypeError:`, `java.lang.IllegalStateException:`, `MongoServerError:`.
_TYPED = re.compile(
    r"(?:^|[\s\"'(>\]|])(?P<said>(?:[A-Za-z_][\w$]*(?:\.|::|\\))*_?[A-Z][\w$]*(?:Error|Exception|Fault|Exit"
    r"|Panic)(?:\s\[\w+\])?"
    r"(?::\s|\s\(|$).*)"
)
_FATAL = re.compile(
    r"^\s*(?:panic|fatal error|fatal)\b\s?[:(]|panicked at|\[(?:emerg|alert|crit)\]|APPLICATION FAILED TO START"
    r"|Unhandled [Ee]xception|\bUncaught\b|Traceback \(most recent call last\)|^Exception in thread"
    r"|\bFATAL\b|\bCRITICAL\b|^Error:|Fatal error:|\(\w+(?:::\w+)*(?:Error|[A-Z]{5,})\)\s*$",
)
_PROBLEM = re.compile(
    r"error|exception|fatal|panic|\bfail(?:ed|ure|s)?\b|denied|refused|cannot|can't|can not|could not|couldn't|unable"
    r"|timed? ?out|killed|not found|no such|not set|missing|required|invalid|unknown|unrecognized|illegal|unbound",
    re.I,
)
# Lines that only say that an earlier step failed.
_CONSEQUENCE = re.compile(
    r"npm (?:ERR!|error)(?! (?:[Mm]issing|enoent|code E[A-Z]+\b(?<!ELIFECYCLE)))|error Command failed|ELIFECYCLE"
    r"|Worker exiting|Worker failed to boot|HaltServer|\bShutting down\b|exited with (?:code|exit|status)"
    r"|exit status \d"
    r"|A complete log of this run|^Node\.js v\d|Application run failed|Application startup failed. Exiting"
    r"|[Pp]rocess exited|Error: Command failed|^make: \*\*\*|SystemExit|Stopping service \[Tomcat\]"
    r"|Failed to start server|Error occurred during initialization of VM|Could not create the Java Virtual Machine"
    r"|A fatal exception has occurred",
)
_CHAINED = re.compile(
    r"^\s*(?:Caused by:|\[?cause\]?: |caused by: |--->|Wrapped by:|During handling of|The above exception|Traceback|"
    r"Suppressed:)"
)
_CAUSE = re.compile(r"^\s*(?:Caused by:|\[?cause\]?:|--->)\s*(?P<said>.+)")
_FRAME = re.compile(
    r"^\s+(?:at\s|\.\.\. \d+ (?:more|common)|File \"|from\s\S+:\d+:in)|^\s*\.\.\. \d+ more|^goroutine \d+"
    r"|^\t\S+\.go:\d+"
    r"|^\S+\.\S+\(.*\)$|^\s*\^+\s*$|^created by |^\s+\d+: |^#\d+ "
)
_OF_ANOTHER_LEVEL = re.compile(
    r"(?i:^\W*|\[|\(|level[\"']?[=:]\s?[\"']?|\d\d:\d\d:\d\d\S*\s+(?:\[[^\]]*\]\s+|\S+@\S+\s+)*)"
    r"(?i:trace|debug|info|notice|warn|warning)(?=[\]\)\s\":|]|$)(?!\S*Error)|:\s(?:info|notice|debug|warn(?:ing)?):\s"
)
# Spring writes why it gives up as a warning.
_ERROR_AT_ANY_LEVEL = re.compile(r"Exception encountered during context initialization")
_CONTINUES_ANYWAY = re.compile(
    r"\b(?:[Pp]roceeding|[Cc]ontinuing|[Ii]gnoring|[Ss]kipping|[Ff]alling back|[Uu]sing (?:the )?defaults?)\b"
)
_DESCRIPTION = re.compile(r"^\s*Description:\s*$")


@dataclass(frozen=True)
class ErrorBlock:
    """The lines of an error, and the `reason` among them; `rest` are the other lines.

    Without an error `lines` is empty and `reason` too.
    """

    lines: tuple[str, ...] = ()
    reason: str = ""
    rest: tuple[str, ...] = ()

    @property
    def last(self) -> str:
        """The last line of a log without an error, ignoring lines that only say that something failed."""
        lines = [line for line in self.rest if not _CONSEQUENCE.search(line)]
        return (lines or list(self.rest) or [""])[-1].strip()

    @property
    def shown(self) -> tuple[str, ...]:
        """The lines to quote: the block without most of its frames; without a block the end of the log."""
        if not self.lines:
            return self.rest[-_LINES_SHOWN:]
        kept: list[str] = []
        frames = 0
        for line in self.lines:
            frames = frames + 1 if _FRAME.search(line) else 0
            if frames <= _FRAMES_SHOWN and line.strip():
                kept.append(line)
        if len(kept) <= _LINES_OF_A_BLOCK:
            return tuple(kept)
        # The reason of a chain is its last line.
        half = _LINES_OF_A_BLOCK // 2
        return (*kept[:half], *kept[-half:])


def read_block(log: Sequence[str]) -> ErrorBlock:
    """The last error in a log that is no mere consequence of one before it."""
    lines = tuple(line for line in log if line.strip())
    begin = _begin(lines)
    if begin is None:
        return ErrorBlock(rest=lines)
    start, end = _above(lines, begin), _below(lines, begin)
    block = lines[start:end]
    return ErrorBlock(block, _reason(block, begin - start), lines[:start] + lines[end:])


def is_remark(line: str) -> bool:
    """Whether a line is logged below error level, or says that the program continues."""
    if _ERROR_AT_ANY_LEVEL.search(line):
        return False
    return bool(_OF_ANOTHER_LEVEL.search(line[:120]) or _CONTINUES_ANYWAY.search(line))


def _begin(lines: Sequence[str]) -> int | None:
    """The line number of the last error, by the most reliable sign."""
    own = [number for number, line in enumerate(lines) if not _CONSEQUENCE.search(line)]
    own = [number for number in own if not _FRAME.search(lines[number]) and not is_remark(lines[number])]
    for signs in ((_FATAL, _TYPED), (_PROBLEM,)):
        found = [number for number in own if any(sign.search(lines[number]) for sign in signs)]
        if found:
            # Of those that belong together the first.
            last = found[-1]
            while last - 1 in found or (last - 1 >= 0 and _continues(lines, last)):
                last -= 1
            return last
    return None


def _continues(lines: Sequence[str], number: int) -> bool:
    """Whether a line belongs to the same block as the line before it."""
    line = lines[number]
    return bool(_FRAME.search(line) or _CHAINED.search(line) or line[:1] in (" ", "\t", "}"))


def _above(lines: Sequence[str], begin: int) -> int:
    """The first line of a block: Python's traceback and node's excerpt precede the error."""
    start = begin
    while start > 0 and (
        _continues(lines, start)
        or lines[start - 1][:1] in (" ", "\t")
        or _FRAME.search(lines[start - 1])
        or _CHAINED.search(lines[start - 1])
        or re.search(r"^(?:node:|file://|/)\S+:\d+$|Exception in worker process", lines[start - 1])
    ):
        start -= 1
    return start


def _below(lines: Sequence[str], begin: int) -> int:
    """After the last line of a block."""
    end = begin + 1
    is_report = "APPLICATION FAILED TO START" in lines[begin]
    # Each of what it lists is a name, and what is wrong with it below.
    is_list = "validation error" in lines[begin]
    while end < len(lines) and (
        is_report
        or (end == begin + 1 and lines[begin].rstrip().endswith(":"))
        or _continues(lines, end)
        or (is_list and end + 1 < len(lines) and _continues(lines, end + 1))
        or (not _CONSEQUENCE.search(lines[end]) and not is_remark(lines[end]) and _is_error(lines[end]))
    ):
        end += 1
    return end


def _is_error(line: str) -> bool:
    return bool(_FATAL.search(line) or _TYPED.search(line) or _PROBLEM.search(line))


def _reason(block: Sequence[str], header: int) -> str:
    """The line that names the reason: the end of a chain of causes, the description of a report, else its error."""
    causes = [found["said"] for line in block if (found := _CAUSE.search(line)) and found["said"].strip(" {[")]
    if causes:
        return causes[-1].strip()
    described = next((number for number, line in enumerate(block) if _DESCRIPTION.search(line)), None)
    if described is not None:
        description = [line.strip() for line in block[described + 1 :] if line.strip()]
        end = next(
            (number for number, line in enumerate(description) if re.match(r"Action:?$", line)), len(description)
        )
        return " ".join(description[:end][:4])
    for number, line in enumerate(block):
        if "panicked at" in line and number + 1 < len(block) and line.rstrip().endswith(":"):
            return block[number + 1].strip()
    typed = [found["said"] for line in block if not _FRAME.search(line) and (found := _TYPED.search(line))]
    is_python = any("Traceback (most recent" in line for line in block)
    if typed:
        return (typed[-1] if is_python else typed[0]).strip()
    fatal = next((line for line in block if _FATAL.search(line) and "APPLICATION" not in line), None)
    return (fatal or block[header]).strip()
