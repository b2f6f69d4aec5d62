"""Pinning a release: what is written for review, and what is refused before anything is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from portside.errors import ConfigurationError, UsageError, UserError
from portside.images.failures import Failure, Kind, ResolutionFailed
from portside.images.resolution import Resolution, parse_resolution
from portside.images.resolved_image import ResolvedImage
from portside.release import pin as pinning
from portside.release.pin import LookUp, plan_pin, plan_rehearsed_pin
from tests.unit.configuration_support import api_and_app, check_configuration, environments, one_service
from tests.unit.repository_support import Repository, make_repository

pytestmark = pytest.mark.slow

COMMIT, OTHER = "c9b631124af8271f4f03ff98b87392ae16749fbb", "d" * 40
LOCK = "releases/4.3.0-rc1.json"


def app(*names: str, released: str = "4.2.0-rc2") -> str:
    """A configuration with services of these names, and one image of someone else's."""
    written = environments(
        dev={"GHCR_PACKAGE_VERSION": "edge"},
        stage={"GHCR_PACKAGE_VERSION": released},
        prod={"GHCR_PACKAGE_VERSION": released},
    )
    lines = json.dumps(written, indent=4)
    return f"""\
from portside.config.service_props import ServiceProps

ENVIRONMENTS = {lines}   # as it is


def services(environment):
    version = environment.ghcr_package_version
    locations = [f"ghcr.io/org/{{name}}:{{version}}" for name in {names!r}] + ["redis:7"]
    return [
        ServiceProps(
            container_name=f"app-{{number}}",
            container_port=8000 + number,
            container_memory_reservation=200,
            container_location=location,
            public=number == 0,
        )
        for number, location in enumerate(locations)
    ]
"""


def published(digit: str = "a", **commits: str | None) -> LookUp:
    """A registry in which everything is published; the commit of an image is by its name, else always the same."""

    def look_up(references: Sequence[str], version: str) -> Resolution:
        return Resolution(version, {each: image(each, commits.get(name_of(each), COMMIT)) for each in references})

    def image(reference: str, commit: str | None) -> ResolvedImage:
        name, _, tag = reference.rpartition(":")
        return ResolvedImage(name, tag, f"sha256:{digit * 64}", commit, "linux/amd64", "2026-11-23T12:00:00+00:00")

    return look_up


def name_of(reference: str) -> str:
    return reference.rpartition("/")[2].partition(":")[0]


def nothing_is_asked(references: Sequence[str], version: str) -> Resolution:
    raise AssertionError(f"asked for {references} at {version}")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path)
    made.commit("dev", {"app.py": app("app", "api")}, "A configuration with services")
    return made


def test_a_pin_is_a_lock_the_versions_of_the_configuration_and_a_line_in_the_changelog(repository: Repository) -> None:
    plan = plan_pin(repository.path, "4.3.0-rc1", published(), into="dev")
    assert plan.files
    assert set(plan.files) == {LOCK, "app.py", "CHANGELOG.md"}
    assert parse_resolution(plan.files[LOCK].decode(), LOCK) == plan.lock
    assert set(plan.lock.images) == {"ghcr.io/org/app:4.3.0-rc1", "ghcr.io/org/api:4.3.0-rc1", "redis:7"}
    assert plan.files["app.py"].decode() == app("app", "api", released="4.3.0-rc1")
    assert "\n- stage and prod run 4.3.0-rc1 (monorepo commit c9b6311).\n" in plan.files["CHANGELOG.md"].decode()
    assert (plan.before, plan.changed) == ({"stage": "4.2.0-rc2", "prod": "4.2.0-rc2"}, ("stage", "prod"))
    assert (plan.branch, plan.title) == ("release/4.3.0-rc1", "Run 4.3.0-rc1 on stage and prod")
    assert f"Its images were made from commit {COMMIT}.\n" in plan.message
    assert all(f"- {reference}: {image.digest}\n" in plan.message for reference, image in plan.lock.images.items())
    assert json.loads(json.dumps(plan.as_json()))["lock"] == plan.lock.as_json()


def test_carried_out_it_is_one_commit_on_a_branch_from_dev_and_the_worktree_is_untouched(
    repository: Repository,
) -> None:
    (repository.path / "app.py").write_text("# being worked on\n")
    before, dev = repository.state(), repository.at_origin("dev")
    plan = plan_pin(repository.path, "4.3.0-rc1", published(), into="dev")
    assert not repository.git("branch", "--list", plan.branch)
    commit = pinning.execute(repository.path, plan)
    assert (commit.base, set(commit.files)) == (dev, {LOCK, "app.py", "CHANGELOG.md"})
    assert repository.git("rev-parse", f"{plan.branch}^") == dev
    assert repository.git("log", "-1", "--format=%s", plan.branch) == plan.title
    assert repository.git("show", f"{plan.branch}:{LOCK}") == plan.lock.written().rstrip("\n")
    assert repository.state() == before
    assert (repository.path / "app.py").read_text() == "# being worked on\n"
    assert repository.at_origin("dev") == dev


def test_the_configuration_that_counts_is_that_of_dev_and_not_that_of_the_worktree(repository: Repository) -> None:
    repository.commit("dev", {"app.py": app("app", "api", "worker")}, "Another service")
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    plan = plan_pin(repository.path, "4.3.0-rc1", published(), into="dev")
    assert "ghcr.io/org/worker:4.3.0-rc1" in plan.lock.images
    assert plan.files
    assert b"worker" in plan.files["app.py"]


def test_pinning_again_finds_the_commit_that_is_there(repository: Repository) -> None:
    first = pinning.execute(repository.path, plan_pin(repository.path, "4.3.0-rc1", published(), into="dev"))
    again = pinning.execute(repository.path, plan_pin(repository.path, "4.3.0-rc1", published(), into="dev"))
    assert (first.is_new, again.is_new) == (True, False)
    assert again.commit == first.commit


def test_images_of_different_commits_are_refused_and_distinguished(repository: Repository) -> None:
    with pytest.raises(UserError) as raised:
        plan_pin(repository.path, "4.3.0-rc1", published(api=OTHER), into="dev")
    reported = "the images tagged 4.3.0-rc1 are not of one commit: app of c9b6311; api of ddddddd"
    assert raised.value.message == reported


@pytest.mark.parametrize("known", [COMMIT[:7], None])
def test_a_commit_that_is_known_in_part_or_not_at_all_is_no_other_commit(
    known: str | None, repository: Repository
) -> None:
    plan = plan_pin(repository.path, "4.3.0-rc1", published(api=known), into="dev")
    assert plan.remark == ("" if known else "The commit of api is unknown.")
    assert plan.lock.commit == (COMMIT if known else None)


def test_what_other_people_publish_need_not_be_of_the_releases_commit(repository: Repository) -> None:
    assert plan_pin(repository.path, "4.3.0-rc1", published(redis=OTHER), into="dev").lock.commit == COMMIT


def locked(repository: Repository, lock: Resolution, text: str | None = None) -> None:
    repository.commit("dev", {LOCK: text or lock.written()}, "A lock")


def test_a_tag_that_has_moved_since_the_lock_was_written_is_refused(repository: Repository) -> None:
    locked(repository, plan_pin(repository.path, "4.3.0-rc1", published("a"), into="dev").lock)
    with pytest.raises(UserError) as raised:
        plan_pin(repository.path, "4.3.0-rc1", published("b"), into="dev")
    first, *moved = raised.value.message.splitlines()
    assert first == f"{LOCK}: tags have moved since it was written"
    assert f"  ghcr.io/org/api:4.3.0-rc1: was sha256:{'a' * 64}, is sha256:{'b' * 64}" in moved
    assert raised.value.hint == "A release never changes. Cut another candidate: ./agora release cut"


def test_a_lock_that_lacks_an_image_is_completed(repository: Repository) -> None:
    whole = plan_pin(repository.path, "4.3.0-rc1", published(), into="dev").lock
    part = {reference: image for reference, image in whole.images.items() if "api" not in reference}
    locked(repository, dataclasses.replace(whole, images=part))
    assert plan_pin(repository.path, "4.3.0-rc1", published(), into="dev").lock == whole


def test_a_lock_of_stubs_is_replaced_by_what_is_published(repository: Repository) -> None:
    stand_ins = dataclasses.replace(
        plan_pin(repository.path, "4.3.0-rc1", published("a"), into="dev").lock, stand_in=True
    )
    locked(repository, stand_ins)
    plan = plan_pin(repository.path, "4.3.0-rc1", published("b"), into="dev")
    assert not plan.lock.stand_in
    assert {image.digest for image in plan.lock.images.values()} == {f"sha256:{'b' * 64}"}


def test_an_unreadable_lock_is_not_overwritten_and_the_hint_does_not_repeat_the_command(
    repository: Repository,
) -> None:
    locked(repository, Resolution("4.3.0-rc1", {}), '{"version": 1, "images": 2}')
    with pytest.raises(ConfigurationError) as raised:
        plan_pin(repository.path, "4.3.0-rc1", published(), into="dev")
    assert [problem.where for problem in raised.value.problems] == [f'{LOCK}["version"]', f'{LOCK}["images"]']
    assert {problem.hint for problem in raised.value.problems} == {"Correct or remove it in a separate commit to dev."}


@pytest.mark.parametrize("version", ["edge", "latest", "sha-c9b6311", "rc", "", "a b", "../x", "ghcr.io/org/app:1"])
def test_what_is_no_release_is_refused_before_anything_is_asked(version: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        plan_pin(tmp_path / "missing", version, nothing_is_asked, into="dev")


def test_an_image_that_is_not_published_leaves_everything_as_it_was(repository: Repository) -> None:
    def look_up(references: Sequence[str], version: str) -> Resolution:
        raise UserError("api: no tag")

    before = repository.state()
    with pytest.raises(UserError, match="api: no tag"):
        plan_pin(repository.path, "4.3.0-rc1", look_up, into="dev")
    assert repository.state() == before
    assert not repository.git("branch", "--list", "release/*")


def test_what_an_environment_runs_already_is_not_said_to_change(repository: Repository) -> None:
    text = app("app", released="4.3.0-rc1").replace('"4.3.0-rc1"', '"4.2.0"', 1)
    repository.commit("dev", {"app.py": text}, "Back on stage")
    plan = plan_pin(repository.path, "4.3.0-rc1", published(), into="dev")
    assert (plan.before, plan.changed) == ({"stage": "4.2.0", "prod": "4.3.0-rc1"}, ("stage",))


def test_a_version_that_is_not_written_out_must_be_changed_by_hand_and_nothing_is_asked(
    repository: Repository,
) -> None:
    text = app("app").replace('"GHCR_PACKAGE_VERSION": "4.2.0-rc2"', '"GHCR_PACKAGE_VERSION": "4.2." + "0-rc2"')
    repository.commit("dev", {"app.py": text}, "Computed")
    with pytest.raises(UsageError) as raised:
        plan_pin(repository.path, "4.3.0-rc1", nothing_is_asked, into="dev")
    assert raised.value.message.startswith("app.py, line ")
    assert raised.value.hint.startswith("Edit app.py by hand: ")


def test_where_nothing_runs_releases_there_is_nothing_to_pin() -> None:
    configuration = check_configuration(environments(dev={}), one_service)
    with pytest.raises(UsageError, match=r"no environment .* runs releases only"):
        plan_rehearsed_pin(configuration, "4.3.0-rc1", {}, nothing_is_asked)


def test_a_rehearsal_plans_the_same_lock_and_no_commit() -> None:
    configuration = check_configuration(environments(dev={}, stage={}, prod={}), api_and_app())
    plan = plan_rehearsed_pin(configuration, "4.3.0-rc1", {"stage": "4.3.0-rc1", "prod": "4.2.0"}, published())
    assert set(plan.lock.images) == {"ghcr.io/sage-bionetworks/app:v1.0"}
    assert plan.changed == ("prod",)
    assert (plan.base, plan.branch, plan.files) == (None, "", None)


def test_a_lock_is_made_also_where_the_configuration_names_the_version_already(repository: Repository) -> None:
    repository.commit("dev", {"app.py": app("api", released="4.3.0-rc1")}, "Named by hand")
    plan = plan_pin(repository.path, "4.3.0-rc1", published(), into="dev")
    assert (plan.changed, set(plan.before.values())) == ((), {"4.3.0-rc1"})
    commit = pinning.execute(repository.path, plan)
    assert LOCK in commit.files
    assert "app.py" not in commit.files


def test_a_lock_that_a_merged_branch_of_the_same_name_lost_is_made_on_another_branch(repository: Repository) -> None:
    repository.commit("dev", {"app.py": app("api", released="4.3.0-rc1")}, "Named by hand")
    repository.git("branch", "release/4.3.0-rc1", "dev")
    plan = plan_pin(repository.path, "4.3.0-rc1", published(), into="dev")
    assert plan.branch == f"release/4.3.0-rc1-{repository.at_origin('dev')[:7]}"
    assert pinning.execute(repository.path, plan).is_new


def test_a_hot_fix_is_pinned_for_one_environment_on_its_own_branch(repository: Repository) -> None:
    repository.commit("dev", {"app.py": app("api", "new", released="4.4.0-rc1")}, "Dev runs ahead")
    repository.commit("stage", {"app.py": app("api")}, "Stage")
    plan = plan_pin(repository.path, "4.3.0-rc1", published(), into="stage", only="stage")
    assert (plan.before, plan.changed) == ({"stage": "4.2.0-rc2"}, ("stage",))
    commit = pinning.execute(repository.path, plan)
    assert (commit.branch, commit.base) == ("release/4.3.0-rc1-stage", repository.at_origin("stage"))
    assert set(commit.files) == {"app.py", LOCK}, "the changelog is left to the branch that it is merged back to"
    written = repository.git("show", f"{commit.branch}:app.py")
    assert written.count("4.3.0-rc1") == 1
    assert "ghcr.io/org/new:4.3.0-rc1" not in plan.lock.images, "its services are those of stage's branch"


def test_a_development_environment_or_a_missing_one_cannot_be_pinned_alone(repository: Repository) -> None:
    repository.commit("dev", {"app.py": app("api")}, "The configuration")
    with pytest.raises(UsageError, match="--only dev: a development environment"):
        plan_pin(repository.path, "4.3.0-rc1", published(), into="dev", only="dev")
    with pytest.raises(UsageError, match='no environment "stag"'):
        plan_pin(repository.path, "4.3.0-rc1", published(), into="dev", only="stag")


READS_THE_DATABASE = (
    app("app")
    .replace(
        "from portside.config.service_props import ServiceProps",
        "from portside.config.deferred_values import DatabaseHost, DatabaseSecret\n"
        "from portside.config.service_props import DATABASE, Call, ServiceProps, ServiceSecret",
    )
    .replace(
        "            public=number == 0,",
        '            public=number == 0,\n            container_env_vars={"HOST": DatabaseHost()},\n'
        '            container_secrets=[ServiceSecret(DatabaseSecret("password"), "PASSWORD")],\n'
        "            calls=[Call(DATABASE, 27017)],",
    )
)
LOADER = "ghcr.io/org/agora-data:4.3.0-rc1"


def without_the_loader(kind: Kind) -> LookUp:
    def look_up(references: Sequence[str], version: str) -> Resolution:
        if LOADER in references:
            raise ResolutionFailed({LOADER: Failure(kind, "does not exist")}, {LOADER: "agora-data"})
        return published()(references, version)

    return look_up


def test_the_image_that_loads_data_is_in_the_lock(repository: Repository) -> None:
    repository.commit("dev", {"app.py": READS_THE_DATABASE}, "A service that reads the database")
    plan = plan_pin(repository.path, "4.3.0-rc1", published(), into="dev")
    assert LOADER in plan.lock.images
    with pytest.raises(UserError, match=r"are not of one commit: .*agora-data of ddddddd"):
        plan_pin(repository.path, "4.3.0-rc1", published(**{"agora-data": OTHER}), into="dev")


def test_it_is_added_to_a_lock_that_was_made_without_it(repository: Repository) -> None:
    repository.commit("dev", {"app.py": READS_THE_DATABASE}, "A service that reads the database")
    earlier = plan_pin(repository.path, "4.3.0-rc1", without_the_loader(Kind.TAG_UNKNOWN), into="dev").lock
    repository.commit("dev", {LOCK: earlier.written()}, "Run 4.3.0-rc1")
    plan = plan_pin(repository.path, "4.3.0-rc1", published(), into="dev")
    assert plan.lock.images == {**earlier.images, LOADER: plan.lock.images[LOADER]}


@pytest.mark.parametrize("kind", [Kind.TAG_UNKNOWN, Kind.PACKAGE_UNKNOWN, Kind.TOKEN_NEEDED])
def test_without_a_published_loader_the_lock_is_made_without_it_with_a_message(
    repository: Repository, kind: Kind
) -> None:
    repository.commit("dev", {"app.py": READS_THE_DATABASE}, "A service that reads the database")
    plan = plan_pin(repository.path, "4.3.0-rc1", without_the_loader(kind), into="dev")
    assert LOADER not in plan.lock.images
    assert plan.remark == f"{LOADER} is not published, so load-data can't run it in production."


@pytest.mark.parametrize("kind", [Kind.UNREACHABLE, Kind.RATE_LIMITED, Kind.WRONG_PLATFORM])
def test_a_loader_that_cannot_be_resolved_now_is_an_error(repository: Repository, kind: Kind) -> None:
    repository.commit("dev", {"app.py": READS_THE_DATABASE}, "A service that reads the database")
    with pytest.raises(ResolutionFailed):
        plan_pin(repository.path, "4.3.0-rc1", without_the_loader(kind), into="dev")
