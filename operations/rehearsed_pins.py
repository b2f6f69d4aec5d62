"""The versions that rehearsals run in place of those in `app.py`, which no rehearsal writes to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from operations.images import kept_folder, local_releases
from operations.target import local_state_dir
from src.images_at_hand import keep
from src.release_lock import lock_name
from src.resolution import Resolution


def read_pins() -> dict[str, str]:
    """By environment, the version that a rehearsal has pinned."""
    try:
        pins = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(version) for name, version in pins.items()} if isinstance(pins, dict) else {}


def pin(versions: Mapping[str, str], lock: Resolution | None = None) -> None:
    """Let these environments run these versions in rehearsals, by this lock."""
    if lock is not None:
        keep(lock, local_releases() / lock_name(lock.version))
    _file().parent.mkdir(parents=True, exist_ok=True)
    _file().write_text(json.dumps(read_pins() | dict(versions), indent=1), encoding="utf-8")


def forget() -> None:
    """Let rehearsals run what `app.py` says."""
    _file().unlink(missing_ok=True)
    for folder in (local_releases(), kept_folder()):
        shutil.rmtree(folder, ignore_errors=True)


def _file() -> Path:
    return local_state_dir() / "pins.json"
