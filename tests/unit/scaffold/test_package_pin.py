"""The wheel that a new repository pins: from a file or an address, of this version, and never a bare name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest

from portside import __version__
from portside.errors import UsageError, UserError
from portside.scaffold import package_pin
from portside.scaffold.package_pin import read_newer_pin, read_pin
from tests.unit.scaffold.support import wheel_in

NAME = f"portside-{__version__}-py3-none-any.whl"
ADDRESS = f"https://github.com/example/portside/releases/download/v{__version__}/{NAME}"


def test_a_file_is_copied_into_the_repository(tmp_path: Path) -> None:
    wheel = wheel_in(tmp_path)
    pin = read_pin(str(wheel))
    assert (pin.location, pin.content) == (f"vendor/{NAME}", wheel.read_bytes())


def test_an_address_with_its_digest_is_not_downloaded() -> None:
    pin = read_pin(f"{ADDRESS}#sha256={'a' * 64}")
    assert (pin.location, pin.sha256, pin.content) == (ADDRESS, "a" * 64, b"")
    assert pin.requirement == f"portside @ {ADDRESS} \\\n    --hash=sha256:{'a' * 64}\n"


def test_an_address_without_a_digest_is_downloaded_to_compute_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = wheel_in(tmp_path).read_bytes()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=wheel))
    monkeypatch.setattr(
        httpx, "stream", lambda method, url, **options: httpx.Client(transport=transport).stream(method, url)
    )
    assert read_pin(ADDRESS).sha256 == hashlib.sha256(wheel).hexdigest()


def test_an_address_that_does_not_answer_can_be_given_with_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(404))
    monkeypatch.setattr(
        httpx, "stream", lambda method, url, **options: httpx.Client(transport=transport).stream(method, url)
    )
    with pytest.raises(UserError) as refused:
        read_pin(ADDRESS)
    assert f"--package {ADDRESS}#sha256=" in refused.value.hint


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("portside", "not a wheel or an https address"),
        ("portside==0.1.0", "not a wheel or an https address"),
        (ADDRESS.replace("https", "http"), "not a wheel or an https address"),
        (ADDRESS.replace("//", "//me:token@"), "contains a credential"),
        ("https://example.org/other-1.0-py3-none-any.whl", "not the name of a wheel of portside"),
        ("https://example.org/portside-99.0-py3-none-any.whl", "portside 99.0, and this is portside"),
        ("/nowhere/portside-1.whl", "can't be read: No such file"),
    ],
)
def test_anything_else_is_refused(given: str, said: str) -> None:
    with pytest.raises(UsageError, match="--package") as refused:
        read_pin(given)
    assert said in refused.value.message
    assert "token" not in str(refused.value)


def test_a_file_that_only_has_the_name_of_a_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("no wheel")
    with pytest.raises(UsageError, match="is not a wheel of portside"):
        read_pin(str(tmp_path / NAME))


@pytest.mark.parametrize(
    ("written", "location"),
    [
        (f'{{"url": "{ADDRESS}", "archive_info": {{"hashes": {{"sha256": "{"b" * 64}"}}}}}}', ADDRESS),
        (f'{{"url": "{ADDRESS}", "archive_info": {{"hash": "sha256={"b" * 64}"}}}}', ADDRESS),
    ],
)
def test_the_default_is_where_the_package_was_installed_from(
    written: str, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        def read_text(self, _: str) -> str:
            return written

    monkeypatch.setattr(package_pin, "distribution", lambda _: Installed())
    assert (read_pin(None).location, read_pin(None).sha256) == (location, "b" * 64)


def test_a_clone_has_no_default_and_says_how_to_build_one() -> None:
    with pytest.raises(UsageError, match="--package: missing") as refused:
        read_pin(None)
    assert "pyproject-build --wheel" in refused.value.hint


@pytest.mark.parametrize(
    ("version", "than"),
    [
        ("0.2.0", "0.1.9"),
        ("0.10.0", "0.9.0"),
        ("1.0", "1.0rc2"),
        ("1.0rc2", "1.0rc1"),
        ("1.0", "1.0"),
        ("1.0.1", "1.0"),
    ],
)
def test_an_upgrade_takes_a_later_version_or_another_build_of_the_same(version: str, than: str, tmp_path: Path) -> None:
    wheel = wheel_in(tmp_path, version)
    pin, content = read_newer_pin(str(wheel), than=than)
    assert (pin.version, content) == (version, wheel.read_bytes())


@pytest.mark.parametrize(("version", "than"), [("0.1.9", "0.2.0"), ("1.0rc1", "1.0"), ("0.9", "0.10")])
def test_an_earlier_version_is_refused_with_the_command_to_revert(version: str, than: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"portside {version} is older than {than}") as refused:
        read_newer_pin(str(wheel_in(tmp_path, version)), than=than)
    assert "git revert" in refused.value.hint


def test_an_upgrade_from_an_address_is_downloaded_and_compared_with_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = wheel_in(tmp_path).read_bytes()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=wheel))
    monkeypatch.setattr(
        httpx, "stream", lambda method, url, **options: httpx.Client(transport=transport).stream(method, url)
    )
    digest = hashlib.sha256(wheel).hexdigest()
    pin, content = read_newer_pin(f"{ADDRESS}#sha256={digest}", than="0.1.0")
    assert (pin.location, pin.sha256, content) == (ADDRESS, digest, wheel)
    with pytest.raises(UserError, match="has the digest"):
        read_newer_pin(f"{ADDRESS}#sha256={'0' * 64}", than="0.1.0")


@pytest.mark.parametrize("given", [None, "portside", "portside==9.0"])
def test_an_upgrade_takes_no_bare_name(given: str | None) -> None:
    with pytest.raises(UsageError, match="--package"):
        read_newer_pin(given, than="0.1.0")
