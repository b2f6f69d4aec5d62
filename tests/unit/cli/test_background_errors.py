"""An error in the background is a line, or nothing, and never a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from portside.config.configuration import ROOT

_HANDLE = """
import sys
from portside.cli import background_errors
background_errors.handle(lambda error, name: print(f"{name}: {type(error).__name__}", file=sys.stderr))
"""
_THREAD = """
import threading
thread = threading.Thread(target=lambda: 1 / 0, name="watcher")
thread.start(), thread.join()
"""
_FINALIZER = """
class Fails:
    def __del__(self):
        raise ValueError("in a finalizer")
Fails()
"""
_TASK = """
import asyncio, gc
async def fail():
    raise ValueError("in a task")
async def main():
    asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
asyncio.run(main())
gc.collect()
"""
_LOG = """
import logging
logging.getLogger("urllib3").warning("Connection pool is full, discarding connection")
"""


@pytest.mark.parametrize(
    ("program", "said"), [(_THREAD, "watcher: ZeroDivisionError\n"), (_FINALIZER, ""), (_TASK, ""), (_LOG, "")]
)
def test_no_background_task_prints_a_traceback(program: str, said: str) -> None:
    def run(code: str) -> str:
        return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stderr

    assert run(program) != said, "without the hooks Python would print this"
    assert run(_HANDLE + program) == said
