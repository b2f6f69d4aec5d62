"""Additional policies in a simulation of a principal's rights."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from itertools import count
from typing import Any

from portside.emulator.ministack_modules import iam
from portside.emulator.patches.patching import replaces

_ADDED: ContextVar[tuple[Any, ...]] = ContextVar("added policies", default=())
_OF_A_PRINCIPAL = "PolicySourceArn"


@replaces("services.iam._extract_simulate_params")
def note_added_policies(original: Any, p: Any) -> Any:
    """The policies in PolicyInputList are noted for a simulation's results; ministack ignores them."""
    from ministack.core.iam_evaluator import parse_policy_document

    # ministack itself reads them in a simulation without a principal.
    documents = _documents(p) if iam._p(p, _OF_A_PRINCIPAL) else ()
    _ADDED.set(tuple(parsed for each in documents if (parsed := parse_policy_document(each))))
    return original(p)


@replaces("services.iam._build_simulate_results_real")
def with_added_policies(
    original: Any, actions: Any, resource_arn: Any, principal_arn: Any, account_id: Any, policies: Any
) -> Any:
    """A simulation has the noted policies in addition to the principal's."""
    return original(actions, resource_arn, principal_arn, account_id, [*policies, *_ADDED.get()])


def _documents(params: Any) -> Iterator[str]:
    for number in count(1):
        document = iam._p(params, f"PolicyInputList.member.{number}")
        if not document:
            return
        yield str(document)
