"""Promise: what stopped a command is always shown, first, in the same words everywhere, and never as a traceback."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from portside.aws.session import NoCredentials, NotReachable
from portside.cli import main
from portside.errors import ConfigurationError, Problem, UsageError

WITHOUT_AWS = frozenset(
    {
        # They read from this machine, a registry, git or the embedded AWS.
        *(
            "ci",
            "costs",
            "diagram",
            "images",
            "role",
            "test",
            "new",
            "review",
            "upgrade",
            "lock",
            "completion",
            "release cut",
            "release next",
            "release pin",
        ),
        *("local up", "local down", "local reset", "local status", "local env", "local faults", "local publish"),
        # Looks at the site's footer where there are no credentials, as docs/releases.md says.
        "release finish",
        # Compares the branches first, and a clone does not have to have them.
        "release promote",
    }
)
"""The commands that no account's credentials are needed for. Each other one has to say the same without them."""

WITHOUT_THE_EMBEDDED_AWS = frozenset(
    {
        # They start it.
        *("deploy", "diff", "rollback"),
        # They read a practice monorepo's tags, which are files.
        *("release cut", "release finish", "release next"),
    }
)
"""With --local these need no embedded AWS that is running already. Each other one has to say the same without it."""

_VALUES = {
    "environment": "dev",
    "service": "agora-api",
    "job": "agora-api",
    "services": "agora-api",
    "version": "4.2.1-rc1",
    "tag": "edge",
    "shell": "bash",
}
# Values that a command wants to know before it asks AWS, and promotions, which only these two have.
_MORE = {"exec": ["--dry-run"], "tunnel": ["--dry-run"], "load-data": ["--version", "1"]}
_ENVIRONMENTS = {"release promote": "prod", "release verify": "stage"}


def _commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


COMMANDS = dict(_commands(main.program))


def _words(name: str) -> list[str]:
    """A command as a user types it, with a value for each argument that it wants."""
    values = _VALUES | {"environment": _ENVIRONMENTS.get(name, "dev")}
    expected = [each.name or "" for each in COMMANDS[name].params if isinstance(each, click.Argument)]
    return [*name.split(), *(values[each] for each in expected if each in values), *_MORE.get(name, [])]


def _has(name: str, option: str) -> bool:
    return any(option in each.opts for each in COMMANDS[name].params)


def _run(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main.run(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without credentials, and a clone without an embedded AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "state"))


NEEDS_AWS = sorted(COMMANDS.keys() - WITHOUT_AWS)
NEEDS_THE_EMBEDDED_AWS = sorted({name for name in COMMANDS if _has(name, "--local")} - WITHOUT_THE_EMBEDDED_AWS)
REFUSALS = [
    NoCredentials("no usable AWS credentials: the token has expired", "Log in again."),
    NoCredentials('no usable AWS credentials: there is no profile "x"', "Choose another."),
    NoCredentials("the credentials are for account 111111111111, but dev is 607346494281", "Choose a profile."),
    NotReachable("AWS can't be reached: could not connect", "Check the connection."),
]


def test_the_list_of_commands_without_aws_names_commands() -> None:
    assert COMMANDS.keys() >= WITHOUT_AWS
    assert COMMANDS.keys() >= WITHOUT_THE_EMBEDDED_AWS


@pytest.mark.slow
@pytest.mark.parametrize("name", NEEDS_AWS)
def test_without_credentials_every_command_says_the_same(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = _run(_words(name), capsys)
    assert code == 2
    assert "✗ no usable AWS credentials: Unable to locate credentials\n" in said
    assert 'Log in ("aws --profile NAME sso login") and set AWS_PROFILE=NAME' in said
    assert "Traceback" not in said


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.message[:30])
@pytest.mark.parametrize("name", NEEDS_AWS)
def test_each_refusal_is_the_same_in_every_command_and_in_json(
    name: str, refusal: UsageError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise refusal

    monkeypatch.setattr("portside.aws.target.open_session", refuse)
    as_json = ["--json"] if _has(name, "--json") else []
    code, out, said = _run([*_words(name), *as_json], capsys)
    assert code == 2
    assert f"✗ {refusal.message}\n{refusal.hint}\n" in said
    if as_json:
        assert json.loads(out)["error"] == refusal.as_error()


@pytest.mark.parametrize("name", NEEDS_THE_EMBEDDED_AWS)
def test_without_an_embedded_aws_every_command_says_the_same(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = _run([*_words(name), "--local"], capsys)
    assert code == 1
    assert "the embedded AWS is not running\nStart it with: ./agora local up\n" in said


WITHOUT_APP_PY = frozenset(
    {
        "test",
        "completion",
        "new",
        "upgrade",
        "lock",
        "local up",
        "local down",
        "local reset",
        "local status",
        "local faults",
    }
)
"""The commands that read no configuration; each other one has to say the same of a wrong one."""

_WRONG = 'app.py, line 3: "dev" is in this dictionary twice'


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_APP_PY))
def test_a_wrong_app_py_is_the_same_sentence_in_every_command(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(*_: object, **__: object) -> None:
        raise ConfigurationError([Problem("app.py, line 3", '"dev" is in this dictionary twice', "Delete one.")])

    monkeypatch.setattr("portside.config.configuration.run_source", wrong)
    as_json = ["--json"] if _has(name, "--json") else []
    code, out, said = _run([*_words(name), *as_json], capsys)
    assert code == 2
    assert f"✗ {_WRONG}\nDelete one.\n" in said
    if as_json:
        error = json.loads(out)["error"]
        assert error["code"] == "configuration"
        assert error["problems"][0]["where"] == "app.py, line 3"


@pytest.mark.parametrize(
    "name",
    sorted(name for name, each in COMMANDS.items() if "environment" in {param.name for param in each.params}),
)
def test_an_unknown_environment_is_the_same_sentence_in_every_command(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word if word not in ("dev", "stage", "prod") else "prdo" for word in _words(name)]
    words += [] if "prdo" in words else ["prdo"]
    code, _, said = _run(words, capsys)
    assert code == 2
    assert '✗ no environment "prdo" in app.py\nDid you mean "prod"?\n' in said
