"""What it means for a question that AWS does not answer it."""

from __future__ import annotations

import re

from portside.aws.errors import code_of, is_denied, is_expired, is_passing, is_throttled, message_of

# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_MISSING_RIGHT = re.compile(r"to perform: ([a-z0-9-]+:[A-Za-z]+)")
_UNKNOWN_TO_THE_EMBEDDED_AWS = frozenset({"400", "404", "InvalidAction", "UnknownOperationException", "501"})


def why_not_answered(error: Exception, *, local: bool) -> str:
    """Why AWS did not answer, in a sentence that can stand behind "not known:"."""
    code = code_of(error)
    if is_expired(error):
        return f"the credentials are no longer good ({code})"
    if is_denied(error):
        return f"these credentials lack the right {_right(error)}"
    if is_throttled(error):
        return f"AWS takes no more questions for now ({code}): ask again in a minute"
    if local and code in _UNKNOWN_TO_THE_EMBEDDED_AWS:
        return f"the embedded AWS does not know this ({_operation(error)})"
    if is_passing(error):
        return f"AWS does not answer ({code})"
    return f"AWS answers {_operation(error)} with {code}: {message_of(error)}"


def _right(error: Exception) -> str:
    named = _MISSING_RIGHT.search(str(error))
    return named[1] if named else f"for {_operation(error)}"


def _operation(error: Exception) -> str:
    return str(getattr(error, "operation_name", type(error).__name__))
