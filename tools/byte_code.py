"""Writes the byte code of what ./agora imports, by importing it: that of all that is installed takes far longer.

.venv/bin/python -I tools/byte_code.py cli cdk      what runs in one process, and beside it
.venv/bin/python -I tools/byte_code.py emulator     what the embedded AWS runs
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

CLI = (
    "boto3.session",
    "botocore.waiter",
    "httpx",
    "operations.command_line",
    "rich.live",
    "rich.progress",
    "rich.table",
)
CDK = ("src.synthesize",)
EMULATOR = ("local_aws", "portside.emulator")


def main(parts: list[str]) -> None:
    """Import what belongs to the parts."""
    for name in [*(CLI if "cli" in parts else ()), *(CDK if "cdk" in parts else ())]:
        importlib.import_module(name)
    for name in EMULATOR if "emulator" in parts else ():
        package = importlib.import_module(name)
        for module in pkgutil.iter_modules(package.__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    if "cli" in parts:
        for module in pkgutil.walk_packages(importlib.import_module("operations").__path__, "operations."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


if __name__ == "__main__":
    main(sys.argv[1:])
