"""The catalogue's APIs on a separate port, without the rest of the embedded AWS."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portside.emulator import loopback_http
from portside.emulator.registry import catalogue_api
from portside.emulator.registry.catalogue import Catalogue
from portside.emulator.registry.catalogue_faults import CatalogueFaults, checked

PATH = "sage-bionetworks/agora-app"
NAME = f"ghcr.io/{PATH}"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CREATED = "2026-11-02T10:00:00Z"
VERSIONS = "/orgs/sage-bionetworks/packages/container/agora-app/versions"


PASSWORD = "of-this-server"


def basic(password: str) -> str:
    """The header of a client with a password."""
    return f"Basic {base64.b64encode(f'anybody:{password}'.encode()).decode()}"


@dataclass(frozen=True)
class Said:
    """The answer of a server; names of headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Serving:
    """A catalogue, its faults, and where its APIs answer."""

    catalogue: Catalogue
    faults: CatalogueFaults
    port: int

    def ask(self, target: str, method: str = "GET", /, **headers: str) -> Said:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, target, headers=headers)
            answer = connection.getresponse()
            return Said(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def registry(self, target: str, method: str = "GET", path: str = PATH) -> Said:
        """The registry's answer to a client with a token for the image."""
        token = self.token(f"/token?scope=repository:{path}:pull").json["token"]
        return self.ask(target, method, authorization=f"Bearer {token}")

    def token(self, target: str) -> Said:
        """The registry's answer to a client that asks for a token, with the password."""
        return self.ask(target, authorization=basic(PASSWORD))

    def packages(self, target: str = VERSIONS) -> Said:
        """The answer of GitHub's API to a client with a token."""
        return self.ask(target, authorization=f"Bearer {PASSWORD}")

    def fault(self, fault: str, api: str | None = None, times: int | None = None, value: float | None = None) -> None:
        self.faults.put(checked(fault, api, None, times, value))


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    catalogue, faults = Catalogue(tmp_path / "images.json"), CatalogueFaults(tmp_path / "catalogue-faults.json")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    starting = loopback_http.serve(catalogue_api.handler(catalogue, faults, PASSWORD))
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(5)
    yield Serving(catalogue, faults, loopback_http.port_of(server))
    asyncio.run_coroutine_threadsafe(_end(server), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
