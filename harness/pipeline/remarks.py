"""What a reader of a run's table should know about its answers: one line each, with the number of samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from harness.types import Outcome

MOST = 20
"""Notes come from servers: only so many different ones are kept apart."""


class Remarks:
    """Notes of models, counted by samples, and what the records show by themselves."""

    def __init__(self, notes: Mapping[str, int] | None = None) -> None:
        """`notes` are those of an earlier try, as run.json has them."""
        kept = notes if isinstance(notes, Mapping) else {}
        self.notes = Counter({str(text): n for text, n in kept.items() if isinstance(n, int)})
        self._served_by: Counter[str] = Counter()
        self._no_room = self._filtered = self._ended = self._empty = 0

    def note(self, notes: Iterable[str]) -> None:
        """Count the notes of one sample, each once."""
        for text in set(notes):
            self.notes[text if text in self.notes or len(self.notes) < MOST else "other notes"] += 1

    def add(self, record: Mapping[str, Any]) -> None:
        """Count what a record shows."""
        refused = bool(record.get("error"))  # the server's words
        self._no_room += refused and record["outcome"] == Outcome.TRUNCATED
        self._filtered += refused and record["outcome"] == Outcome.REFUSED
        name = str(record.get("served_by") or "")[:100]
        if name and (name in self._served_by or len(self._served_by) < MOST):
            self._served_by[name] += 1
        ended = record.get("stop_reason") == "stop"
        self._ended += ended
        self._empty += ended and not record["response"].strip()

    def lines(self) -> list[str]:
        """One sentence for each thing to know; none if there is nothing."""
        found = [f"{text} ({_samples(times)})" for text, times in self.notes.items()]
        if len(self._served_by) > 1:
            names = ", ".join(f"{name!r} ({_samples(times)})" for name, times in self._served_by.most_common(3))
            more = f" and {len(self._served_by) - 3} more" if len(self._served_by) > 3 else ""
            found.append(f"the server named different models or revisions as it answered (`served_by`): {names}{more}")
        if self._no_room:
            found.append(
                f"{_samples(self._no_room)} did not fit the model's context and got no answer (`truncated`, with the "
                "server's words in the column `error`): serve the model with a longer context, ask for shorter "
                "prompts, or lower --max-tokens"
            )
        if self._filtered:
            found.append(
                f"{_samples(self._filtered)} refused by the server's content filter (`refused`, with its words in the "
                "column `error`)"
            )
        if self._ended and self._empty == self._ended:
            found.append(
                f"all answers that ended by themselves are empty ({_samples(self._empty)}): does the server put the "
                "text into another field (a reasoning parser), or is the chat template wrong?"
            )
        return found


def _samples(count: int) -> str:
    return f"{count} {'sample' if count == 1 else 'samples'}"
