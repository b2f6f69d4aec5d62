"""mkdocs's hooks for the documentation site: its pages and navigation are those of docs/README.md.

Links stay as GitHub needs them: pages at the top of the repository become pages of the site, and a link to another file
becomes its text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from pymdownx.slugs import slugify

ROOT = Path(__file__).resolve().parent.parent
INDEX = ROOT / "docs" / "README.md"
# Pages at the top of the repository, by their place on the site.
TOP = {
    f"project/{name}.md": f"{name}.md" for name in ("OVERVIEW", "ARCHITECTURE", "CHANGELOG", "CONTRIBUTING", "SECURITY")
}
TOP["project/OVERVIEW.md"] = "README.md"
_WORKER = "worker_without_server.js"
ASSETS = {"site.css": "docs_site.css", _WORKER: "docs_site_worker.js"}

_SHIM = "https://unpkg.com/iframe-worker/shim"
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.M | re.S)


def on_config(config: Any) -> Any:
    """Read the navigation from the index, and name headings as GitHub does."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = slugify(case="lower")
    groups: dict[str, list[Any]] = {}
    for heading, body in re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", INDEX.read_text(encoding="utf-8"), re.M):
        if rows := [_entry(each) for each in _listed(INDEX, body)]:
            groups[heading] = rows
    shown = str(groups)
    groups["Project"] = [place for place in TOP if place not in shown]
    config.nav = ["README.md", *({title: pages} for title, pages in groups.items())]
    return config


def _listed(index: Path, text: str) -> list[str]:
    """The places of the pages in the tables of an index."""
    files = re.findall(r"^\| *\[[^\]]+\]\(([^)#]+)\)", text, re.M)
    places = (_place(str((index.parent / each).resolve().relative_to(ROOT))) for each in files)
    return [place for place in places if place]


def _entry(place: str) -> Any:
    """A page in the navigation, or the index of a folder with the pages that it lists."""
    if not place.endswith("/README.md"):
        return place
    text = (index := ROOT / "docs" / place).read_text(encoding="utf-8")
    return {text.partition("\n")[0].removeprefix("# "): [place, *_listed(index, text)]}


def on_files(files: Files, config: Any) -> Files:
    """Add the pages at the top of the repository, and the site's style and script."""
    for place, name in TOP.items():
        files.append(File.generated(config, place, content=(ROOT / name).read_text(encoding="utf-8")))
    for place, name in ASSETS.items():
        files.append(File.generated(config, place, abs_src_path=str(Path(__file__).parent / name)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Change the links of a page to the site's, outside of code."""
    source = page.file.src_uri
    parts = _FENCE.split(markdown)
    return "".join(
        each if _FENCE.match(each) else _LINK.sub(lambda link: _linked(link, source), each) for each in parts
    )


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Replace the theme's script from elsewhere, which lets the search work without a server."""
    return output.replace(_SHIM, "../" * page.file.dest_uri.count("/") + _WORKER)


def on_post_template(output: str, **_: Any) -> str:
    """The same for the page of a missing page."""
    return output.replace(_SHIM, _WORKER)


def _linked(link: re.Match[str], source: str) -> str:
    text, target = link[1], link[2]
    path, _, anchor = target.partition("#")
    if not path or re.match(r"[a-z]+:", target):
        return link[0]
    file = posixpath.normpath(posixpath.join(posixpath.dirname(TOP.get(source, f"docs/{source}")), path))
    place = _place(file)
    if place is None:
        return text
    relative = posixpath.relpath(place, posixpath.dirname(source) or ".")
    return f"[{text}]({relative}{'#' + anchor if anchor else ''})"


def _place(file: str) -> str | None:
    """The place on the site of a file of the repository."""
    if file.startswith("docs/"):
        return file.removeprefix("docs/")
    return next((place for place, name in TOP.items() if name == file), None)
