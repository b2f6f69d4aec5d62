"""What proves that a release may run in prod."""

from __future__ import annotations

from dataclasses import replace

import pytest

from operations import proof as proofs
from operations.deployment_record import FAILED, INTERRUPTED, ROLLBACK, read_records, write_record
from operations.proof import NotProven, Proof, expect_proof, find_proof, proving_environment, seed_proof
from operations.target import Target
from src.environment import Environment
from src.form import Form, check_form
from src.resolution import Resolution
from tests.unit.form_support import api_and_app, environments
from tests.unit.operations_support import FakeParameters, deployment_of, digest, resolution, resolved, target

RELEASE = resolution("4.2.0-rc2", "api", "app")
OTHER = resolution("4.2.0-rc1", "api", "app")
FORM = check_form(environments(dev={}, stage={}, prod={}), api_and_app())


def _place(ssm: FakeParameters, *, environment: str = "prod", is_local: bool = False) -> Target:
    return target({"ssm": ssm}, environment=environment, is_local=is_local, form=FORM)


@pytest.fixture
def rehearsing(monkeypatch: pytest.MonkeyPatch) -> Target:
    """A rehearsal of prod, beside which stage is in the same embedded AWS."""
    place = _place(FakeParameters(), is_local=True)
    monkeypatch.setattr(proofs, "beside", lambda _, environment, **__: replace(place, environment=environment))
    return place


def _proof(place: Target, images: Resolution, form: Form = FORM) -> Proof | None:
    return expect_proof(place.environment, form, images, lambda proving: replace(place, environment=proving))


def _refused(place: Target, images: Resolution, form: Form = FORM) -> NotProven:
    with pytest.raises(NotProven) as refused:
        _proof(place, images, form)
    return refused.value


def test_prod_may_run_exactly_what_stage_ran_well() -> None:
    ssm = FakeParameters()
    write_record(ssm, "stage", deployment_of(RELEASE))
    proof = _proof(_place(ssm), RELEASE)
    assert proof is not None
    assert proof.sentence == "Proven by stage's deployment 1 of 2026-11-23 12:00 UTC."
    assert proof.as_json() == {
        "environment": "stage",
        "record": {"number": 1, "began": "2026-11-23T12:00:00+00:00", "who": "Developer/jane"},
        "differences": [],
    }


def test_a_difference_in_any_digest_is_refused_and_named() -> None:
    ssm = FakeParameters()
    write_record(ssm, "stage", deployment_of(RELEASE))
    error = _refused(_place(ssm), resolution("4.2.0-rc2", "api", app="built again"))
    assert error.message == (
        "prod runs only what stage ran well, which is not so for 4.2.0-rc2\n"
        f"  ghcr.io/org/app: ran as 4.2.0-rc2 {digest('app 4.2.0-rc2')}, wanted is 4.2.0-rc2 {digest('built again')}"
    )
    assert error.hint == "Deploy it there first: ./agora deploy stage"
    assert error.proof.as_json()["record"] is None


def test_an_image_that_stage_did_not_have_is_refused_and_named() -> None:
    proof = find_proof("stage", [deployment_of(RELEASE)], resolution("4.2.0-rc2", "api", "app", "docs"))
    assert proof.record is None
    assert proof.differences == ("ghcr.io/org/docs: was not deployed with 4.2.0-rc2",)


def test_an_image_that_only_stage_has_does_not_matter() -> None:
    record = deployment_of(resolution("4.2.0-rc2", "api", "app", "docs"))
    assert find_proof("stage", [record], RELEASE).record == record


def test_another_name_for_the_same_digests_is_proven() -> None:
    final = resolution("4.2.0", api="api 4.2.0-rc2", app="app 4.2.0-rc2")
    assert find_proof("stage", [deployment_of(RELEASE)], final).record


def test_the_same_version_with_other_digests_is_not_proven() -> None:
    rebuilt = resolution("4.2.0-rc2", api="new api", app="new app")
    assert len(find_proof("stage", [deployment_of(RELEASE)], rebuilt).differences) == 2


def test_two_tags_of_one_image_are_proven_by_a_deployment_of_both() -> None:
    images = [resolved("api", "4.2.0-rc2"), resolved("api", "4.2.0-rc2-debug")]
    both = Resolution("4.2.0-rc2", {f"{image.name}:{image.tag}": image for image in images})
    assert find_proof("stage", [deployment_of(both)], both).record


@pytest.mark.parametrize("result", [FAILED, INTERRUPTED, "unheard-of"])
def test_a_deployment_that_did_not_end_well_proves_nothing(result: str) -> None:
    proof = find_proof("stage", [deployment_of(RELEASE, result=result)], RELEASE)
    assert proof.record is None
    assert proof.differences == ("stage has no healthy deployment on record",)


def test_an_older_healthy_deployment_counts_whatever_came_after_it() -> None:
    records = [
        deployment_of(RELEASE, result=FAILED, number=4),
        deployment_of(OTHER, number=3),
        deployment_of(RELEASE, number=2),
        deployment_of(RELEASE, number=1),
    ]
    found = find_proof("stage", records, RELEASE).record
    assert found is not None
    assert found.number == 2


def test_a_rollback_of_stage_counts_as_having_run() -> None:
    record = deployment_of(RELEASE, kind=ROLLBACK, instead_of=(digest("bad"),))
    assert find_proof("stage", [record], RELEASE).record == record


def test_images_that_never_ran_together_are_not_proven() -> None:
    records = [
        deployment_of(resolution("4.2.0-rc2", "api", app="other")),
        deployment_of(resolution("4.2.0-rc2", "app", api="other")),
    ]
    assert find_proof("stage", records, RELEASE).record is None


def test_differences_are_told_from_stages_deployment_of_that_version_rather_than_from_its_last() -> None:
    records = [deployment_of(OTHER), deployment_of(resolution("4.2.0-rc2", "api", app="first build"))]
    assert find_proof("stage", records, RELEASE).differences == (
        f"ghcr.io/org/app: ran as 4.2.0-rc2 {digest('first build')}, wanted is 4.2.0-rc2 {digest('app 4.2.0-rc2')}",
    )
    assert "ran as 4.2.0-rc1" in find_proof("stage", records[:1], RELEASE).differences[0]


def test_prods_own_record_proves_nothing() -> None:
    ssm = FakeParameters()
    write_record(ssm, "prod", deployment_of(RELEASE))
    assert "stage has no healthy deployment on record" in _refused(_place(ssm), RELEASE).message


def test_a_synthetic_record_proves_nothing_in_aws() -> None:
    ssm = FakeParameters()
    write_record(ssm, "stage", deployment_of(RELEASE, synthetic=True))
    error = _refused(_place(ssm), RELEASE)
    assert "stage has no healthy deployment on record" in error.message
    assert "--seed" not in error.hint


def test_a_rehearsal_says_how_to_pretend_and_then_that_it_did(rehearsing: Target) -> None:
    assert "./agora deploy prod --local --seed-stage" in _refused(rehearsing, RELEASE).hint
    seed_proof(rehearsing, FORM, RELEASE)
    proof = _proof(rehearsing, RELEASE)
    assert proof is not None
    assert proof.sentence.endswith("UTC, which never was.")
    (record,) = read_records(rehearsing.clients("ssm"), "stage")
    assert (record.synthetic, record.who, record.images) == (True, "nobody", RELEASE)


@pytest.mark.parametrize("name", ["dev", "stage"])
def test_nobody_else_needs_a_proof(name: str) -> None:
    assert _proof(_place(FakeParameters(), environment=name), RELEASE) is None


def test_a_form_without_a_stage_needs_no_proof() -> None:
    form = check_form(environments(dev={}, prod={}), api_and_app())
    assert proving_environment(form, form.environment("prod")) is None
    assert _proof(_place(FakeParameters()), RELEASE, form) is None


def test_the_long_names_of_stage_and_prod_count_too() -> None:
    form = check_form(environments(staging={"KIND": "staging"}, production={"KIND": "production"}), api_and_app())
    proving = proving_environment(form, form.environment("production"))
    assert proving is not None
    assert proving.name == "staging"


def test_the_record_is_read_where_the_proving_environment_is() -> None:
    ssm, asked = FakeParameters(), []

    def reach(environment: Environment) -> Target:
        asked.append(environment.name)
        return _place(ssm, environment=environment.name)

    write_record(ssm, "stage", deployment_of(RELEASE))
    assert expect_proof(FORM.environment("prod"), FORM, RELEASE, reach) is not None
    assert asked == ["stage"]
