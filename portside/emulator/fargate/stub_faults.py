"""The fault of a stub, for faults of containers that keep running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.stub import StubFault
from portside.emulator.ministack_modules import alb

TARGET_ERROR_STATUS = 500

# Faults that end the program at once.
_ALWAYS_FATAL = ("role-denied", "database-auth", "database-tls", "database-missing")
# Faults that only fail the health check; without a health check they end the program too.
_UNHEALTHY = ("callee-unknown", "callee-refused", "database-unreachable")


def is_fatal(launch: Launch, container: Mapping[str, Any]) -> bool:
    """Whether the container's program ends over its fault."""
    if any(launch.fault(container, each) for each in _ALWAYS_FATAL):
        return True
    return any(launch.fault(container, each) for each in _UNHEALTHY) and not _is_checked(launch, container)


def fault(launch: Launch, target_groups: Sequence[str]) -> StubFault | None:
    """The fault of the stub, from the first container with a fault."""
    for container in launch.containers:
        for fault, found in _stub_faults(launch, container, target_groups).items():
            if launch.fault(container, fault):
                return found
    return None


def _is_checked(launch: Launch, container: Mapping[str, Any]) -> bool:
    return bool(container.get("healthCheck") or (launch.service or {}).get("loadBalancers"))


def _stub_faults(launch: Launch, container: Mapping[str, Any], target_groups: Sequence[str]) -> dict[str, StubFault]:
    dependent = StubFault(status=502 if launch.proxy(container) else 503)
    error = launch.fault(container, "target-error")
    # Behind a load balancer its checks fail, otherwise those of the container.
    of_target = bool(target_groups)
    paths = frozenset(str((alb._tgs.get(each) or {}).get("HealthCheckPath") or "/") for each in target_groups)
    return {
        "never-healthy": StubFault(),
        "health-timeout": StubFault(hangs=True),
        "wrong-health-path": StubFault(404, paths or frozenset({"/health"}), passes_container_check=of_target),
        "target-error": StubFault(
            int(float(error.value or TARGET_ERROR_STATUS)) if error else TARGET_ERROR_STATUS,
            passes_container_check=of_target,
        ),
        "target-timeout": StubFault(504, hangs=True, passes_container_check=of_target),
        "target-refused": StubFault(refuses=True, passes_container_check=of_target),
    } | dict.fromkeys(_UNHEALTHY, dependent)
