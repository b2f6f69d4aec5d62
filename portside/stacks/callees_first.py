"""The order of service stacks: after those of their callees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
import jsii
from constructs import IValidation


@jsii.implements(IValidation)
class CalleesFirst:
    """Makes service stacks depend on those of their callees.

    For each new dependency the CDK follows every path of those that its target has, and there can be exponentially
    many: callers come first, while their callees have none, and all of them after the references between stacks, which
    are new dependencies too. The CDK resolves those just before it validates.
    """

    def __init__(self, awaited: Mapping[str, Sequence[str]], stacks: Mapping[str, cdk.Stack]) -> None:
        self._awaited = dict(awaited)
        self._stacks = stacks

    def validate(self) -> list[str]:
        while self._awaited:
            caller = next(iter(self._awaited))
            for callee in self._awaited.pop(caller):
                self._stacks[caller].add_stack_dependency(self._stacks[callee])
        return []
