"""Clones to deploy from; each has its own embedded AWS, which is stopped at the end."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from tests.e2e.aws import clients, inventory
from tests.e2e.clone import Answer, Clone


@dataclass(frozen=True)
class FirstDeployment:
    """A clone from which dev was deployed once, what was said, how the clone was then, and what there was before."""

    clone: Clone
    answer: Answer
    kept: Clone
    before: frozenset[str]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this run of the tests, one for all its processes."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def new_clone(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[Callable[[], Clone]]:
    """Makes clones, in folders with a space in their names; the same templates are made once for all of them."""
    made: list[Clone] = []

    def make() -> Clone:
        folder = tmp_path_factory.mktemp("clone") / "agora infra"
        made.append(Clone.at(folder, templates=shared / "templates"))
        return made[-1]

    yield make
    for clone in made:
        clone.stop()


@pytest.fixture(scope="session")
def deployed_once(
    new_clone: Callable[[], Clone], shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FirstDeployment]:
    """The one deployment whose templates are validated; each process of the tests has a clone as it was then."""
    kept, reported = Clone(shared / "deployed once" / "agora infra"), shared / "deployed once" / "told.json"
    with FileLock(shared / "deployed once.lock"):
        if not reported.exists():
            answer, before = _deploy_once(new_clone(), kept)
            reported.write_text(json.dumps([dataclasses.asdict(answer), sorted(before)]))
    answer, before = json.loads(reported.read_text())
    clone = kept.copied_to(tmp_path_factory.mktemp("first") / "agora infra")
    clone.up()
    yield FirstDeployment(clone, Answer(**answer), kept, frozenset(before))
    clone.stop()


def _deploy_once(clone: Clone, kept: Clone) -> tuple[Answer, set[str]]:
    """Deploy dev, and keep the clone as it is then; what was said, and what there was before."""
    assert clone.agora("deploy", "dev", "--local", "--dry-run").exit_code == 0
    before = inventory(clients(clone.exports("dev")))
    answer = clone.agora("deploy", "dev", "--local", CDK_VALIDATION="true")
    assert answer.exit_code == 0, answer.stderr
    clone.stop()
    clone.copied_to(kept.folder)
    return answer, before


@pytest.fixture(scope="session")
def first_deployment(deployed_once: FirstDeployment) -> tuple[Clone, Answer]:
    """A clone from which dev was deployed once, and what was said. For tests that change nothing."""
    return deployed_once.clone, deployed_once.answer


@pytest.fixture(scope="session")
def before_deployment(deployed_once: FirstDeployment) -> frozenset[str]:
    """The resources before dev was deployed."""
    return deployed_once.before


@pytest.fixture(scope="session")
def new_deployed(
    deployed_once: FirstDeployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Clone]]:
    """Makes clones from which dev was deployed, each with its own embedded AWS that has the deployment."""
    made: list[Clone] = []

    def make() -> Clone:
        made.append(deployed_once.kept.copied_to(Path(tmp_path_factory.mktemp("deployed")) / "agora infra"))
        made[-1].up()
        return made[-1]

    yield make
    for clone in made:
        clone.stop()


@pytest.fixture
def deployed(new_deployed: Callable[[], Clone]) -> Iterator[Clone]:
    """A clone of the test's own from which dev was deployed."""
    clone = new_deployed()
    yield clone
    clone.stop()
