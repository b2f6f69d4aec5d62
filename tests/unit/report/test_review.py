"""Reviews of changes, and the comment on a pull request."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from portside.errors import Problem, UserError
from portside.report.review import EnvironmentReview, read_reviews, review
from portside.report.review_comment import MARKER, comment, escaped
from portside.synthesis.variants import Made
from tests.unit.documents import ROOT
from tests.unit.operations_support import resource


def made(**stacks: dict[str, Any]) -> Made:
    return Made({}, {f"app-dev-{name}": {"Resources": resources} for name, resources in stacks.items()})


def task(image: str, name: str = "web") -> dict[str, Any]:
    containers = [{"Name": name, "Image": image}]
    return resource("AWS::ECS::TaskDefinition", ContainerDefinitions=containers, Cpu="256", Memory="512")


SERVICE = resource("AWS::ECS::Service")
CLUSTER = resource("AWS::DocDB::DBCluster", StorageEncrypted=True)
WEB = {"Task": task("web:1"), "Service": SERVICE}


def test_nothing_changes() -> None:
    found = review("dev", made(web=WEB), made(web=WEB))
    assert list(found.sections) == []
    assert found.costs.endswith("+0.00")


def test_a_new_image_gives_new_tasks_and_interrupts_no_one() -> None:
    found = review("dev", made(web=WEB), made(web={**WEB, "Task": task("web:2")}))
    assert dict(found.sections) == {
        "New tasks, one after the other": ("app-dev-web",),
        "Images": ("web: web:1 to web:2",),
        "Stacks": ("app-dev-web: 1 changed",),
    }


def test_a_job_is_no_rollout() -> None:
    found = review("dev", made(job={"Task": task("job:1")}), made(job={"Task": task("job:2")}))
    assert (found.rollouts, found.images) == ((), ("web: job:1 to job:2",))


def test_what_is_replaced_deleted_or_interrupted_comes_first() -> None:
    before = made(data={"Cluster": CLUSTER}, web={**WEB, "Group": resource("AWS::ElasticLoadBalancingV2::TargetGroup")})
    changed = resource("AWS::DocDB::DBCluster", StorageEncrypted=False)
    group = resource("AWS::ElasticLoadBalancingV2::TargetGroup", Port=81)
    found = review("dev", before, made(data={"Cluster": changed}, web={**WEB, "Group": group}))
    [title, sentences] = next(iter(found.sections))
    assert title == "Replaced, deleted or interrupted"
    assert "app-dev-data Cluster: AWS::DocDB::DBCluster would be replaced" in sentences[0]
    assert "no target until new tasks are healthy" in sentences[1]


def test_a_change_in_place_is_no_loss() -> None:
    changed = resource("AWS::DocDB::DBCluster", StorageEncrypted=True, BackupRetentionPeriod=14)
    assert review("dev", made(data={"Cluster": CLUSTER}), made(data={"Cluster": changed})).losses == ()


def test_a_deleted_resource_without_state_is_no_loss() -> None:
    alarm = {"Alarm": resource("AWS::CloudWatch::Alarm")}
    assert review("dev", made(web={**WEB, **alarm}), made(web=WEB)).losses == ()


def test_a_new_service_is_no_rollout() -> None:
    assert (
        review("dev", made(web=WEB), made(web=WEB, api={"Task": task("api:1", "api"), "Service": SERVICE})).rollouts
        == ()
    )


def test_a_stack_that_is_no_longer_configured_is_not_deleted_without_an_option() -> None:
    [loss] = review("dev", made(web=WEB, old={"Cluster": CLUSTER}), made(web=WEB)).losses
    assert loss == "app-dev-old: no longer configured; deploy --prune deletes it"


def test_costs_are_those_of_the_templates() -> None:
    found = review("dev", made(network={}), made(network={"A": resource("AWS::EC2::NatGateway")}))
    assert found.dollars_before == 0
    assert found.dollars_after is not None
    assert found.costs == f"${found.dollars_after:.2f} a month expected, +{found.dollars_after:.2f}"


def test_only_new_findings_are_shown() -> None:
    wrong = {"Task": resource("AWS::ECS::TaskDefinition", Cpu="256", Memory="100000", **FARGATE)}
    first = review("dev", made(), made(web=wrong))
    assert first.findings
    assert review("dev", made(web=wrong), made(web=wrong)).findings == ()


FARGATE = {
    "RequiresCompatibilities": ["FARGATE"],
    "NetworkMode": "awsvpc",
    "ContainerDefinitions": [{"Name": "web", "Image": "web:1", "Essential": True}],
}


def test_of_a_configuration_with_mistakes_only_these_are_known() -> None:
    found = review("dev", made(web=WEB), Made(problems=(Problem("services[0]", "no port", "Add one."),)))
    assert found.mistakes == ("services[0]: no port. Add one.",)
    assert (found.costs, found.losses) == ("", ())


@pytest.mark.parametrize(("before", "after"), [(None, made(web=WEB)), (made(web=WEB), None)])
def test_an_environment_comes_or_goes(before: Made | None, after: Made | None) -> None:
    found = review("dev", before, after)
    if after:
        assert found.stacks == ("app-dev-web: new, 2 added",)
    else:
        assert "destroy it before" in found.losses[0]
        assert "--prune" not in found.losses[0]


def test_a_review_is_read_again_as_it_was_written() -> None:
    found = review("dev", made(web=WEB), made(web={**WEB, "Task": task("web:2")}))
    assert read_reviews(json.loads(json.dumps([found.as_json()]))) == [found]


GOOD = EnvironmentReview(environment="dev", dollars_after=1).as_json()


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        [1],
        [{}],
        [GOOD] * 21,
        [{**GOOD, "more": 1}],
        [{**GOOD, "environment": 1}],
        [{**GOOD, "stacks": "text"}],
        [{**GOOD, "stacks": [1]}],
        [{**GOOD, "dollars_after": "1"}],
        [{**GOOD, "dollars_after": True}],
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(UserError, match="not a review"):
        read_reviews(value)


def test_long_data_is_cut() -> None:
    [found] = read_reviews([{**GOOD, "stacks": ["x" * 9999] * 100, "environment": "y" * 9999}])
    assert (len(found.environment), len(found.stacks[0]), found.stacks[-1]) == (500, 500, "and 40 more")
    assert len(comment([found] * 20, "main")) < 65_536


HOSTILE = [
    "@everyone",
    "![x](https://evil.example/x.png)",
    "<img src=x onerror=alert(1)>",
    "<!-- -->",
    "a\n## heading",
    "#1 and GH-1",
    "[x](javascript:alert(1))",
    "`code` ``` fence",
    "| a | b |",
    "*bold* _it_ ~~s~~",
    "www.evil.example https://evil.example",
    "\u202eevil",
    "&lt;script&gt;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_has_no_effect_in_a_comment(text: str) -> None:
    found = escaped(text)
    assert not set(found.replace("&#", "")) & set("@<>[]!`|*~\n\u202e#:/")
    assert "www." not in found
    assert unescape(found).split() == text.replace("\u202e", " ").split()


def test_the_comment_begins_with_its_marker_and_says_if_nothing_changes() -> None:
    text = comment([EnvironmentReview(environment="dev", dollars_before=1, dollars_after=1)], "main")
    assert text.splitlines()[0] == MARKER
    assert "Nothing changes. $1.00 a month expected, +0.00" in text


FAKE_GH = """#!/usr/bin/env bash
printf '%s\\n' "$*" >>"$CALLS"
case "$*" in
  *pulls/7*) echo "$HEAD_OF_7" ;;
  *issues/7/comments*--jq*) echo "$EXISTING" ;;
esac
"""


def post(tmp_path: Path, *, number: str = "7", head: str = "abc", existing: str = "") -> tuple[int, list[str], str]:
    """Run the script of the workflow with a GitHub that notes its calls."""
    programs, folder = tmp_path / "bin", tmp_path / "review"
    programs.mkdir()
    folder.mkdir()
    gh = programs / "gh"
    gh.write_text(FAKE_GH)
    gh.chmod(gh.stat().st_mode | stat.S_IXUSR)
    (folder / "number").write_text(number)
    (folder / "review.json").write_text(json.dumps({"base": "main", "environments": [GOOD]}))
    calls = tmp_path / "calls"
    calls.touch()
    variables = {"CALLS": str(calls), "HEAD_OF_7": head, "EXISTING": existing}
    given = {"GITHUB_REPOSITORY": "owner/name", "COMMIT": "abc", "PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(
        [ROOT / "tools/comment_review.sh", folder],
        env={**os.environ, **variables, **given},
        capture_output=True,
        text=True,
    )
    return done.returncode, calls.read_text().splitlines(), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("existing", "verb"), [("", "--method POST"), ("12", "--method PATCH")])
def test_a_pull_request_has_one_comment_which_is_updated(tmp_path: Path, existing: str, verb: str) -> None:
    code, calls, said = post(tmp_path, existing=existing)
    assert code == 0, said
    assert verb in calls[-1]
    assert calls[-1].count("issues/comments/12") == bool(existing)


@pytest.mark.parametrize("number", ["7; rm -rf /", "../1", "", "0", "7\n8"])
def test_a_number_that_is_none_is_refused(tmp_path: Path, number: str) -> None:
    code, calls, said = post(tmp_path, number=number)
    assert (code, calls) == (1, [])
    assert "not the number of a pull request" in said


def test_another_pull_request_gets_no_comment(tmp_path: Path) -> None:
    code, calls, _ = post(tmp_path, head="def")
    assert code == 0
    assert not [each for each in calls if "--method" in each]
