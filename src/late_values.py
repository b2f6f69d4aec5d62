"""Values that the form can name but that are known only once something is deployed."""

from __future__ import annotations

import re
from dataclasses import dataclass

# How the CDK writes a value that it resolves later, in a string, a list or a number:
# https://docs.aws.amazon.com/cdk/v2/guide/tokens.html
_STRING_TOKEN = re.compile(r"[$#]\{Token\[")
_NUMBER_TOKENS = (-1.889e289, -1.888e289)


@dataclass(frozen=True)
class DatabaseHost:
    """The host name of the environment's DocumentDB cluster, for a container's environment."""


@dataclass(frozen=True)
class DatabasePort:
    """The port of the environment's DocumentDB cluster, for a container's environment."""


@dataclass(frozen=True)
class DatabaseSecret:
    """The generated secret of the environment's database, for `ServiceSecret(secret_name=…)`.

    The secret is one plain string, so "password" is all that can be asked of it.
    """

    key: str = "password"


@dataclass(frozen=True)
class ImageVersion:
    """The tag by which the container's own image was chosen, such as `4.2.0-rc2` or `edge`."""


@dataclass(frozen=True)
class ImageCommit:
    """The commit from which the container's own image was made: its first digits, never to be read as a number."""


LateValue = DatabaseHost | DatabasePort | ImageVersion | ImageCommit


def is_token(value: object) -> bool:
    """Whether a value is a CDK token, whose content nobody can check before deployment."""
    if isinstance(value, str):
        return bool(_STRING_TOKEN.search(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _NUMBER_TOKENS[0] < value < _NUMBER_TOKENS[1]
    return False
