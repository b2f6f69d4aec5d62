"""References to container images, and the outputs in which a service's stack has them."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The grammar of a reference to an image: https://github.com/distribution/reference
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(?::[0-9]{1,5})?"
_PATH = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PATH}(?:/{_PATH})*)(?::(?P<tag>{_TAG}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?"
)
_TAG_ONLY = re.compile(_TAG)

# Tags that regularly move to another image. The sha- tags on GHCR are among them: they move to a release of the same
# commit.
_MOVING_TAG = re.compile(
    r"(?i)(?:edge|latest)(?:[-_.].*)?|(?:.*[-_.])?snapshot|sha-[0-9a-f]+|main|master|trunk|head|dev|develop|development"
    r"|test|qa|uat|stage|staging|preprod|prod|prd|production|live|nightly|stable|next|canary|alpha|beta|rc|release"
)

LOCAL_BUILD = "path://"

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
_ECR = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z]{2,}(?:-[a-z]+)+-[0-9]+)\.(?:amazonaws\.com|on\.aws)"
    rf"/(?P<name>{_PATH}(?:/{_PATH})*)"
)


@dataclass(frozen=True)
class ImageReference:
    """An image as a registry names it: `ghcr.io/org/name:tag`, `…@sha256:…`, or both."""

    name: str
    tag: str | None
    digest: str | None

    @property
    def is_mutable(self) -> bool:
        """Whether the reference can be of another image later."""
        return self.digest is None and (self.tag is None or is_moving_tag(self.tag))


def parse_reference(text: str) -> ImageReference | None:
    """The parts of a reference; None if it is not valid."""
    match = _REFERENCE.fullmatch(text)
    return ImageReference(match["name"], match["tag"], match["digest"]) if match else None


@dataclass(frozen=True)
class EcrRepository:
    """A private repository in Amazon ECR."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The repository in policies."""
        return f"arn:aws:ecr:{self.region}:{self.account}:repository/{self.name}"


def ecr_repository(reference: str) -> EcrRepository | None:
    """The ECR repository of a reference; None if the image is in another registry."""
    match = _ECR.match(reference)
    return EcrRepository(**match.groupdict()) if match else None


def is_tag(text: str) -> bool:
    return bool(_TAG_ONLY.fullmatch(text))


def is_moving_tag(tag: str) -> bool:
    """Whether a tag moves from image to image, such as `edge`."""
    return bool(_MOVING_TAG.fullmatch(tag))


def stub_reference(location: str) -> str:
    """The stub that replaces an image built from a `path://` folder in a rehearsal."""
    name = re.sub(r"[^a-z0-9]+", "-", location.removeprefix(LOCAL_BUILD).lower()).strip("-")
    return f"not-built.invalid/{name or 'app'}:stub"


IMAGE_OUTPUT = "Image"
"""The name and tag of the image."""

IMAGE_DIGEST_OUTPUT = "ImageDigest"

IMAGE_COMMIT_OUTPUT = "ImageCommit"
"""The commit of the image, or `UNKNOWN_COMMIT`."""

UNKNOWN_COMMIT = "unknown"
