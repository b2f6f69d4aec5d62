"""The inputs of what a clone's code makes: its files, its libraries and the variables of the process."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

_NOT_READ = frozenset({"node_modules", "cdk.out", "__pycache__"})
# Variables that no template depends on and that differ between commands: endpoint and credentials of AWS, the
# terminal, output folders, and validation. All others count: app.py can read any.
_PASSING_PREFIXES = ("AWS_",)
_PASSING = frozenset(
    {
        *("_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "TERM"),
        *("CDK_HOME", "CDK_OUTDIR", "CDK_VALIDATION", "PYTHONPATH"),
    }
)


def inputs_of(root: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """The inputs by kind, in values that JSON has."""
    return {
        "python": sys.version,
        "libraries": [version("aws-cdk-lib"), version("constructs")],
        "variables": {key: value for key, value in sorted(variables.items()) if not _is_passing(key)},
        "files": dict(contents(root)),
    }


def contents(root: Path) -> Iterator[tuple[str, str]]:
    """Every file that app.py can read, with a digest of its content."""
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        # A link may lead back to a folder above it.
        real = os.path.realpath(folder)
        if real in seen:
            folders[:] = []
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if name not in _NOT_READ and not name.startswith("."))
        for path in (Path(folder, name) for name in sorted(files)):
            yield str(path.relative_to(root)), _content(path)


def _is_passing(variable: str) -> bool:
    return variable in _PASSING or variable.startswith(_PASSING_PREFIXES)


def _content(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "no file"
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:  # a link to nothing
        return ""
