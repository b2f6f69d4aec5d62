"""Where releases of the application are tagged, as the configuration says it."""

from __future__ import annotations

from typing import Any

import pytest

from portside.config.mistakes import Report
from portside.config.release_source import ReleaseSource, parse_releases
from portside.errors import Problem
from tests.apps import agora
from tests.unit.configuration_support import check_configuration, environments, one_service, problems_raised_by
from tests.unit.test_redact import GITHUB_TOKEN

RIGHT = {"REPOSITORY": "https://github.com/org/monorepo", "TAG_PREFIX": "app"}
HINT = 'Use {"REPOSITORY": "https://github.com/OWNER/REPOSITORY", "TAG_PREFIX": "my-app"}.'


def parsed(written: object) -> tuple[ReleaseSource | None, list[Problem]]:
    report = Report("RELEASES")
    return parse_releases(written, report), report.problems


def problems(**changes: Any) -> list[Problem]:
    found, wrong = parsed({key: value for key, value in (RIGHT | changes).items() if value is not ...})
    assert found is None
    return wrong


def test_main_is_released_unless_another_branch_is_named() -> None:
    repository, prefix = RIGHT.values()
    assert parsed(RIGHT) == (ReleaseSource(repository, prefix, "main"), [])
    assert parsed(RIGHT | {"BRANCH": "release/4.x"}) == (ReleaseSource(repository, prefix, "release/4.x"), [])


def test_a_configuration_does_not_have_to_say_where_releases_are_tagged() -> None:
    assert parsed(None) == (None, [])


@pytest.mark.parametrize(
    "address",
    ["https://github.com/org/repo.git", "git@github.com:org/repo.git", "ssh://git@host/repo", "../mono repo", "/srv/m"],
)
def test_any_address_that_git_takes_is_one(address: str) -> None:
    found, wrong = parsed(RIGHT | {"REPOSITORY": address})
    assert (found and found.repository, wrong) == (address, [])


@pytest.mark.parametrize(
    ("address", "what"),
    [
        (None, "not a text, got None"),
        (" ", "empty, got ' '"),
        (
            "https://github.com/org/shop/tree/main",
            "a page about a git repository, not its address, got 'https://github.com/org/shop/tree/main'",
        ),
        (
            "https://gitlab.com/org/shop/-/commits/main",
            "a page about a git repository, not its address, got 'https://gitlab.com/org/shop/-/commits/main'",
        ),
        ("--upload-pack=x", "not the address of a git repository, got '--upload-pack=x'"),
        ("https://host/\nrepo", "not the address of a git repository, got 'https://host/\\nrepo'"),
        (f"https://me:{'secret'}@host/repo", "contains a password"),
        (f"https://{GITHUB_TOKEN}@github.com/repo", "contains a password"),
    ],
)
def test_what_is_no_address_is_reported_without_a_password_in_it(address: object, what: str) -> None:
    (problem,) = problems(REPOSITORY=address)
    assert (problem.where, problem.what) == ('RELEASES["REPOSITORY"]', what)


@pytest.mark.parametrize("key", ["TAG_PREFIX", "BRANCH"])
@pytest.mark.parametrize("name", ["", "/", "app/", "-app", "a..b", "a b", "app.", "v~1", "main.lock", "a/.b", "é", 4])
def test_what_git_would_not_take_in_a_tag_or_branch_is_reported(key: str, name: object) -> None:
    (problem,) = problems(**{key: name})
    assert problem.where == f'RELEASES["{key}"]'
    assert problem.what.endswith(f"got {name!r}")


@pytest.mark.parametrize("key", ["REPOSITORY", "TAG_PREFIX"])
def test_what_must_be_said_is_asked_for(key: str) -> None:
    assert problems(**{key: ...}) == [Problem(f'RELEASES["{key}"]', "missing", HINT)]


def test_a_key_that_does_not_exist_leads_to_a_suggestion() -> None:
    assert problems(BRANHC="main") == [Problem('RELEASES["BRANHC"]', "unknown key", 'Did you mean "BRANCH"?')]


@pytest.mark.parametrize("written", ["https://github.com/org/repo", [], 1])
def test_what_is_no_mapping_is_reported(written: object) -> None:
    assert parsed(written)[1] == [Problem("RELEASES", f"not a mapping, got {written!r}", HINT)]


def test_the_configuration_of_this_repository_names_the_monorepo() -> None:
    releases = agora().releases
    assert releases
    assert (releases.tag_prefix, releases.branch) == ("agora", "main")
    assert releases.repository.endswith("/sage-monorepo.git")


def test_mistakes_in_it_are_reported_with_those_of_the_rest_of_the_configuration() -> None:
    found = problems_raised_by(lambda: check_configuration(environments(dev={"FQDN": ""}), one_service, releases={}))
    assert [each.where for each in found] == [
        'ENVIRONMENTS["dev"]["FQDN"]',
        'RELEASES["REPOSITORY"]',
        'RELEASES["TAG_PREFIX"]',
    ]
