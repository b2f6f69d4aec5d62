"""The manifest of a generated repository: which files this package wrote, from what, and their digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from portside import state_file
from portside.config.kind import Kind
from portside.errors import UserError
from portside.scaffold.package_pin import PackagePin

MANIFEST = "portside.json"
FORMAT = 2
"""The first format had no `options`."""

_FIX = f"Restore it from git: git checkout -- {MANIFEST}"


@dataclass(frozen=True, kw_only=True)
class AppOptions:
    """The values that the files are rendered from, except `app.py`.

    `workflows` is the repository with the reusable workflows and its commit, `OWNER/REPOSITORY@COMMIT`; empty if the
    app has whole ones.
    """

    environment: str = Kind.DEVELOPMENT.usual_name
    licence: str = "none"
    earlier: bool = False
    workflows: str = ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`files` has the digest of each file as it was written, by its path."""

    launcher: str
    options: AppOptions
    pin: PackagePin
    files: Mapping[str, str]

    def written(self) -> bytes:
        """The content of the file."""
        package = {"location": self.pin.location, "version": self.pin.version, "sha256": self.pin.sha256}
        value = {
            "launcher": self.launcher,
            "format": FORMAT,
            "options": asdict(self.options),
            "package": package,
            "files": dict(sorted(self.files.items())),
        }
        return (json.dumps(value, indent=2) + "\n").encode()


def read_manifest(repository: Path) -> Manifest:
    """The manifest of a repository. Raises `UserError` if it is missing or can't be used."""
    path = repository / MANIFEST
    found = state_file.read_json(path, dict, what="the manifest", fix=_FIX)
    if found is None:
        raise UserError(
            f"{path}: does not exist, so nothing says which files are generated",
            f"{_FIX}. A repository that contains the folder portside/ has no manifest: update it with git.",
        )
    written = found.get("format")
    if not isinstance(written, int) or written < 1:
        raise state_file.Damaged(path, "the manifest", f"format is {written!r}, not a number", _FIX)
    if written > FORMAT:
        raise UserError(
            f"{path}: has format {written}, and this version reads up to {FORMAT}",
            "Use the version of portside that wrote it, or a later one.",
        )
    try:
        return parse_manifest(found)
    except (KeyError, TypeError, AttributeError) as error:
        reason = f"a value is missing or of another kind ({error})"
        raise state_file.Damaged(path, "the manifest", reason, _FIX) from None


def digest_of(content: bytes) -> str:
    """The digest that the manifest has of a file."""
    return hashlib.sha256(content).hexdigest()


def parse_manifest(found: Mapping[str, Any]) -> Manifest:
    """The manifest in a value of JSON. Raises KeyError, TypeError or AttributeError."""
    package, files = found["package"], {str(path): str(digest) for path, digest in found["files"].items()}
    options = found["options"] if found["format"] > 1 else _options_of_the_first_format(files)
    return Manifest(
        launcher=found["launcher"],
        options=AppOptions(**{each.name: options[each.name] for each in fields(AppOptions) if each.name in options}),
        pin=PackagePin(package["location"], package["version"], package["sha256"], _content_of(package["location"])),
        files=files,
    )


def _content_of(location: str) -> bytes:
    """A stub: only that a wheel is in the repository matters to its pin."""
    return b"" if location.startswith("https://") else b"wheel"


def _options_of_the_first_format(files: Mapping[str, str]) -> dict[str, Any]:
    return {"licence": "apache-2.0" if "LICENSE" in files else "none", "earlier": "src/__init__.py" in files}
