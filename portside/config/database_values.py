"""The parsers of an environment's values for its databases."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from portside.config.aws_names import DOCUMENTDB_CLASSES, REGIONS
from portside.config.environment import FIRST_DATABASE_STACK, LATEST, DatabaseOrigin
from portside.config.environment_values import matching, one_of
from portside.config.mistakes import Report, quoted

DATABASES_HINT = 'For example: {"docdb-v8-restored": {"CLUSTER": "…", "TIME": "2026-11-20T10:00:00Z"}}.'
database_stack = matching("docdb(?:-[a-z0-9]+){0,3}", "not a name for the database's stack", 'For example: "docdb-v8".')
# https://docs.aws.amazon.com/documentdb/latest/developerguide/limits.html#limits-naming_constraints
_CLUSTER_HINT = (
    'Copy its identifier: aws docdb describe-db-clusters --query "DBClusters[].DBClusterIdentifier" --output text'
)
_SNAPSHOT_HINT = (
    "Copy its identifier: aws docdb describe-db-cluster-snapshots "
    '--query "DBClusterSnapshots[].DBClusterSnapshotIdentifier" --output text'
)
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_MOMENT_HINT = 'Use a time in UTC, such as "2026-11-20T10:00:00Z", or "latest".'
_ORIGIN = {
    "CLUSTER": matching("[a-z](?!.*--)[a-z0-9-]{0,62}(?<!-)", "not the identifier of a cluster", _CLUSTER_HINT),
    "SNAPSHOT": matching(
        # The names of automatic snapshots begin with "rds:".
        rf"(?:arn:aws:rds:(?:{'|'.join(REGIONS)}):[0-9]{{12}}:cluster-snapshot:)?(?:rds:)?[a-z](?!.*--)[a-z0-9-]{{0,254}}(?<!-)",
        "neither the identifier nor the ARN of a cluster snapshot",
        _SNAPSHOT_HINT,
    ),
    # DocumentDB supports collations since engine 8.0.
    "ENGINE_VERSION": matching(
        r"(?:[89]|[1-9][0-9])\.[0-9]+\.[0-9]+",
        "not an engine of DocumentDB 8 or later",
        'Use "8.0.0" or later.',
    ),
}
# https://docs.aws.amazon.com/documentdb/latest/developerguide/API_CreateDBCluster.html; "admin" is a reserved word.
database_username = matching(
    "(?!admin$)[A-Za-z][A-Za-z0-9]{0,62}",
    "not a valid user name of DocumentDB",
    'Use up to 63 letters and digits that begin with a letter, such as "master".',
)
database_name = matching("[A-Za-z0-9_-]{1,63}", "not a valid name of a database", 'For example: "my_app".')

database_instance_class = one_of(
    DOCUMENTDB_CLASSES, "not an instance class of DocumentDB", 'Use a name such as "r5.large".'
)


def databases(value: Any, report: Report) -> dict[str, DatabaseOrigin] | None:
    """The other databases, by the end of their stacks' names."""
    if not report.mapping(value, DATABASES_HINT):
        return None
    found_before = len(report.problems)
    found = {name: _origin(name, written, report.at(f"[{quoted(name)}]")) for name, written in value.items()}
    sound = {name: origin for name, origin in found.items() if origin}
    return sound if len(report.problems) == found_before else None


def _origin(name: Any, written: Any, report: Report) -> DatabaseOrigin | None:
    if name == FIRST_DATABASE_STACK:
        hint = 'Restore into another stack, with a name such as "docdb-v8-restored".'
        report.wrong("the first database, which was created empty: another origin would replace it", hint)
        return None
    database_stack(name, report)
    if not report.mapping(written, DATABASES_HINT):
        return None
    found_before = len(report.problems)
    parsers = _ORIGIN | {"TIME": _moment}
    given = report.by_known_name(written, list(parsers), "key")
    found = {key.lower(): parsers[key](given[key], report.at(f'["{key}"]')) for key in given}
    if not given:
        report.wrong("empty", DATABASES_HINT)
    if "CLUSTER" in given and "SNAPSHOT" in given:
        report.wrong("has both CLUSTER and SNAPSHOT", "Remove one of them.")
    for key, companion, hint in (("CLUSTER", "TIME", _MOMENT_HINT), ("TIME", "CLUSTER", _CLUSTER_HINT)):
        if key in given and companion not in given:
            report.at(f'["{companion}"]').wrong("missing", hint)
    return DatabaseOrigin(**found) if len(report.problems) == found_before else None


def _moment(value: Any, report: Report) -> str | None:
    if not report.text(value, _MOMENT_HINT):
        return None
    if value == LATEST:
        return str(value)
    with contextlib.suppress(ValueError):
        # strptime also accepts a month without its zero.
        if time.strftime(_MOMENT, time.strptime(value, _MOMENT)) == value:
            return str(value)
    report.wrong("not a time in UTC", _MOMENT_HINT, value)
    return None
