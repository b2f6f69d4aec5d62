"""The context of a synthesis."""

from __future__ import annotations

import json
from typing import Any

from portside.config.configuration import ROOT

# Context that the CDK's command line passes automatically and that cdk.json can't contain, and no stack traces of
# constructs, which cost time and contain paths of the machine.
_CONTEXT_OF_THE_COMMAND_LINE: dict[str, Any] = {
    "aws:cdk:enable-path-metadata": True,
    "aws:cdk:enable-asset-metadata": True,
    "aws:cdk:disable-creation-stack-traces": True,
}


def committed_context() -> dict[str, Any]:
    """The context of cdk.json, and what the CDK's command line adds to it."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return _CONTEXT_OF_THE_COMMAND_LINE | context
