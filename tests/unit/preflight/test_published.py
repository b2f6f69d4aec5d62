"""Verifying images: an image missing from the registry fails, and an unreachable registry proves nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
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
from portside.preflight.context import Shared
from portside.synthesis.assembly import Stack
from tests.unit.configuration_support import check_configuration, environments, service
from tests.unit.verification_support import IMAGES, LOCATION, by_subject, context

DIGEST = IMAGES.images[LOCATION].reference


def refusing(reference: str, kind: Kind) -> Callable[..., Resolution]:
    def refuse(*_: object) -> Resolution:
        raise ResolutionFailed({reference: Failure(kind, "says the registry", "Do this.")}, {reference: "app"})

    return refuse


def found(monkeypatch: pytest.MonkeyPatch, registry: Callable[..., Any], **more: Any) -> Finding:
    monkeypatch.setattr(published, "ask_registry", registry)
    asked = context(**more)
    return by_subject(published.questions(asked), asked)["image of app"]


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
        (Kind.LOGIN_REFUSED, FAIL),
        (Kind.LOGIN_UNUSABLE, SKIP),
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


TEMPLATE = {"Resources": {"Service": {"Type": "AWS::ECS::Service"}}}


def built(folder: Path, deployed: Mapping[str, Any] | None = None, *, is_local: bool = False) -> Finding:
    """The check of an image that is built from a folder, on a machine with the programs in it."""
    (folder / "app").mkdir()
    (folder / "app" / "Dockerfile").touch()
    props = service(public=True, container_location=f"{LOCAL_BUILD}app")
    asked = context(configuration=check_configuration(environments(dev={}), lambda _: [props], folder))
    (folder / "template.json").write_text(json.dumps(TEMPLATE), encoding="utf-8")
    stack = Stack(asked.stack_of(props), (), folder / "template.json")
    asked = replace(
        asked,
        target=replace(asked.target, process_environment={"PATH": str(folder)}, is_local=is_local),
        stacks=Shared(lambda: [stack]),
        deployed=Shared(lambda: {stack.name: deployed} if deployed else {}),
    )
    return by_subject(published.questions(asked), asked)["image of app"]


def test_an_image_is_built_with_what_this_machine_has(tmp_path: Path) -> None:
    (tmp_path / "podman").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "podman").chmod(0o755)
    check = built(tmp_path)
    assert (check.state, check.what) == (OK, "podman builds it from its folder")


def test_a_machine_that_can_not_build_is_reported_before_anything_is_deployed(tmp_path: Path) -> None:
    check = built(tmp_path)
    assert (check.state, "docker, podman or finch" in check.what) == (FAIL, True)
    assert "Install one of them" in check.fix


def test_an_unchanged_image_needs_no_program(tmp_path: Path) -> None:
    assert built(tmp_path, TEMPLATE).state == OK


def test_a_changed_image_needs_one(tmp_path: Path) -> None:
    assert built(tmp_path, {**TEMPLATE, "Outputs": {}}).state == FAIL


def test_a_rehearsal_builds_nothing(tmp_path: Path) -> None:
    assert built(tmp_path, is_local=True).state == SKIP
