"""The documentation site: built strictly, with all pages, without anything from elsewhere, and with a search."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.audits.reports import ROOT, offline_environment
from tests.promises.browser import CHROMIUM, shown_at
from tests.unit.documents import PAGES

PYTHON = ROOT / ".agora/docs/bin/python"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="mkdocs is not installed: tools/setup.sh --docs"),
]


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PYTHON), "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=offline_environment() | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    # Strict: a broken link or anchor is an error, and so is a page that the navigation omits.
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_on_the_site(site: Path) -> None:
    places = [f"project/{page}" if "/" not in page else page.removeprefix("docs/") for page in PAGES]
    expected = {each.replace("project/README", "project/OVERVIEW").replace("README", "index") for each in places}
    assert expected <= {str(file.relative_to(site).with_suffix(".md")) for file in site.rglob("*.html")}
    index = (site / "index.html").read_text()
    for group in ("Use", "Operate", "Understand", "Project"):
        assert re.search(rf'<span class="md-ellipsis">\s*{group}\b', index)


def test_links_between_the_repository_and_its_documentation_lead_to_pages_of_the_site(site: Path) -> None:
    assert 'href="project/CONTRIBUTING.html#run-the-tests"' in (site / "index.html").read_text()
    assert 'href="../rehearsal.html"' in (site / "project" / "OVERVIEW.html").read_text()
    assert 'src="../pictures/dev.svg"' in (site / "project" / "OVERVIEW.html").read_text()


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for file in site.rglob("*.html"):
        loaded = re.findall(r"<(?:script|link|img|iframe)\b[^>]*https?://[^>]*>", file.read_text())
        assert loaded == [], file
    for file in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?https?:", file.read_text()), file


@pytest.mark.skipif(CHROMIUM is None, reason="the Debian package chromium is not installed")
def test_the_search_finds_a_page_without_a_server(site: Path, tmp_path: Path) -> None:
    # Until the search has run, which takes no real time then.
    shown = shown_at(f"{(site / 'index.html').as_uri()}?q=bootstrap", tmp_path, "--virtual-time-budget=10000")
    assert "environments.html" in shown.partition('class="md-search-result__list"')[2]
