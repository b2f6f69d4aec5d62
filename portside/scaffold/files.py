"""The files of a new app's repository."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from portside.scaffold import lock
from portside.scaffold.manifest import MANIFEST, AppOptions, Manifest, digest_of
from portside.scaffold.new_app import Description, render
from portside.scaffold.package_pin import PackagePin

# The imports of portside.testing.
_TEST_TOOLS = ("pytest", "pytest-xdist", "syrupy")

# Rendered for each app.
_TEMPLATES = {
    ".devcontainer/devcontainer.json": "devcontainer.json",
    ".env.example": "env.example",
    ".github/workflows/check.yaml": "check.yaml",
    ".github/workflows/deploy.yaml": "deploy.yaml",
    ".gitignore": "gitignore",
    "README.md": "README.md",
    "tests/test_app.py": "test_app.py",
}

# The same for every app, and for the repository of this package.
_COPIES = {
    "cdk.json": "cdk.json",
    "tools/install_packages.py": "install_packages",
    "tools/setup.sh": "setup.sh",
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
    described: Description, pin: PackagePin, *, licence: str, earlier: bool = False, workflows: str = ""
) -> dict[str, RepositoryFile]:
    """All files by path; the manifest is the last. With those for an `earlier` kind of app, if it was one."""
    options = AppOptions(
        environment=next(iter(described.environments)), licence=licence, earlier=earlier, workflows=workflows
    )
    values = values_for(described.name, pin, options)
    found = {"app.py": _text(render("app.py", **{**values, **vars(described)}))}
    if licence == "apache-2.0":
        found["LICENSE"] = _text(_read("LICENSE"))
    elif licence == "mit":
        found["LICENSE"] = _text(render("MIT", **values))
    found |= generated_files(described.name, pin, options)
    manifest = Manifest(
        launcher=described.name,
        options=options,
        pin=pin,
        files={path: digest_of(file.content) for path, file in found.items()},
    )
    return {**found, MANIFEST: RepositoryFile(manifest.written())}


def generated_files(name: str, pin: PackagePin, options: AppOptions) -> dict[str, RepositoryFile]:
    """The files that an upgrade may write again, by path: all except `app.py`, the licence and the manifest."""
    values = values_for(name, pin, options)
    found = {path: _text(render(template, **values)) for path, template in _TEMPLATES.items()}
    found |= {path: _copy(path, source) for path, source in _COPIES.items()}
    found[name] = replace(_text(render("launcher", **values)), executable=True)
    found["requirements.txt"] = _text(pin.requirement + lock.pins(_read("requirements.txt")))
    found["requirements-dev.txt"] = _text(lock.only(_read("requirements-dev.txt"), _TEST_TOOLS))
    if options.earlier:
        found["src/__init__.py"] = _text("")
        found |= {f"src/{each}.py": _copy(each, f"src/{each}") for each in _EARLIER_IMPORTS}
    if pin.content:
        found[pin.location] = RepositoryFile(pin.content)
    return found


def values_for(name: str, pin: PackagePin, options: AppOptions) -> dict[str, Any]:
    """The values of the templates."""
    licences = {"apache-2.0": "[Apache License 2.0](LICENSE)", "mit": "[MIT License](LICENSE)"}
    return {
        "title": name.replace("-", " ").title(),
        "program": f"./{name}",
        "first": options.environment,
        "package": pin,
        "version": pin.version,
        "licence": licences.get(options.licence, ""),
        "year": datetime.now(tz=UTC).year,
        **workflow_values(options.workflows, reusable=False),
        **launcher_values(name, module="portside", installed=True),
    }


def workflow_values(workflows: str, *, reusable: bool) -> dict[str, Any]:
    """The values of the workflows' templates, which are also those of the reusable workflows of this repository."""

    def called(workflow: str) -> str:
        repository, _, commit = workflows.partition("@")
        return f"{repository}/.github/workflows/{workflow}.yaml@{commit}"

    return {"workflows": workflows, "reusable": reusable, "called": called}


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
