"""Prevents the process of the embedded AWS from running programs or connecting to another machine.

ministack can run functions, crawlers and containers, and can call webhooks. Its modules for that are not loaded;
Python's audit events (https://docs.python.org/3/library/audit_events.html) stop any other attempt.
"""

from __future__ import annotations

import errno
import ipaddress
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from portside.emulator.gate import served

SERVICES_PACKAGE = "ministack.services"
# These connect to a container engine, or serve files.
_PACKAGES_REFUSED = frozenset({"docker", "asyncssh"})

_RUNS_PROGRAMS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn"}
)
_NAMES_AN_ADDRESS = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})
_NAMES_A_HOST = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})


class Confined(PermissionError):
    """The embedded AWS must not do this. An OSError, so that callers handle it as one."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.EPERM, message)


class NotServed(ValueError):
    """A call of a service that isn't served."""


def install() -> None:
    """Confine this process permanently. Call it before ministack is imported."""
    sys.meta_path.insert(0, _Finder())
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _RUNS_PROGRAMS:
        raise Confined(f"the embedded AWS runs no programs ({event})")
    if event in _NAMES_AN_ADDRESS:
        address = arguments[1]
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise Confined(f"the embedded AWS stays on this machine ({event})")
    elif event in _NAMES_A_HOST and not _is_here(arguments[0]):
        raise Confined(f"the embedded AWS looks up no other machines ({event})")


def _is_here(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if host in (None, "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


class _Finder(MetaPathFinder):
    """Finds an empty module for each service that isn't served."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name in _PACKAGES_REFUSED:
            raise ModuleNotFoundError(f"{name} is not for the embedded AWS", name=name)
        package, _, module = name.rpartition(".")
        if package == SERVICES_PACKAGE and module not in served.MODULES:
            return ModuleSpec(name, _EmptyLoader())
        return None


class _EmptyLoader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _NotServed(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


# ministack looks these up in every module; a module that isn't served doesn't have them.
_LIFE_CYCLE = frozenset({"get_state", "load_persisted_state", "_restore_state", "reset", "handle_request"})
_STARTED = "start_scheduler"


class _NotServed(ModuleType):
    """A module whose tables are empty and whose functions refuse to be called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in _LIFE_CYCLE:
            raise AttributeError(name)
        if name == _STARTED:
            return lambda: None
        return _Nothing(f"{self.__name__.rpartition('.')[2]}.{name}")


class _Nothing(Sequence[Any]):
    """An empty table that can't be called."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: object, **__: object) -> Any:
        raise NotServed(f"not served by the embedded AWS: {self._name}")

    def __getitem__(self, index: Any) -> Any:
        raise KeyError(index)

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def get(self, _: object, default: Any = None) -> Any:
        """As of an empty dictionary."""
        return default

    def items(self) -> list[Any]:
        """As of an empty dictionary."""
        return []

    values = keys = items
