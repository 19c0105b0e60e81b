"""A question with its documents, from the generator or from a published file. Knows no prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Document(NamedTuple):
    """One document, which is one line of the prompt."""

    title: str
    text: str


class Hop(NamedTuple):
    """One step of the reasoning, as in MuSiQue's question_decomposition; `support` is an index into Item.support."""

    question: str
    answer: str
    support: int


class Single(NamedTuple):
    """One hop of a chain as a question of its own. `entities` has, for each document (support first), the names in it
    that could be its answer; `fact` is the beginning of the sentence that gives it, `wording` its relation."""

    question: str
    answer: str
    entities: tuple[tuple[str, ...], ...]
    fact: str
    wording: str


@dataclass(frozen=True, slots=True)
class Item:
    """`support` are the documents needed, in the order of the hops; `distractors` are taken from the front.

    `twin` replaces `support` in the unanswerable twin; `twin_hop` is the index of the document that it changes. `given`
    has the order of a published file: the numbers of support and distractors, counted through. `entities` has, for each
    document (support first), the names in it that could be answers. Two fields are for the shortcuts: `first_facts` are
    the beginnings of the sentences that the question starts from ("Rikvon is based in"), `last_wording` is the wording
    that leads to the answer. `singles` are the hops of a generated chain as questions of their own.
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
    singles: tuple[Single, ...] = ()
    entities: tuple[tuple[str, ...], ...] = ()
    first_facts: tuple[str, ...] = ()
    last_wording: str = ""
    answerable: bool = True
