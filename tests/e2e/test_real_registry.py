"""Images that a real client pushed into a real registry, looked up there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from portside.images.access import Access
from portside.images.failures import Kind, ResolutionFailed
from portside.images.resolve import resolve
from portside.images.resolved_image import ResolvedImage

SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin", "/usr/local/bin"])
REGISTRY = shutil.which("docker-registry", path=SEARCHED)
SKOPEO = shutil.which("skopeo", path=SEARCHED)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(REGISTRY is None, reason="the Debian package docker-registry is not installed"),
    pytest.mark.skipif(SKOPEO is None, reason="the Debian package skopeo is not installed"),
]

OWNER = "sage-bionetworks"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
_OCI = "application/vnd.oci.image"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host and port of a separate registry, with two images in it."""
    folder = tmp_path_factory.mktemp("registry")
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": host},
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(REGISTRY), "serve", str(folder / "config.yml")],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"PATH": SEARCHED, "OTEL_TRACES_EXPORTER": "none"},
        )
        try:
            _wait_until(lambda: _answers(host), lambda: (folder / "log").read_text())
            _push(_layout(folder / "one", ["amd64"]), host, "agora-app", "4.2.0-rc2", "edge")
            _push(_layout(folder / "two", ["arm64", "amd64"]), host, "agora-api", "4.2.0-rc2")
            _push(_layout(folder / "arm", ["arm64"]), host, "agora-arm", "4.2.0-rc2")
            _push(_layout(folder / "untold", ["amd64"], commit=None), host, "agora-untold", "edge", "sha-abcdef0")
            yield host
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _answers(host: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{host}/v2/", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _wait_until(is_so: Callable[[], bool], why_not: Callable[[], str]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, why_not()
        time.sleep(0.05)


def _layout(folder: Path, architectures: Sequence[str], *, commit: str | None = COMMIT) -> Path:
    """A folder in the OCI image layout: one image, or an index of several."""
    (folder / "blobs" / "sha256").mkdir(parents=True)

    def keep(kind: str, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (folder / "blobs" / "sha256" / digest).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    def keep_image(architecture: str) -> dict[str, Any]:
        layer = keep(f"{_OCI}.layer.v1.tar", bytes(1024))
        labels = {"org.opencontainers.image.revision": commit} if commit else {"name": folder.name}
        config = {
            "created": "2026-11-02T03:04:05.678901234Z",
            "os": "linux",
            "architecture": architecture,
            "config": {"Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        }
        kind = f"{_OCI}.manifest.v1+json"
        manifest = {"schemaVersion": 2, "mediaType": kind, "layers": [layer]}
        manifest["config"] = keep(f"{_OCI}.config.v1+json", json.dumps(config).encode())
        platform = {"platform": {"os": "linux", "architecture": architecture}}
        return keep(kind, json.dumps(manifest).encode()) | platform

    entries = [keep_image(architecture) for architecture in architectures]
    if len(entries) > 1:
        kind = f"{_OCI}.index.v1+json"
        index = {"schemaVersion": 2, "mediaType": kind, "manifests": entries}
        entries = [keep(kind, json.dumps(index).encode())]
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def _push(layout: Path, host: str, name: str, *tags: str) -> None:
    for tag in tags:
        target = f"docker://{host}/{OWNER}/{name}:{tag}"
        command = [str(SKOPEO), "--insecure-policy", "copy", "--all", "--preserve-digests", "--dest-tls-verify=false"]
        done = subprocess.run([*command, f"oci:{layout}", target], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


def _seen_by_skopeo(host: str, name: str) -> Mapping[str, Any]:
    command = [str(SKOPEO), "inspect", "--tls-verify=false", "--override-os=linux", "--override-arch=amd64"]
    target = f"docker://{host}/{OWNER}/{name}:4.2.0-rc2"
    done = subprocess.run([*command, target], capture_output=True, text=True, timeout=60, check=True)
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def _found(registry: str, *references: str) -> list[ResolvedImage]:
    access = Access(registries={"ghcr.io": f"http://{registry}"})
    return list(resolve(references, "4.2.0-rc2", access=access).images.values())


@pytest.mark.parametrize("name", ["agora-app", "agora-api"])
def test_a_tag_resolves_to_the_digest_that_the_client_sees(registry: str, name: str) -> None:
    (image,) = _found(registry, f"ghcr.io/{OWNER}/{name}:4.2.0-rc2")
    assert image.digest == _seen_by_skopeo(registry, name)["Digest"]
    assert (image.tag, image.commit, image.platform) == ("4.2.0-rc2", COMMIT, "linux/amd64")
    assert image.created == "2026-11-02T03:04:05+00:00"
    assert (image.manifest is not None) == (name == "agora-api")


@pytest.mark.parametrize("host", ["ghcr.io", None])
def test_a_digest_is_used_as_it_is_under_each_name_of_the_registry(registry: str, host: str | None) -> None:
    name = f"{host or registry}/{OWNER}/agora-api"
    (by_tag,) = _found(registry, f"{name}:4.2.0-rc2")
    by_digest, by_both = _found(registry, f"{name}@{by_tag.digest}", f"{name}:4.2.0-rc2@{by_tag.digest}")
    assert by_both == by_tag
    assert (by_digest.digest, by_digest.manifest) == (by_tag.digest, by_tag.manifest)
    (inner,) = _found(registry, f"{name}@{by_tag.manifest}")
    assert inner.digest == by_tag.manifest


def test_a_commit_without_a_label_comes_from_the_tag_next_to_it(registry: str) -> None:
    (image,) = _found(registry, f"ghcr.io/{OWNER}/agora-untold:edge")
    assert image.commit == "abcdef0"


def test_what_is_missing_is_reported_with_what_is(registry: str) -> None:
    expected = {"agora-app:4.2.0-rc3": Kind.TAG_UNKNOWN, "agora-api:edge": Kind.TAG_UNKNOWN}
    expected |= {"agora-none:4.2.0-rc2": Kind.PACKAGE_UNKNOWN, "agora-arm:4.2.0-rc2": Kind.WRONG_PLATFORM}
    with pytest.raises(ResolutionFailed) as failed:
        _found(registry, *(f"ghcr.io/{OWNER}/{each}" for each in expected))
    assert [failure.kind for failure in failed.value.failures.values()] == list(expected.values())
    assert "Similar are: 4.2.0-rc2." in failed.value.hint
    assert "Newest are: 4.2.0-rc2." in failed.value.hint
