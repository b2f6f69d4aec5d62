"""The events of an ECS service."""

from __future__ import annotations

import uuid
from typing import Any

from portside.emulator.ministack_modules import ecs

LIMIT = 100


def add(service: dict[str, Any], event: str) -> None:
    """Add an event; DescribeServices shows the newest hundred."""
    message = f"(service {service['serviceName']}) {event}"
    service["events"].insert(0, {"id": str(uuid.uuid4()), "createdAt": ecs._iso(), "message": message})
    del service["events"][LIMIT:]
