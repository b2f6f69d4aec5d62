"""Objects encrypted with KMS: without a key of the request's, S3 uses the account's own, which ministack lacks.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import responses
from portside.emulator.patches.patching import replaces

_ALGORITHM = "x-amz-server-side-encryption"
_KEY = f"{_ALGORITHM}-aws-kms-key-id"


@replaces("services.s3._resolve_sse_write_headers")
def use_the_accounts_key(original: Any, headers: Mapping[str, str], bucket_name: str) -> Any:
    """The encryption of an object that is written."""
    if headers.get(_ALGORITHM) == "aws:kms" and not headers.get(_KEY):
        alias = f"arn:aws:kms:{responses.get_region()}:{responses.get_account_id()}:alias/aws/s3"
        headers = {**headers, _KEY: alias}
    return original(headers, bucket_name)
