"""A port of this machine that leads to the database."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from portside.commands import Commands
from portside.deploy import tunnel
from portside.errors import UsageError, UserError
from tests.apps import agora
from tests.unit.everyday_support import API_STACK, CLUSTER, DATABASE_STACK, Ecs, denied, place, service, task
from tests.unit.operations_support import client_error

SERVICES = agora().services_of("dev")
BASTION_STACK = {
    "resources": [{"ResourceType": "AWS::EC2::Instance", "PhysicalResourceId": "i-1", "LogicalResourceId": "B"}]
}
STACKS = {"agora-dev-api": API_STACK, "agora-dev-docdb-v8": DATABASE_STACK}


class Database:
    def describe_db_clusters(self, *, DBClusterIdentifier: str) -> dict[str, Any]:
        assert DBClusterIdentifier == "cluster-1"
        return {"DBClusters": [{"Endpoint": "db.example.org", "Port": 27017}]}


class Ssm:
    def __init__(self, *pings: str, refusal: Exception | None = None) -> None:
        self.pings, self.refusal = pings, refusal
        self.asked: list[dict[str, Any]] = []

    def describe_instance_information(self, *, Filters: list[dict[str, Any]]) -> dict[str, Any]:
        assert Filters == [{"Key": "InstanceIds", "Values": ["i-1"]}]
        return {"InstanceInformationList": [{"PingStatus": ping} for ping in self.pings]}

    def start_session(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self.refusal:
            raise self.refusal
        return {"SessionId": "s-1", "TokenValue": "the-token", "StreamUrl": "wss://x", "ResponseMetadata": {}}


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


def _plan(port: int, *, stacks: dict[str, Any], ecs: Any = None, ssm: Any = None) -> tunnel.Tunnel:
    target = place(ecs or Ecs(service(), [task("t1")]), stacks=stacks, docdb=Database(), ssm=ssm or Ssm())
    return tunnel.plan(target, SERVICES, port)


def test_it_goes_through_the_bastion_where_there_is_one(port: int) -> None:
    planned = _plan(port, stacks=STACKS | {"agora-dev-bastion": BASTION_STACK}, ssm=Ssm("Online"))
    assert (planned.target, planned.through) == ("i-1", "the bastion i-1")
    assert planned.request == {
        "Target": "i-1",
        "DocumentName": "AWS-StartPortForwardingSessionToRemoteHost",
        "Parameters": {"host": ["db.example.org"], "portNumber": ["27017"], "localPortNumber": [str(port)]},
    }


def test_without_a_bastion_it_goes_through_a_container_that_may_call_the_database(port: int) -> None:
    planned = _plan(port, stacks=STACKS)
    assert (planned.target, planned.through) == (f"ecs:{CLUSTER}_t1_r-1", "task t1 of agora-api")


def test_it_says_how_to_connect_without_the_password(port: int) -> None:
    planned = _plan(port, stacks=STACKS)
    assert planned.uri.startswith(f"mongodb://master@127.0.0.1:{port}/agora?directConnection=true")
    commands = Commands("dev", "111122223333", "us-east-1")
    assert "--secret-id arn:pass " in planned.password_command(commands)


@pytest.mark.parametrize(("pings", "word"), [((), "unknown to it"), (("ConnectionLost",), "ConnectionLost")])
def test_a_bastion_that_is_not_online_is_reported(port: int, pings: tuple[str, ...], word: str) -> None:
    with pytest.raises(UserError, match="the bastion i-1 is not online in Systems Manager") as refused:
        _plan(port, stacks=STACKS | {"agora-dev-bastion": BASTION_STACK}, ssm=Ssm(*pings))
    assert word in refused.value.message


def test_every_obstacle_on_the_way_through_containers_is_reported(port: int) -> None:
    with pytest.raises(UserError) as refused:
        _plan(port, stacks=STACKS, ecs=Ecs(service(enableExecuteCommand=False), [task("t1")]))
    assert "there is no bastion" in refused.value.message
    assert "ECS exec is off for it in dev" in refused.value.message
    assert "agora-api-next is not deployed in dev" in refused.value.message
    assert 'ENVIRONMENTS["dev"]["ECS_EXEC"]' in refused.value.hint


def test_without_a_database_there_is_nothing_to_lead_to(port: int) -> None:
    with pytest.raises(UserError, match="there is no stack agora-dev-docdb-v8"):
        _plan(port, stacks={})


def test_a_port_that_is_in_use_is_refused_before_aws_is_asked(taken: int) -> None:
    with pytest.raises(UsageError, match=f"port {taken} is in use on this machine"):
        tunnel.plan(place(None, stacks={}), SERVICES, taken)


def test_a_session_is_opened_with_that_request_and_keeps_only_what_the_plugin_needs(port: int) -> None:
    ssm = Ssm()
    session = tunnel.open_session(place(None, ssm=ssm), _plan(port, stacks=STACKS))
    assert ssm.asked == [session.request]
    assert set(session.opened) == {"SessionId", "TokenValue", "StreamUrl"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (denied(), "need ssm:StartSession"),
        (client_error("TargetNotConnected", "i-1 is not connected."), "is not connected to Systems Manager"),
        (client_error("InternalServerError", "who knows"), "Systems Manager opens no session"),
    ],
)
def test_a_refusal_says_what_is_missing(port: int, error: Exception, words: str) -> None:
    with pytest.raises(UserError) as refused:
        tunnel.open_session(place(None, ssm=Ssm(refusal=error)), _plan(port, stacks=STACKS))
    assert words in str(refused.value)
