"""The content of a container image, made from a recipe: the same recipe always gives the same digest.

The documents follow https://github.com/opencontainers/image-spec. The only layer is empty.
"""

from __future__ import annotations

import functools
import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
STATEMENT = "application/vnd.in-toto+json"

PLATFORM = "linux/amd64"

_EMPTY_TAR = bytes(1024)


@dataclass(frozen=True)
class Recipe:
    """The input of an image. `created` is an ISO 8601 time; `marker` distinguishes otherwise equal images.

    `platform` is `os/architecture`; several, separated by commas, make an index with an attestation.
    """

    name: str
    version: str
    commit: str
    created: str
    platform: str
    marker: str = ""


@dataclass(frozen=True)
class Content:
    """An image as a registry stores it: manifests with their media types, and blobs, by digest."""

    digest: str
    manifests: Mapping[str, tuple[str, bytes]]
    blobs: Mapping[str, bytes]


@functools.lru_cache(maxsize=1024)
def made(recipe: Recipe) -> Content:
    """The image; its `digest` is that of the index if there is one, otherwise of the manifest."""
    platforms = recipe.platform.split(",")
    layer = _layer()
    blobs, manifests, entries = {digest_of(layer): layer}, {}, []
    for platform in platforms:
        config = _config(recipe, platform)
        manifest = _manifest((CONFIG, config), (LAYER, layer))
        blobs[digest_of(config)] = config
        manifests[digest_of(manifest)] = (MANIFEST, manifest)
        entries.append(_descriptor(MANIFEST, manifest) | {"platform": _platform(platform)})
    if len(platforms) == 1:
        return Content(str(entries[0]["digest"]), manifests, blobs)
    statement = _document({"_type": "https://in-toto.io/Statement/v0.1", "subject": [], "predicate": {}})
    root = {"type": "layers", "diff_ids": [digest_of(statement)]}
    unknown = _document(_platform("unknown/unknown") | {"config": {}, "rootfs": root})
    attestation = _manifest((CONFIG, unknown), (STATEMENT, statement))
    blobs |= {digest_of(statement): statement, digest_of(unknown): unknown}
    manifests[digest_of(attestation)] = (MANIFEST, attestation)
    about = {
        "vnd.docker.reference.digest": entries[0]["digest"],
        "vnd.docker.reference.type": "attestation-manifest",
    }
    entries.append(
        _descriptor(MANIFEST, attestation) | {"annotations": about, "platform": _platform("unknown/unknown")}
    )
    index = _document({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    return Content(digest_of(index), manifests | {digest_of(index): (INDEX, index)}, blobs)


def digest_of(content: bytes) -> str:
    """The digest of a manifest or blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _config(recipe: Recipe, platform: str) -> bytes:
    labels = {
        "org.opencontainers.image.revision": recipe.commit,
        "org.opencontainers.image.title": recipe.name,
        "org.opencontainers.image.version": recipe.version,
    }
    return _document(
        _platform(platform)
        | {
            "created": recipe.created,
            "config": {"Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(_EMPTY_TAR)]},
            "history": [{"created": recipe.created, "comment": recipe.marker} if recipe.marker else {}],
        }
    )


def _platform(platform: str) -> dict[str, object]:
    system, architecture, *variant = platform.split("/")
    described: dict[str, object] = {"architecture": architecture, "os": system}
    return described | ({"variant": variant[0]} if variant else {})


def _manifest(config: tuple[str, bytes], layer: tuple[str, bytes]) -> bytes:
    return _document(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(*config),
            "layers": [_descriptor(*layer)],
        }
    )


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _document(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _layer() -> bytes:
    """An empty archive. Stored, not deflated, because the output of deflate depends on the version of zlib."""
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    stored = struct.pack("<BHH", 1, len(_EMPTY_TAR), len(_EMPTY_TAR) ^ 0xFFFF) + _EMPTY_TAR
    return head + stored + struct.pack("<II", zlib.crc32(_EMPTY_TAR), len(_EMPTY_TAR))
