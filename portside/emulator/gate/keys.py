"""The valid access keys: one for each account, and the sessions that STS has issued."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from portside.emulator.gate import server_secret
from portside.emulator.gate.signatures import Key, Keys

_ACCOUNT = re.compile(r"[0-9]{12}")


def keys(secret: str, sessions: Mapping[str, Mapping[str, Any]]) -> Keys:
    """The lookup of access keys. `sessions` is STS's table: `SecretAccessKey`, `SessionToken` and `Expiration`."""

    @lru_cache(maxsize=64)
    def of_account(account: str) -> Key:
        return Key(secret=server_secret.of_account(secret, account))

    def find(access_key: str) -> Key | None:
        if _ACCOUNT.fullmatch(access_key):
            return of_account(access_key)
        session = sessions.get(access_key)
        if session is None:
            return None
        return Key(secret=session["SecretAccessKey"], token=session["SessionToken"], expires=session["Expiration"])

    return find
