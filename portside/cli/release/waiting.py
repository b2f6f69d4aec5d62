"""Waiting for what `release promote` starts: the merge of its pull request, and the deployment after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from portside.cli.options import collect
from portside.commands import tool
from portside.errors import UserError
from portside.terminal.console import say

if TYPE_CHECKING:
    from portside.aws.target import Target
    from portside.config.environment import Environment
    from portside.images.resolution import Resolution
    from portside.records.deployment_record import DeploymentRecord
    from portside.release.followed import Ended, Poll
    from portside.release.github_runs import GithubRepository

_EVERY_SECONDS = 20
# Without a token GitHub answers 60 calls an hour.
_EVERY_SECONDS_WITHOUT_TOKEN = 150


@dataclass(frozen=True, kw_only=True)
class WaitOptions:
    """Whether to wait for the deployment, and for how long."""

    wait: bool
    wait_minutes: int


def wait_options(command: Any) -> Any:
    """--wait and --wait-minutes, as the argument `waiting`."""
    command = click.option(
        "--wait-minutes", type=click.IntRange(1, 24 * 60), default=120, show_default=True, help="How long to wait."
    )(collect(WaitOptions, "waiting")(command))
    return click.option(
        "--wait", is_flag=True, help="Wait for the merge and for the end of the deployment that it starts."
    )(command)


class Waiting:
    """The deployments before a promotion begins, to distinguish its own deployment from them."""

    def __init__(self, environment: Environment, minutes: int) -> None:
        from portside.aws.target import aws_target
        from portside.release.followed import last_number

        self._environment, self._minutes = environment, minutes
        self._target: Target | None = None
        self._unread, self._since = "", 0
        try:
            self._target = aws_target(environment)
            self._since = _reading(lambda: last_number(self._ssm, environment))
        except UserError as error:
            self._target, self._unread = None, error.message

    @property
    def _ssm(self) -> Any:
        assert self._target
        return self._target.clients("ssm")

    def after_merge_of(self, commit: str, version: str, branch: str) -> Ended:
        """Wait until a commit is in the environment's branch, and then for its deployment."""
        from portside.config.configuration import ROOT
        from portside.release.followed import follow, merge_poll

        github, polls = self._github(), {"the merge": merge_poll(ROOT, self._environment.branch, commit)}
        if github is not None:
            from portside.release.github_runs import pull_request_poll

            polls["GitHub"] = pull_request_poll(github, branch, self._environment.branch)
        self._expect_a_source(github)
        merged = follow(f"the merge into {self._environment.branch}", polls, say, self._pace(github))
        if not merged.is_healthy:
            raise UserError(merged.sentence, merged.address or "Open another one: run the same command again.")
        say(f"Merged: {self._environment.branch} is at {merged.sentence[:7]}.")
        return self.deployment_of(merged.sentence, version)

    def deployment_of(
        self, commit: str, version: str, matches: Callable[[DeploymentRecord], bool] | None = None
    ) -> Ended:
        """Wait for the deployment of a commit of the environment's branch. Raises `UserError` where it failed."""
        from portside.release.followed import follow, record_poll
        from portside.release.github_runs import run_poll

        name, github = self._environment.name, self._github()
        self._expect_a_source(github)
        polls: dict[str, Poll] = {}
        if self._target is not None:
            since = 0 if matches else self._since
            polls[f"the record of {name}"] = record_poll(
                self._ssm, self._environment, version, since, matches or (lambda _: True)
            )
        if github is not None:
            polls["GitHub"] = run_poll(github, commit, self._environment.branch, decides=self._target is None)
        ended = follow(f"the deployment of {version} to {name}", polls, say, self._pace(github))
        return _judged(ended, name, local=False)

    def _github(self) -> GithubRepository | None:
        from portside.config.configuration import ROOT
        from portside.git import git
        from portside.images.access import access_from_environment
        from portside.release.branches import remote_of
        from portside.release.github_runs import GithubRepository
        from portside.release.pull_request import github_name

        remote = remote_of(ROOT)
        name = github_name(git("remote", "get-url", remote, folder=ROOT)) if remote else None
        return GithubRepository(name, access_from_environment(os.environ, ROOT / ".env")) if name else None

    def _expect_a_source(self, github: GithubRepository | None) -> None:
        if github is None and self._target is None:
            raise UserError(
                f"nothing can say how the deployment to {self._environment.name} ends: {self._unread}, and this "
                "repository is not at github.com",
                f"Set AWS_PROFILE to a profile of account {self._environment.account}, or omit --wait.",
            )

    def _pace(self, github: GithubRepository | None) -> Any:
        from portside.release.followed import Pace

        is_slow = github is not None and github.access.token is None
        return Pace(_EVERY_SECONDS_WITHOUT_TOKEN if is_slow else _EVERY_SECONDS, self._minutes * 60)


def rehearsed_deployment(environment: Environment, lock: Resolution, minutes: int) -> Ended:
    """Wait in a rehearsal until another terminal has deployed a release, unless it runs already."""
    from portside.aws.target import local_target
    from portside.records.deployment_record import last_healthy, read_records
    from portside.release.followed import Ended, Pace, follow, last_number, record_poll

    ssm = local_target(environment).clients("ssm")
    records = read_records(ssm, environment)
    record = last_healthy(records)
    if record is not None and record == records[0] and record.images.images == lock.images:
        return Ended(True, f"{environment.name} runs {lock.version} already: deployment {record.number}.")
    since = last_number(ssm, environment)
    say(f"Waiting for {lock.version} on {environment.name}: {tool('deploy', environment.name, local=True)}")
    polls = {f"the record of {environment.name}": record_poll(ssm, environment, lock.version, since)}
    title = f"the deployment of {lock.version} to {environment.name}"
    return _judged(follow(title, polls, say, Pace(0.5, minutes * 60)), environment.name, local=True)


def _judged(ended: Ended, environment: str, *, local: bool) -> Ended:
    if ended.is_healthy:
        return ended
    diagnose = tool("diagnose", environment, local=local)
    hint = f"See {ended.address}, and why: {diagnose}" if ended.address else f"See why: {diagnose}"
    raise UserError(ended.sentence, hint)


def _reading(read: Callable[[], int]) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return read()
    except (BotoCoreError, ClientError) as error:
        raise UserError(str(error)) from error
