"""The database: whether what is accepted of it for the time being is accepted still."""

from __future__ import annotations

from dataclasses import dataclass

from portside.aws.database_reading import DatabaseDescription, describe_database
from portside.aws.ownership import Owner
from portside.config.database_kinds import DatabaseKind
from portside.config.deferred_values import DatabaseSecret
from portside.config.stacks import database_stacks
from portside.extension import installed
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding
from portside.plan.unconfigured import read_unconfigured
from portside.preflight.context import Context, Question

TLS = "database: TLS"
PARAMETERS = "database: parameters"
USERS = "database: users"
DATA = "database: data"


def questions(context: Context) -> list[Question]:
    """The checks of the environment's database, none without one."""
    if context.environment.database_kind is None:
        return []
    return [
        Question(TLS, connections_are_encrypted),
        Question(PARAMETERS, parameters_are_used),
        Question(USERS, users_are_their_own),
        Question(DATA, services_keep_their_data),
    ]


def connections_are_encrypted(context: Context) -> Finding:
    """Whether it requires TLS. That it does not is accepted until the date that the app gives. Blocks no deployment."""
    if context.environment.database_tls:
        found = _described(context)
        if found is None:
            return skip(TLS, "required, once the database is deployed")
        if found.description.parameter_group != found.group or found.description.waiting:
            return fail(
                TLS, f"required by the parameters of {found.id}, which it does not use yet", f"See {PARAMETERS}."
            )
        return ok(TLS, f"{found.id} accepts encrypted connections only")
    risk = installed().database_without_tls
    if risk is None or context.environment.app != installed().app:
        return fail(TLS, "off: connections to the database are not encrypted", "See docs/database.md, TLS.")
    if context.now.date() <= risk.until:
        return skip(TLS, f"{risk.reason}; accepted until {risk.until}")
    return fail(TLS, f"{risk.reason}; the exception ended on {risk.until}", risk.hint)


def parameters_are_used(context: Context) -> Finding:
    """Whether the database runs with its stack's parameters: a restored one may begin with AWS's own."""
    found = _described(context)
    if found is None:
        return skip(PARAMETERS, "the first deployment of the database makes them")
    commands, kind, used = context.commands, found.kind, found.description
    if used.parameter_group != found.group:
        option = "db_cluster_parameter_group_name" if kind.is_cluster else "db_parameter_group_name"
        modify = commands.aws(*kind.command("modify"), **kind.identified(found.id), **{option: found.group})
        hint = commands.fix(modify, then="then reboot its instances" if kind.is_cluster else "then reboot it")
        return fail(PARAMETERS, f"{found.id} uses {used.parameter_group}, not {found.group}", hint)
    if used.waiting:
        reboot = commands.aws(kind.service, "reboot-db-instance", db_instance_identifier=used.waiting[0])
        hint = f"At a quiet time: {commands.fix(reboot, then='interrupts its connections')}"
        return fail(PARAMETERS, f"they wait for a reboot of {', '.join(used.waiting)}", hint)
    return ok(PARAMETERS, f"{found.id} uses {used.parameter_group}")


@dataclass(frozen=True)
class _Deployed:
    """The database of the services as AWS describes it, with the parameter group of its stack."""

    kind: DatabaseKind
    id: str
    group: str
    description: DatabaseDescription


def _described(context: Context) -> _Deployed | None:
    kind = context.environment.database_kind
    assert kind is not None  # without one this is not asked
    stack = database_stacks(context.environment)[0].name
    databases = context.physical_ids(stack, kind.resource_type)
    groups = context.physical_ids(stack, kind.parameter_group_type)
    if not databases or not groups:
        return None
    found = describe_database(context.client(kind.service), kind, databases[0])
    return _Deployed(kind, databases[0], groups[0], found) if found else None


def services_keep_their_data(context: Context) -> Finding:
    """Whether this deployment would move services from their database to a new, empty database."""
    environment, states, kind = context.environment, context.states(), context.environment.database_kind
    assert kind is not None  # without one this is not asked
    new, *others = [stack.name for stack in database_stacks(environment)]
    if new in states or not states:
        return ok(DATA, "the services keep their database" if states else "there is no database yet")
    unconfigured = read_unconfigured(context.target, context.services)
    old = [name for name in others if name in states]
    old += [each.name for each in unconfigured if kind.resource_type in each.state and each.owner is not Owner.ANOTHER]
    if not old:
        return ok(DATA, "there is no other database")
    ends = " or ".join(f'"DATABASE_STACK": "{name.removeprefix(environment.stack_name(""))}"' for name in old)
    return fail(
        DATA,
        f"{new} would be created, and the services moved to it from {' or '.join(old)}, without its data",
        f"Set {ends} for {environment.name} in app.py. Services move only to a deployed database: docs/database.md.",
    )


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
