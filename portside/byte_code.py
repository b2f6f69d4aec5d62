"""Writes the byte code of the modules that the launcher imports, by importing them: that of all packages takes longer.

.venv/bin/python -I -m portside.byte_code cli cdk      the modules of the command line and of the CDK
.venv/bin/python -I -m portside.byte_code emulator     those of the embedded AWS
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import portside

CLI = (
    "boto3.session",
    "botocore.waiter",
    "httpx",
    "portside.cli.main",
    "rich.live",
    "rich.progress",
    "rich.table",
)
CDK = ("portside.stacks.synthesize",)
EMULATOR = "portside.emulator."


def main(parts: list[str]) -> None:
    """Import what belongs to the parts."""
    for name in [*(CLI if "cli" in parts else ()), *(CDK if "cdk" in parts else ())]:
        importlib.import_module(name)
    for module in _modules():
        if _part(module) in parts:
            importlib.import_module(module)


def _part(module: str) -> str:
    if f"{module}.".startswith(EMULATOR):
        return "emulator"
    return "cdk" if module.startswith("portside.stacks.") else "cli"


def _modules() -> Iterator[str]:
    """All modules, by their files: pkgutil would import every package, in the process of each part."""
    [folder] = map(Path, portside.__path__)
    for file in sorted(folder.rglob("*.py")):
        if file.stem != "__main__":
            yield ".".join(file.relative_to(folder.parent).with_suffix("").parts).removesuffix(".__init__")


if __name__ == "__main__":
    main(sys.argv[1:])
