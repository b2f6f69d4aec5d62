"""Whether the registry still has the images that a rollback would restore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from portside.aws.target import Target
from portside.deploy import still_published
from portside.deploy.still_published import expect_published
from portside.errors import UserError
from portside.images import failures
from portside.images.failures import Failure, ResolutionFailed
from tests.unit.configuration_support import check_configuration, environments, service
from tests.unit.operations_support import resolved, target

IMAGE = resolved("app", "1.0.0")
PLACE = target({})
CONFIGURATION = check_configuration(environments(dev={}), lambda _: [service(public=True)])


def _answers(monkeypatch: pytest.MonkeyPatch, failure: Failure | None) -> list[Sequence[str]]:
    asked: list[Sequence[str]] = []

    def ask(_: Target, __: object, references: Sequence[str], version: str) -> Any:
        asked.append(references)
        if failure:
            raise ResolutionFailed(dict.fromkeys(references, failure), dict.fromkeys(references, "app"))

    monkeypatch.setattr(still_published, "ask_registry", ask)
    return asked


def test_each_image_is_asked_for_by_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _answers(monkeypatch, None)
    assert expect_published(PLACE, CONFIGURATION, [IMAGE]) == ""
    assert asked == [[IMAGE.reference]]
    assert expect_published(PLACE, CONFIGURATION, []) == ""
    assert len(asked) == 1, "nothing is asked where nothing comes back"


def test_an_image_that_no_longer_exists_stops_the_rollback(monkeypatch: pytest.MonkeyPatch) -> None:
    _answers(monkeypatch, failures.content_missing(host="ghcr.io", digest=IMAGE.digest))
    with pytest.raises(UserError, match="can't be pulled any more") as error:
        expect_published(PLACE, CONFIGURATION, [IMAGE])
    assert IMAGE.digest in error.value.message
    assert "history dev" in error.value.hint


def test_a_registry_that_can_not_be_read_is_remarked_on_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _answers(monkeypatch, failures.deadline_passed("ghcr.io", 60))
    remark = expect_published(PLACE, CONFIGURATION, [IMAGE])
    assert remark.startswith("Whether the registry still has these could not be read:")
