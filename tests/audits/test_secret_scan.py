"""detect-secrets on every file in git, tests and documents included.

The baseline chooses the detectors of credentials by their form. Those that go by entropy are left out, because a lock
is made of hashes, and so is the one that goes by names: bandit looks at names in Python, and the form at its own.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

from portside.redact import holds_credential
from tests.audits.reports import ROOT, report_file

BASELINE = json.loads((ROOT / ".secrets.baseline").read_text())
# Put together here, so that this file is none of its own findings.
KEY = "QWERTYUIOPASDFGH"
CREDENTIALS = {
    "AWS Access Key": f"key = 'AKIA{KEY}'",
    "GitHub Token": f"token = 'ghp_{KEY}{KEY}{KEY[:4]}'",
    "Private Key": "-----BEGIN RSA PRIVATE " + "KEY-----",
    "Basic Auth Credentials": "mongodb://master:" + "hunter2@10.0.0.9:27017",
    "Slack Token": "xoxb-" + "123456789012-abcdef",
}


def scan(paths: Iterable[Path]) -> Iterator[tuple[str, str, int]]:
    """The kind, file and line of each credential."""
    with transient_settings({name: BASELINE[name] for name in ("plugins_used", "filters_used")}):
        for path in paths:
            for secret in scan_file(str(path)):
                yield secret.type, str(path), secret.line_number


def files_in_git() -> list[Path]:
    # Also those that are not committed yet.
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in sorted(set(listed.split("\0"))) if (path := ROOT / name).is_file()]


@pytest.mark.slow
def test_no_file_holds_a_credential() -> None:
    files = files_in_git()
    found = list(scan(files))
    report_file("secrets.json").write_text(json.dumps({"files": len(files), "found": found}, indent=2))
    assert len(files) > 300
    assert found == []


def test_nothing_was_let_through_by_hand() -> None:
    assert BASELINE["results"] == {}


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_a_credential_is_found(kind: str, tmp_path: Path) -> None:
    (tmp_path / "by_hand.txt").write_text(f"{CREDENTIALS[kind]}\n")
    assert kind in {found for found, _, _ in scan([tmp_path / "by_hand.txt"])}


def test_a_credential_that_somebody_wants_to_let_through_is_found(tmp_path: Path) -> None:
    (tmp_path / "by_hand.py").write_text(f"{CREDENTIALS['AWS Access Key']}  # pragma: allowlist secret\n")
    assert len(list(scan([tmp_path / "by_hand.py"]))) == 1


@pytest.mark.slow
def test_outside_the_tests_no_file_holds_what_the_form_takes_for_a_credential() -> None:
    texts = [path for path in files_in_git() if "tests" not in path.relative_to(ROOT).parts[:1]]
    assert [path for path in texts if holds_credential(path.read_text(errors="replace"))] == []
