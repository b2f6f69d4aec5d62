"""Task placement: capacity, quotas and free addresses."""

from __future__ import annotations

from portside.emulator.fargate import network_interface
from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.platform import Platform
from portside.emulator.fargate.stopping import TaskStopped

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
NO_CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
QUOTA_REACHED = "You\u2019ve reached the limit on the number of vCPUs you can run concurrently"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
NO_ADDRESS = (
    "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment disabled in subnet "
    "'{subnet}': InsufficientFreeAddressesInSubnet"
)
_SEE_MORE = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."

# RunTask returns these as failures at once; a service reports them in an event.
REFUSALS = {"no-capacity": NO_CAPACITY, "task-quota": QUOTA_REACHED}


def check(launch: Launch, platform: Platform) -> None:
    """Raise TaskStopped if the task can't be placed, with an event of the service."""
    for container in launch.containers:
        if launch.fault(container, "no-capacity"):
            raise _unplaced(launch, NO_CAPACITY)
        if launch.fault(container, "task-quota"):
            # AWS creates no task if the quota is reached.
            raise _unplaced(launch, QUOTA_REACHED, leaves_no_task=True)
        if launch.fault(container, "no-address"):
            subnet = network_interface.subnet_of(launch, next(platform.interface_numbers))
            platform.full_subnets.add((launch.account, subnet))
            raise _unplaced(launch, NO_ADDRESS.format(subnet=subnet))


def _unplaced(launch: Launch, reason: str, *, leaves_no_task: bool = False) -> TaskStopped:
    launch.report(f"was unable to place a task. Reason: {reason}. {_SEE_MORE}")
    return TaskStopped(reason, leaves_no_task=leaves_no_task)
