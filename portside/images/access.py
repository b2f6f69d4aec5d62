"""The settings of lookups of images: a token for GitHub's API, and other addresses than the public ones."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from portside.config.env_file import read_env_file
from portside.config.mistakes import shown
from portside.errors import UsageError
from portside.program import NAME, variable

if TYPE_CHECKING:
    from portside.images.location import Location

GITHUB_REGISTRY = "ghcr.io"
GITHUB_API_URL = "https://api.github.com"
DOCKER_HUB = "docker.io"
_DOCKER_HUB_REGISTRY = "registry-1.docker.io"

TOKEN_VARIABLE = "GITHUB_TOKEN"  # nosec B105 # the name of a variable
API_VARIABLE = variable(NAME, "GITHUB_API_URL")
REGISTRY_VARIABLE = variable(NAME, "REGISTRY_URL")
PASSWORD_VARIABLE = variable(NAME, "REGISTRY_TOKEN")

_VISIBLE_ASCII = re.compile(r"[!-~]+")


class Token:
    """A secret that is only sent in a header: only `reveal` returns it."""

    __slots__ = ("_scheme", "_value")

    def __init__(self, value: str, scheme: str = "Bearer") -> None:
        self._value, self._scheme = value, scheme

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    @property
    def authorization(self) -> str:
        """The header that sends it."""
        return f"{self._scheme} {self._value}"

    def hidden_in(self, text: str) -> str:
        """A text without the secret, in case a server has sent it back."""
        for configuration in (self._value, quote(self._value, safe="")):
            text = text.replace(configuration, "[token]")
        return text

    def __repr__(self) -> str:
        return "Token([hidden])"


@dataclass(frozen=True)
class Login:
    """A user name and password for a registry.

    `source` is where they come from, and `hint` what to do if the registry rejects them. `is_of_task` is whether ECS
    pulls with the same ones, so that it will be rejected too.
    """

    username: str
    password: Token
    source: str
    hint: str
    is_of_task: bool = False

    @property
    def basic(self) -> Token:
        """Both in one header."""
        return Token(base64.b64encode(f"{self.username}:{self.password.reveal()}".encode()).decode(), "Basic")


@dataclass(frozen=True)
class Access:
    """The servers for lookups of images, and their credentials.

    `registries` has the address to use instead of `https://HOST` for the host in an image's name. The token is only
    sent to the host of `api_url`. `log_in` finds the login for an image, None for a public one; it can raise `Failed`.
    """

    token: Token | None = None
    api_url: str = GITHUB_API_URL
    registries: Mapping[str, str] = field(default_factory=dict)
    log_in: Callable[[Location], Login | None] = lambda _: None

    def registry_url(self, host: str) -> str:
        """The address of the registry of a host, without a trailing slash."""
        scheme = "http" if is_loopback(host.rpartition(":")[0] or host) else "https"
        answering = _DOCKER_HUB_REGISTRY if host == DOCKER_HUB else host
        return self.registries.get(host, f"{scheme}://{answering}").rstrip("/")


def access_from_environment(environ: Mapping[str, str], dotenv_path: Path) -> Access:
    """The settings in environment variables, or else in the `.env` file. Raises `UsageError`.

    `TOKEN_VARIABLE` is the token, `API_VARIABLE` the API's address (GitHub Enterprise: https://HOST/api/v3), and
    `REGISTRY_VARIABLE` the address to use instead of https://ghcr.io, with `PASSWORD_VARIABLE` as its password.
    """
    written = read_env_file(dotenv_path)

    def setting(name: str) -> str:
        return environ.get(name, "").strip() or (written.get(name) or "").strip()

    token = parse_token(setting(TOKEN_VARIABLE))
    api, registry = setting(API_VARIABLE), setting(REGISTRY_VARIABLE)
    password = parse_token(setting(PASSWORD_VARIABLE), PASSWORD_VARIABLE) if registry else None
    has_token = token is not None or password is not None
    login = Login("token", password, PASSWORD_VARIABLE, f"Check {PASSWORD_VARIABLE}.") if password else None
    return Access(
        token,
        parse_address(api, API_VARIABLE, has_token=token is not None) if api else GITHUB_API_URL,
        {GITHUB_REGISTRY: parse_address(registry, REGISTRY_VARIABLE, has_token=has_token)} if registry else {},
        lambda location: login if location.host == GITHUB_REGISTRY else None,
    )


def parse_token(text: str, where: str = TOKEN_VARIABLE) -> Token | None:
    """A token; None if the text is blank. Raises `UsageError`, which doesn't show it."""
    text = text.strip()
    if not text:
        return None
    if not _VISIBLE_ASCII.fullmatch(text):
        raise UsageError(
            f"{where}: not a token: it contains a space, a line break or a character that is not ASCII",
            "Copy the token again, in one line.",
        )
    return Token(text)


def parse_address(text: str, where: str, *, has_token: bool) -> str:
    """The address of a server, without a trailing slash. Raises `UsageError`."""
    hint = "For example: https://github.example.org/api/v3. Only this machine can be reached with http."
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UsageError(f"{where}: not an address", hint) from None
    if "@" in text:
        raise UsageError(f"{where}: the address contains credentials", "Remove them.")
    if not _VISIBLE_ASCII.fullmatch(text) or parts.scheme not in ("http", "https") or not host or port == 0:
        raise UsageError(f"{where}: not an address of http or https, got {shown(text)}", hint)
    if parts.query or parts.fragment:
        raise UsageError(f"{where}: more than an address, got {shown(text)}", "Remove the part after ? or #.")
    if has_token and parts.scheme == "http" and not is_loopback(host):
        raise UsageError(
            f"{where}: http to another machine while {TOKEN_VARIABLE} is set, got {shown(text)}",
            f"Use https, or unset {TOKEN_VARIABLE}: anyone on the network could read the token.",
        )
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
