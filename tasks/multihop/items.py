"""A question with its documents, from the generator or from a published file. Knows no prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Document(NamedTuple):
    title: str
    text: str


class Hop(NamedTuple):
    """One step of the reasoning, as MuSiQue's question_decomposition has it; `support` counts Item.support."""

    question: str
    answer: str
    support: int


UNANSWERABLE = "unanswerable"
"""What is to be answered where the documents do not say."""


@dataclass(frozen=True, slots=True)
class Item:
    """`support` are the documents needed, in the order of the hops; `distractors` are taken from the front.

    `twin` stands for `support` in the unanswerable twin. `given` has the order of a published file: places of
    support and distractors, counted through. `entities` has the names on each document (support first) that could be
    answers. `first_facts` are what is said of the things that the question names ("Rikvon is based in"), `last_wording`
    what leads to the answer: for the shortcuts.
    """

    id: str
    kind: str
    question: str
    answer: str
    scorer: str
    support: tuple[Document, ...]
    distractors: tuple[Document, ...]
    aliases: tuple[str, ...] = ()
    twin: tuple[Document, ...] = ()
    twin_hop: int = -1
    given: tuple[int, ...] = ()
    hops: tuple[Hop, ...] = ()
    entities: tuple[tuple[str, ...], ...] = ()
    first_facts: tuple[str, ...] = ()
    last_wording: str = ""
    answerable: bool = True
