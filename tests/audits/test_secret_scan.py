"""detect-secrets on every file in git, tests and documents included.

The baseline chooses every detector that knows a credential by its format, for all files. Three more guess, by
names such as `password` and by entropy: they look at all files but the tests, whose passwords are invented, and their
false positives are listed here with their reasons. One is off: an address is no credential.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

from portside.redact import holds_credential
from tests.audits.reports import ROOT, report_file

BASELINE = json.loads((ROOT / ".secrets.baseline").read_text())
# Assembled here, so that this file has no findings itself.
KEY = "QWERTYUIOPASDFGH"
CREDENTIALS = {
    "AWS Access Key": f"key = 'AKIA{KEY}'",
    "GitHub Token": f"token = 'ghp_{KEY}{KEY}{KEY[:4]}'",
    "Private Key": "-----BEGIN RSA PRIVATE " + "KEY-----",
    "Basic Auth Credentials": "mongodb://master:" + "hunter2@10.0.0.9:27017",
    "Slack Token": "xoxb-" + "123456789012-abcdef",
}
GUESSING: list[Mapping[str, object]] = [
    {"name": "Base64HighEntropyString", "limit": 4.5},
    {"name": "HexHighEntropyString", "limit": 3.0},
    {"name": "KeywordDetector", "keyword_exclude": ""},
]
OFF = {"IPPublicDetector"}
# The false positives of the guessing detectors, and why they are none.
NO_CREDENTIALS = {
    r"[0-9a-f]{40}": "a commit, in a release's lock or an example of one",
    r"sha512-[\w+/]+=*": "the hash of a package, in a lock",
    r"app/dev/(DATABASE|PASSWORD)": "the name of a secret, in the README's example",
    r"battery-staple": "the README's example of a secret's value",
    r"agora-(sentry-dsn|synapse-auth-token)": "the name of a secret",
    r"(?i)secrets? (missing|denied|lacks a field|not reachable|manager)": "the name of a cause, or of a service",
    r"hunter2": "an example in the description of what is redacted",
    r"password: authentication failed": "a message with no password, in a comment on what is redacted",
    r"id": "the name of a field, in a sentence about secrets",
    r"Ref": "a function of CloudFormation, in a sentence",
    r"my-access-token|TOKEN": "the place of a registry's password, in the documentation",
    r"1 \}": "how many secrets a resource type is, in the prices",
}


def scan(
    paths: Iterable[Path], plugins: Sequence[Mapping[str, object]] = BASELINE["plugins_used"]
) -> Iterator[tuple[str, str, int, str]]:
    """The kind, file, line and value of each credential."""
    with transient_settings({"plugins_used": list(plugins), "filters_used": BASELINE["filters_used"]}):
        for path in paths:
            for secret in scan_file(str(path)):
                yield secret.type, str(path), secret.line_number, secret.secret_value or ""


def outside_the_tests() -> list[Path]:
    return [path for path in files_in_git() if path.relative_to(ROOT).parts[0] != "tests"]


def is_none(value: str) -> bool:
    return any(re.fullmatch(pattern, value) for pattern in NO_CREDENTIALS)


def files_in_git() -> list[Path]:
    # Also those that are not committed yet.
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in sorted(set(listed.split("\0"))) if (path := ROOT / name).is_file()]


@pytest.mark.slow
def test_no_file_holds_a_credential() -> None:
    files = files_in_git()
    found = [finding[:3] for finding in scan(files)]
    report_file("secrets.json").write_text(json.dumps({"files": len(files), "found": found}, indent=2))
    assert len(files) > 300
    assert found == []


def test_nothing_was_allowed_by_hand() -> None:
    assert BASELINE["results"] == {}


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_a_credential_is_found(kind: str, tmp_path: Path) -> None:
    (tmp_path / "by_hand.txt").write_text(f"{CREDENTIALS[kind]}\n")
    assert kind in {found for found, *_ in scan([tmp_path / "by_hand.txt"])}


def test_a_credential_that_someone_wants_to_allow_is_found(tmp_path: Path) -> None:
    (tmp_path / "by_hand.py").write_text(f"{CREDENTIALS['AWS Access Key']}  # pragma: allowlist secret\n")
    assert len(list(scan([tmp_path / "by_hand.py"]))) == 1


@pytest.mark.slow
def test_outside_the_tests_nothing_looks_like_a_credential_that_has_no_reason() -> None:
    found = list(scan(outside_the_tests(), GUESSING))
    assert [finding for finding in found if not is_none(finding[3])] == []
    values = [value for *_, value in found]
    outlived = [pattern for pattern in NO_CREDENTIALS if not any(re.fullmatch(pattern, value) for value in values)]
    assert outlived == [], "a reason that is needed no longer"


@pytest.mark.parametrize(
    "line",
    [
        'password = "correct-horse-battery"',
        "api_key: 'Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZg=='",
        'x = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"',
    ],
)
def test_a_guess_finds_what_has_no_form(line: str, tmp_path: Path) -> None:
    (tmp_path / "by_hand.py").write_text(f"{line}\n")
    assert list(scan([tmp_path / "by_hand.py"], GUESSING))


def test_no_detector_is_off_without_a_reason() -> None:
    detectors: list[type] = list(get_mapping_from_secret_type_to_class().values())
    known = {each.__name__ for each in detectors}
    on = {each["name"] for each in (*BASELINE["plugins_used"], *GUESSING)}
    assert known - on == OFF


@pytest.mark.slow
def test_outside_the_tests_no_file_holds_what_looks_like_a_credential() -> None:
    assert [path for path in outside_the_tests() if holds_credential(path.read_text(errors="replace"))] == []
