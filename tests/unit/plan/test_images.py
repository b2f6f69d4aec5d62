"""The images that a command acts with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.config.service_props import ServiceProps
from portside.emulator.client import process
from portside.emulator.client.process import LocalAws
from portside.errors import ConfigurationError, UsageError, UserError
from portside.images.access import API_VARIABLE, REGISTRY_VARIABLE, TOKEN_VARIABLE
from portside.images.failures import ResolutionFailed
from portside.images.release_lock import lock_name
from portside.images.resolution import Resolution, read_resolution
from portside.images.resolved_image import ResolvedImage
from portside.images.synthesis_images import keep, kept_file
from portside.plan import images
from portside.plan.images import choose_images, kept_folder, local_releases, locked_images, look_up, missing_images
from tests.unit.configuration_support import check_configuration, environments, service
from tests.unit.operations_support import digest, resolved
from tests.unit.registry_support import COMMIT, OWNER, SECRET, Catalogue, StubRegistry, reference, serving

VERSION = "4.2.0-rc2"


def _services(environment: Environment) -> list[ServiceProps]:
    tag = environment.ghcr_package_version
    api = service(container_name="api", container_port=3333, container_location=reference("api", tag))
    return [api, service(container_location=reference("app", tag), public=True)]


def _configuration(dev: str = "edge") -> Configuration:
    return check_configuration(
        environments(dev={"GHCR_PACKAGE_VERSION": dev}, stage={"GHCR_PACKAGE_VERSION": VERSION}), _services
    )


CONFIGURATION = _configuration()


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture(autouse=True)
def registry(catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubRegistry]:
    """A registry in place of ghcr.io, a separate state and repository, and no token."""
    (tmp_path / "releases").mkdir()
    monkeypatch.setattr(images, "ROOT", tmp_path)
    monkeypatch.setattr(images, "RELEASES", tmp_path / "releases")
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "state"))
    for name in (TOKEN_VARIABLE, API_VARIABLE, "AGORA_IMAGES_DIR"):
        monkeypatch.delenv(name, raising=False)
    with serving(catalogue) as server:
        monkeypatch.setenv(REGISTRY_VARIABLE, server.url)
        yield server


@pytest.fixture
def embedded(registry: StubRegistry, monkeypatch: pytest.MonkeyPatch) -> StubRegistry:
    """The catalogue of a running embedded AWS; no other setting points to it."""
    aws = LocalAws("http://127.0.0.1:1", "http://127.0.0.1:1", registry.url, 1, 0.0)
    monkeypatch.setattr(process, "expect_running", lambda _: aws)
    monkeypatch.setenv(REGISTRY_VARIABLE, "http://127.0.0.1:1")
    return registry


def _lock(*names: str, content: str = "", stand_in: bool = False, version: str = VERSION) -> Resolution:
    def image(name: str) -> ResolvedImage:
        return replace(resolved(name, version, content and f"{content} {name}"), name=f"ghcr.io/{OWNER}/{name}")

    return Resolution(version, {reference(name, version): image(name) for name in names}, stand_in)


def _write(lock: Resolution, folder: Path) -> None:
    keep(lock, folder / lock_name(lock.version))


def _locked(
    name: str = "stage", *, local: bool = False, configuration: Configuration = CONFIGURATION
) -> Resolution | None:
    return locked_images(configuration.environment(name), configuration, local=local)


def test_a_release_is_what_its_lock_says_and_no_one_is_asked(registry: StubRegistry, tmp_path: Path) -> None:
    _write(_lock("api", "app", "docs"), tmp_path / "releases")
    assert choose_images(CONFIGURATION.environment("stage"), CONFIGURATION, local=False) == _lock("api", "app")
    assert registry.asked == []


def test_a_release_without_a_lock_says_which_command_makes_it() -> None:
    with pytest.raises(UsageError, match=r"releases/4\.2\.0-rc2\.json is missing") as refused:
        _locked()
    assert refused.value.hint == "Make it: ./agora release pin 4.2.0-rc2"


def test_a_lock_that_lacks_a_service_is_refused_with_its_name(tmp_path: Path) -> None:
    _write(_lock("api"), tmp_path / "releases")
    with pytest.raises(UsageError, match=r"lacks ghcr\.io/sage-bionetworks/app"):
        _locked()


def test_a_lock_of_stubs_is_for_rehearsals_only(tmp_path: Path) -> None:
    lock = _lock("api", "app", stand_in=True)
    _write(lock, tmp_path / "releases")
    assert _locked(local=True) == lock
    with pytest.raises(UsageError, match="made from stubs") as refused:
        _locked()
    assert "./agora release pin 4.2.0-rc2" in refused.value.hint


def test_a_lock_that_cannot_be_read_is_reported_and_not_ignored(tmp_path: Path) -> None:
    (tmp_path / "releases" / "4.2.0-rc2.json").write_text("<<<<<<< HEAD\n")
    with pytest.raises(ConfigurationError, match="not JSON"):
        _locked()


def test_a_rehearsal_takes_its_own_lock_first_and_aws_never_does(tmp_path: Path) -> None:
    shared, own = _lock("api", "app", content="shared"), _lock("api", "app", content="own")
    _write(shared, tmp_path / "releases")
    assert _locked(local=True) == shared
    _write(own, local_releases())
    assert _locked(local=True) == own
    assert _locked() == shared


def test_an_environment_of_releases_and_others_takes_a_lock_where_there_is_one(tmp_path: Path) -> None:
    lock = _lock("api", "app")
    _write(lock, tmp_path / "releases")
    assert _locked("dev", configuration=_configuration(dev=VERSION)) == lock
    assert _locked("dev") is None


@pytest.mark.parametrize(("names", "stand_in"), [(["api"], False), (["api", "app"], True)])
def test_where_a_lock_is_of_no_use_dev_looks_its_images_up(
    names: list[str], stand_in: bool, tmp_path: Path, catalogue: Catalogue
) -> None:
    _write(_lock(*names, stand_in=stand_in), tmp_path / "releases")
    published = {name: catalogue.add(name, VERSION).digest for name in ("api", "app")}
    configuration = _configuration(dev=VERSION)
    chosen = choose_images(configuration.environment("dev"), configuration, local=False)
    assert {name: chosen.images[reference(name, VERSION)].digest for name in published} == published


def test_what_is_resolved_is_kept_for_a_synthesis_by_hand(catalogue: Catalogue) -> None:
    published = catalogue.add("api", "edge"), catalogue.add("app", "edge")
    found = choose_images(CONFIGURATION.environment("dev"), CONFIGURATION, local=False)
    assert [image.digest for image in found.images.values()] == [each.digest for each in published]
    assert {image.commit for image in found.images.values()} == {COMMIT}
    assert read_resolution(kept_file("dev")) == found
    assert not kept_folder().exists()


def test_what_moves_is_resolved_again_each_time(catalogue: Catalogue) -> None:
    catalogue.add("api", "edge")
    catalogue.add("app", "edge")
    first = choose_images(CONFIGURATION.environment("dev"), CONFIGURATION, local=False)
    moved = catalogue.add("app", "edge", commit="f" * 40)
    second = choose_images(CONFIGURATION.environment("dev"), CONFIGURATION, local=False)
    assert second.images[reference("app")].digest == moved.digest != first.images[reference("app")].digest
    assert second.images[reference("api")] == first.images[reference("api")]


def test_a_rehearsal_asks_the_embedded_aws_alone_and_takes_no_token_along(
    embedded: StubRegistry, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, SECRET)
    for name in ("api", "app"):
        catalogue.add(name, "edge")
    found = choose_images(CONFIGURATION.environment("dev"), CONFIGURATION, local=True)
    assert sorted(found.images) == [reference("api"), reference("app")]
    assert embedded.asked
    assert not any(SECRET in str(asked) for asked in embedded.asked)
    assert read_resolution(kept_folder() / "dev.json") == found
    assert not kept_file("dev").exists()


@pytest.mark.parametrize("name", ["quay.io/o/app:1", "o/app:1", "app:1", "localhost:5000/o/app:1", "LOCALHOST/o/app:1"])
@pytest.mark.usefixtures("embedded")
def test_a_rehearsal_asks_no_other_registry_either(name: str, registry: StubRegistry) -> None:
    with pytest.raises(ResolutionFailed):
        look_up([name], "1", CONFIGURATION, local=True)
    assert registry.asked


def test_a_rehearsal_without_an_embedded_aws_says_how_to_start_it() -> None:
    with pytest.raises(UserError, match="embedded AWS is not running"):
        look_up([reference("app")], "edge", CONFIGURATION, local=True)


def test_images_that_are_not_published_yet_are_missing(catalogue: Catalogue) -> None:
    catalogue.add("api", VERSION)
    catalogue.add("app", "edge")
    references = [reference("api", VERSION), reference("app", VERSION)]
    assert missing_images(references, VERSION, CONFIGURATION, local=False) == [reference("app", VERSION)]
    catalogue.add("app", VERSION)
    assert missing_images(references, VERSION, CONFIGURATION, local=False) == []


def test_what_fails_for_another_reason_is_not_mistaken_for_missing(catalogue: Catalogue) -> None:
    catalogue.add("api", "edge")
    catalogue.private.add(f"{OWNER}/app")
    with pytest.raises(ResolutionFailed):
        missing_images([reference("api", VERSION), reference("app", VERSION)], VERSION, CONFIGURATION, local=False)


def test_the_digest_of_a_lock_is_not_that_of_what_the_tag_became(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add("app", VERSION)
    _write(_lock("api", "app"), tmp_path / "releases")
    chosen = choose_images(CONFIGURATION.environment("stage"), CONFIGURATION, local=False)
    assert chosen.images[reference("app", VERSION)].digest == digest(f"app {VERSION}")


def test_what_keeps_other_environments_from_their_releases_is_a_sentence_each() -> None:
    written = environments(dev={}, stage={"GHCR_PACKAGE_VERSION": VERSION}, prod={"GHCR_PACKAGE_VERSION": "edge"})
    configuration = check_configuration(written, _services, acting_on=["dev"])
    moves, lock = images.unreleased(configuration, "dev", local=False)
    assert moves.startswith('ENVIRONMENTS["prod"]["GHCR_PACKAGE_VERSION"]: a tag that moves')
    assert f"releases/{VERSION}.json is missing" in lock
    assert "\n" not in moves + lock


def test_an_environment_with_its_lock_is_not_reported(tmp_path: Path) -> None:
    _write(_lock("api", "app"), tmp_path / "releases")
    assert images.unreleased(CONFIGURATION, "dev", local=False) == []


def test_the_environment_that_a_command_acts_on_is_not_reported_but_refused() -> None:
    assert images.unreleased(CONFIGURATION, "stage", local=False) == []
    with pytest.raises(UsageError, match="is missing"):
        _locked("stage")
