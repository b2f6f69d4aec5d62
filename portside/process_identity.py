"""Identifies a process of a machine, also after its number has been reused."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class ProcessIdentity:
    """A process, with its start and the boot of its machine, because process numbers are reused."""

    host: str
    boot: str
    namespace: str
    pid: int
    started: str

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def this_process() -> ProcessIdentity:
    """The current process."""
    pid = os.getpid()
    return ProcessIdentity(
        host=socket.gethostname(), boot=_boot(), namespace=_namespace(), pid=pid, started=_started(pid)
    )


def parse(fields: object) -> ProcessIdentity | None:
    """The identity from its fields; None if they are not valid."""
    if not isinstance(fields, Mapping):
        return None
    with contextlib.suppress(KeyError, TypeError, ValueError):
        texts = {name: str(fields[name]) for name in ("host", "boot", "namespace", "started")}
        return ProcessIdentity(**texts, pid=int(fields["pid"]))
    return None


def is_dead(process: ProcessIdentity) -> bool:
    """Whether it ran on this machine and has ended; False also if that is unknown."""
    here = this_process()
    if not process.host or process.host != here.host:
        return False
    if not process.boot or not here.boot:
        return False
    if process.boot != here.boot:
        return True
    # Containers on one machine have separate process numbers.
    if process.namespace != here.namespace or not process.started:
        return False
    return _started(process.pid) != process.started


def _boot() -> str:
    with contextlib.suppress(OSError):
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return _output_of("sysctl", "-n", "kern.boottime") if sys.platform == "darwin" else ""


def _namespace() -> str:
    with contextlib.suppress(OSError):
        return os.readlink(_PROC / "self/ns/pid")
    return ""


def _started(pid: int) -> str:
    """The start of a process, in the system's format; empty if it doesn't exist."""
    if (_PROC / "self/stat").exists():
        try:
            # The name in parentheses can contain spaces; a zombie has ended.
            fields = (
                (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            )
        except OSError:
            return ""
        return "" if fields[0] in ("Z", "X") else fields[19]
    return _output_of("ps", "-o", "lstart=", "-p", str(pid))


def _output_of(*command: str) -> str:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    return ""
