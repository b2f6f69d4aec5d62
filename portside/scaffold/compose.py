"""Takes over a file of Docker Compose: https://docs.docker.com/reference/compose-file/"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from portside.config.database_kinds import DATABASE_KINDS
from portside.config.env_file import read_env_file
from portside.config.kind import Kind
from portside.config.source_file import read_text
from portside.errors import UsageError
from portside.scaffold.compose_file import (
    MISSING,
    Place,
    Variables,
    container_of,
    expect_types,
    host_in,
    listed,
    mebibytes_of,
    pair_of,
    read_compose,
    seconds_of,
    text_of,
)
from portside.scaffold.new_app import DEFAULT_CIDR, Description, Field, Service, block, literal
from portside.scaffold.well_known_images import CACHES, DATABASES, STORES, program_of
from portside.secret_names import is_secret_name

_NAME_KEYS: Final = ("POSTGRES_DB", "MYSQL_DATABASE", "MARIADB_DATABASE", "MONGO_INITDB_DATABASE")
_USER_KEYS: Final = ("POSTGRES_USER", "MYSQL_USER", "MARIADB_USER", "MONGO_INITDB_ROOT_USERNAME")
# They mean nothing on Fargate, or it does the same without them.
_IGNORED: Final = frozenset(
    {
        *("attach", "container_name", "hostname", "init", "labels", "links", "logging", "networks", "platform"),
        *("pull_policy", "restart", "stdin_open", "tty", "healthcheck", "environment", "env_file", "image", "build"),
        *("ports", "expose", "depends_on", "volumes", "secrets", "deploy", "command", "stop_grace_period", "user"),
        *("mem_limit", "mem_reservation", "read_only", "tmpfs", "stop_signal"),
    }
)
_HOSTS = re.compile(r"HOST|SERVER|ADDR|ENDPOINT|URL|URI", re.IGNORECASE)
_USERS, _NAMES = re.compile("USER", re.IGNORECASE), re.compile("DB|DATABASE|NAME|SCHEMA", re.IGNORECASE)
# Passwords of examples, in variables whose names do not say what they are.
_WORDS_OF_SECRETS = re.compile(r"secret|passw|change[-_ ]?me", re.IGNORECASE)
_LOCALHOST = re.compile(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?(/[\w./-]*)")


@dataclass
class _Conversion:
    """The services of the file, the database among them, and what could not be taken over."""

    app: str
    folder: Path
    services: Mapping[str, Mapping[str, Any]]
    place: Place
    left: list[str] = field(default_factory=list)
    kind: str = ""
    database: str = ""
    secrets: set[str] = field(default_factory=set)

    def leave(self, said: str, *path: str | int) -> None:
        self.left.append(f"line {self.place.line('services', *path)}: {'.'.join(map(str, path))}: {said}")

    def variables(self, name: str, *, report: bool = False) -> dict[str, str | None]:
        """The variables of a service, those of its files first."""
        found: dict[str, str | None] = {}
        service = self.services[name]
        for each in listed(service.get("env_file")):
            path = self.folder / str(each["path"] if isinstance(each, Mapping) else each)
            if path.is_file():
                found |= read_env_file(path, interpolate=False)
            elif report:
                self.leave(f"{path} does not exist: its variables are missing", name, "env_file")
        written = service.get("environment") or {}
        pairs = written.items() if isinstance(written, Mapping) else (pair_of(str(each)) for each in written)
        return found | {str(key): None if value is None else text_of(value) for key, value in pairs}


def take_over_compose(path: Path, name: str, account: str) -> tuple[Description, list[str]]:
    """The configuration, and what has no equivalent in it, by line. Raises `UsageError` for another kind of file."""
    text = read_text(path, hint_missing="Use --from with a compose file or the app.py of the previous app.")
    settings = path.parent / ".env"
    defined = Variables({**(read_env_file(settings, interpolate=False) if settings.is_file() else {}), **os.environ})
    document, place = read_compose(text, path.name, defined)
    services = document.get("services")
    if not isinstance(services, Mapping) or not all(isinstance(each, Mapping) for each in services.values()):
        raise UsageError(f"--from: {path} has no services", "Use a compose file, or the app.py of the previous app.")
    expect_types(path.name, services, place)
    conversion = _Conversion(name, path.parent, services, place)
    for variable, line in defined.missing.items():
        conversion.left.append(f"line {line}: the variable {variable} has no value here")
    _choose_database(conversion)
    taken = [each for each in services if _is_taken(conversion, each)]
    public = _public(conversion, taken)
    made = [_service(conversion, each, is_public=each == public) for each in taken]
    keys: dict[str, Any] = {"ACCOUNT": account, "VPC_CIDR": DEFAULT_CIDR}
    if not public:
        keys["LOAD_BALANCER"] = False
    if conversion.database:
        keys |= _database_keys(conversion)
    if conversion.secrets:
        said = "create in Secrets Manager, because values of secrets are not taken over"
        conversion.left.append(f"{said}: {', '.join(sorted(conversion.secrets))}")
    source = " ".join(each.source for service in made for each in service.fields)
    imports = {"Environment", "ServiceProps"} | {each for each in _IMPORTS if re.search(rf"\b{each}\b", source)}
    described = Description(
        name=name,
        imports=sorted(imports, key=lambda each: (not each.isupper(), each)),
        environments={Kind.DEVELOPMENT.usual_name: keys},
        services=made,
    )
    return described, conversion.left


_IMPORTS: Final = (
    *("BEFORE_ROLLOUT", "DATABASE", "Call", "ContainerVolume", "DatabaseHost", "DatabasePort", "DatabaseSecret"),
    *("HealthCheck", "ServiceSecret"),
)


def _choose_database(conversion: _Conversion) -> None:
    for name, service in conversion.services.items():
        kind = DATABASES.get(program_of(service), "")
        if kind and not conversion.database:
            conversion.database, conversion.kind = name, kind
            conversion.leave(
                f"is the database of the environment, {DATABASE_KINDS[kind].title}, without its data", name
            )
        elif kind:
            conversion.leave("a second database: write it in stacks(), see docs/own-stacks.md", name)


def _is_taken(conversion: _Conversion, name: str) -> bool:
    """Whether a service becomes a container. Reports why not."""
    service, program = conversion.services[name], program_of(conversion.services[name])
    if program in CACHES | STORES:
        conversion.leave(f"{program} loses its data with its task: write it in stacks(), see docs/own-stacks.md", name)
    elif "profiles" in service and program not in DATABASES:
        profiles = ", ".join(map(str, listed(service["profiles"])))
        conversion.leave(f"runs only with the profile {profiles}", name)
    return not _is_omitted(conversion, name)


def _is_omitted(conversion: _Conversion, name: str) -> bool:
    service = conversion.services[name]
    return "profiles" in service or program_of(service) in {*DATABASES, *CACHES, *STORES}


def _public(conversion: _Conversion, taken: Sequence[str]) -> str:
    """The service that gets the requests from outside: with a port of a web server, or the first with a port."""
    published = {name: [outside for outside, _ in _ports(conversion, name, report=False)] for name in taken}

    def rank(name: str) -> tuple[bool, bool]:
        is_local = all(outside.startswith("127.0.0.1") for outside in published[name])
        return not any(outside.rpartition(":")[2] in ("80", "443") for outside in published[name]), is_local

    return min((name for name in taken if published[name]), key=rank, default="")


def _ports(conversion: _Conversion, name: str, *, report: bool = True) -> Iterator[tuple[str, int]]:
    """The published TCP ports of a service: outside, with an address if it has one, and in the container."""
    for place, each in enumerate(listed(conversion.services[name].get("ports"))):
        if isinstance(each, Mapping):
            outside, inside, protocol = each.get("published", ""), each.get("target", ""), each.get("protocol", "tcp")
        else:
            written, _, protocol = str(each).partition("/")
            outside, _, inside = written.rpartition(":")
        if str(protocol or "tcp") == "tcp" and str(inside).isdecimal():
            yield str(outside), int(inside)
        elif report:
            conversion.leave(f"only single TCP ports can be published, got {each}", name, "ports", place)


def _port(conversion: _Conversion, name: str) -> int | None:
    """The port of a service: published, exposed, or in a variable of another service."""
    published = [inside for _, inside in _ports(conversion, name, report=False)]
    exposed = [int(each) for each in map(str, listed(conversion.services[name].get("expose"))) if each.isdecimal()]
    mentioned = re.compile(rf"(?:^|[/@,]){re.escape(name)}:(\d+)")
    for other in conversion.services:
        if other != name:
            for value in filter(None, conversion.variables(other).values()):
                exposed += [int(each) for each in mentioned.findall(value)]
    return next(iter([*published, *exposed]), None)


def _service(conversion: _Conversion, name: str, *, is_public: bool) -> Service:
    service = conversion.services[name]
    container = container_of(name)
    if container != name:
        conversion.leave(f"is called {container}", name)
    is_job = _is_job(conversion, name)
    port = None if is_job else _port(conversion, name)
    fields = [Field("container_name", literal(container))]
    if port:
        fields.append(Field("container_port", str(port)))
    fields += [*_sizes(conversion, name), Field("container_location", literal(_location(conversion, name)))]
    fields += [*_environment(conversion, name)]
    if command := service.get("command"):
        words = shlex.split(command) if isinstance(command, str) else [str(each) for each in command]
        words = [re.sub(f"{MISSING}(\\w+){MISSING}", r"${\1}", each.replace("$$", "$")) for each in words]
        fields.append(Field("container_command", literal(words)))
    fields += [*_volumes(conversion, name), *_health(conversion, name, is_public=is_public)]
    if service.get("user"):
        fields.append(Field("user", literal(str(service["user"]))))
    if service.get("read_only") is True:
        fields.append(Field("read_only_root", "True"))
    if calls := _calls(conversion, name):
        fields.append(Field("calls", block("[", calls, "]") if len(calls) > 1 else f"[{calls[0]}]"))
    if is_job:
        fields.append(Field("runs", "BEFORE_ROLLOUT"))
    others = [inside for _, inside in _ports(conversion, name) if inside != port]
    if others:
        conversion.leave(f"a service has one port; {', '.join(map(str, others))} can't be reached", name, "ports")
    if not is_public and service.get("ports"):
        conversion.leave("not open to the internet: public and routes make it so", name, "ports")
    for key in service:
        if key == "secrets":
            conversion.leave("files of secrets do not exist: use ServiceSecret and a variable", name, key)
        elif key not in _IGNORED and not str(key).startswith("x-"):
            conversion.leave("has no equivalent", name, str(key))
    return Service(re.sub(r"\W", "_", container), fields)


def _is_job(conversion: _Conversion, name: str) -> bool:
    """Whether another service starts after it has ended."""
    waits = (each.get("depends_on") for each in conversion.services.values())
    states = (each.get(name) for each in waits if isinstance(each, Mapping))
    return any(
        isinstance(each, Mapping) and each.get("condition") == "service_completed_successfully" for each in states
    )


def _location(conversion: _Conversion, name: str) -> str:
    service = conversion.services[name]
    build = service.get("build")
    if image := service.get("image"):
        if build:
            conversion.leave("not built: the image must be in a registry", name, "build")
        return re.sub(f":?{MISSING}\\w+{MISSING}", ":latest", str(image))
    options = build if isinstance(build, Mapping) else {"context": build or "."}
    conversion.leave("built from the folder in the new repository, outside production only", name, "build")
    for key in sorted(set(options) - {"context"}):
        conversion.leave("has no equivalent", name, "build", key)
    return f"path://{str(options.get('context', '.')).removeprefix('./') or '.'}"


def _sizes(conversion: _Conversion, name: str) -> Iterator[Field]:
    service = conversion.services[name]
    resources = (deploy := service.get("deploy") or {}).get("resources") or {}
    limits, reserved = resources.get("limits") or {}, resources.get("reservations") or {}
    sizes = [reserved.get("memory"), service.get("mem_reservation"), limits.get("memory"), service.get("mem_limit")]
    written = next((str(each) for each in sizes if each), "512M")
    if not (size := mebibytes_of(written)):
        conversion.leave(f"not a size of memory, got {written}: 512 MiB", name)
    yield Field("container_memory_reservation", str(size or 512))
    if "devices" in reserved:
        conversion.leave("Fargate has no GPUs", name, "deploy", "resources", "reservations", "devices")
    replicas = deploy.get("replicas")
    if isinstance(replicas, int) and replicas > 1:
        yield from (Field(f"auto_scale_{end}_capacity", str(replicas)) for end in ("min", "max"))
    for key in sorted(set(deploy) - {"resources", "replicas", "restart_policy"}):
        conversion.leave("has no equivalent", name, "deploy", key)


def _environment(conversion: _Conversion, name: str) -> Iterator[Field]:
    """The variables of a service; those of the database are deferred values, and secrets only references."""
    database = conversion.variables(conversion.database) if conversion.database else {}
    password = next((value for key, value in database.items() if value and key.endswith("PASSWORD")), None)
    known = {
        value: source
        for value, source in (
            (conversion.database or None, "DatabaseHost()"),
            (next((database[key] for key in _USER_KEYS if database.get(key)), None), "environment.database_username"),
            (next((database[key] for key in _NAME_KEYS if database.get(key)), None), "environment.database_name"),
        )
        if value
    }
    plain, secrets = [], []
    for key, value in conversion.variables(name, report=True).items():
        place = (name, "environment", key)
        for other in conversion.services if value else ():
            value = (
                host_in(other).sub(rf"\g<1>{container_of(other)}", value or "")
                if other != container_of(other)
                else value
            )
        is_secret = is_secret_name(key) or bool(_WORDS_OF_SECRETS.search(value or ""))
        if value is None:
            conversion.leave("its value is that of the shell: write it, or use ServiceSecret", *place)
        elif conversion.database and re.search(rf"@{re.escape(conversion.database)}\b", value):
            conversion.leave("an address with a password: make it of DatabaseHost() and ServiceSecret", *place)
        elif other := _omitted_in(conversion, key, value):
            conversion.leave(f"names {other}, which is not taken over", *place)
        elif MISSING in value and not is_secret:
            conversion.leave("a part of its value is unknown", *place)
        elif is_secret and password and value == password:
            secrets.append(f'ServiceSecret(DatabaseSecret("password"), {literal(key)})')
        elif (is_secret and value) or re.search(r"://[^/@\s:]*:[^/@\s]+@", value):
            # No hyphen before its last characters, which would look like an ARN's.
            secret = f"{conversion.app}/{container_of(name)}/{key}"
            conversion.secrets.add(secret)
            secrets.append(f"ServiceSecret({literal(secret)}, {literal(key)})")
        else:
            plain.append(f"{literal(key)}: {_of_database(key, value, known, conversion.kind)}")
    for title, brackets, lines in (("container_env_vars", "{}", plain), ("container_secrets", "[]", secrets)):
        if lines:
            yield Field(title, block(brackets[0], lines, brackets[1]))


def _omitted_in(conversion: _Conversion, key: str, value: str) -> str:
    """A service in a host name or address that is not a container in AWS."""
    if value in conversion.services and not _HOSTS.search(key):
        return ""
    omitted = [each for each in conversion.services if each != conversion.database and _is_omitted(conversion, each)]
    return next((each for each in omitted if host_in(each).search(value)), "")


def _of_database(key: str, value: str, known: Mapping[str, str], kind: str) -> str:
    """The source of a value, which may be one of the database if the name of the variable fits."""
    if kind and value == str(DATABASE_KINDS[kind].port) and "PORT" in key.upper():
        return "DatabasePort()"
    source = known.get(value, "")
    usual = {"DatabaseHost()": _HOSTS, "environment.database_username": _USERS, "environment.database_name": _NAMES}
    return source if source and usual[source].search(key) else literal(value)


def _volumes(conversion: _Conversion, name: str) -> Iterator[Field]:
    for place, each in enumerate(listed(conversion.services[name].get("volumes"))):
        parts = str(each).split(":")
        if isinstance(each, Mapping):
            parts = [str(each.get("source", "")), str(each.get("target", ""))]
        source, target = parts[0], parts[1] if len(parts) > 1 else parts[0]
        if str(source).startswith((".", "/", "~")):
            said = f"{source} is a folder or file of this machine: put it into the image"
        else:
            said = f"what is written to {target} is lost with the task: DurableVolume keeps it, see docs/own-stacks.md"
        conversion.leave(said, name, "volumes", place)
    folders = [str(each).partition(":")[0] for each in listed(conversion.services[name].get("tmpfs"))]
    if folders:
        yield Field("container_volumes", f"[{', '.join(f'ContainerVolume({literal(each)})' for each in folders)}]")


def _health(conversion: _Conversion, name: str, *, is_public: bool) -> Iterator[Field]:
    check = conversion.services[name].get("healthcheck") or {}
    test = check.get("test")
    command = ["CMD-SHELL", test] if isinstance(test, str) else [str(each) for each in test or ()]
    if command and command != ["NONE"] and check.get("disable") is not True:
        times = {}
        for key, low, high in (("interval", 5, 300), ("timeout", 2, 60), ("start_period", 0, 300)):
            if key in check:
                seconds = round(seconds_of(str(check[key])))
                times[key] = min(max(seconds, low), high)
                if times[key] != seconds:
                    conversion.leave(f"ECS allows {low} to {high} seconds, got {check[key]}", name, "healthcheck", key)
        if "timeout" in times:
            # ECS wants it to be shorter than the interval, whose default here is 10 seconds.
            times["timeout"] = min(times["timeout"], times.setdefault("interval", 10) - 1)
        given = [f"{key}_seconds={value}" for key, value in times.items()]
        if "retries" in check:
            given.append(f"retries={min(max(int(check['retries']), 1), 10)}")
        words = literal([each.replace("$$", "$") for each in command])
        yield Field("container_healthcheck", block("HealthCheck(", [f"command={words}", *given], ")"))
    if is_public:
        found = _LOCALHOST.search(" ".join(command))
        if not found:
            conversion.leave('health_check_path is "/": the load balancer expects 200 from it', name)
        yield Field("health_check_path", literal(found[1] if found else "/"))
        yield Field("public", "True")


def _calls(conversion: _Conversion, name: str) -> list[str]:
    """Connections to services that it depends on or names in a variable."""
    waited = conversion.services[name].get("depends_on") or ()
    values = [value for value in conversion.variables(name).values() if value]
    found = []
    for other in conversion.services:
        if other == name or (other not in waited and not any(host_in(other).search(value) for value in values)):
            continue
        if other == conversion.database:
            found.append("Call(DATABASE, environment.database_port)")
        elif not _is_omitted(conversion, other) and not _is_job(conversion, other):
            if port := _port(conversion, other):
                found.append(f"Call({literal(container_of(other))}, {port})")
            else:
                conversion.leave(f"calls {other}, whose port is unknown: add its container_port and a Call", name)
    return found


def _database_keys(conversion: _Conversion) -> dict[str, str]:
    values = conversion.variables(conversion.database)
    name = next((value for key in _NAME_KEYS if (value := values.get(key))), None)
    user = next((value for key in _USER_KEYS if (value := values.get(key))), None)
    keys = {"DATABASE_KIND": conversion.kind, "DATABASE_NAME": name, "DATABASE_USERNAME": user}
    return {key: value for key, value in keys.items() if value and MISSING not in value}
