"""Whether the database takes the password that a container starts with."""

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
    """The launch, in which a container that the database refuses has that fault, unless it has another one."""
    refused = {
        each["name"]: Fault(launch.account, each["name"], REFUSED)
        for each in launch.containers
        if each["name"] not in launch.faults and _is_refused(each)
    }
    return replace(launch, faults={**launch.faults, **refused}) if refused else launch


def _is_refused(container: Mapping[str, Any]) -> bool:
    """Whether a container is told a cluster's host, and some secrets, of which none is the cluster's password."""
    told = {each["value"] for each in container.get("environment", [])}
    cluster = next((each for each in documentdb._clusters.values() if each["Endpoint"] in told), None)
    values = [container_secrets.value_of(each["valueFrom"]) for each in container.get("secrets", [])]
    return bool(cluster and values and cluster["_MasterUserPassword"] not in values)
