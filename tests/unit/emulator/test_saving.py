"""The generations of the embedded AWS's state, its own lists, and which calls change anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from portside.emulator.state import saving
from portside.emulator.state.generations import Generations
from portside.emulator.state.stored_list import StoredList
from portside.state_file import NotWritten
from tests.unit.test_state_file import DAMAGES, nothing_may_be_written


@dataclass(frozen=True)
class Fault:
    name: str


def _list(path: Path) -> StoredList[Fault]:
    return StoredList(path, "the faults", lambda each: Fault(**each))


def test_the_newest_generation_counts_and_two_are_kept(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    for content in (b"1", b"2", b"3"):
        generations.save(content)
    assert generations.load().content == b"3"
    assert generations.load().remarks == ()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["generation-00000002", "generation-00000003"]


@pytest.mark.parametrize("cut", range(0, 140, 7))
def test_wherever_the_newest_is_cut_the_one_before_counts_and_the_loss_is_said(tmp_path: Path, cut: int) -> None:
    generations = Generations(tmp_path)
    generations.save(b"before")
    newest = generations.save(b"newest" * 10)
    newest.write_bytes(newest.read_bytes()[:cut])
    loaded = generations.load()
    assert loaded.content == b"before"
    assert "later changes are lost" in loaded.remarks[-1]
    assert generations.load().content == b"before", "the damaged one is out of the way"


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    newest = generations.save(b"newest")
    newest.write_bytes(newest.read_bytes().replace(b"newest", b"nawest"))
    loaded = generations.load()
    assert loaded.content is None
    assert loaded.remarks[-1] == "The rehearsal starts empty: deploy again."


def test_without_room_the_last_generation_stays(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    generations.save(b"before")
    with nothing_may_be_written(), pytest.raises(NotWritten, match="the saved state of the embedded AWS"):
        generations.save(b"after")
    assert generations.load().content == b"before"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_changed_since_is_known_at_the_next_start(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    generations.save(b"before")
    generations.expect_loss()
    assert "had saved everything" in generations.load().remarks[0]
    generations.expect_no_loss()
    assert generations.load().remarks == ()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_list_is_set_aside_and_starts_empty(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "faults.json"
    DAMAGES[damage](path)
    kept = _list(path)
    assert kept.found == []
    assert kept.remarks[0].endswith("(moved to faults.json.damaged). The list is empty now.")
    kept.write([Fault("a")])
    assert _list(path).found == [Fault("a")]
    assert _list(path).remarks == ()


def test_a_list_of_another_version_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text(json.dumps([{"kind": "a"}]))
    assert "another version wrote it" in _list(tmp_path / "faults.json").remarks[0]


@pytest.mark.parametrize(
    ("method", "operation", "reads"),
    [
        ("POST", "DescribeStacks", True),
        ("POST", "GetParameter", True),
        ("POST", "PutParameter", False),
        ("POST", "CreateChangeSet", False),
        ("GET", "", True),
        ("HEAD", "", True),
        ("PUT", "", False),
        ("DELETE", "", False),
    ],
)
def test_what_only_reads_changes_nothing(method: str, operation: str, reads: bool) -> None:
    assert saving.is_reading(method, operation) is reads
