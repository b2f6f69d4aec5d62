"""Renders the files of this version for an upgrade that another version runs.

It reads the manifest, with the new pin, from stdin and writes JSON to stdout: {"files": {path: text}, "executable":
[path]}, without a wheel in the repository. Other versions rely on these keys.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from portside.scaffold.files import generated_files
from portside.scaffold.manifest import parse_manifest


def rendered(given: Mapping[str, Any]) -> dict[str, Any]:
    """The answer for a manifest."""
    manifest = parse_manifest(given)
    files = generated_files(manifest.launcher, manifest.pin, manifest.options)
    return {
        "files": {path: file.content.decode() for path, file in files.items() if path != manifest.pin.location},
        "executable": [path for path, file in files.items() if file.executable],
    }


if __name__ == "__main__":
    json.dump(rendered(json.load(sys.stdin)), sys.stdout)
