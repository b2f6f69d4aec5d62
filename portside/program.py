"""The name of this tool on the command line, from which its variables and the folder of its state follow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

# Read as data: every process needs it, also those that an app's launcher doesn't start.
_DECLARED_IN = Path(__file__).resolve().parents[1] / "src" / "program.py"
_DECLARATION = re.compile(r'^NAME = "([a-z][a-z0-9-]*)"$', re.MULTILINE)


def declared_name(path: Path) -> str:
    """The name that a repository declares for its launcher; `portside` where it declares none."""
    try:
        found = _DECLARATION.search(path.read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1] if found else "portside"


def variable(of: str, name: str) -> str:
    """An environment variable of the tool `of`, such as `STATE_DIR`."""
    return f"{of.upper().replace('-', '_')}_{name}"


NAME: Final = declared_name(_DECLARED_IN)
PROGRAM: Final = f"./{NAME}"
STATE_FOLDER: Final = f".{NAME}"
STATE_FOLDER_VARIABLE: Final = variable(NAME, "STATE_DIR")
TIME_SCALE_VARIABLE: Final = variable(NAME, "LOCAL_TIME_SCALE")
