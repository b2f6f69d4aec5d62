"""Telling a secret that was written where everybody can read it."""

from __future__ import annotations

import re

# Forms that nothing but a credential has: GitHub, AWS, private keys, Slack, GitLab, Stripe, JSON web tokens, and a
# password in a URL (but not a placeholder for one, such as $PASSWORD).
_CREDENTIAL = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|\bA(?:KI|SI)A[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bxox[abprs]-[\w-]{10,}|\bglpat-[\w-]{16,}|\b[rs]k_live_\w{16,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}"
    r"|://[^/\s:@]*:[^/\s:@${<%][^/\s:@]*@"
)
_SECRET_NAME = re.compile(
    r"""(?x)
    (?:^|_)(?:pass|pwd|pat)$
    | (?:password|passwd|passphrase|secret|token|credentials?|api_?key)s?$
    | (?:^|_)(?:private|access|secret|encryption|signing|auth|account|master|session|jwt|ssh)_?keys?(?:_base)?$
    """
)
_COUNT = re.compile(r"(?:max|min|num|total)_|tokens$")
_SWITCH = re.compile(r"(?i)true|false|yes|no|on|off|none|null|\d|(?:en|dis)abled|required|optional")
# DB_PASSWORD_PROD and API_KEY_2 are what DB_PASSWORD and API_KEY are.
_ADDITION = re.compile(r"_?(?:\d+|dev|stage|prod|test|old|new|current|previous|value|plain|text|base64|b64)$")


def holds_credential(text: str) -> bool:
    """Whether a text has something in it that can only be a secret, whatever it is called."""
    return bool(_CREDENTIAL.search(text))


def looks_secret(name: str, text: str) -> bool:
    """Whether a variable is a secret, by its value or by its name: DB_PASSWORD is, PASSWORD_MIN_LENGTH is not."""
    return holds_credential(text) or (bool(text) and not _SWITCH.fullmatch(text) and _names_secret(name, text))


def _names_secret(name: str, text: str) -> bool:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().replace("-", "_").replace(".", "_")
    if "public" in words or (_COUNT.search(words) and text.isdecimal()):
        return False
    return bool(_SECRET_NAME.search(_ADDITION.sub("", words)))
