"""Which position of one prompt stands for which of another, if they have different numbers of tokens.

Words are matched, not tokens: those that both prompts begin with, those that both end with, and between them the
longest runs that both have (difflib). Where words were exchanged for others, their tokens are matched from the end, as
far as the fewer go: the last token of a name or a number is the one at which a decoder has read all of it. What is left
has no partner: it is neither patched nor a source.

An activation that is put at another position: in Llama's layout positions enter queries and keys alone, as a rotation
inside of each attention. What a layer gets, what attention and MLP add and what a head hands on hold no rotation, so
that later queries and keys, which are made of what was put in, are rotated for the position where it now is. But its
content was computed at the old one: what a head hands on was gathered from all tokens of the other prompt, also from
those without a partner, at their distances there, and a stream can hold which position it is (a decoder can count). And
tokens without a partner stay in the run that is patched, and are looked at: all of layer 0 together need not restore
the clean run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from harness.lab.models import LabModel

Words = list[list[int]]
"""The token ids of each word."""
MOVED = (
    "Queries and keys are rotated for the position at which an activation is put; its content was computed at the old "
    "one, also from tokens without a partner. Those of the patched run stay in it."
)
"""The trap, for a table's note."""


@dataclass(frozen=True)
class Alignment:
    """`partners` are (position in the clean prompt, in the corrupted one), both rising; the last positions of both are
    always partners. `differ` are the positions of the clean prompt that are in words which differ, `first` is where the
    first such word begins, or would: before it the two runs are the same."""

    partners: tuple[tuple[int, int], ...]
    differ: tuple[int, ...]
    first: int


def align(lab: LabModel, clean: Sequence[int], corrupted: Sequence[int]) -> Alignment:
    """Of two prompts as token ids, which must not be the same. If they are swapped, so are the partners."""
    # difflib decides between equals by its first argument, so that is always the same one of the two.
    turned = (len(clean), *clean) > (len(corrupted), *corrupted)
    one, other = (words(lab, ids) for ids in ((corrupted, clean) if turned else (clean, corrupted)))
    partners: list[tuple[int, int]] = []
    differ: list[int] = []
    starts = []
    for same, mine, theirs in _stretches(one, other):
        if turned:
            mine, theirs = theirs, mine
        n = min(len(mine), len(theirs))
        partners += zip(mine[len(mine) - n :], theirs[len(theirs) - n :], strict=True)
        if not same:
            differ += mine
            starts.append(mine.start)
    return Alignment(tuple(partners), tuple(differ), starts[0])


def words(lab: LabModel, ids: Sequence[int]) -> Words:
    """Runs of tokens that are written together, of digits and of letters that have a case; any other token alone."""
    found: Words = []
    before = ""
    for i, token in enumerate(ids):
        own = lab.token(token)
        # Read behind the token before it: some tokenizers leave out a space that begins a text.
        text = str(lab.tokenizer.decode([ids[i - 1], token]))[len(before) :] if i else own
        if _in_word(before[-1:]) and _in_word(text[:1]):
            found[-1].append(token)
        else:
            found.append([token])
        before = own
    return found


def _in_word(character: str) -> bool:
    return character.isdigit() or character.lower() != character.upper()


def _stretches(one: Words, other: Words) -> Iterator[tuple[bool, range, range]]:
    """(whether the words are the same, the positions of their tokens in each prompt), first to last."""
    most = min(len(one), len(other))
    head = next((i for i in range(most - 1) if one[i] != other[i]), most - 1)
    tail = next((i for i in range(most - head) if one[-1 - i] != other[-1 - i]), most - head)
    last = max(1, tail)  # the last words are partners even if they differ: there the answer is read
    a, b = ([tuple(word) for word in some[head : len(some) - last]] for some in (one, other))
    between = [(tag == "equal", i + head, k + head, m + head, n + head)
               for tag, i, k, m, n in SequenceMatcher(None, a, b, autojunk=False).get_opcodes()]  # fmt: skip
    end = (tail > 0, len(one) - last, len(one), len(other) - last, len(other))
    mine, theirs = _positions(one), _positions(other)
    for same, i, k, m, n in ((True, 0, head, 0, head), *between, end):
        yield same, range(mine[i], mine[k]), range(theirs[m], theirs[n])


def _positions(words: Words) -> list[int]:
    """Where each word begins, and the end."""
    found = [0]
    for word in words:
        found.append(found[-1] + len(word))
    return found
