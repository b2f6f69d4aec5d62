"""The logs that databases write: AWS makes their groups itself, to be kept forever."""

from __future__ import annotations

from typing import Any

from portside.aws.stack_reading import physical_ids
from portside.config.database_kinds import DatabaseKind


def keep_for(clients: Any, kind: DatabaseKind | None, stack: str, days: int) -> list[str]:
    """Set how long the database's logs are kept; the names of the groups that were changed.

    No stack can own these groups: in a running environment they exist before it, and the CDK's own way is a Lambda.
    """
    if kind is None:
        return []
    logs = clients("logs")
    changed = []
    for identifier in physical_ids(clients("cloudformation"), stack, kind.resource_type):
        for group in logs.describe_log_groups(logGroupNamePrefix=kind.log_group.format(identifier))["logGroups"]:
            if group.get("retentionInDays") != days:
                logs.put_retention_policy(logGroupName=group["logGroupName"], retentionInDays=days)
                changed.append(str(group["logGroupName"]))
    return changed
