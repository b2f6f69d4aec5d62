"""Writes the byte code of what ./agora imports, by importing it: that of all that is installed takes far longer.

.venv/bin/python -I tools/byte_code.py cli cdk      what runs in one process, and beside it
.venv/bin/python -I tools/byte_code.py emulator     what the embedded AWS runs
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator

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
EMULATOR = "portside.emulator"


def main(parts: list[str]) -> None:
    """Import what belongs to the parts."""
    for name in [*(CLI if "cli" in parts else ()), *(CDK if "cdk" in parts else ())]:
        importlib.import_module(name)
    for module in _modules():
        is_emulators = module == EMULATOR or module.startswith(f"{EMULATOR}.")
        if ("emulator" if is_emulators else "cdk" if module.startswith("portside.stacks.") else "cli") in parts:
            importlib.import_module(module)


def _modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(portside.__path__, "portside."):
        if not module.name.endswith("__main__"):
            yield module.name


if __name__ == "__main__":
    main(sys.argv[1:])
