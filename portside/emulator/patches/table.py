"""All patches of ministack except resource types."""

from __future__ import annotations

from importlib import import_module

from portside.emulator.patches import patching
from portside.emulator.patches.patching import Patch

# Later ones contain earlier ones of the same function.
MODULES = (
    *("patches.closed_routes", "patches.cache_endpoints", "patches.database_api", "patches.task_handover"),
    *("patches.task_api", "patches.deployments", "patches.service_api", "resources.task_definition"),
    *("resources.service", "patches.conditions", "patches.settling", "patches.resource_rules"),
    *("patches.interrupted_stacks", "patches.stack_faults", "patches.stack_outputs"),
    *("patches.load_balancer_description", "patches.simulated_policies", "resources.web_acl"),
    *("patches.object_encryption", "patches.subnet_addresses", "patches.log_filter", "patches.parameter_sizes"),
    *("patches.schedules", "patches.sessions", "patches.api_faults", "state.saving"),
)


def all_patches() -> list[Patch]:
    """The patches, in the order in which they are applied."""
    modules = [import_module(f"portside.emulator.{name}") for name in MODULES]
    return [each for module in modules for each in patching.declared_in(module)]
