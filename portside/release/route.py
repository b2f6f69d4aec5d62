"""The way of a release through the environments' branches: by what each is, and by which proves which."""

from __future__ import annotations

from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.config.kind import Kind
from portside.errors import UsageError


def pinned_into(configuration: Configuration) -> str:
    """The branch that pull requests with a pinned release go to: that of the first development environment.

    Without one, that of the first environment that runs releases.
    """
    environments = list(configuration.environments.values())
    development = [each for each in environments if each.kind is Kind.DEVELOPMENT]
    return (development or environments)[0].branch


def promoted_from(configuration: Configuration, environment: Environment) -> Environment:
    """The environment whose branch is merged into another's: its `proved_by`, or the one before it.

    Raises `UsageError` where nothing is promoted to it.
    """
    if environment.proved_by is not None:
        return configuration.environments[environment.proved_by]
    before = {Kind.STAGING: (Kind.DEVELOPMENT,), Kind.PRODUCTION: (Kind.STAGING, Kind.DEVELOPMENT)}
    for kind in before.get(environment.kind, ()):
        found = next((each for each in configuration.environments.values() if each.kind is kind), None)
        if found is not None:
            return found
    promoted = [each.name for each in configuration.environments.values() if each.kind is not Kind.DEVELOPMENT]
    raise UsageError(
        f"nothing is promoted to {environment.name}, a {environment.kind} environment",
        f"Known are: {', '.join(promoted)}." if promoted else "No environment in app.py runs releases.",
    )
