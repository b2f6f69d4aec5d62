"""The secret of an embedded AWS, and the keys derived from it. Used by the server and its clients."""

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
    """The secret of this state directory; None if it is missing or was readable by others."""
    path = state_dir / FILE_NAME
    with contextlib.suppress(OSError):
        content = path.read_bytes() if owner_only.is_private(path) else b""
        if _SHAPE.fullmatch(content):
            return content.decode().strip()
    return None


def ensure(state_dir: Path) -> str:
    """The secret of this state directory; a new one if it is missing, damaged or was exposed."""
    found = read(state_dir)
    if found is None:
        found = secrets.token_urlsafe(32)
        state_file.write(state_dir / FILE_NAME, f"{found}\n", what="the secret of the embedded AWS")
    return found


def of_account(secret: str, account: str) -> str:
    """The secret access key of an account.

    A signature doesn't cover the access key ID, so one secret for all would make it valid for any account.
    """
    return _derived(secret, f"account {account}")


def images_token(secret: str) -> str:
    """The password of the registry and token of the packages API."""
    return _derived(secret, "images")


def _derived(secret: str, purpose: str) -> str:
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()
