"""Sentences that correct a list of steps by number: "step 3 should be ...", "leave out step 4"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.pddl import plan_words as words
from harness.pddl.lexicon import Fits, Lexicon, Step
from harness.pddl.plan_lists import Item
from harness.pddl.plan_steps import read_item


@dataclass(frozen=True)
class Correction:
    """A change to the list above. `how` is replace, remove, remove_range, swap, before or after (insert `steps` there).

    `number` is the number of the item to change, -1 for the last; `other` is the second item, or the end of the range,
    0 if the change has only one item.
    """

    how: str
    number: int
    other: int = 0
    steps: tuple[Step, ...] = ()


_HYPOTHETICAL = re.compile(r"\b(?:if|whether|what would|what happens)\b[^?!]{0,60}$")


def correction(text: str, lexicon: Lexicon, fits: Fits) -> Correction | str | None:
    """The correction that a sentence makes to the list above it; a text if it makes one that can't be read; else
    None."""
    for pattern, how in (
        (words.REMOVES, "remove"),
        (words.SWAPS, "swap"),
        (words.INSERTS, "insert"),
        (words.REPLACES, "replace"),
    ):
        m = pattern.search(text)
        if not m or _HYPOTHETICAL.search(text[: m.start()].rpartition(". ")[2]):
            continue
        groups = m.groupdict()
        number = next((groups[k] for k in ("n", "n2", "n4") if groups.get(k)), None)
        nth = groups.get("nth")
        if number is None and nth:
            number = str(_NTH.get(nth, -1))
        other = groups.get("m") or groups.get("m2")
        if how in ("remove", "swap"):
            if how == "remove" and other and groups.get("to") in ("to", "-", "–", "through"):
                return Correction("remove_range", int(number or 0), int(other))
            return Correction(how, int(number or 0), int(other or 0))
        said = next((groups[k] for k in ("what", "what2", "what3", "what4") if groups.get(k)), "") or ""
        found = read_item(said.strip(" \"'.:"), lexicon, fits)
        if found.steps:
            where = groups.get("where") or groups.get("where2")
            return Correction(
                "before" if where == "before" else "after" if how == "insert" else how, int(number or 0), 0, found.steps
            )
        if said.strip() and how == "replace" and m.group().rstrip().endswith(":"):
            continue
        if how == "replace" and not lexicon.mentions(said):
            continue
        return "it can't be read"
    return (
        "it can't be read"
        if words.CORRECTS.search(text) and lexicon.mentions(text) and not text.rstrip().endswith(":")
        else None
    )


_NTH = {w: i for i, w in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), 1)}


def apply(items: list[Item], made: Correction) -> bool:
    """Change the items in place as the correction demands. Returns False, and changes nothing, if they lack its
    number."""
    numbered = any(i.number for i in items)
    numbers = [i.number for i in items] if numbered else list(range(1, len(items) + 1))
    wanted = made.number if made.number >= 0 else numbers[-1]
    if wanted not in numbers:
        return False
    at = numbers.index(wanted)
    new = Item(wanted, "", made.steps)
    if made.how == "replace":
        items[at] = new
    elif made.how in ("before", "after"):
        items.insert(at + (made.how == "after"), Item(0, "", made.steps))
    else:
        if made.other and made.other not in numbers:
            return False
        other = numbers.index(made.other) if made.other else at
        if made.how == "swap":
            items[at], items[other] = items[other], items[at]
        elif made.how == "remove_range":
            del items[at : other + 1]
        else:
            for i in sorted({at, other}, reverse=True):
                del items[i]
    return True
