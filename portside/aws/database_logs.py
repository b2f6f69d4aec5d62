"""The logs that DocumentDB writes: it makes their groups itself, to be kept forever."""

from __future__ import annotations

from typing import Any

from portside.aws.stack_reading import physical_ids


def keep_for(clients: Any, docdb_stack: str, days: int) -> list[str]:
    """Set how long the database's logs are kept; the names of the groups that were changed.

    No stack can own these groups: in a running environment they exist before it, and the CDK's own way is a Lambda.
    """
    logs = clients("logs")
    changed = []
    for cluster in physical_ids(clients("cloudformation"), docdb_stack, "AWS::DocDB::DBCluster"):
        for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/docdb/{cluster}/")["logGroups"]:
            if group.get("retentionInDays") != days:
                logs.put_retention_policy(logGroupName=group["logGroupName"], retentionInDays=days)
                changed.append(str(group["logGroupName"]))
    return changed
