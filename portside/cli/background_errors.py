"""Errors on threads, in finalizers and in tasks of asyncio, which no caller catches, and the log of libraries."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable

Report = Callable[[BaseException, str], None]
"""From an exception and the name of what raised it; must not raise."""


def handle(report: Report) -> None:
    """Pass to `report` each error that Python would print as a traceback; the log lines of libraries are not printed.

    An exception of a finalizer does not affect the command: it is dropped.
    """

    def on_thread(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
            report(failed.exc_value, failed.thread.name if failed.thread else "a thread")

    threading.excepthook = on_thread
    sys.unraisablehook = lambda _: None
    # Without a handler Python prints every warning of a library to stderr, asyncio's with a traceback.
    logging.getLogger().addHandler(logging.NullHandler())
