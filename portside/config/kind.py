"""What kind of environment an environment is: every rule asks this, and none asks its name."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What an environment is for. Rules about protection, images, proof and confirmations depend on it."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"

    @classmethod
    def default_of(cls, name: str) -> Kind | None:
        """The kind of an environment of that name that does not say its own; None where it must."""
        return _DEFAULTS.get(name)


_DEFAULTS = {"dev": Kind.DEVELOPMENT, "stage": Kind.STAGING, "prod": Kind.PRODUCTION}

# What a hint proposes for a name; the configuration decides.
_LIKELY = {
    "development": Kind.DEVELOPMENT,
    "sandbox": Kind.DEVELOPMENT,
    "staging": Kind.STAGING,
    "stg": Kind.STAGING,
    "uat": Kind.STAGING,
    "preprod": Kind.STAGING,
    "production": Kind.PRODUCTION,
    "prd": Kind.PRODUCTION,
    "live": Kind.PRODUCTION,
}


def kind_hint(name: str) -> str:
    """What to write in the entry of an environment whose kind is missing."""
    likely = _LIKELY.get(name)
    if likely is None:
        return 'Add "KIND": "development", "staging" or "production" to this entry.'
    others = " or ".join(f'"{kind}"' for kind in Kind if kind is not likely)
    return f'Add "KIND": "{likely}" to this entry, or {others}.'
