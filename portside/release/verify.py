"""Proving that an environment runs what was chosen: the tasks' digests, the site's footer and the lock agree."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Sequence

from portside.aws.reader import Reader
from portside.aws.stack_reading import read_stack
from portside.aws.target import Target
from portside.config.configuration import Configuration
from portside.config.deferred_values import ImageCommit, ImageVersion
from portside.config.image_reference import LOCAL_BUILD
from portside.config.service_props import ServiceProps
from portside.config.stacks import StackKind, only_stack
from portside.errors import UsageError, UserError
from portside.findings.check import FAIL, OK, SKIP, check
from portside.findings.finding import Finding, State
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage
from portside.plan.images import locked_images
from portside.records.deployment_record import DeploymentRecord, last_healthy
from portside.records.running_images import running_in, unaccounted

__all__ = ["FAIL", "OK", "SKIP", "Finding", "expected_images", "footer_of", "site_of", "verify"]

_LONGEST_ANSWER_SECONDS = 10
_LARGEST_PAGE_BYTES = 4_000_000
# Frameworks put comments into the middle of a text; tags separate words.
_UNSEEN_IN_HTML = re.compile(
    r"(?P<comment><!--.*?(?:-->|\Z))|<(?P<tag>script|style)\b.*?(?:</(?P=tag)>|\Z)|<[^>]*>", re.DOTALL | re.IGNORECASE
)
# Not a part of a longer version: neither 14.2.0-abc1234 nor 4.2.0-abc1234-dirty is 4.2.0-abc1234.
_BEFORE, _AFTER = r"(?<![\w.+-])v?", r"(?![\w+-]|\.\w)"
_VERSION = re.compile(rf"{_BEFORE}((?:[0-9]+\.[0-9]+\.[0-9]+|edge)(?:-[\w.]*\w)+){_AFTER}")
_MOST_SHOWN = 3
_LONGEST_KIND = 60
# The variables of a service that shows a footer: an app that gets only its version may log it, and show nothing.
_SHOWN = {"APP_VERSION": ImageVersion(), "COMMIT_SHA": ImageCommit()}


class _NoPage(UserError):
    """A site answers with JSON or another format that is not HTML."""


def expected_images(
    target: Target, configuration: Configuration, records: Sequence[DeploymentRecord]
) -> tuple[Resolution, str]:
    """The expected images and their source: the lock, or without one the last healthy deployment."""
    lock = locked_images(target.environment, configuration, local=target.is_local)
    if lock is not None:
        return lock, f"the lock of {lock.version}"
    record = last_healthy(records)
    if record is None:
        raise UserError(
            f"{target.environment.name} has no recorded healthy deployment, so the expected images are unknown",
            f"Deploy it: {target.commands.tool('deploy')}",
        )
    return record.images, f"deployment {record.number}"


def site_of(target: Target) -> str:
    """The address of the site: its host name, or in a rehearsal the stub of its load balancer."""
    environment = target.environment
    if not environment.load_balancer:
        raise UsageError(f"{environment.name} has no site: LOAD_BALANCER in app.py is False")
    if target.local_aws is None:
        if not environment.url:
            raise UsageError(f'ENVIRONMENTS["{environment.name}"]["FQDN"]: missing', "Add the host name of the site.")
        return f"{environment.url}/"
    from portside.emulator.client import control

    balancer = read_stack(target.clients("cloudformation"), only_stack(environment, StackKind.LOAD_BALANCER).name)
    dns = balancer.outputs.get("LoadBalancerDNS") if balancer else None
    found = control.load_balancers(environment.account, aws=target.local_aws)
    url = next((each["url"] for each in found if each["dns_name"] == dns), None)
    if url is None:
        raise UserError(
            f"{environment.name} has no load balancer on this machine",
            f"Deploy it: {target.commands.tool('deploy')}",
        )
    return f"{url}/"


def verify(target: Target, services: Sequence[ServiceProps], expected: Resolution, site: str) -> list[Finding]:
    """Compare the running images of each service, and then the site, with the expected ones."""
    look = Reader(target.clients, target.environment, services).look().whole()
    running = {each.name: each.digests for each in look.services}
    checks = []
    for props in services:
        image = expected.images.get(props.container_location)
        if image is None:
            checks.append(_unchecked(props))
            continue
        checks.append(_check_tasks(props.container_name, image, running[props.container_name]))
    checks.append(_check_footer(services, expected, site))
    return checks


def check_records(
    target: Target, services: Sequence[ServiceProps], records: Sequence[DeploymentRecord]
) -> list[Finding]:
    """Findings about images in production without a record or a proof."""
    running = running_in(Reader(target.clients, target.environment, services).look().whole())
    return [_check("record", FAIL, each) for each in unaccounted(target.environment, running, records)]


def _check(subject: str, state: State, message: str) -> Finding:
    return check(subject, state, message, code="CHECK.RUNNING_IMAGE")


def _unchecked(props: ServiceProps) -> Finding:
    if props.container_location.startswith(LOCAL_BUILD):
        return _check(props.container_name, SKIP, "is not made from an image of a registry")
    return _check(props.container_name, FAIL, f"the expected image of {props.container_location} is unknown")


def _check_tasks(service: str, image: ResolvedImage, running: Sequence[str]) -> Finding:
    if not running:
        return _check(service, FAIL, "no task runs")
    wrong = sorted(set(running) - image.digests)
    if wrong:
        others = sum(digest in wrong for digest in running)
        return _check(service, FAIL, f"{others} of {len(running)} tasks run {', '.join(wrong)}, not {image.digest}")
    return _check(service, OK, f"{len(running)} of {len(running)} tasks run {image.tag} {image.digest}")


def _check_footer(services: Sequence[ServiceProps], expected: Resolution, site: str) -> Finding:
    subject = "footer of the site"
    image = next((image for props in services if (image := _shown_image(props, expected))), None)
    if image is None:
        variables = ", ".join(f"{name}={value!r}" for name, value in _SHOWN.items())
        return _check(subject, SKIP, f"no service gets both its version and its commit ({variables})")
    footer = footer_of(image)
    try:
        text = read_page(site)
    except _NoPage as error:
        return _check(subject, SKIP, error.message)
    except UserError as error:
        return _check(subject, FAIL, error.message)
    if re.search(f"{_BEFORE}{re.escape(footer)}{_AFTER}", text):
        return _check(subject, OK, f"{site} shows {footer}")
    shown = versions_in(text)
    instead = f"it shows {', '.join(shown)}" if shown else "it shows no version"
    return _check(subject, FAIL, f"{site} does not show {footer}: {instead}")


def footer_of(image: ResolvedImage) -> str:
    """The expected text of the site's footer: the version without its candidate, then the commit."""
    return f"{re.sub(r'-rc[0-9]+$', '', image.tag)}-{image.short_commit or 'unknown'}"


def _shown_image(props: ServiceProps, expected: Resolution) -> ResolvedImage | None:
    is_shown = all(props.container_env_vars.get(name) == value for name, value in _SHOWN.items())
    return expected.images.get(props.container_location) if is_shown else None


def read_page(url: str) -> str:
    """The visible text of a page. Raises `UserError` if the site does not answer with one."""
    import httpx

    is_local = url.startswith("http://127.0.0.1:")
    deadline, page = time.monotonic() + _LONGEST_ANSWER_SECONDS, bytearray()
    try:
        with httpx.stream(
            "GET",
            url,
            headers={"Accept": "text/html"},
            timeout=_LONGEST_ANSWER_SECONDS,
            follow_redirects=True,
            trust_env=not is_local,
        ) as answer:
            answer.raise_for_status()
            kind = answer.headers.get("content-type", "text/html").partition(";")[0].strip()
            if "html" not in kind:
                raise _NoPage(f"{url} answers with {kind[:_LONGEST_KIND]}, not with a page that has a footer")
            for part in answer.iter_bytes():
                page += part
                if len(page) > _LARGEST_PAGE_BYTES or time.monotonic() > deadline:
                    raise UserError(f"{url}: the response does not end")
            written = page.decode(answer.encoding or "utf-8", errors="replace")
    except httpx.HTTPStatusError as error:
        raise UserError(f"{url} answers {error.response.status_code}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UserError(f"{url} does not answer: {type(error).__name__}") from None
    return html.unescape(_UNSEEN_IN_HTML.sub(lambda found: "" if found["comment"] else " ", written))


def versions_in(text: str) -> list[str]:
    """The text that looks like a footer."""
    return list(dict.fromkeys(_VERSION.findall(text)))[:_MOST_SHOWN]
