"""How an item is asked in a condition: as published, its options in another order, its right option taken away, its
question not shown, or the text that it is about not shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from harness.tasks.hub.items import LETTERS, Item
from harness.tasks.hub.prompts import fill
from harness.tasks.hub.schema import HubSet

PUBLISHED, SHUFFLED, NONE, CHOICES, NO_CONTEXT = FORMS = (
    "published",
    "shuffled",
    "none_of_the_above",
    "choices_only",
    "no_context",
)
NONE_OF_THEM = "None of the other options"


class Asked(NamedTuple):
    """A prompt with its right answer. Of options, `order` has the place in the set's order of each that is shown."""

    prompt: str
    options: tuple[str, ...]
    order: tuple[int, ...]
    answer: str


def possible(hub_set: HubSet) -> tuple[str, ...]:
    """The conditions that make sense of a set: options of a row's own can be moved and replaced, a text left out."""
    forms = (PUBLISHED, SHUFFLED, NONE, CHOICES) if hub_set.options_vary else (PUBLISHED,)
    return (*forms, NO_CONTEXT) if hub_set.columns.context else forms


def usual(hub_set: HubSet) -> tuple[str, ...]:
    """The conditions that are asked if nobody says which: as published, and one that can be set beside it."""
    return possible(hub_set)[:2]


def ask(hub_set: HubSet, item: Item, form: str = PUBLISHED, order: Sequence[int] = ()) -> Asked:
    """The item in one of FORMS; `order` is that of the options, by default the set's."""
    places = tuple(order) or tuple(range(len(item.options)))
    shown = [item.options[i] for i in places]
    if form == NONE:
        shown[places.index(item.gold)] = NONE_OF_THEM
    lettered = hub_set.options_vary
    context = item.context
    if form == NO_CONTEXT:
        context = fill("no_context", {})
    values = {
        "context": f"{context}\n\n" if context else "",
        "question": item.question,
        "options": "\n".join(f"{letter}) {text}" for letter, text in zip(LETTERS, shown, strict=False)),
        "labels": ", ".join(item.options),
    }
    prompt = fill(CHOICES if form == CHOICES else hub_set.kind, values)
    answer = LETTERS[places.index(item.gold)] if lettered else item.answer
    return Asked(prompt, tuple(shown), places, answer)
