"""The commit that makes the configuration say what a rollback did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from portside.errors import UsageError, UserError
from portside.images.resolution import Resolution, parse_resolution
from portside.release.configuration_edit import versions_in
from portside.release.rollback_commit import RollbackCommit, execute, plan_rollback_commit
from tests.unit.configuration_support import check_configuration, environments, one_service
from tests.unit.operations_support import digest, resolution
from tests.unit.repository_support import APP, Repository, make_repository

pytestmark = pytest.mark.slow

CONFIGURATION = check_configuration(environments(dev={}, stage={}, prod={}, live={"KIND": "production"}), one_service)
EARLIER = resolution("4.1.0-rc2", "api", "app")
TODAY = resolution("4.2.0-rc2", "api", "app")
LOCK = "releases/4.1.0-rc2.json"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


def _planned(repository: Repository, images: Resolution = EARLIER, *, environment: str = "prod") -> RollbackCommit:
    plan = plan_rollback_commit(repository.path, CONFIGURATION.environment(environment), images)
    assert plan is not None
    return plan


def _lock_in(plan: RollbackCommit, path: str = LOCK) -> Resolution:
    return parse_resolution(plan.files[path].decode(), path)


def test_the_configuration_names_the_earlier_version_of_that_environment_only_and_has_its_lock(
    repository: Repository,
) -> None:
    plan = _planned(repository)
    assert versions_in(plan.files["app.py"]) == {"dev": "edge", "stage": "4.2.0-rc2", "prod": "4.1.0-rc2"}
    assert _lock_in(plan) == EARLIER
    assert "- prod is rolled back to 4.1.0-rc2.\n" in plan.files["CHANGELOG.md"].decode()
    assert sorted(plan.files) == ["CHANGELOG.md", "app.py", LOCK]


def test_the_commit_is_made_on_top_of_the_environments_branch_as_everyone_has_it(repository: Repository) -> None:
    shared = repository.commit("prod", {"note": "shared"}, "Shared")
    repository.commit("prod", {"note": "mine"}, "Unpushed", push=False)
    before = repository.state()
    plan = _planned(repository)
    made = execute(repository.path, plan)
    assert repository.git("rev-parse", f"{made.branch}^") == shared
    assert repository.git("log", "-1", "--format=%s", made.branch) == "Roll prod back to 4.1.0-rc2"
    assert made.files == ("CHANGELOG.md", "app.py", LOCK)
    assert repository.git("show", f"{made.branch}:app.py").encode() + b"\n" == plan.files["app.py"]
    assert repository.state() == before
    assert repository.at_origin(made.branch) == "", "the user pushes it"


def test_a_plan_says_where_it_is_made_and_what_it_changes_and_makes_nothing(repository: Repository) -> None:
    branches = repository.git("branch", "--list")
    plan = _planned(repository)
    assert plan.as_json() == {
        "branch": plan.branch,
        "base": plan.base.as_json(),
        "title": "Roll prod back to 4.1.0-rc2",
        "files": ["CHANGELOG.md", "app.py", LOCK],
    }
    assert repository.git("branch", "--list") == branches


def test_the_same_rollback_again_finds_its_commit(repository: Repository) -> None:
    first = execute(repository.path, _planned(repository))
    again = execute(repository.path, _planned(repository))
    assert (first.is_new, again.is_new) == (True, False)
    assert again.commit == first.commit


def test_a_later_rollback_to_the_same_version_is_not_stopped_by_the_branch_of_the_first(repository: Repository) -> None:
    first = execute(repository.path, _planned(repository))
    repository.commit("prod", {"app.py": APP, "more": "later"}, "Later")
    second = execute(repository.path, _planned(repository))
    assert second.is_new
    assert second.branch != first.branch


def test_a_configuration_and_lock_that_name_these_images_already_need_no_commit(repository: Repository) -> None:
    repository.commit("prod", {"releases/4.2.0-rc2.json": TODAY.written()}, "Lock")
    assert plan_rollback_commit(repository.path, CONFIGURATION.environment("prod"), TODAY) is None


def test_a_lock_that_is_there_already_stays_as_it_is(repository: Repository) -> None:
    repository.commit("prod", {LOCK: resolution("4.1.0-rc2", "api", "app", "docs").written()}, "Lock")
    assert sorted(_planned(repository).files) == ["CHANGELOG.md", "app.py"]


def test_a_lock_without_a_service_that_keeps_its_image_gets_it(repository: Repository) -> None:
    repository.commit("prod", {LOCK: EARLIER.written()}, "Lock")
    kept = resolution("4.1.0-rc2", docs="docs 4.2.0-rc2").images
    lock = _lock_in(_planned(repository, replace(EARLIER, images={**EARLIER.images, **kept})))
    assert lock.images["ghcr.io/org/docs:4.1.0-rc2"].digest == digest("docs 4.2.0-rc2")
    assert lock.images["ghcr.io/org/api:4.1.0-rc2"] == EARLIER.images["ghcr.io/org/api:4.1.0-rc2"]


def test_a_lock_that_was_rewritten_since_is_put_back_and_keeps_its_other_images(repository: Repository) -> None:
    repinned = resolution("4.2.0-rc2", "app", "docs", api="built again")
    repository.commit("prod", {"releases/4.2.0-rc2.json": repinned.written()}, "Pin again")
    plan = _planned(repository, TODAY)
    assert sorted(plan.files) == ["CHANGELOG.md", "releases/4.2.0-rc2.json"]
    lock = _lock_in(plan, "releases/4.2.0-rc2.json")
    assert {image.name: image.digest for image in lock.images.values()} == {
        "ghcr.io/org/api": digest("api 4.2.0-rc2"),
        "ghcr.io/org/app": digest("app 4.2.0-rc2"),
        "ghcr.io/org/docs": digest("docs 4.2.0-rc2"),
    }


def test_an_environment_that_runs_what_moves_gets_no_lock(repository: Repository) -> None:
    plan = _planned(repository, environment="dev")
    assert sorted(plan.files) == ["CHANGELOG.md", "app.py"]
    assert plan_rollback_commit(repository.path, CONFIGURATION.environment("dev"), resolution("edge", "api")) is None


def test_a_repository_without_a_changelog_gets_one(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "prod")
    repository.git("rm", "--quiet", "CHANGELOG.md")
    repository.commit("prod", {"note": "no changelog"}, "Remove the changelog")
    assert b"prod is rolled back" in _planned(repository).files["CHANGELOG.md"]


def test_a_branch_that_does_not_exist_is_reported(repository: Repository) -> None:
    with pytest.raises(UsageError, match='no branch "live" at origin'):
        plan_rollback_commit(repository.path, CONFIGURATION.environment("live"), EARLIER)


def test_the_commit_goes_to_the_branch_of_the_environment(repository: Repository) -> None:
    configuration = check_configuration(environments(prod={"BRANCH": "stage"}), one_service)
    of_stage = repository.commit("stage", {"note": "of stage"}, "Stage's own")
    plan = plan_rollback_commit(repository.path, configuration.environment("prod"), EARLIER)
    assert plan is not None
    assert (plan.base.branch, plan.base.commit) == ("stage", of_stage)


def test_a_configuration_that_is_computed_is_left_to_the_user(repository: Repository) -> None:
    repository.commit("prod", {"app.py": APP.replace('"4.2.0-rc2"', 'str("4.2.0-rc2")')}, "Be clever")
    with pytest.raises(UsageError, match=r"app\.py, line 4"):
        plan_rollback_commit(repository.path, CONFIGURATION.environment("prod"), EARLIER)


def test_a_lock_that_cannot_be_read_is_reported(repository: Repository) -> None:
    repository.commit("prod", {LOCK: "<<<<<<< HEAD\n"}, "Merge badly")
    with pytest.raises(UserError, match=r"4\.1\.0-rc2\.json: not JSON"):
        plan_rollback_commit(repository.path, CONFIGURATION.environment("prod"), EARLIER)


def test_outside_a_repository_no_commit_is_planned(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        plan_rollback_commit(tmp_path, CONFIGURATION.environment("prod"), EARLIER)
