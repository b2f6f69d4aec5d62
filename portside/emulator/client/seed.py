"""Creates what a first deployment needs to exist: certificate, secrets and images."""

from __future__ import annotations

import json
import secrets as randomness
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from portside.emulator.client import control
from portside.emulator.client.process import LocalAws
from portside.emulator.registry.image_reference import parse_reference

PLACEHOLDER_LENGTH = 24


def seed(
    aws: LocalAws,
    account: str,
    region: str,
    *,
    certificate_arn: str,
    domain: str,
    secrets: Mapping[str, Sequence[str] | None],
    images: Iterable[str],
) -> list[str]:
    """Create the certificate, secrets and images that don't exist; returns a line for each one created.

    `certificate_arn` is empty without a certificate. `secrets` maps names to the JSON fields that are read from them,
    or to None for a plain value. Values are random letters and digits, because some are used unescaped in a URI.
    """
    made = []
    if certificate_arn and control.put_certificate(certificate_arn, domain=domain, aws=aws):
        made.append(f"certificate {certificate_arn} for {domain}")
    present = {under for each in control.images(aws=aws) for under in _references_of(each)}
    for reference in dict.fromkeys(images):
        parsed = parse_reference(reference)
        if (parsed.name, parsed.digest or parsed.tag) not in present:
            control.put_image(reference, source="stub", aws=aws)
            made.append(f"image {reference}")
    return made + _make_secrets(aws, account, region, secrets)


def _references_of(image: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(image["name"], under) for under in (image["digest"], *image["tags"])}


def _make_secrets(aws: LocalAws, account: str, region: str, secrets: Mapping[str, Sequence[str] | None]) -> list[str]:
    if not secrets:
        return []
    client = _secrets_manager(aws, account, region)
    made = []
    for name, fields in secrets.items():
        value = json.dumps({field: _placeholder() for field in fields}) if fields else _placeholder()
        try:
            client.create_secret(Name=name, SecretString=value)
            made.append(f"secret {name}")
        except client.exceptions.ResourceExistsException:
            if _add_fields(client, name, fields or ()):
                made.append(f"secret {name}, more fields")
    return made


def _add_fields(client: Any, name: str, fields: Sequence[str]) -> bool:
    if not fields:
        return False
    value = client.get_secret_value(SecretId=name)["SecretString"]
    try:
        have = json.loads(value)
    except ValueError:
        have = None
    have = have if isinstance(have, dict) else {}
    missing = [field for field in fields if field not in have]
    if missing:
        have |= {field: _placeholder() for field in missing}
        client.put_secret_value(SecretId=name, SecretString=json.dumps(have))
    return bool(missing)


def _placeholder() -> str:
    return "".join(randomness.choice(string.ascii_letters + string.digits) for _ in range(PLACEHOLDER_LENGTH))


def _secrets_manager(aws: LocalAws, account: str, region: str) -> Any:
    from botocore.config import Config

    from portside.emulator.client.session import client_session

    session = client_session(account, aws.account_secret(account), region)
    return session.client("secretsmanager", endpoint_url=aws.url, config=Config(proxies={}))
