"""JSON files that are replaced in one step."""

from __future__ import annotations

import json
import os
from pathlib import Path


def write(path: Path, value: object) -> None:
    """Replaces the file, so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, indent=1))
    os.replace(temporary, path)
