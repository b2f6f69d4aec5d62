"""The environment variables of a program that must work with the embedded AWS, and with nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# Every setting of an AWS CLI or SDK begins so: profiles, files, container and instance credentials, roles, endpoints
# of single services (AWS_ENDPOINT_URL_S3 goes before AWS_ENDPOINT_URL), and whatever a later version adds.
_OF_AWS = ("AWS_", "BOTO_")
# A token for reading packages is only for the look-up of images.
_CLEARED = frozenset({"GITHUB_TOKEN", "CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION"})


def child_environment(inherited: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """A person's environment without what leads to a real account, with the embedded AWS's variables in its place."""
    return {name: value for name, value in inherited.items() if not is_cleared(name)} | dict(variables)


def is_cleared(name: str) -> bool:
    """Whether a variable could lead a program past the embedded AWS."""
    return name.startswith(_OF_AWS) or name in _CLEARED


def to_unset(inherited: Iterable[str], known: Iterable[str]) -> list[str]:
    """The variables that a shell must forget: those that it has, and those that it may get later."""
    return sorted({*known, *_CLEARED, *filter(is_cleared, inherited)})
