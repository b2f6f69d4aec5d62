"""The files and the secret of a rehearsal are readable by its owner only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from portside import owner_only
from portside.emulator.client import process
from portside.emulator.gate import server_secret
from portside.errors import UserError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
ANOTHER_USER = 65534


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(autouse=True)
def _generous() -> object:
    before = os.umask(0o000)
    yield
    os.umask(before)


def test_a_folder_is_made_for_its_owner_with_those_above_it(tmp_path: Path) -> None:
    owner_only.folder(tmp_path / "a" / "b")
    assert (_mode(tmp_path / "a"), _mode(tmp_path / "a" / "b")) == (0o700, 0o700)


def test_a_wider_folder_is_narrowed_with_everything_in_it(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "inner").mkdir(parents=True)
    for path in (root / "file", root / "inner" / "run", outside):
        path.write_text("")
        path.chmod(0o666)
    (root / "inner" / "run").chmod(0o777)
    (root / "link").symlink_to(outside)
    owner_only.narrow(root)
    assert [_mode(root), _mode(root / "inner")] == [0o700, 0o700]
    assert [_mode(root / "file"), _mode(root / "inner" / "run")] == [0o600, 0o700]
    assert _mode(outside) == 0o666, "a link leads out of the folder"


@as_root
def test_a_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    os.chown(tmp_path, ANOTHER_USER, ANOTHER_USER)
    with pytest.raises(owner_only.NotOurs, match="belongs to another user"):
        owner_only.folder(tmp_path)
    with pytest.raises(UserError, match=r"does not use .*: it belongs to another user") as refused:
        process.up(tmp_path, announce=lambda _: None)
    assert "AGORA_STATE_DIR" in refused.value.hint


def test_the_secret_is_its_owners_from_the_start_and_stays_the_same(tmp_path: Path) -> None:
    assert server_secret.read(tmp_path) is None
    secret = server_secret.ensure(tmp_path)
    assert _mode(tmp_path / "secret") == 0o600
    assert len(secret) >= 43
    assert server_secret.ensure(tmp_path) == server_secret.read(tmp_path) == secret
    assert server_secret.ensure(tmp_path / "other") != secret
    assert [each.name for each in tmp_path.iterdir()] == ["secret", "other"] or len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"\n", b"short\n", b"\xff" * 43 + b"\n", b"a" * 43, b"a" * 43 + b"\nmore"])
def test_a_damaged_secret_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    (tmp_path / "secret").chmod(0o600)
    assert server_secret.read(tmp_path) is None
    assert server_secret.ensure(tmp_path) == server_secret.read(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_secret_that_others_could_have_read_or_chosen_is_replaced(tmp_path: Path, mode: int) -> None:
    secret = server_secret.ensure(tmp_path)
    (tmp_path / "secret").chmod(mode)
    assert server_secret.read(tmp_path) is None
    assert server_secret.ensure(tmp_path) != secret
    assert _mode(tmp_path / "secret") == 0o600


def test_a_secret_that_is_a_link_is_none(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("a" * 43 + "\n")
    (tmp_path / "secret").symlink_to(tmp_path / "elsewhere")
    assert server_secret.ensure(tmp_path) != "a" * 43


def test_what_is_derived_from_the_secret_differs_and_does_not_give_it_away(tmp_path: Path) -> None:
    secret = server_secret.ensure(tmp_path)
    derived = {
        server_secret.images_token(secret),
        *(server_secret.of_account(secret, account) for account in ("111122223333", "444455556666", "images")),
    }
    assert len(derived) == 4
    assert not any(secret in each for each in derived)


def test_the_secret_is_shown_by_no_representation(tmp_path: Path) -> None:
    aws = process.LocalAws("http://127.0.0.1:1", "http://127.0.0.1:1/x", "http://127.0.0.1:1", 1, 0.0, "a-secret")
    assert "a-secret" not in f"{aws!r} {aws}"
    assert process.client_environment(aws, "111122223333", "us-east-1", tmp_path)["AWS_SECRET_ACCESS_KEY"] != "a-secret"


def test_what_a_deployment_leaves_is_its_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    from portside.deploy import deployment_folder

    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "kept"))
    (tmp_path / "kept" / "deployments").mkdir(parents=True)
    files = {"page.html": "<p>", "result.json": {"a": 1}}
    folder = deployment_folder.keep("dev-local", datetime.now(UTC), "healthy", files)
    for each in (folder, *folder.iterdir(), *list(folder.parents)[:2]):
        assert _mode(each) & 0o077 == 0, each


def test_each_command_narrows_what_earlier_ones_left_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from portside.cli.main import program

    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    tmp_path.chmod(0o755)
    for name in ("deployments", "local", "other"):
        (tmp_path / name).mkdir(mode=0o755)
    CliRunner().invoke(program, ["local", "faults"])
    assert [_mode(tmp_path / name) for name in ("deployments", "local")] == [0o700, 0o700]
    assert [_mode(tmp_path), _mode(tmp_path / "other")] == [0o755, 0o755], "the person's own folder is left alone"
