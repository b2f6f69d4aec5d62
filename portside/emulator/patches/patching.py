"""How ministack is mended from outside: each mend names what it takes the place of, as it was when this was written.

A later ministack whose function looks different makes `drift` say so, instead of failing somewhere in a rollout.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

MINISTACK_VERSION = "1.5.33"
_TABLES = ("_ACTION_MAP", "_ACTION_HANDLERS")


@dataclass(frozen=True)
class Patch:
    """Replaces `module.attribute`; `make` gets the original and returns what takes its place.

    With `only_api`, it is replaced for callers of the API alone, not for ministack's own.
    """

    module: str
    attribute: str
    signature: str
    reason: str
    make: Callable[[Any], Any]
    only_api: bool = False


def apply(mends: Iterable[Patch]) -> None:
    """Replaces what the mends name, in their order."""
    for mend in mends:
        module = import_module(mend.module)
        original = getattr(module, mend.attribute)
        replacement = mend.make(original)
        if not mend.only_api:
            setattr(module, mend.attribute, replacement)
        # The APIs look their handlers up in tables that were filled at import.
        for table in (getattr(module, name, {}) for name in _TABLES):
            for name, handler in list(table.items()):
                if handler is original:
                    table[name] = replacement


def drift(mends: Iterable[Patch]) -> list[str]:
    """One line for each mended function that ministack no longer has in the shape the mend was written for."""
    found = []
    for mend in mends:
        where = f"{mend.module}.{mend.attribute}"
        current = getattr(import_module(mend.module), mend.attribute, None)
        if current is None:
            found.append(f"{where} is gone (mended because {mend.reason})")
            continue
        signature = str(inspect.signature(current)) if callable(current) else repr(current)
        if signature != mend.signature:
            found.append(f"{where} is now {signature}, was {mend.signature} (mended because {mend.reason})")
    return found
