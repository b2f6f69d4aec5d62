"""The versions that rehearsals run in place of those in `app.py`, which no rehearsal writes to."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from portside import state_file
from portside.aws.target import local_state_dir
from portside.config.image_reference import is_tag
from portside.images.release_lock import lock_name
from portside.images.resolution import Resolution
from portside.images.synthesis_images import keep
from portside.plan.images import kept_folder, local_releases
from portside.state_file import Damaged

_SUBJECT = "the versions pinned in rehearsals"
_FIX = "Delete it, and pin again what rehearsals run in place of app.py's versions: rm -rf {path}"


def read_pins() -> dict[str, str]:
    """The version pinned in rehearsals, by environment."""
    path = _file()
    pins = state_file.read_json(path, dict, what=_SUBJECT, fix=_FIX.format(path=shlex.quote(str(path))))
    if pins is None:
        return {}
    if wrong := next(
        (name for name, version in pins.items() if not isinstance(version, str) or not is_tag(version)), None
    ):
        raise Damaged(path, _SUBJECT, f"the version of {wrong} is none", _FIX.format(path=shlex.quote(str(path))))
    return dict(pins)


def pin(versions: Mapping[str, str], lock: Resolution | None = None) -> None:
    """Let these environments run these versions in rehearsals, by this lock."""
    if lock is not None:
        keep(lock, local_releases() / lock_name(lock.version))
    state_file.write_json(_file(), read_pins() | dict(versions), what=_SUBJECT)


def forget() -> None:
    """Let rehearsals run what `app.py` says."""
    for path in (_file(), local_releases(), kept_folder()):
        state_file.delete(path)


def _file() -> Path:
    return local_state_dir() / "pins.json"
