"""Additional policies in a simulation of a principal's rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from itertools import count
from typing import Any

from portside.emulator.ministack_modules import iam

_ADDED: ContextVar[tuple[Any, ...]] = ContextVar("added policies", default=())
_OF_A_PRINCIPAL = "PolicySourceArn"


def noting_added_policies(original: Any) -> Callable[[Any], Any]:
    """The parameters of a simulation; the policies in PolicyInputList are noted for its results."""
    from ministack.core.iam_evaluator import parse_policy_document

    def extract(params: Any) -> Any:
        # ministack itself reads them in a simulation without a principal.
        documents = _documents(params) if iam._p(params, _OF_A_PRINCIPAL) else ()
        _ADDED.set(tuple(parsed for each in documents if (parsed := parse_policy_document(each))))
        return original(params)

    return extract


def with_added_policies(original: Any) -> Callable[..., Any]:
    """The results of a simulation, with the noted policies in addition to the principal's."""

    def build(actions: Any, resource: Any, principal: Any, account: Any, policies: Any) -> Any:
        return original(actions, resource, principal, account, [*policies, *_ADDED.get()])

    return build


def _documents(params: Any) -> Iterator[str]:
    for number in count(1):
        document = iam._p(params, f"PolicyInputList.member.{number}")
        if not document:
            return
        yield str(document)
