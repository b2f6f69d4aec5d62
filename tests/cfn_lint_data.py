"""CloudFormation's schemas and IAM's actions, as cfn-lint has them."""

from __future__ import annotations

import functools
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@functools.cache
def folder() -> Path:
    """Found without importing cfn-lint, which takes a second."""
    spec = find_spec("cfnlint")
    assert spec, "requirements-dev.txt has it"
    assert spec.origin
    return Path(spec.origin).parent / "data"


@functools.cache
def providers() -> dict[str, str]:
    """The name of the file of each resource type."""
    return json.loads((folder() / "schemas" / "providers" / "us-east-1.json").read_text())  # type: ignore[no-any-return]


@functools.cache
def schema(kind: str) -> dict[str, Any]:
    """The schema of a resource type, as CloudFormation publishes it."""
    file = folder() / "schemas" / "resources" / f"{providers()[kind]}.json"
    return json.loads(file.read_text())  # type: ignore[no-any-return]
