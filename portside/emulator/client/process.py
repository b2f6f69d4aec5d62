"""Starts, finds and stops the embedded AWS of one state directory.

Only the standard library is imported, because every command with `--local` loads this module.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portside import owner_only, state_file
from portside.commands import local_tool
from portside.emulator.client import loopback_client
from portside.emulator.gate import server_secret
from portside.errors import UserError
from portside.program import STATE_FOLDER, STATE_FOLDER_VARIABLE, TIME_SCALE_VARIABLE
from portside.repository import PACKAGE_FOLDER, REPOSITORY_VARIABLE, ROOT
from portside.state_file import Damaged, NotWritten

START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 20
SILENT_SERVER_SECONDS = 10
ANSWER_TIMEOUT_SECONDS = 2
LOG_TAIL_LINES = 15

# Settings that make a CLI or an SDK use a real account: remove them before adding `client_environment`.
CLEARED_VARIABLES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)

# The only variables that the server inherits: not credentials, proxies or settings for another ministack or LocalStack.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", TIME_SCALE_VARIABLE)


ended_here: set[int] = set()
"""The servers that this process has stopped."""


@dataclass(frozen=True)
class LocalAws:
    """A running embedded AWS. `control_url` contains a secret of the server, so that only its owner can use it.

    Requests to `url` are signed with `account_secret`. `catalogue_url` serves images as ghcr.io and GitHub's API do,
    with `images_token`.
    """

    url: str
    control_url: str
    catalogue_url: str
    pid: int
    started_at: float
    secret: str = field(default="", repr=False)
    state_dir: Path = Path(os.devnull)

    def account_secret(self, account: str) -> str:
        """The secret access key of an account, whose access key ID is its number."""
        return server_secret.of_account(self.secret, account)

    @property
    def images_token(self) -> str:
        return server_secret.images_token(self.secret)


def default_state_dir() -> Path:
    """`local` in the state folder of this clone, or in that of `STATE_FOLDER_VARIABLE`."""
    chosen = os.environ.get(STATE_FOLDER_VARIABLE)
    return (Path(chosen).expanduser() if chosen else ROOT / STATE_FOLDER).resolve() / "local"


def _resolved(state_dir: Path) -> Path:
    """The folder with links resolved. Raises `UserError` for a link loop."""
    try:
        return state_dir.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError up to Python 3.12
        fix = f"Delete the link: rm {shlex.quote(str(state_dir))}"
        raise UserError(f"the embedded AWS can't use {state_dir}: it is a link to itself", fix) from error


def up(state_dir: Path, *, announce: Callable[[str], None], proxies: Sequence[Mapping[str, Any]] = ()) -> LocalAws:
    """The embedded AWS of this state directory; starts it with its saved state if it is not running.

    `proxies` describe the app's containers that forward requests, as `portside.emulator.fargate.proxy` parses them.
    """
    state_dir = _resolved(state_dir)
    try:
        _keep_private(state_dir)
    except owner_only.NotOurs as error:
        raise UserError(
            f"the embedded AWS does not use {error.path}: it belongs to another user, who can read and change it",
            f"Set {STATE_FOLDER_VARIABLE} to a directory of your own.",
        ) from error
    except OSError as error:
        raise NotWritten(state_dir, "the state of the embedded AWS", error) from error
    with _one_at_a_time(state_dir, announce):
        found = running(state_dir) or _slow_to_answer(state_dir)
        if found:
            return found
        if is_alive(state_dir):
            announce("The embedded AWS does not answer: restarting it")
            _end(state_dir)
        announce("Starting the embedded AWS")
        try:
            started = _start(state_dir, proxies)
        except OSError as error:
            raise NotWritten(Path(error.filename or state_dir), "a file of the embedded AWS", error) from error
        for remark in _state(state_dir).get("remarks", ()):
            announce(str(remark))
        return started


def running(state_dir: Path) -> LocalAws | None:
    """The embedded AWS of this state directory, or None if it is not running or does not answer."""
    state_dir = _resolved(state_dir)
    if not is_alive(state_dir):
        return None
    remembered = _remembered(state_dir)
    return remembered if remembered and _answers(remembered) else None


def expect_running(state_dir: Path) -> LocalAws:
    """The running embedded AWS. Raises UserError if it is not running."""
    found = running(state_dir)
    if not found:
        raise UserError("the embedded AWS is not running", f"Start it with: {local_tool('up')}")
    return found


def down(state_dir: Path, announce: Callable[[str], None]) -> bool:
    """Stop the server, which saves its state first, and wait until it has ended; returns whether it was running."""
    state_dir = _resolved(state_dir)
    if not state_dir.is_dir():
        return False
    with _one_at_a_time(state_dir, announce):
        if not is_alive(state_dir):
            return False
        announce("Stopping the embedded AWS")
        _end(state_dir)
        return True


def client_environment(aws: LocalAws, account: str, region: str, state_dir: Path) -> dict[str, str]:
    """The environment variables with which `cdk`, `aws` and boto3 use this account of the embedded AWS.

    Remove `CLEARED_VARIABLES` from the environment before adding these.
    """
    state_dir = _resolved(state_dir)
    nothing = str(state_dir / "no-aws-config")
    without_proxy = ",".join(filter(None, (os.environ.get("NO_PROXY"), "localhost,127.0.0.1")))
    return {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": aws.account_secret(account),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        # The CLI caches which account an access key belongs to, and its notices and telemetry need the internet.
        "CDK_HOME": str(state_dir / "cdk"),
        "CDK_NOTICES": "false",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_PROXY": without_proxy,
        "no_proxy": without_proxy,
    }


def log_tail(state_dir: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of the server's log."""
    try:
        content = state_file.read(state_dir / "server.log", what="the server's log", fix="") or b""
    except Damaged:
        return ""
    return "\n".join(content.decode(errors="replace").splitlines()[-lines:])


def take_lock(path: Path) -> int | None:
    """Take an exclusive lock that ends with the process; the descriptor to keep open, or None if it is locked."""
    descriptor = state_file.open_lock(path, what="the lock of the embedded AWS")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _keep_private(state_dir: Path) -> None:
    """Make the state readable by its owner only, with the default folder of all state of this clone."""
    if state_dir.parent == ROOT / STATE_FOLDER:
        owner_only.folder(state_dir.parent)
    owner_only.folder(state_dir)


def is_alive(state_dir: Path) -> bool:
    """Whether the server keeps its lock, which it has for its lifetime: process ids can be stale or reused."""
    lock = state_dir / "server.lock"
    if not lock.exists():
        return False
    descriptor = take_lock(lock)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


@contextlib.contextmanager
def _one_at_a_time(state_dir: Path, announce: Callable[[str], None]) -> Iterator[None]:
    descriptor = state_file.open_lock(state_dir / "up.lock", what="the lock of starts")
    with open(descriptor, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            announce("Waiting for another command that starts or stops the embedded AWS")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _state(state_dir: Path) -> dict[str, Any]:
    """The record that the last server wrote; empty if the file is missing or damaged."""
    return state_file.read_cache(state_dir / "server.json", dict, what="where the embedded AWS runs") or {}


def _remembered(state_dir: Path) -> LocalAws | None:
    state = _state(state_dir)
    with contextlib.suppress(KeyError, TypeError, ValueError):
        url, control_url, catalogue_url = (str(state[name]) for name in ("url", "control_url", "catalogue_url"))
        secret = server_secret.read(state_dir)
        if secret is None:
            return None
        pid, started_at = int(state["pid"]), float(state["started_at"])
        return LocalAws(url, control_url, catalogue_url, pid, started_at, secret, state_dir)
    return None


def _answers(aws: LocalAws) -> bool:
    health = loopback_client.post(f"{aws.control_url}/health", [])
    with (
        contextlib.suppress(OSError, ValueError),
        loopback_client.send(health, timeout=ANSWER_TIMEOUT_SECONDS) as answer,
    ):
        return bool(json.load(answer).get("pid") == aws.pid)
    return False


def _slow_to_answer(state_dir: Path) -> LocalAws | None:
    deadline = time.monotonic() + SILENT_SERVER_SECONDS
    while is_alive(state_dir) and time.monotonic() < deadline:
        if found := running(state_dir):
            return found
        time.sleep(0.2)
    return None


def _bound_socket(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _listener(remembered_port: object) -> socket.socket:
    """A bound socket for the server, so that no other process gets the port; the previous port if it is free."""
    if isinstance(remembered_port, int) and 1024 <= remembered_port <= 65535:
        with contextlib.suppress(OSError):
            return _bound_socket(remembered_port)
    return _bound_socket(0)


def _start(state_dir: Path, proxies: Sequence[Mapping[str, Any]]) -> LocalAws:
    ports = _state(state_dir).get("ports")
    gateway_port, control_port, catalogue_port = (*(ports if isinstance(ports, list) else ()), 0, 0, 0)[:3]
    owner_only.narrow(state_dir)
    log_path = state_dir / "server.log"
    if log_path.exists():
        log_path.replace(state_dir / "server.log.1")
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"PYTHONPATH": str(PACKAGE_FOLDER), REPOSITORY_VARIABLE: str(ROOT), "PYTHONUNBUFFERED": "1"}
    ready, ready_in_server = os.pipe()
    with (
        _listener(gateway_port) as gateway,
        _listener(control_port) as control,
        _listener(catalogue_port) as catalogue,
        open(log_path, "wb", opener=owner_only.opener) as log,
        open(ready, "rb") as ready_reader,
    ):
        try:
            server = subprocess.Popen(
                [
                    *(sys.executable, "-m", "portside.emulator.server", "--state-dir", str(state_dir)),
                    *("--proxies", json.dumps(proxies)),
                    *("--gateway", str(gateway.fileno()), "--control", str(control.fileno())),
                    *("--catalogue", str(catalogue.fileno()), "--ready", str(ready_in_server)),
                ],
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(gateway.fileno(), control.fileno(), catalogue.fileno(), ready_in_server),
                start_new_session=True,
            )
        finally:
            os.close(ready_in_server)
        try:
            readable, _, _ = select.select([ready_reader], [], [], START_TIMEOUT_SECONDS)
            said = ready_reader.read().decode(errors="replace") if readable else ""
        except BaseException:
            server.kill()
            server.wait()
            raise
    found = running(state_dir) if said == "ready" else None
    if found:
        return found
    server.kill()
    exit_code = server.wait()
    if said and said != "ready":
        problem, _, fix = said.partition("\n")
        raise UserError(f"the embedded AWS did not start: {problem}", fix)
    raise UserError(
        f"the embedded AWS did not start ({f'exit code {exit_code}' if exit_code >= 0 else 'no answer'})",
        f"The end of {log_path}:\n{log_tail(state_dir) or '(it is empty)'}",
    )


def _end(state_dir: Path) -> None:
    """End the process that has the server's lock, which is certainly ours."""
    try:
        pid = int((state_dir / "server.lock").read_text())
    except (OSError, ValueError) as error:
        raise UserError(
            f"the embedded AWS is running, but {state_dir / 'server.lock'} does not name its process",
            f"Find it with: fuser {state_dir / 'server.lock'}",
        ) from error
    ended_here.add(pid)
    for signal_number, seconds in ((signal.SIGTERM, STOP_TIMEOUT_SECONDS), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # A child of this process remains a zombie, without the lock, until it is waited for.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            if not is_alive(state_dir):
                return
            time.sleep(0.03)
    raise UserError(f"the embedded AWS (process {pid}) does not end", f"End it with: kill -9 {pid}")
