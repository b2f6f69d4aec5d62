"""The database: whether what is accepted of it for the time being is accepted still."""

from __future__ import annotations

from datetime import date

from portside.config.deferred_values import DatabaseSecret
from portside.config.stacks import database_stacks
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding
from portside.preflight.context import Context
from portside.preflight.questions import Question

TLS = "database: TLS"
PARAMETERS = "database: parameters"
USERS = "database: users"
TLS_ACCEPTED_UNTIL = date(2027, 6, 30)
"""Until when connections to the database may be unencrypted: agora-api has no option for TLS, and only who carries the
callers' group reaches the database, from the private network.

When agora-api has learnt it, switch `tls` on in portside/stacks/docdb_stack.py, and this goes.
Else think again, and move the date.
"""


def questions() -> list[Question]:
    """What is asked of the database."""
    return [
        Question(TLS, connections_are_encrypted),
        Question(PARAMETERS, parameters_are_used),
        Question(USERS, users_are_their_own),
    ]


def connections_are_encrypted(context: Context) -> Finding:
    """They are not: to the date that is a known exception, after it somebody has to look. It blocks no deployment."""
    why = "off, because agora-api can't use it"
    if context.now.date() <= TLS_ACCEPTED_UNTIL:
        return skip(TLS, f"{why}; accepted until {TLS_ACCEPTED_UNTIL}")
    hint = "Ask whether agora-api can use TLS by now: docs/database.md, TLS."
    return fail(TLS, f"{why}; the exception ended on {TLS_ACCEPTED_UNTIL}", hint)


def parameters_are_used(context: Context) -> Finding:
    """Whether the cluster runs with its stack's parameters: a restored one may begin with AWS's own, with TLS on."""
    stack = database_stacks(context.environment)[0].name
    clusters = context.physical_ids(stack, "AWS::DocDB::DBCluster")
    groups = context.physical_ids(stack, "AWS::DocDB::DBClusterParameterGroup")
    if not clusters or not groups:
        return skip(PARAMETERS, "the first deployment of the database makes them")
    cluster = context.client("docdb").describe_db_clusters(DBClusterIdentifier=clusters[0])["DBClusters"][0]
    used, commands = cluster["DBClusterParameterGroup"], context.commands
    waiting = [
        each["DBInstanceIdentifier"]
        for each in cluster["DBClusterMembers"]
        if each.get("DBClusterParameterGroupStatus", "in-sync") != "in-sync"
    ]
    if used != groups[0]:
        modify = commands.aws(
            *("docdb", "modify-db-cluster"),
            db_cluster_identifier=clusters[0],
            db_cluster_parameter_group_name=groups[0],
        )
        hint = commands.fix(modify, then="then reboot its instances")
        return fail(PARAMETERS, f"{clusters[0]} uses {used}, not {groups[0]}", hint)
    if waiting:
        reboot = commands.aws("docdb", "reboot-db-instance", db_instance_identifier=waiting[0])
        hint = f"At a quiet time: {commands.fix(reboot, then='interrupts its connections')}"
        return fail(PARAMETERS, f"they wait for a reboot of {', '.join(waiting)}", hint)
    return ok(PARAMETERS, f"{clusters[0]} uses {used}")


def users_are_their_own(context: Context) -> Finding:
    """Which services connect as the master user, who may do everything. A reminder: it stands in no one's way."""
    masters = [
        props.container_name
        for props in context.services
        if any(isinstance(secret.secret_name, DatabaseSecret) for secret in props.container_secrets)
    ]
    if not masters:
        return ok(USERS, "no service connects as the master user")
    how = "docs/database.md, A user for a service, says how each gets its own"
    return ok(USERS, f"{', '.join(masters)} {'connects' if len(masters) == 1 else 'connect'} as the master user; {how}")
