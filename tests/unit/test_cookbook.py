"""Each page of the cookbook is a configuration that is valid, and whose templates would work."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.findings.codes import Severity
from portside.findings.templates.check import check
from portside.findings.templates.folder import read_folder
from portside.testing import invariants
from portside.testing.synthesis import synthesized
from tests.cookbook import FOLDER, Page, pages

PAGES = pages()


def test_the_index_lists_every_page() -> None:
    assert sorted(each.name for each in PAGES) == sorted(
        each.stem for each in FOLDER.glob("*.md") if each.stem != "README"
    )


@pytest.mark.parametrize("page", PAGES, ids=[each.name for each in PAGES])
def test_the_templates_of_a_page_have_no_error(page: Page, tmp_path: Path) -> None:
    made = synthesized(page.write(tmp_path / page.name), "dev")
    assert not made.configuration.warnings
    assert [each.what for each in check(read_folder(made.folder)) if each.severity is Severity.ERROR] == []
    assert invariants.plain_secrets(made.templates) == []
