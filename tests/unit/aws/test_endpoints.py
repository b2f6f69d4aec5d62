"""Where clients send their calls."""

from __future__ import annotations

import pytest

from portside.aws.clients import is_aws, is_same_aws

OF_AWS = [
    "https://ssm.us-east-1.amazonaws.com",
    "https://vpce-0a1b-xyz.ssm.us-east-1.vpce.amazonaws.com",
    "https://ssm-fips.us-east-1.amazonaws.com",
    "https://ssm.us-east-1.api.aws",
    "https://ssm.cn-north-1.amazonaws.com.cn",
]
OF_OTHERS = [
    "http://127.0.0.1:4566",
    "http://ssm.us-east-1.amazonaws.com",
    "https://ssm.us-east-1.amazonaws.com.example.org",
    "https://evil-amazonaws.com",
    "https://amazonaws.com@example.org",
    "",
]


@pytest.mark.parametrize("url", OF_AWS)
def test_every_form_of_awss_addresses_is_aws(url: str) -> None:
    assert is_aws(url)
    assert is_same_aws(url, "https://cloudformation.us-east-1.amazonaws.com")


@pytest.mark.parametrize("url", OF_OTHERS)
def test_what_only_looks_like_it_is_not(url: str) -> None:
    assert not is_aws(url)
    assert not is_same_aws(url, "https://cloudformation.us-east-1.amazonaws.com")


def test_an_emulator_answers_for_all_its_services_at_one_address() -> None:
    assert is_same_aws("http://127.0.0.1:4566", "http://127.0.0.1:4566/")
    assert not is_same_aws("http://127.0.0.1:4566", "http://127.0.0.1:4567")
