"""Waiting for events instead of for time: what a crowded machine does slowly, it does all the same."""

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

HANG = 900.0
"""Seconds after which a wait is given up. It ends a hang and nothing else: no test comes near it on any machine, and
none is about speed (see benchmarks/)."""

T = TypeVar("T")


def _hang(what: str) -> str:
    return f"a hang, not a slow machine: still waiting after {HANG:g} s until {what}"


def until(happened: Callable[[], T], what: str) -> T:
    """What `happened` returns, as soon as that is true."""
    end = time.monotonic() + HANG
    while not (found := happened()):
        assert time.monotonic() < end, _hang(what)
        time.sleep(0.01)
    return found


async def until_async(happened: Callable[[], T], what: str) -> T:
    """`until`, while the event loop goes on."""
    end = time.monotonic() + HANG
    while not (found := happened()):
        assert time.monotonic() < end, _hang(what)
        await asyncio.sleep(0.001)
    return found


async def turns(count: int = 100) -> None:
    """Let everything go on that is ready to: so many turns of the event loop, however long they take."""
    for _ in range(count):
        await asyncio.sleep(0)


@contextlib.contextmanager
def started(command: Sequence[Any], hears_ctrl_c: bool = True, **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process that is killed at the end, if it has not ended by then.

    A shell that starts pytest in the background has it ignore SIGINT, and children inherit that: what SIGINT does to
    the process is said here, so that it does not depend on the shell.
    """
    # A handler of ours becomes the default one in the child; `preexec_fn` is not safe beside a server's thread.
    before = signal.signal(signal.SIGINT, signal.default_int_handler if hears_ctrl_c else signal.SIG_IGN)
    try:
        process = subprocess.Popen(command, **options)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[Any]) -> int:
    """Its exit code, as soon as it has ended by itself."""
    try:
        return process.wait(HANG)
    except subprocess.TimeoutExpired:
        raise AssertionError(_hang(f"{process.args!r} ends")) from None


def said(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it wrote to both of its outputs, as soon as it has ended by itself."""
    try:
        return process.communicate(timeout=HANG)
    except subprocess.TimeoutExpired:
        raise AssertionError(_hang(f"{process.args!r} ends")) from None


def run(command: Sequence[Any], **options: Any) -> subprocess.CompletedProcess[str]:
    """A command from its start to its end, and what it wrote."""
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options) as process:
        out, err = said(process)
    return subprocess.CompletedProcess(command, process.returncode, out, err)
