"""Services as a user names them."""

from __future__ import annotations

import pytest

from portside.config.service_names import choose_services, find_service
from portside.errors import UsageError
from tests.apps import agora
from tests.unit.configuration_support import named

SERVICES = agora().services_of("dev")


@pytest.mark.parametrize("name", ["agora-api-next", "api-next"])
def test_a_service_is_found_by_its_whole_name_and_in_short(name: str) -> None:
    assert find_service(named("dev"), SERVICES, name).container_name == "agora-api-next"


@pytest.mark.parametrize(("name", "meant"), [("ap-next", "api-next"), ("agora-apy-next", "agora-api-next")])
def test_a_misspelt_service_gets_a_suggestion_of_the_same_length(name: str, meant: str) -> None:
    with pytest.raises(UsageError) as refused:
        find_service(named("dev"), SERVICES, name)
    assert refused.value.hint == f'Did you mean "{meant}"?'


def test_a_name_like_none_lists_what_is_known() -> None:
    with pytest.raises(UsageError, match="Known are: api, api-next, api-docs, app, apex"):
        find_service(named("dev"), SERVICES, "zzz")


def test_services_come_once_and_in_the_order_of_the_configuration() -> None:
    chosen = choose_services(named("dev"), SERVICES, ["apex", "api", "agora-api"], all_of_them=False)
    assert [props.container_name for props in chosen] == ["agora-api", "agora-apex"]
    assert choose_services(named("dev"), SERVICES, [], all_of_them=True) == SERVICES


@pytest.mark.parametrize(("names", "all_of_them"), [([], False), (["api"], True)])
def test_neither_names_nor_all_is_refused_and_so_are_both(names: list[str], all_of_them: bool) -> None:
    with pytest.raises(UsageError, match="pass --all"):
        choose_services(named("dev"), SERVICES, names, all_of_them=all_of_them)
