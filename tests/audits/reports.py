"""Where the audits keep what their tools reported, so that a build can be looked into afterwards."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / ".agora" / "reports"
# A connection to the internet is refused immediately, so that a test fails instead of passing where there is one.
OFFLINE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")


def report_file(name: str) -> Path:
    """The file for a tool's own report, without the one of an earlier run."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    path = REPORTS / name
    path.unlink(missing_ok=True)
    return path


def tool(name: str) -> str:
    """A program of the virtual environment that the tests run in."""
    return str(Path(sys.executable).with_name(name))


def offline_environment() -> dict[str, str]:
    """This process's environment variables, without a way to the internet."""
    return dict(os.environ) | OFFLINE
