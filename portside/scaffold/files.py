"""The files of a new app's repository."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from portside import __version__
from portside.scaffold import lock
from portside.scaffold.new_app import Description, render
from portside.scaffold.package_pin import PackagePin

MANIFEST = "portside.json"
"""The launcher's name, the package, and the digests of the files as they were written."""

FORMAT = 1

# The imports of portside.testing, and ruff for the format of app.py.
_TEST_TOOLS = ("pytest", "pytest-xdist", "ruff", "syrupy")

# Rendered for each app.
_TEMPLATES = {
    ".devcontainer/devcontainer.json": "devcontainer.json",
    ".env.example": "env.example",
    ".github/workflows/check.yaml": "check.yaml",
    ".github/workflows/deploy.yaml": "deploy.yaml",
    ".gitignore": "gitignore",
    "README.md": "README.md",
    "ruff.toml": "ruff.toml",
    "app.py": "app.py",
    "tests/test_app.py": "test_app.py",
}

# The same for every app, and for the repository of this package.
_COPIES = {
    "cdk.json": "cdk.json",
    "requirements-uv.txt": "requirements-uv.txt",
    "tools/byte_code.py": "byte_code",
    "tools/install_packages.py": "install_packages",
    "tools/setup.sh": "setup.sh",
    "tools/venv_stamp.sh": "venv_stamp.sh",
}
# The import paths of the earlier kind, which an app's own stacks and tests may use.
_EARLIER_IMPORTS = (
    *("bastion_props", "bastion_stack", "docdb_props", "docdb_stack", "ecs_stack", "environment", "late_values"),
    *("load_balancer_stack", "network_stack", "service_props", "service_stack", "utils"),
)
_EXECUTABLE = frozenset({"tools/setup.sh"})


@dataclass(frozen=True)
class RepositoryFile:
    """The content of a file, and whether it is a program."""

    content: bytes
    executable: bool = False


def repository_files(
    described: Description, pin: PackagePin, *, licence: str, earlier: bool = False
) -> dict[str, RepositoryFile]:
    """All files by path; the manifest is the last. With those for an `earlier` kind of app, if it was one."""
    values = {**values_for(described, pin, licence=licence), "earlier": earlier}
    found = {path: _text(render(name, **values)) for path, name in _TEMPLATES.items()}
    found |= {path: _copy(path, source) for path, source in _COPIES.items()}
    found[described.name] = replace(_text(render("launcher", **values)), executable=True)
    found["requirements.txt"] = _text(pin.requirement + lock.pins(_read("requirements.txt")))
    found["requirements-dev.txt"] = _text(lock.only(_read("requirements-dev.txt"), _TEST_TOOLS))
    for name in ("package.json", "package-lock.json"):
        found[name] = _text(_named(json.loads(_read(name)), described.name))
    if licence == "apache-2.0":
        found["LICENSE"] = _text(_read("LICENSE"))
    elif licence == "mit":
        found["LICENSE"] = _text(render("MIT", **values))
    if earlier:
        found["src/__init__.py"] = _text("")
        found |= {f"src/{name}.py": _copy(name, f"src/{name}") for name in _EARLIER_IMPORTS}
    if pin.content:
        found[pin.location] = RepositoryFile(pin.content)
    return {**found, MANIFEST: _manifest(described.name, pin, found)}


def values_for(described: Description, pin: PackagePin, *, licence: str) -> dict[str, Any]:
    """The values of the templates."""
    first = next(iter(described.environments))
    return {
        **vars(described),
        "title": described.name.replace("-", " ").title(),
        "program": f"./{described.name}",
        "first": first,
        "package": pin,
        "version": __version__,
        "licence": {"apache-2.0": "[Apache License 2.0](LICENSE)", "mit": "[MIT License](LICENSE)"}.get(licence, ""),
        "year": datetime.now(tz=UTC).year,
        **launcher_values(described.name, module="portside", installed=True),
    }


def launcher_values(name: str, *, module: str, installed: bool) -> dict[str, Any]:
    """The values of the launcher's template, which is also that of this package's repository."""
    completion = f"_{name.replace('-', '_').upper()}_COMPLETE"
    return {"name": name, "module": module, "installed": installed, "completion": completion}


def _text(text: str) -> RepositoryFile:
    return RepositoryFile(text.encode())


def _copy(path: str, source: str) -> RepositoryFile:
    return RepositoryFile(_read(source).encode(), path in _EXECUTABLE)


def _read(name: str) -> str:
    return (files("portside.scaffold") / "files" / name).read_text(encoding="utf-8")


def _named(package: dict[str, Any], name: str) -> str:
    """A file of npm with the name of the app."""
    package["name"] = name
    if "packages" in package:
        package["packages"][""]["name"] = name
    return json.dumps(package, indent=2) + "\n"


def _manifest(name: str, pin: PackagePin, written: Mapping[str, RepositoryFile]) -> RepositoryFile:
    manifest = {
        "launcher": name,
        "format": FORMAT,
        "package": {"location": pin.location, "version": pin.version, "sha256": pin.sha256},
        "files": {path: hashlib.sha256(file.content).hexdigest() for path, file in sorted(written.items())},
    }
    return _text(json.dumps(manifest, indent=2) + "\n")
