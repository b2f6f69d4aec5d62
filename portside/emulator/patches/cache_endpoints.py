"""The endpoints of caches are named as on AWS. ministack starts a server for each, or names its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import responses
from portside.emulator.patches.patching import replaces

_PORTS = {"memcached": 11211}
_DEFAULT_PORT = 6379


def address(name: str, *parts: str) -> str:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Endpoints.html: `parts` come before the region's code."""
    region = responses.get_region()
    unique = hashlib.sha256(f"{responses.get_account_id()} {region}".encode()).hexdigest()[:6]
    area, *directions, number = region.split("-")
    initials = "".join(each[0] for each in re.findall("north|south|east|west|central", "".join(directions)))
    return ".".join((name, unique, *parts, f"{area}{initials}{number}", "cache.amazonaws.com"))


@replaces("services.elasticache._spawn_redis_container")
def no_server(
    _: Any,
    name: str,
    engine: str,
    engine_version: str,
    labels: Mapping[str, str],
    transit: bool = False,
    auth_token: str | None = None,
) -> tuple[str, int, None]:
    """It would start a container."""
    if group := labels.get("rg_id"):
        found = address(f"master.{group}") if transit else address(group, "ng", labels["node_group"])
    else:
        found = address(labels["cluster_id"], "cfg" if engine == "memcached" else "0001")
    return found, _PORTS.get(engine, _DEFAULT_PORT), None


@replaces("services.elasticache._spawn_redis_cluster_node")
@replaces("services.elasticache._spawn_serverless_container")
def no_other_server(*_: object, **__: object) -> tuple[None, None, None]:
    """They would start containers."""
    return None, None, None
