"""The database: whether what is accepted of it for the time being is accepted still."""

from __future__ import annotations

from portside.config.deferred_values import DatabaseSecret
from portside.config.stacks import database_stacks
from portside.extension import installed
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding
from portside.preflight.context import Context, Question

TLS = "database: TLS"
PARAMETERS = "database: parameters"
USERS = "database: users"


def questions() -> list[Question]:
    return [
        Question(TLS, connections_are_encrypted),
        Question(PARAMETERS, parameters_are_used),
        Question(USERS, users_are_their_own),
    ]


def connections_are_encrypted(context: Context) -> Finding:
    """They are not: accepted until the date that the app gives, a failed check after it. It blocks no deployment."""
    risk = installed().database_without_tls
    if risk is None:
        return fail(TLS, "off: connections to the database are not encrypted", "See docs/database.md, TLS.")
    if context.now.date() <= risk.until:
        return skip(TLS, f"{risk.reason}; accepted until {risk.until}")
    return fail(TLS, f"{risk.reason}; the exception ended on {risk.until}", risk.hint)


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
    """The services that connect as the master user. A reminder, which blocks no deployment."""
    masters = [
        props.container_name
        for props in context.services
        if any(isinstance(secret.secret_name, DatabaseSecret) for secret in props.container_secrets)
    ]
    if not masters:
        return ok(USERS, "no service connects as the master user")
    how = "docs/database.md, A user for a service, says how each gets its own"
    return ok(USERS, f"{', '.join(masters)} {'connects' if len(masters) == 1 else 'connect'} as the master user; {how}")
