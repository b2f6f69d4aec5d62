"""Processes that can be interrupted, however the tests are run."""

from __future__ import annotations

import signal


def handle_interrupts() -> None:
    """For `Popen(preexec_fn=…)`: a shell makes what it runs in the background, and all that starts, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
