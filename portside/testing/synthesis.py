"""The templates of an app under test, made without AWS and without a registry."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.config.configuration import Configuration, load_configuration
from portside.config.environment import Environment
from portside.config.image_reference import parse_reference
from portside.images.release_lock import find_lock
from portside.images.resolution import Resolution
from portside.images.resolved_image import PLATFORM, ResolvedImage
from portside.images.synthesis_images import references_of

# Before the CDK is imported, whose process inherits it: its own validation takes most of a synthesis.
os.environ.setdefault("CDK_VALIDATION", "false")

_CREATED = "1970-01-01T00:00:00+00:00"
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
    lock = find_lock(version, [app.parent / "releases"]) or Resolution(version, {})
    images = Resolution(version, {each: lock.images.get(each) or _invented(each) for each in references})
    folder = make(configuration, name, images)
    return Synthesized(app, configuration, environment, images, lock.without(references), folder)


def _invented(location: str) -> ResolvedImage:
    reference = parse_reference(location)
    assert reference, "checked with the configuration"
    digest = hashlib.sha256(location.encode()).hexdigest()
    tag = reference.tag or "latest"
    return ResolvedImage(reference.name, tag, reference.digest or f"sha256:{digest}", digest[:40], PLATFORM, _CREATED)


def _synthesize(configuration: Configuration, name: str, images: Resolution) -> Path:
    from portside.stacks.synthesize import build_app

    folder = Path(tempfile.mkdtemp(dir=_FOLDER.name))
    build_app(configuration, name, images=images, outdir=str(folder)).synth()
    return folder


make: Callable[[Configuration, str, Resolution], Path] = _synthesize
"""Synthesizes an environment; replaced where templates are shared with other tests."""
