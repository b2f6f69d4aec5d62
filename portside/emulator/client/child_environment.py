"""The environment variables of a program that may only use the embedded AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# The prefixes of all settings of AWS CLIs and SDKs: profiles, files, credentials, roles, and endpoints of single
# services (AWS_ENDPOINT_URL_S3 overrides AWS_ENDPOINT_URL).
_OF_AWS = ("AWS_", "BOTO_")
# The token for reading packages is only needed to resolve images.
_CLEARED = frozenset({"GITHUB_TOKEN", "CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION"})


def child_environment(inherited: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """The environment without any setting of a real account, and with the variables of the embedded AWS."""
    return {name: value for name, value in inherited.items() if not is_cleared(name)} | dict(variables)


def is_cleared(name: str) -> bool:
    """Whether a variable could make a program use a real account."""
    return name.startswith(_OF_AWS) or name in _CLEARED


def to_unset(inherited: Iterable[str], known: Iterable[str]) -> list[str]:
    """The variables that a shell must unset: those that are set, and known ones that could be set later."""
    return sorted({*known, *_CLEARED, *filter(is_cleared, inherited)})
