"""The name that people open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portside.aws.dns import compare, read_dns, snippet_of
from portside.config.environment import OWNER_TAG
from portside.errors import UserError
from tests.unit.configuration_support import named
from tests.unit.everyday_support import place

STACKS = {"agora-dev-load-balancer": {"exports": {"agora-dev-load-balancer-dns": "lb.example.org"}}}
ADDRESSES = {"lb.example.org": {"1.1.1.1", "2.2.2.2"}, "agora-dev.adknowledgeportal.org": {"2.2.2.2", "3.3.3.3"}}


def _resolve(name: str) -> set[str]:
    return ADDRESSES.get(name, set())


def test_the_snippet_copies_the_export_from_the_environments_account() -> None:
    assert snippet_of(named("dev"), "agora-dev-load-balancer-dns") == (
        "TargetHostName: !CopyValue [!Sub 'agora-dev-load-balancer-dns', !Ref AgoraDevAccount]"
    )


def test_a_name_that_leads_to_the_load_balancer_resolves() -> None:
    found = read_dns(place(None, stacks=STACKS), _resolve)
    assert (found.export, found.load_balancer, found.state) == (
        "agora-dev-load-balancer-dns",
        "lb.example.org",
        "resolves",
    )


def test_no_record_is_printed_for_the_load_balancer_of_another_app() -> None:
    balancer = STACKS["agora-dev-load-balancer"] | {"tags": {OWNER_TAG: "model-ad/dev"}}
    with pytest.raises(UserError, match="stack agora-dev-load-balancer belongs to model-ad/dev"):
        read_dns(place(None, stacks={"agora-dev-load-balancer": balancer}), _resolve)


@pytest.mark.parametrize(
    ("fqdn", "balancer", "state"),
    [
        (set(), {"1.1.1.1"}, "does not resolve yet"),
        ({"9.9.9.9"}, {"1.1.1.1"}, "leads elsewhere"),
        ({"9.9.9.9"}, set(), "unknown"),
        ({"1.1.1.1", "9.9.9.9"}, {"1.1.1.1", "2.2.2.2"}, "resolves"),
    ],
)
def test_a_name_is_compared_by_addresses(fqdn: set[str], balancer: set[str], state: str) -> None:
    assert compare("name", "lb", {"name": fqdn, "lb": balancer}.__getitem__)[0] == state


def test_a_name_server_that_does_not_answer_leaves_it_unknown() -> None:
    def silent(_: str) -> set[str]:
        raise OSError("try again")

    assert compare("name", "lb", silent) == ("unknown", "the name server does not answer: try again")


def test_a_rehearsal_asks_no_name_server() -> None:
    def asked(_: str) -> set[str]:
        raise AssertionError

    found = read_dns(replace(place(None, stacks=STACKS), is_local=True), asked)
    assert (found.state, found.found) == ("unknown", "a rehearsal has no DNS")


def test_without_a_load_balancer_it_is_deployed_first() -> None:
    with pytest.raises(UserError, match="exports its name as agora-dev-load-balancer-dns") as refused:
        read_dns(place(None, stacks={}), _resolve)
    assert "./agora deploy dev" in refused.value.hint
