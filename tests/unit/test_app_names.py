"""The machinery names no application: its names come from APP in app.py, and from the launcher's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from portside.images.access import REGISTRY_VARIABLE
from portside.images.synthesis_images import IMAGES_FILE
from portside.program import NAME, PROGRAM, STATE_FOLDER, STATE_FOLDER_VARIABLE, declared_name, variable

ROOT = Path(__file__).resolve().parents[2]
APP = re.compile(r"agora|adknowledge", re.IGNORECASE)
TEXTS = {".py", ".toml", ".json", ".html", ".css", ".j2"}


def test_portside_never_names_agora() -> None:
    files = [path for path in (ROOT / "portside").rglob("*") if path.suffix in TEXTS]
    assert len(files) > 300
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if APP.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("path", "declaration", "name"),
    [
        ("src/program.py", 'NAME = "shop"\n', "shop"),
        ("src/program.py", '"""Text."""\n\nNAME = "my-shop"\n', "my-shop"),
        ("src/program.py", "NAME = 5\n", ""),
        ("portside.json", '{\n  "launcher": "harbour",\n  "format": 1\n}\n', "harbour"),
        ("portside.json", '{\n  "launcher": "../x"\n}\n', ""),
    ],
)
def test_a_repository_declares_the_name_of_its_launcher(path: str, declaration: str, name: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(declaration)
    assert declared_name(tmp_path) == name


def test_a_repository_without_a_declaration_has_no_launcher(tmp_path: Path) -> None:
    assert declared_name(tmp_path) == ""


def test_variables_and_the_state_folder_follow_from_the_launcher() -> None:
    assert variable("my-shop", "STATE_DIR") == "MY_SHOP_STATE_DIR"
    assert (PROGRAM, STATE_FOLDER, STATE_FOLDER_VARIABLE) == ("./agora", ".agora", "AGORA_STATE_DIR")
    assert (IMAGES_FILE, REGISTRY_VARIABLE) == ("AGORA_IMAGES", "AGORA_REGISTRY_URL")


def test_the_launcher_has_the_declared_name() -> None:
    assert (ROOT / NAME).is_file()
