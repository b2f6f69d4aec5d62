"""All rules over an assembly."""

from __future__ import annotations

from portside.findings.finding import Finding
from portside.findings.templates import (
    alarm,
    attribute_names,
    database,
    limits,
    load_balancer,
    network,
    policies,
    reach,
    references,
    roles,
    routes,
    scaling,
    service,
    task_definition,
    web_acl,
)
from portside.findings.templates.assembly import Assembly
from portside.findings.templates.rule import Rule, rows

RULES: tuple[Rule, ...] = (
    *(
        references.forms,
        references.unresolved,
        references.circles,
        references.sizes,
        references.attributes,
        references.types,
    ),
    *(references.policies, references.exports, references.substitutions),
    *(limits.refused_values, limits.undocumented_values, limits.tags),
    *(task_definition.names, task_definition.dependencies, task_definition.sizes, task_definition.ports),
    *(task_definition.fargate, task_definition.interfaces, task_definition.logs, task_definition.images),
    *(task_definition.health_commands, task_definition.health_ports),
    *(service.load_balanced_ports, service.service_connect, service.capacity, service.room_to_roll),
    *(service.grace_periods, attribute_names.misspelt),
    *(service.deployment_alarms, service.networks, service.exec_sessions, service.platforms),
    *(load_balancer.health_checks, load_balancer.target_types, load_balancer.unused_groups),
    *(load_balancer.protocols, load_balancer.listeners, load_balancer.redirects, load_balancer.rules),
    *(load_balancer.zones, load_balancer.access_logs, load_balancer.target_vpcs),
    *(policies.documents, policies.managed, task_definition.secret_fields),
    *(roles.trust, roles.execution_rights, roles.exec_rights, roles.keys),
    *(reach.to_load_balancers, reach.from_load_balancers, reach.to_callees, reach.to_databases),
    *(routes.ways_out, routes.balancer_subnets, routes.gateways, routes.task_egress),
    *(network.ranges, network.group_rules, network.routes, network.private_names),
    *(network.route_targets, network.addresses, network.resolvers, web_acl.managed_groups, alarm.actions),
    *(web_acl.rules, web_acl.default_actions, web_acl.associations, web_acl.log_destinations),
    *(alarm.periods, alarm.metrics, alarm.names),
    *(scaling.bounds, scaling.resource_ids, scaling.policies, scaling.steps),
    *(database.families, database.serverless, database.credentials, database.windows, database.members),
)


def check(assembly: Assembly) -> list[Finding]:
    """The certain findings about the templates of an assembly, in the order of the table of rules."""
    order = {row.code: place for place, row in enumerate(rows().values())}
    found = [finding for rule in RULES for finding in rule(assembly)]
    return sorted(dict.fromkeys(found), key=lambda finding: order[finding.code])
