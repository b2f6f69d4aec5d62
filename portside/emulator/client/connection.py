"""The embedded AWS that this command works with: saved when the command ends, and noticed when it dies.

Client side: standard library only.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import NoReturn

from portside.commands import local_tool
from portside.emulator.client import process
from portside.emulator.client.process import LocalAws
from portside.errors import UserError

LOOK_SECONDS = 0.25


class ServerDied(UserError):
    """The embedded AWS ended while a command worked with it."""

    def __init__(self, aws: LocalAws) -> None:
        said = process.log_tail(aws.state_dir).strip() or "(it is empty)"
        super().__init__(
            f"the embedded AWS (process {aws.pid}) died while this command ran",
            f"The end of {aws.state_dir / 'server.log'}:\n{said}\n"
            f"Run the same command again. If it says that the embedded AWS does not run: {local_tool('up')}\n"
            "What was saved last is there then.",
        )


class _Connection:
    """Of this process. One command runs in one, so there is one."""

    def __init__(self) -> None:
        self.aws: LocalAws | None = None
        self.main: threading.Thread | None = None
        self.closed = threading.Event()
        self.dead = threading.Event()

    def watch(self) -> None:
        while not self.closed.wait(LOOK_SECONDS):
            if self.has_died():
                self.dead.set()
                if self.main is not None and self.main.ident is not None:
                    # Ends what the main thread waits for: AWS, the CDK, a pause.
                    with contextlib.suppress(ProcessLookupError):
                        signal.pthread_kill(self.main.ident, signal.SIGUSR1)
                return

    def has_died(self) -> bool:
        return (
            self.aws is not None and self.aws.pid not in process.ended_here and not process.is_alive(self.aws.state_dir)
        )


_connection = _Connection()


def end_commands_with_their_server() -> None:
    """From now on a server's death ends the command of this process, whatever it waits for. For the main thread."""
    signal.signal(signal.SIGUSR1, _interrupt)
    _connection.main = threading.current_thread()


def use(aws: LocalAws) -> None:
    """Say that this process works with a server from now on."""
    is_new = _connection.aws is None or _connection.aws.pid != aws.pid
    _connection.aws = aws
    if is_new and _connection.main is not None:
        threading.Thread(target=_connection.watch, name="embedded-aws-watch", daemon=True).start()


def finish() -> None:
    """Save what the command has changed. Raises UserError where that can't be written."""
    _connection.closed.set()
    if _connection.aws is None or _connection.aws.pid in process.ended_here:
        return
    from portside.emulator.client import control

    if process.is_alive(_connection.aws.state_dir):
        control.save(aws=_connection.aws)


def death() -> ServerDied | None:
    """That the server has died which this process works with, if so."""
    if _connection.aws is not None and _connection.has_died():
        return ServerDied(_connection.aws)
    return None


def refuse_when_dead(**_: object) -> None:
    """For botocore's `before-send`: no call, and no retry of one, reaches a server that is known to be dead."""
    if _connection.dead.is_set() and (died := death()):
        raise died


def begin() -> None:
    """A command begins, which works with no server yet."""
    global _connection
    _connection.closed.set()
    earlier, _connection = _connection, _Connection()
    _connection.main = earlier.main


def _interrupt(*_: object) -> NoReturn:
    raise death() or UserError("the embedded AWS died while this command ran", f"Start it with: {local_tool('up')}")
