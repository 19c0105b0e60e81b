"""A server program as a child process: started with a log file, ended together with everything it started.

Between us and the server stands a supervisor, which is this file run as a script. It ends the server on SIGTERM, and
when our process is gone for whatever reason: kill -9 runs no clean-up of ours, and a forgotten server holds a GPU.
Knows no model and no HTTP; imports the standard library only, because the supervisor does.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

GRACE = 15.0
"""Seconds between SIGTERM and SIGKILL."""


class ServerProcess:
    """A running server, which ends when we end unless `outlives_us`. POSIX only.

    `pid` is its supervisor's: SIGTERM to that process ends everything.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, outlives_us: bool = False
    ) -> None:
        self.log = log
        parent = 0 if outlives_us else os.getpid()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", __file__, str(parent), str(GRACE), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,  # Ctrl-C at the terminal is for us: we end it in order
            )
        self.pid = self._supervisor.pid

    def exit_code(self) -> int | None:
        """The server's exit code, or 128 + the number of the signal that killed it; None while it runs."""
        return self._supervisor.poll()

    def end(self) -> None:
        """End the server, and return when it is gone: at most some seconds more than GRACE. May be called again."""
        if self._supervisor.poll() is None:
            self._supervisor.terminate()
        try:
            self._supervisor.wait(GRACE + 5)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()


def supervise(parent: int, grace: float, command: Sequence[str]) -> int:
    """Run the command in a session of its own until it is over. Returns the code to exit with.

    The command's whole process group ends when the command does, on SIGTERM, and when `parent` is no longer our parent
    (0: never).
    """
    told_to_end = False
    code: int | None = None

    def end(*_: object) -> None:
        nonlocal told_to_end
        told_to_end = True

    def ended() -> bool:
        """Collects all children that have died, adopted ones too. Returns whether the server has ended."""
        nonlocal code
        with contextlib.suppress(ChildProcessError):
            while (dead := os.waitpid(-1, os.WNOHANG))[0]:
                if dead[0] == server.pid:
                    code = os.waitstatus_to_exitcode(dead[1])
        return code is not None

    signal.signal(signal.SIGTERM, end)
    _adopt_orphans()
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    while not ended() and not told_to_end and parent in (0, os.getppid()):
        time.sleep(0.1)
    _signal_group(server.pid, signal.SIGTERM)
    if _wait_until(ended, grace):
        # Workers that outlive the server get a moment to clean up.
        _wait_until(lambda: ended() and not _signal_group(server.pid, 0), 2.0)
    _signal_group(server.pid, signal.SIGKILL)
    _wait_until(lambda: ended() and not _signal_group(server.pid, 0), 2.0)
    code = -signal.SIGKILL if code is None else code
    return code if code >= 0 else 128 - code


def _adopt_orphans() -> None:
    """Become the parent of workers whose server has died, if the system can do that: in many containers no other
    process would notice their death, and they would look alive for ever."""
    if sys.platform == "linux":
        import ctypes

        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def _signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group. Returns whether it has processes; the signal 0 only asks."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS: PermissionError if only dead ones are left
        return False
    return True


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_alive(pid: int) -> bool:
    """Whether there is such a process. It may be another one than was meant, since pids are reused."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PREFIX = re.compile(r"^(\([^()]*pid=\d+\) ?)?((INFO|WARNING|ERROR|DEBUG) \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\] ?)?")
_TOKEN = re.compile(r"hf_[A-Za-z0-9]{6,}")
_NOISE = re.compile(
    r"""^(  File "|\s{4}|\W*$|\s*[▀▄█]|Traceback \(most recent|The above exception|During handling"""
    r"""|.*\w*Warning: |  warnings\.warn|INFO: |\[shutdown\]|nanobind: |\s*- (leaked |\.\.\. skipped))"""
)


def log_lines(log: Path, count: int, size: int = 1 << 18) -> list[str]:
    """The last `count` lines that are informative, from the log's last `size` bytes: without colours, time stamps,
    stack frames, warnings, requests, the order of shutting down, repetitions and Hugging Face tokens; of a progress bar
    only its last state. Empty if the log can't be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - size))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    told: dict[str, None] = {}
    for raw in _ANSI.sub("", text).split("\n"):
        line = _PREFIX.sub("", raw.rstrip("\r").rpartition("\r")[2]).rstrip()
        if not _NOISE.match(line):
            line = _TOKEN.sub("hf_***", line.strip())[:300]
            told.pop(line, None)  # of lines that repeat, the last stays in its place
            told[line] = None
    return list(told)[-count:]


if __name__ == "__main__":
    sys.exit(supervise(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
