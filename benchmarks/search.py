"""Do searches side by side keep a server busy? Tree of Thoughts on many Game of 24 puzzles against a mock server.

    python benchmarks/search.py [--trees 64] [--latency-ms 50] [--connections 64]

Prints the calls, the wall time from the first request to the last answer, that time over calls * latency / connections
(1 is the least that there can be), and the mean share of the connections in use until the last tenth of that time. The
server is a process of its own, which counts.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from aiohttp import web
from mock_server import MockServer

from harness.tasks.game24.in_steps import successors


def reply(prompt: str) -> str:
    """Every next step; verdicts that depend on the numbers alone, so that trees differ and runs do not."""
    if found := re.search(r"With the numbers (.+), write the", prompt):
        return "\n".join(line for _, line in successors(tuple(sorted(map(Fraction, found[1].split())))))
    if "Numbers: " in prompt:
        return ("sure", "likely", "impossible")[sum(map(ord, prompt.rpartition("Numbers: ")[2])) % 3]
    return "Answer: 24 = 24" if prompt.startswith("From the numbers") else "impossible"


class Counting(MockServer):
    """Notes how many requests are under way whenever that changes: (seconds, number)."""

    load: list[tuple[float, int]]

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.load.append((time.perf_counter(), self.counters.concurrent + 1))
        try:
            return await super()._complete(request)
        finally:
            self.load.append((time.perf_counter(), self.counters.concurrent))


async def serve(latency_s: float, file: Path) -> None:
    """Serve until SIGTERM, then write the load to a file."""
    server = Counting(latency_s=latency_s, reply=reply)
    server.load = []
    serving = asyncio.create_task(server.serve())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    server._stop.set()
    await serving
    file.write_text(json.dumps(server.load))


def busy(load: list[tuple[float, int]], share: float) -> tuple[float, float]:
    """(seconds from the first to the last event, mean number under way in the first `share` of them)."""
    start, end = load[0][0], load[-1][0]
    until, area = start + share * (end - start), 0.0
    for (t, n), (after, _) in itertools.pairwise(load):
        area += n * max(0.0, min(after, until) - t)
    return end - start, area / (until - start)


def main() -> None:
    """Start the server, run the searches, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trees", type=int, default=64)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.serve:
        asyncio.run(serve(a.latency_ms / 1000, a.serve))
        return
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "load.json"
        command = [sys.executable, __file__, "--latency-ms", str(a.latency_ms), "--serve", str(file)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout
        url = server.stdout.readline().strip()
        try:
            run = [str(Path(sys.executable).with_name("harness")), "run", "--task", "game24", "-T", "targets=24",
                   "-T", "indices=900-999", "--limit", str(a.trees), "--strategy", "tot", "-S", "n_evaluate=1",
                   "--model", "openai/mock", "--base-url", url, "--max-connections", str(a.connections),
                   "--display", "none"]  # fmt: skip
            subprocess.run(run, cwd=directory, stdout=subprocess.DEVNULL, check=True)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
        load = json.loads(file.read_text())
    calls, (wall, used) = len(load) // 2, busy(load, 0.9)
    least = calls * a.latency_ms / 1000 / a.connections
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}; {a.latency_ms:g} ms latency\n")
    print("| trees | connections | calls | wall s | of the least possible | connections in use |")
    print("|---|---|---|---|---|---|")
    print(f"| {a.trees} | {a.connections} | {calls} | {wall:.2f} | {wall / least:.2f} | {used / a.connections:.0%} |")


if __name__ == "__main__":
    main()
