"""The headers of a browser distinguish a page of another site from a program of this machine."""

from __future__ import annotations

import pytest

from portside.emulator.gate.origins import problem

PORT = 4566


def _headers(host: str = f"127.0.0.1:{PORT}", **more: str) -> dict[str, str]:
    return {"host": host, **{name.replace("_", "-"): value for name, value in more.items()}}


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost:4566", "LOCALHOST:4566"])
def test_this_machine_is_called_by_its_name_and_port(host: str) -> None:
    assert problem(_headers(host), PORT) == ""


@pytest.mark.parametrize(
    "host",
    [
        "",
        "127.0.0.1",
        "127.0.0.1:4567",
        "localhost:80",
        "evil.example:4566",
        "localhost.evil.example:4566",
        "127.0.0.1.nip.io:4566",
        "[::1]:4566",
        "127.0.0.2:4566",
        "0.0.0.0:4566",
        "localhost:4566,evil.example",
        "127.0.0.1:4566@evil.example",
        "2130706433:4566",
    ],
)
def test_other_names_are_not_answered(host: str) -> None:
    assert "is not this server's" in problem(_headers(host), PORT)
    assert "is not this server's" in problem(_headers(host), PORT, buckets=True)


def test_a_request_without_a_host_is_not_answered() -> None:
    assert problem({}, PORT)


def test_the_port_of_the_web_need_not_be_named() -> None:
    assert problem(_headers("localhost"), 80) == ""


@pytest.mark.parametrize(
    "host", ["bucket.localhost:4566", "a.b-c.s3.localhost:4566", "abc.s3.us-east-1.localhost:4566"]
)
def test_a_bucket_is_a_name_of_this_machine_for_s3_alone(host: str) -> None:
    assert problem(_headers(host), PORT, buckets=True) == ""
    assert problem(_headers(host), PORT)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:9", "https://127.0.0.1:4566"])
def test_a_foreign_origin_is_not_answered(origin: str) -> None:
    for visitors in (False, True):
        assert "web pages" in problem(_headers(origin=origin), PORT, visitors=visitors)


def test_its_own_pages_may_ask_it() -> None:
    own = _headers(origin="http://127.0.0.1:4566", sec_fetch_site="same-origin")
    assert problem(own, PORT) == ""
    assert problem(_headers(origin="http://localhost:4566"), PORT), "another name is another origin"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "unheard-of"])
def test_what_another_site_makes_the_browser_ask_for_is_not_answered(site: str) -> None:
    assert problem(_headers(sec_fetch_site=site), PORT)
    link = _headers(sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="document")
    assert problem(link, PORT)
    assert problem(link, PORT, visitors=True) == "", "a link leads to the site, as links do"
    frame = _headers(sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="iframe")
    assert problem(frame, PORT, visitors=True)


def test_an_address_that_a_user_types_is_answered() -> None:
    assert problem(_headers(sec_fetch_site="none"), PORT) == ""


def test_what_is_foreign_is_shown_short_and_harmless() -> None:
    said = problem(_headers(f"\x1b[31m{'a' * 500}"), PORT)
    assert "\x1b" not in said
    assert len(said) < 250
