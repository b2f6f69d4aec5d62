"""Groups between services: which there are, and for how many deployments they stay after they no longer exist."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from portside.config.configuration import Configuration
from portside.config.context_flags import KEPT_GROUPS
from portside.config.service_groups import (
    ServiceGroup,
    configured_groups,
    format_groups,
    groups_after,
    kept_groups,
    parse_groups,
)
from portside.config.service_props import Call, ServiceProps
from portside.images.synthesis_images import KEPT_FOLDER, groups_for_synthesis, keep_groups
from tests.unit.configuration_support import check_configuration, environments, service
from tests.unit.stacks_support import Json, of_type, read_templates, references, shared_synthesis_with

API = "CallersOf-api"


def api() -> ServiceProps:
    return service(container_name="api", container_port=3333)


def app(*callees: str, port: int = 443) -> ServiceProps:
    return service(public=True, container_port=port, calls=[Call(callee, 3333 + n) for n, callee in enumerate(callees)])


def configuration(*services: ServiceProps) -> Configuration:
    return check_configuration(environments(dev={}), lambda _: list(services))


def templates(of: Configuration, kept: str = "") -> Mapping[str, Json]:
    return read_templates(shared_synthesis_with(None, of, "dev", {KEPT_GROUPS: kept}))


def groups_in(ecs: Json) -> set[str]:
    return {each["Properties"]["GroupDescription"] for each in of_type(ecs, "AWS::EC2::SecurityGroup").values()}


def test_each_callee_accepts_its_group_and_all_callees_of_a_caller_with_many_calls_accept_that_callers_group() -> None:
    callees = [service(container_name=name, container_port=3333 + n) for n, name in enumerate("abcd")]
    many = app(*"abcd")
    assert configured_groups([*callees, many]) == {
        **{f"CallersOf-{name}": ServiceGroup(0, (name,)) for name in "abcd"},
        "CallsOf-app": ServiceGroup(0, ("a", "b", "c", "d")),
    }


def test_the_group_of_a_service_that_no_longer_exists_stays_once_and_the_next_deployment_removes_it() -> None:
    first = groups_after(configured_groups([api(), app("api")]), [app()], has_leftovers=False)
    assert first == {API: ServiceGroup(1)}
    assert groups_after(first, [app()], has_leftovers=False) == {}


def test_it_stays_as_long_as_a_stack_is_deployed_that_may_use_it() -> None:
    groups: Mapping[str, ServiceGroup] = configured_groups([api(), app("api")])
    for _ in range(3):
        groups = groups_after(groups, [app()], has_leftovers=True)
        assert set(groups) == {API}
    assert groups_after(groups, [app()], has_leftovers=False) == {}


def test_the_rule_of_a_service_that_is_no_longer_called_goes_before_its_group() -> None:
    services = [api(), app()]
    first = groups_after(configured_groups([api(), app("api")]), services, has_leftovers=False)
    assert first == {API: ServiceGroup(1, ("api",))}, "tasks that call it may still run"
    second = groups_after(first, services, has_leftovers=False)
    assert second == {API: ServiceGroup(2)}, "the rule goes now, and the stack of groups is deployed before it"
    assert groups_after(second, services, has_leftovers=False) == {}


def test_a_group_that_is_needed_again_is_configured_again() -> None:
    again = groups_after({API: ServiceGroup(1)}, [api(), app("api")], has_leftovers=False)
    assert again == {API: ServiceGroup(0, ("api",))}
    assert kept_groups(again) == {}


def test_what_stays_is_handed_to_a_synthesis_as_text() -> None:
    kept = {API: ("api",), "CallsOf-app": ()}
    assert parse_groups(format_groups(kept)) == kept
    assert format_groups({}) == ""
    assert parse_groups("") == parse_groups(None) == {}
    for wrong in ("[]", '{"Other-api": []}'):
        with pytest.raises(ValueError, match=r"\S"):
            parse_groups(wrong)


def test_a_group_that_stays_is_the_same_resource_with_the_same_output() -> None:
    before = templates(configuration(api(), app("api")))["agora-dev-ecs"]
    deleted = templates(configuration(app()))["agora-dev-ecs"]
    kept = templates(configuration(app()), format_groups({API: ()}))["agora-dev-ecs"]
    assert groups_in(before) == groups_in(kept) == {"Carried by the callers of api"}
    assert groups_in(deleted) == set()
    assert kept["Resources"] == before["Resources"]
    of_groups = {key: value for key, value in before["Outputs"].items() if "CallersOf" in key}
    assert of_groups
    assert of_groups.items() <= kept["Outputs"].items()


def test_the_rule_that_stays_leaves_the_callee_s_template_as_it_was() -> None:
    before = templates(configuration(api(), app("api")))["agora-dev-api"]
    kept = templates(configuration(api(), app()), format_groups({API: ("api",)}))["agora-dev-api"]
    later = templates(configuration(api(), app()), format_groups({API: ()}))["agora-dev-api"]
    assert kept == before
    assert (
        len(of_type(later, "AWS::EC2::SecurityGroupIngress"))
        == len(of_type(kept, "AWS::EC2::SecurityGroupIngress")) - 1
    )


def test_no_stack_reads_from_a_group_that_only_stays() -> None:
    found = templates(configuration(app()), format_groups({API: ()}))
    assert not any("CallersOf" in json.dumps(each) for name, each in found.items() if name != "agora-dev-ecs")
    assert all(references(each) <= found.keys() for each in found.values())


def test_a_synthesis_by_hand_keeps_what_the_last_deployment_from_here_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEPT_FOLDER, str(tmp_path))
    assert groups_for_synthesis("dev", [app()]) == "", "no group is kept"
    keep_groups("dev", configured_groups([api(), app("api")]))
    for _ in range(3):
        assert parse_groups(groups_for_synthesis("dev", [app()])) == {API: ()}, "it does not know what is deployed"
    assert groups_for_synthesis("dev", [api(), app("api")]) == ""
    keep_groups("dev", {})
    assert groups_for_synthesis("dev", [app()]) == ""
    next(tmp_path.iterdir()).write_text('{"x": 1}')
    assert groups_for_synthesis("dev", [app()]) == "", "a cache that is damaged is none"
