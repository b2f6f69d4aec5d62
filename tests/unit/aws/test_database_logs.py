"""How long the database's logs are kept."""

from __future__ import annotations

from typing import Any

from portside.aws.database_logs import keep_for
from portside.config.database_kinds import DOCUMENTDB
from tests.unit.operations_support import FakeCloudFormation


class FakeLogs:
    """Log groups by name, with the days they are kept, None for ever."""

    def __init__(self, groups: dict[str, int | None]) -> None:
        self.groups = groups

    def describe_log_groups(self, *, logGroupNamePrefix: str) -> dict[str, Any]:
        return {
            "logGroups": [
                {"logGroupName": name} | ({"retentionInDays": days} if days else {})
                for name, days in self.groups.items()
                if name.startswith(logGroupNamePrefix)
            ]
        }

    def put_retention_policy(self, *, logGroupName: str, retentionInDays: int) -> None:
        self.groups[logGroupName] = retentionInDays


def test_logs_of_the_environments_own_database_are_kept_as_long_as_the_configuration_says() -> None:
    logs = FakeLogs({"/aws/docdb/ours/profiler": None, "/aws/docdb/ours/audit": 30, "/aws/docdb/others/profiler": None})
    resources = [{"ResourceType": "AWS::DocDB::DBCluster", "PhysicalResourceId": "ours"}]
    clients = {"logs": logs, "cloudformation": FakeCloudFormation({"agora-dev-docdb-v8": {"resources": resources}})}
    changed = ["/aws/docdb/ours/profiler", "/aws/docdb/ours/audit"]
    assert keep_for(clients.__getitem__, DOCUMENTDB, "agora-dev-docdb-v8", 90) == changed
    assert keep_for(clients.__getitem__, DOCUMENTDB, "agora-dev-docdb-v8", 90) == []
    assert logs.groups == {
        "/aws/docdb/ours/profiler": 90,
        "/aws/docdb/ours/audit": 90,
        "/aws/docdb/others/profiler": None,
    }
