"""The description of a new app: its `app.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from portside.config.database_kinds import DATABASE_KINDS
from portside.config.identity import APP_HINT
from portside.config.image_reference import LOCAL_BUILD, parse_reference
from portside.config.kind import Kind
from portside.errors import UsageError

DEFAULT_CIDR: Final = "10.20.0.0/24"
DEFAULT_REGION: Final = "us-east-1"
LICENCES: Final = ("apache-2.0", "mit", "none")

RESERVED: Final = frozenset(
    {"docs", "node_modules", "portside", "releases", "src", "stacks", "tests", "tools", "vendor"}
)
"""Names of files and folders next to the launcher, which has the app's name."""

_COMMENTS: Final = {
    "ACCOUNT": "Credentials of another account are refused.",
    "VPC_CIDR": "Private, and unique in the organization.",
    "CERTIFICATE_ID": "Of AWS Certificate Manager, in this account and region.",
    "GHCR_PACKAGE_VERSION": "The tag of the images.",
    "DATABASE_KIND": f"One of {', '.join(DATABASE_KINDS)}.",
}


@dataclass(frozen=True, kw_only=True)
class NewApp:
    """The answers about a new app. A `port` of None is a worker, which no one connects to."""

    name: str
    image: str
    port: int | None
    account: str
    database: str | None = None
    region: str = DEFAULT_REGION
    vpc_cidr: str = DEFAULT_CIDR
    fqdn: str = ""
    certificate_id: str = ""
    licence: str = "none"


@dataclass(frozen=True)
class Field:
    """A field of a service: its value as Python source, and a comment for newcomers."""

    name: str
    source: str
    comment: str = ""


@dataclass(frozen=True)
class Service:
    """A service, and the variable for it in `services`."""

    variable: str
    fields: Sequence[Field]


@dataclass(frozen=True, kw_only=True)
class Description:
    """The content of an `app.py`."""

    name: str
    imports: Sequence[str]
    environments: Mapping[str, Mapping[str, Any]]
    services: Sequence[Service]
    comments: Mapping[str, str] = field(default_factory=lambda: _COMMENTS)


def describe(new: NewApp) -> Description:
    """The configuration of a new app: one environment with one service. Raises `UsageError`."""
    if new.name in RESERVED:
        raise UsageError(f"--name: {new.name} is the name of another file in the repository", APP_HINT)
    tag, location = _image(new.image)
    given = {
        "ACCOUNT": new.account,
        "REGION": new.region if new.region != DEFAULT_REGION else "",
        "VPC_CIDR": new.vpc_cidr,
        "FQDN": new.fqdn,
        "CERTIFICATE_ID": new.certificate_id,
        "GHCR_PACKAGE_VERSION": tag,
        "DATABASE_KIND": new.database or "",
    }
    keys: dict[str, Any] = {key: value for key, value in given.items() if value}
    if new.port is None:
        keys["LOAD_BALANCER"] = False
    imports = {"Environment", "ServiceProps"} | (_NAMES_FOR_A_DATABASE if new.database else set())
    return Description(
        name=new.name,
        imports=sorted(imports, key=lambda name: (not name.isupper(), name)),
        environments={Kind.DEVELOPMENT.usual_name: keys},
        services=[Service("web" if new.port else "worker", _fields(new, location))],
    )


_NAMES_FOR_A_DATABASE = {"DATABASE", "Call", "DatabaseHost", "DatabasePort", "DatabaseSecret", "ServiceSecret"}
_VARIABLES = """{
            "DB_HOST": DatabaseHost(),
            "DB_PORT": DatabasePort(),
            "DB_NAME": environment.database_name,
            "DB_USER": environment.database_username,
        }"""


def _fields(new: NewApp, location: str) -> list[Field]:
    fields = [Field("container_name", '"web"' if new.port else '"worker"')]
    if new.port:
        fields.append(Field("container_port", str(new.port)))
    fields += [
        Field(
            "container_memory_reservation",
            "512",
            "In MiB. The task gets the smallest size of Fargate's with room for it.",
        ),
        Field("container_location", location),
    ]
    if new.database:
        fields += [
            Field("container_env_vars", _VARIABLES, "Rename the variables to those that the image reads."),
            Field("container_secrets", '[ServiceSecret(DatabaseSecret("password"), "DB_PASSWORD")]'),
            Field("calls", "[Call(DATABASE, environment.database_port)]"),
        ]
    if new.port:
        fields += [
            Field("health_check_path", '"/"', "The load balancer sends requests to a task once this path answers 200."),
            Field("public", "True"),
        ]
    return fields


def _image(image: str) -> tuple[str, str]:
    """The tag for the environment, and the location as Python source."""
    reference = parse_reference(image)
    if reference is None and not image.startswith(LOCAL_BUILD):
        raise UsageError(f"--image: not a reference to an image, got {image!r}", "Use ghcr.io/OWNER/NAME:TAG.")
    if reference is None or reference.digest:
        return "", literal(image)
    return reference.tag or "latest", f'f"{reference.name}:{{environment.ghcr_package_version}}"'


def literal(value: object) -> str:
    """A value as Python source, with double quotes."""
    import json

    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(key)}: {literal(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def block(begin: str, lines: Iterable[str], end: str) -> str:
    """A call or a collection as the value of a service's field, with a line for each part."""
    inside = "".join(f"\n            {line}," for line in lines)
    return f"{begin}{inside}\n        {end}" if inside else f"{begin}{end}"


def render(template: str, **values: object) -> str:
    """The text of a template of this package."""
    return str(_templates().get_template(f"{template}.j2").render(**values))


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # Not a page: Python, shell, YAML and Markdown.
    made = Environment(  # nosec B701 # it renders no HTML
        loader=PackageLoader("portside.scaffold"), undefined=StrictUndefined, keep_trailing_newline=True
    )
    made.filters["literal"] = literal
    return made
