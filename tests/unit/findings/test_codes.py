"""The data file of codes: the text of each, and that no other file repeats it."""

from __future__ import annotations

import re

import pytest

from portside.config.configuration import ROOT
from portside.findings.check import check_as_json, fail, ok, printed, skip
from portside.findings.codes import CHECKS, CODES, Severity, code_named, outer
from portside.findings.finding import Finding, State
from portside.findings.tables import DOCS, TABLES, table, with_table


@pytest.mark.parametrize(("page", "name"), TABLES)
def test_a_page_has_the_table_of_the_data_file(page: str, name: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert with_table(text, name, TABLES[page, name]()) == text


def test_a_name_in_a_table_stays_whole() -> None:
    assert table(("a", "b"), [("`two words`", "c")], 5).splitlines()[-1] == "| `two words` | c |"


def test_a_page_without_the_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="codes: begin"):
        with_table("no marks", "codes", "")


def test_columns_of_a_table_are_as_wide_as_their_widest_cell_and_a_long_cell_continues_below() -> None:
    assert table(("a", "b"), [("long", "c")]) == "| a    | b |\n|------|---|\n| long | c |\n"
    assert table(("a", "b"), [("c", "two words")], 5) == "| a | b     |\n|---|-------|\n| c | two   |\n|   | words |\n"


@pytest.mark.parametrize("name", CODES)
def test_every_code_has_its_own_words(name: str) -> None:
    code = CODES[name]
    assert re.fullmatch(r"[A-Z][A-Z_]*", name)
    assert code.when
    assert code.action
    assert [each.name for each in CODES.values() if each.title == code.title] == [name]


def test_the_order_of_the_codes_is_that_of_how_decisive_they_are() -> None:
    assert " ".join(CODES) == (
        "CREDENTIALS STACK_STUCK EXPORT_IN_USE QUOTA CERTIFICATE DEPLOY_DENIED ALREADY_EXISTS BY_HAND IMAGE_MISSING "
        "IMAGE_DENIED IMAGE_PLATFORM REGISTRY_LIMIT REGISTRY_SLOW SECRET_MISSING SECRET_DENIED SECRET_FIELD "
        "SECRETS_UNREACHABLE LOG_GROUP_MISSING ROLE_UNUSABLE VOLUME EXEC_FORMAT BAD_COMMAND OUT_OF_MEMORY "
        "DATABASE_REFUSED DATABASE_UNREACHABLE TASK_ROLE_DENIED READ_ONLY ENDPOINT_MISSING NO_CAPACITY NO_ADDRESS "
        "SPOT_RECLAIMED KILLED CRASH_AT_START CRASH_LATER STOPPED_BY_ITSELF SECURITY_GROUP HEALTH_CHECK TARGET_CODE "
        "TARGET_TIMEOUT TARGET_REFUSED AWS_TROUBLE NO_TASK_WANTED EXEC_AGENT REFUSED TEMPLATE_REFUSED TEMPLATE_FAILS "
        "CALLEE_OUT NOT_DEPLOYED UNKNOWN GOING_ON HEALED NOT_CONFIGURED NOTHING"
    )
    assert [code.order for code in CODES.values()] == list(range(len(CODES)))


def test_only_these_codes_are_consequences_or_nothing_wrong() -> None:
    def of(severity: Severity) -> set[str]:
        return {name for name, code in CODES.items() if code.severity is severity}

    assert of(Severity.CONSEQUENCE) == {"CALLEE_OUT", "NOT_DEPLOYED"}
    assert of(Severity.NONE) == {"GOING_ON", "HEALED", "NOT_CONFIGURED", "NOTHING"}


def test_every_code_is_reported_somewhere_and_every_code_that_is_reported_has_a_row() -> None:
    sources = [path for path in (ROOT / "portside" / "findings").glob("**/*") if path.suffix in (".py", ".toml")]
    rules = "\n".join(path.read_text(encoding="utf-8") for path in sources if path.name != "codes.toml")
    assert [name for name in CODES if not re.search(rf'"{name}(\.[A-Z_]+)?"', rules)] == []


def test_a_finer_code_has_the_row_of_its_outer_one() -> None:
    assert outer("BAD_COMMAND.MOUNT") == "BAD_COMMAND"
    assert code_named("BAD_COMMAND.MOUNT") is CODES["BAD_COMMAND"]
    finding = Finding("BAD_COMMAND.MOUNT", "its mount is missing")
    assert (finding.outer, finding.title) == ("BAD_COMMAND", CODES["BAD_COMMAND"].title)
    assert finding.as_json()["cause"] == "BAD_COMMAND.MOUNT"


def test_a_finding_with_an_unknown_code_is_an_error_at_once() -> None:
    with pytest.raises(KeyError):
        Finding("NO_SUCH_CODE", "")


@pytest.mark.parametrize(
    ("finding", "is_wrong"),
    [
        (Finding("QUOTA", ""), True),
        (Finding("QUOTA", "", state=State.PASSED), False),
        (Finding("UNKNOWN", "", state=State.UNREAD), True),
        (Finding("HEALED", ""), False),
        (Finding("NOTHING", "", state=State.WRONG), False),
    ],
)
def test_what_could_not_be_read_is_no_all_clear(finding: Finding, *, is_wrong: bool) -> None:
    assert (finding.is_wrong, finding.as_json()["wrong"]) == (is_wrong, is_wrong)


def test_only_these_checks_do_not_stop_a_deployment() -> None:
    assert {code.title for code in CHECKS.values() if code.severity is not Severity.ERROR} == {
        *("certificate: expiry", "database: TLS", "database: parameters", "host name", "hold", "proof"),
        *("running tasks", "last rollback", "service-linked roles", "addresses: full scale", "stacks not configured"),
        *("quota: Fargate vCPUs, full scale", "quota: Fargate Spot vCPUs, full scale", "lifecycle policy: NAME"),
    }
    assert {code.severity for code in CHECKS.values()} == {Severity.ERROR, Severity.WARNING}


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ("credentials", "CHECK.CREDENTIALS"),
        ("secret agora-sentry-dsn", "CHECK.SECRET"),
        ("secret agora-sentry-dsn: fields", "CHECK.SECRET_FIELDS"),
        ("secret agora-sentry-dsn: read by agora-app", "CHECK.SECRET_READ"),
        ("secret agora-sentry-dsn: key", "CHECK.SECRET_KEY"),
        ("secret of the database", "CHECK.DATABASE_SECRET"),
        ('form: ENVIRONMENTS["dev"]["VPC_CIDR"]', "CHECK.FORM"),
        ("state: agora-dev-network Subnet1", "CHECK.STATE"),
        ("state", "CHECK.TEMPLATES"),
        ("templates of agora-dev-app", "CHECK.TEMPLATES"),
        ("stack agora-dev-app", "CHECK.STACKS"),
        ("drift of agora-dev-app", "CHECK.DRIFT"),
        ("images", "CHECK.IMAGE"),
        ("image of agora-app", "CHECK.IMAGE"),
        ("way into the database", "CHECK.LOAD"),
        ("right to read agora-synapse-auth-token", "CHECK.LOAD"),
    ],
)
def test_a_check_has_the_code_of_its_subject(subject: str, code: str) -> None:
    found = fail(subject, "is missing", "Create it.")
    assert (found.code, found.subject, found.title) == (code, subject, CHECKS[code].title)


def test_a_check_that_the_file_does_not_list_stops_a_deployment_all_the_same() -> None:
    assert (fail("the weather", "bad", "Wait.").code, CHECKS["CHECK.OTHER"].severity) == ("CHECK.OTHER", "error")


def test_a_check_says_in_one_word_how_it_ended_and_keeps_its_keys() -> None:
    passed, failed, unread = ok("region", "us-east-1"), fail("region", "off", "Enable it."), skip("region", "denied")
    assert [printed(each) for each in (passed, failed, unread)] == ["OK", "FAIL", "SKIP"]
    assert check_as_json(passed) == {"subject": "region", "state": "OK", "found": "us-east-1"}
    assert check_as_json(failed)["hint"] == "Enable it."
    assert unread.state is State.UNREAD


def test_only_what_aws_does_for_a_moment_passes() -> None:
    assert [name for name, code in CODES.items() if code.passing] == ["AWS_TROUBLE"]
    assert Finding("AWS_TROUBLE.THROTTLED", "").is_passing
    assert not Finding("QUOTA", "").is_passing
