"""How many tasks run at once, now and when there is most to do."""

from __future__ import annotations

from enum import Enum

from portside.config.service_props import ServiceProps


class Scale(Enum):
    """For how many tasks of each service a deployment is thought through."""

    NOW = "now"
    FULL = "at full scale"


def most_tasks(props: ServiceProps, running: int, scale: Scale) -> int:
    """How many tasks of a service run at once at most: a rolling update starts the new ones beside the old."""
    wanted = props.auto_scale_max_capacity if scale is Scale.FULL else max(running, props.auto_scale_min_capacity)
    return 2 * wanted
