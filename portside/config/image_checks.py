"""Checks of a service's image, and of the login with which it is pulled."""

from __future__ import annotations

import re
from typing import Any

from portside.config.deferred_values import is_token
from portside.config.image_reference import LOCAL_BUILD, ecr_repository, parse_reference
from portside.config.mistakes import Report, kind_of
from portside.config.service_checks import is_secret_name, secret_name

_UNREACHABLE = re.compile(
    r"(?:localhost|127\.[0-9.]+|10\.[0-9.]+|192\.168\.[0-9.]+|[a-z0-9.-]+\.(?:local|internal))(?::[0-9]+)?"
)
_PUBLIC = "Publish the image in a registry on the internet, such as Amazon ECR or ghcr.io."
_LIKE_ECR = re.compile(r"\bdkr[.-]ecr\b|\becr\b.*\.amazonaws\.com")
_ECR_HINT = 'For example: "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1.0", with the account of 12 digits.'


def container_location(value: Any, report: Report) -> None:
    hint = 'For example: "ghcr.io/sage-bionetworks/app:1.0", or "path://docker/app" for a folder with a Dockerfile.'
    if not report.text(value, hint) or is_token(value):
        return
    host = value.partition("/")[0]
    if value.startswith(LOCAL_BUILD):
        if not value.removeprefix(LOCAL_BUILD).strip("/ "):
            report.wrong("has no folder", hint, value)
    elif value != value.strip():
        report.wrong("begins or ends with white space", "Remove it.", value)
    elif value.startswith("arn:"):
        report.wrong("an ARN, not the address of an image", _ECR_HINT, value)
    elif _UNREACHABLE.fullmatch(host):
        report.wrong("a registry that Fargate can't reach", _PUBLIC, value)
    elif "://" in value:
        report.wrong("a reference to an image begins with the registry, not with a scheme", hint, value)
    elif (reference := parse_reference(value)) is None and parse_reference(_small_name(value)):
        report.wrong("the name of an image can't have capital letters", "Use lowercase.", value)
    elif reference is None:
        report.wrong("not a reference to an image", hint, value)
    elif _LIKE_ECR.search(host) and ecr_repository(value) is None:
        report.wrong("not the address of a repository in Amazon ECR", _ECR_HINT, value)
    elif host == "public.ecr.aws" and value.count("/") < 2:
        report.wrong("has no alias", 'For example: "public.ecr.aws/nginx/nginx:1.27".', value)
    elif reference.tag is None and reference.digest is None:
        report.wrong("has no tag and no digest, so it is the tag latest", f'Use "{value}:<tag>".', value)


def _small_name(location: str) -> str:
    """A reference with its name in lowercase; the tag is unchanged."""
    folder, slash, rest = location.rpartition("/")
    end = re.sub(r"^[^:@]*", "", rest)
    return f"{folder.lower()}{slash}{rest.removesuffix(end).lower()}{end}"


def registry_credentials(value: Any, report: Report) -> None:
    """The name of a secret; another value is not shown, because it can be the password itself."""
    hint = 'Use the name of a secret with {"username": "…", "password": "…"}, such as "my-app/registry".'
    if is_token(value):
        return
    if not isinstance(value, str):
        report.wrong(f"not the name of a secret, got {kind_of(value)}", hint)
    elif value.startswith("arn:"):
        report.wrong("an ARN, not a name: the secret must be in the environment's own account and region", hint, value)
    elif value != value.strip() and is_secret_name(value.strip()):
        report.wrong("begins or ends with white space", "Remove it.")
    elif not is_secret_name(value):
        report.wrong("not the name of a secret in Secrets Manager", hint)
    else:
        secret_name(value, report)
