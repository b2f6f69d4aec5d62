"""Waiting for the merge of a promotion, and for the deployment that it starts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from portside.errors import UserError
from portside.images.access import Access, Token
from portside.records.deployment_record import FAILED, ROLLBACK, write_record
from portside.records.proof import seeded_record
from portside.release.followed import Ended, Pace, Poll, follow, last_number, merge_poll, record_poll
from portside.release.github_runs import GithubRepository, pull_request_poll, run_poll
from portside.release.promote import merged_already
from tests.unit.configuration_support import named
from tests.unit.operations_support import FakeParameters, resolution
from tests.unit.release.test_hot_fix import FIX, for_stage
from tests.unit.release.test_promote import CONFIGURATION, FORWARD, NEW
from tests.unit.repository_support import APP, Repository, make_repository

COMMIT = "c" * 40


class Clock:
    """Time that passes only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def pace(self, within: float = 60) -> Pace:
        return Pace(1, within, self.sleep, lambda: self.now)


def one_after_the_other(*answers: Ended | str | UserError | None) -> Poll:
    """A poll that finds these, and the last one from then on."""
    left = list(answers)

    def look() -> Ended | str | None:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, UserError):
            raise found
        return found

    return look


def test_progress_is_reported_once_until_the_end() -> None:
    said: list[str] = []
    ended = Ended(True, "it runs")
    look = one_after_the_other(None, "queued", "queued", "in progress", ended)
    assert follow("it", {"GitHub": look}, said.append, Clock().pace()) == ended
    assert said == ["queued", "in progress"]


def test_what_cannot_be_read_now_does_not_end_the_waiting() -> None:
    said: list[str] = []
    ended = Ended(False, "it failed")
    polls = {"the record": one_after_the_other(UserError("throttled"), UserError("throttled"), ended)}
    assert follow("it", polls, said.append, Clock().pace()) == ended
    assert said == ["the record cannot be read now: throttled"]


def test_when_the_time_is_over_the_last_that_was_known_is_said() -> None:
    clock = Clock()
    with pytest.raises(UserError, match="the deployment did not end within 1 min: queued") as raised:
        follow("the deployment", {"GitHub": one_after_the_other("queued")}, lambda _: None, clock.pace())
    assert clock.now == 60
    assert "It was not stopped" in raised.value.hint


def records(*found: tuple[str, dict[str, Any]]) -> FakeParameters:
    ssm = FakeParameters()
    for version, changes in found:
        made = replace(seeded_record(resolution(version, "app")), synthetic=False, who="ci", seconds=61.0)
        write_record(ssm, named("stage"), replace(made, **changes))
    return ssm


def test_the_record_of_the_version_that_came_after_says_how_it_ended() -> None:
    ssm = records(("4.2.0", {}))
    since = last_number(ssm, named("stage"))
    look = record_poll(ssm, named("stage"), "4.2.0", since)
    assert look() is None, "an earlier deployment of the same version does not count"
    for version, changes in (("4.3.0", {}), ("4.2.0", {"kind": ROLLBACK}), ("4.2.0", {"synthetic": True})):
        write_record(
            ssm, named("stage"), replace(seeded_record(resolution(version, "app")), **{"synthetic": False} | changes)
        )
    assert look() is None
    write_record(
        ssm, named("stage"), replace(seeded_record(resolution("4.2.0", "app")), synthetic=False, who="ci", seconds=61)
    )
    assert look() == Ended(True, "stage runs 4.2.0: deployment 5 of 4.2.0 by ci ended healthy, 61 s.")


def test_a_failed_deployment_has_ended_with_its_reason() -> None:
    look = record_poll(
        records(("4.2.0", {"result": FAILED, "reason": "agora-app does not start"})), named("stage"), "4.2.0", 0
    )
    assert look() == Ended(False, "stage: deployment 1 of 4.2.0 by ci failed: agora-app does not start")


def test_a_running_deployment_is_reported_from_the_lock() -> None:
    lock = {"id": "1", "who": "ci", "since": "2026-11-26T09:12:45+00:00", "doing": "deploy"}
    ssm = FakeParameters({"/agora/stage/hold": json.dumps(lock)})
    assert record_poll(ssm, named("stage"), "4.2.0", 0)() == "stage: deploy by ci since 2026-11-26 09:12:45 UTC"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


@pytest.mark.slow
def test_a_merge_is_seen_at_the_remote(repository: Repository) -> None:
    expected = repository.commit("dev", {"app.py": FORWARD}, "Forward")
    look = merge_poll(repository.path, "stage", expected)
    before = repository.at_origin("stage")
    assert look() == f"waiting for the merge into stage, which is at {before[:7]}"
    repository.git("checkout", "--quiet", "stage")
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", expected)
    repository.git("push", "--quiet", "origin", "stage")
    assert look() == Ended(True, repository.at_origin("stage"))


@pytest.mark.slow
def test_a_squashed_merge_is_seen_by_its_content(repository: Repository) -> None:
    expected = repository.commit("dev", {"app.py": FORWARD}, "Forward")
    repository.commit("stage", {"app.py": FORWARD}, "Promote (#7)")
    assert merge_poll(repository.path, "stage", expected)() == Ended(True, repository.at_origin("stage"))


@pytest.mark.slow
def test_a_remote_that_is_out_of_reach_is_waited_for(repository: Repository) -> None:
    look = merge_poll(repository.path, "stage", repository.at_origin("dev"))
    repository.git("remote", "set-url", "origin", "http://127.0.0.1:9/agora.git")
    with pytest.raises(UserError, match="origin cannot be reached to fetch stage"):
        look()


@pytest.mark.slow
def test_what_is_merged_already_is_known_with_its_version(repository: Repository) -> None:
    stage, dev, prod = (CONFIGURATION.environment(name) for name in ("stage", "dev", "prod"))
    assert merged_already(repository.path, stage, dev) == (repository.at_origin("stage"), "4.2.0-rc2")
    repository.commit("dev", {"app.py": FORWARD}, "Forward")
    assert merged_already(repository.path, stage, dev) is None
    repository.commit("stage", {"app.py": for_stage(FORWARD, FIX)}, "A hot-fix")
    assert merged_already(repository.path, prod, stage) is None
    repository.commit("prod", {"app.py": APP.replace("4.2.0-rc2", FIX)}, "The hot-fix alone")
    assert merged_already(repository.path, prod, stage) == (repository.at_origin("prod"), FIX)
    assert NEW in repository.git("show", "stage:app.py")


@contextmanager
def github(answer: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Iterator[GithubRepository]:
    """GitHub's API with the same answer to every request, called with a token."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.headers["Authorization"] == "Bearer secret"
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Send nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield GithubRepository("org/infra", Access(Token("secret"), f"http://127.0.0.1:{server.server_port}"))
        finally:
            server.shutdown()
            thread.join()


def run(**changes: Any) -> dict[str, Any]:
    path, address = ".github/workflows/deploy-branch.yaml", "https://github.com/org/infra/actions/runs/1"
    made = {"name": "deploy-branch", "head_branch": "stage", "path": path, "html_url": address}
    made |= {"status": "completed", "conclusion": "success"}
    return {"workflow_runs": [{"path": ".github/workflows/check.yaml", "status": "completed"}, made | changes]}


ADDRESS = "https://github.com/org/infra/actions/runs/1"


@pytest.mark.parametrize(
    ("changes", "decides", "found"),
    [
        ({"status": "in_progress", "conclusion": None}, True, f"deploy-branch is in progress: {ADDRESS}"),
        ({}, True, Ended(True, "deploy-branch succeeded.", ADDRESS)),
        ({}, False, "deploy-branch succeeded; waiting for its record"),
        ({"conclusion": "failure"}, False, Ended(False, "deploy-branch ended with failure", ADDRESS)),
        ({"conclusion": "cancelled"}, True, Ended(False, "deploy-branch ended with cancelled", ADDRESS)),
        ({"head_branch": "promote/4.3.0"}, True, f"no run of {COMMIT[:7]} has begun"),
        ({"path": None}, True, f"no run of {COMMIT[:7]} has begun"),
        ({"html_url": "javascript:1"}, True, Ended(True, "deploy-branch succeeded.", None)),
    ],
)
def test_githubs_run_of_the_deployment_says_how_it_goes(
    changes: dict[str, Any], decides: bool, found: Ended | str
) -> None:
    with github(run(**changes)) as repository:
        assert run_poll(repository, COMMIT, "stage", decides=decides)() == found


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"workflow_runs": None}, "GitHub's answer is no list of runs"),
        ([], "GitHub's answer is no list of runs"),
        (b"<html>", "did not answer with JSON"),
    ],
)
def test_an_answer_that_is_none_is_said_as_what_it_is(answer: Any, said: str) -> None:
    with github(answer) as repository, pytest.raises(UserError, match=said):
        run_poll(repository, COMMIT, "stage", decides=True)()


def asked(repository: GithubRepository) -> Callable[[], object]:
    return pull_request_poll(repository, "promote/stage-4.3.0", "stage")


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (404, {}, "HTTP 404: the repository is private, or the token may not read its actions"),
        (403, {"x-ratelimit-remaining": "0"}, "rate limit exceeded"),
        (302, {"Location": "http://127.0.0.1:9/"}, "HTTP 302"),
    ],
)
def test_a_refusal_is_said_and_no_redirect_followed(status: int, headers: dict[str, str], said: str) -> None:
    with github({}, status, headers) as repository, pytest.raises(UserError, match=said) as raised:
        asked(repository)()
    assert "secret" not in str(raised.value)


def test_a_missing_server_is_reported_without_the_token() -> None:
    repository = GithubRepository("org/infra", Access(Token("secret"), "http://127.0.0.1:9"))
    with pytest.raises(UserError, match=r"cannot be reached \(ConnectError\)") as raised:
        asked(repository)()
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("found", "ended"),
    [
        ([], None),
        ([{"state": "open"}], None),
        ([{"state": "closed", "merged_at": "2026-11-26T09:12:45Z"}], None),
        (
            [{"state": "closed", "merged_at": None, "html_url": "https://github.com/org/infra/pull/7"}],
            Ended(
                False,
                "the pull request from promote/stage-4.3.0 into stage was closed without a merge",
                "https://github.com/org/infra/pull/7",
            ),
        ),
    ],
)
def test_a_pull_request_that_was_closed_without_a_merge_ends_the_waiting(found: Any, ended: Ended | None) -> None:
    with github(found) as repository:
        assert asked(repository)() == ended
