"""Headless Chromium through chromedriver's own HTTP interface; nothing but the standard library."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from typing import Any

from tests.waiting import HANG, started, until

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

    def command(self, name: str, **params: Any) -> None:
        """A command of Chromium's own protocol, such as Emulation.setEmulatedMedia."""
        _post(f"{self._session}/goog/cdp/execute", {"cmd": name, "params": params})

    def wait(self, condition: str) -> None:
        until(lambda: self.run(f"return {condition}"), condition)


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=HANG) as reply:
        return json.load(reply)


@contextlib.contextmanager
def browser(width: int = 1100) -> Iterator[Page]:
    assert DRIVER
    with (
        tempfile.TemporaryDirectory() as profile,
        started([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as driver,
    ):
        told = (re.search(r"on port ([1-9]\d*)", line) for line in driver.stdout)
        port = next((found[1] for found in told if found), None)
        assert port, f"{DRIVER} has not started"
        options = {"args": [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},900"], "binary": CHROMIUM}
        wanted = {"goog:chromeOptions": options, "timeouts": {"script": int(1000 * HANG)}}
        found = _post(f"http://127.0.0.1:{port}/session", {"capabilities": {"alwaysMatch": wanted}})
        session = f"http://127.0.0.1:{port}/session/{found['value']['sessionId']}"
        try:
            yield Page(session)
        finally:  # or the browser outlives its driver
            urllib.request.urlopen(urllib.request.Request(session, method="DELETE"), timeout=HANG)
