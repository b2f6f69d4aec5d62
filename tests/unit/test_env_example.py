from __future__ import annotations

import subprocess
from pathlib import Path

from dotenv import dotenv_values

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_the_example_works_as_documented_with_env_and_xargs() -> None:
    command = 'env -i $(cat "$0" | xargs) /usr/bin/env'
    shown = subprocess.run(["bash", "-c", command, EXAMPLE], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines() == ["GITHUB_TOKEN=", "ENV=dev"]


def test_the_example_works_as_an_env_file() -> None:
    assert dotenv_values(EXAMPLE) == {"GITHUB_TOKEN": "", "ENV": "dev"}
