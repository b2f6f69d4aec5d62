"""Takes over an `app.py` of the previous app, which makes the stacks of one environment, without running it."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from portside.config.context_files import load_context_config
from portside.config.database_kinds import DOCUMENTDB
from portside.config.environments import KNOWN_KEYS
from portside.config.kind import Kind
from portside.config.previous_app import previous_app
from portside.config.service_props import ServiceProps
from portside.config.source_file import read_text
from portside.errors import UsageError
from portside.scaffold.new_app import DEFAULT_CIDR, Description, Field, Service, block, literal

_USUAL_ORDER: Final = tuple(kind.usual_name for kind in Kind)
_VARIABLES: Final = "environment_variables"
_OF_ENVIRONMENT: Final = {
    "FQDN": "environment.fqdn",
    "GHCR_PACKAGE_VERSION": "environment.ghcr_package_version",
    "VPC_CIDR": "environment.vpc_cidr",
    "min": "environment.auto_scale_min",
    "max": "environment.auto_scale_max",
}
# Functions of the previous app, and the attributes of its database's stack.
_OF_IMAGE: Final = {
    "get_image_version": "ImageVersion()",
    "get_alternate_tag_for_edge_package_version": "ImageVersion()",
    "get_short_commit_sha": "ImageCommit()",
}
_OF_DATABASE: Final = {
    "hostname": "DatabaseHost()",
    "secret_name": 'DatabaseSecret("password")',  # nosec B105 # the source of a reference
}
_ENTRIES: Final = frozenset({"ServiceSecret", "ContainerVolume"})
_TAKEN_STACKS: Final = frozenset(
    {"NetworkStack", "EcsStack", "LoadBalancerStack", "ServiceStack", "LoadBalancedServiceStack", "DocdbStack"}
)
_OF_STACKS: Final = {
    "master_username": "DATABASE_USERNAME",
    "port": "DATABASE_PORT",
    "engine_version": "DATABASE_ENGINE_VERSION",
    "idle_timeout_seconds": "IDLE_TIMEOUT_SECONDS",
}
_OF_TARGETS: Final = {
    "health_check_path": "health_check_path",
    "health_check_interval": "health_check_interval_seconds",
}
_BY_PLACE: Final = (
    *("container_name", "container_port", "container_memory_reservation", "container_location", "container_env_vars"),
)
_RENAMED: Final = {"ecs_task_cpu": "cpu", "ecs_task_memory": "memory", "container_cpu": "cpu"}
# Methods that change what a stack made.
_CHANGES: Final = frozenset({"add_environment", "add_secret", "add_to_policy", "add_to_task_role_policy", "allow_from"})
_FIELDS: Final = frozenset(each.name for each in fields(ServiceProps))
_ADOPTION: Final = (
    "stacks that run already: only KEEP_EXPORTS and ADOPTED_STACKS adopt them, see docs/adopting.md of portside"
)


class _Unknown(Exception):
    """An expression that has no equivalent."""


@dataclass
class _Reader:
    """The definitions of the file, and what could not be taken over."""

    tree: ast.Module
    assigned: Mapping[str, ast.expr]
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The values of each setting that does not exist today, by environment."""
    count: int = 0
    """The number of environments."""
    left: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def leave(self, node: ast.AST, said: str) -> None:
        self.left.append(f"line {getattr(node, 'lineno', 0)}: {said}")

    def source(self, node: ast.expr, *, version: str = "ImageVersion()") -> str:
        """The expression in terms of the new configuration. Raises `_Unknown`."""
        match node:
            case ast.Constant(value=value):
                return literal(value)
            case ast.Name(id=name) if name in self.assigned:
                return self._name(name, version)
            case ast.Subscript(slice=ast.Constant(value=str(key))) if key in _OF_ENVIRONMENT:
                return _OF_ENVIRONMENT[key]
            case ast.Subscript(value=ast.Name(), slice=ast.Constant(value=str(key))) if key in self.settings:
                return self._setting(key)
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(key)), *default]):
                return self._optional_setting(node, key, default)
            case ast.Call(func=ast.Attribute(attr="HealthCheck") | ast.Name(id="HealthCheck"), keywords=keywords):
                self.used.add("HealthCheck")
                return block("HealthCheck(", [self._of_health_check(each) for each in keywords], ")")
            case ast.List(elts=entries):
                return f"[{', '.join(map(self.source, entries))}]"
            case ast.Call(func=ast.Name(id=name)) if name in _OF_IMAGE:
                return self._use(version if _OF_IMAGE[name] == "ImageVersion()" else _OF_IMAGE[name])
            case ast.Attribute(attr=attribute) if attribute in _OF_DATABASE:
                return self._use(_OF_DATABASE[attribute])
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                return self._attribute(name, attribute, node, version)
            case ast.JoinedStr(values=parts):
                return self._text(parts, version)
            case ast.Call(func=ast.Name(id=name), args=values, keywords=keywords) if name in _ENTRIES:
                self.used.add(name)
                given = [self.source(each) for each in values]
                given += [f"{each.arg}={self.source(each.value)}" for each in keywords]
                return f"{name}({', '.join(given)})"
        raise _Unknown(ast.unparse(node))

    def _name(self, name: str, version: str) -> str:
        value = self.assigned[name]
        written = ast.unparse(value)
        if ("environ" in written and "ENV" in written) or "try_get_context('env')" in written:
            return "environment.name"
        return self.source(value, version=version)

    def _attribute(self, name: str, attribute: str, node: ast.expr, version: str) -> str:
        """An argument with which an object was made, such as `api_props.container_port`."""
        made = self.assigned.get(name)
        for each in made.keywords if isinstance(made, ast.Call) else ():
            if each.arg == attribute:
                return self.source(each.value, version=version)
        raise _Unknown(ast.unparse(node))

    def _setting(self, key: str, default: str = "") -> str:
        """The value of a setting that does not exist today: one, or that of each environment."""
        values = self.settings[key]
        found = list(values.values())
        if len(found) == self.count and all(each == found[0] for each in found):
            return literal(found[0])
        return f"{literal(values)}.get(environment.name, {default or literal('')})"

    def _optional_setting(self, node: ast.expr, key: str, default: list[ast.expr]) -> str:
        if key in _OF_ENVIRONMENT:
            return _OF_ENVIRONMENT[key]
        alternative = self.source(default[0]) if default and key.isupper() else ""
        if key in self.settings:
            return self._setting(key, alternative)
        if alternative:
            return alternative
        raise _Unknown(ast.unparse(node))

    def _of_health_check(self, given: ast.keyword) -> str:
        """An argument of the CDK's `HealthCheck`, whose times are objects."""
        match given.value:
            case ast.Call(
                func=ast.Attribute(attr=("seconds" | "minutes") as unit), args=[ast.Constant(value=int(number))]
            ):
                return f"{given.arg}_seconds={number * (60 if unit == 'minutes' else 1)}"
        return f"{given.arg}={self.source(given.value)}"

    def _use(self, source: str) -> str:
        if source.endswith(")"):
            self.used.add(source.partition("(")[0])
        return source

    def _text(self, parts: list[ast.expr], version: str) -> str:
        """A text, formatted only if something in it is not known now."""
        text, formatted = "", False
        for part in parts:
            if not isinstance(part, ast.FormattedValue):
                text += str(ast.literal_eval(part)).replace("{", "{{").replace("}", "}}")
                continue
            source = self.source(part.value, version=version)
            try:
                text += str(ast.literal_eval(source)).replace("{", "{{").replace("}", "}}")
            except ValueError:
                inner = source.removeprefix("f")[1:-1] if source.startswith('f"') else ""
                text, formatted = text + (inner or f"{{{source.replace(chr(34), chr(39))}}}"), True
        return f"f{literal(text)}" if formatted else literal(text.replace("{{", "{").replace("}}", "}"))

    def parts(self, node: ast.expr, place: str) -> str:
        """The source of a value; an entry of a list or dictionary that has no equivalent is omitted."""
        if isinstance(node, ast.Dict):
            pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if key is not None]
            sources = {self.source(key): self._part(value, f"{place}[{self.source(key)}]") for key, value in pairs}
            return block("{", [f"{key}: {value}" for key, value in sources.items() if value], "}")
        if isinstance(node, ast.List):
            return block("[", filter(None, (self._part(each, place) for each in node.elts)), "]")
        if isinstance(node, ast.Name) and isinstance(self.assigned.get(node.id), ast.Dict | ast.List):
            return self.parts(self.assigned[node.id], place)
        version = "environment.ghcr_package_version" if place.endswith("container_location") else "ImageVersion()"
        return self.source(node, version=version)

    def _part(self, node: ast.expr, place: str) -> str:
        try:
            return self.source(node)
        except _Unknown as unknown:
            self.leave(node, f"{place}: {unknown}")
            return ""


def take_over(path: Path, name: str, account: str) -> tuple[Description, list[str]]:
    """The configuration, and what has no equivalent in it, by line. Raises `UsageError` for another kind of file."""
    text = read_text(path, hint_missing="Use --from with the app.py of the previous app.")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise UsageError(f"--from: Python can't read {path}, line {error.lineno}", "Correct that line.") from error
    if previous_app(tree, path.name) is None:
        raise UsageError(
            f"--from: {path} is not of the earlier kind, which reads ENV and creates the stacks",
            "A configuration with ENVIRONMENTS and services needs no conversion: copy it into the new repository.",
        )
    reader = _Reader(tree, {name: value for name, value in _assignments(tree) if name != _VARIABLES})
    found = dict(_environments(reader)) or dict(_of_files(path.parent / "config", tree, reader))
    written = {key: {"ACCOUNT": _account_in(keys) or account, **keys} for key, keys in found.items()}
    if not written:
        reader.leave(tree, "no environments: no dictionary environment_variables with plain values was found")
        written[Kind.DEVELOPMENT.usual_name] = {"ACCOUNT": account, "VPC_CIDR": DEFAULT_CIDR}
    reader.count = len(written)
    for keys in written.values():
        keys |= _of_stacks(reader)
    environments = {each: written[each] for each in sorted(written, key=[*_USUAL_ORDER, *written].index)}
    has_database = any(called == "DocdbStack" for called, _ in _calls(tree))
    for keys in environments.values() if has_database else ():
        keys["DATABASE_KIND"] = DOCUMENTDB.name
    services = list(_services(reader))
    if unknown := [name for name, keys in found.items() if not _account_in(keys)]:
        reader.left.append(f"the account of {', '.join(unknown)}: {account} is assumed")
    for called, node in _calls(tree):
        if called in _CHANGES:
            reader.leave(node, f"{ast.unparse(node.func)}(…): write it as a field of ServiceProps, or in stacks()")
        if called.endswith("Stack") and called not in _TAKEN_STACKS:
            reader.leave(node, f"{called}: write it in stacks(), see docs/own-stacks.md, or as a setting")
    used = reader.used | {"Environment", "ServiceProps"}
    if any(each.name == "calls" for service in services for each in service.fields):
        used.add("Call")
        reader.left.append("the calls of each service were found in its variables: add those that are missing")
    described = Description(
        name=name,
        imports=sorted(used | ({"DATABASE"} if has_database else set()), key=lambda each: (not each.isupper(), each)),
        environments=environments,
        services=services,
    )
    return described, [*reader.left, _ADOPTION]


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


def _environments(reader: _Reader) -> Iterator[tuple[str, dict[str, Any]]]:
    for node in ast.walk(reader.tree):
        match node:
            case ast.match_case(pattern=ast.MatchValue(value=ast.Constant(value=str(name))), body=body):
                yield from _of_environment(name, body, reader)
            case ast.If(test=ast.Compare(comparators=[ast.Constant(value=str(name))]), body=body):
                yield from _of_environment(name, body, reader)


def _of_environment(name: str, body: list[ast.stmt], reader: _Reader) -> Iterator[tuple[str, dict[str, Any]]]:
    written = dict(_assignments(ast.Module(body, [])))
    for value in (each for each in written.values() if isinstance(each, ast.Dict)):
        keys: dict[str, Any] = {}
        for key, entry in zip(value.keys, value.values, strict=True):
            said = ast.literal_eval(key) if isinstance(key, ast.Constant) else ast.unparse(key or entry)
            # Earlier configurations had the whole ARN under another name.
            known = "CERTIFICATE_ID" if said == "CERTIFICATE_ARN" else said
            try:
                keys[known] = ast.literal_eval(entry)
            except ValueError:
                known = ""
            if known in KNOWN_KEYS:
                continue
            if known in keys:
                reader.settings.setdefault(known, {})[name] = keys.pop(known)
            else:
                reader.leave(entry, f"{said} of {name}")
        yield name, keys


def _of_files(folder: Path, tree: ast.Module, reader: _Reader) -> Iterator[tuple[str, dict[str, Any]]]:
    """The environments of an app that keeps its settings in `config/`."""
    if not any(called == "load_context_config" for called, _ in _calls(tree)):
        return
    for name in _USUAL_ORDER:
        try:
            values = load_context_config(name, str(folder))
        except (OSError, ValueError):
            continue
        known = {"CERTIFICATE_ID" if key == "CERTIFICATE_ARN" else key: value for key, value in values.items()}
        for key in known.keys() - KNOWN_KEYS:
            reader.settings.setdefault(key, {})[name] = known[key]
        yield name, {key: value for key, value in known.items() if key in KNOWN_KEYS}


def _account_in(keys: Mapping[str, Any]) -> str:
    """The account in the ARN of a certificate; empty if there is no ARN."""
    found = re.match(r"arn:[\w-]+:acm:[\w-]+:(\d{12}):", str(keys.get("CERTIFICATE_ID", "")))
    return found[1] if found else ""


def _of_stacks(reader: _Reader) -> dict[str, Any]:
    """The settings that are arguments of the database's and the load balancer's stacks."""
    found: dict[str, Any] = {}
    for called, node in _calls(reader.tree):
        for each in node.keywords if called in ("DocdbProps", "LoadBalancerStack") else ():
            with contextlib.suppress(_Unknown, ValueError):
                if each.arg in _OF_STACKS:
                    found[_OF_STACKS[each.arg]] = ast.literal_eval(reader.source(each.value))
    return found


def _services(reader: _Reader) -> Iterator[Service]:
    props = {name: node for name, node in reader.assigned.items() if _is_call(node, "ServiceProps")}
    balanced = {
        _argument(node, "props", 4): node
        for called, node in _calls(reader.tree)
        if called == "LoadBalancedServiceStack"
    }
    made = {}
    for variable, node in props.items():
        assert isinstance(node, ast.Call)
        made[variable] = _fields(node, reader)
        if variable in balanced:
            made[variable].append(Field("public", "True"))
            for argument, name in _OF_TARGETS.items():
                value = next((each.value for each in balanced[variable].keywords if each.arg == argument), None)
                if isinstance(value, ast.Constant):
                    made[variable].append(Field(name, literal(value.value)))
            if _field(made[variable], "container_port") == "443":
                made[variable].append(Field("target_protocol", '"HTTPS"'))
    ports = {_field(each, "container_name"): _field(each, "container_port") for each in made.values()}
    for variable, found in made.items():
        calls = [f"Call({other}, {port})" for other, port in ports.items() if _mentions(found, other) and port]
        if "DatabaseHost()" in _field(found, "container_env_vars"):
            calls.append("Call(DATABASE, environment.database_port)")
        yield Service(variable, [*found, *([Field("calls", f"[{', '.join(calls)}]")] if calls else [])])


def _fields(node: ast.Call, reader: _Reader) -> list[Field]:
    found = []
    name = _argument(node, "container_name", 0) or "?"
    # The first generation passed them by place.
    given = [ast.keyword(arg, value, lineno=value.lineno) for arg, value in zip(_BY_PLACE, node.args, strict=False)]
    for each in (*given, *node.keywords):
        place = f"ServiceProps({name}).{each.arg}"
        try:
            if each.arg is None or _RENAMED.get(each.arg, each.arg) not in _FIELDS:
                raise _Unknown("no such field")
            found.append(Field(_RENAMED.get(each.arg, each.arg), reader.parts(each.value, place)))
        except _Unknown as unknown:
            reader.leave(each, f"{place}: {unknown}")
    return found


def _mentions(found: list[Field], other: str) -> bool:
    """Whether a variable of a service is another's name, or an address on it."""
    name = other.strip('"')
    values = _field(found, "container_env_vars")
    return _field(found, "container_name") != other and (
        f': "{name}"' in values or f"//{name}:" in values or f"//{name}/" in values
    )


def _field(found: list[Field], name: str) -> str:
    return next((each.source for each in found if each.name == name), "")


def _is_call(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and name in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))


def _argument(node: ast.Call, name: str, place: int) -> str:
    """An argument that is given by its name or its place."""
    named = (ast.unparse(each.value) for each in node.keywords if each.arg == name)
    return next(named, ast.unparse(node.args[place]) if len(node.args) > place else "")
