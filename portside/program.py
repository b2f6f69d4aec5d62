"""The name of this tool on the command line, from which its variables and the folder of its state follow."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Final

from portside.repository import ROOT

# Read as data: every process needs it, also those that an app's launcher doesn't start.
_DECLARATIONS: Final = {
    "src/program.py": re.compile(r'^NAME = "([a-z][a-z0-9-]*)"$', re.MULTILINE),
    "portside.json": re.compile(r'^  "launcher": "([a-z][a-z0-9-]*)"', re.MULTILINE),
}


def declared_name(repository: Path) -> str:
    """The name that a repository declares for its launcher; empty if it declares none."""
    for path, declaration in _DECLARATIONS.items():
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if found := declaration.search((repository / path).read_text(encoding="utf-8")):
                return found[1]
    return ""


def variable(of: str, name: str) -> str:
    """An environment variable of the tool `of`, such as `STATE_DIR`."""
    return f"{of.upper().replace('-', '_')}_{name}"


_DECLARED: Final = declared_name(ROOT)
NAME: Final = _DECLARED or "portside"
PROGRAM: Final = f"./{NAME}" if _DECLARED else NAME
STATE_FOLDER: Final = f".{NAME}"
STATE_FOLDER_VARIABLE: Final = variable(NAME, "STATE_DIR")
TIME_SCALE_VARIABLE: Final = variable(NAME, "LOCAL_TIME_SCALE")
