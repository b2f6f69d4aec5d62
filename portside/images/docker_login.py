"""The logins of `docker login` and `podman login` on this machine.

https://docs.docker.com/reference/cli/docker/login/#credential-stores
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess  # nosec B404 # the credential helpers of Docker are programs
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portside.images.access import DOCKER_HUB, Login, Token

_HELPER_SECONDS = 20
_HELPER = re.compile(r"[A-Za-z0-9_.-]+")
# With an identity token instead of a password.
_TOKEN_USER = "<token>"  # nosec B105 # a user name


def docker_login(host: str, environ: Mapping[str, str] = os.environ) -> Login | None:
    """The login for a registry; None without a readable one."""
    keys = [host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/"]
    if host == DOCKER_HUB:
        keys = ["https://index.docker.io/v1/", "index.docker.io", *keys]
    for path in _files(environ):
        content = _read(path)
        helpers = content.get("credHelpers") or {}
        for key in keys:
            found = _of_helper(helpers.get(key) or content.get("credsStore"), key) or _written(content, key)
            if found:
                hint = f"Log in again: docker login {host}"
                return Login(found[0], Token(found[1]), f"the login in {path}", hint)
    return None


def _files(environ: Mapping[str, str]) -> list[Path]:
    """Docker's file, then podman's: https://docs.podman.io/en/stable/markdown/podman-login.1.html"""
    home = Path(environ.get("HOME") or Path.home())
    folders = [Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"]
    if environ.get("REGISTRY_AUTH_FILE"):
        folders.append(Path(environ["REGISTRY_AUTH_FILE"]))
    if environ.get("XDG_RUNTIME_DIR"):
        folders.append(Path(environ["XDG_RUNTIME_DIR"]) / "containers" / "auth.json")
    return [*folders, home / ".config" / "containers" / "auth.json"]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _written(content: Mapping[str, Any], key: str) -> tuple[str, str] | None:
    entry: Any = (content.get("auths") or {}).get(key)
    try:
        username, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
    except (KeyError, TypeError, ValueError):
        return None
    return (username, password) if username and password else None


def _of_helper(name: Any, key: str) -> tuple[str, str] | None:
    """The answer of a credential helper. The password only passes through its standard output."""
    program = shutil.which(f"docker-credential-{name}") if isinstance(name, str) and _HELPER.fullmatch(name) else None
    if program is None:
        return None
    try:
        done = subprocess.run(  # nosec B603 # the program that the user's Docker configuration names
            [program, "get"], input=key.encode(), capture_output=True, timeout=_HELPER_SECONDS, check=True
        )
        said = json.loads(done.stdout)
        username, password = str(said["Username"]), str(said["Secret"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    return (username, password) if username and password and username != _TOKEN_USER else None
