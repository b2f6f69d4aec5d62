"""Installs what lock files pin, into the virtual environment whose Python runs this: with uv, or else with pip.

    .venv/bin/python -I tools/install_packages.py requirements.txt requirements-dev.txt
    .venv/bin/python -I tools/install_packages.py --uv pip compile …

The second starts the uv that is installed, with the same settings. uv uses pip's settings of indexes, certificates and
proxies. Where it can't install, pip does, and a line that begins with "note:" reports it.
"""

from __future__ import annotations

import ast
import ensurepip
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

QUIET = ["--quiet", "--no-input", "--disable-pip-version-check"]
LOCK = Path(__file__).parent.parent / "requirements.txt"
"""The lock with the version of uv."""

# pip's setting, and the variable by which uv takes the same: https://docs.astral.sh/uv/reference/environment/
SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
SEPARATORS = {"UV_FIND_LINKS": ","}
# Without meaning for uv, or for packages that are pinned with their hashes.
WITHOUT_EFFECT = frozenset(
    {
        *("break-system-packages", "constraint", "disable-pip-version-check", "no-cache-dir", "no-color", "no-compile"),
        *("no-input", "no-warn-script-location", "prefer-binary", "progress-bar", "quiet", "require-hashes"),
        *("require-virtualenv", "retries", "root-user-action", "use-deprecated", "use-feature", "user", "verbose"),
    }
)


def main(locks: Sequence[str]) -> int:
    """Install the locks' packages. The exit code is that of the program that ran last."""
    if locks[:1] == ["--uv"]:
        try:
            return _uv(locks[1:], uv_settings(pip_settings()))
        except ValueError as unknown:
            print(unknown, file=sys.stderr)
            return 1
    why = _try_uv(locks)
    if not why:
        return 0
    print(f"note: pip installs the packages, which takes longer: {why}", flush=True)
    requirements = [word for lock in locks for word in ("-r", lock)]
    options = ["--require-hashes", "--prefer-binary", "--no-compile"]
    return subprocess.call([*_pip(), "install", *QUIET, *options, *requirements], env=_environment({}))


def _try_uv(locks: Sequence[str]) -> str:
    """Install with uv; why it can't be done, or nothing where it was."""
    try:
        settings = uv_settings(pip_settings())
    except ValueError as unknown:
        return str(unknown)
    options = ["--require-hashes", "--only-binary", ":all:", "--no-compile"]
    entry = re.search(r"^uv==.*\\\n(?: +--hash=.*\n)+", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    if not entry:
        return f"{LOCK.name} has no uv"
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as uv_lock:
        uv_lock.write(entry[0])
        uv_lock.flush()
        if subprocess.call([*_pip(), "install", *QUIET, *options, "-r", uv_lock.name], env=_environment({})):
            return "uv can't be installed here"
    words = ["pip", "install", "--quiet", "--python", sys.executable, "--require-hashes"]
    words += [word for lock in locks for word in ("-r", lock)]
    code = _uv(words, settings)
    return f"uv ended with exit code {code}" if code else ""


def _uv(words: Sequence[str], settings: Mapping[str, str]) -> int:
    return subprocess.call([str(Path(sys.executable).parent / "uv"), *words], env=_environment(settings))


def _pip() -> list[str]:
    """The pip that Python brings, from its wheel: to install it, which compiles all of it, would take 8 seconds."""
    folders = (sysconfig.get_config_var("WHEEL_PKG_DIR"), Path(ensurepip.__file__).parent / "_bundled")
    wheels = [wheel for folder in folders if folder for wheel in Path(folder).glob("pip-*.whl")]
    return [sys.executable, "-I", *([str(wheels[0] / "pip")] if wheels else ["-m", "pip"])]


def pip_settings() -> dict[str, str]:
    """The settings of `pip install` in pip's files and variables, the more particular last."""
    listed = subprocess.run(
        [*_pip(), "config", "list", "--disable-pip-version-check"],
        env=_environment({}),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    found: dict[str, str] = {}
    for place in ("global.", "install.", ":env:."):
        for line in listed.stdout.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(place):
                found[name.removeprefix(place)] = str(ast.literal_eval(value))
    return found


def uv_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """uv's variables that say the same. Raises ValueError with the name of a setting that uv has no word for."""
    variables = {
        # pip compares all indexes too. Their packages are pinned by hashes.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_SYSTEM_CERTS": "1",
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        "UV_LINK_MODE": "hardlink" if _can_link() else "copy",
    }
    if not _can_write(_cache()):
        variables["UV_NO_CACHE"] = "1"
    for name, value in settings.items():
        if name in SETTINGS:
            variable = SETTINGS[name]
            variables[variable] = SEPARATORS.get(variable, " ").join(value.split())
        elif name not in WITHOUT_EFFECT:
            raise ValueError(f"uv has no setting like pip's {name}")
    return variables


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    # In a virtual environment nothing is installed for the user alone, whatever is set.
    return {**os.environ, "PIP_USER": "0", **more}


def _cache() -> Path:
    cache = os.environ.get("UV_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    return Path(cache) if cache else Path.home() / ".cache"


def _can_write(folder: Path) -> bool:
    existing = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    return os.access(existing, os.W_OK)


def _can_link() -> bool:
    """Whether files of the cache can be linked into the virtual environment: both are on one device."""
    cache = next((each for each in (_cache(), *_cache().parents) if each.exists()), None)
    return cache is not None and cache.stat().st_dev == Path(sys.prefix).stat().st_dev


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
