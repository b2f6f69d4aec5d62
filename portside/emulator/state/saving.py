"""When and how the state of the embedded AWS is saved, and how it comes back.

A command that has changed something asks for it when it ends (`control.save`): then success means saved. What others
change (the aws CLI, a test) is saved a moment after they pause, while no stack operation is running: half of one is
worth nothing, as after a start there is no one to finish it.
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
from portside.emulator.patches import rollout, stack_faults
from portside.emulator.patches.patching import Patch
from portside.emulator.state.generations import Generations
from portside.errors import UserError
from portside.state_file import NotWritten

APP = "ministack.app"
PAUSE_SECONDS = 2.0
"""How long no call may have changed anything before a save that no one asked for."""

SELDOM_SECONDS = 30.0
"""How often the progress of tasks alone is saved."""

LOOK_SECONDS = 0.25
_ATTEMPTS = 20
_READING = (
    *("Describe", "Get", "List", "BatchGet", "Head", "Filter", "Lookup", "Search", "Validate", "Estimate"),
    *("Simulate", "Decode", "AssumeRole", "StartSession", "StartQuery", "TestMetricFilter"),
)

log = logging.getLogger("portside.emulator")


class Saver:
    """Saves the state of all of ministack's services, and restores it. Safe for use by several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._generations = Generations(folder)
        self._writing = threading.Lock()
        self._changes = self._saved_changes = 0
        self._progress = self._saved_progress = 0
        self._changed_at = self._saved_at = time.monotonic()
        self._had_operations = False
        self._complaint = ""
        self.remarks: list[str] = []
        self.failure: UserError | None = None
        """What keeps the server from starting."""

    def changed(self) -> None:
        """A call has changed something."""
        if self._changes == self._saved_changes:
            self._generations.expect_loss()
        self._changes += 1
        self._changed_at = time.monotonic()

    def progressed(self) -> None:
        """Tasks or rollouts went on."""
        self._progress += 1

    def save(self) -> bool:
        """Save now what has changed; whether anything had. Raises `NotWritten`, and the last saved state stays."""
        with self._writing:
            changes, progress = self._changes, self._progress
            if (changes, progress) == (self._saved_changes, self._saved_progress):
                return False
            self._generations.save(_collected())
            self._saved_changes, self._saved_progress = changes, progress
            self._saved_at = time.monotonic()
            if changes == self._changes:
                self._generations.expect_no_loss()
        self._complaint = ""
        return True

    def restore(self) -> None:
        """Bring back what was saved last."""
        try:
            loaded = self._generations.load()
        except NotWritten as error:
            # ministack would go on without a state, and the next save would be of an empty one.
            self.failure = error
            return
        self.remarks += loaded.remarks
        states = _decoded(loaded.content) if loaded.content else {}
        for name, state in states.items():
            try:
                _restore(name, state)
            except Exception:
                log.exception("%s was not restored", name)
                self.remarks.append(f"What was saved of {name} can't be used: it starts empty.")
        self._generations.expect_no_loss()

    async def save_in_pauses(self) -> None:
        """Save what no one asks for, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if operations_run():
                self._had_operations = True
                continue
            if self._had_operations:
                self._had_operations = False
                self.changed()
            if self._is_due():
                # In this thread: no call is answered meanwhile, so that nothing changes while it is read.
                self.save_if_possible()

    def save_if_possible(self) -> None:
        """Save, or say in the log why not; the next command that asks gets it as its error."""
        try:
            self.save()
        except NotWritten as error:
            self._changed_at = time.monotonic()
            if error.message != self._complaint:
                log.error("%s", error)
            self._complaint = error.message

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now - self._changed_at < PAUSE_SECONDS:
            return False
        seldom = self._progress != self._saved_progress and now - self._saved_at > SELDOM_SECONDS
        return self._changes != self._saved_changes or seldom


def operations_run() -> bool:
    """Whether CloudFormation is at anything that ends without a person. A stack under review waits for its creator."""
    moving = [each for each in list(cloudformation._stacks._data.values()) if not stack_faults.is_pinned(each)]
    states = {stack.get("StackStatus", "") for stack in moving} - {"REVIEW_IN_PROGRESS"}
    return any(state.endswith("_IN_PROGRESS") for state in states)


def patches(saver: Saver) -> tuple[Patch, ...]:
    """What of ministack's own saving is replaced, and where it is seen that something changes."""
    rollout.listeners.append(saver.progressed)
    return (
        Patch(APP, "_load_persisted_state", "()", "one file a service is no consistent set", lambda _: saver.restore),
        Patch(
            APP,
            "save_all",
            "(services: dict) -> None",
            "it was saved at a clean end only, and a full disk went unnoticed",
            lambda _: lambda _services: _save_at_the_end(saver),
        ),
        Patch(
            APP, "_reset_all_state", "()", "the saved state must be empty too", lambda original: _reset(original, saver)
        ),
        Patch(
            APP,
            "_dispatch_service_request",
            "(method: str, path: str, headers: dict, body: bytes, query_params: dict, request_id: str)",
            "no one knew when anything changed",
            lambda original: _noticing(original, saver),
        ),
    )


def is_reading(method: str, operation: str) -> bool:
    """Whether a call changes nothing."""
    return operation.startswith(_READING) if operation else method in ("GET", "HEAD", "OPTIONS")


def _noticing(original: Any, saver: Saver) -> Callable[..., Any]:
    from portside.emulator.patches.api_faults import _operation

    async def dispatch(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Any, request_id: str
    ) -> Any:
        try:
            return await original(method, path, headers, body, query_params, request_id)
        finally:
            is_query = "x-amz-target" in headers or headers.get("content-type", "").startswith(_FORM)
            if not is_reading(method, _operation(headers, body) if is_query else ""):
                saver.changed()

    return dispatch


_FORM = "application/x-www-form-urlencoded"


def _save_at_the_end(saver: Saver) -> None:
    if operations_run():
        # The state before them is whole; what is left of them would belong to no one.
        log.warning("stack operations were running at the end: their changes are not saved")
        return
    saver.save_if_possible()


def _reset(original: Any, saver: Saver) -> Callable[[], None]:
    def reset() -> None:
        original()
        saver.changed()
        saver.save()

    return reset


def _collected() -> bytes:
    """The state of every service that is loaded, in JSON. Threads of stack operations may change it meanwhile."""
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
        # ministack keeps the objects in files of its own, which no crash leaves in step with the rest.
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
