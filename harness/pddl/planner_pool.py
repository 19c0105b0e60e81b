"""Processes that plan, or check plans with foreign code. Each call has a time limit; a process that exceeds it is
ended.

A process that hangs, crashes or answers nonsense costs its own call and is replaced at the next. It leads a process
group, so that the search it started ends with it. `planner_worker` knows planners, this file does not. POSIX only.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from harness.pddl import planner_worker
from harness.trust import child_environment

WORKER = (sys.executable, "-P", planner_worker.__file__)

START_LIMIT = 60.0
"""Seconds that a process may take to start; importing unified-planning takes one."""

LONGEST_ANSWER = 16 << 20
"""Bytes of one answer."""


class Fault(Exception):  # noqa: N818 - callers turn it into a value
    """A call has no answer: `status` is timeout or failed, `detail` explains it to a person."""

    def __init__(self, status: Literal["timeout", "failed"], detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class _Process:
    """One worker. Only `kill` may be called while another thread waits in `ask`."""

    def __init__(self, command: Sequence[str]) -> None:
        self._home = tempfile.TemporaryDirectory(prefix=planner_worker.HOME, ignore_cleanup_errors=True)
        self._request = Path(self._home.name, "request.json")
        self._log = Path(self._home.name, "errors.log")
        self._lock = threading.Lock()
        self._gone = False
        self._errors = ""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self._home.name,  # Fast Downward writes to the working directory
                env={**child_environment(), "TMPDIR": self._home.name},
                start_new_session=True,  # Ctrl-C is for us; a group of its own, to be ended as one
                bufsize=0,
            )
        self._selector = selectors.DefaultSelector()
        assert self._process.stdout is not None
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def wait_until_ready(self) -> None:
        ready = self._answer(START_LIMIT)
        if not ready.get("ready"):
            raise Fault("failed", f"the planner's process can't start: {ready.get('error', 'no reason given')}")

    def ask(self, request: dict[str, Any], time_limit: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._request.write_text(json.dumps(request), encoding="utf-8")  # not the pipe, which could fill
        try:
            self._process.stdin.write(b"\n")
        except OSError:
            raise Fault("failed", self._last_words()) from None
        return self._answer(time_limit)

    def _answer(self, time_limit: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        deadline = time.monotonic() + time_limit
        text = b""
        while not text.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Fault("timeout", f"no answer within {time_limit:g} s")
            if not self._selector.select(min(left, 1000.0)):
                continue
            piece = self._process.stdout.read(1 << 16)
            if not piece:
                raise Fault("failed", self._last_words())
            text += piece
            if len(text) > LONGEST_ANSWER:
                raise Fault("failed", "an answer without end")
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise Fault("failed", f"not an answer: {text[:80]!r}")
        return answer

    def is_usable(self) -> bool:
        """Whether it waits for a request. If it died, or wrote something unasked, there is something to read."""
        return not self._selector.select(0)

    def _last_words(self) -> str:
        code = self.end()
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"the planner's process was ended by {signal.Signals(-code).name}"
        return f"the planner's process exited with code {code}{self._errors}"

    def kill(self) -> None:
        """End the process and all that it started; a thread that waits for its answer gets a Fault."""
        with self._lock:
            # Never after `end`: by then the number may be another group's.
            if not self._gone:
                with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: only dead ones are left
                    os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> int:
        """Kill the process and release its files and pipes. Returns the exit code; may be called again."""
        self.kill()
        with self._lock:
            if not self._gone:
                self._process.wait()
                # A search that was killed takes a moment to let go of its files. On a machine where nobody collects
                # orphans it stays listed for ever, so this does not wait for long.
                until = time.monotonic() + 0.5
                while time.monotonic() < until and _is_listed(self._process.pid):
                    time.sleep(0.01)
                self._gone = True
                self._errors = _tail(self._log)
                self._selector.close()
                for pipe in (self._process.stdin, self._process.stdout):
                    if pipe is not None:
                        with contextlib.suppress(OSError):
                            pipe.close()
                self._home.cleanup()
        return self._process.returncode


def _is_listed(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 2000))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return f": {lines[-1][:300]}" if lines else ""


class Pool:
    """At most `size` processes, started when they are needed. `ask` may be called from many threads at once."""

    def __init__(self, size: int, command: Sequence[str] = WORKER) -> None:
        self._command = command
        self._places = threading.Semaphore(size)
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._closed = False

    def ask(self, request: dict[str, Any], time_limit: float) -> dict[str, Any]:
        """The answer to a request, both JSON objects. Raises Fault if there is no answer.

        `time_limit` is in seconds from when a process takes the request: its start and the wait for a free one do not
        count.
        """
        with self._places:
            process = self._take()
            answer = None
            try:
                if process is None:
                    process = self._start()
                answer = process.ask(request, time_limit)
            except OSError as error:
                raise Fault("failed", f"a planner's process can't be used here: {error}") from None
            finally:  # Ctrl-C too
                if process is not None:
                    self._put_back(process, answer is not None)
            return answer

    def _take(self) -> _Process | None:
        """An idle process that still lives, else None. Raises Fault if the pool is closed."""
        while True:
            with self._lock:
                if self._closed:
                    raise Fault("failed", "planning was called off")
                if not self._idle:
                    return None
                process = self._idle.pop()
                self._busy.add(process)
            if process.is_usable():
                return process
            self._put_back(process, False)

    def _start(self) -> _Process:
        process = _Process(self._command)
        try:
            with self._lock:
                if self._closed:
                    raise Fault("failed", "planning was called off")
                self._busy.add(process)
            process.wait_until_ready()
        except BaseException:
            self._put_back(process, False)
            raise
        return process

    def _put_back(self, process: _Process, is_well: bool) -> None:
        with self._lock:
            self._busy.discard(process)
            if is_well and not self._closed:
                self._idle.append(process)
                return
        process.end()

    def close(self) -> None:
        """End all processes; calls under way end with a Fault, and so does any later one."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for process in self._busy:
                process.kill()
        for process in idle:
            process.end()
