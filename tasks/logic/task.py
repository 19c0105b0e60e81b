"""Logic: what follows from what is said, in kinds of reasoning from lookup to defeasible rules.

For example: "Emma is a mouse. Mice are afraid of wolves. ... Of which kind of animal is Emma afraid?" The target is
"wolf".

Each kind is a module of its own (see kinds.py for what it gives, every.py for the list). Reads top to bottom: options,
samples, score, baselines, what search may use.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar

from harness.errors import DataError, UsageError
from harness.options import check_effect, number_list, option, settle
from harness.seeds import derive
from harness.tasks.logic import controls, in_steps, scoring
from harness.tasks.logic.every import KINDS
from harness.tasks.logic.kinds import FACTORS, Asked, Item, Kind
from harness.tasks.logic.measures import Beside
from harness.types import (
    Aid,
    Collector,
    Example,
    Feedback,
    Message,
    Param,
    Params,
    Sample,
    Sampling,
    Score,
    StopReason,
    Task,
)

MOST_GIVEN_AWAY = 3
"""Of a list of so many answers, "wrong" leaves next to nothing to guess."""
GROUPS = 25
"""Problems of each kind that are asked by default."""
NAMES = ("familiar", "nonsense", "misleading")
BELIEFS = ("neutral", "consistent", "violating")
POLARITIES = ("drawn", "positive", "negated")
ORDERS = ("shuffled", "forward", "backward")
DISTRACTORS = ("none", "same_predicate", "same_entity")
WORLDS = ("closed", "open")
TAKES = {
    "depth": [kind.name for kind in KINDS.values() if kind.depths],
    **{factor: [kind.name for kind in KINDS.values() if factor in kind.levels] for factor in list(FACTORS)[1:]},
}
"""Options that some kinds do not have, with those that do."""


@dataclass(frozen=True)
class Logic(Task):
    """What follows from what is said: deduction, induction and more, in familiar names and in nonsense words."""

    kind: tuple[str, ...] = option(
        tuple(KINDS), f"one or more of {', '.join(KINDS)}, all", choices=tuple(KINDS), aliases={"all": tuple(KINDS)}
    )
    depth: str = option("", "steps that an answer needs: a number, or a range such as 2-5; by default each kind's own")
    names: tuple[str, ...] = option(
        ("familiar", "nonsense"), f"one or more of {', '.join(NAMES)}, all", choices=NAMES, aliases={"all": NAMES}
    )
    belief: tuple[str, ...] = option(
        BELIEFS, f"one or more of {', '.join(BELIEFS)}, all", choices=BELIEFS, aliases={"all": BELIEFS}
    )
    polarity: tuple[str, ...] = option(
        ("drawn",), f"how it is asked: one or more of {', '.join(POLARITIES)}", choices=POLARITIES
    )
    order: tuple[str, ...] = option(
        ("shuffled",), f"order of the premises: one or more of {', '.join(ORDERS)}, all", choices=ORDERS,
        aliases={"all": ORDERS},
    )  # fmt: skip
    distractors: tuple[str, ...] = option(
        ("none",), f"premises that are not needed: one or more of {', '.join(DISTRACTORS)}, all", choices=DISTRACTORS,
        aliases={"all": DISTRACTORS},
    )  # fmt: skip
    world: tuple[str, ...] = option(
        WORLDS, "what is not said is false (closed, also: cwa), or not known (open, also: owa)", choices=WORLDS,
        aliases={"cwa": "closed", "owa": "open", "all": WORLDS},
    )  # fmt: skip

    name: ClassVar[str] = "logic"
    version: ClassVar[str] = "2"
    factors: ClassVar[tuple[str, ...]] = tuple(FACTORS)
    main: ClassVar[str] = "names"
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        # Other words are longer or shorter.
        "names": ("length", "answer length", "vocabulary", "answer", "answer position", "answer in prompt"),
        "belief": ("length", "words", "vocabulary", "answer position"),
        "form": ("all",),
        "polarity": ("answer", "answer length", "length", "words", "answer position"),
        "order": ("answer position",),
        "distractors": ("length", "words", "answer position", "vocabulary"),
        # The prompt says what holds of what is not said, and offers "unknown".
        "world": ("length", "words", "answer", "answer length", "answer position", "answer in prompt", "vocabulary"),
        # Synonyms of a rule stand in each rule: "whoever is" for "if someone is, then they are".
        "placebo words": ("length", "words", "answer position"),
    }
    measures: ClassVar[Mapping[str, str]] = {"steps": "depth"}
    baselines: ClassVar[Mapping[str, str]] = {
        name: f"a shallow reader of {', '.join(k.name for k in KINDS.values() if name in k.readers)}"
        for kind in KINDS.values()
        for name in kind.readers
        if name != "shallow"
    }
    placebos: ClassVar[Mapping[str, str]] = controls.PLACEBOS
    changes: ClassVar[Mapping[str, str]] = controls.CHANGES
    sampling = Sampling(temperature=0.0, max_tokens=2048)

    def __post_init__(self) -> None:
        settle(self, "task logic")
        check_effect(self, "task logic", TAKES)
        self._all_there_are()
        for kind in self._kinds:
            self._asked(kind)

    def _all_there_are(self) -> None:
        """UsageError for a level that no chosen kind has; `all` is those that there are."""
        for f in fields(self):
            levels = {level for kind in self._kinds for level in kind.levels.get(f.name, ())}
            given = getattr(self, f.name)
            if not levels or given in (f.default, f.metadata["choices"]):
                continue
            if lacking := [level for level in given if level not in levels]:
                raise UsageError(
                    f"task logic: option {f.name}: {', '.join(self.kind)} has no {lacking[0]}",
                    f"it has {', '.join(level for level in f.metadata['choices'] if level in levels)}",
                )

    # Samples ------------------------------------------------------------------------------------------------------

    @property
    def _kinds(self) -> list[Kind]:
        return [KINDS[name] for name in self.kind]

    @property
    def limit(self) -> int | None:
        """25 problems of each kind, in every condition; they have no end."""
        return GROUPS * sum(len(list(KINDS[name].items(self._problem(name, 0, 0)))) for name in self.kind)

    @cached_property
    def _wanted(self) -> Mapping[str, tuple[str, ...]]:
        return {factor: getattr(self, factor) for factor in FACTORS if hasattr(self, factor)}

    def _asked(self, kind: Kind) -> tuple[tuple[int, ...], Mapping[str, tuple[str, ...]]]:
        """(depths, levels of the kind's factors) that are asked for and that the kind has. Raises UsageError if it has
        none of them."""
        depths = kind.usual
        if self.depth and kind.depths:
            given = number_list((self.depth,), "task logic: option depth")
            depths = tuple(depth for depth in kind.depths if depth in given)
            if not depths:
                raise UsageError(
                    f"task logic: option depth: {kind.name} has no depth {self.depth}",
                    f"it has {kind.depths[0]} to {kind.depths[-1]}",
                )
        levels = {
            factor: tuple(level for level in self._wanted[factor] if level in has)
            for factor, has in kind.levels.items()
        }
        for factor, found in levels.items():
            if not found:
                raise UsageError(
                    f"task logic: option {factor}: {kind.name} has no {', '.join(self._wanted[factor])}",
                    f"it has {', '.join(kind.levels[factor])}",
                )
        return depths, levels

    def _problem(self, name: str, seed: int, index: int) -> Asked:
        """What is asked of problem number `index` of a kind; depths come in turn."""
        depths, levels = self._asked(KINDS[name])
        depth = depths[index % len(depths)] if depths else 0

        def draw(*purpose: object) -> random.Random:
            return random.Random(derive(self.name, self.version, name, depth, seed, index, *purpose))

        return Asked(levels, depth, draw)

    def samples(self, seed: int) -> Iterator[Sample]:
        """Problems without end, the kinds in turn."""
        for index in itertools.count():
            for name in self.kind:
                asked = self._problem(name, seed, index)
                group = f"{name}-{asked.depth}-{seed}-{index:06d}" if asked.depth else f"{name}-{seed}-{index:06d}"
                for item in KINDS[name].items(asked):
                    yield self._sample(KINDS[name], group, asked.depth, item)

    def _sample(self, kind: Kind, group: str, depth: int, item: Item) -> Sample:
        own = {factor: level for factor, level in item.levels.items() if factor in kind.levels or factor == "form"}
        condition = "/".join([kind.name, *(own[factor] for factor in FACTORS if factor in own)])
        params: dict[str, Param] = {**FACTORS, **own, "kind": kind.name}
        if kind.depths:
            params["depth"] = depth
        params |= {**item.params, "question": item.question, "choices": item.choices, "answer": item.answer}
        return Sample(f"{group}/{condition}", group, condition, params, (Message("user", item.text),), item.answer)

    # Score and baselines ------------------------------------------------------------------------------------------

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """One of a closed list of answers, read alike in all kinds and conditions (scoring.closed), unless the kind has
        a scorer of its own. Raises DataError for params that are not those of a sample."""
        kind = KINDS.get(str(params.get("kind")))
        rule = kind.score if kind is not None and kind.score is not None else scoring.closed
        return rule(params, response, stop_reason)

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: the answer. random: any of the choices. shallow, and the kinds in `baselines`: what this shallow
        reader of the sample's kind answers; its "shallow" if it has no such reader."""
        if kind == "oracle":
            return f"Answer: {sample.target}"
        if kind == "random":
            return f"Answer: {rng.choice(scoring.choices_of(sample.params))}"
        readers = KINDS[str(sample.params["kind"])].readers
        return f"Answer: {readers.get(kind, readers['shallow'])(sample.params, rng)}"

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Other problems of the sample's kind, depth and levels, in any of its forms, with their answers."""
        seed = rng.random()
        for index in itertools.count():
            own = sample.params if sample is not None else {"kind": self.kind[index % len(self.kind)]}
            kind = KINDS[str(own["kind"])]
            depths, levels = self._asked(kind)
            if sample is not None:
                levels = {factor: (str(own[factor]),) for factor in levels}
                depths = (int(str(own["depth"])),) if kind.depths else ()
            depth = depths[index % len(depths)] if depths else 0

            def draw(*purpose: object, index: int = index) -> random.Random:
                return random.Random(derive(self.name, self.version, "example", seed, index, *purpose))

            item = draw("chosen").choice(list(kind.items(Asked(levels, depth, draw))))
            yield Example(item.text, f"Answer: {item.answer}")

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py. There is no other order in the conditions forward and backward."""
        return controls.reworded(sample, placebo, rng)

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See controls.py and changes.py."""
        return controls.changed(sample, KINDS[str(sample.params["kind"])], rng)

    @staticmethod
    def collector() -> Collector:
        """Shallow readers beside the model, accuracy by depth, and the depth at which half of the answers are right."""
        return Beside()

    # What search may use ------------------------------------------------------------------------------------------

    @cached_property
    def feedback_aid(self) -> Aid:  # type: ignore[override]
        """A verifier's, unless some question has two answers, or three with "unknown": right or wrong then gives the
        answer away."""
        return "oracle" if set(self.kind) & set(self._given_away) else "verifier"

    @cached_property
    def _given_away(self) -> list[str]:
        """The kinds that have questions with few answers."""
        every = Logic()
        fewest = {n: min(len(item.choices) for item in KINDS[n].items(every._problem(n, 0, 0))) for n in KINDS}
        return [name for name, answers in fewest.items() if answers <= MOST_GIVEN_AWAY]

    @property
    def verifiable(self) -> str:  # type: ignore[override]
        """Those of its kinds whose questions have more answers, or all such kinds."""
        every = [name for name in KINDS if name not in self._given_away]
        return f"-T kind={','.join([name for name in self.kind if name in every] or every)}"

    def feedback(self, params: Params, response: str, level: str, stop_reason: StopReason = "stop") -> Feedback | None:
        """In the kind's own words, or whether the answer is the one that follows from the question's text."""
        kind = self._kind_of(params)
        if kind.feedback is not None:
            return kind.feedback(params, response, level, stop_reason)
        return Feedback.of(self.score({**params, "answer": kind.solve(params)}, response, stop_reason))

    def steps(self, params: Params, partial: str, k: int) -> list[Message] | None:
        """Of a kind that is answered in steps; None for the others."""
        search = self._kind_of(params).search
        return search.steps(params, partial, k) if search is not None else None

    def join(self, partial: str, thought: str) -> str:
        """A line that is no step leaves the partial answer as it is."""
        return in_steps.join(partial, thought)

    @property
    def judge_aid(self) -> Aid:  # type: ignore[override]
        """As feedback_aid: how far the goal of `rules` is tells whether it follows."""
        return self.feedback_aid

    def judge(self, params: Params, partial: str) -> float | None:
        """The exact value of a partial answer; None for kinds that are not answered in steps."""
        search = self._kind_of(params).search
        return search.judge(params, partial) if search is not None else None

    def _kind_of(self, params: Params) -> Kind:
        """Raises DataError for params of no kind, or without a question."""
        kind = KINDS.get(str(params.get("kind")))
        if kind is None:
            raise DataError(f"a logic sample needs params.kind, one of {', '.join(KINDS)}")
        if not isinstance(params.get("question"), str):
            raise DataError("a logic sample needs params.question, a text")
        return kind
