"""Checks that compare the fields of one service."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from portside.config.addresses import OWN_PORT, further_ports, ports_of, ports_of_command
from portside.config.deferred_values import DatabaseSecret, is_token
from portside.config.image_reference import LOCAL_BUILD, ecr_repository
from portside.config.mistakes import Report, quoted
from portside.config.task_size import FARGATE_SIZES, SIDECARS_MIB, smallest_size

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
_MOST_STORAGE_GIB = 200


def capacities(least: int, most: int, report: Report) -> None:
    if not is_token(least) and not is_token(most) and least > most:
        hint = f"Use at most {most}, or increase auto_scale_max_capacity."
        report.at(".auto_scale_min_capacity").wrong("above auto_scale_max_capacity", hint, least)


def one_at_a_time(only: bool, most: int, report: Report) -> None:
    if only and not is_token(most) and most > 1:
        place = report.at(".auto_scale_max_capacity")
        place.wrong("more than one task of a service with one_at_a_time=True", "Use 1.", most)


def sizes(reservation: int | None, cpu: int | None, memory: int | None, report: Report) -> None:
    if any(is_token(value) for value in (reservation, cpu, memory)):
        return
    reservation = reservation or 0
    place = report.at(".container_memory_reservation")
    if smallest_size(0, cpu=cpu, memory=memory) is None:
        mistake = "Fargate has no task with this memory" + (f" and cpu={cpu}" if cpu else "")
        report.at(".memory").wrong(mistake, _possible_memory(cpu, memory or 0), memory)
    elif memory is not None and reservation > memory:
        hint = f"Reserve at most {memory}, or increase memory."
        place.wrong(f"above the task's memory of {memory} MiB", hint, reservation)
    elif smallest_size(reservation, cpu=cpu, memory=memory) is None:
        most = max(FARGATE_SIZES[cpu or max(FARGATE_SIZES)]) - SIDECARS_MIB
        kind = "any task" if cpu is None else f"a task with cpu={cpu}"
        hint = f"Reserve at most {most}" + (", or increase cpu." if cpu in list(FARGATE_SIZES)[:-1] else ".")
        place.wrong(f"does not fit into {kind} with the {SIDECARS_MIB} MiB of its sidecars", hint, reservation)


def limit(limit: int | None, reservation: int | None, cpu: int | None, memory: int | None, report: Report) -> None:
    if limit is None or any(is_token(value) for value in (limit, reservation, cpu, memory)):
        return
    place = report.at(".container_memory")
    if limit < (reservation or 0):
        place.wrong(f"below the reservation of {reservation} MiB", f"Use at least {reservation}.", limit)
    elif smallest_size(0, cpu=cpu, memory=memory) and smallest_size(limit, cpu=cpu, memory=memory) is None:
        place.wrong("above the memory of the task", "Use less, or increase cpu or memory.", limit)


def _possible_memory(cpu: int | None, memory: int) -> str:
    if cpu is not None:
        *most, last = FARGATE_SIZES[cpu]
        if len(most) < 4:
            return f"Use {', '.join(map(str, most))} or {last}."
        return f"Use {most[0]} to {last}, in steps of {most[1] - most[0]}."
    every = sorted({size for of_cpu in FARGATE_SIZES.values() for size in of_cpu}, key=lambda size: abs(size - memory))
    lower, higher = sorted(every[:2])
    return f"Use {lower} or {higher}."


def names_once(variables: Mapping[str, object], secrets: Iterable[Any], report: Report) -> None:
    seen = set(variables)
    for index, secret in enumerate(secrets):
        if secret.environment_key in seen and not is_token(secret.environment_key):
            report.at(f".container_secrets[{index}].environment_key").wrong(
                "an environment variable with this name already exists",
                "Set each variable once.",
                secret.environment_key,
            )
        seen.add(secret.environment_key)


def credentials(location: str, secret: str | None, report: Report) -> None:
    if secret is None or is_token(location):
        return
    place, host = report.at(".registry_credentials"), location.partition("/")[0]
    if ecr_repository(location):
        place.wrong("not used for Amazon ECR, where the task's execution role pulls the image", "Remove it.")
    elif host == "public.ecr.aws":
        place.wrong("not used for public.ecr.aws, which is public", "Remove it.")
    elif location.startswith(LOCAL_BUILD):
        place.wrong("not used for an image that is built from a folder", "Remove it.")


def secret_field(secret_name: object, json_field: str | None, report: Report) -> None:
    if isinstance(secret_name, DatabaseSecret) and json_field is not None:
        report.at(".json_field").wrong("the database's secret is not JSON", "Remove json_field.", json_field)


def volumes(own: Sequence[Any], durable: Sequence[Any], report: Report) -> None:
    paths: set[str] = set()
    for field, each in (("container_volumes", own), ("durable_volumes", durable)):
        for index, volume in enumerate(each):
            path = posixpath.normpath(volume.path)
            if path in paths:
                place = report.at(f".{field}[{index}].path")
                place.wrong("mounted twice", "Use a separate path for each volume.", volume.path)
            paths.add(path)
    total = sum(volume.size for volume in own if not is_token(volume.size))
    if total > _MOST_STORAGE_GIB:
        mistake = f"larger together than {_MOST_STORAGE_GIB} GiB, the largest storage of a Fargate task"
        report.at(".container_volumes").wrong(mistake, "Use smaller volumes.", total)


def permission(actions: Sequence[str], resources: Sequence[str], reason: str, report: Report) -> None:
    wide = [each for each in (*actions, *resources) if "*" in each and not is_token(each)]
    if wide and not reason:
        report.at(".reason").wrong(
            f"missing, and {wide[0]} grants more than one permission", "Add why, or name the actions and resources."
        )


def swapped(secret_name: object, environment_key: str, report: Report) -> None:
    if not isinstance(secret_name, str) or is_token(secret_name) or is_token(environment_key):
        return
    if _VARIABLE.fullmatch(secret_name) and not _VARIABLE.fullmatch(environment_key):
        hint = f"Use ServiceSecret({quoted(environment_key)}, {quoted(secret_name)}): the secret's name comes first."
        report.wrong("the secret's name and the variable's name are swapped", hint)


def check_times(interval: int, timeout: int, report: Report) -> None:
    if not is_token(interval) and not is_token(timeout) and timeout >= interval:
        hint = f"Use less than {interval}, or increase interval_seconds."
        report.at(".timeout_seconds").wrong("not less than interval_seconds", hint, timeout)


def public_port(port: int | None, public: bool, report: Report) -> None:
    if public and port is None:
        hint = "Add container_port=…, the port that the program listens on."
        report.at(".container_port").wrong("missing, and the load balancer needs it for public=True", hint)


def routes(public: bool, each: Sequence[Any], report: Report) -> None:
    if each and not public:
        report.at(".routes").wrong("without effect, as the service is not public", "Add public=True, or remove them.")


def own_port(port: int | None, variables: Mapping[str, object], report: Report) -> None:
    """Report a variable with another port than the container's."""
    for key in OWN_PORT:
        value = variables.get(key)
        if not isinstance(value, str) or is_token(port):
            continue
        ports = ports_of(value)
        if ports and port is None:
            hint = f"Add container_port={min(ports)}, or remove {key} from a worker, to which nothing connects."
            report.at(".container_port").wrong(f"missing, and {key} is {quoted(value)}", hint)
        elif ports and port not in ports:
            place = report.at(f".container_env_vars[{quoted(key)}]")
            use = f'"{port}"' if value.isdecimal() else f"port {port}"
            place.wrong(f"not container_port, which is {port}", f"Use {use}, or change container_port.", value)


def command_port(
    port: int | None, command: Sequence[object] | None, variables: Mapping[str, object], report: Report
) -> None:
    """Report a command with another port than the container's."""
    ports = ports_of_command(command or ())
    if ports and port is None:
        report.at(".container_port").wrong(
            "missing, and the command listens on a port", f"Add container_port={min(ports)}."
        )
    elif ports and not is_token(port) and port not in {*ports, *further_ports(variables, command or ())}:
        others = ", ".join(map(str, sorted(ports)))
        hint = f"Use port {port}, or change container_port."
        report.at(".container_command").wrong(f"listens on port {others}, not on container_port, {port}", hint)


def healthcheck(check: object, reason: str, report: Report) -> None:
    if check is not None and reason:
        report.at(".no_healthcheck_reason").wrong("set, and there is a health check", "Remove one of them.", reason)


def calls(own_name: str, each: Sequence[Any], report: Report) -> None:
    seen: set[str] = set()
    for index, call in enumerate(each):
        place = report.at(f".calls[{index}]")
        if is_token(call.service):
            continue
        if call.service == own_name:
            place.wrong("a service can't call itself", "Remove it.", call.service)
        elif call.service in seen:
            place.wrong("called twice", "Remove one of them.", call.service)
        seen.add(call.service)
