"""A small wheel, and the files of a new app that pins it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from portside import __version__
from portside.scaffold.files import RepositoryFile, repository_files
from portside.scaffold.new_app import NewApp, describe
from portside.scaffold.package_pin import read_pin

RUFF = ["--line-length", "120", "app.py", "tests"]

ANSWERS: dict[str, Any] = {
    "name": "harbour",
    "image": "ghcr.io/example/harbour:1.2.0",
    "port": 8080,
    "account": "111122223333",
}


def wheel_in(folder: Path, version: str = __version__) -> Path:
    wheel = folder / f"portside-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"portside-{version}.dist-info/METADATA", f"Name: portside\nVersion: {version}\n")
    return wheel


def files_of(folder: Path, *, workflows: str = "", **answers: Any) -> dict[str, RepositoryFile]:
    new = NewApp(**{**ANSWERS, **answers})
    return repository_files(describe(new), read_pin(str(wheel_in(folder))), licence=new.licence, workflows=workflows)


def text_of(files: dict[str, RepositoryFile], path: str) -> str:
    return files[path].content.decode()
