"""The events of an ECS service, in which it tells what it does."""

from __future__ import annotations

import uuid
from typing import Any

from portside.emulator.ministack_modules import ecs

KEPT = 100


def add(service: dict[str, Any], message: str) -> None:
    """Puts a message before the others; DescribeServices shows the newest hundred."""
    service["events"].insert(0, {"id": str(uuid.uuid4()), "createdAt": ecs._iso(), "message": message})
    del service["events"][KEPT:]
