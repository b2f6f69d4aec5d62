"""Images that run in production although no record says that they may."""

from __future__ import annotations

from operations.deployment_record import FAILED, DeploymentRecord
from portside.deploy.running_images import digests_of, unaccounted, with_others
from src.form import check_form
from tests.unit.form_support import environments, one_service
from tests.unit.operations_support import deployment_of, digest, resolution

FORM = check_form(environments(uat={"KIND": "staging"}, live={"KIND": "production"}), one_service)
LIVE = FORM.environment("live")
RUNNING = {"app": [digest("app 1.0.0")]}


def _record(**changes: object) -> DeploymentRecord:
    return deployment_of(resolution("1.0.0", "app"), **{"proof": "uat 4"} | changes)


def test_what_is_on_record_with_its_proof_is_accounted_for() -> None:
    assert unaccounted(LIVE, RUNNING, [_record()]) == ()


def test_what_no_record_has_is_reported() -> None:
    for records in ([], [_record(result=FAILED)], [deployment_of(resolution("1.0.0", web="app 1.0.0"), proof="uat 4")]):
        (sentence,) = unaccounted(LIVE, RUNNING, records)
        assert (
            sentence
            == f"app runs {digest('app 1.0.0')} without a record: no deployment of this environment ran it well"
        )


def test_what_ran_without_a_proof_is_reported_with_who_answered_for_it() -> None:
    (sentence,) = unaccounted(LIVE, RUNNING, [_record(proof="", unproven="stage is down")])
    assert sentence.endswith("without a proof: Developer/jane answered for it, stage is down")
    (sentence,) = unaccounted(LIVE, RUNNING, [_record(proof="", number=3)])
    assert sentence.endswith("without a proof: deployment 3 has none on record")


def test_a_record_of_the_earlier_format_accounts_for_its_images() -> None:
    assert unaccounted(LIVE, RUNNING, [_record(ran=None, proof="")]) == ()


def test_other_environments_may_run_anything() -> None:
    assert unaccounted(FORM.environment("uat"), RUNNING, []) == ()


def test_only_tasks_that_run_count_each_digest_once() -> None:
    container = {"name": "app", "imageDigest": digest("a")}
    tasks = [
        {
            "lastStatus": "RUNNING",
            "containers": [container, {"name": "aws-guardduty-agent-1", "imageDigest": digest("b")}],
        },
        {"lastStatus": "RUNNING", "containers": [container]},
        {"lastStatus": "STOPPED", "containers": [container | {"imageDigest": digest("c")}]},
        {"lastStatus": "RUNNING", "desiredStatus": "STOPPED", "containers": [container | {"imageDigest": digest("d")}]},
        {"lastStatus": "RUNNING", "containers": [{"name": "app", "image": "x@sha256:1"}]},
    ]
    assert digests_of(tasks, "app") == (digest("a"), "sha256:1")


def test_a_container_beside_or_in_place_of_the_services_is_seen_and_what_aws_adds_is_not() -> None:
    containers = [
        {"name": name, "imageDigest": name} for name in ("sidecar", "ecs-service-connect-x1", "aws-guardduty-agent-x1")
    ]
    assert digests_of([{"lastStatus": "RUNNING", "containers": containers}], "web") == ("sidecar",)


def _task(group: str, name: str, **changes: object) -> dict[str, object]:
    containers = [{"name": name, "imageDigest": digest(name)}, {"name": "aws-guardduty-agent-1", "imageDigest": "x"}]
    return {"lastStatus": "RUNNING", "group": group, "containers": containers} | changes


def test_a_service_that_the_configuration_no_longer_names_is_accounted_for_by_its_own_record() -> None:
    tasks = [_task("service:live-app", "app"), _task("service:live-old", "old"), _task("service:live-old", "old")]
    running = with_others({"app": [digest("app 1.0.0")]}, tasks, ["live-app"])
    assert running == {"app": [digest("app 1.0.0")], "old": (digest("old"),)}
    (sentence,) = unaccounted(LIVE, running, [_record()])
    assert sentence.startswith(f"old runs {digest('old')} without a record")
    earlier = deployment_of(resolution("1.0.0", old="old"), proof="uat 4")
    assert unaccounted(LIVE, running, [_record(), earlier]) == ()


def test_a_service_that_was_made_by_hand_counts_with_the_one_whose_container_it_is_named_after() -> None:
    running = with_others({"app": [digest("app 1.0.0")]}, [_task("service:by-hand", "app")], ["live-app"])
    assert running == {"app": (digest("app 1.0.0"), digest("app"))}


def test_tasks_that_run_once_or_have_stopped_belong_to_no_service() -> None:
    tasks = [_task("family:data-load", "loader"), _task("service:old", "old", lastStatus="STOPPED")]
    assert with_others({}, tasks, []) == {}
