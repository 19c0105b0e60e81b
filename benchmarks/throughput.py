"""The harness compared with raw clients, in one run on one machine: wall time and peak memory of whole processes.

    python benchmarks/throughput.py [--prompts 2000] [--latency-ms 50] [--connections 128] [--rounds 3]

Prints a Markdown table. The harness's time includes its start-up, generation, scoring, the durable log and the table.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent


def timed(command: list[str], directory: str) -> tuple[float, float]:
    """(wall seconds, peak MiB) of a process; exits with its error output if the process fails."""
    start = time.perf_counter()
    with open(os.devnull, "w") as null, tempfile.TemporaryFile() as err:  # noqa: PTH123 - not a path of ours
        process = subprocess.Popen(command, cwd=directory, stdout=null, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            err.seek(0)
            sys.exit(f"{' '.join(command)} failed: {err.read().decode()[-500:]}")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    """Start the mock server, run the clients in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=2000)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-at", type=int, default=20_000, help="a second run of the harness, for its memory")
    a = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, str(HERE / "mock_server.py"), "--latency-ms", str(a.latency_ms)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    url = server.stdout.readline().strip()
    harness = str(Path(sys.executable).with_name("harness"))

    def run(prompts: int) -> list[str]:
        return [harness, "run", "--task", "aiw", "-T", "family=procedural", "--limit", str(prompts), "--epochs", "1",
                "--model", "openai/mock", "--base-url", url, "--max-connections", str(a.connections),
                "--display", "none"]  # fmt: skip

    raw = [sys.executable, str(HERE / "raw_client.py")]
    shape = [url, str(a.prompts), str(a.connections)]
    clients = {
        "raw aiohttp": [*raw, "aiohttp", *shape],
        "harness": run(a.prompts),
        "raw openai": [*raw, "openai", *shape],
    }
    try:
        with tempfile.TemporaryDirectory() as directory:
            measured: dict[str, list[tuple[float, float]]] = {name: [] for name in clients}
            for _ in range(a.rounds):  # in turn, so that a slow minute hits all of them
                for name, command in clients.items():
                    measured[name].append(timed(command, directory))
            large = timed(run(a.memory_at), directory) if a.memory_at else None
    finally:
        server.terminate()
        server.wait()

    base = statistics.median(s for s, _ in measured["raw aiohttp"])
    print(f"{a.prompts} prompts, {a.latency_ms:g} ms latency, {a.connections} connections, median of {a.rounds}; "
          f"{os.cpu_count()} cores, Python {platform.python_version()}, aiohttp {version('aiohttp')}, "
          f"openai {version('openai')}\n")  # fmt: skip
    print("| client | wall s | of raw aiohttp | peak MiB |\n|---|---|---|---|")
    for name, runs in measured.items():
        wall, peak = statistics.median(s for s, _ in runs), max(m for _, m in runs)
        print(f"| {name} | {wall:.2f} | {wall / base:.2f} | {peak:.0f} |")
    if large:
        print(f"| harness, {a.memory_at} prompts | {large[0]:.2f} | | {large[1]:.0f} |")


if __name__ == "__main__":
    main()
