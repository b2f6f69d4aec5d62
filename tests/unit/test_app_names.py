"""The machinery names no application: its names come from APP in app.py."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The launcher, its state folder and its variables, which docs/decisions.md lists.
ALLOWED = re.compile(r"\./agora\b|\.agora\b|AGORA_[A-Z_]+")
APP = re.compile(r"agora|adknowledge", re.IGNORECASE)
TEXTS = {".py", ".toml", ".json", ".html", ".css", ".j2"}


def test_portside_never_names_agora() -> None:
    files = [path for path in (ROOT / "portside").rglob("*") if path.suffix in TEXTS]
    assert len(files) > 300
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if APP.search(ALLOWED.sub("", line))
    ]
    assert found == []
