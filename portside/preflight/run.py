"""Run the pre-flight checks in parallel; they change nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.aws.target import Target
from portside.config.configuration import Configuration
from portside.errors import ConfigurationError, UserError
from portside.findings.check import FAIL, SKIP, check_as_json, fail, ok, skip
from portside.findings.codes import Severity
from portside.findings.finding import Finding
from portside.images.resolution import Resolution
from portside.preflight import (
    account,
    changes,
    database,
    drift,
    earlier,
    endpoints,
    host_name,
    lifecycle,
    network,
    published,
    quotas,
    secrets,
    stacks,
    templates,
)
from portside.preflight.context import Answer, Context, Options, Question, answer, context_of
from portside.synthesis.assembly import Stack

_MAX_THREADS = 24
_LONGEST_SECONDS = 60
_LONGEST_SECONDS_OF_DRIFT = 330


@dataclass(frozen=True)
class Verification:
    """The findings, in the order of the report."""

    environment: str
    checks: tuple[Finding, ...]

    @property
    def failed(self) -> tuple[Finding, ...]:
        return tuple(check for check in self.checks if check.state is FAIL)

    @property
    def skipped(self) -> Mapping[str, tuple[str, ...]]:
        """The subjects of the checks that could not be made, by the reason that they share."""
        found: dict[str, tuple[str, ...]] = {}
        for check in self.checks:
            if check.state is SKIP:
                found[check.what] = (*found.get(check.what, ()), check.subject)
        return found

    @property
    def summary(self) -> str:
        """How many checks ended in which way."""
        skipped = sum(map(len, self.skipped.values()))
        passed = len(self.checks) - len(self.failed) - skipped
        return f"{len(self.checks)} checks: {passed} passed, {len(self.failed)} failed, {skipped} skipped."

    @property
    def in_the_way(self) -> tuple[Finding, ...]:
        """The failures that block a deployment."""
        return tuple(check for check in self.failed if check.severity is not Severity.WARNING)

    def as_json(self) -> dict[str, Any]:
        """The checks by subject, and whether none failed."""
        return {
            "environment": self.environment,
            "well": not self.failed,
            "checks": [check_as_json(check) for check in self.checks],
        }


def verify(
    target: Target, configuration: Configuration, images: Resolution | None = None, options: Options | None = None
) -> Verification:
    """Run all checks. Without `images` it asks the registry."""
    with tempfile.TemporaryDirectory(prefix="portside-verify-", ignore_cleanup_errors=True) as folder:
        return _ask(context_of(target, configuration, images, options or Options(), folder=Path(folder)))


def before_deployment(
    target: Target,
    configuration: Configuration,
    images: Resolution,
    stacks: Sequence[Stack],
    *,
    replace: Iterable[str] = (),
    proof_profile: str | None = None,
) -> Verification:
    """Run the checks that precede a deployment of these templates: all except drift."""
    options = Options(replace=frozenset(replace), proof_profile=proof_profile)
    return _ask(context_of(target, configuration, images, options, stacks=stacks))


def of_folder(environment: str, folder: Path) -> Verification:
    """Check the templates of a folder, and ask AWS nothing. Raises `UsageError` where it can't be read."""
    return Verification(environment, tuple(templates.of_folder(folder)))


def without_configuration(environment: str, wrong: ConfigurationError) -> Verification:
    """The findings for an invalid configuration."""
    checks = [fail(f"form: {each.where}", each.what, each.hint) for each in wrong.problems]
    return Verification(environment, (*checks, skip("everything else", "the configuration is invalid")))


def without_credentials(environment: str, refused: UserError) -> Verification:
    """The findings without valid credentials."""
    failed = fail(account.CREDENTIALS, refused.message, refused.hint)
    return Verification(
        environment, (ok("form", "app.py is valid"), failed, skip("everything else", "AWS can't be asked"))
    )


def questions(context: Context) -> list[Question]:
    """All checks, in the order of the report."""
    return [
        *account.questions(),
        *stacks.questions(),
        *earlier.questions(),
        *published.questions(context),
        *lifecycle.questions(context),
        *secrets.questions(context),
        *database.questions(context),
        *host_name.questions(context),
        *network.questions(),
        *quotas.questions(context),
        *endpoints.questions(),
        *changes.questions(),
        *templates.questions(),
        *(drift.questions(context) if context.options.drift else []),
    ]


def _ask(context: Context) -> Verification:
    asked = questions(context)
    pool = ThreadPoolExecutor(_MAX_THREADS)
    try:
        futures = [pool.submit(answer, question, context) for question in asked]
        longest = _LONGEST_SECONDS_OF_DRIFT if context.options.drift else _LONGEST_SECONDS
        wait(futures, timeout=longest)
        pool.shutdown(wait=False, cancel_futures=True)
    except BaseException:
        # Wait for threads that write files, so that none remain.
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    answers = [_outcome(question, future, longest) for question, future in zip(asked, futures, strict=True)]
    return Verification(context.environment.name, tuple(_together(asked, answers)))


def _outcome(question: Question, future: Future[Answer], longest: int) -> Answer:
    if future.done() and not future.cancelled():
        return future.result()
    return Answer((skip(question.subject, f"no answer within {longest} s"),))


def _together(asked: Sequence[Question], answers: Sequence[Answer]) -> list[Finding]:
    """All findings. If the credentials expired during a check, the check of the credentials failed."""
    checks = []
    expired = any(each.expired for each in answers)
    for question, each in zip(asked, answers, strict=True):
        if expired and question.subject == account.CREDENTIALS:
            hint = 'Log in again ("aws --profile NAME sso login"), then run it again.'
            checks.append(fail(account.CREDENTIALS, "they are invalid or have expired", hint))
        else:
            checks += each.checks
    return checks
