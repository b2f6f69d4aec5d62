"""Each way to have no credentials is one sentence, and credentials that a user renews are taken."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.credentials import Credentials

from portside.aws.session import NoCredentials, NotReachable, open_session, renewing
from portside.errors import UsageError

ACCOUNT = "607346494281"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIA" + "ABCDEFGHIJKLMNOP", "AWS_SECRET_ACCESS_KEY": "x"}
SSO = "[profile x]\nsso_session=s\nsso_account_id=1\nsso_role_name=r\n[sso-session s]\nsso_region=us-east-1\n"


@pytest.fixture
def no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Nothing says who asks, and no server is asked but one on this machine that does not exist."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.upper().endswith("_PROXY")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    # botocore pauses before it asks again.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    return monkeypatch


def _refused(config: str = "", **variables: str) -> UsageError:
    with pytest.MonkeyPatch.context() as patch:
        Path(os.environ["AWS_CONFIG_FILE"]).write_text(config, encoding="utf-8")
        for name, value in variables.items():
            patch.setenv(name, value)
        with pytest.raises(UsageError) as refused:
            open_session(ACCOUNT, "us-east-1", profile=None, of="dev")
    return refused.value


@pytest.mark.usefixtures("no_account")
@pytest.mark.parametrize(
    ("config", "variables", "said"),
    [
        ("", {}, "Unable to locate credentials"),
        ("", {"AWS_ACCESS_KEY_ID": "x"}, "Partial credentials found in env"),
        ("[profile agora-dev]\n", {"AWS_PROFILE": "agora-dve"}, 'there is no profile "agora-dve" in '),
        ("", {"AWS_PROFILE": "x"}, 'there is no profile "x" in '),
        ("[profile x\n", {}, "Unable to parse config file"),
        (SSO + "sso_start_url=https://x.example.org/start\n", {"AWS_PROFILE": "x"}, "Error loading SSO Token"),
        ("[profile x]\ncredential_process=/nonexistent\n", {"AWS_PROFILE": "x"}, "No such file or directory"),
        ("[profile x]\nrole_arn=arn:aws:iam::1:role/x\nsource_profile=y\n", {"AWS_PROFILE": "x"}, '"y"'),
        ("", {**KEYS, "AWS_ENDPOINT_URL": "nonsense"}, "ValueError"),
        ("", {**KEYS, "AWS_MAX_ATTEMPTS": "many"}, "ValueError"),
    ],
)
def test_each_way_to_have_none_is_a_sentence(config: str, variables: dict[str, str], said: str) -> None:
    refused = _refused(config, **variables)
    assert isinstance(refused, NoCredentials)
    assert refused.exit_code == 2
    assert refused.message.startswith("no usable AWS credentials: ")
    assert said in refused.message
    assert "--local" in refused.hint or 'Did you mean "agora-dev"' in refused.hint


@pytest.mark.usefixtures("no_account")
@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": "socks5://127.0.0.1:1", "AWS_ENDPOINT_URL": "https://127.0.0.1:1"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "nonsense:::", "AWS_ENDPOINT_URL": "https://127.0.0.1:1"}, "HTTPS_PROXY"),
        ({"AWS_CA_BUNDLE": "/nonexistent", "AWS_ENDPOINT_URL": "https://127.0.0.1:1"}, "AWS_CA_BUNDLE"),
        ({"REQUESTS_CA_BUNDLE": "/nonexistent"}, "REQUESTS_CA_BUNDLE"),
    ],
)
def test_an_aws_that_cannot_be_reached_is_a_sentence_with_the_obstacle(variables: dict[str, str], named: str) -> None:
    refused = _refused(**KEYS, **variables)
    assert isinstance(refused, NotReachable)
    assert refused.message.startswith("AWS can't be reached: ")
    assert named in refused.hint


def test_no_token_is_shown_that_is_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> Any:
        raise ValueError("Invalid header value b'IQoJb3JpZ2luX2VjEXAMPLE\\n'")

    monkeypatch.setattr(boto3, "Session", broken)
    with pytest.raises(NoCredentials) as refused:
        open_session(ACCOUNT, "us-east-1", profile=None, of="dev")
    assert refused.value.message == "no usable AWS credentials: ValueError"


def test_credentials_are_read_again_when_a_log_in_has_written_new_ones(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("old")
    os.utime(file, ns=(1, 1))
    read: list[str] = []

    def reread() -> Credentials:
        read.append(file.read_text())
        return Credentials(file.read_text(), "secret")

    found = renewing(Credentials("old", "secret"), reread, (file,))
    assert [found.access_key, found.get_frozen_credentials().access_key] == ["old", "old"]
    assert read == []
    file.write_text("new")
    os.utime(file, ns=(2, 2))
    assert [found.get_frozen_credentials().access_key, found.access_key] == ["new", "new"]
    assert read == ["new"]


def test_a_file_that_cannot_be_read_for_a_moment_leaves_the_credentials_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    found = renewing(Credentials("old", "secret"), lambda: 1 / 0, (file,))
    file.write_text("half")
    assert found.access_key == "old"


@pytest.mark.usefixtures("no_account")
def test_a_client_signs_with_what_the_file_says_now(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"])
    file.write_text("[default]\naws_access_key_id=AKIAOLD\naws_secret_access_key=x\n")
    os.utime(file, ns=(1, 1))
    asked: list[str] = []

    def note(request: Any, **_: object) -> Any:
        from botocore.awsrequest import AWSResponse
        from botocore.compat import HTTPHeaders

        asked.append(request.headers["Authorization"].decode().partition("Credential=")[2].partition("/")[0])
        body = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Account>{ACCOUNT}</Account><Arn>a</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
        response: Any = AWSResponse(request.url, 200, HTTPHeaders(), None)
        response._content = body.encode()
        return response

    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", lambda _, request: note(request))
    session = open_session(ACCOUNT, "us-east-1", profile=None, of="dev")
    assert session.is_renewable
    client = session.client("sts")
    file.write_text("[default]\naws_access_key_id=AKIANEW\naws_secret_access_key=x\n")
    os.utime(file, ns=(2, 2))
    client.get_caller_identity()
    assert asked == ["AKIAOLD", "AKIANEW"]
