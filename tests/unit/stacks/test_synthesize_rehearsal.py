"""The conditions under which templates count as those of a rehearsal."""

from __future__ import annotations

import os
from pathlib import Path

import aws_cdk as cdk
import pytest

from portside.config.context_flags import REHEARSAL
from portside.stacks.synthesize import _is_rehearsal


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, False),
        ({"AWS_ENDPOINT_URL_CLOUDFORMATION": "https://cloudformation.us-east-1.amazonaws.com"}, False),
        ({"AWS_PROFILE": "prod"}, False),
        ({"AWS_ACCESS_KEY_ID": "AKIA" + "IOSFODNN7EXAMPLE"}, False),
        ({"AWS_CONFIG_FILE": os.devnull}, False),
    ],
)
def test_only_what_can_not_leave_this_machine_is_a_rehearsal(
    changes: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    files = {name: str(tmp_path / "none") for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    given = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "111122223333", **files, **changes}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert _is_rehearsal(cdk.App(context={REHEARSAL: "true"})) is expected
