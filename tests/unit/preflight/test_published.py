"""Verifying images: an image missing from the registry fails, and an unreachable registry proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portside.config.image_reference import LOCAL_BUILD
from portside.findings.check import FAIL, OK, SKIP
from portside.findings.finding import Finding
from portside.images.failures import Failure, Kind, ResolutionFailed
from portside.images.resolution import Resolution
from portside.preflight import context as looking
from portside.preflight import published
from tests.unit.configuration_support import check_configuration, environments, service
from tests.unit.verification_support import IMAGES, LOCATION, by_subject, context

DIGEST = IMAGES.images[LOCATION].reference


def refusing(reference: str, kind: Kind) -> Callable[..., Resolution]:
    def refuse(*_: object) -> Resolution:
        raise ResolutionFailed({reference: Failure(kind, "says the registry", "Do this.")}, {reference: "app"})

    return refuse


def found(monkeypatch: pytest.MonkeyPatch, registry: Callable[..., Any], **more: Any) -> Finding:
    monkeypatch.setattr(published, "ask_registry", registry)
    return by_subject(published.questions(), context(**more))["image of app"]


def test_an_image_is_asked_for_by_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    check = found(monkeypatch, lambda _, __, references, ___: asked.extend(references))
    assert (check.state, asked) == (OK, [DIGEST])


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (Kind.CONTENT_MISSING, FAIL),
        (Kind.WRONG_PLATFORM, FAIL),
        (Kind.NOT_PUBLIC, FAIL),
        (Kind.RATE_LIMITED, SKIP),
        (Kind.UNREACHABLE, SKIP),
        (Kind.TOO_SLOW, SKIP),
    ],
)
def test_what_ecs_would_meet_fails_and_a_bad_line_does_not(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, state: str
) -> None:
    check = found(monkeypatch, refusing(DIGEST, kind))
    assert (check.state, "says the registry" in check.what) == (state, True)


@pytest.mark.parametrize(("kind", "state"), [(Kind.TAG_UNKNOWN, FAIL), (Kind.UNREACHABLE, SKIP)])
def test_a_tag_that_cannot_be_resolved_is_reported_with_its_image(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, state: str
) -> None:
    monkeypatch.setattr(looking, "choose_images", refusing(LOCATION, kind))
    assert found(monkeypatch, lambda *_: None, images=None).state == state


def test_an_image_of_this_machine_is_not_known_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").touch()
    built = service(public=True, container_location=f"{LOCAL_BUILD}app")
    configuration = check_configuration(environments(dev={}), lambda _: [built], tmp_path)
    assert found(monkeypatch, lambda *_: None, configuration=configuration).state == SKIP
