"""The manifest of a generated repository: what can't be used is reported, and the first format is still read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from portside.errors import UserError
from portside.scaffold.manifest import MANIFEST, AppOptions, read_manifest
from tests.unit.scaffold.support import files_of, text_of

FIRST: dict[str, Any] = {
    "launcher": "harbour",
    "format": 1,
    "package": {"location": "vendor/portside-0.1.0-py3-none-any.whl", "version": "0.1.0", "sha256": "1" * 64},
    "files": {"README.md": "2" * 64},
}


def _write(folder: Path, content: object) -> None:
    (folder / MANIFEST).write_text(content if isinstance(content, str) else json.dumps(content))


def test_the_manifest_of_a_new_app_is_read_as_it_was_written(tmp_path: Path) -> None:
    text = text_of(files_of(tmp_path, licence="mit"), MANIFEST)
    _write(tmp_path, text)
    manifest = read_manifest(tmp_path)
    assert manifest.options == AppOptions(licence="mit")
    assert manifest.written().decode() == text


@pytest.mark.parametrize(
    ("files", "options"),
    [
        ({}, AppOptions()),
        ({"LICENSE": ""}, AppOptions(licence="apache-2.0")),
        ({"src/__init__.py": ""}, AppOptions(earlier=True)),
    ],
)
def test_the_first_format_is_read_which_had_no_options(
    files: dict[str, str], options: AppOptions, tmp_path: Path
) -> None:
    _write(tmp_path, {**FIRST, "files": files})
    manifest = read_manifest(tmp_path)
    assert manifest.options == options
    assert json.loads(manifest.written())["format"] == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        ("", "it is empty"),
        ("{", "it is not JSON"),
        ("[]", "a list instead of an object"),
        ({**FIRST, "format": "1"}, "format is '1', not a number"),
        ({**FIRST, "format": 3}, "has format 3, and this version reads up to 2"),
        ({**FIRST, "package": None}, "a value is missing or of another kind"),
        ({**FIRST, "files": ["README.md"]}, "a value is missing or of another kind"),
        ({**FIRST, "format": 2}, "a value is missing or of another kind ('options')"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_reported_with_a_fix(content: object, said: str, tmp_path: Path) -> None:
    if content is not None:
        _write(tmp_path, content)
    with pytest.raises(UserError) as refused:
        read_manifest(tmp_path)
    assert said in refused.value.message
    assert refused.value.hint
