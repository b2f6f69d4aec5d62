"""Clones to deploy from; each has its own embedded AWS, which is stopped at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.clone import Answer, Clone


@pytest.fixture(scope="session")
def new_clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Clone]]:
    """Makes clones, in folders with a space in their names."""
    made: list[Clone] = []

    def make() -> Clone:
        made.append(Clone.at(Path(tmp_path_factory.mktemp("clone")) / "agora infra"))
        return made[-1]

    yield make
    for clone in made:
        clone.agora("local", "down")


@pytest.fixture(scope="session")
def first_deployment(new_clone: Callable[[], Clone]) -> tuple[Clone, Answer]:
    """A clone from which dev was deployed once, and what was said. For tests that change nothing."""
    clone = new_clone()
    answer = clone.agora("deploy", "dev", "--local")
    assert answer.exit_code == 0, answer.stderr
    return clone, answer


@pytest.fixture
def deployed(new_clone: Callable[[], Clone]) -> Clone:
    """A clone of the test's own from which dev was deployed."""
    clone = new_clone()
    answer = clone.agora("deploy", "dev", "--local")
    assert answer.exit_code == 0, answer.stderr
    return clone
