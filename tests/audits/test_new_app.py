"""The workflows and the dev container of a new app, with the auditors of those of this repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from portside.scaffold.write import write_files
from tests.audits.test_schemas import GATES, validate
from tests.audits.test_workflow_audit import audit
from tests.unit.scaffold.support import files_of


@pytest.mark.parametrize("workflows", ["", f"example/portside@{'0' * 40}"], ids=["whole", "calling"])
def test_the_files_of_a_new_app_pass_the_audits(workflows: str, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    write_files(repository, files_of(tmp_path, workflows=workflows))
    found = audit(repository / ".github", "auditor")
    assert (json.loads(found.stdout), found.returncode) == ([], 0), found.stderr
    for kind in ("workflows", "devcontainer"):
        command, pattern = GATES[kind]
        checked = validate(command, [*repository.glob(pattern)])
        assert checked.returncode == 0, checked.stdout
