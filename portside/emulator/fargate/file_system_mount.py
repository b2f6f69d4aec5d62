"""The EFS access points that a task mounts when it starts. No folder is mounted: a stub writes nothing."""

from __future__ import annotations

from typing import Any

from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.stopping import TaskStopped
from portside.emulator.ministack_modules import efs


def check(launch: Launch) -> None:
    """Raise TaskStopped unless each access point exists and its file system has a mount target in the task's zone."""
    for volume in launch.task_definition.get("volumes", []):
        if mounted := volume.get("efsVolumeConfiguration"):
            _check(launch, mounted)


def _check(launch: Launch, mounted: dict[str, Any]) -> None:
    file_system = mounted["fileSystemId"]
    host = f"{file_system}.efs.{launch.region}.amazonaws.com"
    zones = [
        each["AvailabilityZoneName"] for each in efs._mount_targets.values() if each["FileSystemId"] == file_system
    ]
    if launch.task["availabilityZone"] not in zones:
        # https://github.com/aws/copilot-cli/issues/5419
        raise _failed(
            f'Failed to resolve "{host}" - check that your file system ID is correct, and ensure that the VPC has an '
            "EFS mount target for this file system ID. See https://docs.aws.amazon.com/console/efs/mount-dns-name for "
            "more detail.",
            code=1,
        )
    point = mounted.get("authorizationConfig", {}).get("accessPointId")
    if point and efs._access_points.get(point, {}).get("FileSystemId") != file_system:
        # https://github.com/aws-samples/aws-cdk-examples/issues/920
        raise _failed(f"b'mount.nfs4: access denied by server while mounting {host}:/'", code=32)


def _failed(said: str, *, code: int) -> TaskStopped:
    return TaskStopped(
        f"ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: {said} : "
        f"unsuccessful EFS utils command execution; code: {code}"
    )
