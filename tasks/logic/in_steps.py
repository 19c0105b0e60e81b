"""Answers in the making, for strategies that search: a line is one step, "Answer: ..." ends them."""

from __future__ import annotations

LONGEST = 300
"""Characters of the longest line that is a step."""


def join(partial: str, thought: str) -> str:
    """A partial answer with the first line of a thought, without the marks of a list; as it was if that has no
    words."""
    line = next((line for line in thought.split("\n") if line.strip()), "").strip(" \t-*•")
    line = line.lstrip("0123456789").lstrip(".) ") if line[:1].isdigit() else line
    if not any(c.isalpha() for c in line) or len(line) > LONGEST:
        return partial
    return f"{partial}\n{line}" if partial else line


def complete(partial: str) -> bool:
    """Whether the last line gives the answer."""
    return partial.rpartition("\n")[2].lower().startswith("answer:")
