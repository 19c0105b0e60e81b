"""Multi-hop question answering: can a model chain facts, wherever they stand, and tell when one is missing?

Generated worlds, after MuSiQue (arXiv 2108.00573) and Lost in the Middle (arXiv 2307.03172), or published sets. See
README.md. Reads top to bottom: the options, the samples of a question, the score, the baselines.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from harness.errors import UsageError
from harness.hub import Pin
from harness.options import option, settle
from harness.reading import qa
from harness.reading.choices import UNANSWERABLE
from harness.tasks.multihop import controls, generator, layout, published, scoring, shallow
from harness.tasks.multihop.items import Document, Item, Single
from harness.tasks.multihop.measures import Compositionality
from harness.tasks.multihop.prompts import CLOSED_BOOK, DOCUMENTS, OFFER, SUPPORT
from harness.types import Collector, Example, Message, Params, Sample, Sampling, Scalar, Score, StopReason, Task

KINDS = tuple(generator.KINDS)
CONTEXTS = ("full", "unanswerable", "closed_book")
HOPS = "hops"
"""The context in which each hop of a chain is a question of its own, over the same documents."""


class Arrangement(NamedTuple):
    """How many documents there are (`label` is their number, or "all"), and the places of the gold documents."""

    label: int | str
    documents: int
    position: str
    order: str
    places: tuple[int, ...]


@dataclass(frozen=True)
class Multihop(Task):
    """What is the name of the town where the person who founded Tazkel was born? The facts are in two documents."""

    dataset: Literal["generated", "hotpotqa", "musique", "musique_full", "2wikimultihopqa", "strategyqa"] = option(
        "generated", "generated, or a published set: hotpotqa, musique, musique_full, 2wikimultihopqa, strategyqa"
    )
    file: Path | None = option(None, "the published set's official file (.gz too), instead of the hub")
    types: tuple[str, ...] = option(KINDS, f"generated: one or more of {', '.join(KINDS)}", choices=KINDS)
    documents: tuple[int, ...] = option(
        (), "how many documents, as 10,20; 10 if generated, else all there are", between=(1, 200)
    )
    positions: tuple[str, ...] = option(
        (), "where the gold documents stand: random (if generated), given (as published), start, middle, end, spread, "
        "a place from 0 such as 9, or a place for each hop such as 0+9"
    )  # fmt: skip
    order: tuple[str, ...] = option(
        ("random",), "hop order of the gold documents: one or more of random, forward, reverse", choices=layout.ORDERS
    )
    contexts: tuple[str, ...] = option(
        (),
        "one or more of full, unanswerable (the twin), closed_book (by default all that there are), and hops (each hop "
        "of a generated chain asked alone)",
        choices=(*CONTEXTS, HOPS),
    )
    support: bool = option(False, "ask for the numbers of the documents that the answer rests on, and score them")
    shallow: Literal["ends", "last_hop", "question", "frequent"] = option(
        "ends", "what baseline/shallow goes by: the first and the last hop, the last alone, the question, frequency"
    )
    rule: Literal["robust", "original"] = option("robust", "how answers are read: ours, or the official metric's")

    name: ClassVar[str] = "multihop"
    version: ClassVar[str] = "2"
    factors: ClassVar[tuple[str, ...]] = ("documents", "position", "order", "context")
    main: ClassVar[str] = "context"
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "documents": ("length", "words", "numbers", "largest number", "answer position", "vocabulary"),
        "position": ("answer position",),
        "order": ("answer position",),
        # No documents, or one sentence changed so that the right answer is "unanswerable".
        "context": ("all",),
        "placebo words": ("length", "words"),
    }
    sampling = Sampling(temperature=0.0, max_tokens=1024)

    def __post_init__(self) -> None:
        generated = self.dataset == "generated"
        if generated and self.file is not None:
            raise UsageError("task multihop: option file: say which set it is", "for example -T dataset=hotpotqa")
        settle(self, "task multihop")
        contexts = {"generated": CONTEXTS, "musique_full": CONTEXTS}.get(self.dataset, ("full", "closed_book"))
        known = (*contexts, HOPS) if generated else contexts
        if missing := [context for context in self.contexts if context not in known]:
            raise UsageError(
                f"task multihop: option contexts: there is no '{missing[0]}' in {self.dataset}",
                f"it takes: {', '.join(known)}",
            )
        if HOPS in self.contexts and (others := [kind for kind in self.types if not kind.startswith("chain")]):
            raise UsageError(
                f"task multihop: option contexts: the hops of {others[0]} are not asked one by one",
                "-T types=chain2,chain3,chain4",
            )
        positions = tuple(dict.fromkeys(name.strip().lower() for name in self.positions))
        defaults = {
            "contexts": self.contexts or contexts,
            "positions": positions or (("random",) if generated else ("given",)),
            "documents": self.documents or ((10,) if generated else ()),
        }
        for name, value in defaults.items():
            object.__setattr__(self, name, value)
        layout.check_positions(self.positions)
        if generated and "given" in self.positions:
            raise UsageError("task multihop: option positions: 'given' is for published sets")
        if generated and (few := [number for number in self.documents if number < generator.LEAST]):
            raise UsageError(f"task multihop: option documents: {few[0]} is not between {generator.LEAST} and 200")
        for position in self.positions:
            hops = layout.vector(position)
            others = [kind for kind in self.types if generated and hops and hops != generator.SUPPORT[kind]]
            if others:
                fitting = [kind for kind in KINDS if generator.SUPPORT[kind] == hops]
                raise UsageError(
                    f"task multihop: option positions: {position} has {hops} places, {others[0]} needs another number",
                    f"-T types={','.join(fitting)}" if fitting else "questions need 2 to 4 documents",
                )
            if self.documents and layout.highest(position) >= max(self.documents):
                raise UsageError(
                    f"task multihop: option positions: no place {position} among {max(self.documents)} documents",
                    "places count from 0",
                )

    @property
    def limit(self) -> int | None:
        """50 questions in every condition if they are generated, as these have no end; None for published sets."""
        if self.dataset != "generated":
            return None
        full = sum(
            len(self.order) if layout.ordered(position) else 1
            for n in self.documents
            for position in self.positions
            if layout.highest(position) < n
        )
        hops = -(-sum(generator.SUPPORT[kind] for kind in self.types) // len(self.types))
        return 50 * sum({"full": full, HOPS: hops}.get(context, 1) for context in self.contexts)

    def samples(self, seed: int) -> Iterator[Sample]:
        """Generated questions without end, their types in turn, or the questions of a published set."""
        if self.dataset == "generated":
            for index in itertools.count():
                yield from self._conditions(self.item(seed, index))
            return
        by_id: dict[str, list[Item]] = {}
        for item in published.load(self.dataset, self.file).items:
            by_id.setdefault(item.id, []).append(item)
        for items in by_id.values():
            for item in items:
                yield from self._conditions(item)

    def item(self, seed: int, index: int) -> Item:
        """The generated question number `index` of a seed, with enough documents for every condition."""
        kind = self.types[index % len(self.types)]
        plan = generator.plan(kind, min(self.documents), max(self.documents), self.version, seed, index)
        return generator.item(plan, f"{kind}-{seed}-{index:06d}")

    @classmethod
    def pins(cls) -> list[Pin]:
        """See harness.types.Task.pins."""
        return [source.pin for source in published.sources().values()]

    def data(self) -> Mapping[str, Any]:
        """See harness.types.Task.data."""
        return {} if self.dataset == "generated" else published.load(self.dataset, self.file).about

    def _conditions(self, item: Item) -> Iterator[Sample]:
        """The samples of one question; its hops, the twin and the closed book only for its first possible
        arrangement."""
        where = layout.Layout(item)
        every = len(item.support) + len(item.distractors)
        first: Arrangement | None = None
        for number, position in itertools.product(self.documents or (None,), self.positions):
            for order in self.order if layout.ordered(position) else ("given",):
                documents = number or every
                places = where.places(documents, position, order)
                if places is None:
                    continue
                at = Arrangement(number or "all", documents, position, order, places)
                first = first or at
                if not item.answerable:
                    continue
                if "full" in self.contexts and documents:
                    shown = where.documents(documents, places, item.support)
                    yield self._sample(item, "full", at, shown, item.answer)
        if first is None:
            return
        if HOPS in self.contexts:
            shown = where.documents(first.documents, first.places, item.support)
            for number, single in enumerate(item.singles, 1):
                yield self._sample(alone(item, single), f"hop{number}", first, shown, single.answer)
        if "unanswerable" in self.contexts and (item.twin or not item.answerable):
            shown = where.documents(first.documents, first.places, item.twin or item.support)
            yield self._sample(item, "unanswerable", first, shown, UNANSWERABLE)
        if "closed_book" in self.contexts and item.answerable:
            yield self._sample(item, "closed_book", first, [], item.answer)

    def _sample(self, item: Item, context: str, at: Arrangement, shown: Sequence[Document], answer: str) -> Sample:
        condition = "closed_book" if context == "closed_book" else f"{context}/{at.label}/{at.position}/{at.order}"
        offer = bool(shown) and "unanswerable" in self.contexts
        candidates = dict.fromkeys(itertools.chain.from_iterable(item.entities[: at.documents]))
        params: dict[str, Scalar] = {
            "dataset": self.dataset,
            "kind": item.kind,
            "documents": at.label,
            "position": at.position,
            "order": at.order,
            "context": context,
            "shown": len(shown),
            "gold": ",".join(map(str, at.places)) if shown else "",
            "answer": answer,
            "scorer": item.scorer,
        }
        if self.support and shown:
            params["support"] = True
        if HOPS in self.contexts:
            params["hops"] = len(item.hops)
        if item.aliases and answer == item.answer:
            params["aliases"] = json.dumps(item.aliases)
        if candidates:
            params["candidates"] = ",".join(candidates)
            params["chance"] = 1 / (len(candidates) + offer)
            params |= {"first_facts": ",".join(item.first_facts), "last_relation": item.last_wording}
        messages = (Message("user", _prompt(item.question, shown, offer, self.support)),)
        return Sample(f"{item.id}/{condition}", item.id, condition, params, messages, answer)

    @staticmethod
    def collector() -> Collector:
        """See measures.py."""
        return Compositionality()

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """The verdict by the option `rule`. Raises DataError if params have no right answer (scoring.golds_of)."""
        return self._by(scoring.original if self.rule == "original" else scoring.robust, params, response, stop_reason)

    def _by(self, rule: scoring.Rule, params: Params, response: str, stop_reason: StopReason) -> Score:
        if params.get("support"):
            return scoring.with_support(rule, params, response, stop_reason)
        return rule(params, response, stop_reason)

    def read(self, params: Params, response: str, stop_reason: StopReason = "stop") -> str | None:
        """As the response has it: `score` shows the gold in place of a phrase that gives it."""
        rule = scoring.original if self.rule == "original" else scoring.given
        return self._by(rule, params, response, stop_reason).answer

    def answer_key(self, answer: str) -> str:
        """Without case, punctuation and articles, as the official scorers compare."""
        return qa.normalise(answer) or super().answer_key(answer)

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: the answer. random: any name of the type asked for that the documents give, or "unanswerable" if the
        prompt offers it (params.chance is its expected score). shallow: see the option and shallow.py."""
        if kind == "oracle":
            cited = sample.params.get("support") and sample.target != UNANSWERABLE
            return sample.target + (scoring.cite(scoring.gold_places(sample.params)) if cited else "")
        prompt = sample.messages[-1].content
        if kind == "shallow":
            return shallow.SHALLOW[self.shallow](sample.params, prompt, rng)
        return rng.choice(shallow.options(sample.params, prompt))

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Generated questions with few documents, or none for a sample without documents. If the prompt offers
        "unanswerable", every third has no answer, whether the sample has one or not."""
        closed = sample is not None and sample.params["context"] == "closed_book"
        offer = not closed and (sample is None or "unanswerable" in self.contexts)
        seed = rng.random()
        for index in itertools.count():
            kind = self.types[index % len(self.types)]
            plan = generator.plan(kind, generator.LEAST, generator.LEAST, "example", seed, index)
            item = generator.item(plan, f"example-{seed}-{index}")
            where = layout.Layout(item)
            places = where.places(generator.LEAST, "random", "random")
            assert places is not None, "there are as many documents as were asked for"
            missing = offer and index % 3 == 2
            shown = where.documents(generator.LEAST, places, item.twin if missing else item.support)
            shown = [] if closed else shown
            answer = UNANSWERABLE if missing else item.answer
            if self.support and shown and not missing:
                answer += scoring.cite(places)
            yield Example(_prompt(item.question, shown, offer, self.support), answer)

    @property
    def placebos(self) -> Mapping[str, str]:  # type: ignore[override]
        """Those of generated or of published questions: see controls.py."""
        return controls.PLACEBOS["generated" if self.dataset == "generated" else "published"]

    @property
    def changes(self) -> Mapping[str, str]:  # type: ignore[override]
        """One for generated questions, none for published ones: see controls.py."""
        return controls.CHANGES["generated" if self.dataset == "generated" else "published"]

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        return controls.reworded(sample, placebo, rng)

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See controls.py. None without documents, and for a question that has no answer: with one it would be in
        another condition."""
        found = controls.item_of(sample)
        if found is None:
            return None
        kind, seed, index = found
        hop = str(sample.params["context"]).removeprefix("hop")
        made = generator.plan(kind, min(self.documents), max(self.documents), self.version, seed, index)
        plan = next(controls.plans(made, int(hop) if hop.isdecimal() else 0, rng), None)
        if plan is None:
            return None
        return next((s for s in self._conditions(generator.item(plan, sample.group)) if s.id == sample.id), None)


def alone(item: Item, single: Single) -> Item:
    """A hop as an item of its own, with the documents of the whole question."""
    return replace(
        item,
        question=single.question,
        answer=single.answer,
        entities=single.entities,
        first_facts=(single.fact,),
        last_wording=single.wording,
    )


def _prompt(question: str, shown: Sequence[Document], offer: bool, support: bool) -> str:
    if not shown:
        return f"{CLOSED_BOOK}\n\nQuestion: {question}\nAnswer:"
    lines = [f"[{i}] {title}: {text}" for i, (title, text) in enumerate(shown, 1)]
    instruction = [DOCUMENTS, *[OFFER] * offer, *[SUPPORT] * support]
    return f"{' '.join(instruction)}\n\n" + "\n".join(lines) + f"\n\nQuestion: {question}\nAnswer:"
