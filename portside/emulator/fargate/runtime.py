"""The thread that runs all tasks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from portside.emulator.fargate import life_cycle
from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.platform import Platform


class Fargate:
    """Runs the tasks of all accounts on an event loop in its own thread."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.loop = asyncio.new_event_loop()
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._thread = threading.Thread(target=self._run_loop, name="fargate", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Any], timeout: float = 30) -> Any:
        """Run a coroutine on the event loop and wait for it. Must not be called on that loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def launch(self, launch: Launch) -> None:
        """Start a task; returns at once. Can be called from any thread."""
        self.loop.call_soon_threadsafe(self._begin, launch)

    def ended(self, task_arn: str) -> None:
        """Close the stub of a stopped task. Can be called from any thread."""
        self.loop.call_soon_threadsafe(self._end, task_arn)

    def reset(self) -> None:
        """Close all stubs, after ministack has deleted its tasks."""
        self.loop.call_soon_threadsafe(self._end_all)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def _begin(self, launch: Launch) -> None:
        self._lives[launch.arn] = self.loop.create_task(life_cycle.live(launch, self.platform))

    def _end(self, task_arn: str) -> None:
        self.platform.tasks.remove(task_arn)
        life = self._lives.pop(task_arn, None)
        if life:
            life.cancel()

    def _end_all(self) -> None:
        for task_arn in list(self._lives):
            self._end(task_arn)
        self.platform.backoff.clear()
