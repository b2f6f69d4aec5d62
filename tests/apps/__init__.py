"""The configurations that tests run on."""

from __future__ import annotations

import functools

from portside import redact
from portside.config.configuration import Configuration, load_configuration


@functools.cache
def _agora() -> Configuration:
    return load_configuration()


def agora() -> Configuration:
    """Agora's configuration, read once in a test process.

    From here on the names of its secrets are redacted, as after every reading.
    """
    redact.install(_agora().extend_redactor(redact.current()))
    return _agora()
