"""Templates that were made before, kept under a digest of all that they were made of.

A synthesis takes seconds, and most commands want the one that the command before them made.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from src.form import ROOT, state_dir
from src.images_at_hand import IMAGES_FILE

_MOST_KEPT = 12
# What a file of this size holds is not read each time; another size or time counts as another content.
_LARGEST_READ_BYTES = 1_000_000
_NOT_READ = frozenset({"node_modules", "cdk.out", "__pycache__"})
# What no template depends on, and what changes from one command to the next: where AWS is and who acts there, the
# terminal, the folders to write to, and whether templates are validated. All others count: a form may read any.
_PASSING_PREFIXES = ("AWS_",)
_PASSING = frozenset(
    {
        *("_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "TERM"),
        *("CDK_HOME", "CDK_OUTDIR", "CDK_VALIDATION", "PYTHONPATH", IMAGES_FILE),
    }
)


def digest_of(variables: Mapping[str, str], images: str, context: Mapping[str, str]) -> str:
    """What stands for all that templates are made of: this clone's files, the libraries, and what a command hands over.

    `images` is the text of their file; `variables` are those of the process that makes the templates.
    """
    parts = {
        "python": sys.version,
        "libraries": [version("aws-cdk-lib"), version("constructs")],
        "variables": {key: value for key, value in sorted(variables.items()) if not _is_passing(key)},
        "images": images,
        "context": dict(sorted(context.items())),
        "files": dict(_contents(ROOT)),
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def bring(digest: str, directory: Path, *, validated: bool) -> bool:
    """Put what is kept under a digest into a folder, in place of what is there; whether there was any.

    Where they need not be `validated`, those that were serve too.
    """
    names = [_name(digest, validated=True)] + ([] if validated else [_name(digest, validated=False)])
    kept = next((each for name in names if (each := _folder() / name).is_dir()), None)
    if kept is None:
        return False
    # What was used last is forgotten last.
    os.utime(kept)
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(kept, directory)
    return True


def keep(digest: str, directory: Path, *, validated: bool) -> None:
    """Keep the templates of a folder, but not those that stand for images built of folders anywhere."""
    if any(json.loads(file.read_text()).get("dockerImages") for file in directory.glob("*.assets.json")):
        return
    _folder().mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=_folder()))
    shutil.copytree(directory, unfinished, dirs_exist_ok=True)
    try:
        unfinished.replace(_folder() / _name(digest, validated=validated))
    except OSError:  # another command kept the same meanwhile
        shutil.rmtree(unfinished)
    _forget_the_oldest()


def _name(digest: str, *, validated: bool) -> str:
    return f"{digest}{'-validated' if validated else ''}"


def _folder() -> Path:
    return state_dir() / "templates"


def _is_passing(variable: str) -> bool:
    return variable in _PASSING or variable.startswith(_PASSING_PREFIXES)


def _contents(root: Path) -> Iterator[tuple[str, str]]:
    """Every file that a form may read, with a digest of its content."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _NOT_READ and not name.startswith("."))
        for path in (Path(folder, name) for name in sorted(files)):
            yield str(path.relative_to(root)), _content(path)


def _content(path: Path) -> str:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST_READ_BYTES:
            return f"{found.st_size} {found.st_mtime_ns}"
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:  # a link to nothing
        return ""


def _forget_the_oldest() -> None:
    kept = sorted(_folder().iterdir(), key=lambda each: each.stat().st_mtime)
    for each in kept[:-_MOST_KEPT]:
        shutil.rmtree(each, ignore_errors=True)
