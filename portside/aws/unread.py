"""Why AWS did not answer a question, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portside.aws.errors import code_of, is_denied, is_expired, is_throttled
from portside.aws.model import Unread
from portside.aws.side_by_side import NoAnswer
from portside.redact import current


def unknown(what: str, error: BaseException) -> Unread:
    """What could not be read, because of an error. An error that is not AWS's is raised: it is a mistake of ours."""
    from botocore.exceptions import BotoCoreError, ClientError

    if not isinstance(error, BotoCoreError | ClientError | NoAnswer | OSError):
        raise error
    code = code_of(error)
    if is_expired(error):
        why = "the credentials have expired or are not known"
    elif is_throttled(error):
        why = "AWS is asked too often at the moment (throttled)"
    elif is_denied(error):
        why = f"these credentials may not read it: {current().brief(str(error))}"
    else:
        why = current().brief(str(error))
    return Unread(what, why, code)


def sort_out(answers: Mapping[str, Any], unread: list[Unread]) -> Iterator[tuple[str, Any]]:
    """The answers that came; the errors among them are put down as unknown."""
    for what, answer in answers.items():
        if isinstance(answer, Exception):
            unread.append(unknown(what, answer))
        else:
            yield what, answer
