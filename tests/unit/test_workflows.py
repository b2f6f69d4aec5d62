from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from portside.cli.main import program
from portside.config import configuration
from portside.deploy.deploy_role import LONGEST_SESSION_POLICY, session_policy
from portside.deploy.deployment_folder import folders_of
from portside.images.release_lock import find_lock, lock_name
from portside.plan import images
from tests.apps import AGORA, agora, hello

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.stem: path for path in (ROOT / ".github/workflows").glob("*.yaml")}


def workflow(name: str) -> dict[str, Any]:
    parsed = yaml.safe_load(WORKFLOWS[name].read_text())
    # YAML 1.1 reads the key "on" as true.
    return {("on" if key is True else key): value for key, value in parsed.items()}


def jobs() -> dict[str, dict[str, Any]]:
    return {f"{name}/{job}": body for name in WORKFLOWS for job, body in workflow(name)["jobs"].items()}


def steps() -> list[dict[str, Any]]:
    return [step for job in jobs().values() for step in job.get("steps", [])]


def steps_of(job: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = jobs()[job]["steps"]
    return steps


def position(steps: list[dict[str, Any]], text: str) -> int:
    [found] = [index for index, step in enumerate(steps) if text in step.get("uses", "") + step.get("run", "")]
    return found


def outputs(*arguments: str) -> dict[str, str]:
    """The outputs that `./agora ci` prints."""
    answer = CliRunner().invoke(program, ["ci", *arguments])
    assert answer.exit_code == 0, answer.output
    return dict(line.split("=", 1) for line in answer.stdout.splitlines())


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of Agora's release, as if it was made from what is published and not from stubs."""
    lock = find_lock("4.2.1-rc1")
    assert lock
    (tmp_path / lock_name("4.2.1-rc1")).write_text(dataclasses.replace(lock, stand_in=False).written())
    monkeypatch.setattr(images, "RELEASES", tmp_path)


def test_every_branch_is_offered_and_the_configuration_says_what_is_deployed_from_it() -> None:
    assert workflow("deploy-branch")["on"] == {"push": {"branches": ["**"]}, "workflow_dispatch": None}
    step = steps_of("deploy-branch/environments")[-1]
    assert step["env"] == {"BRANCH": "${{ github.ref_name }}"}
    assert step["run"] == './agora ci --branch "$BRANCH" >>"$GITHUB_OUTPUT"'
    for name, environment in agora().environments.items():
        assert json.loads(outputs("--branch", environment.branch)["environments"]) == [name]


def test_a_branch_of_no_environment_is_neither_tested_nor_deployed() -> None:
    empty = outputs("--branch", "feature/x")["environments"]
    job = jobs()["deploy-branch/test"]
    assert job["if"] == f"needs.environments.outputs.environments != '{empty}'"
    assert job["needs"] == "environments"


def test_a_tag_of_the_name_of_a_branch_deploys_nothing() -> None:
    assert jobs()["deploy-branch/environments"]["if"] == "github.ref_type == 'branch'"


def test_nothing_is_deployed_before_its_tests_have_passed() -> None:
    assert jobs()["deploy-branch/deploy"]["needs"] == ["environments", "test"]


def test_the_tested_commit_is_the_deployed_commit() -> None:
    tested, deployed = (jobs()[f"deploy-branch/{job}"]["with"]["commit"] for job in ("test", "deploy"))
    assert tested == deployed == "${{ github.sha }}"


@pytest.mark.parametrize("job", ["test/test", "deploy/deploy"])
def test_the_reusable_workflows_check_out_the_commit_they_are_given(job: str) -> None:
    assert steps_of(job)[0]["with"]["ref"] == "${{ inputs.commit }}"


def test_deployments_of_a_branch_wait_for_each_other_and_are_not_cut_off() -> None:
    expected = {"group": "deploy-branch-${{ github.ref }}", "cancel-in-progress": False}
    assert workflow("deploy-branch")["concurrency"] == expected


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("job", ["deploy-branch/deploy", "check/synth"])
def test_the_environments_are_those_of_the_configuration(job: str) -> None:
    found = jobs()[job]
    assert found["strategy"]["matrix"] == {"environment": "${{ fromJSON(needs.environments.outputs.environments) }}"}
    source = jobs()[f"{job.partition('/')[0]}/environments"]
    step = source["steps"][-1]
    assert source["outputs"] == {"environments": f"${{{{ steps.{step['id']}.outputs.environments }}}}"}
    assert "./agora ci" in step["run"]
    assert json.loads(outputs()["environments"]) == list(agora().environments)


def test_a_deployment_runs_in_its_github_environment() -> None:
    assert jobs()["deploy/deploy"]["environment"] == "${{ inputs.environment }}"
    assert jobs()["deploy-branch/deploy"]["with"]["environment"] == "${{ matrix.environment }}"


def test_a_deployment_assumes_the_role_of_the_configuration_by_oidc() -> None:
    steps = steps_of("deploy/deploy")
    read, credentials = steps[(place := position(steps, "aws-actions/configure-aws-credentials")) - 1], steps[place]
    assert read["run"] == './agora ci "$ENVIRONMENT" >>"$GITHUB_OUTPUT"'
    assert read["env"] == {"ENVIRONMENT": "${{ inputs.environment }}"}
    given = {key: value for key, value in credentials["with"].items() if key != "role-duration-seconds"}
    source = f"${{{{ steps.{read['id']}.outputs.%s }}}}"
    assert given == {
        "role-to-assume": source % "role",
        "allowed-account-ids": source % "account",
        "aws-region": source % "region",
        "inline-session-policy": source % "session-policy",
    }


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_configuration_gives_account_region_role_and_session_policy(name: str) -> None:
    environment = agora().environment(name)
    found = outputs(name)
    assert (found["account"], found["region"]) == (environment.account, environment.region)
    assert found["role"] == f"arn:aws:iam::{environment.account}:role/sagebase-github-oidc-agora-infra-v3"
    assert json.loads(found["session-policy"]) == session_policy(environment)
    assert len(found["session-policy"]) <= LONGEST_SESSION_POLICY


def test_a_role_without_a_name_in_the_configuration_has_that_of_its_environment() -> None:
    environment = hello().environment("dev")
    assert environment.deploy_role_arn == "arn:aws:iam::111122223333:role/hello-dev-deploy"


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("version", ["edge", "9.9.9"])
def test_an_environment_without_a_release_keeps_no_other_one_from_being_checked_and_deployed(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = (AGORA / "app.py").read_text()
    (tmp_path / "app.py").write_text(written.replace('"4.2.1-rc1"', f'"{version}"', 1))
    monkeypatch.setattr(configuration, "APP_FOLDER", tmp_path)
    answer = CliRunner().invoke(program, ["ci"])
    assert answer.stdout == 'environments=["dev", "prod"]\n'
    assert answer.stderr.startswith('stage is omitted, because it has no release yet:\nENVIRONMENTS["stage"]')
    assert outputs("--branch", "dev")["environments"] == '["dev"]'
    assert outputs("--branch", "stage")["environments"] == '["stage"]'
    assert outputs("dev")["account"] == agora().environment("dev").account


def test_one_environment_and_a_branch_together_are_refused() -> None:
    assert CliRunner().invoke(program, ["ci", "dev", "--branch", "dev"]).exit_code != 0


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_no_workflow_names_an_account_a_role_a_region_or_an_environment(name: str) -> None:
    text = WORKFLOWS[name].read_text()
    assert not re.findall(r"\b\d{12}\b|arn:aws|\b[a-z]{2}-[a-z]+-\d\b|parameter/", text)
    assert not re.findall(r"(?<![\w-])(?:dev|stage|prod)(?![\w-])", re.sub(r"setup\.sh --dev|/dev/", "", text))


def test_the_folder_of_a_deployment_is_kept_and_linked_however_it_ended() -> None:
    deploy, keep, link = steps_of("deploy/deploy")[-3:]
    assert deploy["run"] == './agora deploy "$ENVIRONMENT" --yes'
    assert keep["uses"].startswith("actions/upload-artifact@")
    assert keep["if"] == "${{ always() && steps.deploy.outcome != 'skipped' }}"
    assert keep["with"]["path"] == ".agora/deployments/${{ inputs.environment }}/"
    assert keep["with"]["include-hidden-files"] is True, "otherwise .agora is omitted"
    assert 1 <= keep["with"]["retention-days"] <= 90
    assert "github.run_attempt" in keep["with"]["name"], "an artifact of that name is there when a job is run again"
    assert link["if"] == f"${{{{ always() && steps.{keep['id']}.outputs.artifact-url != '' }}}}"
    assert link["env"] == {"ADDRESS": f"${{{{ steps.{keep['id']}.outputs.artifact-url }}}}"}


def run_script(step: dict[str, Any], tmp_path: Path, **values: str) -> str:
    """The summary that a step's script writes."""
    summary = tmp_path / "summary"
    variables = {"PATH": "/usr/bin:/bin", "GITHUB_STEP_SUMMARY": str(summary)} | values
    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], env=variables, check=True, cwd=tmp_path)
    return summary.read_text()


def test_the_summary_links_the_artifact(tmp_path: Path) -> None:
    step = steps_of("deploy/deploy")[-1]
    assert "](https://github.com/o/n/a)" in run_script(step, tmp_path, ADDRESS="https://github.com/o/n/a")


def test_a_role_that_was_refused_is_explained(tmp_path: Path) -> None:
    steps = steps_of("deploy/deploy")
    [step] = [each for each in steps if each.get("if") == "${{ failure() && steps.credentials.outcome == 'failure' }}"]
    assert steps[steps.index(step) - 1]["id"] == "credentials"
    said = run_script(step, tmp_path, ENVIRONMENT="stage", ROLE="deployer")
    assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in said
    assert "`./agora role stage --only trust`" in said
    [page, section] = re.findall(r'(docs/[\w-]+\.md), "([^"]+)"', said)[0]
    assert f"\n## {section}\n" in (ROOT / page).read_text()


def test_the_folder_that_is_kept_is_where_deployments_leave_theirs() -> None:
    kept = steps_of("deploy/deploy")[-2]["with"]["path"].replace("${{ inputs.environment }}", "dev")
    assert folders_of("dev").relative_to(ROOT).as_posix() + "/" == kept


def test_packages_are_installed_before_there_are_credentials() -> None:
    steps = steps_of("deploy/deploy")
    assert (
        position(steps, "tools/setup.sh")
        < position(steps, "configure-aws-credentials")
        < position(steps, "agora deploy")
    )


def test_only_deployments_may_assume_a_role() -> None:
    allowed = {name for name, job in jobs().items() if "id-token" in job["permissions"]}
    assert allowed == {"app-deploy/deploy", "deploy/deploy", "deploy-branch/deploy"}


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_a_workflow_grants_nothing_to_all_of_its_jobs(name: str) -> None:
    assert workflow(name)["permissions"] == {}


def test_no_job_may_write_anything_but_its_identity_and_the_comment_of_a_review() -> None:
    rights = {(*right, name) for name, job in jobs().items() for right in job["permissions"].items()}
    assert {right[:2] for right in rights if right[2] != COMMENT} == {
        ("contents", "read"),
        ("id-token", "write"),
    }
    assert {right[:2] for right in rights if right[2] == COMMENT} == {
        ("actions", "read"),
        ("contents", "read"),
        ("pull-requests", "write"),
    }


COMMENT = "review-comment/comment"


def test_the_job_with_the_right_to_comment_runs_the_code_of_the_default_branch() -> None:
    assert workflow("review-comment")["on"] == {"workflow_run": {"workflows": ["review"], "types": ["completed"]}}
    [checkout] = [step for step in steps_of(COMMENT) if "checkout" in step.get("uses", "")]
    assert "ref" not in checkout["with"]
    downloaded = [step["run"] for step in steps_of(COMMENT) if "RUNNER_TEMP" in step.get("run", "")]
    # The data of the pull request is outside the checkout, and goes to one script.
    assert [each.split()[0] for each in downloaded] == ["gh", "./tools/comment_review.sh"]


def test_the_job_that_runs_the_code_of_a_pull_request_has_no_secret_and_no_right_to_write() -> None:
    assert workflow("review")["on"] == {"pull_request": None}
    assert jobs()["review/review"]["permissions"] == {"contents": "read"}
    assert "secrets." not in WORKFLOWS["review"].read_text()


def test_every_job_that_runs_has_a_limit_of_time() -> None:
    assert all(0 < job["timeout-minutes"] <= 60 for job in jobs().values() if "steps" in job)


def test_every_action_is_pinned_by_commit_with_its_version_next_to_it() -> None:
    lines = [
        line
        for path in WORKFLOWS.values()
        for line in path.read_text().splitlines()
        if re.search(r"uses: (?!\$/)", line)
    ]
    assert lines
    assert all(re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in lines)


def test_no_check_out_leaves_the_token_behind() -> None:
    checkouts = [step for step in steps() if "actions/checkout@" in step.get("uses", "")]
    assert len(checkouts) == len([job for job in jobs().values() if "steps" in job])
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_script_has_an_expression_written_into_it() -> None:
    assert not [step["run"] for step in steps() if "${{" in step.get("run", "")]


def test_nothing_is_cached() -> None:
    assert not [step for step in steps() if "cache" in step.get("uses", "") or "cache" in step.get("with", {})]


def test_pull_requests_to_every_deployed_branch_are_checked_without_aws() -> None:
    assert workflow("check")["on"] == {"pull_request": None}
    assert "aws" not in WORKFLOWS["check"].read_text().lower()


def test_the_test_workflow_runs_what_a_user_runs() -> None:
    steps = steps_of("test/test")
    assert steps[position(steps, ".ci/run")]["run"] == "bash .ci/run"


@pytest.mark.parametrize("job", ["test/test", "check/audits"])
def test_the_reports_of_the_audits_are_kept_whatever_they_say(job: str) -> None:
    last = steps_of(job)[-1]
    assert last["uses"].startswith("actions/upload-artifact@")
    assert last["if"] == "${{ !cancelled() }}"
    assert (last["with"]["path"], last["with"]["if-no-files-found"]) == (".agora/reports/", "error")


def test_commands_of_the_workflows_exist() -> None:
    named = set(
        re.findall(r"(?:\./|bash |python )((?:tools|\.ci)/[\w.]+)", " ".join(step.get("run", "") for step in steps()))
    )
    assert named == {"tools/comment_review.sh", "tools/setup.sh", "tools/template_summary.py", ".ci/run"}
    assert all((ROOT / path).is_file() for path in named)


def test_the_summary_of_templates_counts_resources_by_stack(tmp_path: Path) -> None:
    resources = {"A": {"Type": "AWS::EC2::Subnet"}, "B": {"Type": "AWS::EC2::Subnet"}, "C": {"Type": "AWS::EC2::VPC"}}
    (tmp_path / "agora-dev-network.template.json").write_text(json.dumps({"Resources": resources}))
    command = [sys.executable, str(ROOT / "tools/template_summary.py"), str(tmp_path)]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "| agora-dev-network | 3 | 2 EC2::Subnet, 1 EC2::VPC |" in table
