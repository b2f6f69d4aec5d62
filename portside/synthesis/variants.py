"""Templates for estimates: of several environments, with changed settings, or of another commit.

They need neither AWS nor a registry, because their images are not looked up. They can't be deployed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portside.config import configuration
from portside.errors import ConfigurationError, Problem, UserError
from portside.git import GitFailed, git_bytes
from portside.repository import PACKAGE_FOLDER, REPOSITORY_VARIABLE, ROOT
from portside.synthesis.assembly import Stack, read_assembly

_MODULE = "portside.stacks.synthesize_variants"


@dataclass(frozen=True)
class Variant:
    """An environment of `app.py`, with other settings of the environment and of its services."""

    environment: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    service_settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """An `app.py`, and the folder of the code that makes its templates."""

    app_file: Path
    package: Path = PACKAGE_FOLDER


@dataclass(frozen=True)
class Made:
    """The result of a variant: the templates by the names of their stacks, or the mistakes in its configuration."""

    assumptions: Mapping[str, float] = field(default_factory=dict)
    templates: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def expect_valid(self) -> Made:
        """The same. Raises `ConfigurationError` if the configuration is not valid."""
        if self.problems:
            raise ConfigurationError(self.problems)
        return self


def working_tree() -> Source:
    """The `app.py` that other commands read too."""
    return Source(configuration.APP_FOLDER / "app.py")


@contextlib.contextmanager
def commit(ref: str) -> Iterator[Source]:
    """The `app.py` of a commit, with that commit's own code if it can make these templates. Raises `UserError`."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            archive = git_bytes("archive", "--format=tar", "--end-of-options", ref, folder=ROOT)
        except GitFailed as error:
            raise UserError(
                f"{ref}: this clone has no such commit: {error.said}", "Use a branch, a tag or a commit that it has."
            ) from error
        with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
            tree.extractall(folder, filter="data")
        app_file = Path(folder) / configuration.APP_FOLDER.relative_to(ROOT) / "app.py"
        if not app_file.is_file():
            raise UserError(f"{ref}: that commit has no app.py", "Use a later one.")
        has_code = (Path(folder) / f"{_MODULE.replace('.', '/')}.py").is_file()
        yield Source(app_file, Path(folder) if has_code else PACKAGE_FOLDER)


def environments_of(source: Source) -> list[str]:
    """The names of its environments. Raises `ConfigurationError`."""
    return list(configuration.load_without_services(source.app_file).environments)


def synthesize_variants(source: Source, variants: Sequence[Variant]) -> list[Made]:
    """Make the templates of each variant, in one process. Raises `UserError` if that fails for another reason."""
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder, str(number)) for number in range(len(variants))]
        request = {
            "app": str(source.app_file),
            "variants": [
                {**vars(variant), "folder": str(each)} for variant, each in zip(variants, folders, strict=True)
            ],
        }
        answers = _answers(source, request)
        return [_made(answer, each) for answer, each in zip(answers, folders, strict=True)]


def _made(answer: Mapping[str, Any], folder: Path) -> Made:
    if "problems" in answer:
        return Made(problems=tuple(Problem(*each) for each in answer["problems"]))
    stacks: tuple[Stack, ...] = read_assembly(folder)
    return Made(answer["assumptions"], {stack.name: stack.template for stack in stacks})


def _answers(source: Source, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    folders = [str(source.package), str(source.app_file.parent), os.environ.get("PYTHONPATH")]
    path = os.pathsep.join(filter(None, folders))
    variables = {"PYTHONPATH": path, "CDK_VALIDATION": "false", REPOSITORY_VARIABLE: str(source.app_file.parent)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", _MODULE],
        cwd=source.app_file.parent,
        env={**os.environ, **variables},
        input=json.dumps(request),
        capture_output=True,
        text=True,
        errors="replace",
    )
    with contextlib.suppress(ValueError):
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers
    said = [line for line in done.stderr.splitlines() if line.strip()][-1:] or [f"exit status {done.returncode}"]
    raise UserError(
        f"the templates could not be made: {said[0].strip()}", "Try it: ENV=<environment> .venv/bin/python app.py"
    )
