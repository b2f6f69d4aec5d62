"""Whether the database accepts the password of a container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from portside.emulator.fargate import container_secrets
from portside.emulator.fargate.faults import Fault
from portside.emulator.fargate.launch import Launch
from portside.emulator.ministack_modules import documentdb

REFUSED = "database-auth"


def with_refusals(launch: Launch) -> Launch:
    """The launch, with a fault for each container that the database refuses, unless it has a fault."""
    refused = {
        each["name"]: Fault(launch.account, each["name"], REFUSED)
        for each in launch.containers
        if each["name"] not in launch.faults and _is_refused(each)
    }
    return replace(launch, faults={**launch.faults, **refused}) if refused else launch


def _is_refused(container: Mapping[str, Any]) -> bool:
    """Whether a container has a cluster's host, and secrets of which none is the cluster's password."""
    variables = {each["value"] for each in container.get("environment", [])}
    cluster = next((each for each in documentdb._clusters.values() if each["Endpoint"] in variables), None)
    values = [container_secrets.value_of(each["valueFrom"]) for each in container.get("secrets", [])]
    return bool(cluster and values and cluster["_MasterUserPassword"] not in values)
