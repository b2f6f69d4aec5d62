"""Telling a secret that was written where everyone can read it."""

from __future__ import annotations

import pytest

from portside.redact import Redactor, clean, holds_credential, looks_secret

GITHUB_TOKEN = "ghp_" + "a1B2" * 9


NAMES_OF_SECRETS = """
    DB_PASSWORD MONGODB_PASS PGPASSWORD password dbPassword SYNAPSE_AUTH_TOKEN GITHUB_TOKEN GH_PAT API_KEY APIKEY
    STRIPE_API_KEY_2 AWS_SECRET_ACCESS_KEY CLIENT_SECRET SECRET_KEY_BASE JWT_SECRET PRIVATE_KEY SSH_KEY ENCRYPTION_KEY
    DB_PASSWORD_PROD spring.data.mongodb.password DB-PASSWD GOOGLE_CREDENTIALS KEY_PASSPHRASE
"""
OTHER_NAMES = """
    TOKEN_TTL PASSWORD_MIN_LENGTH GOOGLE_TAG_MANAGER_ID API_KEY_HEADER_NAME TOKEN_URL SECRET_NAME DB_SECRET_ARN
    PASSWORD_FILE CREDENTIALS_PATH AWS_ACCESS_KEY_ID STRIPE_PUBLISHABLE_KEY NEXT_PUBLIC_API_KEY PUBLIC_KEY PARTITION_KEY
    SPRING_DATA_MONGODB_AUTHENTICATION_DATABASE COMPASS BYPASS PASSPORT_STRATEGY TOKENIZER SECRETARY MONKEY KEYBOARD
    AUTH_MODE APP_VERSION
"""


@pytest.mark.parametrize("name", NAMES_OF_SECRETS.split())
def test_variables_named_like_secrets_are_reported(name: str) -> None:
    assert looks_secret(name, "x7Gk2-something")


@pytest.mark.parametrize("name", OTHER_NAMES.split())
def test_variables_that_only_mention_secrets_pass(name: str) -> None:
    assert not looks_secret(name, "some-value")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOW_EMPTY_PASSWORD", "yes"),
        ("REQUIRE_TOKEN", "true"),
        ("DB_PASSWORD", ""),
        ("MAX_TOKENS", "4096"),
        ("MAX_TOKEN", "4096"),
    ],
)
def test_switches_counts_and_empty_values_are_no_secrets(name: str, value: str) -> None:
    assert not looks_secret(name, value)


@pytest.mark.parametrize(
    "value",
    [
        GITHUB_TOKEN,
        f"Bearer {GITHUB_TOKEN}",
        "AKIA" + "ABCD2345" * 2,
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "xoxb-" + "123456789012-abcdef",
        "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0.c2ln",
        "mongodb://master:" + "hunter2@db:27017/agora",
        "postgres://:hunter2@db/agora",
    ],
)
def test_values_that_can_only_be_credentials_are_reported_whatever_their_name(value: str) -> None:
    assert holds_credential(value)
    assert looks_secret("ANYTHING", value)


@pytest.mark.parametrize(
    "value",
    [
        "mongodb://db:27017/agora",
        "mongodb://master:$PASSWORD@db/agora",
        "mongodb://master:${PASSWORD}@db/agora",
        "https://example.org/a:b@c",
        "https://0123456789abcdef@o1.ingest.sentry.io/2",
        "GTM-WHXXVWKC",
        "ghcr.io/sage-bionetworks/agora-app:edge",
        "AKIA",
        "someone@example.org",
    ],
)
def test_addresses_and_identifiers_are_no_credentials(value: str) -> None:
    assert not holds_credential(value)


@pytest.mark.parametrize(
    "value",
    [
        "file://<(aws secretsmanager get-secret-value)",
        "file://FILE",
        "file://FILE  # replaces the whole value",
        """'{"username": "…", "password": "…"}'""",
    ],
)
@pytest.mark.parametrize("option", ["--master-user-password", "--secret-string"])
def test_what_a_fix_has_instead_of_a_password_is_not_hidden(option: str, value: str) -> None:
    fix = f"aws service operation {option} {value}"
    assert Redactor().text(fix) == fix


@pytest.mark.parametrize("value", ["""'{"username": "…", "password": "hunter2"}'""", "file://hunter2", "…hunter2"])
def test_a_password_next_to_a_placeholder_is_hidden(value: str) -> None:
    assert "hunter2" not in Redactor().text(f"aws service operation --secret-string {value}")


def test_a_line_steers_no_terminal() -> None:
    assert clean("\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07\x00\u202e\u200b\x85") == "red bell"


def test_a_long_line_is_cut_with_a_note() -> None:
    shown = Redactor().line("word " * 100_000)
    assert len(shown) < 10_000
    assert shown.endswith("[hidden]… (cut)")


def test_others_words_are_shortened_only_once_they_are_redacted() -> None:
    brief = Redactor().brief("x" * 580 + " password=correcthorsebattery and more words that follow", 600)
    assert brief == "x" * 580 + " password=[hidden] …"


def test_a_message_about_a_variable_that_is_named_like_a_secret_is_whole() -> None:
    for words in ("looks like a secret", "holds a value that is only known after a deployment", "has no folder"):
        message = f'ServiceProps("app").container_env_vars["DB_PASSWORD"]: {words}'
        assert Redactor().text(message) == message


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("https://flows.example.org", False),
        ("http://flows.example.org:5678/", False),
        ("https://hooks.example.org/services/T1/B1/x7Gk2", True),
        ("https://hooks.example.org?key=x7Gk2", True),
        ("https://me:" + "x7Gk2@hooks.example.org", True),
    ],
)
def test_the_address_of_a_site_is_no_secret_but_a_path_a_query_and_a_login_can_be(value: str, secret: bool) -> None:
    assert looks_secret("WEBHOOK_URL", value) is secret
