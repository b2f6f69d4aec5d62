"""Proving what an environment runs: the tasks' digests, the site's footer and the lock agree, or it is reported how
not.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from portside.config.configuration import Configuration
from portside.config.deferred_values import ImageCommit, ImageVersion, LateValue
from portside.config.image_reference import LOCAL_BUILD
from portside.config.service_props import ServiceProps
from portside.errors import UserError
from portside.findings.finding import Finding, State
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage
from portside.plan import images as operated
from portside.records.proof import seeded_record
from portside.release import verify as verifying
from portside.release.verify import FAIL, OK, SKIP, expected_images, footer_of, site_of, verify
from tests.answering_aws import AnsweringAws
from tests.apps import agora
from tests.aws_account import deployed, running_task
from tests.unit.configuration_support import check_configuration, environments, one_service, service
from tests.unit.operations_support import FakeCloudFormation, target

COMMIT = "abc1234f4af8271f4f03ff98b87392ae16749fbb"
INDEX, MANIFEST, OTHER = (f"sha256:{digit * 64}" for digit in "abc")
LOCATION = "ghcr.io/org/app:4.2.0-rc2"
IMAGE = ResolvedImage(
    "ghcr.io/org/app", "4.2.0-rc2", INDEX, COMMIT, "linux/amd64", "2026-11-23T12:00:00+00:00", MANIFEST
)
EXPECTED = Resolution("4.2.0-rc2", {LOCATION: IMAGE})
VERSION_AND_COMMIT: dict[str, LateValue] = {"APP_VERSION": ImageVersion(), "COMMIT_SHA": ImageCommit()}
APP = service(container_location=LOCATION, container_env_vars=VERSION_AND_COMMIT)
FOOTER = "4.2.0-abc1234"


def running(services: Sequence[ServiceProps], environment: str = "dev", *tasks: Mapping[str, Any]) -> AnsweringAws:
    """An environment of these services in which only these tasks of app are."""
    usual = agora()
    account = deployed(environment, replace(usual, services={**usual.services, environment: tuple(services)}))
    account.tasks.clear()
    for number, each in enumerate(tasks):
        running_task(account, "app", number, **each)
    return AnsweringAws(account)


def task(digest: str | None, status: str = "RUNNING", image: str = LOCATION) -> dict[str, Any]:
    sidecar = {"name": "guardduty", "imageDigest": OTHER, "image": "agent"}
    own = {"name": "app", "image": image} | ({"imageDigest": digest} if digest else {})
    return {"lastStatus": status, "containers": [sidecar, own]}


def check(subject: str, state: State, found: str) -> Finding:
    """The expected result of a check."""
    return Finding("CHECK.RUNNING_IMAGE", found, setting=subject, state=state)


def check_of(*tasks: dict[str, Any]) -> Finding:
    """The result for the app's tasks."""
    props = dataclasses.replace(APP, container_env_vars={})
    first, footer = verify(running([props], "dev", *tasks).target(), [props], EXPECTED, "http://127.0.0.1:9/")
    assert footer.state == SKIP
    return first


@contextmanager
def site(content: str | bytes = "", *, status: int = 200, content_type: str = "text/html") -> Iterator[str]:
    """A site that shows one page."""
    body = content.encode() if isinstance(content, str) else content

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Handler) as url:
        yield url


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def footer_at(url: str, *services: ServiceProps, expected: Resolution = EXPECTED) -> Finding:
    chosen = services or [APP]
    return verify(running(chosen).target(), chosen, expected, url)[-1]


def footer_on(page: str | bytes, **keywords: Any) -> Finding:
    with site(page, **keywords) as url:
        return footer_at(url)


@pytest.mark.parametrize("digest", [INDEX, MANIFEST])
def test_tasks_agree_by_the_digest_of_the_index_or_of_the_manifest_that_runs(digest: str) -> None:
    assert check_of(task(digest), task(INDEX)) == check("app", OK, f"2 of 2 tasks run 4.2.0-rc2 {INDEX}")


def test_one_task_of_another_image_is_a_failure_and_its_digest_is_reported() -> None:
    found = check_of(task(MANIFEST), task(OTHER), task(MANIFEST))
    assert found == check("app", FAIL, f"1 of 3 tasks run {OTHER}, not {INDEX}")


@pytest.mark.parametrize(
    ("image", "state"),
    [(f"ghcr.io/org/app@{INDEX}", OK), (f"ghcr.io/org/app@{OTHER}", FAIL), (LOCATION, FAIL)],
)
def test_without_its_own_digest_a_task_is_known_by_its_reference_and_a_tag_is_no_proof(image: str, state: str) -> None:
    assert check_of(task(None, image=image)).state == state


@pytest.mark.parametrize("tasks", [[], [task(INDEX, "PENDING"), task(INDEX, "STOPPED")]])
def test_a_service_of_which_nothing_runs_proves_nothing(tasks: list[dict[str, Any]]) -> None:
    assert check_of(*tasks) == check("app", FAIL, "no task runs")


def test_a_service_that_is_not_deployed_proves_nothing() -> None:
    aws = running([APP])
    aws.account.stacks.clear()
    found = verify(aws.target(), [APP], EXPECTED, "http://127.0.0.1:9/")
    assert found[0] == check("app", FAIL, "no task runs")


def test_all_tasks_are_checked_however_many_there_are() -> None:
    tasks = [task(INDEX)] * 230
    assert check_of(*tasks, task(OTHER)).what.startswith("1 of 231 tasks run ")


def test_an_image_of_no_registry_cannot_be_compared_and_an_unidentified_one_does_not_match() -> None:
    clients = {"cloudformation": FakeCloudFormation(), "ecs": None}
    services = [service(container_location=location) for location in (f"{LOCAL_BUILD}docker/app", "ghcr.io/org/new:1")]
    built, new, _ = verify(target(clients), services, EXPECTED, "http://127.0.0.1:9/")
    assert built == check("app", SKIP, "is not made from an image of a registry")
    assert new == check("app", FAIL, "the expected image of ghcr.io/org/new:1 is unknown")


@pytest.mark.parametrize(
    ("tag", "commit", "footer"),
    [
        ("4.2.0-rc2", COMMIT, "4.2.0-abc1234"),
        ("4.2.0", COMMIT, "4.2.0-abc1234"),
        ("4.2.0-rc10", "1234567f", "4.2.0-1234567f"),
        ("4.2.0-rc2", "1234567", "4.2.0-sha-1234567"),
        ("edge", COMMIT, "edge-abc1234"),
        ("4.2.0-rc2", None, "4.2.0-unknown"),
    ],
)
def test_the_footer_is_the_version_without_its_candidate_and_the_commit(
    tag: str, commit: str | None, footer: str
) -> None:
    image = dataclasses.replace(IMAGE, tag=tag, commit=commit)
    assert footer_of(image) == footer
    with site(f"<p>{footer}</p>") as url:
        assert footer_at(url, expected=Resolution(tag, {LOCATION: image})).state == OK


@pytest.mark.parametrize(
    "page",
    [
        FOOTER,
        f"<footer>Site Version {FOOTER}</footer>",
        f"<footer>v{FOOTER}.</footer>",
        f"<p>({FOOTER})</p>",
        "<p>4.2.0&#45;abc1234</p>",
        "<p>4.2.0&hyphen;abc1234</p>".replace("&hyphen;", "&#x2d;"),
        "<p>4.2.0<!-- -->-<!-- a > b -->abc1234</p>",
        f"<script>'<!--'</script><p>{FOOTER}</p>",
        f"<p>4.1.0-abc1234, now {FOOTER}</p>",
        f"<p>\u00e9 {FOOTER}</p>".encode("latin-1"),
    ],
)
def test_the_footer_is_found_as_a_user_sees_it(page: str | bytes) -> None:
    assert footer_on(page).state == OK


@pytest.mark.parametrize(
    "page",
    [
        "14.2.0-abc1234",
        "4.2.0-abc12345",
        "4.2.0-abc1234-dirty",
        "4.2.0-abc1234.1",
        "1.4.2.0-abc1234",
        "x-4.2.0-abc1234",
        "4x2x0-abc1234",
        "4.2.0-ABC1234",
        "4.2.0 abc1234",
        f"<!-- a > {FOOTER} -->",
        f"<script>{FOOTER}</script>",
        f"<STYLE>/* {FOOTER} */</STYLE>",
        f"<script>{FOOTER}",
        f'<meta content="{FOOTER}">',
        f"&lt;{FOOTER}x&gt;",
    ],
)
def test_what_only_resembles_the_footer_or_is_not_seen_by_a_user_is_none(page: str) -> None:
    assert footer_on(f"<html>{page}</html>").state == FAIL


def test_versions_that_are_shown_instead_are_reported_each_once() -> None:
    page = "4.1.0-1111111 4.1.0-1111111 4.1.0-1111111 <b>4.2.0-rc2-abc1234</b> edge-2222222 4.0.0-3333333 10.0.0.1"
    with site(page) as url:
        found = footer_at(url)
    instead = "4.1.0-1111111, 4.2.0-rc2-abc1234, edge-2222222"
    assert found == check("footer of the site", FAIL, f"{url} does not show {FOOTER}: it shows {instead}")


def test_a_page_without_any_version_is_reported() -> None:
    assert footer_on("<p>Agora</p>").what.endswith(f" does not show {FOOTER}: it shows no version")


def test_a_site_that_answers_with_an_error_is_reported_even_if_it_shows_the_footer() -> None:
    with site(FOOTER, status=503) as url:
        assert footer_at(url) == check("footer of the site", FAIL, f"{url} answers 503")


def test_a_site_that_is_down_is_reported() -> None:
    with site() as url:
        pass
    assert footer_at(url) == check("footer of the site", FAIL, f"{url} does not answer: ConnectError")


def test_a_site_that_is_no_page_has_no_footer_to_check() -> None:
    with site('{"version": "4.1.0-1111111"}', content_type="application/json; charset=utf-8") as url:
        found = footer_at(url)
    reason = f"{url} answers with application/json, not with a page that has a footer"
    assert found == check("footer of the site", SKIP, reason)


def test_an_encoding_that_no_one_knows_is_no_obstacle() -> None:
    assert footer_on(FOOTER, content_type="text/html; charset=nonsense").state == OK


class Endless(BaseHTTPRequestHandler):
    """A page that never ends: as fast as it is read, or a byte at a time."""

    pause_seconds = 0.0

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" if self.pause_seconds else b"x" * 65_536)
                time.sleep(self.pause_seconds)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        pass


class Trickling(Endless):
    pause_seconds = 0.02


@pytest.mark.parametrize("handler", [Endless, Trickling])
def test_a_page_that_never_ends_is_reported(
    handler: type[BaseHTTPRequestHandler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "_LONGEST_ANSWER_SECONDS", 0.3)
    with serving(handler) as url:
        assert footer_at(url).what == f"{url}: the response does not end"


def test_where_no_service_gets_its_version_no_footer_is_checked() -> None:
    props = dataclasses.replace(APP, container_env_vars={**VERSION_AND_COMMIT, "APP_VERSION": "4.2.0"})
    assert footer_at("http://127.0.0.1:9/", props).state == SKIP


@pytest.mark.parametrize("name", VERSION_AND_COMMIT)
def test_a_service_that_gets_only_a_part_of_the_footer_need_not_show_it(name: str) -> None:
    props = dataclasses.replace(APP, container_env_vars={name: VERSION_AND_COMMIT[name]})
    found = footer_at("http://127.0.0.1:9/", props)
    reason = "no service gets both its version and its commit (APP_VERSION=ImageVersion(), COMMIT_SHA=ImageCommit())"
    assert found == check("footer of the site", SKIP, reason)


def test_a_proxy_for_the_internet_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert footer_on(FOOTER).state == OK


@pytest.fixture
def configuration() -> Configuration:
    return check_configuration(environments(dev={}), one_service)


def locked(monkeypatch: pytest.MonkeyPatch, lock: Resolution | None) -> None:
    monkeypatch.setattr(operated, "find_lock", lambda *_: lock)


def test_what_should_run_is_what_the_lock_says(configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = Resolution("1.0.0", {"ghcr.io/sage-bionetworks/app:v1.0": IMAGE})
    locked(monkeypatch, lock)
    assert expected_images(target({}, configuration=configuration), configuration, [seeded_record(EXPECTED)]) == (
        lock,
        "the lock of 1.0.0",
    )


def test_without_a_lock_the_last_healthy_deployment_says_what_should_run(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked(monkeypatch, None)
    healthy = dataclasses.replace(seeded_record(EXPECTED), synthetic=False, number=7)
    failed = dataclasses.replace(healthy, result="failed", number=8)
    assert expected_images(target({}, configuration=configuration), configuration, [failed, healthy]) == (
        EXPECTED,
        "deployment 7",
    )
    with pytest.raises(UserError) as raised:
        expected_images(target({}, configuration=configuration), configuration, [failed])
    assert raised.value.hint == "Deploy it: ./agora deploy dev"


def test_in_aws_the_site_is_at_its_host_name(configuration: Configuration) -> None:
    assert site_of(target({}, configuration=configuration)) == "https://dev.example.org/"
