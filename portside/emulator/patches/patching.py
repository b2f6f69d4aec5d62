"""Patches of ministack: each names the function that it replaces, with its signature in the pinned version.

If a later ministack has another signature, `drift` reports it, instead of a failure somewhere in a rollout.
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
    """Replaces `module.attribute`; `make` gets the original and returns the replacement.

    With `only_api`, it is replaced for callers of the API only, not for calls within ministack.
    """

    module: str
    attribute: str
    signature: str
    reason: str
    make: Callable[[Any], Any]
    only_api: bool = False


def apply(patches: Iterable[Patch]) -> None:
    """Apply the patches in order."""
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
    """A line for each patched function whose signature in ministack has changed or that no longer exists."""
    found = []
    for patch in patches:
        where = f"{patch.module}.{patch.attribute}"
        current = getattr(import_module(patch.module), patch.attribute, None)
        if current is None:
            found.append(f"{where} no longer exists (patched because {patch.reason})")
            continue
        signature = str(inspect.signature(current)) if callable(current) else repr(current)
        if signature != patch.signature:
            found.append(f"{where} is now {signature}, was {patch.signature} (patched because {patch.reason})")
    return found
