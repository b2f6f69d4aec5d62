"""Verifying Service Connect: which endpoints are new, and who must come first."""

from __future__ import annotations

from typing import Any

from portside.config.environment import OWNER_TAG
from portside.findings.check import FAIL, OK
from portside.preflight import endpoints
from portside.preflight.endpoints import endpoints_of, order_of
from tests.apps import agora
from tests.unit.configuration_support import api_and_app, check_configuration, environments
from tests.unit.verification_support import by_subject, context, deployed

CONFIGURATION = check_configuration(environments(dev={}), api_and_app())


def serving(name: str, port: int) -> dict[str, Any]:
    offered = {"ClientAliases": [{"DnsName": name, "Port": port}]}
    connected = {"ServiceConnectConfiguration": {"Services": [offered]}}
    return {"Resources": {"Service": {"Type": "AWS::ECS::Service", "Properties": connected}}}


def found(**deployed_as: tuple[str, int]) -> str:
    stacks = {f"agora-dev-{part}": deployed(serving(*endpoint)) for part, endpoint in deployed_as.items()}
    (check,) = by_subject(endpoints.questions(), context(stacks=stacks, configuration=CONFIGURATION)).values()
    assert check.state == OK
    return check.what


def test_where_no_endpoint_is_new_order_does_not_matter() -> None:
    assert found(api=("api", 3333), app=("app", 443)) == "no endpoint is new: services are deployed in parallel"


def test_a_new_endpoint_puts_callees_first() -> None:
    assert found(app=("app", 443)) == "new: api:3333; so callees come first: api, then app"


def test_a_port_that_changes_makes_the_endpoint_new() -> None:
    assert found(api=("api", 4444), app=("app", 443)).startswith("new: api:3333")


def test_in_a_first_deployment_all_are_new() -> None:
    assert found().startswith("new: api:3333, app:443;")


def test_a_service_without_service_connect_offers_none() -> None:
    assert endpoints_of({"Resources": {"S": {"Type": "AWS::ECS::Service", "Properties": {}}}}) == set()


def test_services_that_do_not_call_each_other_share_a_group() -> None:
    agora = order_of(check_configuration_of_agora())
    assert agora[0] == ["agora-api", "agora-api-next", "agora-api-docs"]
    assert agora[-1] == ["agora-apex"]


def check_configuration_of_agora() -> Any:

    return agora().services_of("dev")


def elsewhere(**more: Any) -> dict[str, Any]:
    stacks = {
        "agora-dev-api": deployed(serving("api", 3333)),
        "agora-dev-portal": deployed(serving("app", 443), **more),
    }
    return by_subject(endpoints.questions(), context(stacks=stacks, configuration=CONFIGURATION))


def test_a_service_that_runs_in_another_stack_fails_with_the_setting_that_adopts_it() -> None:
    check = elsewhere(tags={})["Service Connect"]
    assert check.state == FAIL
    assert check.what == "already running in stacks that are not in app.py: app in agora-dev-portal"
    assert check.fix == 'In app.py add stack="portal" to app.'


def test_a_service_of_another_app_in_a_stack_with_this_prefix_is_not_this_one() -> None:
    assert elsewhere(tags={OWNER_TAG: "model-ad/dev"})["Service Connect"].state == OK
