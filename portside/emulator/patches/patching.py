"""How ministack is patched from outside: each patch names what it takes the place of, as it was when this was written.

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


def apply(patches: Iterable[Patch]) -> None:
    """Replaces what the patches name, in their order."""
    for patch in patches:
        module = import_module(patch.module)
        original = getattr(module, patch.attribute)
        replacement = patch.make(original)
        if not patch.only_api:
            setattr(module, patch.attribute, replacement)
        # The APIs look their handlers up in tables that were filled at import.
        for table in (getattr(module, name, {}) for name in _TABLES):
            for name, handler in list(table.items()):
                if handler is original:
                    table[name] = replacement


def drift(patches: Iterable[Patch]) -> list[str]:
    """One line for each patched function that ministack no longer has in the shape the patch was written for."""
    found = []
    for patch in patches:
        where = f"{patch.module}.{patch.attribute}"
        current = getattr(import_module(patch.module), patch.attribute, None)
        if current is None:
            found.append(f"{where} is gone (patched because {patch.reason})")
            continue
        signature = str(inspect.signature(current)) if callable(current) else repr(current)
        if signature != patch.signature:
            found.append(f"{where} is now {signature}, was {patch.signature} (patched because {patch.reason})")
    return found
