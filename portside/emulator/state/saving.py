"""Saves and restores the state of the embedded AWS.

A command that has changed something saves it when it ends (`control.save`), so its success means that it is saved.
Other changes (by the aws CLI, a test) are saved after a pause in which no stack operation is running, because an
incomplete operation can't be continued after a restart.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from portside.emulator.ministack_modules import app, cloudformation, persistence, s3
from portside.emulator.patches import stack_faults
from portside.emulator.patches.api_faults import operation_of
from portside.emulator.patches.patching import replaces
from portside.emulator.state.generations import Generations
from portside.errors import UserError
from portside.state_file import NotWritten

PAUSE_SECONDS = 2.0
"""The time without changes before an automatic save."""

SELDOM_SECONDS = 30.0
"""The interval of saves when only tasks have progressed."""

POLL_SECONDS = 0.25
_ATTEMPTS = 20
_READING = (
    *("Describe", "Get", "List", "BatchGet", "Head", "Filter", "Lookup", "Search", "Validate", "Estimate"),
    *("Simulate", "Decode", "AssumeRole", "StartSession", "StartQuery", "TestMetricFilter"),
)
_QUERY_BODY = "application/x-www-form-urlencoded"

log = logging.getLogger("portside.emulator")


class Saver:
    """Saves and restores the state of all services of ministack. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._generations = Generations(folder)
        self._writing = threading.Lock()
        self._changes = self._saved_changes = 0
        self._progress = self._saved_progress = 0
        self._changed_at = self._saved_at = time.monotonic()
        self._had_operations = False
        self._last_error = ""
        self.remarks: list[str] = []
        self.failure: UserError | None = None
        """The error that prevents the start of the server."""

    def changed(self) -> None:
        """A call has changed something."""
        if self._changes == self._saved_changes:
            self._generations.expect_loss()
        self._changes += 1
        self._changed_at = time.monotonic()

    def progressed(self) -> None:
        """Tasks or rollouts have progressed."""
        self._progress += 1

    def save(self) -> bool:
        """Save the changes; returns whether there were any. Raises `NotWritten`; the last saved state remains."""
        with self._writing:
            changes, progress = self._changes, self._progress
            if (changes, progress) == (self._saved_changes, self._saved_progress):
                return False
            self._generations.save(_collected())
            self._saved_changes, self._saved_progress = changes, progress
            self._saved_at = time.monotonic()
            if changes == self._changes:
                self._generations.expect_no_loss()
        self._last_error = ""
        return True

    def restore(self) -> None:
        """Restore the last saved state."""
        try:
            loaded = self._generations.load()
        except NotWritten as error:
            # Without this, ministack would start empty, and the next save would overwrite the state.
            self.failure = error
            return
        self.remarks += loaded.remarks
        states = _decoded(loaded.content) if loaded.content else {}
        for name, state in states.items():
            try:
                _restore(name, state)
            except Exception:
                log.exception("%s was not restored", name)
                self.remarks.append(f"The saved state of {name} can't be used: it starts empty.")
        self._generations.expect_no_loss()

    async def save_automatically(self) -> None:
        """Save changes automatically, until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if operations_run():
                self._had_operations = True
                continue
            if self._had_operations:
                self._had_operations = False
                self.changed()
            if self._is_due():
                # In this thread, which answers all calls, so that nothing changes meanwhile.
                self.save_if_possible()

    def save_if_possible(self) -> None:
        """Save, or log the error; the next command that saves gets it too."""
        try:
            self.save()
        except NotWritten as error:
            self._changed_at = time.monotonic()
            if error.message != self._last_error:
                log.error("%s", error)
            self._last_error = error.message

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now - self._changed_at < PAUSE_SECONDS:
            return False
        seldom = self._progress != self._saved_progress and now - self._saved_at > SELDOM_SECONDS
        return self._changes != self._saved_changes or seldom


def operations_run() -> bool:
    """Whether stack operations are running. A stack in review only waits for its change set to be executed."""
    moving = [each for each in list(cloudformation._stacks._data.values()) if not stack_faults.is_pinned(each)]
    states = {stack.get("StackStatus", "") for stack in moving} - {"REVIEW_IN_PROGRESS"}
    return any(state.endswith("_IN_PROGRESS") for state in states)


def is_reading(method: str, operation: str) -> bool:
    """Whether a call changes nothing."""
    return operation.startswith(_READING) if operation else method in ("GET", "HEAD", "OPTIONS")


@replaces("app._load_persisted_state")
def restore(_: Any, *, saver: Saver) -> None:
    """ministack's own files, one for each service, are not consistent."""
    saver.restore()


@replaces("app.save_all")
def save_at_the_end(_: Any, services: Any, *, saver: Saver) -> None:
    """Save, or log the error, which ministack ignores."""
    if operations_run():
        # The state before them is complete; a part of them could not be continued.
        log.warning("stack operations were running at the end: their changes are not saved")
        return
    saver.save_if_possible()


@replaces("app._reset_all_state")
def reset(original: Any, *, saver: Saver) -> None:
    """The saved state is empty too."""
    original()
    saver.changed()
    saver.save()


@replaces("app._dispatch_service_request")
async def notice_changes(
    original: Any,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query_params: Any,
    request_id: str,
    *,
    saver: Saver,
) -> Any:
    """Calls that change something are saved."""
    try:
        return await original(method, path, headers, body, query_params, request_id)
    finally:
        is_query = "x-amz-target" in headers or headers.get("content-type", "").startswith(_QUERY_BODY)
        if not is_reading(method, operation_of(headers, body) if is_query else ""):
            saver.changed()


def _collected() -> bytes:
    """The state of every loaded service, in JSON. Stack operations in other threads can change it meanwhile."""
    for attempt in range(_ATTEMPTS):
        try:
            return _encoded({name: _state_of(name, get) for name, get in app._build_persistence_save_dict().items()})
        except RuntimeError:  # a dictionary changed its size during iteration
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.01)
    raise AssertionError


def _state_of(name: str, get_state: Callable[[], Any]) -> Any:
    if name == "s3":
        # ministack stores objects in separate files, which a crash can leave inconsistent with the rest.
        return {each: getattr(s3, each) for each in _s3_stores()}
    return get_state()


def _s3_stores() -> list[str]:
    passing = ("_multipart_uploads", "_completed_multipart_uploads")
    kinds = (persistence.AccountScopedDict, persistence.AccountRegionScopedDict)
    return [name for name, value in vars(s3).items() if isinstance(value, kinds) and name not in passing]


def _restore(name: str, state: Any) -> None:
    if name == "s3":
        for store, content in state.items():
            getattr(s3, store)._data.update(content._data)
        return
    app._get_module(app._state_map[name]).load_persisted_state(state)


def _encoded(states: Mapping[str, Any]) -> bytes:
    present = {name: state for name, state in states.items() if state is not None}
    return json.dumps(present, default=persistence._json_default, separators=(",", ":")).encode()


def _decoded(content: bytes) -> Mapping[str, Any]:
    states = json.loads(content, object_hook=persistence._json_object_hook)
    return {name: states[name] for name in app._state_map if name in states}
