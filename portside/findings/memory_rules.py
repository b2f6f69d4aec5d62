"""Memory: the kernel's limit for the task, the heap of a program, and the limits that programs set themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from portside.findings.finding import Finding
from portside.findings.rule_context import RuleContext, more_memory

_HEAP = re.compile(
    r"JavaScript heap out of memory|java\.lang\.OutOfMemoryError|Reached heap limit|GC overhead limit|^\s*MemoryError\b"
    r"|runtime: out of memory|System\.OutOfMemoryException|NoMemoryError|std::bad_alloc"
    r"|Insufficient memory for the Java Runtime|Could not reserve enough space|Native memory allocation"
    r"|Cannot allocate memory|ENOMEM"
    r"|memory allocation of \d+ bytes failed",
    re.I,
)
# Java launchers compare the task's memory with what the runtime needs in addition to the heap.
_CALCULATOR = re.compile(
    r"calculate (?:\w+ )?memory configuration|insufficient memory remaining for heap|required memory \d+\w? is greater",
    re.I,
)
_KERNEL = re.compile(
    r"Perhaps out of memory|oom[-_ ]?kill|Out of memory: Kill"
    r"|^\S*:? ?(?:line \d+: +)?(?:\d+ )?Killed\b",
    re.I,
)
_OWN_LIMIT = re.compile(r"Allowed memory size of (\d+) bytes exhausted")


def out_of_memory(context: RuleContext, lines: Sequence[str]) -> Finding | None:
    """The kernel killed the container or a process in it, or the program's heap is full."""
    ended = context.exited
    heap = next((line for line in lines if _HEAP.search(line)), None)
    child = next((line for line in lines if _KERNEL.search(line)), None)
    calculated = next((line for line in lines if _CALCULATOR.search(line)), None)
    killed = "OutOfMemory" in context.words
    if limit := next((found for line in lines if (found := _OWN_LIMIT.search(line))), None):
        return _php_memory(context, int(limit[1]) // 2**20)
    if not killed and heap is None and child is None and calculated is None:
        return None
    size = more_memory(context)
    code = f" (exit code {ended.exit_code})" if ended and ended.exit_code is not None else ""
    if killed:
        sentence = f"it used more than the {context.memory} MiB of its task, and was killed"
    elif calculated is not None:
        sentence = f"its Java runtime needs more than the {context.memory} MiB of its task to start"
    elif heap is not None:
        sentence = f"the heap of its program was full ({context.memory} MiB are the task's limit)"
    else:
        sentence = f"a process of it was killed, probably at the {context.memory} MiB of its task"
    line = calculated or heap or child
    return context.found(
        "OUT_OF_MEMORY",
        f"out of memory: {sentence}{code}",
        look=context.field("memory"),
        fix=f"memory={size} of {context.name} in app.py (it has {context.memory}), then: {context.deploy}",
        evidence=context.evidence_with(line) if line else None,
    )


def _php_memory(context: RuleContext, mib: int) -> Finding:
    return context.found(
        "OUT_OF_MEMORY.OWN_LIMIT",
        f"out of memory: PHP's own limit of {mib} MiB (memory_limit), not the {context.memory} MiB of its task",
        look=context.log,
        fix=f"A larger memory_limit in the image's php.ini; where that comes near {context.memory} MiB: "
        f"memory={more_memory(context)} of {context.name} in app.py; then: {context.deploy}",
    )


def killed_at_limit(context: RuleContext) -> Finding | None:
    """ECS reports that memory was exceeded."""
    return out_of_memory(context, ()) if "OutOfMemory" in context.words else None
