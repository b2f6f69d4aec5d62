"""Promoting: what the merge of one environment's branch into the next brings, told before anything is made."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from portside.config.configuration import ROOT
from portside.errors import ConfigurationError, UsageError, UserError
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage
from portside.images.synthesis_images import IMAGES_FILE
from portside.plan.plan import CREATE, NOTHING, UPDATE, ResourceChange
from portside.records.proof import Proof, seeded_record
from portside.release.promote import ImageChange, PromotionPlan, plan_promotion
from portside.release.pull_request import USE_A_MERGE_COMMIT
from portside.release.route import promoted_from
from tests.apps import AGORA
from tests.unit.configuration_support import check_configuration, environments, one_service
from tests.unit.repository_support import APP, Repository, make_repository

pytestmark = pytest.mark.slow

OLD, NEW = "4.2.0-rc2", "4.3.0-rc1"
FORWARD = APP.replace(OLD, NEW)

# The output of a CDK app: a stack for each file in a folder, with the topics that are named there.
SYNTHESIZE = """

import json, os, pathlib

if __name__ == "__main__":
    assert not os.environ["AGORA_IMAGES"]
    out = pathlib.Path(os.environ["CDK_OUTDIR"])
    out.mkdir(parents=True)
    stacks = {}
    for path in sorted(pathlib.Path("stacks").iterdir()):
        stack, file = path.stem, f"{path.stem}.template.json"
        resources = {name: {"Type": "AWS::SNS::Topic"} for name in path.read_text().split()}
        (out / file).write_text(json.dumps({"Resources": resources}))
        name = stack + "-" + os.environ["ENV"]
        properties = {"templateFile": file, "stackName": name}
        stacks[stack] = {"type": "aws:cloudformation:stack", "properties": properties}
    (out / "manifest.json").write_text(json.dumps({"artifacts": stacks}))
"""


CONFIGURATION = check_configuration(environments(dev={}, stage={}, prod={}), one_service)


def promotion(repository: Repository, name: str) -> PromotionPlan:
    target = CONFIGURATION.environment(name)
    return plan_promotion(repository.path, target, promoted_from(CONFIGURATION, target))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


def lock(version: str, digit: str, *names: str, stand_in: bool = False) -> Resolution:
    images = {
        f"ghcr.io/org/{name}:{version}": ResolvedImage(
            f"ghcr.io/org/{name}", version, f"sha256:{digit * 64}", "c" * 40, "linux/amd64", "2026-11-23T12:00:00+00:00"
        )
        for name in names
    }
    return Resolution(version, images, stand_in)


def file_of(lock: Resolution) -> dict[str, str]:
    return {f"releases/{lock.version}.json": lock.written()}


def test_promoting_to_what_nothing_is_promoted_to_is_refused(repository: Repository) -> None:
    with pytest.raises(UsageError) as raised:
        promotion(repository, "dev")
    assert raised.value.message == "nothing is promoted to dev, a development environment"
    assert raised.value.hint == "Known are: stage, prod."


def test_where_the_target_has_all_commits_there_is_nothing_to_promote(repository: Repository) -> None:
    with pytest.raises(UserError) as raised:
        promotion(repository, "stage")
    start = repository.at_origin("dev")[:7]
    assert raised.value.message == f"stage at {start} has all of dev at {start} already"
    assert "./agora release pin VERSION" in raised.value.hint


def test_a_merge_that_conflicts_is_refused_with_the_paths(repository: Repository) -> None:
    dev = repository.commit("dev", {"app.py": FORWARD}, "Forward")
    stage = repository.commit("stage", {"app.py": APP.replace(OLD, "4.1.0-rc1")}, "Back")
    with pytest.raises(UserError) as raised:
        promotion(repository, "stage")
    assert raised.value.message == f"merging dev at {dev[:7]} into stage at {stage[:7]} conflicts in app.py"
    assert raised.value.hint.splitlines() == [
        "stage has commits that dev lacks. Merge stage back into dev, which keeps what it names where both differ:",
        "  git switch -c merge-back/stage origin/dev",
        "  git merge -X ours origin/stage",
        "  git push origin merge-back/stage",
        "Open a pull request from it into dev, and merge it with a merge commit.",
    ]


def test_the_commands_that_a_conflict_is_answered_with_make_the_promotion_possible(repository: Repository) -> None:
    repository.commit("dev", {"app.py": FORWARD}, "Forward")
    repository.commit("stage", {"app.py": APP.replace(OLD, "4.1.0-rc1")}, "Back")
    with pytest.raises(UserError) as raised:
        promotion(repository, "stage")
    run_commands(repository, raised.value.hint, into="dev")
    assert promotion(repository, "stage").version == NEW


def run_commands(repository: Repository, hint: str, *, into: str) -> None:
    """Do what a hint says, and merge its pull request with a merge commit."""
    commands = [line.split()[1:] for line in hint.splitlines() if line.startswith("  git ")]
    for command in commands:
        repository.git(*command)
    branch = commands[0][2]
    repository.git("checkout", "--quiet", into)
    repository.git("pull", "--quiet", "--ff-only", "origin", into)
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", branch)
    repository.git("push", "--quiet", "origin", into)
    repository.git("checkout", "--quiet", "dev")


def squash(repository: Repository, source: str, into: str) -> str:
    """The commit of GitHub's "squash and merge" for a promotion."""
    repository.git("checkout", "--quiet", into)
    repository.git("merge", "--quiet", "--squash", source)
    repository.git("commit", "--quiet", "--no-verify", "--message", "Promote (#7)")
    repository.git("push", "--quiet", "origin", into)
    made = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "--quiet", "dev")
    return made


@pytest.mark.parametrize("own", [None, {"stage.txt": "what only stage has"}], ids=["alone", "with another commit"])
def test_a_conflict_after_a_squashed_promotion_is_explained_and_its_commands_end_it(
    repository: Repository, own: dict[str, str] | None
) -> None:
    if own:
        repository.commit("stage", own, "Stage's own")
    repository.commit("dev", {"app.py": APP.replace(OLD, "4.2.1-rc1")}, "One")
    promoted = repository.commit("dev", {"app.py": FORWARD}, "Two")
    squashed = squash(repository, "dev", "stage")
    repository.commit("dev", {"app.py": APP.replace(OLD, "4.4.0-rc1")}, "Three")
    with pytest.raises(UserError) as raised:
        promotion(repository, "stage")
    assert "conflicts in app.py" in raised.value.message
    assert f"stage's commit {squashed[:7]} has the content of dev's {promoted[:7]}, but not its" in raised.value.message
    assert "an earlier promotion was squashed" in raised.value.message
    before = repository.git("show", "stage:app.py")
    run_commands(repository, raised.value.hint, into="stage")
    assert repository.git("show", "stage:app.py") == before, "no file changes"
    assert promotion(repository, "stage").version == "4.4.0-rc1"


def test_the_versions_before_and_after_are_those_of_the_two_branches(repository: Repository) -> None:
    repository.commit(
        "dev",
        {
            "app.py": FORWARD.replace(
                '"prod": {"GHCR_PACKAGE_VERSION": "4.3.0-rc1"', '"prod": {"GHCR_PACKAGE_VERSION": "9.9.9"'
            )
        },
        "Forward",
    )
    plan = promotion(repository, "stage")
    assert (plan.environment, plan.version_before, plan.version) == ("stage", OLD, NEW)
    assert plan.title == "Promote 4.3.0-rc1 to stage"
    assert plan.branch == f"promote/stage-4.3.0-rc1-{repository.at_origin('dev')[:7]}"


def test_a_version_that_only_the_target_has_changed_is_kept_by_the_merge_and_that_is_refused(
    repository: Repository,
) -> None:
    repository.commit("stage", {"app.py": APP.replace(OLD, "4.1.0-rc1")}, "Roll back")
    repository.commit("dev", {"a": "a"}, "Something else")
    with pytest.raises(UserError) as raised:
        promotion(repository, "stage")
    reported = "after the merge stage would run 4.1.0-rc1, not 4.2.0-rc2: app.py was changed in stage since"
    assert raised.value.message == reported


def test_prod_is_promoted_from_stage_and_not_from_dev(repository: Repository) -> None:
    repository.commit("dev", {"app.py": FORWARD}, "Forward")
    with pytest.raises(UserError, match=r"prod at \w{7} has all of stage at \w{7} already"):
        promotion(repository, "prod")
    repository.commit("stage", {"app.py": APP.replace(OLD, "4.2.1-rc1")}, "A hotfix")
    assert promotion(repository, "prod").version == "4.2.1-rc1"


def test_a_source_that_names_no_version_is_refused(repository: Repository) -> None:
    repository.commit("dev", {"app.py": "ENVIRONMENTS = {}\n"}, "Empty")
    with pytest.raises(UsageError) as raised:
        promotion(repository, "stage")
    assert raised.value.message == "app.py in refs/remotes/origin/dev names no version for stage"
    assert "./agora release pin VERSION" in raised.value.hint


def test_each_image_that_changes_is_reported_with_its_digest_before_and_after(repository: Repository) -> None:
    before, after = lock(OLD, "a", "app", "api"), lock(NEW, "b", "app", "worker")
    kept = {f"ghcr.io/org/api:{NEW}": lock(NEW, "a", "api").images[f"ghcr.io/org/api:{NEW}"]}
    repository.commit("stage", file_of(before), "A lock")
    repository.commit(
        "dev", {"app.py": FORWARD, **file_of(dataclasses.replace(after, images={**after.images, **kept}))}, "Forward"
    )
    plan = promotion(repository, "stage")
    assert plan.images == (
        ImageChange(f"ghcr.io/org/app:{NEW}", f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"),
        ImageChange(f"ghcr.io/org/worker:{NEW}", None, f"sha256:{'b' * 64}"),
    )
    assert f"- ghcr.io/org/app:{NEW}: sha256:{'b' * 64}\n" in plan.body


def test_a_malformed_lock_does_not_block_its_replacement(repository: Repository) -> None:
    repository.commit("stage", {f"releases/{OLD}.json": "{"}, "A lock")
    repository.commit("dev", {"app.py": FORWARD, **file_of(lock(NEW, "b", "app"))}, "Forward")
    assert [change.before for change in promotion(repository, "stage").images] == [None]


def test_a_malformed_lock_at_the_source_is_refused(repository: Repository) -> None:
    repository.commit("dev", {"app.py": FORWARD, f"releases/{NEW}.json": "{"}, "Forward")
    with pytest.raises(ConfigurationError, match="not JSON"):
        promotion(repository, "stage")


def test_the_lock_that_is_promoted_is_that_of_the_source(repository: Repository) -> None:
    after = lock(NEW, "b", "app")
    repository.commit("dev", {"app.py": FORWARD, **file_of(after)}, "Forward")
    assert promotion(repository, "stage").read_lock(repository.path) == after


def test_a_source_without_the_lock_is_reported_with_the_command_that_makes_it(repository: Repository) -> None:
    repository.commit("dev", {"app.py": FORWARD}, "Forward")
    plan = promotion(repository, "stage")
    assert plan.images == ()
    with pytest.raises(UsageError) as raised:
        plan.read_lock(repository.path)
    assert (
        raised.value.message
        == f"releases/{NEW}.json is missing in refs/remotes/origin/dev at {plan.merge.source.commit[:7]}"
    )
    assert raised.value.hint.endswith(f"./agora release pin {NEW}")


def test_stubs_are_not_promoted(repository: Repository) -> None:
    repository.commit("dev", {"app.py": FORWARD, **file_of(lock(NEW, "b", "app", stand_in=True))}, "Forward")
    with pytest.raises(UsageError, match="made without a registry"):
        promotion(repository, "stage").read_lock(repository.path)


def test_the_templates_of_both_sides_are_made_by_their_own_code(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks = {"stacks/old.txt": "A B", "stacks/same.txt": "A"}
    repository.commit("dev", {"app.py": APP + SYNTHESIZE, **stacks}, "An app")
    repository.git("branch", "--force", "stage", "dev")
    repository.commit("stage", {"stacks/own.txt": "A"}, "What only stage has, and keeps")
    stacks = {"stacks/old.txt": "B C D", "stacks/new.txt": "A"}
    repository.commit("dev", {"app.py": FORWARD + SYNTHESIZE, **stacks}, "Forward")
    monkeypatch.setenv(IMAGES_FILE, "chosen-for-something-else.json")
    plan = promotion(repository, "stage")
    assert plan.remark == ""
    assert plan.templates
    found = {each.stack: (each.action, each.summary) for each in plan.templates}
    assert found == {
        "new-stage": (CREATE, "1 added"),
        "old-stage": (UPDATE, "2 added, 1 removed"),
        "own-stage": (NOTHING, ""),
        "same-stage": (NOTHING, ""),
    }
    assert "Templates:\n- new-stage: 1 added\n- old-stage: 2 added, 1 removed\n" in plan.body
    assert json.loads(json.dumps(plan.as_json()))["templates"][3]["stack"] == "same-stage"


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("raise SystemExit('app.py: no configuration\\nLook at it.')", "app.py: no configuration"),
        ("raise ValueError('first\\nlast')", "last"),
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("", "it said nothing"),
    ],
)
def test_where_a_side_makes_no_templates_the_plan_says_why_and_is_kept(
    app: str, said: str, repository: Repository
) -> None:
    fails = f"{APP}if __name__ == '__main__':\n    pass\n    {app}\n"
    repository.commit("stage", {"app.py": fails}, "Fails")
    repository.commit("dev", {"a": "a"}, "Forward")
    plan = promotion(repository, "stage")
    assert (plan.templates, plan.remark) == (None, f"stage makes no templates to compare: {said}")
    assert "Templates:" not in plan.body


def test_the_pull_request_says_what_is_merged_what_proves_it_and_that_no_image_changes(
    repository: Repository,
) -> None:
    repository.commit("dev", {"a": "a"}, "Forward: with care")
    plan = promotion(repository, "stage")
    proof = Proof("stage", seeded_record(lock(OLD, "a", "app")))
    [(commit, _)] = plan.merge.commits
    assert dataclasses.replace(plan, proof=proof).body == (
        f"Merges dev into stage.\n\n{USE_A_MERGE_COMMIT}\n\n{proof.sentence}\n\nImages:\n- the same as before\n\n"
        f"Commits:\n- {commit} Forward: with care\n"
    )


def test_planning_changes_nothing_in_the_repository(repository: Repository) -> None:
    repository.commit("dev", {"app.py": FORWARD}, "Forward")
    before = repository.state(), repository.git("branch", "--list")
    promotion(repository, "stage")
    assert (repository.state(), repository.git("branch", "--list")) == before


@pytest.mark.slow
def test_a_change_of_a_configuration_is_described_by_the_resources_that_it_changes(repository: Repository) -> None:
    shutil.copytree(AGORA / "releases", repository.path / "releases")
    for name in ("src", "portside"):
        shutil.copytree(ROOT / name, repository.path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cdk.json", repository.path)
    configuration = (AGORA / "app.py").read_text()
    repository.commit("dev", {"app.py": configuration}, "The configuration")
    repository.git("add", ".")
    repository.git("commit", "--quiet", "--message", "The rest")
    repository.git("push", "--quiet", "origin", "dev", "dev:stage")
    assert "cpu=1024" in configuration
    repository.commit("dev", {"app.py": configuration.replace("cpu=1024", "cpu=2048")}, "More for api-next")
    plan = promotion(repository, "stage")
    assert plan.templates, plan.remark
    changed = {each.stack: each.resources for each in plan.templates if each.action != NOTHING}
    assert list(changed) == ["agora-stage-api-next"]
    assert [type(each) for each in changed["agora-stage-api-next"]] == [ResourceChange]
    assert changed["agora-stage-api-next"][0].kind == "AWS::ECS::TaskDefinition"
