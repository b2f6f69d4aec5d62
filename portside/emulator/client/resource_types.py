"""The CloudFormation resource types that a rehearsal can deploy."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path


@cache
def supported() -> frozenset[str]:
    """The names of the types, such as AWS::S3::Bucket. Does not import the server."""
    by_service = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return frozenset(f"{service}::{name}" for service, names in by_service.items() for name in names)
