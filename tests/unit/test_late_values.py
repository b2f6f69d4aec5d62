"""Values that are known only once something is deployed."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest

from src.late_values import DatabaseHost, DatabaseSecret, ImageCommit, ImageVersion, is_token
from tests.unit.form_support import service, told_of_service


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
    assert ImageVersion() == ImageVersion()
    assert ImageCommit() == ImageCommit()


@pytest.mark.parametrize("kind", [ImageVersion, ImageCommit])
def test_a_variable_can_be_the_version_or_the_commit_of_the_containers_own_image(kind: type) -> None:
    assert service(container_env_vars={"TOLD": kind()}).container_env_vars["TOLD"] == kind()


@pytest.mark.parametrize("kind", [ImageVersion, ImageCommit])
def test_a_value_of_the_image_that_is_written_otherwise_is_told_with_what_to_write(kind: type) -> None:
    name = kind.__name__
    (of_class,) = told_of_service(container_env_vars={"TOLD": kind})
    assert (of_class.what, of_class.hint) == ("the class, not a value of it", f"Write {name}().")
    (in_text,) = told_of_service(container_env_vars={"TOLD": f"v{kind()}"})
    assert in_text.what == f"a value known only later cannot be part of a text, got 'v{name}()'"
    assert in_text.hint == "Give it a variable of its own."
