"""Which jobs of GitHub may assume a role, for either way in which GitHub names a repository in its tokens."""

from __future__ import annotations

import json

import pytest

from portside.deploy.github_trust import Repository, parse_repository, repository_of, trust
from portside.errors import UsageError


def test_only_jobs_of_the_repository_in_these_environments_take_the_role_on() -> None:
    found = trust("111122223333", Repository("owner", "name"), ["stage", "prod"])
    [statement] = found["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Principal"] == {
        "Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    }
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": [
                "repo:owner/name:environment:stage",
                "repo:owner/name:environment:prod",
            ],
        }
    }


def test_a_repository_with_ids_is_trusted_by_them_alone() -> None:
    repository = parse_repository("octo-org/my.repo", "123456", "456789")
    [statement] = trust("111122223333", repository, ["dev"])["Statement"]
    subjects = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subjects == ["repo:octo-org@123456/my.repo@456789:environment:dev"]


@pytest.mark.parametrize("repository", [Repository("o", "n"), Repository("o", "n", "1", "2")])
def test_nothing_in_a_trust_is_a_pattern(repository: Repository) -> None:
    text = json.dumps(trust("111122223333", repository, ["dev"]))
    assert "*" not in text
    assert "?" not in text
    assert "StringLike" not in text


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (("1", None), "--repository-id: missing, a subject has both ids or neither"),
        ((None, "1"), "--owner-id: missing, a subject has both ids or neither"),
        (("x", "1"), '--owner-id: not a GitHub id, got "x"'),
        (("1", "*"), '--repository-id: not a GitHub id, got "*"'),
        (("0", "1"), "--owner-id: not a GitHub id"),
        (("", ""), "--owner-id: not a GitHub id"),
        (("1", "\uff11"), "--repository-id: not a GitHub id"),
        (("1\n", "1"), "--owner-id: not a GitHub id"),
    ],
)
def test_ids_that_are_none_are_refused_with_how_to_find_them(ids: tuple[str | None, str | None], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_repository("owner/name", *ids)
    assert said in refused.value.message
    assert refused.value.hint == "Find both: gh api repos/owner/name --jq '.owner.id,.id'"


@pytest.mark.parametrize(
    ("remote", "repository"),
    [
        ("https://github.com/owner/name.git", "owner/name"),
        ("https://github.com/owner/name", "owner/name"),
        ("git@github.com:owner/na.me.git", "owner/na.me"),
        ("ssh://git@github.com/owner/name.git", "owner/name"),
        ("https://user@github.com/owner/name/", "owner/name"),
        ("https://example.org/owner/name.git", None),
        ("https://notgithub.com/owner/name.git", None),
        ("/srv/git/name.git", None),
    ],
)
def test_the_repository_is_read_from_where_the_clone_came_from(remote: str, repository: str | None) -> None:
    assert repository_of(remote) == repository


@pytest.mark.parametrize("text", ["name", "owner/name/more", "owner/*", "owner/na me", "owner@1/name@2", "*/name", ""])
def test_a_repository_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not owner/name"):
        parse_repository(text)
