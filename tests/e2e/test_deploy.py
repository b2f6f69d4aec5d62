"""Deploying for real: the CDK's own command line, the real templates, the embedded AWS."""

from __future__ import annotations

import html
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from portside.emulator.client import resource_types
from portside.findings.codes import outer
from tests.e2e.aws import Clients, clients, revisions, running_images
from tests.e2e.clone import Answer, Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SERVICES = ["agora-api", "agora-api-next", "agora-api-docs", "agora-app", "agora-apex"]


def test_a_first_deployment_ends_with_what_runs_and_where(first_deployment: tuple[Clone, Answer]) -> None:
    _, answer = first_deployment
    lines = [line.split() for line in answer.stdout.splitlines()]
    assert lines[0] == ["Service", "Version", "Commit", "Desired", "Running", "Health"]
    assert [[*line[:2], *line[3:]] for line in lines[1:6]] == [
        [name.removeprefix("agora-"), "edge", "1", "1", "running" if name == "agora-api-next" else "healthy"]
        for name in SERVICES
    ]
    assert ["Export", "agora-dev-load-balancer-dns"] in lines
    assert any(line[:2] == ["Load", "balancer"] and line[2].endswith(".elb.amazonaws.com") for line in lines)
    assert "\x1b" not in answer.stdout + answer.stderr, "colours do not belong into a pipe"


def test_callees_are_there_before_their_callers_on_a_first_deployment(first_deployment: tuple[Clone, Answer]) -> None:
    _, answer = first_deployment
    finished = [line.split()[2].rstrip(":") for line in answer.stderr.splitlines() if line.endswith(": created")]
    assert finished.index("agora-dev-network") == 0
    assert finished.index("agora-dev-api") < finished.index("agora-dev-app") < finished.index("agora-dev-apex")


def test_each_services_rollout_is_reported_and_kept_with_a_page(first_deployment: tuple[Clone, Answer]) -> None:
    _, answer = first_deployment
    for name in SERVICES:
        assert any(f"  {name}: " in line and "1 of 1" in line for line in answer.stderr.splitlines()), name
    (page,) = (Path(line) for line in answer.stderr.splitlines() if line.endswith("page.html"))
    assert page.parent.name.endswith("Z-healthy")
    timeline = json.loads((page.parent / "timeline.json").read_text())
    assert {each["subject"] for each in timeline["moments"] if each["kind"] == "service"} == set(SERVICES)


def test_deploying_again_changes_nothing_and_reports_that(first_deployment: tuple[Clone, Answer]) -> None:
    clone, _ = first_deployment
    before = revisions(clients(clone.exports("dev")))
    answer = clone.agora("deploy", "dev", "--local", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert {change["action"] for change in answer.json()["plan"]} == {"nothing"}
    assert "No stack needs a change." in answer.stderr
    assert revisions(clients(clone.exports("dev"))) == before


def test_a_difference_is_shown_and_nothing_is_done(first_deployment: tuple[Clone, Answer]) -> None:
    clone, _ = first_deployment
    assert {change["action"] for change in clone.agora("diff", "dev", "--local", "--json").json()} == {"nothing"}
    answer = clone.agora("deploy", "stage", "--local", "--dry-run", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert {change["action"] for change in answer.json()["plan"]} == {"create"}
    assert "deployment" not in answer.json()
    assert not [
        stack for stack in clone.agora("local", "status", "--json").json()["stacks"] if "stage" in stack["name"]
    ]


def test_the_embedded_aws_has_every_resource_type_of_the_templates(
    first_deployment: tuple[Clone, Answer],
) -> None:
    clone, _ = first_deployment
    templates = [json.loads(path.read_text()) for path in Path(clone.folder, ".agora").rglob("*.template.json")]
    used = {resource["Type"] for template in templates for resource in template["Resources"].values()}
    missing = used - resource_types.supported()
    assert not missing, f"portside/emulator lacks {', '.join(sorted(missing))}"


def test_a_new_image_of_one_service_rolls_that_service_only_however_slowly_it_starts(deployed: Clone) -> None:
    of = clients(deployed.exports("dev"))
    before = revisions(of)
    deployed.edit_configuration('{REGISTRY}/agora-api:{version}"', '{REGISTRY}/agora-api:4.3.0-rc1"')
    answer = deployed.agora("deploy", "dev", "--local", "--fault", "agora-api=slow-start:2")
    assert answer.exit_code == 0, answer.stderr
    assert revisions(of) == before | {"api": before["api"] + 1}
    assert running_images(of)["api"] == {deployed_image(of, "api", tag="4.3.0-rc1")}


def deployed_image(of: Clients, service: str, *, tag: str) -> str:
    """The image that a service's stack says it runs, by its digest; it was chosen by this tag."""
    described = of("cloudformation").describe_stacks(StackName=f"agora-dev-{service}")["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
    assert outputs["Image"] == f"ghcr.io/sage-bionetworks/agora-{service}:{tag}"
    return f"ghcr.io/sage-bionetworks/agora-{service}@{outputs['ImageDigest']}"


@pytest.mark.parametrize(
    ("fault", "reason", "cause"),
    [
        ("missing-image", "CannotPullContainerError", "IMAGE_MISSING"),
        ("crash-at-start", "agora-app exited with 1", "CRASH_AT_START"),
        ("never-healthy", "health checks", "HEALTH_CHECK"),
    ],
)
def test_a_release_that_fails_is_rolled_back_and_the_old_one_serves_on(
    failing: Clone, fault: str, reason: str, cause: str
) -> None:
    of = clients(failing.exports("dev"))
    answer = failing.agora("deploy", "dev", "--local", "--fault", f"agora-app={fault}", "--json")
    assert answer.exit_code == 1
    assert any("agora-app: task " in line and reason in line for line in answer.stderr.splitlines())
    failure = answer.json()["failure"]
    assert [(each["service"], outer(each["cause"])) for each in failure["verdicts"]] == [("agora-app", cause)]
    assert answer.stderr.splitlines()[-1] == f"fix: {failure['verdicts'][0]['fix']}"
    assert "Traceback" not in answer.stderr
    kept = Path(failure["folder"])
    assert {path.name for path in kept.iterdir()} == {"page.html", "summary.json", "timeline.json", "evidence.json"}
    assert failure["verdicts"][0]["sentence"] in html.unescape((kept / "page.html").read_text())
    assert running_images(of)["app"] == {deployed_image(of, "app", tag="edge")}
    stack = of("cloudformation").describe_stacks(StackName="agora-dev-app")["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


@pytest.fixture(scope="module")
def failing(new_deployed: Callable[[], Clone]) -> Clone:
    """A clone from which dev was deployed, with a release of agora-app in its configuration that is yet to be
    deployed.
    """
    clone = new_deployed()
    clone.edit_configuration('{REGISTRY}/agora-app:{version}"', '{REGISTRY}/agora-app:4.3.0-rc1"')
    return clone


def test_a_first_deployment_that_failed_reports_each_cause_and_is_fixed_by_the_next(
    new_clone: Callable[[], Clone],
) -> None:
    clone = new_clone()
    faults = ("--fault", "agora-api=database-unreachable", "--fault", "agora-api-next=missing-secret")
    # Otherwise the stacks no longer exist within a second, which on AWS takes minutes.
    failed = clone.agora("deploy", "dev", "--local", "--json", *faults, AGORA_LOCAL_TIME_SCALE="8")
    clone.stop()
    assert failed.exit_code == 1
    assert "stopped: ResourceInitializationError: unable to pull secrets" in failed.stderr
    error = failed.json()["error"]
    assert error["message"].startswith(f"deploying dev on this machine failed\n{error['stopped_by']}\n")
    assert error["stopped_by"].startswith("cdk deploy failed: agora-dev-api")
    assert "\nagora-api-next: " in error["message"]
    # Their logs, which alone tell why agora-api crashed, went with the stacks.
    causes = {(each["service"], outer(each["cause"])) for each in failed.json()["failure"]["verdicts"]}
    assert {("agora-api", "DATABASE_UNREACHABLE"), ("agora-api-next", "SECRET_MISSING")} <= causes
    fixed = clone.agora("deploy", "dev", "--local", "--json")
    assert fixed.exit_code == 0, fixed.stderr
    assert {service["health"] for service in fixed.json()["deployment"]["services"]} <= {"healthy", "running"}


def test_a_certificate_of_another_id_is_refused_by_the_listener(deployed: Clone) -> None:
    exports = deployed.exports("dev")
    deployed.edit_configuration("e8093404-7db1-4042-90d0-01eb5bde1ffc", "11111111-2222-3333-4444-555555555555")
    answer = deployed.run(["cdk", "deploy", "agora-dev-apex", "--exclusively", "--require-approval", "never"], exports)
    assert answer.exit_code != 0
    assert "certificate" in (answer.stdout + answer.stderr).lower()


def test_consumers_of_a_value_that_changed_are_updated_too(deployed: Clone) -> None:
    of = clients(deployed.exports("dev"))
    ssm = of("ssm")
    record = json.loads(ssm.get_parameter(Name="/agora/dev/references")["Parameter"]["Value"])
    moment, _ = record["agora-dev-api"]
    record["agora-dev-api"] = (moment, "other values")
    ssm.put_parameter(Name="/agora/dev/references", Value=json.dumps(record), Type="String", Overwrite=True)
    before = revisions(of)
    answer = deployed.agora("deploy", "dev", "--local")
    assert answer.exit_code == 0, answer.stderr
    assert "use old outputs of other stacks: agora-dev-api …" in answer.stderr
    assert revisions(of) == before, "a value that is read again and is the same rolls nothing"
    again = deployed.agora("deploy", "dev", "--local")
    assert "old values" not in again.stderr


def test_prod_runs_twice_as_many_tasks_in_its_own_account_and_answers_through_its_load_balancer(
    first_deployment: tuple[Clone, Answer],
) -> None:
    clone, _ = first_deployment
    answer = clone.agora("deploy", "prod", "--local", "--seed-stage", "--json")
    assert answer.exit_code == 0, answer.stderr
    deployment = answer.json()["deployment"]
    assert deployment["account"] == "681175625864"
    assert {(each["desired"], each["running"]) for each in deployment["services"]} == {(2, 2)}
    assert deployment["load_balancer_export"] == "agora-prod-load-balancer-dns"
    with urllib.request.urlopen(f"{deployment['urls']['Stand-in']}/health", timeout=10) as response:
        assert json.load(response)["image"].startswith("ghcr.io/sage-bionetworks/agora-app@sha256:")
