"""Checks of the EFS access points and mount targets of an own stack, whose mistakes only show when tasks start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portside.config.mistakes import Report
from portside.errors import ConfigurationError, Problem

_ACL = 'create_acl=efs.Acl(owner_uid="1000", owner_gid="1000", permissions="750")'
_USER = 'posix_user=efs.PosixUser(uid="1000", gid="1000")'


def check_file_systems(template: Mapping[str, Any], zones: int) -> None:
    """Raise `ConfigurationError` with all that keeps tasks in so many zones from mounting a folder and using it."""
    resources = template.get("Resources", {}).values()
    problems: list[Problem] = []
    for each in resources:
        if each["Type"] == "AWS::EFS::AccessPoint":
            name = _name_of(each.get("Properties", {}))
            _check_access_point(each.get("Properties", {}), Report(f"stacks(…): the access point {name}", problems))
    targets = [str(each["Properties"]["FileSystemId"]) for each in resources if each["Type"] == "AWS::EFS::MountTarget"]
    for file_system in sorted({each for each in targets if targets.count(each) < zones}):
        mistake = f"{targets.count(file_system)} mount target, and tasks run in {zones} zones"
        hint = "Use vpc=platform.vpc without vpc_subnets: a target in each private subnet."
        Report("stacks(…): efs.FileSystem", problems).wrong(mistake, hint)
    if problems:
        raise ConfigurationError(problems)


def _name_of(properties: Mapping[str, Any]) -> str:
    tags: Sequence[Mapping[str, str]] = properties.get("AccessPointTags", ())
    return next((each["Value"] for each in tags if each.get("Key") == "Name"), "")


def _check_access_point(properties: Mapping[str, Any], report: Report) -> None:
    # https://docs.aws.amazon.com/efs/latest/ug/enforce-root-directory-access-point.html
    root, user = properties.get("RootDirectory", {}), properties.get("PosixUser", {})
    owner, path = root.get("CreationInfo", {}), root.get("Path", "/")
    if path == "/" and user.get("Uid") != "0":
        report.wrong("its folder is the whole file system, which belongs to root", f'Add path="/uploads" and {_ACL}.')
    elif path != "/" and not owner:
        report.wrong("EFS doesn't create its folder, and then no task can mount it", f"Add {_ACL}.", path)
    everyone_writes = owner.get("Permissions", "")[-1:] in ("2", "3", "6", "7")
    if not user:
        report.wrong("has no user, so that the container's own user may not be able to write", f"Add {_USER}.")
    elif owner and not everyone_writes and user.get("Uid") not in ("0", owner.get("OwnerUid")):
        mistake = f"its folder belongs to user {owner.get('OwnerUid')}, and tasks write as user {user.get('Uid')}"
        report.wrong(mistake, "Use the same uid in create_acl and posix_user.")
