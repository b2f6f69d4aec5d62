"""The wheel of this package that a repository pins: a file that it contains, or an https address."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from portside import __version__
from portside.errors import UsageError, UserError

FOLDER = "vendor"
"""The folder of a repository with the wheel, if it is pinned as a file."""

_HINT = (
    "Use --package FILE.whl or --package https://…/portside-VERSION-py3-none-any.whl. "
    "In a clone of portside, .venv/bin/pyproject-build --wheel --no-isolation makes dist/portside-…whl."
)
_WHEEL = re.compile(r"portside-(?P<version>[0-9][0-9a-z.+]*)-py3-none-any\.whl")
_SHA256 = re.compile(r"sha256=([0-9a-f]{64})")
_LARGEST_BYTES = 100_000_000


@dataclass(frozen=True)
class PackagePin:
    """`location` is an https address, or a path in the repository with `content`."""

    location: str
    version: str
    sha256: str
    content: bytes = b""

    @property
    def requirement(self) -> str:
        """The entry in a lock file of pip."""
        where = f"portside @ {self.location}" if not self.content else f"./{self.location}"
        return f"{where} \\\n    --hash=sha256:{self.sha256}\n"


def read_pin(given: str | None) -> PackagePin:
    """The pin of a wheel; without one given, of the wheel from which this package was installed. Raises `UserError`.

    An address may end in `#sha256=DIGEST`. Without it, the wheel is downloaded to find out.
    """
    package = given or _installed_from()
    if not package:
        raise UsageError("--package: missing; the new repository pins the package by version and hash", _HINT)
    if not package.startswith("https://"):
        pin = _of_file(package)
        _expect_this(pin.version)
        return pin
    url, name, stated = _parts_of(package)
    version = _version_in(name)
    _expect_this(version)
    return PackagePin(url, version, stated) if stated else _pin_of(_download(url), url, name)


def _expect_this(version: str) -> None:
    """Raise `UsageError` for another version: the locks that are written are those of this one."""
    if version != __version__:
        raise UsageError(
            f"--package: portside {version}, and this is portside {__version__}",
            f"Use the wheel of {__version__}, or install {version} and run its `portside new`.",
        )


def read_newer_pin(given: str | None, *, than: str) -> tuple[PackagePin, bytes]:
    """The pin of a wheel that is no earlier version, and the wheel. Raises `UserError`."""
    if not given:
        raise UsageError("--package: missing; name the wheel of the newer version", _HINT)
    if not given.startswith("https://"):
        pin = _of_file(given)
        _expect_later(pin.version, than)
        return pin, pin.content
    url, name, stated = _parts_of(given)
    _expect_later(_version_in(name), than)
    content = _download(url)
    pin = _pin_of(content, url, name)
    if stated not in ("", pin.sha256):
        raise UserError(
            f"{url}: what was downloaded has the digest {pin.sha256}", "Look at the address and its #sha256."
        )
    return pin, content


def _expect_later(version: str, than: str) -> None:
    if _order_of(version) < _order_of(than):
        raise UsageError(
            f"--package: portside {version} is older than {than}, which this repository has",
            "To go back, revert the commit of the upgrade: git revert COMMIT",
        )


def _order_of(version: str) -> tuple[list[int], bool, list[int]]:
    """Releases in order, and before each its candidates."""
    release, rest = re.match(r"([0-9.]*)(.*)", version).groups()  # type: ignore[union-attr] # matches every text
    numbers = [int(each) for each in release.split(".") if each]
    return numbers, not rest or rest.startswith("+"), [int(each) for each in re.findall("[0-9]+", rest)]


def _of_file(package: str) -> PackagePin:
    path = Path(package).expanduser()
    if "://" in package or path.suffix != ".whl":
        raise UsageError(f"--package: not a wheel or an https address, got {package!r}", _HINT)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--package: {path} can't be read: {error.strerror}", _HINT) from error
    return _pin_of(content, f"{FOLDER}/{path.name}", path.name, content)


def _parts_of(address: str) -> tuple[str, str, str]:
    """The address without a fragment, the name of the file, and the digest in the fragment, which may be empty."""
    url, _, fragment = address.partition("#")
    if urlsplit(url).username or urlsplit(url).password:
        raise UsageError("--package: the address contains a credential, which would be committed", _HINT)
    stated = _SHA256.fullmatch(fragment)
    return url, unquote(Path(urlsplit(url).path).name), stated[1] if stated else ""


def _download(url: str) -> bytes:
    import httpx

    hint = f"Look at the address and the network, or add the wheel's digest: --package {url}#sha256=…"
    content = bytearray()
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=30) as answer:
            answer.raise_for_status()
            for part in answer.iter_bytes():
                content += part
                if len(content) > _LARGEST_BYTES:
                    raise UserError(
                        f"{url}: larger than {_LARGEST_BYTES // 1_000_000} MB, which no wheel of portside is", hint
                    )
    except httpx.HTTPError as error:
        raise UserError(f"{url}: can't be downloaded: {error}", hint) from error
    return bytes(content)


def _pin_of(wheel: bytes, location: str, name: str, content: bytes = b"") -> PackagePin:
    version = _version_in(name)
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            archive.getinfo(f"portside-{version}.dist-info/METADATA")
    except (zipfile.BadZipFile, KeyError):
        raise UsageError(f"--package: {name} is not a wheel of portside {version}", _HINT) from None
    return PackagePin(location, version, hashlib.sha256(wheel).hexdigest(), content)


def _version_in(name: str) -> str:
    """The version in the name of a wheel."""
    found = _WHEEL.fullmatch(name)
    if not found:
        raise UsageError(f"--package: not the name of a wheel of portside, got {name!r}", _HINT)
    return found["version"]


def _installed_from() -> str:
    """Where the installed package came from: https://packaging.python.org/en/latest/specifications/direct-url/"""
    try:
        written = distribution("portside").read_text("direct_url.json")
    except PackageNotFoundError:
        return ""
    found = json.loads(written or "{}")
    url, archive = found.get("url", ""), found.get("archive_info", {})
    if url.startswith("file://"):
        return unquote(urlsplit(url).path) if url.endswith(".whl") else ""
    digest = archive.get("hashes", {}).get("sha256") or archive.get("hash", "").removeprefix("sha256=")
    return f"{url}#sha256={digest}" if digest else url
