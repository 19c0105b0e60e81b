"""Progress of a run on standard error: a bar for people, lines for logs, or nothing."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Literal

from harness.models.registry import Price
from harness.pipeline.runner import Progress
from harness.text import printable

Display = Literal["rich", "plain", "none"]

LINE_EVERY_S = 10.0


def note(text: str) -> None:
    """A sentence for the user, beside the progress."""
    print(f"note: {printable(text)}", file=sys.stderr, flush=True)


def facts(p: Progress, rate: float, price: Price | None = None) -> str:
    """One line for both displays: what is waited for, rate, accuracy so far, tokens with their cost, errors, time left.
    `rate` is in samples per second."""
    left = (p.total - p.done) / rate if rate > 0 else None
    parts = [f"{rate:.1f}/s", f"accuracy {p.correct / p.verdicts:.3f} (n={p.verdicts})" if p.verdicts else "accuracy -"]
    paid = price.of(p.prompt_tokens, p.completion_tokens) if price else None
    parts.append(f"{p.tokens} tokens" + (f" (${paid:.2f})" if paid is not None else ""))
    if p.errors:
        parts.append(f"{p.errors} errors")
    parts.append("done" if p.done >= p.total else f"{left:.0f} s left" if left is not None else "- s left")
    return ", ".join([p.waiting, *parts] if p.waiting else parts)


def _rate(p: Progress) -> float:
    return (p.done - p.resumed) / max(time.monotonic() - p.started, 1e-6)


@contextlib.contextmanager
def progress(kind: Display, label: str, price: Price | None = None) -> Iterator[Callable[[Progress], None]]:
    """Yields a function that displays the progress given to it. It may be called any number of times. `price` is the
    model's, None if it is not known."""
    label = printable(label)
    if kind == "none":
        yield lambda _: None
    elif kind == "plain":
        yield _plain(label, price)
    else:
        with _rich(label, price) as update:
            yield update


def _plain(label: str, price: Price | None) -> Callable[[Progress], None]:
    last = [time.monotonic(), -1.0]

    def update(p: Progress) -> None:
        now = time.monotonic()
        finished = p.done >= p.total and last[1] != p.done
        if finished or now - last[0] >= LINE_EVERY_S:
            last[:] = [now, p.done]
            print(f"{label}: {p.done}/{p.total}, {facts(p, _rate(p), price)}", file=sys.stderr, flush=True)

    return update


@contextlib.contextmanager
def _rich(label: str, price: Price | None) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    shown = (TextColumn(f"{{task.{name}}}", markup=False) for name in ("description", "fields[facts]"))
    columns = (next(shown), BarColumn(), MofNCompleteColumn(), next(shown))
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=None, facts="starting")

        def update(p: Progress) -> None:
            bar.update(task, total=p.total, completed=p.done, facts=facts(p, _rate(p), price))

        yield update


def counting(label: str) -> Callable[[int, int], None]:
    """A function that is told how many of how many steps are done, and says so every ten seconds."""
    last = [time.monotonic()]

    def update(done: int, total: int) -> None:
        if time.monotonic() - last[0] >= LINE_EVERY_S:
            last[0] = time.monotonic()
            print(f"{printable(label)}: {done}/{total}", file=sys.stderr, flush=True)

    return update


def default() -> Display:
    """A bar on a terminal, lines elsewhere."""
    return "rich" if sys.stderr.isatty() else "plain"
