"""Which folder is the repository of the app: a table of where the package, the launcher and the user are."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.repository import REPOSITORY_VARIABLE, find_root


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A clone, an app's repository with a folder in it, and folders that are neither."""
    for folder in ("clone", "app/tests/unit", "other", "half"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "clone" / "cdk.json").touch()
    for name in ("app/app.py", "app/cdk.json", "half/app.py"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("package", "chosen", "working", "root"),
    [
        ("clone", "", "app", "clone"),  # also without app.py
        ("clone", "app", "other", "clone"),
        ("other", "", "app", "app"),
        ("other", "", "app/tests/unit", "app"),
        ("other", "app", "half", "app"),
        ("other", "", "half", "half"),  # none: app.py alone is any Python program
    ],
)
def test_the_repository_depends_on_package_launcher_and_working_folder(
    folders: Path, package: str, chosen: str, working: str, root: str
) -> None:
    variables = {REPOSITORY_VARIABLE: str(folders / chosen)} if chosen else {}
    assert find_root(folders / package, variables, folders / working) == folders / root
