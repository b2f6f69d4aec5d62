"""The configurations that tests run on, each in its own folder: `app.py`, and its `releases/`."""

from __future__ import annotations

import functools
import runpy
from pathlib import Path
from typing import Any

from portside import redact
from portside.config.configuration import Configuration, load_configuration

_FOLDER = Path(__file__).parent
AGORA = _FOLDER / "agora"
HELLO = _FOLDER / "hello"
SHOP = _FOLDER / "shop"
PRESS = _FOLDER / "press"
PORTAL = _FOLDER / "portal"
DESK = _FOLDER / "desk"

SYNTHESIZE_AGORA = f"""\
from pathlib import Path
from portside.config import configuration
configuration.APP_FOLDER = Path({str(AGORA)!r})
from src.synthesize import main
main()
"""
"""An `app.py` that makes Agora's templates, whatever the repository's own says."""


@functools.cache
def _loaded(folder: Path) -> Configuration:
    return load_configuration(folder / "app.py")


def _configuration(folder: Path) -> Configuration:
    redact.install(_loaded(folder).extend_redactor(redact.current()))
    return _loaded(folder)


def written(folder: Path) -> dict[str, Any]:
    """What an `app.py` defines, unchecked."""
    return runpy.run_path(str(folder / "app.py"))


def agora() -> Configuration:
    """Agora's configuration, read once in a test process.

    From here on the names of its secrets are redacted, as after every reading.
    """
    return _configuration(AGORA)


def hello() -> Configuration:
    """One container in one environment: what a first app looks like."""
    return _configuration(HELLO)


def shop() -> Configuration:
    """Two containers with a bucket, a queue and a cache in own stacks."""
    return _configuration(SHOP)


def press() -> Configuration:
    """Two public services behind one load balancer, and a worker."""
    return _configuration(PRESS)


def portal() -> Configuration:
    """An app of the previous kind with other names of stacks, an older engine, and no stage."""
    return _configuration(PORTAL)


def desk() -> Configuration:
    """A web app with a worker, a migration, a scheduled report and a job on request, on PostgreSQL."""
    return _configuration(DESK)
