"""The trust policy of a role: which GitHub jobs can assume it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from portside.config.mistakes import quoted
from portside.errors import UsageError

_ISSUER = "token.actions.githubusercontent.com"
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_ID = re.compile(r"[1-9][0-9]{0,19}")
_REMOTE = re.compile(r"(?:^|[/@])github\.com[:/](?P<repository>[^/]+/[^/]+?)(?:\.git)?/?$")


@dataclass(frozen=True)
class Repository:
    """A GitHub repository; with its ids where GitHub names it by them too, which outlast a change of names."""

    owner: str
    name: str
    owner_id: str | None = None
    repository_id: str | None = None

    def subject(self, environment: str) -> str:
        """The subject of a job in one of its environments.

        https://docs.github.com/en/actions/reference/security/oidc
        https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/
        """
        owner, name = self.owner, self.name
        if self.owner_id and self.repository_id:
            owner, name = f"{owner}@{self.owner_id}", f"{name}@{self.repository_id}"
        return f"repo:{owner}/{name}:environment:{environment}"

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


def parse_repository(text: str, owner_id: str | None = None, repository_id: str | None = None) -> Repository:
    """A GitHub repository by owner/name, and by both ids or neither. Raises `UsageError` for anything else."""
    if not _REPOSITORY.fullmatch(text):
        raise UsageError(f"--repository: not owner/name, got {quoted(text)}", "Write it as GitHub does: owner/name.")
    ids = {"--owner-id": owner_id, "--repository-id": repository_id}
    how = f"Find both: gh api repos/{text} --jq '.owner.id,.id'"
    for option, given in ids.items():
        if given is None and any(ids.values()):
            raise UsageError(f"{option}: missing, a subject has both ids or neither", how)
        if given is not None and not _ID.fullmatch(given):
            raise UsageError(f"{option}: not a GitHub id, got {quoted(given)}", how)
    owner, _, name = text.partition("/")
    return Repository(owner, name, owner_id, repository_id)


def repository_of(remote: str) -> str | None:
    """The owner/name of the address of a GitHub repository; None for an address elsewhere."""
    found = _REMOTE.search(remote)
    return found["repository"] if found else None


def trust(account: str, repository: Repository, environments: Iterable[str]) -> dict[str, Any]:
    """Who may assume the role: the jobs of one repository that GitHub runs in these of its environments."""
    subjects = [repository.subject(environment) for environment in environments]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "JobsOfGitHubsEnvironments",
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{_ISSUER}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {f"{_ISSUER}:aud": "sts.amazonaws.com", f"{_ISSUER}:sub": subjects}},
            }
        ],
    }
