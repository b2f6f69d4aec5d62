"""All patches of ministack except resource types."""

from __future__ import annotations

from portside.emulator.patches import (
    api_faults,
    cache_endpoints,
    closed_routes,
    conditions,
    database_api,
    deployments,
    interrupted_stacks,
    load_balancer_description,
    log_filter,
    object_encryption,
    parameter_sizes,
    patching,
    resource_rules,
    schedules,
    service_api,
    sessions,
    settling,
    simulated_policies,
    stack_faults,
    stack_outputs,
    subnet_addresses,
    task_api,
    task_handover,
)
from portside.emulator.patches.patching import Patch
from portside.emulator.resources import service, task_definition, web_acl
from portside.emulator.state import saving

# Later ones contain earlier ones of the same function.
MODULES = (
    *(
        closed_routes,
        cache_endpoints,
        database_api,
        task_handover,
        task_api,
        deployments,
        service_api,
        task_definition,
        service,
    ),
    *(
        conditions,
        settling,
        resource_rules,
        interrupted_stacks,
        stack_faults,
        stack_outputs,
        load_balancer_description,
        simulated_policies,
    ),
    *(
        web_acl,
        object_encryption,
        subnet_addresses,
        log_filter,
        parameter_sizes,
        schedules,
        sessions,
        api_faults,
        saving,
    ),
)


def all_patches() -> list[Patch]:
    """The patches, in the order in which they are applied."""
    return [each for module in MODULES for each in patching.declared_in(module)]
