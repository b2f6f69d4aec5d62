"""The secret of one embedded AWS: what its clients sign with, and what is derived from it. Client side too."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import secrets
from pathlib import Path

from portside import owner_only, state_file

FILE_NAME = "secret"
_SHAPE = re.compile(rb"[A-Za-z0-9_-]{43}\n")


def read(state_dir: Path) -> str | None:
    """The secret of this state directory; None where there is none, or none that only its owner could have read."""
    path = state_dir / FILE_NAME
    with contextlib.suppress(OSError):
        content = path.read_bytes() if owner_only.is_private(path) else b""
        if _SHAPE.fullmatch(content):
            return content.decode().strip()
    return None


def ensure(state_dir: Path) -> str:
    """The secret of this state directory; a new one where it has none yet, or where it is damaged or was exposed."""
    found = read(state_dir)
    if found is None:
        found = secrets.token_urlsafe(32)
        state_file.write(state_dir / FILE_NAME, f"{found}\n", what="the secret of the embedded AWS")
    return found


def of_account(secret: str, account: str) -> str:
    """What requests of an account are signed with.

    A signature doesn't cover the access key: with one secret for all, it would be good for any other account too.
    """
    return _derived(secret, f"account {account}")


def images_token(secret: str) -> str:
    """What the registry and the packages API want."""
    return _derived(secret, "images")


def _derived(secret: str, what: str) -> str:
    return hmac.new(secret.encode(), what.encode(), hashlib.sha256).hexdigest()
