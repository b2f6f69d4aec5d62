"""The kinds of environments: rules depend on the kind, not on the name."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The purpose of an environment. Rules about protection, images and confirmations depend on it."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"

    @classmethod
    def default_of(cls, name: str) -> Kind | None:
        """The kind of an environment of that name without KIND; None if KIND is required."""
        return _DEFAULTS.get(name)

    @property
    def usual_name(self) -> str:
        """The name of an environment that has this kind without KIND."""
        return next(name for name, kind in _DEFAULTS.items() if kind is self)


_DEFAULTS = {"dev": Kind.DEVELOPMENT, "stage": Kind.STAGING, "prod": Kind.PRODUCTION}

# Suggestions of hints, by name.
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
    """A hint for an environment without a kind."""
    likely = _LIKELY.get(name)
    if likely is None:
        return 'Add "KIND": "development", "staging" or "production" to this entry.'
    others = " or ".join(f'"{kind}"' for kind in Kind if kind is not likely)
    return f'Add "KIND": "{likely}" to this entry, or {others}.'
