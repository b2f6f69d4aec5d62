"""boto3's session for the embedded AWS, which ignores the user's own AWS settings."""

from __future__ import annotations

import os
from typing import Any

# By botocore's name: key in the configuration file, variable, default, conversion. The profile in AWS_PROFILE may not
# exist, or may be for a real account.
_IGNORED: dict[str, tuple[None, None, str | None, None]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "ca_bundle": (None, None, None, None),
}


def client_session(account: str, secret: str, region: str) -> Any:
    """A `boto3.Session` with the keys of an account of the embedded AWS."""
    import boto3
    import botocore.session

    return boto3.Session(
        aws_access_key_id=account,
        aws_secret_access_key=secret,
        region_name=region,
        botocore_session=botocore.session.Session(session_vars=_IGNORED),
    )
