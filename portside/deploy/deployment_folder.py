"""The folder with the report of a deployment on this machine: events, diagnosis, and an HTML page."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from portside import owner_only, redact, state_file
from portside.config.configuration import state_dir
from portside.state_file import NotWritten

KEPT = 20
PAGE = "page.html"

_UNFINISHED = ".unfinished-"
_REPORT = "the report of the deployment"


def folders_of(key: str) -> Path:
    """Where the folders of an environment are: `dev`, or `dev-local` for its rehearsals."""
    return state_dir() / "deployments" / key


def keep(key: str, began: datetime, result: str, files: Mapping[str, Any]) -> Path:
    """Write the folder of a deployment atomically, delete the oldest folders, and return its path.

    Values other than `str` are written as JSON without secrets; a `str` must be without secrets already.
    Raises `NotWritten`; earlier folders then stay.
    """
    parent = folders_of(key)
    try:
        owner_only.folder(parent.parent)
        owner_only.folder(parent)
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=parent))
    except OSError as error:
        raise NotWritten(parent, _REPORT, error) from error
    try:
        for name, content in files.items():
            text = content if isinstance(content, str) else _as_json(content)
            state_file.write(unfinished / name, text, what=_REPORT, durable=False)
        folder = _rename(unfinished, parent, f"{began:%Y-%m-%dT%H-%M-%SZ}-{result}")
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise NotWritten(parent, _REPORT, error) from error
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _prune(parent)
    return folder


def _as_json(content: Any) -> str:
    plain = json.loads(json.dumps(content, default=str))
    return json.dumps(redact.current().json(plain), indent=2) + "\n"


def _rename(unfinished: Path, parent: Path, name: str) -> Path:
    """To an unused name: two deployments that change nothing can end within one second."""
    folder, number = parent / name, 1
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    os.rename(unfinished, folder)
    return folder


def _prune(parent: Path) -> None:
    """One deployment at a time writes here, so an unfinished folder is of a killed one."""
    found = sorted(path for path in parent.iterdir() if path.is_dir())
    finished = [path for path in found if not path.name.startswith(_UNFINISHED)]
    for path in {*found} - {*finished[-KEPT:]}:
        shutil.rmtree(path, ignore_errors=True)
