"""boto3's session for the embedded AWS, which follows none of a person's own settings for AWS."""

from __future__ import annotations

import os
from typing import Any

# By botocore's name: the key in the configuration file, the variable, the default, the conversion. A profile that
# AWS_PROFILE names may not be there, and one that is there says where a real account is.
_NOT_FOLLOWED: dict[str, tuple[None, None, str | None, None]] = {
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
        botocore_session=botocore.session.Session(session_vars=_NOT_FOLLOWED),
    )
