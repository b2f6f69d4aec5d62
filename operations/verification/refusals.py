"""What it means for a question that AWS does not answer it."""

from __future__ import annotations

import re

from portside.aws.errors import code_of, is_denied, is_passing

# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_MISSING_RIGHT = re.compile(r"to perform: ([a-z0-9-]+:[A-Za-z]+)")
_DENIED_TOO = frozenset({"AccessDeniedForDependencyException", "AuthorizationError", "AuthorizationErrorException"})
_THROTTLED_TOO = frozenset({"RequestThrottled", "RequestThrottledException", "SlowDown"})
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_EXPIRED = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidToken",
        "RequestExpired",
        "UnrecognizedClientException",
        # botocore's own, before anything is asked.
        "CredentialRetrievalError",
        "LoginRefreshRequired",
        "NoCredentialsError",
        "PartialCredentialsError",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
    }
)
_UNKNOWN_TO_THE_EMBEDDED_AWS = frozenset({"400", "404", "InvalidAction", "UnknownOperationException", "501"})


def why_not_answered(error: Exception, *, local: bool) -> str:
    """Why AWS did not answer, in a sentence that can stand behind "not known:"."""
    code = code_of(error)
    if is_expired(error):
        return f"the credentials are no longer good ({code})"
    if is_denied(error) or code in _DENIED_TOO:
        return f"these credentials lack the right {_right(error)}"
    if code in _THROTTLED_TOO or "throttl" in code.lower() or "Rate exceeded" in str(error):
        return f"AWS takes no more questions for now ({code}): ask again in a minute"
    if local and code in _UNKNOWN_TO_THE_EMBEDDED_AWS:
        return f"the embedded AWS does not know this ({_operation(error)})"
    if is_passing(error):
        return f"AWS does not answer ({code})"
    return f"AWS answers {_operation(error)} with {code}: {_message(error)}"


def is_expired(error: Exception) -> bool:
    """Whether the credentials are not, or no longer, good for anything."""
    return code_of(error) in _EXPIRED


def _right(error: Exception) -> str:
    named = _MISSING_RIGHT.search(str(error))
    return named[1] if named else f"for {_operation(error)}"


def _operation(error: Exception) -> str:
    return str(getattr(error, "operation_name", type(error).__name__))


def _message(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return " ".join(str(response.get("Error", {}).get("Message", error)).split())
