"""Whatever is wrong with `.env` is an error that names the line, and shows no value."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.config.env_file import read_env_file
from portside.errors import ConfigurationError


def test_settings_are_read_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbf# a comment\n\nENV=dev\nexport GITHUB_TOKEN=abc # mine\nA='x y'\nB=\"${ENV}\"\nC=\n")
    found = {"ENV": "dev", "GITHUB_TOKEN": "abc", "A": "x y", "B": "${ENV}", "C": ""}
    assert read_env_file(path) == found
    assert read_env_file(path, interpolate=True)["B"] == "dev"


def test_no_file_is_no_setting(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / ".env") == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"ENV=dev\nGITHUB_TOKEN\n", '.env, line 2: no "=" after GITHUB_TOKEN\nUse one NAME=value'),
        (b"ENV=dev\n\nTOKEN='hunter2\n", ".env, line 3: a quote that is not closed, or text after one\n"),
        (b'TOKEN="hunter2" hunter2\n', ".env, line 1: a quote that is not closed, or text after one\n"),
        (b"=hunter2\n", ".env, line 1: not a setting\n"),
        (b"ENV=dev\nX=hunter2\xff\n", ".env, line 2: not UTF-8\n"),
        (b"ENV=dev\nX=\x00\n", ".env, line 2: a NUL character\n"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_not_shown(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as wrong:
        read_env_file(path)
    assert str(wrong.value).startswith(said)
    assert "hunter2" not in str(wrong.value)


def test_a_folder_in_the_wrong_place_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(ConfigurationError, match=r"\.env: is a folder, not a file"):
        read_env_file(tmp_path / ".env")
