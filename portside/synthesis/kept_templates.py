"""A cache of templates, by a digest of all their inputs.

A synthesis takes seconds, and most commands need the templates of the command before them.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from portside import state_file
from portside.clone_inputs import contents, inputs_of
from portside.config.configuration import ROOT, state_dir
from portside.images.synthesis_images import IMAGES_FILE
from portside.repository import PACKAGE_FOLDER
from portside.state_file import NotWritten
from portside.synthesis.image_builder import builds_images

_MOST_KEPT = 12
_DIGESTS = "digests.json"
_CONTENT = "content"


def digest_of(variables: Mapping[str, str], images: str, context: Mapping[str, str]) -> str:
    """A digest of all inputs of the templates: files of this clone, libraries, variables and context.

    `images` is the text of their file; `variables` are those of the process that makes the templates.
    """
    given = {key: value for key, value in variables.items() if key != IMAGES_FILE}
    # In a clone the package is among the files.
    package = {} if PACKAGE_FOLDER == ROOT else dict(contents(PACKAGE_FOLDER / "portside"))
    parts = {**inputs_of(ROOT, given), "package": package, "images": images, "context": dict(sorted(context.items()))}
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def bring(digest: str, directory: Path, *, validated: bool) -> bool:
    """Replace the content of a folder by the cached templates. Returns whether there were any.

    Validated templates are also used if they need not be `validated`.
    """
    names = [_name(digest, validated=True)] + ([] if validated else [_name(digest, validated=False)])
    return any(_bring(_folder() / name, directory) for name in names)


def _bring(kept: Path, directory: Path) -> bool:
    digests = state_file.read_cache(kept / _DIGESTS, dict, what="the digests of kept templates")
    if digests is None:
        _delete(kept)
        return False
    _delete(directory)
    try:
        shutil.copytree(kept / _CONTENT, directory, symlinks=True)
        is_whole = dict(contents(directory)) == digests
        # Recently used templates are deleted last.
        os.utime(kept)
    except OSError as error:
        if error.errno in state_file.FULL or _is_full(error):
            raise NotWritten(directory, "the templates", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from error
        is_whole = False
    if not is_whole:
        # They are synthesized again, so no message is needed.
        _delete(kept)
        _delete(directory)
    return is_whole


def _is_full(error: OSError) -> bool:
    """`copytree` gathers the errors of all files in one, as texts."""
    return isinstance(error, shutil.Error) and os.strerror(errno.ENOSPC) in str(error)


def keep(digest: str, directory: Path, *, validated: bool) -> None:
    """Cache the templates of a folder, except with images that are built from folders anywhere.

    On a full disk they are not cached: they can be synthesized again.
    """
    if builds_images(directory):
        return
    with contextlib.suppress(OSError, NotWritten):
        _folder().mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=_folder()))
        try:
            shutil.copytree(directory, unfinished / _CONTENT, symlinks=True)
            digests = dict(contents(directory))
            state_file.write_json(unfinished / _DIGESTS, digests, what="the digests of templates", durable=False)
            # If another command caches the same at this moment, this fails, and the other copy stays.
            unfinished.replace(_folder() / _name(digest, validated=validated))
        finally:
            _delete(unfinished)
        _delete_the_oldest()


def _delete(path: Path) -> None:
    """Delete a file or folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _name(digest: str, *, validated: bool) -> str:
    return f"{digest}{'-validated' if validated else ''}"


def _folder() -> Path:
    return state_dir() / "templates"


def _delete_the_oldest() -> None:
    kept = sorted(_folder().iterdir(), key=lambda each: each.stat().st_mtime)
    for each in kept[:-_MOST_KEPT]:
        _delete(each)
