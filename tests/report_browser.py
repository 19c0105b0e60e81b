"""Headless Chromium through chromedriver's own HTTP interface; nothing but the standard library."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

DRIVER = shutil.which("chromedriver")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
).split()


class Page:
    """One tab: `run` executes a script in it and gives back what it returns (a promise is awaited)."""

    def __init__(self, session: str) -> None:
        self._session = session

    def open(self, url: str) -> None:
        _post(f"{self._session}/url", {"url": url})

    def run(self, script: str) -> Any:
        body = f"const done = arguments[0]; (async () => {{ {script} }})().then(done, (e) => done('ERROR ' + e))"
        return _post(f"{self._session}/execute/async", {"script": body, "args": []})["value"]

    def wait(self, condition: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not self.run(f"return {condition}"):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.05)


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


@contextlib.contextmanager
def browser(width: int = 1100) -> Iterator[Page]:
    assert DRIVER
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as profile:
        driver = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            root = f"http://127.0.0.1:{port}"
            for _ in range(100):
                with contextlib.suppress(urllib.error.URLError, ConnectionError):
                    urllib.request.urlopen(f"{root}/status", timeout=5)
                    break
                time.sleep(0.1)
            options = {"args": [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},900"], "binary": CHROMIUM}
            found = _post(f"{root}/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})
            session = f"{root}/session/{found['value']['sessionId']}"
            yield Page(session)
            request = urllib.request.Request(session, method="DELETE")
            urllib.request.urlopen(request, timeout=20)
        finally:
            driver.terminate()
            driver.wait(10)
