"""Verifying the certificate: there, issued, for this host name, and for a while yet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.findings.check import FAIL, OK, SKIP
from portside.findings.finding import Finding
from portside.preflight import host_name
from portside.preflight.host_name import is_covered
from tests.unit.configuration_support import OMITTED, check_configuration, environments, one_service
from tests.unit.operations_support import NOON, client_error
from tests.unit.verification_support import DENIED, FakeClient, by_subject, context

SOUND: dict[str, Any] = {
    "Status": "ISSUED",
    "DomainName": "dev.example.org",
    "NotAfter": NOON + timedelta(days=100),
    "Type": "AMAZON_ISSUED",
}
LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


def found(answer: Any, *, is_local: bool = False) -> dict[str, Finding]:
    described = answer if isinstance(answer, Exception) else {"Certificate": answer}
    about = context({"acm": FakeClient(describe_certificate=described)}, is_local=is_local)
    return by_subject(host_name.questions(about)[:3], about)


def test_a_sound_certificate_is_ok() -> None:
    assert {check.state for check in found(SOUND).values()} == {OK}


def test_a_certificate_is_read_once() -> None:
    acm = FakeClient(describe_certificate={"Certificate": SOUND})
    about = context({"acm": acm})
    by_subject(host_name.questions(about)[:3], about)
    assert len(acm.asked) == 1


def test_a_missing_one_fails_and_nothing_more_is_read_about_it() -> None:
    checks = found(client_error("ResourceNotFoundException", "no"))
    assert [check.state for check in checks.values()] == [FAIL, SKIP, SKIP]
    assert "region us-east-1" in checks["certificate"].what
    assert "CERTIFICATE_ID" in checks["certificate"].fix


def test_in_a_rehearsal_that_has_not_begun_it_is_not_known() -> None:
    checks = found(client_error("ResourceNotFoundException", "no"), is_local=True)
    assert {check.state for check in checks.values()} == {SKIP}


def test_a_certificate_that_waits_for_validation_fails_with_the_record_to_add() -> None:
    record = {"Name": "_a.dev.example.org.", "Type": "CNAME", "Value": "_b.acm-validations.aws."}
    option = {"ValidationStatus": "PENDING_VALIDATION", "ResourceRecord": record}
    pending = SOUND | {"Status": "PENDING_VALIDATION", "DomainValidationOptions": [option], "NotAfter": None}
    checks = found(pending)
    assert checks["certificate"].state == FAIL
    assert "_a.dev.example.org. CNAME _b.acm-validations.aws." in checks["certificate"].fix
    assert checks["certificate: expiry"].state == SKIP


@pytest.mark.parametrize("status", ["EXPIRED", "REVOKED", "FAILED", "VALIDATION_TIMED_OUT", "INACTIVE"])
def test_an_invalid_certificate_fails(status: str) -> None:
    check = found(SOUND | {"Status": status})["certificate"]
    assert check.state == FAIL
    assert status in check.what


def test_one_for_another_name_fails_with_its_names() -> None:
    check = found(SOUND | {"DomainName": "*.example.com", "SubjectAlternativeNames": ["a.b"]})["certificate: host name"]
    assert (check.state, check.what) == (FAIL, "it covers *.example.com, a.b, not dev.example.org")


@pytest.mark.parametrize(("days", "state"), [(31, OK), (30, OK), (29, FAIL), (0, FAIL), (-1, FAIL)])
def test_a_certificate_that_expires_soon_fails(days: int, state: str) -> None:
    assert found(SOUND | {"NotAfter": NOON + timedelta(days=days)})["certificate: expiry"].state == state


def test_an_imported_certificate_must_be_imported_again() -> None:
    soon = SOUND | {"NotAfter": NOON + timedelta(days=3), "Type": "IMPORTED"}
    assert "import a new one" in found(soon)["certificate: expiry"].fix


def test_without_the_right_to_look_nothing_is_known() -> None:
    checks = found(DENIED)
    assert {check.state for check in checks.values()} == {SKIP}
    assert checks["certificate"].what == "these credentials lack the right acm:DescribeCertificate"


@given(st.lists(LABEL, min_size=2, max_size=5))
def test_a_wildcard_covers_exactly_one_label(labels: list[str]) -> None:
    wildcard = ".".join(["*", *labels])
    assert is_covered(".".join(["any", *labels]), [wildcard])
    assert not is_covered(".".join(labels), [wildcard])
    assert not is_covered(".".join(["one", "two", *labels]), [wildcard])


@given(st.lists(LABEL, min_size=2, max_size=5), st.lists(LABEL, min_size=2, max_size=5))
def test_a_name_covers_itself_in_any_case_and_nothing_else(ours: list[str], theirs: list[str]) -> None:
    host = ".".join(ours)
    assert is_covered(host, [host.upper()])
    assert is_covered(host, [".".join(theirs)]) == (ours == theirs)


def test_without_a_certificate_nothing_is_checked() -> None:
    written = environments(dev={"CERTIFICATE_ID": OMITTED, "FQDN": OMITTED})
    about = context({"acm": FakeClient()}, configuration=check_configuration(written, one_service))
    checks = by_subject(host_name.questions(about), about)
    assert {subject: check.state for subject, check in checks.items()} == {"certificate": SKIP, "host name": SKIP}
    assert "HTTP only" in checks["certificate"].what
