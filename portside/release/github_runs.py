"""GitHub's API about a promotion: its pull request, and the run that the merge starts.

https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-repository
https://docs.github.com/en/rest/pulls/pulls#list-pull-requests
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from portside.errors import UserError
from portside.images.access import Access
from portside.release.followed import Ended, Poll

_LONGEST_SECONDS = 10
_LARGEST_ANSWER_BYTES = 8_000_000
_WORKFLOW = ".github/workflows/deploy"
_SUCCEEDED = ("success",)


@dataclass(frozen=True)
class GithubRepository:
    """A repository, OWNER/NAME, and what its API is asked with."""

    name: str
    access: Access

    def ask(self, path: str, parameters: Mapping[str, str]) -> Any:
        """The response of the API. Raises `UserError` if it can't be reached, refuses, or does not return JSON."""
        import httpx

        url = f"{self.access.api_url}/repos/{self.name}/{path}"
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if self.access.token is not None:
            headers["Authorization"] = f"Bearer {self.access.token.reveal()}"
        try:
            # Redirects are not followed: the token is for this host.
            answer = httpx.get(url, params=dict(parameters), headers=headers, timeout=_LONGEST_SECONDS)
            if answer.status_code != 200:
                raise UserError(f"{url} answered with HTTP {answer.status_code}{_why(answer)}")
            if len(answer.content) > _LARGEST_ANSWER_BYTES:
                raise UserError(f"{url} answered with more than {_LARGEST_ANSWER_BYTES:,} bytes")
            return answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            # Not the error itself, which carries the request and its headers.
            raise UserError(f"{url} cannot be reached ({type(error).__name__})") from None
        except (ValueError, RecursionError):
            raise UserError(f"{url} did not answer with JSON") from None


def pull_request_poll(repository: GithubRepository, branch: str, into: str) -> Poll:
    """Whether the last pull request of a branch was closed without a merge."""
    owner = repository.name.partition("/")[0]
    parameters = {"head": f"{owner}:{branch}", "base": into, "state": "all", "per_page": "1"}

    def poll() -> Ended | str | None:
        listed = repository.ask("pulls", parameters)
        found = _first(listed, "a list of pull requests")
        if found is None or found.get("state") != "closed" or found.get("merged_at"):
            return None
        address = _address(found)
        return Ended(False, f"the pull request from {branch} into {into} was closed without a merge", address)

    return poll


def run_poll(repository: GithubRepository, commit: str, branch: str, *, decides: bool) -> Poll:
    """The result of the run that deploys a commit from a branch; its runs on other branches deploy nothing.

    Unless it `decides`, the record decides after a success.
    """

    def poll() -> Ended | str | None:
        answer = repository.ask("actions/runs", {"head_sha": commit, "branch": branch, "per_page": "20"})
        runs = answer.get("workflow_runs") if isinstance(answer, dict) else None
        if not isinstance(runs, list):
            raise UserError("GitHub's answer is no list of runs")
        found = [run for run in runs if isinstance(run, dict) and run.get("head_branch") == branch]
        run = _first([run for run in found if str(run.get("path") or "").startswith(_WORKFLOW)], "a list of runs")
        if run is None:
            return f"no run of {commit[:7]} has begun"
        name, address, conclusion = run.get("name") or "the run", _address(run), run.get("conclusion")
        if run.get("status") != "completed":
            return f"{name} is {str(run.get('status')).replace('_', ' ')}: {address}"
        if conclusion not in _SUCCEEDED:
            return Ended(False, f"{name} ended with {conclusion}", address)
        if decides:
            return Ended(True, f"{name} succeeded.", address)
        return f"{name} succeeded; waiting for its record"

    return poll


def _first(listed: Any, expected: str) -> Mapping[str, Any] | None:
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise UserError(f"GitHub's answer is not {expected}")
    return cast(Mapping[str, Any], listed[0]) if listed else None


def _address(found: Mapping[str, Any]) -> str | None:
    address = found.get("html_url")
    return address if isinstance(address, str) and address.startswith("https://") else None


def _why(answer: Any) -> str:
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return ": rate limit exceeded; GITHUB_TOKEN raises the limit"
    return ": the repository is private, or the token may not read its actions" if answer.status_code == 404 else ""
