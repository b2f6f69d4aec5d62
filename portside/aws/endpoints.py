"""Where clients send their calls: to AWS itself, or to something that answers in its place."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

# Of all partitions, private endpoints of a VPC and dual-stack ones among them:
# https://docs.aws.amazon.com/general/latest/gr/rande.html
_AWS_DOMAINS = ("amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "api.aws", "api.amazonwebservices.com.cn")


def endpoint_of(client: Any) -> str:
    """The address that a boto3 client calls."""
    return str(client.meta.endpoint_url)


def is_aws(url: str) -> bool:
    """Whether an address is one of AWS's own, which only AWS has a certificate for."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and any(host == each or host.endswith(f".{each}") for each in _AWS_DOMAINS)


def is_same_aws(url: str, other: str) -> bool:
    """Whether two addresses lead to the same AWS: the real one, or one emulator."""
    if is_aws(url) or is_aws(other):
        return is_aws(url) and is_aws(other)
    return urlsplit(url).netloc == urlsplit(other).netloc
