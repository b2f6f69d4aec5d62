"""Verifying the database: its exception from TLS, and the parameters that it runs with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from agora_own.extension import DATABASE_WITHOUT_TLS
from portside import extension
from portside.config.environment import OWNER_TAG
from portside.extension import Extension
from portside.findings.check import FAIL, OK, SKIP
from portside.findings.finding import Finding
from portside.preflight import database
from tests.apps import agora
from tests.unit.configuration_support import OMITTED
from tests.unit.verification_support import (
    FakeClient,
    ask,
    by_subject,
    configuration_with,
    context,
    deployed,
    resource_of,
)

CLUSTER = resource_of("AWS::DocDB::DBCluster", "ours", "Cluster")
GROUP = resource_of("AWS::DocDB::DBClusterParameterGroup", "our-parameters", "Group")
STACKS = {"agora-dev-docdb-v8": deployed(resources=[CLUSTER, GROUP])}


def tls_in(days: int) -> Finding:
    """The result for TLS so many days after the exception's last."""
    question = next(each for each in database.questions(context()) if each.subject == database.TLS)
    day = DATABASE_WITHOUT_TLS.until + timedelta(days=days)
    configuration = configuration_with(DATABASE_TLS=False)
    about = replace(context(configuration=configuration), now=datetime.combine(day, time(12), UTC))
    [check] = ask(question, about).checks
    return check


def parameters(cluster: dict[str, Any]) -> Finding:
    return checks(cluster)[database.PARAMETERS]


def checks(cluster: dict[str, Any]) -> dict[str, Finding]:
    members = cluster.pop("members", [])
    described = {"DBClusterParameterGroup": "our-parameters", "DBClusterMembers": members} | cluster
    about = context({"docdb": FakeClient(describe_db_clusters={"DBClusters": [described]})}, stacks=STACKS)
    return by_subject(database.questions(about), about)


def member(name: str, status: str) -> dict[str, str]:
    return {"DBInstanceIdentifier": name, "DBClusterParameterGroupStatus": status}


@pytest.mark.parametrize(
    ("cluster", "state", "text"),
    [
        ({"members": [member("one", "in-sync")]}, OK, "ours accepts encrypted connections only"),
        ({"DBClusterParameterGroup": "default.docdb8.0"}, FAIL, "which it does not use yet"),
        ({"members": [member("one", "pending-reboot")]}, FAIL, "which it does not use yet"),
    ],
)
def test_a_database_with_tls_is_only_called_encrypted_if_it_uses_its_parameters(
    cluster: dict[str, Any], state: Any, text: str
) -> None:
    check = checks(cluster)[database.TLS]
    assert check.state == state
    assert text in check.what


def test_an_environment_without_a_database_has_no_checks_of_it() -> None:
    assert database.questions(context(configuration=configuration_with(DATABASE_KIND=OMITTED))) == []


@pytest.mark.parametrize("days", [-100, 0])
def test_unencrypted_connections_are_a_known_exception_until_its_last_day(days: int) -> None:
    check = tls_in(days)
    assert check.state == SKIP
    assert "agora-api" in check.what
    assert str(DATABASE_WITHOUT_TLS.until) in check.what


def test_after_that_day_someone_is_reminded_to_look() -> None:
    check = tls_in(1)
    assert check.state == FAIL
    assert f"the exception ended on {DATABASE_WITHOUT_TLS.until}" in check.what
    assert "docs/database.md" in check.fix


def test_without_an_exception_unencrypted_connections_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension, "_installed", Extension())
    check = tls_in(-100)
    assert (check.state, check.what) == (FAIL, "off: connections to the database are not encrypted")


def test_the_exception_of_an_app_is_not_that_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension, "_installed", replace(extension.installed(), app="model-ad"))
    assert tls_in(-100).state == FAIL


def test_a_cluster_with_its_stacks_parameters_is_ok() -> None:
    assert parameters({"members": [member("one", "in-sync")]}).state == OK


def test_one_with_awss_own_parameters_fails_with_the_command_that_fixes_it() -> None:
    check = parameters({"DBClusterParameterGroup": "default.docdb8.0"})
    assert check.state == FAIL
    assert check.what == "ours uses default.docdb8.0, not our-parameters"
    assert "--db-cluster-parameter-group-name our-parameters" in check.fix


def test_parameters_that_wait_for_a_reboot_fail_with_the_instance_to_reboot() -> None:
    check = parameters({"members": [member("one", "in-sync"), member("two", "pending-reboot")]})
    assert check.state == FAIL
    assert check.what == "they wait for a reboot of two"
    assert "reboot-db-instance --db-instance-identifier two " in check.fix


def test_a_database_that_is_not_yet_deployed_has_no_parameters_to_look_at() -> None:
    assert by_subject(database.questions(context()), context())[database.PARAMETERS].state == SKIP


def test_services_that_are_the_master_user_are_named() -> None:
    about = replace(context({}), configuration=agora())
    check = by_subject(database.questions(about), about)[database.USERS]
    assert check.state == OK
    assert check.what.startswith("agora-api, agora-api-next connect as the master user; docs/database.md")


def data(stacks: dict[str, Any], **dev: Any) -> Finding:
    about = context(stacks=stacks, configuration=configuration_with(**dev))
    return by_subject(database.questions(about)[-1:], about)[database.DATA]


NETWORK_ONLY = {"agora-dev-network": deployed()}
OLD = deployed({"Resources": {"Cluster": {"Type": "AWS::DocDB::DBCluster"}}}, tags={})


def test_services_do_not_move_to_a_database_that_is_still_to_be_created() -> None:
    check = data({**NETWORK_ONLY, "agora-dev-docdb": OLD})
    assert check.state == FAIL
    assert check.what.startswith(
        "agora-dev-docdb-v8 would be created, and the services moved to it from agora-dev-docdb,"
    )
    assert 'Set "DATABASE_STACK": "docdb" for dev in app.py' in check.fix
    both = {name: {"CLUSTER": "ours", "TIME": "latest"} for name in ("docdb-v8-one", "docdb-v8-two")}
    moved = {**NETWORK_ONLY, "agora-dev-docdb-v8-one": deployed()}
    assert data(moved, DATABASE_STACK="docdb-v8-two", DATABASES=both).state == FAIL
    assert data(moved, DATABASE_STACK="docdb-v8-one", DATABASES=both).state == OK


@pytest.mark.parametrize(
    "stacks",
    [
        {},
        NETWORK_ONLY,
        {**NETWORK_ONLY, "agora-dev-docdb": OLD, "agora-dev-docdb-v8": deployed()},
        {**NETWORK_ONLY, "agora-dev-docdb": OLD | {"tags": {OWNER_TAG: "model-ad/dev"}}},
    ],
)
def test_a_first_database_and_a_move_to_a_deployed_one_lose_nothing(stacks: dict[str, Any]) -> None:
    assert data(stacks).state == OK
