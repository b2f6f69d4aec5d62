from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())


def test_the_container_has_a_python_that_the_launcher_accepts() -> None:
    image = re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:\d+-3\.(\d+)-\w+", CONTAINER["image"])
    assert image
    assert 11 <= int(image[1]) <= 14


def test_the_container_is_set_up_by_the_script_that_a_user_runs() -> None:
    assert (ROOT / CONTAINER["postCreateCommand"]).is_file()


def test_features_of_the_container_are_pinned_to_a_major_version() -> None:
    assert all(re.search(r":\d+$", feature) for feature in CONTAINER["features"])
