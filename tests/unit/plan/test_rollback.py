"""Going back to images that ran healthy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from portside.aws.deployed import DeployedImage
from portside.config.configuration import ROOT, Configuration
from portside.config.environment import Environment
from portside.config.service_props import ServiceProps
from portside.errors import UsageError, UserError
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage
from portside.plan.rollback import RollbackPlan, choose_record, plan_rollback, restored_images
from portside.records.deployment_record import FAILED, INTERRUPTED, ROLLBACK, DeploymentRecord
from tests.unit.configuration_support import check_configuration, environments, service
from tests.unit.operations_support import deployment_of, digest, resolution

FIRST, SECOND, THIRD = (resolution(version, "api", "app") for version in ("1.0.0", "2.0.0", "3.0.0"))


def _running(images: Resolution, **others: ResolvedImage) -> dict[str, DeployedImage]:
    """The images in the outputs of stacks, by service; services are called like their images."""
    by_name = {image.name.rpartition("/")[2]: image for image in images.images.values()} | others
    return {name: DeployedImage(each.name, each.tag, each.digest, each.commit) for name, each in by_name.items()}


def _history(*deployments: tuple[Resolution, Mapping[str, object]] | Resolution) -> list[DeploymentRecord]:
    """Deployments, first to last, as a history has them: the latest first."""
    pairs = [each if isinstance(each, tuple) else (each, {}) for each in deployments]
    records = [deployment_of(images, number=number, **more) for number, (images, more) in enumerate(pairs, start=1)]
    return records[::-1]


def _rolled_back(
    to: Resolution, *, instead_of: Resolution, result: str = "healthy"
) -> tuple[Resolution, dict[str, object]]:
    deleted = tuple(image.digest for image in instead_of.images.values())
    return to, {"kind": ROLLBACK, "instead_of": deleted, "result": result}


def _chosen(records: list[DeploymentRecord], running: Mapping[str, DeployedImage], wanted: str | None = None) -> int:
    return choose_record("dev", records, running, wanted).number


def _configuration(version: str, *names: str, root: Path = ROOT, **locations: str) -> Configuration:
    def services(environment: Environment) -> list[ServiceProps]:
        tag = environment.ghcr_package_version
        written = {name: f"ghcr.io/org/{name}:{tag}" for name in names} | locations
        return [
            service(container_name=name, container_port=3000 + index, container_location=location, public=index == 0)
            for index, (name, location) in enumerate(written.items())
        ]

    return check_configuration(environments(dev={"GHCR_PACKAGE_VERSION": version}), services, root)


def _nothing_today() -> Resolution:
    raise AssertionError("today's images are resolved though nothing needs them")


def _plan(record: DeploymentRecord, running: Mapping[str, DeployedImage]) -> RollbackPlan:
    return plan_rollback(_configuration(record.images.version, "api", "app"), "dev", record, running, _nothing_today)


def test_the_latest_healthy_deployment_of_other_images_than_those_that_run_comes_back() -> None:
    assert _chosen(_history(FIRST, SECOND, THIRD), _running(THIRD)) == 2


def test_repeated_deployments_of_what_runs_are_passed_over() -> None:
    assert _chosen(_history(FIRST, SECOND, SECOND, SECOND), _running(SECOND)) == 1


@pytest.mark.parametrize("result", [FAILED, INTERRUPTED])
def test_deployments_that_did_not_end_well_do_not_come_back(result: str) -> None:
    assert _chosen(_history(FIRST, (SECOND, {"result": result}), THIRD), _running(THIRD)) == 1


def test_a_deployment_that_never_was_does_not_come_back() -> None:
    records = _history(FIRST, (SECOND, {"synthetic": True}), THIRD)
    assert _chosen(records, _running(THIRD)) == 1
    with pytest.raises(UsageError):
        _chosen(records, _running(THIRD), "2.0.0")


def test_after_a_deployment_that_failed_midway_the_last_healthy_one_comes_back() -> None:
    halfway = _running(SECOND) | {"app": _running(THIRD)["app"]}
    assert _chosen(_history(FIRST, SECOND, (THIRD, {"result": FAILED})), halfway) == 2


def test_a_second_rollback_goes_further_back_and_not_to_what_the_first_took_out() -> None:
    records = _history(FIRST, SECOND, THIRD, _rolled_back(SECOND, instead_of=THIRD))
    assert _chosen(records, _running(SECOND)) == 1


def test_after_a_rollback_that_failed_midway_the_next_one_goes_to_the_same() -> None:
    records = _history(FIRST, SECOND, _rolled_back(FIRST, instead_of=SECOND, result=FAILED))
    halfway = _running(SECOND) | {"app": _running(FIRST)["app"]}
    assert _chosen(records, halfway) == 1


def test_what_was_taken_out_counts_again_once_it_was_deployed_again() -> None:
    records = _history(FIRST, SECOND, _rolled_back(FIRST, instead_of=SECOND), SECOND, THIRD)
    assert _chosen(records, _running(THIRD)) == 4


def test_of_edge_only_some_images_need_to_differ() -> None:
    before, after = resolution("edge", "api", app="old"), resolution("edge", "api", app="new")
    assert _chosen(_history(before, after), _running(after)) == 1
    assert _chosen(_history(before, after), _running(after), "edge") == 2


@pytest.mark.parametrize(("wanted", "number"), [("1.0.0", 3), ("1", 1), ("2", 2), ("2.0.0", 2), ("3", 3)])
def test_a_version_means_its_latest_healthy_deployment_and_a_number_its_own(wanted: str, number: int) -> None:
    records = _history(FIRST, SECOND, FIRST, (FIRST, {"result": FAILED}), SECOND, (SECOND, {"result": FAILED}))
    records = [record for record in records if record.number != 5]
    assert _chosen(records, _running(SECOND), wanted) == number


def test_a_withdrawn_deployment_is_chosen_by_its_number() -> None:
    records = _history(FIRST, SECOND, _rolled_back(FIRST, instead_of=SECOND))
    assert _chosen(records, _running(FIRST), "2.0.0") == 2


@pytest.mark.parametrize("wanted", ["9.9.9", "4", "0", "1.0"])
def test_what_is_not_recorded_is_refused_with_what_is(wanted: str) -> None:
    with pytest.raises(UsageError) as refused:
        _chosen(_history(FIRST, SECOND, (THIRD, {"result": FAILED})), _running(SECOND), wanted)
    assert refused.value.message == f"dev has no recorded healthy deployment of {wanted!r}"
    assert refused.value.hint == "Known are: 2.0.0 (2), 1.0.0 (1)."


def test_where_nothing_healthy_is_recorded_the_history_is_pointed_to() -> None:
    with pytest.raises(UsageError) as refused:
        _chosen([], _running(FIRST), "1.0.0")
    assert refused.value.hint == "See: ./agora history dev"


@pytest.mark.parametrize(
    "records",
    [
        [],
        _history(FIRST),
        _history(FIRST, (SECOND, {"result": FAILED})),
        _history(SECOND, _rolled_back(FIRST, instead_of=SECOND)),
    ],
)
def test_without_an_earlier_deployment_of_other_images_nothing_is_chosen(records: list[DeploymentRecord]) -> None:
    with pytest.raises(UserError, match="no earlier healthy deployment of other images") as raised:
        _chosen(records, _running(FIRST))
    assert raised.value.exit_code == 1
    assert "./agora history dev" in raised.value.hint


def test_a_service_that_a_deployment_did_not_have_does_not_make_it_another() -> None:
    running = _running(FIRST) | {"docs": _running(resolution("1.0.0", "docs"))["docs"]}
    with pytest.raises(UserError, match="no earlier"):
        _chosen(_history(FIRST), running)


def test_a_plan_says_what_changes_and_which_digests_go() -> None:
    (record,) = _history(FIRST)
    plan = _plan(record, _running(SECOND))
    assert dict(plan.images.images) == dict(FIRST.images)
    assert [(service, after.tag) for service, _, after in plan.changes] == [("api", "1.0.0"), ("app", "1.0.0")]
    assert plan.instead_of == tuple(sorted([digest("api 2.0.0"), digest("app 2.0.0")]))
    assert plan.left_out == ()
    assert plan.as_json() == {
        "environment": "dev",
        "to": {"number": 1, "version": "1.0.0", "began": "2026-11-23T12:00:00+00:00"},
        "changes": {
            "api": {"from": digest("api 2.0.0"), "to": digest("api 1.0.0")},
            "app": {"from": digest("app 2.0.0"), "to": digest("app 1.0.0")},
        },
        "kept": [],
        "left_out": [],
    }


def test_of_edge_a_plan_changes_only_the_images_that_differ() -> None:
    before, after = resolution("edge", "api", app="old"), resolution("edge", "api", app="new")
    plan = _plan(_history(before)[0], _running(after))
    assert [service for service, _, _ in plan.changes] == ["app"]
    assert plan.instead_of == (digest("new"),)
    assert dict(plan.images.images) == dict(before.images)


def test_a_digest_that_another_service_gets_back_is_not_out_of_service() -> None:
    before = resolution("1.0.0", api="shared", app="old")
    after = resolution("2.0.0", api="new", app="shared")
    assert _plan(_history(before)[0], _running(after)).instead_of == (digest("new"),)


def test_a_service_that_does_not_run_gets_its_image_back() -> None:
    running = _running(FIRST)
    del running["app"]
    plan = _plan(_history(FIRST)[0], running)
    assert plan.as_json()["changes"] == {"app": {"from": None, "to": digest("app 1.0.0")}}
    assert plan.instead_of == ()


def test_going_back_to_what_runs_changes_nothing() -> None:
    plan = _plan(_history(FIRST)[0], _running(FIRST))
    assert (plan.changes, plan.instead_of) == ((), ())


def test_a_service_that_the_deployment_did_not_have_is_omitted() -> None:
    today = resolution("2.0.0", "api", "app", "docs")
    configuration = _configuration("1.0.0", "api", "app", "docs")
    plan = plan_rollback(configuration, "dev", _history(FIRST)[0], _running(today), lambda: today)
    assert plan.left_out == ("docs",)
    assert [service for service, _, _ in plan.changes] == ["api", "app"]
    assert plan.images.version == "1.0.0"
    assert plan.images.without([f"ghcr.io/org/{name}:1.0.0" for name in ("api", "app", "docs")]) == []
    assert plan.images.images["ghcr.io/org/docs:1.0.0"].digest == digest("docs 2.0.0")
    assert digest("docs 2.0.0") not in plan.instead_of


def test_a_service_of_the_deployment_that_the_configuration_has_no_longer_is_omitted() -> None:
    record = _history(resolution("1.0.0", "api", "app", "docs"))[0]
    assert sorted(_plan(record, _running(SECOND)).images.images) == ["ghcr.io/org/api:1.0.0", "ghcr.io/org/app:1.0.0"]


def test_an_image_that_is_built_on_the_spot_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "Dockerfile").write_text("FROM scratch\n")
    configuration = _configuration("1.0.0", "api", "app", root=tmp_path, tool="path://tool")
    plan = plan_rollback(configuration, "dev", _history(FIRST)[0], _running(SECOND), _nothing_today)
    assert plan.left_out == ()
    assert "path://tool" not in plan.images.images


def test_deploying_what_the_last_rollback_took_out_is_reported_by_image() -> None:
    records = _history(FIRST, SECOND, _rolled_back(FIRST, instead_of=SECOND))
    assert restored_images(records, SECOND) == ("api:2.0.0", "app:2.0.0")
    assert restored_images(records, resolution("2.0.1", "api", app="app 2.0.0")) == ("app:2.0.1",)


@pytest.mark.parametrize("images", [FIRST, THIRD])
def test_deploying_anything_else_after_a_rollback_brings_nothing_back(images: Resolution) -> None:
    assert restored_images(_history(FIRST, SECOND, _rolled_back(FIRST, instead_of=SECOND)), images) == ()


def test_a_rollback_is_remembered_over_failed_and_synthetic_deployments_that_came_after_it() -> None:
    later: list[tuple[Resolution, Mapping[str, object]]] = [
        (SECOND, {"result": FAILED}),
        (SECOND, {"result": INTERRUPTED}),
        (SECOND, {"synthetic": True}),
    ]
    assert restored_images(_history(SECOND, _rolled_back(FIRST, instead_of=SECOND), *later), SECOND)


def test_a_rollback_is_over_with_the_next_healthy_deployment() -> None:
    assert restored_images(_history(SECOND, _rolled_back(FIRST, instead_of=SECOND), THIRD), SECOND) == ()


@pytest.mark.parametrize(
    "records", [[], _history(FIRST, SECOND), _history(SECOND, _rolled_back(FIRST, instead_of=SECOND, result=FAILED))]
)
def test_without_a_healthy_rollback_nothing_is_restored(records: list[DeploymentRecord]) -> None:
    assert restored_images(records, SECOND) == ()
