"""Verifying the host name: it leads to this environment's load balancer, or it is said what to add."""

from __future__ import annotations

import socket

import pytest

from portside.findings.check import FAIL, OK, SKIP
from portside.findings.finding import Finding
from portside.preflight import host_name
from portside.preflight.context import Question
from tests.unit.verification_support import by_subject, context, deployed

BALANCER = "balancer.us-east-1.elb.amazonaws.com"
STACKS = {"agora-dev-load-balancer": deployed(exports={"agora-dev-load-balancer-dns": BALANCER})}


def found(
    monkeypatch: pytest.MonkeyPatch,
    addresses: set[str] | OSError,
    *,
    is_deployed: bool = True,
    is_local: bool = False,
) -> Finding:
    def look_up(name: str) -> set[str]:
        if name == BALANCER:
            return {"192.0.2.1", "192.0.2.2"}
        if isinstance(addresses, OSError):
            raise addresses
        return addresses

    monkeypatch.setattr(host_name, "look_up", look_up)
    about = context(stacks=STACKS if is_deployed else {}, is_local=is_local)
    return by_subject([Question(host_name.HOST_NAME, host_name.host_name)], about)["host name"]


def test_a_name_that_shares_an_address_with_the_load_balancer_points_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, {"192.0.2.2", "192.0.2.3"}).state == OK


@pytest.mark.parametrize("addresses", [set(), {"198.51.100.1"}])
def test_a_name_that_is_not_set_or_leads_elsewhere_fails_with_what_to_add(
    monkeypatch: pytest.MonkeyPatch, addresses: set[str]
) -> None:
    check = found(monkeypatch, addresses)
    assert check.state == FAIL
    assert "./agora dns dev" in check.fix
    assert "!CopyValue [!Sub 'agora-dev-load-balancer-dns'" in check.fix


def test_a_silent_name_server_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, socket.gaierror(socket.EAI_AGAIN, "try again")).state == SKIP


def test_before_there_is_a_load_balancer_there_is_nowhere_to_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, set(), is_deployed=False).state == SKIP


def test_a_rehearsal_has_no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, set(), is_local=True).state == SKIP
