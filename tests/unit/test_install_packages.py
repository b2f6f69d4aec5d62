"""uv installs as pip's settings say, and pip does where uv can't."""

from __future__ import annotations

import runpy
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
installer = SimpleNamespace(**runpy.run_path(str(ROOT / "tools/install_packages.py")))
main: Callable[[Sequence[str]], int] = installer.main
uv_settings: Callable[[Mapping[str, str]], dict[str, str]] = installer.uv_settings


class Programs:
    """Represents the processes that are started: what pip's settings are, and how each program ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, settings: str = "", **codes: int) -> None:
        self.started: list[tuple[str, list[str], Mapping[str, str]]] = []
        self._codes = codes
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=settings))
        monkeypatch.setattr(subprocess, "call", self._call)

    def _call(self, words: list[str], env: Mapping[str, str]) -> int:
        program = "uv" if words[0].endswith("/uv") else "pip"
        name = "pip_for_uv" if program == "pip" and ":all:" in words else program
        self.started.append((name, words, env))
        return self._codes.get(name, 0)

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.started]


def test_uv_installs_what_the_locks_pin_with_their_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = Programs(monkeypatch)
    assert main(["requirements.txt", "requirements-dev.txt"]) == 0
    assert programs.names == ["pip_for_uv", "uv"]
    for _, words, _ in programs.started:
        assert "--require-hashes" in words
    words = programs.started[-1][1]
    assert words[-4:] == ["-r", "requirements.txt", "-r", "requirements-dev.txt"]


@pytest.mark.parametrize(("program", "said"), [("pip_for_uv", "uv can't be installed here"), ("uv", "exit code 2")])
def test_pip_installs_where_uv_cannot_and_a_line_reports_it(
    program: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = Programs(monkeypatch, "", **{program: 2})
    assert main(["requirements.txt"]) == 0
    assert programs.names[-1] == "pip"
    assert "--require-hashes" in programs.started[-1][1]
    (note,) = capsys.readouterr().out.splitlines()
    assert note.startswith("note: pip installs the packages, which takes longer: ")
    assert said in note


def test_the_exit_code_is_pips_where_that_fails_too(monkeypatch: pytest.MonkeyPatch) -> None:
    Programs(monkeypatch, uv=2, pip=1)
    assert main(["requirements.txt"]) == 1


def test_pips_settings_are_taken_over_the_most_particular_last(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = (
        ":env:.index-url='https://env.example/simple'\n"
        "global.index-url='https://global.example/simple'\n"
        "global.extra-index-url='https://a.example/simple\\nhttps://b.example/simple'\n"
        "install.trusted-host='a.example b.example'\n"
        "global.find-links='/wheels\\n/more'\n"
        "global.cert='/ca.pem'\n"
        "freeze.timeout='10'\n"
    )
    programs = Programs(monkeypatch, settings)
    assert main(["requirements.txt"]) == 0
    environment = programs.started[-1][2]
    assert environment["UV_DEFAULT_INDEX"] == "https://env.example/simple"
    assert environment["UV_INDEX"] == "https://a.example/simple https://b.example/simple"
    assert environment["UV_INSECURE_HOST"] == "a.example b.example"
    assert environment["UV_FIND_LINKS"] == "/wheels,/more"
    assert environment["SSL_CERT_FILE"] == "/ca.pem"
    assert "UV_HTTP_TIMEOUT" not in environment


def test_no_address_is_in_the_list_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    password = "hidden"
    programs = Programs(monkeypatch, f"global.index-url='https://user:{password}@index.example/simple'\n", uv=2)
    main(["requirements.txt"])
    assert not [words for _, words, _ in programs.started if "hidden" in str(words)]


@pytest.mark.parametrize("name", ["keyring-provider", "no-index", "something-new"])
def test_a_setting_that_uv_has_no_word_for_leaves_it_to_pip(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = Programs(monkeypatch, f"global.{name}='yes'\n")
    assert main(["requirements.txt"]) == 0
    assert programs.names == ["pip"]


@pytest.mark.parametrize("name", sorted(installer.WITHOUT_EFFECT))
def test_settings_without_a_meaning_for_pinned_packages_are_passed_over(name: str) -> None:
    assert uv_settings({name: "1"}) == uv_settings({})


def test_a_home_that_cannot_be_written_to_needs_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    assert "UV_NO_CACHE" not in uv_settings({})
    can_write: dict[str, Any] = uv_settings.__globals__
    monkeypatch.setitem(can_write, "_can_write", lambda _: False)
    assert uv_settings({})["UV_NO_CACHE"] == "1"
