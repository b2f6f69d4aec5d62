"""Releases ask what runs: each way in which a clone, a tag, a label, a branch or an answer could be mistaken for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from portside.aws import target as targets
from portside.aws.target import Target
from portside.cli.release import finish as finish_command
from portside.cli.release.group import release
from portside.config.configuration import Configuration
from portside.config.deferred_values import ImageCommit, ImageVersion, parts_of
from portside.config.service_props import ServiceProps
from portside.errors import UsageError, UserError
from portside.git import git
from portside.images.resolution import Resolution
from portside.records.deployment_record import FAILED, write_record
from portside.records.proof import seeded_record
from portside.release import staged
from portside.release.built_from import check_built_from
from portside.release.cut import plan_cut
from portside.release.monorepo import Monorepo
from tests.answering_aws import AnsweringAws
from tests.aws_account import running_task
from tests.unit.configuration_support import check_configuration, environments, named, service
from tests.unit.git_support import commit, head, monorepo, refs, tag, use_own_settings
from tests.unit.operations_support import FakeParameters, resolved
from tests.unit.release.test_promote import FORWARD, promotion, squash
from tests.unit.release.test_verify import running, task
from tests.unit.repository_support import make_repository

pytestmark = pytest.mark.slow

NAME = "ghcr.io/org/app"


@dataclass
class Stage:
    """The clone names 4.3.0-rc1 for stage and prod; the monorepo has 4.2.0-rc1 to rc3; what stage runs is set up."""

    remote: Path
    ssm: FakeParameters
    aws: AnsweringAws
    commits: dict[str, str]

    def ran(self, version: str, **changes: Any) -> None:
        """Put a deployment on stage's record, and its image into the one task that runs."""
        image = replace(resolved("app", version), commit=self.commits[version])
        images = Resolution(version, {f"{NAME}:{version}": image})
        made = replace(seeded_record(images, {"app": f"{NAME}:{version}"}), synthetic=False)
        write_record(self.ssm, named("stage"), replace(made, **changes))
        if "result" not in changes:
            self.runs(image.digest)

    def runs(self, digest: str) -> None:
        """Let one task of app run an image."""
        self.aws.account.tasks.clear()
        running_task(self.aws.account, "app", 1, **task(digest))

    def finish(self, *arguments: str) -> str:
        """Run the command, and return what it said."""
        run = CliRunner().invoke(release, ["finish", "--repository", str(self.remote), "--yes", *arguments])
        if run.exception is not None and not isinstance(run.exception, SystemExit):
            raise run.exception
        return run.output

    @property
    def finished(self) -> str | None:
        """The commit that is marked as 4.2.0."""
        return refs(self.remote).get("refs/tags/agora/release/v4.2.0")


def services(environment: Any) -> list[ServiceProps]:
    location = f"{NAME}:{environment.ghcr_package_version}"
    return [service(container_location=location, public=True)]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    use_own_settings(monkeypatch, tmp_path)
    remote = monorepo(tmp_path / "monorepo.git", "agora/v4.2.0-rc1", "model-ad/v1.0.0", "2.3.1")
    commits = {"4.2.0-rc1": git("rev-parse", "refs/tags/agora/v4.2.0-rc1", folder=remote)}
    for version in ("4.2.0-rc2", "4.2.0-rc3"):
        commits[version] = commit(remote, version)
        tag(remote, commits[version], f"agora/v{version}")
    named: dict[str, Any] = {"GHCR_PACKAGE_VERSION": "4.3.0-rc1"}
    configuration = check_configuration(
        environments(dev={"GHCR_PACKAGE_VERSION": "edge"}, stage=named, prod=named), services
    )
    made = Stage(remote, FakeParameters(), running(configuration.services_of("stage"), "stage"), commits)

    def client(name: str) -> Any:
        return made.ssm if name == "ssm" else made.aws.client(name)

    def reach(environment: Any, *, profile: str | None = None) -> Target:
        return Target(environment, False, client, {})

    def read(*, local: bool, versions: Any = None) -> Configuration:
        return configuration

    monkeypatch.setattr(targets, "aws_target", reach)
    monkeypatch.setattr(finish_command, "read_configuration", read)
    return made


def test_what_stage_runs_is_finished_and_not_what_the_clone_names_nor_the_last_tag(stage: Stage) -> None:
    stage.ran("4.2.0-rc1")
    stage.ran("4.2.0-rc2")
    said = stage.finish()
    assert stage.finished == stage.commits["4.2.0-rc2"]
    assert "stage runs it by deployment 2" in said
    assert "Tagged since, and not what is finished: agora/v4.2.0-rc3." in said


def test_a_deployment_that_failed_is_not_what_stage_runs(stage: Stage) -> None:
    stage.ran("4.2.0-rc2")
    stage.ran("4.2.0-rc3", result=FAILED)
    stage.finish()
    assert stage.finished == stage.commits["4.2.0-rc2"]


def test_a_record_that_the_tasks_do_not_agree_with_finishes_nothing(stage: Stage) -> None:
    stage.ran("4.2.0-rc2")
    stage.runs(f"sha256:{'9' * 64}")
    with pytest.raises(UserError, match=r"stage's record \(deployment 1\) and its tasks differ"):
        stage.finish()
    assert stage.finished is None


def test_images_that_were_built_from_another_commit_than_the_tags_are_not_finished(stage: Stage) -> None:
    stage.commits["4.2.0-rc2"] = stage.commits["4.2.0-rc1"]
    stage.ran("4.2.0-rc2")
    with pytest.raises(UserError, match=r"stage runs 4.2.0-rc2 from commit \w{12}, but agora/v4.2.0-rc2 is on \w{12}"):
        stage.finish()
    assert stage.finished is None


def test_a_candidate_that_stage_never_ran_is_not_finished_by_name(stage: Stage) -> None:
    stage.ran("4.2.0-rc2")
    with pytest.raises(UsageError, match=r"4.2.0-rc3: not what stage runs, which is 4.2.0-rc2"):
        stage.finish("4.2.0-rc3")


def test_an_earlier_proven_candidate_is_finished_by_name_while_stage_runs_a_later_one(stage: Stage) -> None:
    stage.ran("4.2.0-rc2")
    stage.ran("4.2.0-rc3")
    assert "stage runs 4.2.0-rc3 now" in stage.finish("4.2.0-rc2")
    assert stage.finished == stage.commits["4.2.0-rc2"]


def test_without_credentials_the_footers_commit_decides_which_candidate_it_is_and_that_is_said(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(environment: Any, *, profile: str | None = None) -> Target:
        raise UsageError("no usable AWS credentials")

    monkeypatch.setattr(targets, "aws_target", refuse)
    monkeypatch.setattr(staged, "read_page", lambda url: f"v4.2.0-{stage.commits['4.2.0-rc2'][:9]}")
    said = " ".join(stage.finish().split())
    assert stage.finished == stage.commits["4.2.0-rc2"]
    assert "no usable AWS credentials, so the footer of https://stage.example.org/ was read instead" in said


def test_a_hot_fix_gets_its_own_version_history_though_others_are_out(stage: Stage) -> None:
    tag(stage.remote, stage.commits["4.2.0-rc3"], "agora/release/v4.2.0")
    tag(stage.remote, head(stage.remote), "bixarena/v0.14.1-beta")
    git("update-ref", "refs/heads/hotfix/4.2.1", stage.commits["4.2.0-rc3"], folder=stage.remote)
    tag(stage.remote, commit(stage.remote, "Ahead"), "agora/v4.3.0-rc1")
    fixed = commit(stage.remote, "Fix", branch="hotfix/4.2.1")
    plan = plan_cut(Monorepo("agora", str(stage.remote)), start="hotfix/4.2.1")
    assert (plan.tag, plan.commit) == ("agora/v4.2.1-rc1", fixed)
    with pytest.raises(UsageError, match="that tag is not of agora"):
        plan_cut(Monorepo("agora", str(stage.remote)), start="model-ad/v1.0.0")


@pytest.mark.parametrize("stale", ["refs/remotes/origin/stage", "refs/heads/stage"])
def test_a_branch_that_the_clone_has_not_seen_is_read_at_the_remote(tmp_path: Path, stale: str) -> None:
    repository = make_repository(tmp_path)
    before = repository.at_origin("stage")
    repository.commit("dev", {"app.py": FORWARD}, "Forward")
    pushed = repository.commit("stage", {"a": "a"}, "Pushed by someone else")
    repository.git("update-ref", stale, before)
    assert promotion(repository, "stage").merge.target.commit == pushed


def test_an_earlier_promotion_that_was_squashed_is_named_with_its_commits(tmp_path: Path) -> None:
    repository = make_repository(tmp_path)
    repository.commit("dev", {"app.py": FORWARD.replace("4.3.0-rc1", "4.2.1-rc1")}, "One")
    promoted = repository.commit("dev", {"app.py": FORWARD}, "Two")
    squashed = squash(repository, "dev", "stage")
    repository.commit("dev", {"app.py": FORWARD.replace("4.3.0-rc1", "4.4.0-rc1")}, "Three")
    with pytest.raises(UserError, match=f"{squashed[:7]} has the content of dev's {promoted[:7]}"):
        promotion(repository, "stage")


def test_a_promotion_asks_for_a_merge_commit(tmp_path: Path) -> None:
    repository = make_repository(tmp_path)
    repository.commit("dev", {"app.py": FORWARD}, "Forward")
    assert "Use a merge commit: after a squash or rebase, git no longer sees" in promotion(repository, "stage").body


@pytest.mark.parametrize("built", ["4.2.0-rc1", "4.2.0-rc3"])
def test_images_that_another_build_published_under_the_version_are_not_pinned(stage: Stage, built: str) -> None:
    image = replace(resolved("app", "4.2.0-rc2"), commit=stage.commits[built])
    lock = Resolution("4.2.0-rc2", {f"{NAME}:4.2.0-rc2": image})
    with pytest.raises(UserError, match=rf"app was built from \w+, which is agora/v{built}"):
        check_built_from(lock, Monorepo("agora", str(stage.remote)).refs())


def test_a_release_name_for_sentry_is_made_from_the_running_images() -> None:
    assert parts_of(f"agora@{ImageVersion()}+{ImageCommit()}") == ["agora@", ImageVersion(), "+", ImageCommit()]


@pytest.mark.parametrize("name", ["cut", "pin", "promote", "finish"])
def test_whatever_changes_something_can_show_its_plan_and_answer_a_machine(name: str) -> None:
    options = {
        option for each in release.commands[name].params for option in each.opts if isinstance(each, click.Option)
    }
    assert {"--dry-run", "--json", "--yes", "--local"} <= options
