"""The token and the addresses, as they are read."""

from __future__ import annotations

import copy
from dataclasses import asdict
from pathlib import Path

import pytest

from portside.errors import UsageError
from portside.images.access import GITHUB_API_URL, Access, Token, access_from_environment, parse_token

SECRET = "ghp_atTheDoor0123456789abcdefghijklmnop"


def _access(tmp_path: Path, dotenv: str = "", **environ: str) -> Access:
    (tmp_path / ".env").write_text(dotenv)
    return access_from_environment(environ, tmp_path / ".env")


def _secret(access: Access) -> str | None:
    return access.token.reveal() if access.token else None


def test_without_any_setting_the_public_addresses_are_asked_without_a_token(tmp_path: Path) -> None:
    access = access_from_environment({}, tmp_path / "missing")
    assert (access.token, access.api_url, access.registry_url("ghcr.io")) == (None, GITHUB_API_URL, "https://ghcr.io")


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    assert _secret(_access(tmp_path, 'GITHUB_TOKEN="in-the-file"', GITHUB_TOKEN="in-the-environment")) == (
        "in-the-environment"
    )


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_variable_leaves_it_to_the_file(tmp_path: Path, empty: str) -> None:
    assert _secret(_access(tmp_path, f"GITHUB_TOKEN={SECRET}", GITHUB_TOKEN=empty)) == SECRET


def test_a_token_in_the_file_does_not_get_into_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    _access(tmp_path, f"GITHUB_TOKEN={SECRET}")
    import os

    assert SECRET not in os.environ.values()


def test_a_dollar_in_a_token_stays_what_it_is(tmp_path: Path) -> None:
    assert _secret(_access(tmp_path, "GITHUB_TOKEN=a${HOME}b")) == "a${HOME}b"


@pytest.mark.parametrize("text", [f"{SECRET}\n", f"\t {SECRET} ", f"\r\n{SECRET}"])
def test_white_space_around_a_token_is_none_of_it(text: str) -> None:
    token = parse_token(text)
    assert token is not None
    assert token.reveal() == SECRET


@pytest.mark.parametrize("text", [f"{SECRET}\nnext", f"{SECRET} x", f"{SECRET}é", f"{SECRET}\x00x", f"{SECRET}\x7fx"])
def test_a_token_with_something_else_inside_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_token(text)
    assert SECRET not in str(refused.value)
    assert "GITHUB_TOKEN" in str(refused.value)


def test_a_token_shows_itself_nowhere() -> None:
    access = Access(Token(SECRET))
    for text in (repr(access), str(access.token), f"{access.token}", repr(asdict(access)), repr(copy.copy(access))):
        assert SECRET not in text


def test_other_addresses_can_be_set(tmp_path: Path) -> None:
    access = _access(
        tmp_path,
        "AGORA_REGISTRY_URL=http://127.0.0.1:5000/mirror/",
        AGORA_GITHUB_API_URL="https://github.example.org/api/v3/",
    )
    assert access.api_url == "https://github.example.org/api/v3"
    assert access.registry_url("ghcr.io") == "http://127.0.0.1:5000/mirror"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("api.github.com", "not an address of http"),
        ("ftp://api.github.com", "not an address of http"),
        ("https://", "not an address of http"),
        ("https://[::1", "not an address"),
        ("https://host:99999", "not an address"),
        ("https://host name", "not an address of http"),
        (f"https://user:{'pass-word'}@host", "the address contains credentials"),
        ("https://host/?token=abc", "more than an address"),
        ("http://registry.example.org", "while GITHUB_TOKEN is set"),
    ],
)
@pytest.mark.parametrize("variable", ["AGORA_GITHUB_API_URL", "AGORA_REGISTRY_URL"])
def test_an_address_that_cannot_be_used_is_refused(tmp_path: Path, variable: str, address: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        _access(tmp_path, GITHUB_TOKEN=SECRET, **{variable: address})
    assert refused.value.message.startswith(f"{variable}: ")
    assert said in refused.value.message
    assert refused.value.hint
    assert "pass-word" not in str(refused.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"])
def test_http_to_this_machine_is_fine_with_a_token(tmp_path: Path, address: str) -> None:
    assert _access(tmp_path, GITHUB_TOKEN=SECRET, AGORA_GITHUB_API_URL=address).api_url == address


def test_http_to_another_machine_is_fine_without_a_token(tmp_path: Path) -> None:
    assert (
        _access(tmp_path, AGORA_REGISTRY_URL="http://registry:5000").registry_url("ghcr.io") == "http://registry:5000"
    )


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"GITHUB_TOKEN=\xff\xfe\n")
    with pytest.raises(UsageError, match=r"\.env, line 1: not UTF-8"):
        access_from_environment({}, tmp_path / ".env")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost:5000", "http://localhost:5000"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("public.ecr.aws", "https://public.ecr.aws"),
        ("docker.io", "https://registry-1.docker.io"),
        ("registry.example.org:5000", "https://registry.example.org:5000"),
    ],
)
def test_only_registries_on_this_machine_are_asked_over_http(host: str, url: str) -> None:
    assert Access().registry_url(host) == url
