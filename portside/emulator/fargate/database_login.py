"""Whether the database of a container accepts its connection, and how it refuses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portside.emulator.fargate import container_secrets
from portside.emulator.fargate.database_connection import Connection, connection
from portside.emulator.fargate.faults import Fault
from portside.emulator.fargate.launch import Launch, environment_of
from portside.emulator.ministack_modules import documentdb, ec2, rds

UNREACHABLE, WITHOUT_TLS, REFUSED, MISSING = (
    "database-unreachable",
    "database-tls",
    "database-auth",
    "database-missing",
)
# Databases that every server of an engine has.
_ALWAYS_THERE = {"postgres": {"postgres", "template1"}, "mysql": {"mysql", "sys", "information_schema"}}
# The parameter that refuses connections without TLS, and the first major version in which it is on by default:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html,
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html and
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.require-ssl.html
_TLS_PARAMETERS = {
    "postgres": ("rds.force_ssl", 15),
    "aurora-postgresql": ("rds.force_ssl", 17),
    "mysql": ("require_secure_transport", None),
    "aurora-mysql": ("require_secure_transport", None),
}


@dataclass(frozen=True)
class _Server:
    """A cluster or instance, by one of its hosts."""

    record: Mapping[str, Any]
    parameters: Mapping[str, Any]

    @property
    def engine(self) -> str:
        return str(self.record["Engine"])

    @property
    def requires_tls(self) -> bool:
        name, first = _TLS_PARAMETERS.get(self.engine, ("", None))
        default = first is not None and int(str(self.record["EngineVersion"]).partition(".")[0]) >= first
        return str(self.parameters.get(name, default)).lower() in ("1", "on", "true")

    def has(self, name: str, engine: str) -> bool:
        first = self.record.get("DatabaseName") or self.record.get("DBName")
        return not engine or not name or name == first or name in _ALWAYS_THERE[engine]


def with_refusals(launch: Launch) -> Launch:
    """The launch, with a fault for each container that the database refuses, unless it has a fault."""
    servers = dict(_servers())
    found = {
        each["name"]: fault
        for each in launch.containers
        if each["name"] not in launch.faults and (fault := _fault(launch, each, servers))
    }
    refused = {name: Fault(launch.account, name, fault) for name, fault in found.items()}
    return replace(launch, faults={**launch.faults, **refused}) if refused else launch


def _fault(launch: Launch, container: Mapping[str, Any], servers: Mapping[str, _Server]) -> str:
    """The fault of a container, in the order in which a server checks; empty if it accepts the connection."""
    secrets = [container_secrets.value_of(each["valueFrom"]) or "" for each in container.get("secrets", [])]
    environment = environment_of(container)
    engines = {host: each.engine for host, each in servers.items()}
    found = connection(environment | {str(number): each for number, each in enumerate(secrets)}, engines)
    server = servers.get(found.host)
    if server is None:
        return ""
    if not _admits(server, found, launch):
        return UNREACHABLE
    if found.without_tls and server.requires_tls:
        return WITHOUT_TLS
    if secrets and not any(server.record["_MasterUserPassword"] in each for each in secrets):
        return REFUSED
    return "" if server.has(found.name, found.engine) else MISSING


def _servers() -> Iterator[tuple[str, _Server]]:
    for module in (documentdb, rds):
        for cluster in module._clusters.values():
            group = rds._db_cluster_param_groups.get(cluster.get("DBClusterParameterGroup")) or {}
            for key in ("Endpoint", "ReaderEndpoint"):
                yield cluster[key], _Server(cluster, _parameters(group))
    for instance in rds._instances.values():
        if not instance.get("DBClusterIdentifier"):
            names = [each["DBParameterGroupName"] for each in instance.get("DBParameterGroups", ())]
            group = next((rds._param_groups[each] for each in names if each in rds._param_groups), {})
            yield instance["Endpoint"]["Address"], _Server(instance, _parameters(group))


def _parameters(group: Mapping[str, Any]) -> dict[str, Any]:
    found = group.get("Parameters") or {}
    return {name: each.get("ParameterValue") if isinstance(each, dict) else each for name, each in found.items()}


def _admits(server: _Server, found: Connection, launch: Launch) -> bool:
    """Whether a security group of the server has a rule for the task; true if either has no groups."""
    network = (launch.service or {}).get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    groups = {each["VpcSecurityGroupId"] for each in server.record.get("VpcSecurityGroups", ())}
    known = [ec2._security_groups[each] for each in groups if each in ec2._security_groups]
    callers = set(network.get("securityGroups") or ())
    if not known or not callers:
        return True
    rules = [rule for group in known for rule in group.get("IpPermissions", ())]
    return any(_applies(rule, int(found.port), callers, launch) for rule in rules)


def _applies(rule: Mapping[str, Any], port: int, callers: set[str], launch: Launch) -> bool:
    is_all = str(rule.get("IpProtocol")) == "-1"
    if not is_all and not int(rule.get("FromPort", 0)) <= port <= int(rule.get("ToPort", 65535)):
        return False
    ranges = [each["CidrIp"] for each in rule.get("IpRanges", ()) if each.get("CidrIp")]
    address = ipaddress.ip_address(launch.address)
    return (
        bool(rule.get("PrefixListIds"))
        or any(each.get("GroupId") in callers for each in rule.get("UserIdGroupPairs", ()))
        or any(address in ipaddress.ip_network(each, strict=False) for each in ranges)
    )
