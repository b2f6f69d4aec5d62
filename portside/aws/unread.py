"""What could not be read of AWS, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portside.aws.errors import code_of, why_unanswered
from portside.aws.model import Unread
from portside.aws.side_by_side import NoAnswer
from portside.redact import current


def unknown(what: str, error: BaseException) -> Unread:
    """What could not be read, because of an error. An error that is not AWS's is raised: it is a mistake of ours."""
    from botocore.exceptions import BotoCoreError, ClientError

    if not isinstance(error, BotoCoreError | ClientError | NoAnswer | OSError):
        raise error
    is_answer = isinstance(error, BotoCoreError | ClientError)
    return Unread(what, current().brief(why_unanswered(error) if is_answer else str(error)), code_of(error))


def sort_out(answers: Mapping[str, Any], unread: list[Unread]) -> Iterator[tuple[str, Any]]:
    """The answers that came; the errors among them are noted as unread."""
    for what, answer in answers.items():
        if isinstance(answer, Exception):
            unread.append(unknown(what, answer))
        else:
            yield what, answer
