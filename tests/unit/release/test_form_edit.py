"""Changing the released version in the configuration without touching anything else of it."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portside.config.configuration import load_configuration
from portside.errors import UsageError
from portside.release.configuration_edit import versions_in, with_versions
from tests.apps import AGORA, agora

CONFIGURATION = """\
ENVIRONMENTS = {
    "dev": {"GHCR_PACKAGE_VERSION": "edge"},
    "stage": {"GHCR_PACKAGE_VERSION": "4.2.0-rc2"},
    "prod": {"GHCR_PACKAGE_VERSION": "4.2.0-rc2"},
}
"""
CONSTANT = """\
RELEASE = "4.2.0-rc2"
ENVIRONMENTS = {
    "dev": {"GHCR_PACKAGE_VERSION": "edge"},
    "stage": {"GHCR_PACKAGE_VERSION": RELEASE},
    "prod": {"GHCR_PACKAGE_VERSION": RELEASE},
}
"""
RELEASED = {"stage": "4.3.0-rc1", "prod": "4.3.0-rc1"}


def stage_written_as(value: str) -> str:
    return CONFIGURATION.replace('"stage": {"GHCR_PACKAGE_VERSION": "4.2.0-rc2"}', f'"stage": {value}')


def refusal(source: str | bytes, versions: dict[str, str] | None = None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        with_versions(source.encode() if isinstance(source, str) else source, versions or {"stage": "4.3.0-rc1"})
    return caught.value


def test_the_whole_configuration_gets_another_release_and_is_still_a_configuration(tmp_path: Path) -> None:
    before = (AGORA / "app.py").read_bytes()
    (tmp_path / "app.py").write_bytes(with_versions(before, {"stage": "99.0.0-rc1", "prod": "99.0.0-rc2"}))
    configuration = load_configuration(tmp_path / "app.py")
    assert {name: configuration.environment(name).ghcr_package_version for name in configuration.environments} == {
        "dev": versions_in(before)["dev"],
        "stage": "99.0.0-rc1",
        "prod": "99.0.0-rc2",
    }
    assert versions_in(before) == {name: env.ghcr_package_version for name, env in agora().environments.items()}


def test_only_the_environments_that_are_named_change() -> None:
    assert with_versions(CONFIGURATION.encode(), {"prod": "4.3.0-rc1"}).decode() == CONFIGURATION.replace(
        '"prod": {"GHCR_PACKAGE_VERSION": "4.2.0-rc2"}', '"prod": {"GHCR_PACKAGE_VERSION": "4.3.0-rc1"}'
    )


def test_a_version_that_is_there_already_leaves_the_source_as_it_is() -> None:
    source = CONFIGURATION.encode()
    assert with_versions(source, {"stage": "4.2.0-rc2"}) is source


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ('"4.2.0"', '"9.0.0"'),
        ("'4.2.0'", "'9.0.0'"),
        ('"""4.2.0"""', '"""9.0.0"""'),
        ("'''4.2.0'''", "'''9.0.0'''"),
        ('r"4.2.0"', 'r"9.0.0"'),
        ("U'4.2.0'", "U'9.0.0'"),
        (r'"4\x2e2.0"', '"9.0.0"'),
        ('("4.2.0")', '("9.0.0")'),
        ('""', '"9.0.0"'),
    ],
)
def test_a_literal_keeps_its_kind_of_quotes(literal: str, expected: str) -> None:
    source = stage_written_as(f'{{"ACCOUNT": "ä€𝄞", "GHCR_PACKAGE_VERSION": {literal}, }},  # für alle')
    assert with_versions(source.encode(), {"stage": "9.0.0"}).decode() == source.replace(literal, expected)


def test_windows_ends_of_lines_and_a_byte_order_mark_stay() -> None:
    source = codecs.BOM_UTF8 + CONFIGURATION.replace("\n", "\r\n").encode()
    assert with_versions(source, RELEASED) == source.replace(b"4.2.0-rc2", b"4.3.0-rc1")


def test_another_encoding_stays() -> None:
    source = ("# -*- coding: latin-1 -*-\n" + CONFIGURATION.replace('{"GHCR', '{"TAGS": "äöü", "GHCR')).encode(
        "latin-1"
    )
    assert with_versions(source, RELEASED) == source.replace(b"4.2.0-rc2", b"4.3.0-rc1")


def test_only_newlines_end_a_line() -> None:
    source = "# one\x0c two\x85 three\u2028 four\x1c\n" + CONFIGURATION
    assert with_versions(source.encode(), RELEASED).decode() == source.replace("4.2.0-rc2", "4.3.0-rc1")


def test_an_annotated_configuration_is_edited() -> None:
    source = CONFIGURATION.replace("ENVIRONMENTS =", "ENVIRONMENTS: dict[str, dict[str, object]] =")
    assert versions_in(with_versions(source.encode(), RELEASED)) == {"dev": "edge", **RELEASED}


def test_a_constant_of_the_module_is_changed_in_place() -> None:
    assert with_versions(CONSTANT.encode(), RELEASED).decode() == CONSTANT.replace("4.2.0-rc2", "4.3.0-rc1")


def test_a_constant_that_another_environment_uses_is_not_changed() -> None:
    error = refusal(CONSTANT, {"stage": "4.3.0-rc1"})
    assert error.message == 'app.py, line 5: RELEASE is used by "prod" too, which is not to change with it'
    assert 'ENVIRONMENTS["stage"]["GHCR_PACKAGE_VERSION"] should be "4.3.0-rc1"' in error.hint


def test_a_constant_that_would_need_two_values_is_not_changed() -> None:
    assert 'used by "prod" too' in refusal(CONSTANT, {"stage": "4.3.0-rc1", "prod": "4.2.0-rc2"}).message
    assert "too" in refusal(CONSTANT, {"stage": "4.3.0-rc1", "prod": "4.4.0-rc1"}).message


def test_a_constant_that_services_use_as_well_is_not_changed() -> None:
    source = CONSTANT + "def services(environment):\n    return [RELEASE]\n"
    assert refusal(source, RELEASED).message.startswith("app.py, line 8: RELEASE is used here too")


@pytest.mark.parametrize("again", ["RELEASE = '5'", "if True:\n    RELEASE = '5'", "from os import path as RELEASE"])
def test_a_constant_that_is_assigned_twice_is_not_changed(again: str) -> None:
    assert "RELEASE is assigned more than once" in refusal(f"{CONSTANT}{again}\n", RELEASED).message


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (stage_written_as('{"GHCR_PACKAGE_VERSION": f"4.2.{1}"}'), "line 3: GHCR_PACKAGE_VERSION of"),
        (stage_written_as('{"GHCR_PACKAGE_VERSION": str("4.2.1")}'), "line 3: GHCR_PACKAGE_VERSION of"),
        (stage_written_as('{"GHCR_PACKAGE_VERSION": "4.2" + ".1"}'), "line 3: GHCR_PACKAGE_VERSION of"),
        (stage_written_as('{"GHCR_PACKAGE_VERSION": "4.2" ".1"}'), "line 3: GHCR_PACKAGE_VERSION of"),
        (stage_written_as('{"GHCR_PACKAGE_VERSION": "4.2"\n".1"}'), "line 3: GHCR_PACKAGE_VERSION of"),
        (stage_written_as('{"GHCR_PACKAGE_VERSION": b"4.2"}'), "line 3: GHCR_PACKAGE_VERSION of"),
        (stage_written_as('{"GHCR_PACKAGE_VERSION": 42}'), "line 3: GHCR_PACKAGE_VERSION of"),
        (stage_written_as('{"GHCR_PACKAGE_VERSION": NOWHERE}'), "NOWHERE is missing"),
        (stage_written_as('{**BASE, "GHCR_PACKAGE_VERSION": "1"}'), 'ENVIRONMENTS["stage"] takes in another dict'),
        (stage_written_as('{"FQDN": "x"}'), 'line 3: no GHCR_PACKAGE_VERSION in ENVIRONMENTS["stage"]'),
        (stage_written_as('{KEY: "x"}'), 'ENVIRONMENTS["stage"] has a key that is no plain text'),
        (stage_written_as("STAGE"), 'line 3: ENVIRONMENTS["stage"] is not written out as a dict'),
        (
            stage_written_as('{"GHCR_PACKAGE_VERSION": "1",\n"GHCR_PACKAGE_VERSION": "2"}'),
            'line 4: ENVIRONMENTS["stage"] has "GHCR_PACKAGE_VERSION" twice',
        ),
        (CONFIGURATION.replace("prod", "stage"), 'line 4: ENVIRONMENTS has "stage" twice'),
        (CONFIGURATION.replace("stage", "staging"), 'no environment "stage" in ENVIRONMENTS'),
        (CONFIGURATION.replace("{\n", "{\n    **BASE,\n", 1), "line 2: ENVIRONMENTS takes in another dict"),
        ("ENVIRONMENTS = make()\n", "line 1: ENVIRONMENTS is not written out as a dict"),
        ("A = ENVIRONMENTS = {}\n", "line 1: ENVIRONMENTS is not a simple assignment"),
        ("x = 1\n", "ENVIRONMENTS is missing"),
        (
            CONFIGURATION + "ENVIRONMENTS['stage']['GHCR_PACKAGE_VERSION'] = '5'\n",
            "line 6: ENVIRONMENTS is used again here",
        ),
        (CONFIGURATION + CONFIGURATION, "line 6: ENVIRONMENTS is assigned more than once"),
        (CONFIGURATION + "def f():\n    global ENVIRONMENTS\n", "line 7: ENVIRONMENTS is assigned more than once"),
        (CONFIGURATION + "x = (\n", "Python cannot read this"),
        (CONFIGURATION + "x = '\0'\n", "Python cannot read this"),
        (b"# coding: no-such-thing\n", "Python cannot read this"),
        (b"x = '\xff'\n", "Python cannot read this"),
    ],
)
def test_other_expressions_than_a_literal_are_left_to_the_user(source: str | bytes, message: str) -> None:
    error = refusal(source)
    assert error.message.startswith("app.py")
    assert message in error.message
    assert error.hint.startswith("Edit app.py by hand: ")


def test_reading_environments_in_a_function_does_not_matter() -> None:
    source = CONFIGURATION + "def services(environment):\n    return ENVIRONMENTS[environment.name]\n"
    assert versions_in(with_versions(source.encode(), RELEASED)) == {"dev": "edge", **RELEASED}


def test_a_version_that_is_no_tag_is_refused() -> None:
    assert "not a tag" in refusal(CONFIGURATION, {"stage": 'x", "FQDN": "evil'}).message


def test_versions_that_cannot_be_read_are_omitted() -> None:
    assert versions_in(stage_written_as('{"GHCR_PACKAGE_VERSION": f"4.2.{1}"}').encode()) == {
        "dev": "edge",
        "prod": "4.2.0-rc2",
    }
    assert versions_in(b"ENVIRONMENTS = {") == {}


surroundings = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20)
versions = st.from_regex(r"[0-9a-z][0-9a-z.-]{0,10}", fullmatch=True)


@settings(max_examples=50)
@given(
    before=surroundings,
    neighbour=surroundings,
    quotes=st.sampled_from(['"', "'", '"""', "'''"]),
    prefix=st.sampled_from(["", "r", "u"]),
    indent=st.sampled_from([" ", "\t", "    "]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from([b"", codecs.BOM_UTF8]),
    old=versions,
    new=versions,
)
def test_only_the_content_of_the_literal_changes(
    before: str, neighbour: str, quotes: str, prefix: str, indent: str, end: str, mark: bytes, old: str, new: str
) -> None:
    head = end.join(
        [
            f"# {before}",
            "ENVIRONMENTS = {",
            f'{indent}"dev": {{"GHCR_PACKAGE_VERSION": "edge"}},',
            f'{indent}"stage": {{{neighbour!r}: {neighbour!r},{indent}"GHCR_PACKAGE_VERSION":{indent}{prefix}{quotes}',
        ]
    )
    tail = f"{quotes}{indent},}}, # {neighbour}{end}}}{end}"
    wrapped = [mark + f"{head}{version}{tail}".encode() for version in (old, new)]
    assert with_versions(wrapped[0], {"stage": new}) == wrapped[1]
    assert versions_in(wrapped[1]) == {"dev": "edge", "stage": new}
