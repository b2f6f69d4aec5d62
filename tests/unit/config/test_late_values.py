"""Values that are known only once something is deployed."""

from __future__ import annotations

from string import Template
from typing import Any

import aws_cdk as cdk
import pytest

from portside.config.deferred_values import DatabaseHost, DatabaseSecret, ImageCommit, ImageVersion, is_token, parts_of
from tests.unit.configuration_support import service, service_problems


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
def test_a_value_of_the_image_that_is_written_otherwise_is_reported_with_what_to_write(kind: type) -> None:
    name = kind.__name__
    (of_class,) = service_problems(container_env_vars={"TOLD": kind})
    assert (of_class.what, of_class.hint) == ("a class, not a value", f"Use {name}().")
    (as_code,) = service_problems(container_env_vars={"TOLD": f"v{kind()!r}"})
    expected = "a value that is only known after a deployment, as text instead of Python code"
    assert as_code.what == f"{expected}, got 'v{name}()'"
    assert "no !r" in as_code.hint


def test_deferred_values_work_inside_text_however_the_text_is_assembled() -> None:
    version, commit = ImageVersion(), ImageCommit()
    texts = [
        f"agora@{version}+{commit}",
        "agora@{}+{}".format(version, commit),  # noqa: UP032 # one of the ways to write it
        "agora@%s+%s" % (version, commit),  # noqa: UP031 # one of the ways to write it
        "agora@" + version + "+" + commit,
        Template("agora@$version+$commit").substitute(version=version, commit=commit),
    ]
    assert {tuple(parts_of(text)) for text in texts} == {("agora@", version, "+", commit)}
    assert service(container_env_vars={"SENTRY_RELEASE": texts[0]}).container_env_vars["SENTRY_RELEASE"] == texts[0]


def test_a_text_without_deferred_values_and_a_deferred_value_alone_are_one_part() -> None:
    assert parts_of("agora@edge") == ["agora@edge"]
    assert parts_of(ImageVersion()) == [ImageVersion()]
    assert parts_of("") == []


@pytest.mark.parametrize(
    "changed",
    [
        f"{ImageCommit()}"[:7],
        f"{ImageCommit()}"[3:7],
        f"{ImageCommit()}"[1:],
        f"agora@{ImageVersion()}".upper(),
        f"{ImageVersion()}".replace("e", "E"),
        f"{ImageVersion()}"[::-1],
    ],
    ids=["beginning", "middle", "end", "capitals", "one letter", "backwards"],
)
def test_a_deferred_value_that_was_cut_or_changed_inside_its_text_is_refused(changed: str) -> None:
    (problem,) = service_problems(container_env_vars={"SENTRY_RELEASE": changed})
    assert problem.where == 'ServiceProps("app").container_env_vars["SENTRY_RELEASE"]'
    assert "changed form" in problem.what
    assert problem.what.isprintable()
    assert "no slices" in problem.hint


@pytest.mark.parametrize("spec", [".7", ">20", "s"])
def test_a_deferred_value_takes_no_format(spec: str) -> None:
    with pytest.raises(
        TypeError, match=r"ImageCommit\(\) can't be formatted as .* it is only known after a deployment"
    ):
        format(ImageCommit(), spec)


def test_text_operations_on_a_deferred_value_are_an_error_that_explains_why() -> None:
    with pytest.raises(TypeError, match="can't be sliced"):
        ImageCommit()[:7]
    with pytest.raises(AttributeError, match="has no upper: it is only known after a deployment"):
        ImageVersion().upper()


def test_a_secret_inside_a_text_is_refused() -> None:
    (problem,) = service_problems(container_env_vars={"GREETING": f"it is {DatabaseSecret()}"})
    assert problem.what.startswith("a secret can't be part of a text")


@pytest.mark.parametrize("field", ["container_command", "container_name", "health_check_path"])
def test_a_deferred_value_in_another_field_than_the_variables_is_refused(field: str) -> None:
    text = f"/{ImageVersion()}"
    problems = service_problems(**{field: [text] if field == "container_command" else text})
    assert "a value that is only known after a deployment" in problems[0].what
    assert "{ImageVersion()}" in problems[0].what
