"""The parsers of an environment's values for its databases, by the kind of database."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from portside.config.aws_names import REGIONS
from portside.config.database_kinds import DATABASE_KINDS, PORTS, Bounds, DatabaseKind
from portside.config.environment import LATEST, DatabaseOrigin
from portside.config.environment_values import Parser, between, flag, matching, one_of
from portside.config.mistakes import Report, closest, quoted

KIND = "DATABASE_KIND"
KEYS = (
    *(KIND, "DATABASE_STACK", "DATABASES", "DATABASE_ENGINE_VERSION", "DATABASE_INSTANCE_CLASS", "DATABASE_INSTANCES"),
    *("DATABASE_CAPACITY", "DATABASE_STORAGE_GIB", "DATABASE_USERNAME", "DATABASE_NAME", "DATABASE_PORT"),
    "DATABASE_TLS",
)
KIND_HINT = f"Use {', '.join(map(quoted, DATABASE_KINDS))}, or remove it for an environment without a database."
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_MOMENT_HINT = 'Use a time in UTC, such as "2026-11-20T10:00:00Z", or "latest".'
_CAPACITY_HINT = 'Use {"min": 0.5, "max": 4}, the capacity units of an instance.'


def add_kind_hint(place: str, port: object = None) -> str:
    """How to add a database, which listens on a port if one is given, to the environment at a place."""
    kinds = sorted(DATABASE_KINDS.values(), key=lambda kind: kind.port != port)
    others = f" ({', '.join(quoted(kind.name) for kind in kinds[1:])} are others)" if kinds[1:] else ""
    return f"Add {quoted(KIND)}: {quoted(kinds[0].name)} to {place}{others}."


def database_fields(given: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The fields of an environment's database; none without a kind, which every other key needs."""
    others = [key for key in KEYS if key in given and key != KIND]
    kind_place = report.at(f"[{quoted(KIND)}]")
    if KIND not in given:
        if others:
            hint = add_kind_hint(report.where, given.get("DATABASE_PORT"))
            mistake = f"missing, and {', '.join(others)} {'needs' if len(others) == 1 else 'need'} it"
            kind_place.wrong(f"{mistake}: an environment without it has no database", hint)
        return {}
    kind = _kind(given[KIND], kind_place)
    if kind is None:
        return {}
    found_before = len(report.problems)
    version = given.get("DATABASE_ENGINE_VERSION", kind.engine_version)
    parsers = _parsers(kind, version if isinstance(version, str) else kind.engine_version)
    parsed = {key.lower(): parsers[key](given[key], report.at(f"[{quoted(key)}]")) for key in others}
    if "DATABASE_CAPACITY" in given and "DATABASE_INSTANCE_CLASS" in given:
        mistake = "set, and DATABASE_CAPACITY makes the instances serverless"
        report.at('["DATABASE_INSTANCE_CLASS"]').wrong(mistake, "Remove one of them.", given["DATABASE_INSTANCE_CLASS"])
    if len(report.problems) > found_before:
        return {}
    defaults = {
        "database_kind": kind,
        "database_stack": kind.stack,
        "database_engine_version": kind.engine_version,
        "database_instance_class": kind.instance_class,
        "database_username": kind.username,
        "database_port": kind.port,
        "database_storage_gib": int(kind.storage_gib.min) if kind.storage_gib else 0,
    }
    return defaults | parsed


def _kind(value: Any, report: Report) -> DatabaseKind | None:
    if not report.text(value, KIND_HINT):
        return None
    if value in DATABASE_KINDS:
        return DATABASE_KINDS[value]
    by_engine = next((kind.name for kind in DATABASE_KINDS.values() if kind.engine == value.lower()), None)
    similar = by_engine or closest(value, list(DATABASE_KINDS), similarity=0.6)
    report.wrong("not a kind of database", f"Use {quoted(similar)}." if similar else KIND_HINT, value)
    return None


def _parsers(kind: DatabaseKind, version: str) -> dict[str, Parser]:
    stack = matching(
        rf"{kind.stack_prefix}(?:-[a-z0-9]+){{0,3}}",
        "not a name for the database's stack",
        f'For example: "{kind.stack}".',
    )
    title = kind.title
    return {
        "DATABASE_STACK": stack,
        "DATABASES": partial(_databases, kind, version, stack),
        "DATABASE_ENGINE_VERSION": _engine_version(kind),
        "DATABASE_INSTANCE_CLASS": one_of(
            kind.instance_classes, f"not an instance class of {title}", f'Use a name such as "{kind.instance_class}".'
        ),
        "DATABASE_INSTANCES": between(1, kind.most_instances, kind.instances_hint),
        "DATABASE_CAPACITY": partial(_capacity, kind),
        "DATABASE_STORAGE_GIB": partial(_storage, kind),
        "DATABASE_USERNAME": _not_reserved(
            kind.username_pattern, kind.reserved_usernames, f"not a valid user name of {title}", kind.username_hint
        ),
        "DATABASE_NAME": _not_reserved(
            kind.name_pattern, kind.reserved_names, "not a valid name of a database", 'For example: "my_app".'
        ),
        "DATABASE_PORT": between(
            int(PORTS.min), int(PORTS.max), f"Use a port that {title} allows, such as {kind.port}."
        ),
        "DATABASE_TLS": flag,
    }


def _not_reserved(pattern: str, reserved: Sequence[str], mistake: str, hint: str) -> Parser:
    """A parser of names that match a pattern and are no words that the engine reserves, in any case."""
    words = "|".join(f"{name}$" for name in reserved)
    return matching(f"(?!(?i:{words})){pattern}" if words else pattern, mistake, hint)


def _engine_version(kind: DatabaseKind) -> Parser:
    return matching(
        kind.version_pattern,
        f"not an engine version of {kind.title}",
        f'Use a version such as "{kind.engine_version}".',
    )


def _capacity(kind: DatabaseKind, value: Any, report: Report) -> Bounds | None:
    """The minimum and maximum capacity units of a serverless instance, in steps of a half."""
    if kind.capacity is None:
        serverless = ", ".join(quoted(each.name) for each in DATABASE_KINDS.values() if each.capacity)
        report.wrong(f"{kind.title} has no serverless capacity", f"Remove it, or use another kind: {serverless}.")
        return None
    if not report.mapping(value, _CAPACITY_HINT):
        return None
    given = report.by_known_name(value, ["min", "max"], "key")
    found: dict[str, float] = {}
    for key in ("min", "max"):
        place, low, high = report.at(f'["{key}"]'), kind.capacity.min, kind.capacity.max
        # AWS refuses a maximum below 1.
        low = max(low, 1) if key == "max" else low
        if key not in given:
            place.wrong("missing", _CAPACITY_HINT)
        elif not isinstance(given[key], int | float) or isinstance(given[key], bool):
            place.wrong("not a number", _CAPACITY_HINT, given[key])
        elif not low <= given[key] <= high or given[key] * 2 % 1:
            place.wrong(f"not from {low:g} to {high:g} in steps of 0.5", _CAPACITY_HINT, given[key])
        else:
            found[key] = given[key]
    if len(found) < 2:
        return None
    if found["min"] > found["max"]:
        report.at('["min"]').wrong('above "max"', f"Use at most {found['max']:g}, or increase it.", found["min"])
        return None
    return Bounds(**found)


def _storage(kind: DatabaseKind, value: Any, report: Report) -> int | None:
    if kind.storage_gib is None:
        report.wrong(f"the storage of {kind.title} grows automatically", "Remove it.", value)
        return None
    low, high = int(kind.storage_gib.min), int(kind.storage_gib.max)
    return value if report.integer(value, low, high, f"Use {low} to {high} GiB.") else None


def _databases(
    kind: DatabaseKind, version: str, stack: Parser, value: Any, report: Report
) -> dict[str, DatabaseOrigin] | None:
    """The other databases, by the end of their stacks' names."""
    if not report.mapping(value, _databases_hint(kind)):
        return None
    found_before = len(report.problems)
    found = {}
    for name, written in value.items():
        place = report.at(f"[{quoted(name)}]")
        if name == kind.stack:
            hint = f'Restore into another stack, with a name such as "{kind.stack}-restored".'
            place.wrong("the first database, which was created empty: another origin would replace it", hint)
            continue
        stack(name, place)
        found[name] = _origin(kind, version, written, place)
    sound = {name: origin for name, origin in found.items() if origin}
    return sound if len(report.problems) == found_before else None


def _origin(kind: DatabaseKind, version: str, written: Any, report: Report) -> DatabaseOrigin | None:
    if not report.mapping(written, _databases_hint(kind)):
        return None
    found_before = len(report.problems)
    parsers = _origin_parsers(kind, version)
    source = kind.source_key
    given = report.by_known_name(written, list(parsers), "key")
    found = {key: parsers[key](given[key], report.at(f'["{key}"]')) for key in given}
    if not given:
        report.wrong("empty", _databases_hint(kind))
    if source in given and "SNAPSHOT" in given:
        report.wrong(f"has both {source} and SNAPSHOT", "Remove one of them.")
    for key, companion, hint in ((source, "TIME", _MOMENT_HINT), ("TIME", source, _source_hint(kind))):
        if key in given and companion not in given:
            report.at(f'["{companion}"]').wrong("missing", hint)
    if len(report.problems) > found_before:
        return None
    return DatabaseOrigin(
        engine_version=found.get("ENGINE_VERSION"),
        **({source.lower(): found[source]} if source in found else {}),
        time=found.get("TIME"),
        snapshot=found.get("SNAPSHOT"),
    )


def _origin_parsers(kind: DatabaseKind, version: str) -> dict[str, Parser]:
    arn = f"(?:arn:aws:rds:(?:{'|'.join(REGIONS)}):[0-9]{{12}}:{'cluster-' if kind.is_cluster else ''}snapshot:)?"

    def newer(value: Any, report: Report) -> str | None:
        parsed: str | None = _engine_version(kind)(value, report)
        major = version.partition(".")[0]
        if parsed and int(parsed.partition(".")[0]) < int(major):
            mistake = f"not an engine of {kind.title} {major} or later"
            report.wrong(mistake, f'Use "{version}" or later.', value)
            return None
        return parsed

    return {
        # https://docs.aws.amazon.com/documentdb/latest/developerguide/limits.html#limits-naming_constraints
        kind.source_key: matching(
            "[a-z](?!.*--)[a-z0-9-]{0,62}(?<!-)",
            f"not the identifier of {'a cluster' if kind.is_cluster else 'an instance'}",
            _source_hint(kind),
        ),
        "SNAPSHOT": matching(
            # The names of automatic snapshots begin with "rds:".
            rf"{arn}(?:rds:)?[a-z](?!.*--)[a-z0-9-]{{0,254}}(?<!-)",
            f"neither the identifier nor the ARN of a {'cluster' if kind.is_cluster else 'DB'} snapshot",
            _copy_hint(kind, "DBClusterSnapshot" if kind.is_cluster else "DBSnapshot"),
        ),
        "ENGINE_VERSION": newer,
        "TIME": _moment,
    }


def _databases_hint(kind: DatabaseKind) -> str:
    return f'For example: {{"{kind.stack}-restored": {{"{kind.source_key}": "…", "TIME": "2026-11-20T10:00:00Z"}}}}.'


def _source_hint(kind: DatabaseKind) -> str:
    return _copy_hint(kind, "DBCluster" if kind.is_cluster else "DBInstance")


def _copy_hint(kind: DatabaseKind, noun: str) -> str:
    command = re.sub("(?<=[a-zB])(?=[A-Z][a-z])", "-", noun).lower()
    query = f'"{noun}s[].{noun}Identifier"'
    return f"Copy its identifier: aws {kind.service} describe-{command}s --query {query} --output text"


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
