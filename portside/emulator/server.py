"""The process of the embedded AWS, started by `process.up` with bound sockets. It reports when it is ready."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from portside import owner_only, state_file
from portside.emulator.client.process import take_lock
from portside.emulator.fargate.faults import Faults
from portside.emulator.gate import confinement, server_secret
from portside.emulator.registry.catalogue import Catalogue
from portside.emulator.registry.catalogue_faults import CatalogueFaults
from portside.errors import UserError
from portside.state_file import NotWritten

log = logging.getLogger("portside.emulator")

WATCH_INTERVAL_SECONDS = 0.2
WIND_DOWN_SECONDS = 5


class Listeners(NamedTuple):
    """The bound sockets: of AWS, of the control API, of the catalogue of images."""

    gateway: socket.socket
    control: socket.socket
    catalogue: socket.socket


def settings(state_dir: Path, port: int) -> dict[str, str]:
    """ministack's settings, which it reads at import."""
    return {
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "GATEWAY_PORT": str(port),
        # Otherwise it opens more ports, on every interface.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state_dir / "aws"),
        # `portside.emulator.state.saving` saves the objects with everything else.
        "S3_PERSIST": "0",
        "ECS_RESTORE_RECONCILE_DELAY_SECONDS": "0",
        "MINISTACK_WORKER_THREADS": "8",
        "LOG_LEVEL": "WARNING",
    }


def main(arguments: list[str]) -> int:
    """Serve until a signal to stop, or until the clone is deleted."""
    given = _parse(arguments)
    os.umask(owner_only.UMASK)
    confinement.install()
    lock = take_lock(given.state_dir / "server.lock")
    if lock is None:
        print("another embedded AWS already runs with this state", file=sys.stderr)
        return 1
    try:
        return _run(given, lock)
    except (UserError, OSError) as error:
        problem = error if isinstance(error, UserError) else NotWritten(given.state_dir, "its state", error)
        # The disk of the log may be full, so the command that waits for the start reads the error from the pipe.
        os.write(given.ready, f"{problem.message}\n{problem.hint}".encode())
        log.error("%s", problem)
        return 1


def _run(given: argparse.Namespace, lock: int) -> int:
    state_dir: Path = given.state_dir
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    listeners = Listeners(*(socket.socket(fileno=each) for each in (given.gateway, given.control, given.catalogue)))
    ports = [each.getsockname()[1] for each in listeners]
    os.environ.update(settings(state_dir, ports[0]))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    log.setLevel(logging.INFO)
    url, control_url, catalogue_url = (f"http://127.0.0.1:{port}" for port in ports)
    token = secrets.token_urlsafe(18)

    def ready(remarks: Sequence[str]) -> None:
        state = {
            "pid": os.getpid(),
            "url": url,
            "control_url": f"{control_url}/{token}",
            "catalogue_url": catalogue_url,
            "ports": ports,
            "started_at": time.time(),
            "remarks": remarks,
        }
        state_file.write_json(state_dir / "server.json", state, what="where the embedded AWS runs")
        os.write(given.ready, b"ready")
        os.close(given.ready)

    asyncio.run(_serve(given, listeners, token, ready))
    log.info("stopped")
    logging.shutdown()
    # Everything is saved: threads that still wait for a rollout must not delay the exit.
    os._exit(0)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="portside.emulator.server")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--proxies", default="[]", help="the app's proxies in JSON")
    for name in ("--gateway", "--control", "--catalogue", "--ready"):
        parser.add_argument(name, type=int, required=True, help="an inherited file descriptor")
    return parser.parse_args(arguments)


async def _serve(
    given: argparse.Namespace, listeners: Listeners, token: str, ready: Callable[[Sequence[str]], None]
) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    stopping = asyncio.Event()
    winding_down: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, lambda: winding_down.add(loop.create_task(_wind_down(stopping))))
    application, saver = await _assemble(given, listeners, token)
    config = Config()
    config.bind = [f"fd://{listeners.gateway.detach()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    watching = (_stop_when_deleted(given.state_dir, stopping), saver.save_automatically())
    watchers = [asyncio.create_task(each) for each in watching]
    failed: list[UserError] = []

    def started() -> None:
        try:
            if saver.failure:
                raise saver.failure
            ready(saver.remarks)
        except UserError as error:
            failed.append(error)
            stopping.set()

    await serve(_reporting(application, started), config, shutdown_trigger=_stopped(stopping))
    for watcher in watchers:
        watcher.cancel()
    if failed:
        raise failed[0]


async def _wind_down(stopping: asyncio.Event) -> None:
    """Make stack operations that wait for a rollout fail and roll back, because they can't be resumed later."""
    from portside.emulator.patches import rollout
    from portside.emulator.state.saving import operations_run

    rollout.interrupt()
    for _ in range(int(WIND_DOWN_SECONDS / 0.05)):
        if not operations_run():
            break
        await asyncio.sleep(0.05)
    stopping.set()


def _stopped(stopping: asyncio.Event) -> Callable[[], Any]:
    async def wait() -> None:
        await stopping.wait()

    return wait


async def _stop_when_deleted(state_dir: Path, stopping: asyncio.Event) -> None:
    """Stop when the clone has been deleted."""
    while (state_dir / "server.lock").exists():
        await asyncio.sleep(WATCH_INTERVAL_SECONDS)
    stopping.set()


async def _assemble(given: argparse.Namespace, listeners: Listeners, token: str) -> Any:
    """The patched application of ministack, with our resource types, services and container runtime."""
    from portside.emulator import control_api, loopback_http, resources
    from portside.emulator.fargate import proxy
    from portside.emulator.fargate.load_balancing import LoadBalancers
    from portside.emulator.fargate.platform import Platform, time_scale
    from portside.emulator.fargate.runtime import Fargate
    from portside.emulator.gate.gate import Gate
    from portside.emulator.gate.keys import keys
    from portside.emulator.ministack_modules import app, provisioners, sts
    from portside.emulator.patches import closed_routes, patching, rollout, table
    from portside.emulator.patches.api_faults import ApiFaults
    from portside.emulator.registry import catalogue_api
    from portside.emulator.services import application_autoscaling, service_quotas
    from portside.emulator.state.saving import Saver

    state_dir: Path = given.state_dir
    saver = Saver(state_dir / "aws")
    rollout.listeners.append(saver.progressed)
    catalogue, faulty = Catalogue(state_dir / "images.json"), CatalogueFaults(state_dir / "catalogue-faults.json")
    platform = Platform(catalogue, Faults(state_dir / "faults.json"), time_scale(), proxy.parse(given.proxies))
    fargate = Fargate(platform)
    fargate.start()
    refusals = ApiFaults()
    patching.apply(table.all_patches(), fargate=fargate, api_faults=refusals, saver=saver)
    resources.register()
    closed_routes.keep_served(provisioners._RESOURCE_HANDLERS)
    application_autoscaling.install()
    service_quotas.install()
    control = control_api.handler(token, platform, faulty, refusals, LoadBalancers(platform.tasks), saver)
    secret = server_secret.ensure(state_dir)
    images = catalogue_api.handler(catalogue, faulty, server_secret.images_token(secret))
    for api, listener in ((control, listeners.control), (images, listeners.catalogue)):
        await asyncio.to_thread(fargate.run, loopback_http.serve(api, listener=listener))
    saver.remarks += [*catalogue.remarks, *faulty.remarks, *platform.faults.remarks]
    gate = Gate(app.app, keys(secret, sts._sessions), listeners.gateway.getsockname()[1])
    return gate, saver


def _reporting(application: Any, ready: Callable[[], None]) -> Any:
    """The application, which calls `ready` when its state is restored."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                ready()

        await application(scope, receive, sending if scope["type"] == "lifespan" else send)

    return wrapped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
