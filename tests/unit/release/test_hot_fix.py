"""A hot-fix on its way: pinned for stage alone, then promoted alone to prod, while dev and stage run ahead."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from portside.errors import UsageError, UserError
from portside.records.proof import Proof, seeded_record
from portside.release.hot_fix import HotFixPlan, plan_hot_fix
from portside.release.promote import plan_promotion
from portside.release.pull_request import USE_A_MERGE_COMMIT
from portside.release.route import pinned_into, promoted_from
from tests.unit.configuration_support import WAIVED, check_configuration, environments, one_service
from tests.unit.release.test_promote import CONFIGURATION, OLD, file_of, lock, promotion, run_commands
from tests.unit.repository_support import APP, Repository, make_repository

pytestmark = pytest.mark.slow

NEW, FIX = "4.3.0-rc1", "4.2.1-rc1"
FORWARD = APP.replace(OLD, NEW)


def for_stage(app: str, version: str) -> str:
    """The configuration with another version of stage."""
    lines = [line.replace(NEW, version) if '"stage"' in line else line for line in app.splitlines(keepends=True)]
    return "".join(lines)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Dev and stage name 4.3.0-rc1 for stage and prod, and stage alone runs the hot-fix; prod is at 4.2.0-rc2."""
    made = make_repository(tmp_path)
    made.commit("dev", {"app.py": FORWARD, **file_of(lock(NEW, "b", "app"))}, "Run 4.3.0-rc1 on stage and prod")
    made.git("checkout", "--quiet", "stage")
    made.git("merge", "--quiet", "--no-ff", "--no-edit", "dev")
    made.git("push", "--quiet", "origin", "stage")
    made.git("checkout", "--quiet", "dev")
    made.commit("stage", {"app.py": for_stage(FORWARD, FIX), **file_of(lock(FIX, "f", "app"))}, f"Run {FIX} on stage")
    made.commit("dev", {"new.txt": "ahead"}, "Dev goes on")
    return made


def plan(repository: Repository, name: str = "prod") -> HotFixPlan | None:
    target = CONFIGURATION.environment(name)
    return plan_hot_fix(repository.path, target, promoted_from(CONFIGURATION, target))


def test_what_stage_alone_runs_goes_to_prod_alone(repository: Repository) -> None:
    made = plan(repository)
    assert made
    assert (made.version_before, made.version, made.following) == (OLD, FIX, NEW)
    commit = made.prepare(repository.path)
    assert set(commit.files) == {"app.py", f"releases/{FIX}.json"}
    assert commit.base == repository.at_origin("prod")
    app = repository.git("show", f"{commit.branch}:app.py")
    assert (
        app
        == APP.replace(
            f'"prod": {{"GHCR_PACKAGE_VERSION": "{OLD}"', f'"prod": {{"GHCR_PACKAGE_VERSION": "{FIX}"'
        ).strip()
    )
    assert made.prepare(repository.path).is_new is False


def test_the_pull_request_says_why_it_is_alone_what_proves_it_and_how_to_merge_it_back(repository: Repository) -> None:
    made = plan(repository)
    assert made
    made = dataclasses.replace(made, proof=Proof("stage", seeded_record(made.lock)))
    assert f"stage names {FIX} for stage alone, and {NEW} for prod: {FIX} is promoted alone" in made.body
    assert USE_A_MERGE_COMMIT in made.body
    assert "Proven by stage's deployment" in made.body
    assert "git merge -X ours origin/prod" in made.body
    said = json.loads(json.dumps(made.as_json()))
    assert (said["hot_fix"], said["version"], said["branch"]) == (True, FIX, made.branch)


def test_after_the_merge_back_the_next_release_goes_its_usual_way(repository: Repository) -> None:
    made = plan(repository)
    assert made
    commit = made.prepare(repository.path)
    repository.git("checkout", "--quiet", "prod")
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", commit.branch)
    repository.git("push", "--quiet", "origin", "prod")
    repository.git("checkout", "--quiet", "dev")
    with pytest.raises(UserError, match=rf"prod at \w+ names {FIX} for prod already"):
        plan(repository)
    run_commands(repository, made.afterwards, into="stage")
    ahead = repository.git("show", "stage:app.py").replace(FIX, NEW) + "\n"
    repository.commit("stage", {"app.py": ahead}, "Stage runs 4.3.0-rc1 again")
    assert plan(repository) is None
    assert promotion(repository, "prod").version == NEW


def test_one_version_for_both_is_an_ordinary_promotion(repository: Repository) -> None:
    repository.commit("stage", {"app.py": FORWARD}, "Back to both")
    assert plan(repository) is None
    assert plan(repository, "stage") is None, "dev names a version for no other environment"


def test_a_hot_fix_without_its_lock_is_refused(repository: Repository) -> None:
    repository.commit("stage", {"app.py": for_stage(FORWARD, "4.2.2-rc1")}, "Without a lock")
    with pytest.raises(UsageError, match=r"releases/4.2.2-rc1.json is missing in refs/remotes/origin/stage at \w{7}"):
        plan(repository)


def test_the_way_of_a_release_follows_kind_and_proof_and_not_names() -> None:
    configuration = check_configuration(
        environments(
            sandbox={"KIND": "development", "BRANCH": "main"},
            uat={"KIND": "staging", "BRANCH": "release/uat"},
            demo={"KIND": "staging"},
            live={"KIND": "production", "PROVED_BY": "demo", "BRANCH": "live"},
        ),
        one_service,
    )
    assert pinned_into(configuration) == "main"
    ways = {
        name: promoted_from(configuration, configuration.environment(name)).name for name in ("uat", "demo", "live")
    }
    assert ways == {"uat": "sandbox", "demo": "sandbox", "live": "demo"}
    with pytest.raises(UsageError, match="nothing is promoted to sandbox, a development environment") as raised:
        promoted_from(configuration, configuration.environment("sandbox"))
    assert raised.value.hint == "Known are: uat, demo, live."


def test_where_no_environment_proves_production_it_is_promoted_from_the_one_before_it() -> None:
    configuration = check_configuration(environments(dev={}, prod=WAIVED), one_service)
    assert promoted_from(configuration, configuration.environment("prod")).name == "dev"
    alone = check_configuration(environments(prod=WAIVED | {"BRANCH": "main"}), one_service)
    assert pinned_into(alone) == "main"
    with pytest.raises(UsageError, match="nothing is promoted to prod"):
        promoted_from(alone, alone.environment("prod"))


def test_branches_are_those_that_the_environments_name(tmp_path: Path) -> None:
    configuration = check_configuration(
        environments(
            dev={"BRANCH": "main"}, uat={"KIND": "staging", "BRANCH": "release/uat"}, live={"KIND": "production"}
        ),
        one_service,
    )
    repository = make_repository(tmp_path)
    app = APP.replace('"stage"', '"uat"').replace('"prod"', '"live"')
    repository.commit("dev", {"app.py": app}, "Other names")
    repository.git("push", "--quiet", "origin", "dev:main", "dev:refs/heads/release/uat")
    repository.commit("dev", {"app.py": app.replace(OLD, NEW)}, "Forward", push=False)
    repository.git("push", "--quiet", "origin", "dev:main")
    uat = configuration.environment("uat")
    made = plan_promotion(repository.path, uat, promoted_from(configuration, uat))
    assert (made.merge.source.branch, made.merge.target.branch, made.version) == ("main", "release/uat", NEW)
