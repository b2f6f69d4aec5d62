"""The record of deployments that an environment keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from portside.errors import UserError
from portside.images.resolution import Resolution
from portside.records.deployment_record import (
    DEPLOY,
    FAILED,
    HEALTHY,
    INTERRUPTED,
    NOT_ENDED,
    NOT_READ,
    ROLLBACK,
    DeploymentRecord,
    Terms,
    last_healthy,
    new_record,
    parameter_name,
    read_records,
    recorded,
    write_record,
)
from portside.records.origin import Origin
from portside.records.parameter_history import names_of, read_versions, write_version
from tests.unit.configuration_support import named
from tests.unit.operations_support import (
    FakePaginator,
    FakeParameters,
    client_error,
    deployment_of,
    digest,
    resolution,
    resolved,
)

JANE = Origin("Developer/jane", f"{'a' * 40}+changes")
PARAMETER = parameter_name(named("dev"))
IMAGES = resolution("edge", "api", "app")
PLACE = "607346494281/us-east-1/dev"
TOKEN = "ghp_" + "x" * 36


class _Full(FakeParameters):
    """A parameter store that takes nothing any more."""

    def put_parameter(self, **_: Any) -> dict[str, Any]:
        raise client_error("ParameterMaxVersionLimitExceeded", "the oldest version has a label")


class _Forbidden(FakeParameters):
    def get_paginator(self, _: str) -> FakePaginator:
        def pages(**_: Any) -> Any:
            raise client_error("AccessDeniedException", "not authorized")

        return FakePaginator(pages)


def _record(images: Resolution = IMAGES, **terms: Any) -> DeploymentRecord:
    services = {image.name.rpartition("/")[2]: reference for reference, image in images.images.items()}
    return new_record(JANE, images, services, PLACE, Terms(**terms))


def _deploy(ssm: FakeParameters, outcome: BaseException | None = None, **more: Any) -> None:
    with recorded(ssm, named("dev"), _record(**more)):
        if outcome:
            raise outcome


def _record_of(outcome: BaseException, **more: Any) -> DeploymentRecord:
    ssm = FakeParameters()
    with pytest.raises(type(outcome)) as raised:
        _deploy(ssm, outcome, **more)
    assert raised.value is outcome
    return read_records(ssm, named("dev"))[0]


def _put(ssm: FakeParameters, value: str) -> None:
    ssm.put_parameter(Name=PARAMETER, Value=value, Type="String", Overwrite=True, Description="by hand")


def _large(services: int) -> Resolution:
    """Complete information about images:"""
    names = [f"agora-service-{number:02}" for number in range(services)]
    images = [
        replace(
            resolved(name, "edge", commit=digest(name)[7:47], manifest=digest(f"{name} amd64")),
            name=f"ghcr.io/sage-bionetworks/{name}",
        )
        for name in names
    ]
    return Resolution("edge", {f"{image.name}:edge": image for image in images})


def test_a_deployment_that_went_well_is_recorded_with_everything_known_about_it() -> None:
    ssm = FakeParameters()
    with recorded(ssm, named("dev"), _record(instead_of=())):
        assert read_records(ssm, named("dev")) == [], "only finished deployments are recorded"
    (record,) = read_records(ssm, named("dev"))
    assert (record.kind, record.result, record.reason) == (DEPLOY, HEALTHY, "")
    assert (record.who, record.commit) == (JANE.who, JANE.commit)
    assert (record.images, record.instead_of) == (IMAGES, ())
    assert record.digests == {digest("api edge"), digest("app edge")}
    assert (record.number, record.synthetic, record.is_healthy) == (1, False, True)


@pytest.mark.parametrize(
    ("outcome", "result", "reason"),
    [
        (UserError("deploying dev failed\nagora-dev-app:  Service", "hint"), FAILED, "agora-dev-app: Service"),
        (RuntimeError("with who knows what in it"), FAILED, "RuntimeError"),
        (SystemExit(1), FAILED, "SystemExit"),
    ],
)
def test_a_deployment_that_ended_otherwise_is_recorded_too(outcome: BaseException, result: str, reason: str) -> None:
    record = _record_of(outcome)
    assert (record.result, record.is_healthy, record.images) == (result, False, IMAGES)
    assert record.reason.startswith(reason)
    assert "who knows" not in record.reason
    assert "\n" not in record.reason


def test_a_rollback_is_recorded_while_it_continues_and_once_when_it_has_ended() -> None:
    ssm = FakeParameters()
    with recorded(ssm, named("dev"), _record(kind=ROLLBACK, instead_of=(digest("bad"),))):
        (begun,) = read_records(ssm, named("dev"))
        assert (begun.result, begun.reason, begun.instead_of) == (INTERRUPTED, NOT_ENDED, (digest("bad"),))
    (ended,) = read_records(ssm, named("dev"))
    assert (ended.result, ended.reason, ended.instead_of) == (HEALTHY, "", (digest("bad"),))


def test_a_rollback_whose_end_is_not_recorded_stays_in_the_history_before_a_later_one() -> None:
    ssm = FakeParameters()
    killed = recorded(ssm, named("dev"), _record(kind=ROLLBACK, instead_of=(digest("bad"),)))
    killed.__enter__()
    write_record(ssm, named("dev"), replace(_record(), began="2030-01-01T00:00:00+00:00", result=HEALTHY))
    assert [record.reason for record in read_records(ssm, named("dev"))] == ["", NOT_ENDED]


def test_of_a_failed_deployment_the_first_verdict_is_the_reason() -> None:
    verdicts = "app crashes: port in use\n  look: log group app\napi: no task runs\n  look: log group api"
    assert (
        _record_of(UserError(f"deploying dev on this machine failed\n{verdicts}")).reason == "app crashes: port in use"
    )


def test_what_stopped_it_comes_before_the_verdict_and_both_are_short() -> None:
    error = UserError("deploying dev failed")
    error.stopped_by, error.why = "cdk deploy failed: " + "x" * 200, "app: port in use"  # type: ignore[attr-defined]
    reason = _record_of(error).reason
    assert reason.startswith("cdk deploy failed: xxx")
    assert reason.endswith("x…; app: port in use")
    assert len(reason) < 200


def test_where_to_look_is_never_the_reason() -> None:
    assert _record_of(UserError("deploying dev failed\n  look: log group app")).reason == "deploying dev failed"


def test_an_interruption_needs_no_reason() -> None:
    record = _record_of(KeyboardInterrupt())
    assert (record.result, record.is_healthy, record.reason) == (INTERRUPTED, False, "")


@pytest.mark.parametrize("outcome", [UserError("the deployment failed"), KeyboardInterrupt(), RuntimeError()])
def test_a_failure_to_write_does_not_hide_the_first_error(outcome: BaseException) -> None:
    with pytest.raises(type(outcome)) as raised:
        _deploy(_Full(), outcome)
    assert raised.value is outcome


def test_a_deployment_that_went_well_but_is_not_recorded_says_both_and_what_to_do() -> None:
    with pytest.raises(UserError) as raised:
        _deploy(_Full())
    assert "dev is deployed, but that could not be recorded" in raised.value.message
    assert "the oldest version has a label" in raised.value.message
    assert "run the same command again" in raised.value.hint


def test_a_long_reason_is_cut_and_a_short_one_is_not() -> None:
    assert len(_record_of(UserError("why " * 500)).reason) == 200
    assert _record_of(UserError("w" * 200)).reason == "w" * 200


@pytest.mark.parametrize(
    "message",
    [f"denied for {TOKEN}", f"{'x' * 190} {TOKEN}", f"cloning https://jane:{'hunter2' * 2}@example.org failed"],
)
def test_a_reason_is_kept_without_the_secret_in_it(message: str) -> None:
    ssm = FakeParameters()
    with pytest.raises(UserError):
        _deploy(ssm, UserError(message))
    assert "[hidden]" in read_records(ssm, named("dev"))[0].reason
    for part in ("ghp_", "hunter2"):
        assert part not in ssm.values[PARAMETER]


def test_a_reason_with_a_reference_of_cloudformation_is_still_taken_by_systems_manager() -> None:
    record = _record_of(UserError("no such secret: {{resolve:secretsmanager:agora:SecretString}}"))
    assert "resolve:secretsmanager:agora" in record.reason


def test_nothing_is_recorded_where_nothing_was_deployed() -> None:
    assert read_records(FakeParameters(), named("dev")) == []


def test_what_aws_forbids_to_read_is_no_empty_history() -> None:
    with pytest.raises(Exception, match="AccessDenied"):
        read_records(_Forbidden(), named("dev"))


def test_environments_have_separate_histories() -> None:
    ssm = FakeParameters()
    write_record(ssm, named("stage"), deployment_of(IMAGES))
    assert read_records(ssm, named("prod")) == []
    assert len(read_records(ssm, named("stage"))) == 1


def test_the_history_is_newest_first_over_many_pages_as_far_back_as_aws_keeps_it() -> None:
    ssm = FakeParameters()
    for number in range(1, 131):
        write_record(ssm, named("dev"), deployment_of(IMAGES, who=f"person {number}"))
    records = read_records(ssm, named("dev"))
    assert [record.number for record in records] == list(range(130, 30, -1))
    assert all(record.who == f"person {record.number}" for record in records)


@pytest.mark.parametrize(
    "damage",
    [
        lambda fields: "no JSON",
        lambda fields: "[]",
        lambda fields: '"text"',
        lambda fields: "null",
        lambda fields: json.dumps({name: value for name, value in fields.items() if name != "images"}),
        lambda fields: json.dumps({name: value for name, value in fields.items() if name != "who"}),
        lambda fields: json.dumps(fields | {"images": []}),
        lambda fields: json.dumps({"packed": "no base64", "parts": {}}),
        lambda fields: json.dumps({"packed": "", "parts": {"/agora/prod/deployment": 1}}),
        lambda fields: json.dumps(fields | {"format": 2, "images": fields["images"] | {"images": {"a": []}}}),
        lambda fields: json.dumps(fields | {"images": {"version": "edge", "images": {"a": {"digest": "sha256:1"}}}}),
        lambda fields: json.dumps(fields | {"seconds": "soon"}),
        lambda fields: json.dumps(fields | {"seconds": None}),
        lambda fields: json.dumps(fields | {"instead_of": 5}),
    ],
)
def test_a_version_that_is_no_record_is_passed_over(damage: Callable[[dict[str, Any]], str]) -> None:
    ssm = FakeParameters()
    write_record(ssm, named("dev"), deployment_of(IMAGES))
    _put(ssm, damage(deployment_of(IMAGES).as_json()))
    write_record(ssm, named("dev"), deployment_of(IMAGES))
    assert [record.number for record in read_records(ssm, named("dev"))] == [3, 1]


def test_a_field_that_is_not_known_yet_does_not_make_a_record_unreadable() -> None:
    ssm = FakeParameters()
    written = json.loads(deployment_of(IMAGES).written())
    _put(ssm, json.dumps(written | {"reviewed_by": "Ada", "commit": 1234567}))
    assert read_records(ssm, named("dev")) == [deployment_of(IMAGES, number=1, commit="1234567")]


def test_a_record_of_the_earlier_format_is_read_without_images() -> None:
    ssm = FakeParameters()
    before = deployment_of(IMAGES)
    fields = before.as_json()
    del fields["services"]
    _put(ssm, json.dumps(fields))
    (record,) = read_records(ssm, named("dev"))
    assert record == replace(before, number=1, ran=None)
    assert record.image_of("api") is None


def test_a_record_of_a_later_format_is_passed_over() -> None:
    ssm = FakeParameters()
    _put(ssm, json.dumps(json.loads(deployment_of(IMAGES).written()) | {"format": 3}))
    assert read_records(ssm, named("dev")) == []


def test_only_the_images_that_services_run_are_recorded_each_with_its_health() -> None:
    ssm = FakeParameters()
    record = new_record(JANE, IMAGES, {"web": "ghcr.io/org/app:edge", "built": "path://web"}, PLACE)
    with recorded(ssm, named("dev"), record) as recording:
        recording.ran = {"web": "running", "unknown": "healthy"}
    (written,) = read_records(ssm, named("dev"))
    assert list(written.images.images) == ["ghcr.io/org/app:edge"]
    assert written.ran == {"web": ("ghcr.io/org/app:edge", "running")}
    assert written.place == PLACE
    assert written.as_json()["services"] == {
        "web": {"image": "ghcr.io/org/app", "digest": digest("app edge"), "health": "running"}
    }


def test_a_service_whose_tasks_were_not_read_has_no_health_recorded() -> None:
    record = _record_of(UserError("failed"))
    assert {health for _, health in (record.ran or {}).values()} == {NOT_READ}


def test_services_that_are_omitted_are_not_recorded() -> None:
    record = _record(left_out=frozenset({"api"}), proof="stage 4", unproven="because")
    assert list(record.ran or {}) == ["app"]
    assert list(record.images.images) == ["ghcr.io/org/app:edge"]
    assert (record.proof, record.unproven) == ("stage 4", "because")


def test_a_record_is_read_as_it_was_written() -> None:
    ssm = FakeParameters()
    written = deployment_of(
        replace(IMAGES, stand_in=True),
        result=FAILED,
        reason="Übel: …",
        instead_of=(digest("b"), digest("a")),
        synthetic=True,
        commit=None,
        seconds=0.0,
    )
    write_record(ssm, named("dev"), written)
    assert read_records(ssm, named("dev")) == [replace(written, number=1)]


@pytest.mark.parametrize("services", [8, 18, 128])
def test_any_number_of_services_fits_into_standard_parameters_whatever_is_known_about_them(services: int) -> None:
    ssm, images = FakeParameters(), _large(services)
    for _ in range(2):
        with pytest.raises(UserError):
            _deploy(
                ssm,
                UserError("why " * 500),
                images=images,
                instead_of=tuple(digest(str(number)) for number in range(services)),
            )
    _deploy(ssm)
    assert set(ssm.tiers.values()) == {"Standard"}
    records = read_records(ssm, named("dev"))
    assert [record.images for record in records] == [IMAGES, images, images]
    assert len(records[1].ran or {}) == services


def test_the_first_part_has_room_for_the_names_of_all_others() -> None:
    ssm, text = FakeParameters(), "".join(digest(str(number)) for number in range(650))
    name = f"/{'n' * 100}/deployment"
    write_version(ssm, name, text, "a large text")
    assert sorted(ssm.values) == sorted(names_of(name))
    assert set(ssm.tiers.values()) == {"Standard"}
    assert read_versions(ssm, name) == [(1, text)]


def test_eight_services_of_a_release_are_plain_text() -> None:
    ssm = FakeParameters()
    _deploy(ssm, images=resolution("4.2.0-rc2", *(f"agora-service-{number:02}" for number in range(8))))
    assert json.loads(ssm.values[PARAMETER])["images"]["version"] == "4.2.0-rc2"


def test_a_record_of_which_a_part_is_missing_is_passed_over() -> None:
    ssm = FakeParameters()
    _deploy(ssm, images=_large(128))
    ssm.delete_parameter(Name=names_of(PARAMETER)[1])
    assert read_records(ssm, named("dev")) == []


def test_more_services_than_all_parameters_hold_are_reported_after_the_deployment() -> None:
    ssm = FakeParameters()
    with pytest.raises(UserError, match="dev is deployed, but that could not be recorded"):
        _deploy(ssm, images=_large(500))
    assert read_records(ssm, named("dev")) == []


def test_the_last_healthy_deployment_is_the_latest_that_ended_well_and_really_was() -> None:
    healthy = [deployment_of(IMAGES, number=number) for number in (5, 4)]
    later = [deployment_of(IMAGES, result=FAILED), deployment_of(IMAGES, result=INTERRUPTED)]
    assert last_healthy([*later, deployment_of(IMAGES, synthetic=True), *healthy]) == healthy[0]
    assert last_healthy(later) is None


def test_the_text_of_a_record_does_not_change() -> None:
    """Earlier versions of this tool and running environments have this text."""
    images = Resolution("edge", {"ghcr.io/org/app:edge": resolved("ghcr.io/org/app", "edge", "app")})
    record = DeploymentRecord(
        *(ROLLBACK, "2026-11-23T12:00:00+00:00", 61.5, "jané", "a" * 40, HEALTHY, images),
        instead_of=(digest("other"),),
        ran={"app": ("ghcr.io/org/app:edge", "healthy")},
        place=PLACE,
        proof="stage 7",
    )
    image = {
        key: value for key, value in images.as_json()["images"]["ghcr.io/org/app:edge"].items() if key != "platform"
    }
    assert record.written() == json.dumps(
        {
            "format": 2,
            "kind": "rollback",
            "began": "2026-11-23T12:00:00+00:00",
            "seconds": 61.5,
            "who": "jané",
            "commit": "a" * 40,
            "result": "healthy",
            "instead_of": [digest("other")],
            "place": PLACE,
            "proof": "stage 7",
            "images": {
                **{key: value for key, value in images.as_json().items() if key != "images"},
                "images": {"ghcr.io/org/app:edge": {**image, "ran": {"app": "healthy"}}},
            },
        },
        separators=(",", ":"),
        ensure_ascii=False,
    )
