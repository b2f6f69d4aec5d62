"""Checks that compare the services of one environment."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from portside.config.addresses import LOOPBACK, Address, addresses, further_ports, health_check_addresses
from portside.config.database_values import KIND, add_kind_hint
from portside.config.deferred_values import OfDatabase, as_written, is_token, parts_of
from portside.config.environment import Environment
from portside.config.image_reference import LOCAL_BUILD, parse_reference
from portside.config.mistakes import Report, closest, quoted
from portside.config.own_stack_uses import check_call, check_uses, own_stacks_by_part
from portside.config.own_stacks import OwnStack
from portside.config.public_services import check_public
from portside.config.runs import ALWAYS
from portside.config.service_groups import MOST_CALLERS_GROUPS
from portside.config.service_props import DATABASE, Call, ServiceProps
from portside.config.stacks import own_stacks, reserved_parts
from portside.config.start_order import check_cycles

Services = Sequence[ServiceProps]

_DATABASE_HOST = "Use DatabaseHost() for the database."
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect.html: only for tasks of services.
_NO_SERVICE_CONNECT = (
    "the name of a service, which only services can resolve: a task that ends has no Service Connect",
    "Use the address of the environment, environment.url, or do this work in a service.",
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?", re.I)
# AWS reserves five addresses in each subnet: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
_KEPT_ADDRESSES = 5
_PRIVATE_SUBNETS = 2
# Network interfaces of VPC endpoints, and a reserve.
_OTHER_INTERFACES = 8


def check_neighbours(
    environment: Environment, services: Services, root: Path, report: Report, omitted: Services = ()
) -> None:
    """Report mistakes between services. Invalid services only have their valid fields.

    `omitted` services were created and not returned, which is a mistake if they are called.
    """
    _check_unique(services, report)
    _check_stack_names(environment, services, report)
    check_public(environment, services, report)
    check_cycles([props for props in services if _has(props, "container_name", "calls")], report)
    world = _world(environment, [*services, *_called_and_omitted(services, omitted, report)])
    # A missing name was reported, and messages can't identify the service without it.
    for props in (each for each in services if _has(each, "container_name")):
        place = _place(props.container_name, report)
        _check_calls(props, world, place)
        check_uses(environment, props, place)
        if _has(props, "container_env_vars"):
            _check_variables(props, world, place)
        if _has(props, "container_healthcheck"):
            _check_health_command(props, world, place)
        if _has(props, "container_location"):
            _check_folder(environment, props.container_location, root, place.at(".container_location"))


def _called_and_omitted(services: Services, omitted: Services, report: Report) -> list[ServiceProps]:
    names = {_field(props, "container_name") for props in services}
    called = {call.service for props in services for call in _calls(props)} - names
    found = {_field(props, "container_name"): props for props in omitted if _field(props, "container_name") in called}
    for name in found:
        report.wrong("does not return a service that others call", "Add it to the returned list.", name)
    return list(found.values())


def check_addresses(environment: Environment, services: Services, report: Report) -> None:
    """Report a network without enough addresses: each task has one, and a rolling deployment doubles the tasks."""
    subnet = IPv4Network(environment.vpc_cidr).num_addresses // 4 - _KEPT_ADDRESSES
    most = (_field(props, "auto_scale_max_capacity") for props in services)
    tasks = sum(2 * count for count in most if count is not None and not is_token(count))
    databases = len(environment.database_stacks) * environment.database_instances
    needed = tasks + databases + _OTHER_INTERFACES
    if needed > subnet * _PRIVATE_SUBNETS:
        report.wrong(
            f"too small: its private subnets have {subnet * _PRIVATE_SUBNETS} addresses, and deploying every service "
            f"at its auto_scale_max_capacity needs {needed}",
            "Use a larger network, or lower the capacity.",
            environment.vpc_cidr,
        )


def check_database(environment: Environment, services: Services, report: Report) -> None:
    """Report services that use the database of an environment without a database."""
    calls = {
        _field(props, "container_name"): call.port
        for props in services
        for call in _calls(props)
        if call.service == DATABASE
    }
    users = [name for props in services if (name := _field(props, "container_name")) in calls or reads_database(props)]
    if users and environment.database_kind is None:
        port = next(iter(calls.values()), None)
        report.at(f"[{quoted(KIND)}]").wrong(
            f"missing, and {', '.join(map(str, users))} {'uses' if len(users) == 1 else 'use'} the database: "
            "an environment without it has no database",
            add_kind_hint(report.where, port),
        )


def reads_database(props: ServiceProps) -> bool:
    """Whether a service is given the address, the user, the name or the password of the database."""
    values = [part for value in (_field(props, "container_env_vars") or {}).values() for part in parts_of(value)]
    uses = [*values, *(secret.secret_name for secret in _field(props, "container_secrets") or ())]
    return any(isinstance(value, OfDatabase) for value in uses)


@dataclass(frozen=True)
class _World:
    """The port of each service, None if unknown, and the own stacks by the end of their names.

    `jobs` don't run always, `workers` are services without a port. `all_named` is False if the name of a service is not
    valid, or if own stacks are unknown.
    """

    ports: Mapping[str, int | None]
    jobs: frozenset[str]
    own: Mapping[str, OwnStack]
    workers: frozenset[str]
    all_named: bool

    def refuse_worker(self, name: str, port: int | None, place: Report, got: object) -> bool:
        """Report a connection to a service without a port."""
        if name in self.workers:
            use = port or "…"
            hint = f"Add container_port={use} to {quoted(name)}, or remove the connection."
            place.wrong(f"{name} has no container_port, so nothing can connect to it", hint, got)
        return name in self.workers

    def hint_for(self, address: Address) -> str:
        """A hint for a host that is not a service; empty if it can be another host."""
        host = address.host or ""
        if not self.all_named:
            return ""
        label = host.partition(".")[0] if address.is_elsewhere else host
        if not _LABEL.fullmatch(label):
            return ""
        names = [name for name in self.ports if name != DATABASE]
        ended = next((name for name in names if name == label or name.endswith(f"-{label}")), None)
        if similar := ended or _closest_name(label, names, similarity=0.75):
            return f'Did you mean "{similar}"?'
        # Service Connect only resolves services, and a name without a dot is not looked up in DNS.
        is_wrong = address.is_certain or address.is_elsewhere
        hint = f"Use the container_name of a service: {', '.join(names)}."
        return f"{hint} {_DATABASE_HOST}".strip() if is_wrong else ""


def _world(environment: Environment, services: Services) -> _World:
    ports: dict[str, int | None] = {DATABASE: environment.database_port} if environment.database_kind else {}
    jobs = frozenset(
        props.container_name for props in services if _has(props, "container_name") and not _is_service(props)
    )
    for props in services:
        name, port = _field(props, "container_name"), _field(props, "container_port")
        if name not in jobs and name is not None:
            ports[name] = port if ports.setdefault(name, port) == port else None
    named = all(_field(props, "container_name") is not None for props in services)
    workers = {props.container_name for props in services if _is_worker(props)}
    return _World(
        ports, jobs, own_stacks_by_part(environment), frozenset(workers), named and environment.own_stacks is not None
    )


def _place(container_name: str, report: Report) -> Report:
    return Report(f"ServiceProps({quoted(container_name)})", report.problems)


def _field(props: ServiceProps, name: str) -> Any:
    return getattr(props, name, None)


def _has(props: ServiceProps, *names: str) -> bool:
    """Whether fields are valid: an entry doesn't have its invalid fields."""
    return all(name in vars(props) for name in names)


def _is_worker(props: ServiceProps) -> bool:
    return _has(props, "container_name", "container_port") and props.container_port is None


def _is_service(props: ServiceProps) -> bool:
    return _field(props, "runs") in (ALWAYS, None)


def _calls(props: ServiceProps) -> Sequence[Call]:
    return _field(props, "calls") or ()


def _check_unique(services: Services, report: Report) -> None:
    names = [_field(props, "container_name") for props in services]
    for name, times in Counter(names).items():
        if times > 1 and name is not None and not is_token(name):
            hint = "Use a separate container_name for each service."
            report.wrong(f"{times} services have the same container_name", hint, name)


def _check_stack_names(environment: Environment, services: Services, report: Report) -> None:
    own = (stack.part for stack in own_stacks(environment))
    taken = dict.fromkeys((*reserved_parts(environment), *own), "another stack")
    for name in dict.fromkeys(_field(props, "container_name") for props in services):
        if name is None or is_token(name):
            continue
        place, part = _place(name, report).at(".container_name"), environment.short_name(name)
        if part in taken:
            place.wrong(f"its stack would have the same name as that of {taken[part]}", "Use another name.", name)
        elif "_" in part or not part:
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
            place.wrong("not a valid name of a CloudFormation stack", "Use letters, digits and hyphens.", name)
        taken[part] = quoted(name)


def _check_calls(props: ServiceProps, world: _World, report: Report) -> None:
    ports = world.ports
    for index, call in enumerate(_calls(props)):
        place = report.at(f".calls[{index}]")
        if is_token(call.service) or (call.service == DATABASE and DATABASE not in ports):
            continue
        if call.service in world.own:
            check_call(world.own[call.service], call.port, place)
        elif call.service in world.jobs:
            place.wrong("does not run always, so nothing can call it", "Remove the call.", call.service)
        elif call.service != DATABASE and call.service in ports and not _is_service(props):
            place.wrong(*_NO_SERVICE_CONNECT, call.service)
        elif call.service not in ports:
            if world.all_named:
                place.wrong("no such service", _callee_hint(call.service, [*ports, *world.own]), call.service)
        elif world.refuse_worker(call.service, call.port, place, call.service):
            continue
        elif not _is_port(call.port, ports[call.service]):
            listening = ports[call.service]
            place.wrong(f"{call.service} listens on port {listening}", f"Use port {listening}.", call.port)
    callees = dict.fromkeys(
        [*(call.service for call in _calls(props)), *(each.stack for each in _field(props, "durable_volumes") or ())]
    )
    others = [each for each in callees if each == DATABASE or each in world.own]
    if len(callees) > MOST_CALLERS_GROUPS and len(others) >= MOST_CALLERS_GROUPS:
        mistake = f"more than {MOST_CALLERS_GROUPS} calls, {len(others)} of them to the database and own stacks"
        hint = "A task has five security groups, and each of these needs one. Combine own stacks."
        report.at(".calls").wrong(mistake, hint, others)
    reads = DATABASE in ports and reads_database(props)
    if reads and _has(props, "calls") and DATABASE not in [call.service for call in _calls(props)]:
        hint = f"Add Call(DATABASE, {ports[DATABASE]})."
        report.at(".calls").wrong("uses the database's host, port or password, but does not call it", hint)


def _closest_name(name: str, names: Sequence[str], *, similarity: float) -> str | None:
    """The service with the most similar name, compared without the common prefix of all names."""
    first_words = {"".join(each.partition("-")[:2]) for each in names}
    prefix = first_words.pop() if len(first_words) == 1 else ""
    short = {each.removeprefix(prefix): each for each in names}
    similar = closest(name.lower().replace("_", "-").removeprefix(prefix), list(short), similarity=similarity)
    return short[similar] if similar else None


def _callee_hint(name: str, known: Sequence[str]) -> str:
    similar = _closest_name(name, [each for each in known if each != DATABASE], similarity=0.6)
    similar = similar or closest(name, [DATABASE], similarity=0.6)
    return f'Did you mean "{similar}"?' if similar else f"Known are: {', '.join(known)}."


def _is_port(given: int, listening: int | None) -> bool:
    return listening is None or is_token(given) or is_token(listening) or given == listening


def _check_variables(props: ServiceProps, world: _World, report: Report) -> None:
    """Report addresses of services that are not called, or with another port."""
    called = {_field(props, "container_name"), *(call.service for call in _calls(props))}
    further = set(further_ports(props.container_env_vars, _field(props, "container_command") or ()))
    for key, address, got in addresses(props.container_env_vars):
        host, port = address.host, address.port
        place = report.at(f".container_env_vars[{quoted(key)}]")
        if host is None:
            continue
        if host in LOOPBACK:
            called_here = next((call.service for call in _calls(props) if call.port == port), None)
            # A port alone, in X_PORT, has its host in X_HOST, which was reported.
            if called_here and "://" in got and port not in {_field(props, "container_port"), *further}:
                mistake = f"the container itself, not {called_here}"
                place.wrong(mistake, f"Use {called_here} instead of {host}.", got)
            continue
        if host == DATABASE:
            if address.is_certain or key.endswith("_HOST"):
                place.wrong("no such host", _DATABASE_HOST, got)
            continue
        if host in world.own and not address.is_elsewhere:
            place.wrong("no such host", f'Use an output of the stack: StackOutput("{host}", …).', got)
            continue
        if host not in world.ports:
            # The host of X_PORT is in X_HOST, and is reported there.
            is_asked = address.is_certain or key.endswith("_HOST")
            if is_asked and (hint := world.hint_for(address)):
                place.wrong("no such service", hint, got)
            continue
        if not _is_service(props):
            if not key.endswith("_PORT"):
                place.wrong(*_NO_SERVICE_CONNECT, got)
            continue
        if world.refuse_worker(host, port, place, got):
            continue
        listening = world.ports[host]
        if _has(props, "calls") and host not in called and not key.endswith("_PORT"):
            place.wrong(
                f"an address of {host}, which is not in calls", f"Add Call({quoted(host)}, {listening}) to calls.", got
            )
        if port is not None and not _is_port(port, listening):
            place.wrong(f"{host} listens on port {listening}", f"Use port {listening}.", got)


def _check_health_command(props: ServiceProps, world: _World, report: Report) -> None:
    """Report a health command that calls another container, or a port on which the container doesn't listen."""
    place, port = report.at(".container_healthcheck"), _field(props, "container_port")
    further = further_ports(_field(props, "container_env_vars") or {}, _field(props, "container_command") or ())
    ports = {port, *further}
    for address, got in health_check_addresses(getattr(props.container_healthcheck, "command", ())):
        if address.host in world.ports and address.host != props.container_name:
            place.wrong(f"checks {address.host}, not this container", "Use localhost.", got)
        elif address.host in LOOPBACK and address.port not in {None, *ports} and port and not is_token(port):
            hint = (
                f"Use port {port}, or change container_port. If the container also listens on port {address.port}, set "
                "it in a variable such as MANAGEMENT_PORT."
            )
            place.wrong(f"checks another port than container_port, {port}", hint, got)


def check_host_names(
    environment: Environment, others: Iterable[Environment], services: Services, report: Report
) -> None:
    """Report a variable with the host name of another environment, unless the variable's name contains that one's."""
    for props in (each for each in services if _has(each, "container_name", "container_env_vars")):
        for key, value in props.container_env_vars.items():
            if not isinstance(value, str):
                continue
            place = _place(props.container_name, report).at(f".container_env_vars[{quoted(key)}]")
            _check_own_address(environment, as_written(value), place)
            for other in (each for each in others if each.fqdn):
                is_intended = {other.name.upper(), other.kind.upper()} & set(key.upper().split("_"))
                named = re.search(rf"(?<![\w.-]){re.escape(other.fqdn)}(?![\w.-])", as_written(value))
                if named and other.fqdn != environment.fqdn and not is_intended:
                    place.wrong(
                        "the host name of another environment", 'Use f"https://{environment.fqdn}/…".', other.fqdn
                    )


def _check_own_address(environment: Environment, value: str, place: Report) -> None:
    own = re.escape(environment.fqdn)
    if not environment.fqdn and re.search(r"https?://(?=[/:]|$)", value):
        hint = f'Use f"{{environment.url}}/…", which is a path without FQDN, or add FQDN to {quoted(environment.name)}.'
        place.wrong("an address without a host", hint, value)
    elif environment.fqdn and not environment.certificate_arn and re.search(rf"https://{own}(?![\w.-])", value):
        mistake = f"HTTPS, which {quoted(environment.name)} does not serve without CERTIFICATE_ID"
        place.wrong(mistake, 'Use f"{environment.url}/…".', value)


def check_released(environment: Environment, services: Services, report: Report) -> None:
    """Report what may change or stop under a release, in an environment that only runs releases."""
    if not environment.is_released:
        return
    for props in (each for each in services if _has(each, "container_name")):
        place = _place(props.container_name, report)
        if _has(props, "container_location"):
            _check_release(environment, props.container_location, place.at(".container_location"))
        if _field(props, "spot_weight"):
            mistake = f"AWS can interrupt Spot capacity at any time, which must not happen in {environment.name}"
            place.at(".spot_weight").wrong(mistake, "Use 0 in this environment.", props.spot_weight)


def _check_release(environment: Environment, location: str, report: Report) -> None:
    reference = None if is_token(location) else parse_reference(location)
    if location.startswith(LOCAL_BUILD):
        mistake = f"{environment.name} must not run an image that is built on the deploying machine"
        report.wrong(mistake, "Publish the image, and use its tag.", location)
    elif reference is not None and reference.is_mutable:
        mistake = f"{environment.name} must not run a tag that moves from image to image"
        report.wrong(mistake, "Use a release, or a digest (name@sha256:…).", location)


def _check_folder(environment: Environment, location: str, root: Path, report: Report) -> None:
    if location.startswith(LOCAL_BUILD) and not environment.is_released:
        if not (root / location.removeprefix(LOCAL_BUILD)).resolve().is_relative_to(root.resolve()):
            mistake = "a folder outside this repository, which other machines don't have"
            report.wrong(mistake, "Move it into the repository.", location)
        elif not os.path.isfile(root / location.removeprefix(LOCAL_BUILD) / "Dockerfile"):
            report.wrong(
                "no Dockerfile in this folder", "Use a path relative to the root of this repository.", location
            )
