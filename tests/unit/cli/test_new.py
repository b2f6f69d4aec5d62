"""`new`: questions and refusals, no file overwritten, and a first commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from portside.cli.main import run
from tests.unit.scaffold.support import wheel_in

RIGHT = {"--image": "ghcr.io/example/harbour:1.2.0", "--port": "8080", "--account": "111122223333"}


def _run(folder: Path, **changed: str | None) -> int:
    options = {**RIGHT, "--package": str(wheel_in(folder)), **{f"--{key}": value for key, value in changed.items()}}
    words = [word for key, value in options.items() if value is not None for word in (key, value)]
    return run(["new", str(folder / "harbour"), *words, "--yes"])


@pytest.fixture(autouse=True)
def author(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "An author")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "person@example.org")


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_new_repository_is_committed_whole_and_the_rehearsal_is_offered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(tmp_path) == 0
    folder = tmp_path / "harbour"
    assert _git(folder, "status", "--porcelain", "--ignored") == ""
    assert _git(folder, "log", "--format=%s") == "Describe harbour, made by portside 0.1.0\n"
    assert _git(folder, "ls-files", "--stage", "harbour").startswith("100755")
    assert "&& ./harbour deploy dev --local" in " ".join(capsys.readouterr().err.split())


def test_no_file_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "harbour"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    assert _run(tmp_path) == 2
    assert "already contains README.md" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "notes.txt"]
    (folder / "README.md").unlink()
    assert _run(tmp_path) == 0
    assert "notes.txt" not in _git(folder, "ls-files")


def test_a_folder_of_another_repository_is_not_made_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _git(tmp_path, "init", "--quiet")
    assert _run(tmp_path) == 0
    assert not (tmp_path / "harbour" / ".git").exists()
    assert "commit the files there" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("image", None, "missing: --image"),
        ("port", None, "missing: --port"),
        ("account", None, "missing: --account"),
        ("image", "Not An Image", "--image: not a reference to an image"),
        ("port", "http", "--port: not a port"),
        ("port", "70000", "--port: not a port"),
        ("account", "1", "--account: not an AWS account number"),
        ("vpc-cidr", "10.0.0.1/24", "--vpc-cidr: an address inside a network"),
        ("region", "mars-1", "--region: not a commercial AWS region"),
        ("database", "postgres", "--database: "),
        ("name", "Not A Name", "--name: not a valid name of an app"),
        ("name", "tests", "--name: tests is the name of another file"),
        ("certificate-id", "x", "--certificate-id: neither the id nor the ARN"),
        ("package", "portside", "--package: not a wheel"),
        ("workflows", "example/portside@v1", "--workflows: not a repository and a commit"),
    ],
)
def test_a_mistake_is_named_by_its_option_and_nothing_is_written(
    option: str, value: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(tmp_path, **{option: value}) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "harbour").exists()


def test_a_terminal_asks_for_what_is_missing_and_offers_the_rehearsal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answers = {"Image": "nginx:1.27", "Port": "80", "AWS account": "111122223333", "Database": "none"}

    def answer(question: str, **_: object) -> str:
        asked.append(question)
        return next(value for start, value in answers.items() if question.startswith(start))

    started: list[tuple[list[str], Path]] = []

    def start(words: list[str], cwd: Path) -> int:
        started.append((words, cwd))
        return 0

    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr("click.prompt", answer)
    monkeypatch.setattr("portside.terminal.console.confirm", lambda _: True)
    monkeypatch.setattr("portside.cli.new.subprocess.call", start)
    with pytest.raises(SystemExit) as ended:
        run(["new", str(tmp_path / "harbour"), "--port", "8080", "--package", str(wheel_in(tmp_path))])
    assert ended.value.code == 0
    assert [question.split()[0] for question in asked] == ["Image", "AWS", "Database:"]
    assert "container_port=8080" in (tmp_path / "harbour" / "app.py").read_text()
    assert started == [(["./harbour", "deploy", "dev", "--local"], tmp_path / "harbour")]


def test_a_file_to_take_over_needs_the_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: nginx}}")
    words = ["--from", str(tmp_path / "compose.yaml"), "--package", str(wheel_in(tmp_path)), "--yes"]
    assert run(["new", str(tmp_path / "harbour"), *words]) == 2
    assert "missing: --account, which compose.yaml does not name" in capsys.readouterr().err
