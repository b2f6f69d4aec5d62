"""Lists that the embedded AWS stores in addition to AWS's state: images and faults."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, TypeVar

from portside import state_file
from portside.state_file import Damaged, NotWritten

Item = TypeVar("Item")

log = logging.getLogger("portside.emulator")


class StoredList(Generic[Item]):
    """A list of dataclasses in a file. A damaged file is set aside, with a remark, and the list is empty."""

    def __init__(self, path: Path, title: str, parse: Callable[[Mapping[str, Any]], Item]) -> None:
        self._path, self._title = path, title
        self.remarks: tuple[str, ...] = ()
        try:
            written = state_file.read_json(path, list, what=title, fix="") or []
            try:
                self.found = [parse(each) for each in written]
            except (ValueError, KeyError, TypeError, AttributeError):
                raise Damaged(path, title, "another version wrote it", "") from None
        except Damaged as damaged:
            self.found = []
            self.remarks = (f"{state_file.set_aside(damaged, path)}. The list is empty now.",)

    def write(self, items: Iterable[Item]) -> None:
        """Replace the file. Raises `NotWritten`, without a change of the file."""
        state_file.write_json(self._path, [asdict(each) for each in items], what=self._title)  # type: ignore[call-overload]

    def write_if_possible(self, items: Iterable[Item]) -> None:
        """Replace the file, or log the error, for a change without a caller that could get it."""
        try:
            self.write(items)
        except NotWritten as error:
            log.error("%s", error)
