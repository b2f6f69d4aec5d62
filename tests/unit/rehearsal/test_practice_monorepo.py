"""The monorepo that releases are practised on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portside.aws.target import local_state_dir
from portside.config.release_source import ReleaseSource
from portside.emulator.client import control
from portside.emulator.client.process import LocalAws
from portside.git import git
from portside.images.resolved_image import COMMIT
from portside.rehearsal import practice_monorepo
from tests.unit.configuration_support import api_and_app, check_configuration, environments
from tests.unit.git_support import head, hook, refs, tag, use_own_settings

CONFIGURATION = check_configuration(
    environments(
        dev={"GHCR_PACKAGE_VERSION": "edge"},
        stage={"GHCR_PACKAGE_VERSION": "4.2.0-rc2"},
        prod={"GHCR_PACKAGE_VERSION": "4.1.0-rc1"},
    ),
    api_and_app(),
    releases={"REPOSITORY": "https://github.com/Sage-Bionetworks/sage-monorepo", "TAG_PREFIX": "agora"},
)
AWS = LocalAws("http://127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:1", 1, 0.0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate state, and git without any configuration."""
    use_own_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The images that the embedded AWS is configured to publish."""
    images: list[dict[str, Any]] = []

    def publish_image(name: str, tags: Iterable[str], **more: Any) -> dict[str, Any]:
        images.append({"name": name, "tags": list(tags), **more})
        return {}

    monkeypatch.setattr(control, "publish_image", publish_image)
    return images


def _repository() -> Path:
    return Path(practice_monorepo.practice_source(CONFIGURATION).repository)


def test_it_begins_with_one_commit_that_carries_the_tags_of_what_stage_and_prod_run() -> None:
    source = practice_monorepo.practice_source(CONFIGURATION)
    assert (source.tag_prefix, source.branch) == ("agora", "main")
    repository = Path(source.repository)
    assert refs(repository) == dict.fromkeys(
        ["refs/heads/main", "refs/tags/agora/v4.2.0-rc2", "refs/tags/agora/v4.1.0-rc1"], head(repository)
    )
    assert git("rev-list", "--count", "main", folder=repository) == "1"
    assert COMMIT.fullmatch(head(repository))


def test_it_is_made_once_and_keeps_what_was_practised() -> None:
    tag(_repository(), head(_repository()), "agora/v4.3.0-rc1")
    commit = practice_monorepo.change(CONFIGURATION)
    assert head(_repository()) == commit
    assert "refs/tags/agora/v4.3.0-rc1" in refs(_repository())


def test_a_configuration_without_releases_is_practised_under_the_usual_tags() -> None:
    source = practice_monorepo.practice_source(replace(CONFIGURATION, releases=None))
    assert (source.tag_prefix, source.branch) == ("agora", "main")


def test_the_configurations_own_prefix_and_branch_are_used(home: Path) -> None:
    source = ReleaseSource("https://example.org/repo", "bix/arena", "trunk")
    repository = practice_monorepo.practice_monorepo(source, ["1.0.0", "1.0.0"])
    assert list(refs(repository)) == ["refs/heads/trunk", "refs/tags/bix/arena/v1.0.0"]
    assert git("symbolic-ref", "HEAD", folder=repository) == "refs/heads/trunk"


def test_a_change_is_an_anonymous_commit_on_top_of_the_branch() -> None:
    first = head(_repository())
    changes = [practice_monorepo.change(CONFIGURATION) for _ in range(3)]
    listed = git("log", "--format=%H %an <%ae>", "main", folder=_repository()).splitlines()
    assert [line.split(" ")[0] for line in listed] == [*reversed(changes), first]
    assert {line.partition(" ")[2] for line in listed} == {"Practice <practice@localhost>"}
    assert refs(_repository())["refs/tags/agora/v4.2.0-rc2"] == first


def test_what_was_left_incomplete_is_recreated() -> None:
    half = local_state_dir() / "monorepo.new"
    half.mkdir(parents=True)
    (half / "HEAD").write_text("half")
    assert "refs/heads/main" in refs(_repository())
    assert not half.exists()


def test_forgetting_it_makes_another() -> None:
    practice_monorepo.change(CONFIGURATION)
    practice_monorepo.forget()
    assert not (local_state_dir() / "monorepo.git").exists()
    practice_monorepo.forget()
    assert git("rev-list", "--count", "main", folder=_repository()) == "1"


def test_it_takes_tags_that_are_pushed_as_the_real_one_does(home: Path) -> None:
    clone = home / "clone"
    git("clone", "--quiet", str(_repository()), str(clone))
    git("push", "--quiet", "origin", "HEAD:refs/tags/agora/v4.3.0-rc1", folder=clone)
    assert refs(_repository())["refs/tags/agora/v4.3.0-rc1"] == head(_repository())


def test_hooks_of_the_persons_own_git_template_do_not_act_on_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = home / "template"
    git("init", "--quiet", "--bare", str(template))
    hook(template, "reference-transaction", "exit 1")
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template))
    assert "refs/heads/main" in refs(_repository())


def test_publishing_gives_each_image_the_tags_and_that_of_its_commit(published: list[dict[str, Any]]) -> None:
    commit = practice_monorepo.change(CONFIGURATION)
    references = ["ghcr.io/org/api:edge", "ghcr.io/org/app:edge", "ghcr.io/org/app:4.2.0-rc2", "path://docker/tool"]
    practice_monorepo.publish(AWS, references, ["4.3.0-rc1", "edge"], commit)
    assert [(each["name"], each["tags"]) for each in published] == [
        ("ghcr.io/org/api", ["4.3.0-rc1", "edge", f"sha-{commit[:7]}"]),
        ("ghcr.io/org/app", ["4.3.0-rc1", "edge", f"sha-{commit[:7]}"]),
    ]
    assert {(each["commit"], each["aws"].url) for each in published} == {(commit, AWS.url)}
    assert len({each["created"] for each in published}) == 1
