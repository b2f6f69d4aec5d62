"""The environments of the configuration: `ENVIRONMENTS` in `app.py`, checked and parsed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, cast

from portside.config import cost_assumptions, database_values, load_balancer_values
from portside.config import environment_values as values
from portside.config.database_kinds import DatabaseKind
from portside.config.environment import Environment
from portside.config.environment_values import Parser
from portside.config.identity import Identity
from portside.config.image_reference import is_moving_tag
from portside.config.kind import Kind, kind_hint
from portside.config.mistakes import Report, quoted
from portside.config.proved_by import check_proved_by

_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
_DEFAULT_REGION = "us-east-1"
_DEFAULT_VERSION = "latest"
_RELEASED = (Kind.STAGING, Kind.PRODUCTION)


@dataclass(frozen=True)
class _Key:
    """The parser of a key's value; a key with a hint is required, in environments of these kinds."""

    parse: Parser
    hint_if_missing: str = ""
    required_in: tuple[Kind, ...] = tuple(Kind)


_OF_THE_SITE = ("FQDN", "CERTIFICATE_ID")

_KEYS = {
    "KIND": _Key(values.kind),
    "BRANCH": _Key(values.branch),
    "DEPLOY_ROLE": _Key(values.role_name),
    "PROVED_BY": _Key(values.proved_by),
    "PROOF_WAIVED": _Key(values.reason),
    "ACCOUNT": _Key(values.account, values.ACCOUNT_HINT),
    "VPC_CIDR": _Key(values.vpc_cidr, 'Add the addresses of the network, such as "10.254.172.0/24".'),
    "FQDN": _Key(values.fqdn, values.FQDN_HINT, (Kind.PRODUCTION,)),
    "NAMESPACE": _Key(values.fqdn),
    "CERTIFICATE_ID": _Key(values.certificate, values.CERTIFICATE_HINT, (Kind.PRODUCTION,)),
    "TAGS": _Key(values.tags, values.TAGS_HINT, _RELEASED),
    "GHCR_PACKAGE_VERSION": _Key(values.version, values.VERSION_HINT, _RELEASED),
    "AUTO_SCALE_CAPACITY": _Key(values.auto_scale),
    "REGION": _Key(values.region),
    "NAT_GATEWAYS": _Key(values.between(1, 2, "Use 1, or 2 for one in each zone.")),
    "BASTION": _Key(values.bastion),
    "ECS_EXEC": _Key(values.flag),
    "LOG_RETENTION_DAYS": _Key(values.log_retention_days),
    "CONTAINER_INSIGHTS": _Key(values.flag),
    "ALARM_EMAILS": _Key(values.emails),
    "KEEP_EXPORTS": _Key(values.flag),
    "ADOPTED_STACKS": _Key(values.reason),
    "COST_ASSUMPTIONS": _Key(cost_assumptions.assumptions),
    "LOAD_BALANCER": _Key(values.flag),
    **{name: _Key(parse) for name, parse in load_balancer_values.KEYS.items()},
}

KNOWN_KEYS = (*_KEYS, *database_values.KEYS)
"""The keys of an environment."""


def parse_environments(
    configuration: object, identity: Identity, report: Report, released: Callable[[str], Report]
) -> dict[str, Environment]:
    """The environments of a configuration, by name. Mistakes are reported; environments with mistakes are omitted.

    `released` returns the report for an environment's version that is not a release.
    """
    hint = 'Write ENVIRONMENTS = {"dev": {…}, …}.'
    if not report.mapping(configuration, hint):
        return {}
    if not configuration:
        report.wrong("empty", hint, configuration)
    sound: dict[str, dict[str, Any]] = {}
    entries: dict[str, dict[str, Any]] = {}
    for name, written in cast(Mapping[Any, Any], configuration).items():
        place, found_before = report.at(f"[{quoted(name)}]"), len(report.problems)
        fields = _parse_environment(name, written, place)
        _check_version(fields, released(str(name)).at(f"[{quoted(name)}]"))
        if len(report.problems) == found_before:
            sound[name] = fields
        _check_distinct(fields, entries, place)
        entries[name] = fields
    for name in entries:
        found_before = len(report.problems)
        proof = check_proved_by(name, entries, report.at(f"[{quoted(name)}]"))
        if name in sound and len(report.problems) > found_before:
            del sound[name]
        elif name in sound:
            sound[name] = sound[name] | proof
    found = {}
    for name, fields in sound.items():
        of_the_app: dict[str, Any] = {"identity": identity, "database_name": _database_name(identity, fields)}
        found[name] = Environment(**(of_the_app | fields))
    return found


def _database_name(identity: Identity, fields: Mapping[str, Any]) -> str:
    kind: DatabaseKind | None = fields.get("database_kind")
    return kind.default_name(identity.app) if kind else identity.app


def _parse_environment(name: object, written: object, report: Report) -> dict[str, Any]:
    """The valid fields of an environment."""
    is_name = isinstance(name, str) and _NAME.fullmatch(name) is not None
    if not is_name:
        report.wrong("not a name for an environment", 'Use up to 16 small letters and digits, such as "dev".', name)
    if not report.mapping(written, 'Write {"VPC_CIDR": …, "FQDN": …}.'):
        return {}
    given = report.by_known_name(cast(Mapping[Any, Any], written), KNOWN_KEYS, "key")
    fields: dict[str, Any] = {"name": name} | database_values.database_fields(given, report)
    if is_name and "KIND" not in given:
        _default_kind(fields, report.at('["KIND"]'))
    for key, reading in _KEYS.items():
        place = report.at(f"[{quoted(key)}]")
        if key in given:
            value = reading.parse(given[key], place)
            if value is not None:
                fields[key.lower()] = value
        elif key in _OF_THE_SITE and given.get("LOAD_BALANCER") is False:
            continue
        elif reading.hint_if_missing and fields.get("kind", Kind.DEVELOPMENT) in reading.required_in:
            place.wrong("missing", reading.hint_if_missing)
    if given.get("LOAD_BALANCER") is False:
        for key in given.keys() & {*_OF_THE_SITE, *load_balancer_values.KEYS}:
            hint = "Remove it, or remove LOAD_BALANCER."
            report.at(f"[{quoted(key)}]").wrong("without effect, as LOAD_BALANCER is False", hint)
    return _with_dependent_values(fields, given, report)


def _default_kind(fields: dict[str, Any], place: Report) -> None:
    if kind := Kind.default_of(fields["name"]):
        fields["kind"] = kind
    else:
        place.wrong("missing", kind_hint(fields["name"]))


def _with_dependent_values(fields: dict[str, Any], given: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Check values that depend on each other, and add the defaults that depend on other values."""
    kind = fields.get("kind")
    defaults = {
        "region": _DEFAULT_REGION,
        "branch": fields["name"],
        **({} if kind in _RELEASED else {"tags": {}, "ghcr_package_version": _DEFAULT_VERSION}),
        "auto_scale_capacity": {"min": 2, "max": 4} if kind in _RELEASED else {"min": 1, "max": 2},
        "nat_gateways": 2 if kind in _RELEASED else 1,
        "ecs_exec": kind is not Kind.PRODUCTION,
    }
    fields = defaults | fields
    for bound, tasks in fields.pop("auto_scale_capacity", {}).items():
        fields[f"auto_scale_{bound}"] = tasks
    certificate = fields.pop("certificate_id", None)
    if certificate:
        # In production its absence is reported already.
        if "FQDN" not in given and kind is not Kind.PRODUCTION:
            report.at('["FQDN"]').wrong("missing, which the certificate is for", values.FQDN_HINT)
        fields["certificate_arn"] = _certificate_arn(certificate, fields, report.at('["CERTIFICATE_ID"]'))
    return fields


def _check_version(fields: Mapping[str, Any], report: Report) -> None:
    version = fields.get("ghcr_package_version")
    if fields.get("kind") in _RELEASED and version and is_moving_tag(version):
        hint = f'Use the release for {fields["name"]}, such as "4.2.0-rc2".'
        report.at('["GHCR_PACKAGE_VERSION"]').wrong("a tag that moves from image to image", hint, version)


def _certificate_arn(certificate: Mapping[str, str | None], fields: Mapping[str, Any], report: Report) -> str:
    for part in ("region", "account"):
        if part in fields and certificate[part] not in (None, fields[part]):
            mistake = f"a certificate of another {part} than the environment's, {fields[part]}"
            hint = "Create a certificate in the account and region of the load balancer."
            report.wrong(mistake, hint, certificate[part])
    return f"arn:aws:acm:{fields['region']}:{fields.get('account')}:certificate/{certificate['id']}"


def _check_distinct(fields: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]], report: Report) -> None:
    for name, other in others.items():
        if "vpc_cidr" in fields and "vpc_cidr" in other:
            ours, theirs = IPv4Network(fields["vpc_cidr"]), IPv4Network(other["vpc_cidr"])
            if ours.overlaps(theirs):
                hint = "Use addresses that no other network of the organisation has."
                report.at('["VPC_CIDR"]').wrong(f"overlaps with {theirs} of {quoted(name)}", hint, str(ours))
        if "fqdn" in fields and fields["fqdn"] == other.get("fqdn"):
            hint = "Use a separate host name for each environment."
            report.at('["FQDN"]').wrong(f"the same as that of {quoted(name)}", hint, fields["fqdn"])
        if "branch" in fields and "branch" in other:
            _check_branches(fields["branch"], name, other["branch"], report.at('["BRANCH"]'))


def _check_branches(branch: str, other_name: str, other: str, place: Report) -> None:
    hint = "Use a separate branch for each environment."
    if branch == other:
        place.wrong(f"the branch of {quoted(other_name)} too", hint, branch)
    # git stores a branch in a file, and the parts of its name before the last as folders.
    elif f"{branch}/".startswith(f"{other}/") or f"{other}/".startswith(f"{branch}/"):
        mistake = f"git can't have this branch and {quoted(other)} of {quoted(other_name)}, because one is a folder"
        place.wrong(mistake, "Rename one of them.", branch)
