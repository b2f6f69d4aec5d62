"""The saved states of the embedded AWS, one complete file each; the newest undamaged file is used."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from portside import state_file

FORMAT = 1
LIMIT = 2

_PREFIX = "generation-"
_UNSAVED = "unsaved"
_TITLE = "the saved state of the embedded AWS"


@dataclass(frozen=True)
class Loaded:
    """The content of the newest undamaged generation, and a sentence for each loss."""

    content: bytes | None
    remarks: tuple[str, ...] = ()


class Generations:
    """The generations in a folder. Not thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, content: bytes) -> Path:
        """Write the next generation, and delete all except the last two. Raises `NotWritten`, without a loss.

        One file contains everything, so that a crash leaves the last generation or the next, never a mix.
        """
        numbers = self._numbers()
        path = self._path(max(numbers, default=0) + 1)
        saved_at = datetime.now(UTC).isoformat(timespec="seconds")
        header = {"format": FORMAT, "saved_at": saved_at, "sha256": hashlib.sha256(content).hexdigest()}
        state_file.write(path, json.dumps(header).encode() + b"\n" + content, what=_TITLE)
        for number in numbers[: len(numbers) - LIMIT + 1]:
            with contextlib.suppress(OSError):
                self._path(number).unlink()
        return path

    def load(self) -> Loaded:
        """The content of the newest undamaged generation; damaged files are set aside."""
        remarks: list[str] = []
        for number in reversed(self._numbers()):
            path = self._path(number)
            try:
                saved_at, content = _read(path)
            except state_file.Damaged as damaged:
                remarks.append(state_file.set_aside(damaged, path))
                continue
            if remarks:
                remarks.append(f"The state of {_clock(saved_at)} is used: later changes are lost.")
            elif self._has_unsaved():
                remarks.append(
                    f"The embedded AWS ended before it had saved everything: changes after {_clock(saved_at)} are lost."
                )
            return Loaded(content, tuple(remarks))
        if remarks:
            remarks.append("The rehearsal starts empty: deploy again.")
        elif self._has_unsaved():
            remarks.append("The embedded AWS ended before it had saved anything: the rehearsal starts empty.")
        return Loaded(None, tuple(remarks))

    def expect_loss(self) -> None:
        """Mark that there are unsaved changes."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._folder / _UNSAVED, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))

    def expect_no_loss(self) -> None:
        """Delete the mark."""
        with contextlib.suppress(OSError):
            (self._folder / _UNSAVED).unlink()

    def _has_unsaved(self) -> bool:
        return (self._folder / _UNSAVED).exists()

    def _path(self, number: int) -> Path:
        return self._folder / f"{_PREFIX}{number:08}"

    def _numbers(self) -> list[int]:
        try:
            names = [each.name.removeprefix(_PREFIX) for each in self._folder.iterdir() if _PREFIX in each.name]
        except OSError:
            return []
        return sorted(int(name) for name in names if name.isdecimal())


def _read(path: Path) -> tuple[str, bytes]:
    written = state_file.read(path, what=_TITLE, fix="") or b""
    head, _, content = written.partition(b"\n")
    try:
        header = json.loads(head)
        if header["format"] != FORMAT:
            raise state_file.Damaged(path, _TITLE, f"another version wrote it (format {header['format']})", "")
        if header["sha256"] != hashlib.sha256(content).hexdigest():
            raise state_file.Damaged(path, _TITLE, "it is not what was written", "")
        return str(header["saved_at"]), content
    except (ValueError, TypeError, KeyError):
        raise state_file.Damaged(path, _TITLE, "it is cut or overwritten", "") from None


def _clock(saved_at: str) -> str:
    return f"{saved_at[:19].replace('T', ' ')} UTC"
