"""A page of another site in a real browser, and a server that any page may use, to show that the page works."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# Names that resolve here, as an attacker's do: to his server first, and then, rebound, to this one.
FOREIGN, REBOUND = "evil.example", "rebound.example"
LONGEST_SECONDS = 100

_PAGE = Path(__file__).with_name("foreign_page.html")


@dataclass
class Site:
    """The other site: it hands out the page, lets everyone read everything, and notes who asked for what."""

    plan: list[Mapping[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    read: list[dict[str, str]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def url(self, host: str, path: str = "") -> str:
        return f"http://{host}:{self.port}{path}"


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            kind, content = "text/plain", b"window.stolen = 'a secret'"
            if self.path == "/page":
                kind, content = "text/html", _PAGE.read_text().replace("PLAN", json.dumps(site.plan)).encode()
            elif self.path == "/done":
                site.read = json.loads(body)
                site.done.set()
            else:
                asked = self.headers.get("upgrade") or self.headers.get("accept") or ""
                site.asked.append((self.command, asked))
            if "image" in self.headers.get("sec-fetch-dest", ""):
                kind, content = "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>'
            self.send_response(200)
            if self.headers.get("accept") == "text/event-stream":
                kind, content = "text/event-stream", b"data: a secret\n\n"
            elif self.headers.get("sec-fetch-dest") == "script":
                kind = "text/javascript"
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            for name in ("origin", "methods", "headers"):
                self.send_header(f"access-control-allow-{name}", "*")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


@contextlib.contextmanager
def other_site() -> Iterator[Site]:
    """A site on a separate port, while the block runs."""
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _command(profile: Path, *arguments: str) -> list[str]:
    return [
        str(CHROMIUM),
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server"),
        f"--user-data-dir={profile}",
        f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1, MAP {REBOUND} 127.0.0.1",
        *arguments,
    ]


def visit(site: Site, host: str, plan: Sequence[Mapping[str, Any]], profile: Path) -> list[dict[str, str]]:
    """Open the site's page under a host's name until it has tried its plan; what it could read."""
    site.plan, site.read = list(plan), []
    site.done.clear()
    browser = subprocess.Popen(
        _command(profile, site.url(host, "/page")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert site.done.wait(LONGEST_SECONDS), "the page did not finish"
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()
    return site.read


def shown_at(url: str, profile: Path, *options: str) -> str:
    """The text of the document that the browser has of an address."""
    done = subprocess.run(
        _command(profile, *options, "--dump-dom", url),
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=True,
    )
    return done.stdout
