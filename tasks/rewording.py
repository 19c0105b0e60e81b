"""What the controls of several tasks need (Task.reworded and Task.changed): other words in a text, another order of its
lines. Knows no task."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from harness.types import Message, Param, Params, Sample

T = TypeVar("T")


def replaced(text: str, words: Mapping[str, str]) -> str:
    """The text with all these words (or phrases) replaced at once, whole words only: in what was put in, nothing is
    replaced again. Of two that begin at one place the longer one counts."""
    words = {old: new for old, new in words.items() if old != new}
    if not words:
        return text
    longest = sorted(words, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")
    return pattern.sub(lambda m: words[m[0]], text)


def with_capitals(words: Mapping[str, str]) -> dict[str, str]:
    """The same words, also with a capital."""
    return {**{_capital(old): _capital(new) for old, new in words.items()}, **words}


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def in_params(value: Param, words: Mapping[str, str]) -> Param:
    """A param with these words replaced."""
    if isinstance(value, str):
        return replaced(value, words)
    return tuple(replaced(v, words) if isinstance(v, str) else v for v in value) if isinstance(value, tuple) else value


def others(rng: random.Random, used: Iterable[str], pool: Iterable[str]) -> dict[str, str]:
    """Each used word -> another one of the pool, all different. None of them is a used one, unless the pool is too
    small: then words change places. Raises ValueError if the pool has fewer words than are used, or just one."""
    taken = list(dict.fromkeys(used))
    known = sorted(set(pool) | set(taken))
    free = [word for word in known if word not in taken]
    fresh = rng.sample(free if len(free) >= len(taken) else known, len(taken))
    while any(old == new for old, new in zip(taken, fresh, strict=True)):
        if len(known) < 2:
            raise ValueError("there is no other word")
        fresh = rng.sample(known, len(taken))
    return dict(zip(taken, fresh, strict=True))


def mixed(rng: random.Random, items: Sequence[T]) -> list[T]:
    """The items in another order; in the same one only if all orders are the same."""
    if all(item == items[0] for item in items):
        return list(items)
    order = list(items)
    while order == list(items):
        rng.shuffle(order)
    return order


def parts_replaced(text: str, parts: Mapping[str, str]) -> str:
    """The text with these stretches of it replaced at once, wherever they stand."""
    return re.sub("|".join(map(re.escape, parts)), lambda m: parts[m[0]], text) if parts else text


def said_otherwise(text: str, changes: Sequence[tuple[str, str]]) -> str:
    """The text with phrases replaced as they stand, one pair after the other: synonyms. A pair that is not there
    changes nothing."""
    for old, new in changes:
        text = text.replace(old, new)
    return text


def asked_as(sample: Sample, text: str, params: Params | None = None, target: str | None = None) -> Sample:
    """The sample with another text in its only message, and with other params and target if they are given."""
    message = Message(sample.messages[-1].role, text)
    return replace(
        sample,
        messages=(*sample.messages[:-1], message),
        params=sample.params if params is None else params,
        target=sample.target if target is None else target,
    )
