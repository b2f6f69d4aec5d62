"""Parts of a lock file that pip-compile wrote."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_VERSION = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9._-]+(?===)")
_PARENT = re.compile(r"^    #(?: via|  ) +([A-Za-z0-9._-]+)$", re.MULTILINE)


def only(lock: str, roots: Collection[str]) -> str:
    """The entries of these packages and of those that they need, with hashes."""
    parents = {_NAME.match(entry)[0]: (entry, set(_PARENT.findall(entry))) for entry in _entries(lock)}  # type: ignore[index]
    missing = set(roots) - parents.keys()
    if missing:
        raise ValueError(f"not in the lock: {', '.join(sorted(missing))}")
    kept = set(roots)
    while more := {name for name, (_, needed_by) in parents.items() if name not in kept and needed_by & kept}:
        kept |= more
    return "".join(pins(entry) for name, (entry, _) in parents.items() if name in kept)


def without(lock: str, names: Collection[str]) -> str:
    """The entries of other packages."""
    return "".join(entry for entry in _entries(lock) if _NAME.match(entry)[0] not in names)  # type: ignore[index]


def versions(lock: str) -> dict[str, str]:
    """The version of each package."""
    return dict(_VERSION.findall(lock))


def pins(lock: str) -> str:
    """The lock without comments, which name the files that it was made from."""
    return "".join(line for line in lock.splitlines(keepends=True) if not line.lstrip().startswith("#"))


def _entries(lock: str) -> Iterator[str]:
    for entry in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE):
        if _NAME.match(entry):
            yield entry
