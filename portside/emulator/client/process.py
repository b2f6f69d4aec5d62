"""Starts, finds and stops the embedded AWS of one state directory.

Client side: only the standard library is imported, because every command that says `--local` pays for it.
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
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portside import owner_only, state_file
from portside.commands import local_tool
from portside.emulator.client import loopback_client
from portside.emulator.gate import server_secret
from portside.errors import UserError
from portside.state_file import Damaged, NotWritten

REPOSITORY = Path(__file__).resolve().parents[3]
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 20
SILENT_SERVER_SECONDS = 10
ANSWER_TIMEOUT_SECONDS = 2
LOG_TAIL_LINES = 15

# What would lead a CLI or an SDK past the embedded AWS; whoever uses `client_environment` drops these first.
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

# The server sees nothing else of the person's environment: settings meant for another ministack or LocalStack,
# credentials and proxies stay out.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "AGORA_LOCAL_TIME_SCALE")


ended_here: set[int] = set()
"""The servers that this very process has ended on purpose."""


@dataclass(frozen=True)
class LocalAws:
    """A running embedded AWS. `control_url` carries the secret of this very server, so it proves whose it is.

    Requests to `url` are signed with `account_secret`. At `catalogue_url` its images are found as at ghcr.io and at
    GitHub's API, with `images_token`.
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
    """`.agora/local` in this clone, or `$AGORA_STATE_DIR/local`."""
    chosen = os.environ.get("AGORA_STATE_DIR")
    return (Path(chosen).expanduser() if chosen else REPOSITORY / ".agora").resolve() / "local"


def _resolved(state_dir: Path) -> Path:
    """The folder without links. Raises `UserError` for a link that leads to itself."""
    try:
        return state_dir.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError up to Python 3.12
        remedy = f"Delete the link: rm {shlex.quote(str(state_dir))}"
        raise UserError(f"the embedded AWS can't use {state_dir}: the link leads to itself", remedy) from error


def up(state_dir: Path, *, announce: Callable[[str], None]) -> LocalAws:
    """The embedded AWS of this state directory: the running one, or a new one with the state it had."""
    state_dir = _resolved(state_dir)
    try:
        _keep_private(state_dir)
    except owner_only.NotOurs as error:
        raise UserError(
            f"the embedded AWS does not use {error.path}: it belongs to another user, who could read and change it",
            "Set AGORA_STATE_DIR to a directory of your own.",
        ) from error
    except OSError as error:
        raise NotWritten(state_dir, "the state of the embedded AWS", error) from error
    with _one_at_a_time(state_dir, announce):
        found = running(state_dir) or _slow_to_answer(state_dir)
        if found:
            return found
        if is_alive(state_dir):
            problem = "is of an older version" if _is_older(state_dir) else "does not answer"
            announce(f"The embedded AWS {problem}: starting it anew")
            _end(state_dir)
        announce("Starting the embedded AWS")
        try:
            started = _start(state_dir)
        except OSError as error:
            raise NotWritten(Path(error.filename or state_dir), "a file of the embedded AWS", error) from error
        for remark in _state(state_dir).get("remarks", ()):
            announce(str(remark))
        return started


def running(state_dir: Path) -> LocalAws | None:
    """The embedded AWS of this state directory if it runs and answers as ours, else None."""
    state_dir = _resolved(state_dir)
    if not is_alive(state_dir):
        return None
    remembered = _remembered(state_dir)
    return remembered if remembered and _answers(remembered) else None


def expect_running(state_dir: Path) -> LocalAws:
    """The running embedded AWS. Raises UserError if there is none."""
    found = running(state_dir)
    if not found:
        raise UserError("the embedded AWS is not running", f"Start it with: {local_tool('up')}")
    return found


def down(state_dir: Path, announce: Callable[[str], None]) -> bool:
    """Stops the server, which saves its state first; returns whether there was one. Waits for its true end."""
    state_dir = _resolved(state_dir)
    if not state_dir.is_dir():
        return False
    with _one_at_a_time(state_dir, announce):
        if not is_alive(state_dir):
            return False
        announce("Stopping the embedded AWS")
        _end(state_dir)
        return True


def reset(state_dir: Path) -> None:
    """Empties everything (all accounts, images, faults) and keeps the server running."""
    found = expect_running(state_dir)
    request = urllib.request.Request(f"{found.control_url}/reset", data=b"{}", method="POST")
    try:
        with loopback_client.send(request, timeout=30):
            pass
    except urllib.error.HTTPError as error:
        with error:
            problem = json.loads(error.read() or b"{}")
        raise UserError(str(problem.get("error", error)), str(problem.get("hint", ""))) from error


def client_environment(aws: LocalAws, account: str, region: str, state_dir: Path) -> dict[str, str]:
    """What `cdk`, `aws` and boto3 need in their environment to work with this account of the embedded AWS.

    Drop `CLEARED_VARIABLES` from the environment before adding these.
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
        # The CLI remembers which account an access key belongs to, and its notices and telemetry need the internet.
        "CDK_HOME": str(state_dir / "cdk"),
        "CDK_NOTICES": "false",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_PROXY": without_proxy,
        "no_proxy": without_proxy,
    }


def log_tail(state_dir: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines that the server wrote."""
    try:
        content = state_file.read(state_dir / "server.log", what="the server's log", remedy="") or b""
    except Damaged:
        return ""
    return "\n".join(content.decode(errors="replace").splitlines()[-lines:])


def hold_lock(path: Path) -> int | None:
    """Takes an exclusive lock that ends with the process; the descriptor to keep open, or None if it is taken."""
    descriptor = state_file.open_lock(path, what="the lock of the embedded AWS")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _keep_private(state_dir: Path) -> None:
    """What the server keeps is its owner's alone; so is all that this clone's commands keep by default."""
    if state_dir.parent == REPOSITORY / ".agora":
        owner_only.folder(state_dir.parent)
    owner_only.folder(state_dir)


def is_alive(state_dir: Path) -> bool:
    """The server holds its lock for life, so that neither a stale nor a reused process id can mislead."""
    lock = state_dir / "server.lock"
    if not lock.exists():
        return False
    descriptor = hold_lock(lock)
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
    """What the last server wrote about itself; nothing when the file is missing, half-written or not ours."""
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


def _is_older(state_dir: Path) -> bool:
    """Whether the server runs from before it had a catalogue that others can ask, or a secret that it asks for."""
    state = _state(state_dir)
    has_secret = server_secret.read(state_dir) is not None
    return "control_url" in state and not ("catalogue_url" in state and has_secret)


def _answers(aws: LocalAws) -> bool:
    health = f"{aws.control_url}/health"
    with (
        contextlib.suppress(OSError, ValueError),
        loopback_client.send(health, timeout=ANSWER_TIMEOUT_SECONDS) as answer,
    ):
        return bool(json.load(answer).get("pid") == aws.pid)
    return False


def _slow_to_answer(state_dir: Path) -> LocalAws | None:
    deadline = time.monotonic() + SILENT_SERVER_SECONDS
    while is_alive(state_dir) and not _is_older(state_dir) and time.monotonic() < deadline:
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
    """A bound socket to hand over, so that nobody can take the port in between; the port of last time if free."""
    if isinstance(remembered_port, int) and 1024 <= remembered_port <= 65535:
        with contextlib.suppress(OSError):
            return _bound_socket(remembered_port)
    return _bound_socket(0)


def _start(state_dir: Path) -> LocalAws:
    ports = _state(state_dir).get("ports")
    gateway_port, control_port, catalogue_port = (*(ports if isinstance(ports, list) else ()), 0, 0, 0)[:3]
    owner_only.narrow(state_dir)
    log_path = state_dir / "server.log"
    if log_path.exists():
        log_path.replace(state_dir / "server.log.1")
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
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
            told, _, _ = select.select([ready_reader], [], [], START_TIMEOUT_SECONDS)
            said = ready_reader.read().decode(errors="replace") if told else ""
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
        problem, _, remedy = said.partition("\n")
        raise UserError(f"the embedded AWS did not start: {problem}", remedy)
    raise UserError(
        f"the embedded AWS did not start ({f'exit code {exit_code}' if exit_code >= 0 else 'no answer'})",
        f"The end of {log_path}:\n{log_tail(state_dir) or '(it is empty)'}",
    )


def _end(state_dir: Path) -> None:
    """Ends the process that holds the server's lock: it is known to be ours, whatever else the state says."""
    try:
        pid = int((state_dir / "server.lock").read_text())
    except (OSError, ValueError) as error:
        raise UserError(
            f"the embedded AWS runs, but {state_dir / 'server.lock'} does not name its process",
            f"Look it up with: fuser {state_dir / 'server.lock'}",
        ) from error
    ended_here.add(pid)
    for signal_number, seconds in ((signal.SIGTERM, STOP_TIMEOUT_SECONDS), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # A child of this very process stays a zombie, without the lock, until someone waits for it.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            if not is_alive(state_dir):
                return
            time.sleep(0.03)
    raise UserError(f"the embedded AWS (process {pid}) does not end", f"End it with: kill -9 {pid}")
