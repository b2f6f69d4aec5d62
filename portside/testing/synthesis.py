"""The templates of an app under test, made without AWS and without a registry."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.config.configuration import Configuration, load_configuration
from portside.config.environment import Environment
from portside.images.resolution import Resolution
from portside.images.synthesis_images import references_of
from portside.images.without_registry import without_registry

# Before the CDK is imported, whose process inherits it: its own validation takes most of a synthesis.
os.environ.setdefault("CDK_VALIDATION", "false")

_FOLDER = tempfile.TemporaryDirectory(prefix="app-templates-")


@dataclass(frozen=True)
class Synthesized:
    """The stacks of an environment, and the images that they run: those of the release's lock, or invented ones."""

    app: Path
    configuration: Configuration
    environment: Environment
    images: Resolution
    unlocked: list[str]
    folder: Path

    @functools.cached_property
    def templates(self) -> dict[str, Any]:
        """The templates by the names of their stacks."""
        suffix = ".template.json"
        return {path.name.removesuffix(suffix): json.loads(path.read_text()) for path in self.folder.glob(f"*{suffix}")}

    @property
    def protected_stacks(self) -> set[str]:
        """The stacks with termination protection."""
        artifacts = json.loads((self.folder / "manifest.json").read_text())["artifacts"]
        return {name for name, each in artifacts.items() if each.get("properties", {}).get("terminationProtection")}


def find_app(test_file: str) -> Path:
    """The `app.py` in the folder of a test file or above it. Raises `FileNotFoundError`."""
    for folder in Path(test_file).resolve().parents:
        if (folder / "app.py").is_file():
            return folder / "app.py"
    raise FileNotFoundError(f"no app.py in the folder of {test_file} or above it")


@functools.cache
def read_app(app: Path) -> Configuration:
    """The configuration of an app, which may have images that can't be released yet. Raises `ConfigurationError`."""
    return load_configuration(app, acting_on=())


@functools.cache
def synthesized(app: Path, name: str) -> Synthesized:
    """The stacks of an environment, made once in a test process."""
    configuration = read_app(app)
    environment = configuration.environment(name)
    version, references = environment.ghcr_package_version, references_of(configuration.services_of(name))
    images, unlocked = without_registry(version, references, app.parent / "releases")
    folder = make(configuration, name, images)
    return Synthesized(app, configuration, environment, images, unlocked, folder)


def _synthesize(configuration: Configuration, name: str, images: Resolution) -> Path:
    from portside.stacks.synthesize import build_app

    folder = Path(tempfile.mkdtemp(dir=_FOLDER.name))
    build_app(configuration, name, images=images, outdir=str(folder)).synth()
    return folder


make: Callable[[Configuration, str, Resolution], Path] = _synthesize
"""Synthesizes an environment; replaced where templates are shared with other tests."""
