"""What is wrong with the stand-in of a container that has a fault and runs all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portside.emulator.fargate import stub
from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.stub import Ailment
from portside.emulator.ministack_modules import alb

TARGET_ERROR_STATUS = 500

# What makes a program give up at once.
_ALWAYS_FATAL = ("role-denied", "database-auth")
# What it can live with, although its health check can't; where nothing checks it, it gives up too.
_UNHEALTHY = ("callee-unknown", "callee-refused", "database-unreachable")


def is_fatal(launch: Launch, container: Mapping[str, Any]) -> bool:
    """Whether the container's program ends over its fault."""
    if any(launch.fault(container, each) for each in _ALWAYS_FATAL):
        return True
    return any(launch.fault(container, each) for each in _UNHEALTHY) and not _is_checked(launch, container)


def ailment(launch: Launch, target_groups: Sequence[str]) -> Ailment | None:
    """What the stand-in suffers from, by the fault of one of its containers."""
    for container in launch.containers:
        for fault, found in _ailments(launch, container, target_groups).items():
            if launch.fault(container, fault):
                return found
    return None


def _is_checked(launch: Launch, container: Mapping[str, Any]) -> bool:
    return bool(container.get("healthCheck") or (launch.service or {}).get("loadBalancers"))


def _ailments(launch: Launch, container: Mapping[str, Any], target_groups: Sequence[str]) -> dict[str, Ailment]:
    environment = {each["name"]: each["value"] for each in container.get("environment", [])}
    dependent = Ailment(status=502 if stub.forwards(environment) else 503)
    error = launch.fault(container, "target-error")
    # Behind a load balancer these are its to notice, else the container's own check notices them.
    of_target = bool(target_groups)
    paths = frozenset(str((alb._tgs.get(each) or {}).get("HealthCheckPath") or "/") for each in target_groups)
    return {
        "never-healthy": Ailment(),
        "health-timeout": Ailment(hangs=True),
        "wrong-health-path": Ailment(404, paths or frozenset({"/health"}), passes_container_check=of_target),
        "target-error": Ailment(
            int(float(error.value or TARGET_ERROR_STATUS)) if error else TARGET_ERROR_STATUS,
            passes_container_check=of_target,
        ),
        "target-timeout": Ailment(504, hangs=True, passes_container_check=of_target),
        "target-refused": Ailment(refuses=True, passes_container_check=of_target),
    } | dict.fromkeys(_UNHEALTHY, dependent)
