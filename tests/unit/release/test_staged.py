"""Which release a staging environment runs: by its record and its tasks, or by the footer of its site."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from portside.config.environment import Environment
from portside.config.service_props import ServiceProps
from portside.errors import UsageError, UserError
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage
from portside.records.deployment_record import FAILED, DeploymentRecord
from portside.records.proof import seeded_record
from portside.release import staged as staging
from portside.release.staged import read_footer, read_staged, staging_environment
from tests.unit.configuration_support import WAIVED, check_configuration, environments, one_service, service
from tests.unit.release.test_verify import running, task

COMMIT = "abc1234f4af8271f4f03ff98b87392ae16749fbb"
DIGEST, INNER, OTHER = (f"sha256:{digit * 64}" for digit in "abc")


def environment(**changes: Any) -> Environment:
    return check_configuration(environments(stage=changes), one_service).environment("stage")


def record(version: str, number: int, digest: str = DIGEST, **changes: Any) -> DeploymentRecord:
    name = "ghcr.io/org/app"
    image = ResolvedImage(name, version, digest, COMMIT, "linux/amd64", "2026-11-23T12:00:00+00:00", INNER)
    images = Resolution(version, {f"{name}:{version}": image})
    made = replace(seeded_record(images), synthetic=False, number=number, began="2026-11-23T12:00:00+00:00")
    return replace(made, **changes)


def read(*records: DeploymentRecord, runs: str | None = DIGEST, version: str | None = None) -> staging.Staged:
    """The result for a stage whose one task runs a digest. The configuration names an older version, or none."""
    services: list[ServiceProps] = [
        service(container_location="ghcr.io/org/app:4.0.0-rc1"),
        service(container_name="new", container_location="ghcr.io/org/new:4.0.0-rc1", public=False),
    ]
    of = running(services, "stage", *([task(runs)] if runs else [])).target()
    return read_staged(of, services, records, version)


@pytest.mark.parametrize("runs", [DIGEST, INNER])
def test_what_runs_is_what_the_last_healthy_record_and_the_tasks_say(runs: str) -> None:
    found = read(
        record("4.3.0-rc1", 3, result=FAILED), record("4.2.0-rc2", 2), record("4.2.0-rc1", 1, OTHER), runs=runs
    )
    assert (str(found.version), found.commit, found.is_footer) == ("4.2.0-rc2", COMMIT, False)
    assert found.source == "stage runs it by deployment 2 of 2026-11-23 12:00 UTC, and so say its tasks"


def test_a_record_with_which_the_tasks_do_not_agree_proves_nothing() -> None:
    with pytest.raises(UserError) as raised:
        read(record("4.2.0-rc2", 2), runs=OTHER)
    assert raised.value.message.splitlines() == [
        "stage's record (deployment 2) and its tasks differ:",
        f"  app: tasks run {OTHER}, the record has 4.2.0-rc2 {DIGEST}",
    ]
    with pytest.raises(UserError, match="app: no task runs"):
        read(record("4.2.0-rc2", 2), runs=None)


@pytest.mark.parametrize(
    "records", [[], [record("4.2.0-rc2", 1, result=FAILED)], [record("4.2.0-rc2", 1, synthetic=True)]]
)
def test_without_a_healthy_deployment_that_was_there_is_nothing_to_finish(records: list[DeploymentRecord]) -> None:
    with pytest.raises(UserError, match="stage has no recorded healthy deployment"):
        read(*records)


def test_what_is_no_release_cannot_be_finished() -> None:
    with pytest.raises(UsageError, match="stage runs edge, which is no release"):
        read(record("edge", 1))


@pytest.mark.parametrize("version", ["4.2.0-rc2", "4.2.0"])
def test_a_version_that_was_healthy_before_is_proven_too(version: str) -> None:
    records = (record("4.3.0-rc1", 3), record("4.2.0-rc2", 2, OTHER), record("4.2.0-rc1", 1, OTHER))
    found = read(*records, version=version)
    assert str(found.version) == "4.2.0-rc2"
    assert found.source.endswith("deployment 2 of 2026-11-23 12:00 UTC; stage runs 4.3.0-rc1 now")


@pytest.mark.parametrize("changes", [{"result": FAILED}, {"synthetic": True}])
def test_a_version_that_was_never_healthy_is_not_found(changes: dict[str, Any]) -> None:
    found = read(record("4.3.0-rc1", 3), record("4.2.0-rc2", 2, **changes), version="4.2.0-rc2")
    assert str(found.version) == "4.3.0-rc1"


def footer(monkeypatch: pytest.MonkeyPatch, page: str) -> staging.Staged:
    monkeypatch.setattr(staging, "read_page", lambda url: page if url == "https://stage.example.org/" else "")
    return read_footer(environment(), "no usable AWS credentials")


@pytest.mark.parametrize(("shown", "commit"), [("4.2.0-abc1234", "abc1234"), ("v4.2.0-sha-1234567", "1234567")])
def test_without_credentials_the_footer_of_the_site_says_version_and_commit(
    monkeypatch: pytest.MonkeyPatch, shown: str, commit: str
) -> None:
    found = footer(monkeypatch, f"Agora {shown} (c) Sage")
    assert (str(found.version), found.commit, found.is_footer) == ("4.2.0", commit, True)
    assert found.source.startswith("no usable AWS credentials, so the footer of https://stage.example.org/ was read")


@pytest.mark.parametrize("page", ["Agora", "4.2.0-abc1234 4.2.1-abc1235", "edge-abc1234", "4.2.0-unknown"])
def test_a_footer_without_one_release_is_refused_with_what_it_shows(monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    with pytest.raises(UserError, match=r"was read instead: it shows .*, instead of one release") as raised:
        footer(monkeypatch, page)
    assert "AWS_PROFILE" in raised.value.hint


def test_the_environment_that_proves_production_is_the_one_whose_release_is_finished() -> None:
    three = environments(
        live={"KIND": "production", "PROVED_BY": "uat"}, uat={"KIND": "staging"}, demo={"KIND": "staging"}
    )
    configuration = check_configuration(three, one_service)
    assert staging_environment(configuration).name == "uat"
    assert staging_environment(configuration, "demo").name == "demo"
    with pytest.raises(UsageError, match="live is a production environment"):
        staging_environment(configuration, "live")


def test_several_environments_that_prove_are_distinguished_by_name() -> None:
    four = environments(
        live={"KIND": "production", "PROVED_BY": "uat"},
        shop={"KIND": "production", "PROVED_BY": "demo"},
        uat={"KIND": "staging"},
        demo={"KIND": "staging"},
    )
    with pytest.raises(UsageError, match="several environments prove releases: uat, demo") as raised:
        staging_environment(check_configuration(four, one_service))
    assert raised.value.hint == "Name one: --stage uat"
    with pytest.raises(UsageError, match=r"app.py has no staging environment"):
        staging_environment(check_configuration(environments(prod=WAIVED), one_service))


def test_a_site_that_does_not_answer_is_reported_together_with_missing_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def silent(url: str) -> str:
        raise UserError(f"{url} does not answer")

    monkeypatch.setattr(staging, "read_page", silent)
    with pytest.raises(
        UserError, match=r"no usable AWS credentials, and the footer of https://stage.* does not answer"
    ):
        read_footer(environment(), "no usable AWS credentials")
