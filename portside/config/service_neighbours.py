"""What must hold between the services of one environment."""

from __future__ import annotations

import graphlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from portside.config.addresses import LOOPBACK, Address, addresses, asked_by, further_ports
from portside.config.deferred_values import DatabaseHost, DatabasePort, DatabaseSecret, as_written, is_token, parts_of
from portside.config.environment import Environment
from portside.config.image_reference import LOCAL_BUILD, parse_reference
from portside.config.mistakes import Report, closest, quoted
from portside.config.service_props import DATABASE, Call, ServiceProps
from portside.config.stacks import reserved_parts

Services = Sequence[ServiceProps]

_DATABASE_HOST = "The database's host is DatabaseHost()."
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?", re.I)
# AWS keeps five addresses of every subnet: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
_KEPT_ADDRESSES = 5
_PRIVATE_SUBNETS = 2
# Network interfaces of VPC endpoints, and some room.
_OTHER_INTERFACES = 8


def check_neighbours(
    environment: Environment, services: Services, root: Path, report: Report, left_out: Services = ()
) -> None:
    """Report what is wrong between services; one that was `gathered` as wrong is known by the fields that are right.

    `left_out` are services that were written down and not returned, which is a mistake where they are called.
    """
    _check_unique(services, report)
    _check_stack_names(environment, services, report)
    _check_public(services, report)
    _check_circles([props for props in services if _has(props, "container_name", "calls")], report)
    world = _world(environment, [*services, *_called_and_left_out(services, left_out, report)])
    # What has no name is called by it in no message: that it has none is reported.
    for props in (each for each in services if _has(each, "container_name")):
        place = _place(props.container_name, report)
        _check_calls(props, world, place)
        if _has(props, "container_env_vars"):
            _check_variables(props, world, place)
        if _has(props, "container_healthcheck"):
            _check_health_command(props, world, place)
        if _has(props, "container_location"):
            _check_image(environment, props.container_location, root, place.at(".container_location"))
        if environment.is_released and _field(props, "spot_weight"):
            what = f"Spot capacity may be taken away at any time, which {environment.name} must not meet"
            place.at(".spot_weight").wrong(what, "Use 0 there.", props.spot_weight)


def _called_and_left_out(services: Services, left_out: Services, report: Report) -> list[ServiceProps]:
    names = {_field(props, "container_name") for props in services}
    called = {call.service for props in services for call in _calls(props)} - names
    found = {_field(props, "container_name"): props for props in left_out if _field(props, "container_name") in called}
    for name in found:
        report.wrong("does not return a service that others call", "Add it to the list that is returned.", name)
    return list(found.values())


def check_addresses(environment: Environment, services: Services, report: Report) -> None:
    """A rolling deployment runs every service twice, and every task has an address."""
    subnet = IPv4Network(environment.vpc_cidr).num_addresses // 4 - _KEPT_ADDRESSES
    most = (_field(props, "auto_scale_max_capacity") for props in services)
    tasks = sum(2 * count for count in most if count is not None and not is_token(count))
    needed = tasks + environment.database_instances + _OTHER_INTERFACES
    if needed > subnet * _PRIVATE_SUBNETS:
        report.wrong(
            f"too small: its private subnets have {subnet * _PRIVATE_SUBNETS} addresses, and deploying every service "
            f"at its auto_scale_max_capacity needs {needed}",
            "Use a larger network, or lower the capacity.",
            environment.vpc_cidr,
        )


@dataclass(frozen=True)
class _World:
    """Where each service listens, None where that is not known; `all_named` is False where a name can't be read."""

    ports: Mapping[str, int | None]
    all_named: bool

    def meant(self, address: Address) -> str:
        """What to write in place of a host that is no service; empty where it may be something else."""
        host = address.host or ""
        if not self.all_named:
            return ""
        label = host.partition(".")[0] if address.is_elsewhere else host
        if not _LABEL.fullmatch(label):
            return ""
        names = [name for name in self.ports if name != DATABASE]
        ended = next((name for name in names if name == label or name.endswith(f"-{label}")), None)
        if meant := ended or _closest_name(label, names, likeness=0.75):
            return f'Perhaps you meant "{meant}"?'
        # Service Connect knows services only, and without a dot no DNS server is asked for more.
        is_wrong = address.is_certain or address.is_elsewhere
        return f"Write the container_name of a service: {', '.join(names)}. {_DATABASE_HOST}" if is_wrong else ""


def _world(environment: Environment, services: Services) -> _World:
    ports: dict[str, int | None] = {DATABASE: environment.database_port}
    for props in services:
        name, port = _field(props, "container_name"), _field(props, "container_port")
        if name is not None:
            ports[name] = port if ports.setdefault(name, port) == port else None
    return _World(ports, all(_field(props, "container_name") is not None for props in services))


def _place(container_name: str, report: Report) -> Report:
    return Report(f"ServiceProps({quoted(container_name)})", report.problems)


def _field(props: ServiceProps, name: str) -> Any:
    return getattr(props, name, None)


def _has(props: ServiceProps, *names: str) -> bool:
    """Whether fields are right by themselves: an entry lacks those that are wrong."""
    return all(name in vars(props) for name in names)


def _calls(props: ServiceProps) -> Sequence[Call]:
    return _field(props, "calls") or ()


def _check_unique(services: Services, report: Report) -> None:
    names = [_field(props, "container_name") for props in services]
    for name, times in Counter(names).items():
        if times > 1 and name is not None and not is_token(name):
            hint = "Give every service a container_name of its own."
            report.wrong(f"{times} services have the same container_name", hint, name)


def _check_stack_names(environment: Environment, services: Services, report: Report) -> None:
    taken = dict.fromkeys(reserved_parts(environment), "another stack")
    for name in dict.fromkeys(_field(props, "container_name") for props in services):
        if name is None or is_token(name):
            continue
        place, part = _place(name, report).at(".container_name"), environment.short_name(name)
        if part in taken:
            place.wrong(f"its stack would be called like that of {taken[part]}", "Use another name.", name)
        elif "_" in name or not part:
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
            place.wrong("CloudFormation takes no stack of that name", "Use letters, digits and hyphens.", name)
        taken[part] = quoted(name)


def _check_public(services: Services, report: Report) -> None:
    public = [quoted(_field(props, "container_name")) for props in services if _field(props, "public")]
    if len(public) > 1:
        what = f"{len(public)} services have public=True: {', '.join(public)}"
        report.wrong(what, "The load balancer sends its requests to one service: keep it there.")
    elif not public and all(_field(props, "public") is not None for props in services):
        report.wrong("no service has public=True", "Set it where the load balancer is to send its requests.")


def _check_circles(services: Services, report: Report) -> None:
    names = {props.container_name for props in services}
    callees = {props.container_name: {call.service for call in props.calls} & names for props in services}
    while circle := _circle(callees):
        first, second = circle[:2]
        report.wrong(
            f"services call each other in a circle: {' -> '.join(circle)}",
            "Take one of these calls out: a first deployment starts callees before their callers.",
        )
        callees[first].remove(second)


def _circle(callees: Mapping[str, set[str]]) -> list[str]:
    try:
        graphlib.TopologicalSorter(callees).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _check_calls(props: ServiceProps, world: _World, report: Report) -> None:
    ports = world.ports
    for index, call in enumerate(_calls(props)):
        place = report.at(f".calls[{index}]")
        if is_token(call.service):
            continue
        if call.service not in ports:
            if world.all_named:
                place.wrong("no such service", _suggested_callee(call.service, list(ports)), call.service)
        elif not _is_port(call.port, ports[call.service]):
            listening = ports[call.service]
            place.wrong(f"{call.service} listens on port {listening}", f"Use port {listening}.", call.port)
    values = [part for value in (_field(props, "container_env_vars") or {}).values() for part in parts_of(value)]
    uses = [*values, *(secret.secret_name for secret in _field(props, "container_secrets") or ())]
    reads_database = any(isinstance(value, DatabaseHost | DatabasePort | DatabaseSecret) for value in uses)
    if reads_database and _has(props, "calls") and DATABASE not in [call.service for call in _calls(props)]:
        hint = f"Add Call(DATABASE, {ports[DATABASE]})."
        report.at(".calls").wrong("uses the database's host, port or password, but does not call it", hint)


def _closest_name(name: str, names: Sequence[str], *, likeness: float) -> str | None:
    """The service that was probably meant: compared without the word that all names begin with, which likens them."""
    first_words = {"".join(each.partition("-")[:2]) for each in names}
    prefix = first_words.pop() if len(first_words) == 1 else ""
    short = {each.removeprefix(prefix): each for each in names}
    meant = closest(name.lower().replace("_", "-").removeprefix(prefix), list(short), likeness=likeness)
    return short[meant] if meant else None


def _suggested_callee(name: str, known: Sequence[str]) -> str:
    meant = _closest_name(name, [each for each in known if each != DATABASE], likeness=0.6)
    meant = meant or closest(name, [DATABASE], likeness=0.6)
    return f'Perhaps you meant "{meant}"?' if meant else f"Known are: {', '.join(known)}."


def _is_port(given: int, listening: int | None) -> bool:
    return listening is None or is_token(given) or is_token(listening) or given == listening


def _check_variables(props: ServiceProps, world: _World, report: Report) -> None:
    """Variables that hold the address of another service name one that is called, and its port."""
    called = {_field(props, "container_name"), *(call.service for call in _calls(props))}
    further = set(further_ports(props.container_env_vars, _field(props, "container_command") or ()))
    for key, address, got in addresses(props.container_env_vars):
        host, port = address.host, address.port
        place = report.at(f".container_env_vars[{quoted(key)}]")
        if host is None:
            continue
        if host in LOOPBACK:
            called_here = next((call.service for call in _calls(props) if call.port == port), None)
            # A number alone, in X_PORT, comes after its host, which was reported.
            if called_here and "://" in got and port not in {_field(props, "container_port"), *further}:
                what = f"the container itself, and {called_here} is another one"
                place.wrong(what, f"Write {called_here} in place of {host}.", got)
            continue
        if host == DATABASE:
            if address.is_certain or key.endswith("_HOST"):
                place.wrong("no such host", _DATABASE_HOST, got)
            continue
        if host not in world.ports:
            # The host of X_PORT stands in X_HOST, and is reported there.
            is_asked = address.is_certain or key.endswith("_HOST")
            if is_asked and (hint := world.meant(address)):
                place.wrong("no such service", hint, got)
            continue
        listening = world.ports[host]
        if _has(props, "calls") and host not in called and not key.endswith("_PORT"):
            place.wrong(f"names {host}, which is not called", f"Add Call({quoted(host)}, {listening}) to calls.", got)
        if port is not None and not _is_port(port, listening):
            place.wrong(f"{host} listens on port {listening}", f"Use port {listening}.", got)


def _check_health_command(props: ServiceProps, world: _World, report: Report) -> None:
    """The health command asks this container, on a port that it listens on."""
    place, port = report.at(".container_healthcheck"), _field(props, "container_port")
    further = further_ports(_field(props, "container_env_vars") or {}, _field(props, "container_command") or ())
    ports = {port, *further}
    for address, got in asked_by(getattr(props.container_healthcheck, "command", ())):
        if address.host in world.ports and address.host != props.container_name:
            what = f"asks {address.host}, which says nothing about this container"
            place.wrong(what, "Ask localhost.", got)
        elif address.host in LOOPBACK and address.port not in {None, *ports} and port and not is_token(port):
            hint = (
                f"Ask port {port}, or change container_port. If the container listens on port {address.port} too, name "
                "that in a variable such as MANAGEMENT_PORT."
            )
            place.wrong(f"asks another port than container_port, {port}", hint, got)


def check_host_names(
    environment: Environment, others: Iterable[Environment], services: Services, report: Report
) -> None:
    """A variable that names another environment's host, unless its own name says that it is that one's."""
    for props in (each for each in services if _has(each, "container_name", "container_env_vars")):
        for key, value in props.container_env_vars.items():
            if not isinstance(value, str):
                continue
            for other in others:
                is_meant = {other.name.upper(), other.kind.upper()} & set(key.upper().split("_"))
                named = re.search(rf"(?<![\w.-]){re.escape(other.fqdn)}(?![\w.-])", as_written(value))
                if named and other.fqdn != environment.fqdn and not is_meant:
                    place = _place(props.container_name, report).at(f".container_env_vars[{quoted(key)}]")
                    place.wrong(
                        "the host name of another environment", 'Write f"https://{environment.fqdn}/…".', other.fqdn
                    )


def _check_image(environment: Environment, location: str, root: Path, report: Report) -> None:
    reference = None if is_token(location) else parse_reference(location)
    if location.startswith(LOCAL_BUILD):
        if environment.is_released:
            what = f"{environment.name} must not run an image that was built on the deploying machine"
            report.wrong(what, "Publish the image, and name it with its tag.", location)
        elif not (root / location.removeprefix(LOCAL_BUILD)).resolve().is_relative_to(root.resolve()):
            what = "a folder outside this repository, which other machines don't have"
            report.wrong(what, "Move it into the repository.", location)
        elif not os.path.isfile(root / location.removeprefix(LOCAL_BUILD) / "Dockerfile"):
            report.wrong(
                "no Dockerfile in that folder", "Name the folder as seen from this repository's root.", location
            )
    elif environment.is_released and reference is not None and reference.is_mutable:
        what = f"{environment.name} must not run a tag that moves from image to image"
        report.wrong(what, "Name a release, or a digest (name@sha256:…).", location)
