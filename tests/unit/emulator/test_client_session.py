"""The session with which clients of the embedded AWS are made."""

from __future__ import annotations

import pytest

from portside.emulator.client.session import client_session


def test_a_users_own_aws_settings_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.setenv(name, "not-there")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/not/there")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/not/there.pem")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "https://ssm.us-east-1.amazonaws.com")
    client = client_session("111122223333", "secret", "us-east-1").client("ssm", endpoint_url="http://127.0.0.1:9")
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client._request_signer._credentials.access_key == "111122223333"
