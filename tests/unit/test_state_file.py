"""The one place where state files are read and written."""

from __future__ import annotations

import errno
import json
import os
import resource
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portside import state_file
from portside.state_file import Damaged, NotWritten

DAMAGES: dict[str, Callable[[Path], object]] = {
    "it is empty": lambda path: path.write_bytes(b""),
    "it is empty ": lambda path: path.write_bytes(b"\n  "),
    "it is not JSON": lambda path: path.write_bytes(b'{"version": "4.2'),
    "it is not JSON ": lambda path: path.write_bytes(b"[" * 200_000),
    "it is not JSON  ": lambda path: path.write_bytes(b"\0" * 4096),
    "it is not UTF-8": lambda path: path.write_bytes(b'{"version": "\xff\xfe"}'),
    "it has a list instead of an object": lambda path: path.write_text("[1]"),
    "it has null instead of an object": lambda path: path.write_text("null"),
    "it is a folder": lambda path: path.mkdir(),
    "it is not a regular file": lambda path: os.mkfifo(path),
}


@contextmanager
def nothing_may_be_written() -> Iterator[None]:
    """Files get no single byte, for root too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("reason", DAMAGES)
def test_what_is_damaged_is_one_sentence_with_its_fix(tmp_path: Path, reason: str) -> None:
    path = tmp_path / "pins.json"
    DAMAGES[reason](path)
    with pytest.raises(Damaged) as raised:
        state_file.read_json(path, dict, what="the pinned versions", fix="Pin them again.")
    assert raised.value.message == f"{path}: the pinned versions can't be read: {reason.strip()}"
    assert raised.value.hint == "Pin them again."
    assert state_file.read_cache(path, dict, what="a cache") is None


def test_no_file_is_no_damage(tmp_path: Path) -> None:
    assert state_file.read_json(tmp_path / "pins.json", dict, what="it", fix="") is None


@pytest.mark.parametrize("durable", [True, False])
def test_what_is_written_is_read(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "new" / "pins.json"
    state_file.write_json(path, {"dev": "4.2.0"}, what="it", durable=durable)
    assert state_file.read_json(path, dict, what="it", fix="") == {"dev": "4.2.0"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["pins.json"]


def test_what_can_not_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    path.write_text('{"dev": "4.1.0"}')
    with nothing_may_be_written(), pytest.raises(NotWritten, match="the pins could not be written: File too large"):
        state_file.write_json(path, {"dev": "4.2.0"}, what="the pins")
    assert json.loads(path.read_text()) == {"dev": "4.1.0"}
    assert [each.name for each in tmp_path.iterdir()] == ["pins.json"], "no unfinished file stays behind"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free space on the disk of "),
        (errno.EDQUOT, "Free space on the disk of "),
        (errno.EACCES, "Set AGORA_STATE_DIR to a folder that you can write to"),
        (errno.EROFS, "Set AGORA_STATE_DIR to a folder that you can write to"),
        (errno.EISDIR, "a file where a folder is. Delete it: "),
    ],
)
def test_the_fix_fits_the_error(number: int, remedy: str) -> None:
    error = NotWritten(Path("/state/pins.json"), "the pins", OSError(number, os.strerror(number)))
    assert remedy in error.hint
    assert error.is_full is (number in (errno.ENOSPC, errno.EDQUOT))


def test_a_folder_in_the_place_of_a_file_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "pins.json" / "within").mkdir(parents=True)
    with pytest.raises(NotWritten, match="Is a directory"):
        state_file.write_json(tmp_path / "pins.json", {}, what="the pins")


def test_a_file_in_the_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(NotWritten) as raised:
        state_file.write_json(tmp_path / "state" / "pins.json", {}, what="the pins")
    assert "ls -ld" in raised.value.hint


def test_what_is_set_aside_can_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    for number in ("first", "second"):
        path.write_text(number)
        sentence = state_file.set_aside(Damaged(path, "the faults", "it is not JSON", ""), path)
        assert sentence == f"{path}: the faults can't be read: it is not JSON (moved to faults.json.damaged)"
    assert not path.exists()
    assert (tmp_path / "faults.json.damaged").read_text() == "second"


def test_a_folder_is_set_aside_too(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    for name in ("faults.json.damaged", "faults.json.damaged-2"):
        path.mkdir()
        state_file.set_aside(Damaged(path, "the faults", "it is a folder", ""), path)
        assert (tmp_path / name).is_dir()
