"""AWS services that ministack lacks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from portside.emulator.ministack_modules import app, responses, router


def install(service: str, target_prefix: str, handle_request: Callable[..., Any], tables: Mapping[str, Any]) -> None:
    """Make ministack route requests to a service, save its tables and reset them, like its own services.

    `target_prefix` is the part of `x-amz-target` before the operation; `tables` are by their name in the saved state.
    """

    def restore(state: Mapping[str, Any] | None) -> None:
        for name, table in tables.items():
            table.update((state or {}).get(name) or {})

    def reset() -> None:
        for table in tables.values():
            table.clear()

    name = service.replace("-", "_")
    app._loaded_modules[name] = SimpleNamespace(
        handle_request=handle_request,
        get_state=lambda: copy.deepcopy(dict(tables)),
        load_persisted_state=restore,
        reset=reset,
    )
    app.SERVICE_REGISTRY[service] = {"module": name}
    app.SERVICE_HANDLERS[service] = handle_request
    app._state_map[name] = name
    router.SERVICE_PATTERNS[service] = {"target_prefixes": [target_prefix]}


def operation_of(headers: Mapping[str, str]) -> str:
    """The operation of a JSON request."""
    return str(headers.get("x-amz-target", "")).rpartition(".")[2]


def unknown(service: str, operation: str) -> Any:
    """The answer to an operation that is not implemented."""
    return responses.error_response_json("InvalidAction", f"Unknown {service} action: {operation}", 400)
