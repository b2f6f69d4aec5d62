"""The embedded AWS that this command uses: its state is saved when the command ends, and its death is noticed.

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

POLL_SECONDS = 0.25


class ServerDied(UserError):
    """The embedded AWS ended while a command was using it."""

    def __init__(self, aws: LocalAws) -> None:
        said = process.log_tail(aws.state_dir).strip() or "(it is empty)"
        super().__init__(
            f"the embedded AWS (process {aws.pid}) died while this command ran",
            f"The end of {aws.state_dir / 'server.log'}:\n{said}\n"
            f"Run the same command again. If it reports that the embedded AWS is not running: {local_tool('up')}\n"
            "It starts with the last saved state.",
        )


class _Connection:
    """The connection of this process, which runs one command."""

    def __init__(self) -> None:
        self.aws: LocalAws | None = None
        self.main: threading.Thread | None = None
        self.closed = threading.Event()
        self.dead = threading.Event()

    def watch(self) -> None:
        while not self.closed.wait(POLL_SECONDS):
            if self.has_died():
                self.dead.set()
                if self.main is not None and self.main.ident is not None:
                    # Interrupts the main thread, whether it waits for AWS, the CDK or a pause.
                    with contextlib.suppress(ProcessLookupError):
                        signal.pthread_kill(self.main.ident, signal.SIGUSR1)
                return

    def has_died(self) -> bool:
        return (
            self.aws is not None and self.aws.pid not in process.ended_here and not process.is_alive(self.aws.state_dir)
        )


_connection = _Connection()


def end_commands_with_their_server() -> None:
    """End the command of this process if its server dies. Call it in the main thread."""
    signal.signal(signal.SIGUSR1, _interrupt)
    _connection.main = threading.current_thread()


def use(aws: LocalAws) -> None:
    """Record that this process uses a server from now on."""
    is_new = _connection.aws is None or _connection.aws.pid != aws.pid
    _connection.aws = aws
    if is_new and _connection.main is not None:
        threading.Thread(target=_connection.watch, name="embedded-aws-watch", daemon=True).start()


def finish() -> None:
    """Save what the command has changed. Raises UserError if that can't be written."""
    _connection.closed.set()
    if _connection.aws is None or _connection.aws.pid in process.ended_here:
        return
    from portside.emulator.client import control

    if process.is_alive(_connection.aws.state_dir):
        control.save(aws=_connection.aws)


def death() -> ServerDied | None:
    """The error to raise if the server of this process has died."""
    if _connection.aws is not None and _connection.has_died():
        return ServerDied(_connection.aws)
    return None


def refuse_when_dead(**_: object) -> None:
    """For botocore's `before-send`: makes calls and their retries fail at once when the server is dead."""
    if _connection.dead.is_set() and (died := death()):
        raise died


def begin() -> None:
    """Begin a command, which uses no server yet."""
    global _connection
    _connection.closed.set()
    earlier, _connection = _connection, _Connection()
    _connection.main = earlier.main


def _interrupt(*_: object) -> NoReturn:
    raise death() or UserError("the embedded AWS died while this command ran", f"Start it with: {local_tool('up')}")
