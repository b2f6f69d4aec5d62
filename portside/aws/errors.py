"""The error codes of AWS, by how a command reacts to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

LOG_IN = 'Log in again ("aws --profile NAME sso login").'
"""The hint for expired credentials."""

# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
DENIED = frozenset(
    {
        *("AccessDenied", "AccessDeniedException", "AccessDeniedForDependencyException", "Forbidden"),
        *("UnauthorizedOperation", "UnauthorizedException", "UnauthorizedAccess", "NotAuthorized"),
        *("AuthorizationError", "AuthorizationErrorException", "OptInRequired"),
    }
)
# Credentials that are none, or none any longer: AWS's codes, then the exceptions that botocore raises before it asks.
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
EXPIRED = frozenset(
    {
        *("AuthFailure", "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
        *("InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignatureException", "InvalidToken"),
        *("IncompleteSignature", "MissingAuthenticationToken", "MissingAuthenticationTokenException"),
        *("SignatureDoesNotMatch", "UnrecognizedClientException"),
        *("CredentialRetrievalError", "NoAuthTokenError", "NoCredentialsError", "PartialCredentialsError"),
        *("LoginAuthorizationCodeError", "LoginInsufficientPermissions", "LoginRefreshRequired", "LoginTokenLoadError"),
        *("RefreshWithMFAUnsupportedError", "SSOError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"),
        *("ProfileNotFound", "TokenRetrievalError", "UnknownCredentialError", "MetadataRetrievalError"),
    }
)
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
THROTTLED = frozenset(
    {
        *("BandwidthLimitExceeded", "EC2ThrottledException", "PriorRequestNotComplete", "RequestLimitExceeded"),
        *("RequestThrottled", "RequestThrottledException", "SlowDown", "Throttling", "ThrottlingException"),
        *("ThrottledException", "TooManyRequestsException"),
    }
)
PASSING = THROTTLED | {
    *("InternalError", "InternalFailure", "InternalServerError", "InternalServerException", "RequestTimeout"),
    *("RequestTimeoutException", "ServerException", "ServiceInternalError", "ServiceUnavailable"),
    *("ServiceUnavailableException", "Unavailable", "500", "502", "503", "504"),
}
# The resource does not exist. Each service has its own codes, such as `ParameterNotFound`,
# `InvalidVpcID.NotFound` and `NoSuchBucket`.
_UNKNOWN_TO_THE_EMBEDDED_AWS = frozenset({"400", "404", "InvalidAction", "UnknownOperationException", "501"})
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_MISSING_RIGHT = re.compile(r"to perform: ([a-z0-9-]+:[A-Za-z]+)")
_MISSING = re.compile(r"NotFound(Exception|Fault)?$|^NoSuch[A-Z]")


def code_of(error: BaseException) -> str:
    """AWS's error code, such as `ThrottlingException`; for other errors the name of the exception."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def message_of(error: BaseException) -> str:
    """AWS's error message in one line; for other errors that of the exception."""
    response = getattr(error, "response", None)
    said = response.get("Error", {}).get("Message") if isinstance(response, dict) else None
    return " ".join(str(said or error).split()) or type(error).__name__


def is_denied(error: BaseException) -> bool:
    """Whether a right is missing."""
    return code_of(error) in DENIED


def is_throttled(error: BaseException) -> bool:
    """Whether AWS throttles the calls."""
    code = code_of(error)
    # Some services use another code.
    return code in THROTTLED or (code not in DENIED | EXPIRED and "Rate exceeded" in str(error))


def is_expired(error: BaseException) -> bool:
    """Whether the credentials are none, or no longer good."""
    return code_of(error) in EXPIRED


def is_missing(error: BaseException) -> bool:
    """Whether the resource does not exist; for stacks CloudFormation reports that only in the message."""
    if not isinstance(getattr(error, "response", None), dict) or is_expired(error):
        return False
    code = code_of(error)
    return bool(_MISSING.search(code)) or (code == "ValidationError" and "does not exist" in str(error))


def operation_of(error: BaseException) -> str:
    """The call that failed, such as `DescribeStacks`."""
    return str(getattr(error, "operation_name", type(error).__name__))


def right_of(error: BaseException) -> str:
    """The right that a denied call lacks, as AWS names it, such as `ecs:ListTasks`; else "for" and the call's name."""
    named = _MISSING_RIGHT.search(message_of(error))
    return named[1] if named else f"for {operation_of(error)}"


def why_unanswered(error: BaseException, *, local: bool = False) -> str:
    """Why AWS did not answer, as a phrase to follow "could not be read:"."""
    code = code_of(error)
    if is_expired(error):
        return f"the credentials have expired or are not known ({code})"
    if is_denied(error):
        return f"these credentials lack the right {right_of(error)}"
    if is_throttled(error):
        return f"AWS throttles the calls ({code})"
    if local and code in _UNKNOWN_TO_THE_EMBEDDED_AWS:
        return f"the embedded AWS does not know this ({operation_of(error)})"
    if is_passing(error):
        return f"AWS does not answer ({code})"
    return f"AWS answers {operation_of(error)} with {code}: {message_of(error)}"


def is_passing(error: BaseException) -> bool:
    """Whether the same question may be answered a little later: throttling, a lost connection, a fault of AWS's."""
    from botocore.exceptions import ConnectionError as NotConnected
    from botocore.exceptions import HTTPClientError

    return isinstance(error, HTTPClientError | NotConnected) or code_of(error) in PASSING or is_throttled(error)


def is_from_aws(error: BaseException) -> bool:
    """Whether AWS, or the library that asks it, raised this; such an error is no mistake in this code."""
    return type(error).__module__.partition(".")[0] in ("botocore", "boto3")


def aws_errors() -> tuple[type[Exception], type[Exception]]:
    """The exceptions of botocore, for an `except` clause, which imports it only once there is an error."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def call_with_retries(ask: Callable[[], Answer], wait: Callable[[float], object], *, times: int = 6) -> Answer:
    """Ask again while AWS is too busy to answer, after pauses that double; the last refusal is raised."""
    for attempt in range(times - 1):
        try:
            return ask()
        except aws_errors() as error:
            if not is_passing(error):
                raise
            wait(0.5 * 2**attempt)
    return ask()
