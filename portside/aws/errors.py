"""What AWS's refusals mean for what a command does next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

LOG_IN = 'Log in again ("aws --profile NAME sso login").'
"""What to do about credentials that are no longer good."""

# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
DENIED = frozenset(
    {
        *("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException"),
        "AuthorizationError",
    }
)
# AWS's codes, and botocore's own kinds of errors, for credentials that are none or none any longer.
EXPIRED = frozenset(
    {
        *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId"),
        *("UnrecognizedClientException", "TokenRefreshRequired", "UnauthorizedSSOTokenError", "SSOTokenLoadError"),
        *("NoCredentialsError", "CredentialRetrievalError", "AuthFailure"),
    }
)
_THROTTLED = frozenset(
    {
        *("RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException"),
        "TooManyRequestsException",
    }
)
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_PASSING = _THROTTLED | {
    *("InternalFailure", "InternalServerError", "RequestTimeout"),
    *("ServerException", "ServiceUnavailable", "ServiceUnavailableException"),
}


def code_of(error: BaseException) -> str:
    """AWS's own word for what went wrong, such as `ThrottlingException`; else the name of the exception."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def is_denied(error: BaseException) -> bool:
    """Whether a right is missing."""
    return code_of(error) in DENIED


def is_throttled(error: BaseException) -> bool:
    """Whether AWS is asked too often at the moment."""
    return code_of(error) in _THROTTLED


def is_expired(error: BaseException) -> bool:
    """Whether the credentials are none, or no longer good."""
    return code_of(error) in EXPIRED


def is_passing(error: Exception) -> bool:
    """Whether the same question may be answered a little later: throttling, a lost connection, a fault of AWS's."""
    from botocore.exceptions import ConnectionError as NotConnected
    from botocore.exceptions import HTTPClientError

    return isinstance(error, HTTPClientError | NotConnected) or code_of(error) in _PASSING


def patiently(ask: Callable[[], Answer], wait: Callable[[float], object], *, times: int = 6) -> Answer:
    """Ask again while AWS is too busy to answer, after pauses that double; the last refusal is raised."""
    from botocore.exceptions import BotoCoreError, ClientError

    for attempt in range(times - 1):
        try:
            return ask()
        except (BotoCoreError, ClientError) as error:
            if not is_passing(error):
                raise
            wait(0.5 * 2**attempt)
    return ask()
