"""The reversal curse: a model that has learnt "A is B" should know "B is A".

For example, a prompt states "Ada Granrick is the discoverer of the comet Hollow Mirror." among other facts. Forward it
asks to finish "Ada Granrick is"; the target is "the discoverer of the comet Hollow Mirror". In reverse it asks to
finish "The discoverer of the comet Hollow Mirror is"; the target is "Ada Granrick".

After Berglund, Tong, Kaufmann, Balesni, Cooper Stickland, Korbak, Evans 2023 (arXiv 2309.12288). See README.md.
Reads top to bottom: the options, the samples of a fact, the score, the baselines.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from harness.errors import UsageError
from harness.options import option, settle
from harness.seeds import derive
from harness.tasks.persons import HELD_OUT_FIRST
from harness.tasks.reversal import celebrities, controls, likelihood, scoring
from harness.tasks.reversal.fictional import DIRECTIONS, facts, fictional_sample
from harness.tasks.reversal.people import MOST, ORDERS, Order, asked, draw, split
from harness.tasks.reversal.prompts import SHOTS, frames, text
from harness.tasks.reversal.scene import Scene
from harness.types import Collector, Example, Message, Params, Sample, Sampling, Score, StopReason, Task

SETS = ("context", "fictional", "fictional_both", "celebrities")


@dataclass(frozen=True)
class Reversal(Task):
    """A fact asked in the direction in which it was stated, and in the other one."""

    set: Literal["context", "fictional", "fictional_both", "celebrities"] = option(
        "context", f"{', '.join(SETS)}: where the facts are (in the prompt, in training data, in the world)"
    )
    file: Path | None = option(None, "celebrities: a copy of the published parent_child_pairs.csv instead of our pairs")
    people: int = option(6, "context: people in a prompt, 2 to 50", between=(2, 50))
    facts: int = option(
        30, "fictional: facts of each kind, as in `harness reversal-data --facts`", between=(1, MOST // 3)
    )
    paraphrases: int = option(1, "fictional: wordings of each question, 1 to 10", between=(1, 10))
    rule: Literal["robust", "original"] = option("robust", "how answers are read: ours, or the published rule")

    name: ClassVar[str] = "reversal"
    version: ClassVar[str] = "2"
    factors: ClassVar[tuple[str, ...]] = ("direction",)
    main: ClassVar[str] = "direction"

    def __post_init__(self) -> None:
        settle(self, "task reversal")
        if self.file is not None and self.set != "celebrities":
            raise UsageError("task reversal: option file is about celebrities", "add -T set=celebrities")

    @property
    def epochs(self) -> int:
        """10 for celebrities, as published for the reverse question; 1 for generated facts."""
        return 10 if self.set == "celebrities" else 1

    @property
    def limit(self) -> int | None:
        """100 facts in both directions for `context`, whose facts have no end; None for the other sets."""
        return 100 * len(DIRECTIONS) if self.set == "context" else None

    @property
    def sampling(self) -> Sampling:
        """Celebrities: temperature 1, as usual for the API, because repeats must differ. Facts learnt in training:
        temperature 0 and 50 tokens, as published. In context: temperature 0 and room for thinking."""
        if self.set == "celebrities":
            return Sampling(temperature=1.0, max_tokens=512)
        return Sampling(temperature=0.0, max_tokens=512 if self.set == "context" else 50)

    def samples(self, seed: int) -> Iterator[Sample]:
        """Each fact of the set, forward and in reverse."""
        if self.set == "context":
            return self._context(seed)
        return self._celebrities() if self.set == "celebrities" else self._fictional(seed)

    def _context(self, seed: int) -> Iterator[Sample]:
        """Groups without end. The prompt has `people` facts, one of which is asked in either direction. Every other
        group states the name first, so that neither direction always asks for a name."""
        for index in itertools.count():
            rng = random.Random(derive(self.name, self.version, "context", self.people, seed, index))
            order = ORDERS[index % 2]
            scene = Scene(draw(rng, self.people), rng.randrange(self.people), order)
            group = f"context{self.people}-{seed}-{index:06d}"
            for direction in DIRECTIONS:
                yield scene.sample(group, direction)

    def _fictional(self, seed: int) -> Iterator[Sample]:
        """The facts of `harness reversal-data` with this seed, asked in wordings that are not in the training data."""
        both = self.set == "fictional_both"
        for fact in (f for f in facts(seed, self.facts) if (f.trained == "both") == both):
            for direction, wording in itertools.product(DIRECTIONS, range(self.paraphrases)):
                yield fictional_sample(fact, direction, wording, self.set)

    def _celebrities(self) -> Iterator[Sample]:
        """One group for each pair: who is the parent of the child, and who is a child of the parent?"""
        pairs = celebrities.load(self.file)
        shots = [m for q, a in SHOTS for m in (Message("user", q), Message("assistant", a))]
        before = (Message("system", text("system")), *shots)
        for pair in pairs.rows:
            for direction in DIRECTIONS:
                given, answer = (pair.child, pair.parent) if direction == "forward" else (pair.parent, pair.child)
                # Another child in the file is as good an answer; the published rule does not accept it.
                accepted = pairs.children[pair.parent] if direction == "reverse" else ()
                params = {"set": self.set, "direction": direction, "relation": pair.relation, "given": given}
                params |= {"answer": answer, "accepted": scoring.SEPARATOR.join(accepted)}
                asks = text(direction).replace("{relation}", pair.relation)
                asks = asks.replace("{child}", given).replace("{parent}", given)
                group = f"{pair.child}, child of {pair.parent}"
                messages = (*before, Message("user", asks))
                yield Sample(f"{group}/{direction}", group, direction, params, messages, answer)

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """The verdict by the option `rule`. Raises DataError if params have no `answer`."""
        if self.rule == "original":
            return scoring.original(params, response)
        return scoring.robust(params, response, stop_reason)

    @staticmethod
    def collector() -> Collector:
        """A table of log-probabilities, for runs that asked for logprobs."""
        return likelihood.Likelihoods()

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: the answer. shallow: a table that can be read in the direction of the statement only, so it is right
        forward and, unless both directions were trained, wrong in reverse. random: any of the candidates."""
        if kind == "oracle":
            return sample.target
        candidates = self.candidates(sample)
        if kind == "random":
            return rng.choice(candidates)
        trained_both = sample.params.get("trained") == "both"
        if sample.params["direction"] == "forward" or trained_both:
            return sample.target
        right = {sample.target, *str(sample.params.get("accepted") or "").split(scoring.SEPARATOR)}
        return next((c for c in candidates if c not in right), "I don't know.")

    def read(self, params: Params, response: str, stop_reason: StopReason = "stop") -> str | None:
        """As the response has it: `score` shows the accepted name in place of a phrase that gives it."""
        if self.rule == "original":
            return super().read(params, response, stop_reason)
        return scoring.given(params, response, stop_reason).answer

    def answer_key(self, answer: str) -> str:
        """Without case, accents, punctuation and an article in front."""
        return scoring.plain(answer).strip().removeprefix("the ") or super().answer_key(answer)

    def candidates(self, sample: Sample) -> list[str]:
        """What `random` draws evenly from: the names or descriptions in the prompt (`context`) or of all facts
        (`fictional`); all mothers, fathers or children (`celebrities`). Its chance is the share that is right."""
        params = sample.params
        if params["set"] == "context":
            return [str(params["answer"]), *str(params["others"]).split(scoring.SEPARATOR)]
        if params["set"] == "celebrities":
            pairs = celebrities.load(self.file)
            return list(pairs.answers["child" if params["direction"] == "reverse" else str(params["relation"])])
        order = _order(params["order"])
        return [asked(fact.person, order)[1] for fact in facts(int(str(params["facts_seed"])), self.facts)]

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Celebrities: the three examples of the prompt, again and again. Other sets: people with first names that no
        sample has, asked in the sample's direction; their facts are in the prompt or, for the fictional sets, only
        asked about."""
        own = sample.params if sample is not None else {}
        if own.get("set") == "celebrities":
            yield from (Example(*shot) for shot in itertools.cycle(SHOTS))
        order, direction = _order(own.get("order")), str(own.get("direction"))
        while str(own.get("set")).startswith("fictional"):
            person = draw(rng, 1, HELD_OUT_FIRST)[0]
            start, _ = split(frames("test", order)[0], person, order)
            yield Example(text("finish").replace("{start}", start), asked(person, order)[1])
        while True:
            people = draw(rng, rng.randint(2, 8) if sample is None else int(str(own["people"])), HELD_OUT_FIRST)
            chosen = rng.randrange(len(people))
            scene = Scene(people, chosen, rng.choice(ORDERS) if sample is None else order)
            example = scene.sample("example", rng.choice(DIRECTIONS) if sample is None else direction)
            yield Example(example.messages[-1].content, example.target)

    @property
    def differs(self) -> Mapping[str, tuple[str, ...]]:  # type: ignore[override]
        """Descriptions are longer than names, so text behind them stands later. A prompt of the other sets says nothing
        but what is asked about: in one direction what is the answer in the other."""
        asked = () if self.set == "context" else ("words", "vocabulary")
        return {
            "direction": ("answer position", "length", *asked),
            "placebo words": ("length", "words"),
            "placebo layout": ("length",),
        }

    @property
    def placebos(self) -> Mapping[str, str]:  # type: ignore[override]
        """Those of the set: see controls.py."""
        return controls.PLACEBOS[controls.place_of(self.set)]

    @property
    def changes(self) -> Mapping[str, str]:  # type: ignore[override]
        """Those of the set: see controls.py."""
        return controls.CHANGES[controls.place_of(self.set)]

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        if self.set == "context":
            return controls.scene_reworded(sample, placebo, rng)
        if self.set == "celebrities":
            return controls.celebrity_reworded(sample, placebo, rng)
        return controls.fact_reworded(sample, placebo, self.facts, self.paraphrases, rng)

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        if self.set == "context":
            return controls.scene_changed(sample, change, rng)
        known = self.set == "celebrities"
        every = self._celebrities() if known else self._fictional(int(str(sample.params["facts_seed"])))
        return controls.another(sample, every, rng)


def _order(value: object) -> Order:
    return "name_first" if value == "name_first" else "description_first"
