"""Patches of ministack: each replaces a function, and gets the original and the original's arguments.

If a later ministack's function has other parameters, `drift` reports it, instead of a failure somewhere in a rollout.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from inspect import Parameter
from types import ModuleType
from typing import Any, TypeVar

MINISTACK_VERSION = "1.5.33"
_TABLES = ("_ACTION_MAP", "_ACTION_HANDLERS")

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Patch:
    """Replaces `target`, a function below `ministack`, or a constant.

    The replacement's first parameter is the original, and its keyword-only ones are given to `apply`; the others are
    the original's. With `only_api`, the target is replaced for callers of the API, not for calls within ministack.
    """

    target: str
    replacement: Callable[..., Any]
    only_api: bool = False

    @property
    def module(self) -> Any:
        return import_module(f"ministack.{self.target.rpartition('.')[0]}")

    @property
    def attribute(self) -> str:
        return self.target.rpartition(".")[2]


_declared: dict[str, list[Patch]] = {}


def replaces(target: str, *, only_api: bool = False) -> Callable[[Function], Function]:
    """Declare that the function is the replacement in a patch."""

    def declare(replacement: Function) -> Function:
        _declared.setdefault(replacement.__module__, []).append(Patch(target, replacement, only_api))
        return replacement

    return declare


def declared_in(module: ModuleType) -> list[Patch]:
    """The patches of a module, in their order in it."""
    return _declared[module.__name__]


def apply(patches: Iterable[Patch], **shared: Any) -> None:
    """Apply the patches in order; `shared` are the replacements' keyword-only parameters."""
    for patch in patches:
        module, original = patch.module, getattr(patch.module, patch.attribute)
        own = {name: shared[name] for name in inspect.getfullargspec(patch.replacement).kwonlyargs}
        replacement = partial(patch.replacement, original, **own) if callable(original) else patch.replacement(original)
        if not patch.only_api:
            setattr(module, patch.attribute, replacement)
        # The APIs look their handlers up in tables that were filled at import.
        for table in (getattr(module, name, {}) for name in _TABLES):
            for name, handler in list(table.items()):
                if handler is original:
                    table[name] = replacement


def drift(patches: Iterable[Patch]) -> list[str]:
    """A line for each patched function whose parameters in ministack have changed or that no longer exists."""
    found = []
    for patch in patches:
        current = getattr(patch.module, patch.attribute, None)
        if current is None:
            found.append(f"ministack.{patch.target} no longer exists")
        elif callable(current) and not _fits(inspect.signature(current), inspect.signature(patch.replacement)):
            found.append(f"ministack.{patch.target} is now {inspect.signature(current)}")
    return found


def _fits(original: inspect.Signature, replacement: inspect.Signature) -> bool:
    """Whether a replacement has the original's parameters, in their order, or takes any (`*_`, `**_`)."""
    _, *own = replacement.parameters.values()
    if any(each.kind is Parameter.VAR_POSITIONAL for each in replacement.parameters.values()):
        return True
    takes_more = any(each.kind is Parameter.VAR_KEYWORD for each in own)
    same = [_described(each) for each in own if each.kind is Parameter.POSITIONAL_OR_KEYWORD]
    needed = [_described(each) for each in original.parameters.values()]
    return needed[: len(same)] == same if takes_more else needed == same


def _described(parameter: Parameter) -> tuple[str, object, object]:
    return parameter.name, parameter.kind, parameter.default
