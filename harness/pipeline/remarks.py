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

    def __init__(self, notes: Mapping[str, int] | None = None, needs: str = "", limit: Any = None) -> None:
        """`notes` are those of an earlier try, as run.json has them. `needs` is the param that says how many tokens a
        right answer takes at least, and `limit` how many there may be (a number, or no limit)."""
        kept = notes if isinstance(notes, Mapping) else {}
        self.notes = Counter({str(text): n for text, n in kept.items() if isinstance(n, int)})
        self._served_by: Counter[str] = Counter()
        self._needs, self._limit = needs, limit if isinstance(limit, int) else None
        self._too_long = self._longest = 0
        self._no_room = self._filtered = self._ended = self._empty = 0

    def note(self, notes: Iterable[str]) -> None:
        """Count the notes of one sample, each once."""
        for text in set(notes):
            self.notes[text if text in self.notes or len(self.notes) < MOST else "other notes"] += 1

    def add(self, record: Mapping[str, Any]) -> None:
        """Count what a record shows."""
        needed = (record.get("params") or {}).get(self._needs)
        if self._limit and isinstance(needed, int) and needed > self._limit:
            self._too_long += 1
            self._longest = max(self._longest, needed)
        refused = bool(record.get("error"))  # the server's words
        self._no_room += refused and record["outcome"] == Outcome.TRUNCATED
        self._filtered += refused and record["outcome"] == Outcome.REFUSED
        name = str(record.get("served_by") or "")[:100]
        if name and (name in self._served_by or len(self._served_by) < MOST):
            self._served_by[name] += 1
        ended = record.get("stop_reason") == "stop"
        self._ended += ended
        self._empty += ended and not record["response"].strip()

    @property
    def beyond_limit(self) -> str:
        """How many samples no right answer could fit, in words; "" if there are none."""
        if not self._too_long:
            return ""
        return (
            f"no right answer fits into the limit of {self._limit} tokens: {_samples(self._too_long)}, the longest "
            f"takes {self._longest} at least (characters / 4); what is not right there says nothing of how the model "
            "reasons: raise --max-tokens"
        )

    def lines(self) -> list[str]:
        """One sentence for each thing to know; none if there is nothing."""
        found = [f"{text} ({_samples(times)})" for text, times in self.notes.items()]
        if len(self._served_by) > 1:
            names = ", ".join(f"{name!r} ({_samples(times)})" for name, times in self._served_by.most_common(3))
            more = f" and {len(self._served_by) - 3} more" if len(self._served_by) > 3 else ""
            found.append(f"the server named different models or revisions as it answered (`served_by`): {names}{more}")
        if self.beyond_limit:
            found.append(self.beyond_limit)
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
