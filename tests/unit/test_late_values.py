"""Values that are known only once something is deployed."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from src.late_values import DatabaseHost, DatabaseSecret, is_token


def late(kind: type) -> Any:
    value = cdk.Fn.get_att("Anything", "Later")
    makers: dict[type, Any] = {str: cdk.Token.as_string, int: cdk.Token.as_number, list: cdk.Token.as_list}
    return makers[kind](value)


def test_a_text_of_the_cdk_that_is_resolved_later_is_a_token_even_inside_another_text() -> None:
    assert is_token(late(str))
    assert is_token(f"mongodb://{late(str)}:27017")


def test_a_number_and_the_item_of_a_list_that_are_resolved_later_are_tokens() -> None:
    assert is_token(late(int))
    assert [is_token(item) for item in late(list)] == [True]


@pytest.mark.parametrize("value", ["", "Token[TOKEN.1]", "${HOME}", 0, -1, -1.9e289, True, None, [], float("nan")])
def test_what_people_write_is_no_token(value: object) -> None:
    assert not is_token(value)


def test_the_databases_secret_is_its_password_unless_asked_otherwise() -> None:
    assert DatabaseSecret() == DatabaseSecret("password")


def test_late_values_are_values() -> None:
    assert DatabaseHost() == DatabaseHost()
