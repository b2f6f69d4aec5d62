"""Asking: what AWS refuses to answer is not known, whatever the question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from portside.aws.errors import is_expired, why_unanswered
from portside.errors import UserError
from portside.findings.check import fail, skip
from portside.findings.finding import Finding

if TYPE_CHECKING:
    from portside.preflight.context import Context

Ask = Callable[["Context"], Finding | Sequence[Finding]]


class NotKnown(Exception):
    """What was asked can't be known yet, and why."""


@dataclass(frozen=True)
class Question:
    """What is asked, and how."""

    subject: str
    ask: Ask


@dataclass(frozen=True)
class Answer:
    """What was found. `expired` says that the credentials were no longer good."""

    checks: tuple[Finding, ...]
    expired: bool = False


def answer(question: Question, context: Context) -> Answer:
    """Ask, and turn what goes wrong in asking into what is said of it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = question.ask(context)
    except NotKnown as unknown:
        return Answer((skip(question.subject, str(unknown)),))
    except UserError as error:
        return Answer((fail(question.subject, error.message, error.hint),))
    except (BotoCoreError, ClientError) as error:
        why = why_unanswered(error, local=context.target.is_local)
        return Answer((skip(question.subject, why),), expired=is_expired(error))
    return Answer((found,) if isinstance(found, Finding) else tuple(found))
