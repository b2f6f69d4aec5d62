"""The proof that an image may run in production."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from portside.aws.health import HEALTHY, NO_TASK, RUNNING
from portside.aws.target import Target
from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.errors import UsageError
from portside.images.resolution import Resolution
from portside.images.service_images import ServiceImage
from portside.records import proof as proofs
from portside.records.deployment_record import (
    FAILED,
    INTERRUPTED,
    ROLLBACK,
    DeploymentRecord,
    read_records,
    write_record,
)
from portside.records.origin import Origin
from portside.records.proof import (
    NotProven,
    Proof,
    ProofUnread,
    expect_proof,
    expect_proof_or_own,
    proving_environment,
    seed_proof,
)
from portside.records.proving_record import Place, find_record, no_proof_to_come
from tests.unit.configuration_support import ENVIRONMENT, api_and_app, check_configuration, environments, named
from tests.unit.operations_support import (
    FakeParameters,
    client_error,
    deployment_of,
    digest,
    resolution,
    resolved,
    target,
)


def _services(environment: Environment) -> Any:
    version = environment.ghcr_package_version
    services = api_and_app(container_location=f"ghcr.io/org/app:{version}")(environment)
    return [replace(services[0], container_location=f"ghcr.io/org/api:{version}"), services[1]]


def _configuration(version: str = "4.2.0-rc2", **changes: Any) -> Configuration:
    at = {"GHCR_PACKAGE_VERSION": version}
    return check_configuration(environments(dev={}, stage=at, prod=at | changes), _services)


RELEASE = resolution("4.2.0-rc2", "api", "app")
OTHER = resolution("4.2.0-rc1", "api", "app")
CONFIGURATION = _configuration()
ACCOUNT = ENVIRONMENT["ACCOUNT"]
AT_STAGE = Place(f"{ACCOUNT}/us-east-1/stage", is_rehearsal=False)
AT_PROD = f"{ACCOUNT}/us-east-1/prod"
WANTED = [
    ServiceImage(name, f"ghcr.io/org/{name}", "4.2.0-rc2", digest(f"{name} 4.2.0-rc2")) for name in ("api", "app")
]


def _ran(images: Resolution = RELEASE, **changes: Any) -> DeploymentRecord:
    """A deployment of stage."""
    return deployment_of(images, **{"place": AT_STAGE.name} | changes)


def _found(*records: DeploymentRecord, wanted: Sequence[ServiceImage] = WANTED) -> Proof:
    found = find_record("stage", records, wanted, AT_STAGE)
    return Proof("stage", found.record, found.differences, found.services)


def _place(ssm: FakeParameters, *, environment: str = "prod", is_local: bool = False) -> Target:
    return target({"ssm": ssm}, environment=environment, is_local=is_local, configuration=CONFIGURATION)


@pytest.fixture
def rehearsing(monkeypatch: pytest.MonkeyPatch) -> Target:
    """A rehearsal of prod, next to which stage is in the same embedded AWS."""
    place = _place(FakeParameters(), is_local=True)
    monkeypatch.setattr(proofs, "other_target", lambda _, environment, **__: replace(place, environment=environment))
    return place


def _proof(place: Target, images: Resolution, configuration: Configuration = CONFIGURATION) -> Proof | None:
    return expect_proof(place.environment, configuration, images, lambda proving: replace(place, environment=proving))


def _refused(place: Target, images: Resolution, configuration: Configuration = CONFIGURATION) -> NotProven:
    with pytest.raises(NotProven) as refused:
        _proof(place, images, configuration)
    return refused.value


def test_prod_may_run_exactly_what_stage_ran_healthy() -> None:
    ssm = FakeParameters()
    write_record(ssm, named("stage"), _ran())
    proof = _proof(_place(ssm), RELEASE)
    assert proof is not None
    assert proof.sentence == "Proven by stage's deployment 1 of 2026-11-23 12:00 UTC."
    assert proof.remark == "stage 1"
    assert proof.as_json() == {
        "environment": "stage",
        "record": {"number": 1, "began": "2026-11-23T12:00:00+00:00", "who": "Developer/jane"},
        "differences": [],
    }


def test_a_difference_in_any_digest_is_refused_and_named() -> None:
    ssm = FakeParameters()
    write_record(ssm, named("stage"), _ran())
    error = _refused(_place(ssm), resolution("4.2.0-rc2", "api", app="built again"))
    assert error.message == (
        "prod runs only images that stage ran healthy, which is not the case for 4.2.0-rc2\n"
        f"  ghcr.io/org/app: ran as 4.2.0-rc2 {digest('app 4.2.0-rc2')}, expected is 4.2.0-rc2 {digest('built again')}"
    )
    assert error.hint == "Deploy it there first: ./agora deploy stage"
    assert error.proof.as_json()["record"] is None


def test_a_service_that_stage_did_not_have_is_refused_and_named() -> None:
    docs = ServiceImage("docs", "ghcr.io/org/docs", "4.2.0-rc2", digest("docs"))
    proof = _found(_ran(), wanted=[*WANTED, docs])
    assert proof.record is None
    assert proof.differences == ("docs: was not deployed with 4.2.0-rc2",)


def test_an_image_that_only_stage_has_does_not_matter() -> None:
    record = _ran(resolution("4.2.0-rc2", "api", "app", "docs"))
    assert _found(record).record == record


def test_an_image_is_proven_as_the_service_that_ran_it_and_under_its_own_name() -> None:
    same = digest("api 4.2.0-rc2")
    as_another_service = ServiceImage("admin", "ghcr.io/org/api", "4.2.0-rc2", same)
    assert _found(_ran(), wanted=[as_another_service]).differences == ("admin: was not deployed with 4.2.0-rc2",)
    from_elsewhere = ServiceImage("api", "docker.io/org/api", "4.2.0-rc2", same)
    (difference,) = _found(_ran(), wanted=[from_elsewhere]).differences
    assert difference == "api: ran as ghcr.io/org/api, expected is docker.io/org/api"


def test_what_has_no_digest_is_not_proven() -> None:
    (difference,) = _found(_ran(), wanted=[ServiceImage("api", "path://api", "", "")]).differences
    assert difference == "api: path://api is no image of a registry by its digest"


def test_another_tag_of_the_same_digests_is_proven() -> None:
    final = [replace(each, tag="4.2.0") for each in WANTED]
    assert _found(_ran(), wanted=final).record


@pytest.mark.parametrize("result", [FAILED, INTERRUPTED, "unheard-of"])
def test_a_deployment_that_did_not_end_well_proves_nothing(result: str) -> None:
    proof = _found(_ran(result=result))
    assert proof.differences == ("stage has no recorded healthy deployment that counts",)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"commit": "a" * 40 + "+changes"}, "it was made from uncommitted changes"),
        ({"commit": None}, "nothing says from which commit"),
        ({"synthetic": True}, "it is simulated (synthetic)"),
        ({"ran": None}, "it was recorded by an earlier version, which did not read what ran; deploy it again"),
        ({"place": ""}, f"it is of an unknown place, not of {AT_STAGE.name}"),
        ({"place": f"{ACCOUNT}/eu-west-1/stage"}, f"it is of {ACCOUNT}/eu-west-1/stage, not of {AT_STAGE.name}"),
        ({"place": f"{ACCOUNT}/us-east-1/dev"}, f"it is of {ACCOUNT}/us-east-1/dev, not of {AT_STAGE.name}"),
        (
            {"place": f"rehearsal/{AT_STAGE.name}"},
            f"it is of rehearsal/{AT_STAGE.name}, not of {AT_STAGE.name}",
        ),
    ],
)
def test_a_healthy_deployment_that_proves_nothing_is_named_with_the_reason(changes: dict[str, Any], why: str) -> None:
    proof = _found(_ran(number=7, **changes))
    assert proof.record is None
    assert proof.differences == (
        "stage has no recorded healthy deployment that counts",
        proof.differences[1],
    )
    assert proof.differences[1].startswith("stage's deployment 7 of 2026-11-23 12:00 UTC")
    assert proof.differences[1].endswith(f"proves nothing: {why}")


@pytest.mark.parametrize("health", ["no task ran", "not every task was checked and found healthy", "not read", ""])
def test_an_unhealthy_service_of_a_healthy_deployment_is_no_proof_of_its_image(health: str) -> None:
    record = _ran(number=3)
    assert record.ran
    record = replace(record, ran={**record.ran, "app": (record.ran["app"][0], health)})
    assert _found(record).differences[0].startswith(f"app: {health} in deployment 3")
    assert _found(record, wanted=WANTED[:1]).record == record


def test_a_service_that_nothing_checks_is_proven_by_running() -> None:
    record = _ran()
    assert record.ran
    record = replace(record, ran={service: (reference, RUNNING) for service, (reference, _) in record.ran.items()})
    assert _found(record).record == record


def test_an_older_healthy_deployment_counts_whatever_came_after_it() -> None:
    found = _found(_ran(result=FAILED, number=4), _ran(OTHER, number=3), _ran(number=2), _ran(number=1)).record
    assert found is not None
    assert found.number == 2


def test_a_rollback_of_stage_counts_as_having_run() -> None:
    record = _ran(kind=ROLLBACK, instead_of=(digest("bad"),))
    assert _found(record).record == record


def test_what_stage_took_out_of_service_is_not_proven_by_what_ran_before() -> None:
    rolled_back = _ran(OTHER, kind=ROLLBACK, number=2, instead_of=(digest("app 4.2.0-rc2"),))
    assert (
        "app: 4.2.0-rc2 was taken out of service by a later rollback" in _found(rolled_back, _ran(number=1)).differences
    )
    again = _ran(number=3)
    assert _found(again, rolled_back, _ran(number=1)).record == again


def test_images_that_never_ran_together_are_not_proven() -> None:
    records = [
        _ran(resolution("4.2.0-rc2", "api", app="other")),
        _ran(resolution("4.2.0-rc2", "app", api="other")),
    ]
    assert _found(*records).record is None


def test_differences_are_computed_from_stages_deployment_of_that_version_rather_than_from_its_last() -> None:
    records = [_ran(OTHER), _ran(resolution("4.2.0-rc2", "api", app="first build"))]
    assert _found(*records).differences == (
        f"ghcr.io/org/app: ran as 4.2.0-rc2 {digest('first build')}, expected is 4.2.0-rc2 {digest('app 4.2.0-rc2')}",
    )
    assert "ran as 4.2.0-rc1" in _found(records[0]).differences[0]


def test_prods_own_record_proves_nothing_for_a_deployment() -> None:
    ssm = FakeParameters()
    write_record(ssm, named("prod"), _ran(place=AT_PROD))
    assert "stage has no recorded healthy deployment" in _refused(_place(ssm), RELEASE).message


def _again(
    place: Target, wanted: Sequence[ServiceImage] = WANTED, running: dict[str, str] | None = None
) -> Proof | None:
    own = read_records(place.clients("ssm"), named("prod"))
    return expect_proof_or_own(
        place, CONFIGURATION, wanted, own, lambda proving: replace(place, environment=proving), running=running
    )


def test_what_prod_ran_healthy_may_come_back_without_stage() -> None:
    ssm = FakeParameters()
    write_record(ssm, named("prod"), _ran(place=AT_PROD))
    place = _place(ssm)
    own = read_records(ssm, named("prod"))

    def unreachable(_: Environment) -> Target:
        raise UsageError("no credentials for stage")

    proof = expect_proof_or_own(place, CONFIGURATION, WANTED, own, unreachable)
    assert proof
    assert (proof.sentence, proof.remark) == ("Ran healthy here in deployment 1 of 2026-11-23 12:00 UTC.", "own 1")
    with pytest.raises(ProofUnread, match="stage's record, which proves what prod runs, could not be read"):
        expect_proof_or_own(place, CONFIGURATION, [replace(WANTED[0], digest=digest("evil"))], own, unreachable)


@pytest.mark.parametrize(
    "changes", [{"result": FAILED}, {"synthetic": True}, {"commit": None}, {"place": AT_STAGE.name}]
)
def test_an_own_record_must_count_as_any_other(changes: dict[str, Any]) -> None:
    ssm = FakeParameters()
    write_record(ssm, named("prod"), _ran(**{"place": AT_PROD} | changes))
    with pytest.raises(NotProven):
        _again(_place(ssm))


def test_an_own_record_of_the_earlier_format_counts_by_the_names_of_its_images() -> None:
    ssm = FakeParameters()
    ssm.put_parameter(
        Name="/agora/prod/deployment",
        Value=json.dumps({k: v for k, v in deployment_of(RELEASE).as_json().items() if k != "services"}),
        Type="String",
        Overwrite=True,
        Description="by an earlier version",
    )
    assert _again(_place(ssm))
    with pytest.raises(NotProven):
        _again(_place(ssm), [ServiceImage("api", "ghcr.io/org/api", "x", digest("evil"))], {"api": digest("evil")})


def test_an_adopted_service_starts_again_with_exactly_what_it_runs() -> None:
    ssm = FakeParameters()
    running = {each.service: each.digest for each in WANTED}
    proof = _again(_place(ssm), running=running)
    assert proof
    assert proof.sentence == "Running already, without a record: api, app."
    with pytest.raises(NotProven):
        _again(_place(ssm), running=running | {"app": digest("another")})
    write_record(ssm, named("prod"), _ran(resolution("4.2.0-rc2", api="older"), place=AT_PROD))
    with pytest.raises(NotProven) as refused:
        _again(_place(ssm), running=running)
    assert "not the case for api" in refused.value.message


def test_a_record_that_can_not_be_read_is_not_called_empty() -> None:
    class Forbidden(FakeParameters):
        def get_paginator(self, operation: str) -> Any:
            raise client_error("AccessDeniedException", "not authorized")

    with pytest.raises(ProofUnread, match=r"could not be read: AWS: .*not authorized") as unread:
        _proof(_place(Forbidden()), RELEASE)
    assert "--proof-profile" in unread.value.hint


def test_a_rehearsal_names_the_option_for_a_synthetic_proof_and_marks_it(rehearsing: Target) -> None:
    assert "./agora deploy prod --local --seed-stage" in _refused(rehearsing, RELEASE).hint
    seed_proof(rehearsing, CONFIGURATION, RELEASE)
    proof = _proof(rehearsing, RELEASE)
    assert proof is not None
    assert proof.sentence.endswith("UTC (simulated).")
    (record,) = read_records(rehearsing.clients("ssm"), named("stage"))
    assert (record.synthetic, record.who) == (True, "synthetic")


def test_a_seeded_record_proves_nothing_in_aws(rehearsing: Target) -> None:
    seed_proof(rehearsing, CONFIGURATION, RELEASE)
    error = _refused(replace(rehearsing, is_local=False), RELEASE)
    assert "it is simulated (synthetic)" in error.message
    assert "--seed" not in error.hint


def test_a_rehearsal_may_be_of_changes_that_no_commit_has(rehearsing: Target) -> None:
    place = f"rehearsal/{AT_STAGE.name}"
    write_record(rehearsing.clients("ssm"), named("stage"), _ran(place=place, commit=None))
    assert _proof(rehearsing, RELEASE)


@pytest.mark.parametrize("name", ["dev", "stage"])
def test_no_other_environment_needs_a_proof(name: str) -> None:
    assert _proof(_place(FakeParameters(), environment=name), RELEASE) is None


def test_a_proof_that_is_waived_is_shown_with_its_reason() -> None:
    configuration = check_configuration(
        environments(dev={}, prod={"PROVED_BY": None, "PROOF_WAIVED": "a demo without users"}), api_and_app()
    )
    assert proving_environment(configuration, configuration.environment("prod")) is None
    place = target({"ssm": FakeParameters()}, environment="prod", configuration=configuration)
    proof = _proof(place, RELEASE, configuration)
    assert proof
    assert "a demo without users" in proof.sentence
    assert proof.remark == "waived"


def test_an_environment_of_any_name_is_proven_by_the_one_it_names() -> None:
    configuration = check_configuration(
        environments(
            uat={"KIND": "staging"}, trial={"KIND": "staging"}, live={"KIND": "production", "PROVED_BY": "uat"}
        ),
        api_and_app(),
    )
    proving = proving_environment(configuration, configuration.environment("live"))
    assert proving is not None
    assert proving.name == "uat"


def test_images_of_another_version_are_found_by_their_names() -> None:
    ssm = FakeParameters()
    write_record(ssm, named("stage"), _ran())
    configuration = _configuration("4.1.0")
    assert _proof(target({"ssm": ssm}, environment="prod", configuration=configuration), RELEASE, configuration)


def test_the_record_is_read_where_the_proving_environment_is() -> None:
    ssm, asked = FakeParameters(), []

    def reach(environment: Environment) -> Target:
        asked.append(environment.name)
        return _place(ssm, environment=environment.name)

    write_record(ssm, named("stage"), _ran())
    assert expect_proof(CONFIGURATION.environment("prod"), CONFIGURATION, RELEASE, reach) is not None
    assert asked == ["stage"]


def test_two_tags_of_one_image_are_each_searched_for() -> None:
    image = resolved("api", "4.2.0-rc2")
    assert _found(_ran(Resolution("4.2.0-rc2", {"ghcr.io/org/api:4.2.0-rc2": image})), wanted=WANTED[:1]).record


def test_a_service_of_which_stage_ran_no_task_says_how_it_can_be_proven() -> None:
    ran = {"api": ("ghcr.io/org/api:4.2.0-rc2", HEALTHY), "app": ("ghcr.io/org/app:4.2.0-rc2", NO_TASK)}
    (sentence,) = _found(_ran(ran=ran, number=3)).differences
    assert sentence == (
        "app: no task ran in deployment 3; have at least one there (desired count), and deploy 4.2.0-rc2 there again"
    )


COMMIT = "a" * 40


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        (Origin("jane", f"{COMMIT}+changes", ("app.py",)), "these files are not committed: app.py"),
        (
            Origin("jane", f"{COMMIT}+changes", tuple("abcdefg")),
            "these files are not committed: a, b, c, d, e and 2 more",
        ),
        (Origin("jane", None), "git can't say from which commit it is made"),
    ],
)
def test_a_deployment_of_stage_whose_record_will_prove_nothing_is_announced(origin: Origin, why: str) -> None:
    there = _place(FakeParameters(), environment="stage")
    assert no_proof_to_come(CONFIGURATION, there, origin) == f"This will prove nothing for prod: {why}."


def test_where_nothing_is_proven_by_it_or_a_commit_has_everything_nothing_is_announced() -> None:
    changed, clean = Origin("jane", f"{COMMIT}+changes", ("app.py",)), Origin("jane", COMMIT)
    assert no_proof_to_come(CONFIGURATION, _place(FakeParameters(), environment="stage"), clean) == ""
    assert no_proof_to_come(CONFIGURATION, _place(FakeParameters(), environment="dev"), changed) == ""
    assert no_proof_to_come(CONFIGURATION, _place(FakeParameters(), environment="prod"), changed) == ""
    assert no_proof_to_come(CONFIGURATION, _place(FakeParameters(), environment="stage", is_local=True), changed) == ""
