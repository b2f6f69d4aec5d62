"""AWS services that ministack lacks."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from portside.emulator.gate import served
from portside.emulator.ministack_modules import app, responses, router

Action = Callable[[dict[str, Any]], dict[str, Any]]


def install(service: str, target_prefix: str, actions: Mapping[str, Action], not_found: str, tables: Any) -> None:
    """Make ministack route requests to a service, save its tables and reset them, like its own services.

    `target_prefix` is the part of `x-amz-target` before the operation. `not_found` is the code of a LookupError of an
    action; a ValueError is a ValidationException. `tables` are by their name in the saved state.
    """

    async def handle_request(method: str, path: str, headers: Mapping[str, str], body: Any, query_params: Any) -> Any:
        operation = str(headers.get("x-amz-target", "")).rpartition(".")[2]
        if operation not in actions:
            problem = f"Unknown {served.SERVICES[service]} action: {operation}"
            return responses.error_response_json("InvalidAction", problem, 400)
        try:
            return responses.json_response(actions[operation](json.loads(body or b"{}")))
        except LookupError as error:
            return responses.error_response_json(not_found, str(error), 400)
        except ValueError as error:
            return responses.error_response_json("ValidationException", str(error), 400)

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
