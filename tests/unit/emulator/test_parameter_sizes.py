"""Parameters of Systems Manager are refused over the size of their tier, as AWS refuses them."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.unit.local_aws_support import Account, account, embedded_aws, network

__all__ = ["account", "embedded_aws", "network"]


PARAMETER = "/test/parameter"


def put(account: Account, characters: int, tier: str) -> None:
    given = {"Tier": tier} if tier else {}
    account.client("ssm").put_parameter(Name=PARAMETER, Value="x" * characters, Type="String", Overwrite=True, **given)


@pytest.mark.parametrize(
    ("tier", "most"), [("", 4096), ("Standard", 4096), ("Advanced", 8192), ("Intelligent-Tiering", 8192)]
)
def test_a_value_over_the_limit_of_its_tier_is_refused(account: Account, tier: str, most: int) -> None:
    put(account, most, tier)
    sentence = f"tier parameters support a maximum parameter value of {most} characters"
    with pytest.raises(ClientError, match=sentence) as refused:
        put(account, most + 1, tier)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert len(account.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"]) == most
    account.client("ssm").delete_parameter(Name=PARAMETER)


def test_an_advanced_parameter_stays_one(account: Account) -> None:
    put(account, 5000, "Advanced")
    put(account, 5001, "")
