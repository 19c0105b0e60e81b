"""Pearl's ladder: association, intervention and counterfactual in one world, so that only the question differs.

For example: of the people who work in the mine, so many smoke, so many cough if they smoke, so many in any case ... "Do
those who smoke cough more often?", "If all were made to smoke, would people cough more often?", "Of somebody who smokes
and coughs: would the person not cough without?" The three answers are drawn independently of each other.

After Pearl 2009, *Causality*; Jin et al. 2023, CLadder (arXiv 2312.04350); see README.md. Reads top to bottom: the
options, the samples, the score, the baselines.
"""

from __future__ import annotations

import functools
import itertools
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Literal

from harness.errors import UsageError
from harness.options import check_effect, option, settle
from harness.reading import commitment, percentages, yes_no
from harness.reading.outcome import judge
from harness.tasks.ladder import baselines, boolean, chains, controls, equivalence, rungs, tables
from harness.tasks.ladder.kinds import Kind
from harness.tasks.ladder.measures import Measures
from harness.tasks.ladder.worlds import RUNGS
from harness.types import Aid, Example, Message, Param, Params, Sample, Sampling, Score, StopReason, Task

KINDS: dict[str, Kind] = {
    "ladder": rungs.KIND,
    "table": tables.KIND,
    "boolean": boolean.KIND,
    "chain": chains.KIND,
    "equivalence": equivalence.KIND,
}
EVERY_NAME = tuple(dict.fromkeys(name for kind in KINDS.values() for name in kind.names))
TAKES = {
    "rungs": ("ladder", "table", "boolean"),
    "form": ("ladder",),
    "graphs": ("table",),
    **dict.fromkeys(("lengths", "orders", "asked"), ("chain",)),
    **dict.fromkeys(("n", "wording"), ("equivalence",)),
}
"""Options that some kinds do not have, with those that do."""
TOLERANCE = Fraction(5, 100)
"""How many points a percentage may be off."""


@dataclass(frozen=True)
class Ladder(Task):
    """Seeing, doing, imagining: the same world, three questions that differ in their rung alone."""

    kind: Literal["ladder", "table", "boolean", "chain", "equivalence"] = option("ladder", f"one of {', '.join(KINDS)}")
    names: tuple[str, ...] = option(
        (), f"what variables are called: one or more of {', '.join(EVERY_NAME)}; all that the kind has, by default",
        choices=EVERY_NAME,
    )  # fmt: skip
    rungs: tuple[str, ...] = option(
        RUNGS, f"those of {', '.join(RUNGS)} that the kind has", choices=RUNGS, aliases={"all": RUNGS}
    )
    form: Literal["yesno", "number"] = option("yesno", "ladder: answers are yes or no, or a percentage (number)")
    graphs: tuple[str, ...] = option(
        ("confounder", "mediator"), f"table: one or more of {', '.join(tables.GRAPHS)}, all",
        choices=tables.GRAPHS, aliases={"all": tables.GRAPHS},
    )  # fmt: skip
    lengths: tuple[int, ...] = option(tuple(range(3, 9)), "chain: things in a chain, 3 to 8", between=chains.LENGTHS)
    orders: tuple[str, ...] = option(
        chains.ORDERS, f"chain: order of the statements: one or more of {', '.join(chains.ORDERS)}",
        choices=chains.ORDERS, aliases={"all": chains.ORDERS},
    )  # fmt: skip
    asked: tuple[str, ...] = option(
        chains.ASKED[:4], f"chain: what is asked: one or more of {', '.join(chains.ASKED)}",
        choices=chains.ASKED, aliases={"all": chains.ASKED},
    )  # fmt: skip
    n: tuple[int, ...] = option((4,), "equivalence: number of variables, 3 (few questions) or 4", between=(3, 4))
    wording: tuple[str, ...] = option(
        equivalence.WORDINGS, f"equivalence: one or more of {', '.join(equivalence.WORDINGS)}",
        choices=equivalence.WORDINGS, aliases={"all": equivalence.WORDINGS},
    )  # fmt: skip

    name: ClassVar[str] = "ladder"
    version: ClassVar[str] = "1"
    factors: ClassVar[tuple[str, ...]] = ("rung", "graph", "order", "asked", "wording", "names")
    main: ClassVar[str] = "rung"
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        # Percentages differ between rungs; yes and no do not. The position of an answer is that of the sentence that
        # says how to answer, at the end: a longer text moves it.
        "rung": ("length", "words", "vocabulary", "answer", "answer position"),
        "graph": ("length", "words", "vocabulary", "answer position", "answer"),
        "asked": ("answer", "answer length", "answer position"),
        "wording": ("length", "words", "vocabulary", "answer position"),
        "names": ("length", "words", "vocabulary", "answer position"),
        "placebo words": ("length", "words"),
    }
    measures: ClassVar[Mapping[str, str]] = {"things in the chain": "length"}
    baselines: ClassVar[Mapping[str, str]] = baselines.KINDS
    placebos: ClassVar[Mapping[str, str]] = controls.PLACEBOS
    changes: ClassVar[Mapping[str, str]] = controls.CHANGES
    sampling = Sampling(temperature=0.0, max_tokens=2048)

    def __post_init__(self) -> None:
        settle(self, "task ladder")
        kind = KINDS[self.kind]
        if missing := [name for name in self.names if name not in kind.names]:
            raise UsageError(
                f"task ladder: option names: kind {self.kind} has no names '{missing[0]}'",
                f"it takes: {', '.join(kind.names)}",
            )
        object.__setattr__(self, "names", self.names or kind.names)
        check_effect(self, "task ladder", TAKES)
        has = {"table": tables.RUNGS, "boolean": boolean.RUNGS}.get(self.kind, RUNGS)
        lacking = [rung for rung in self.rungs if rung not in has]
        if lacking and self.rungs != RUNGS:  # all: those that there are
            raise UsageError(
                f"task ladder: option rungs: kind {self.kind} has no {lacking[0]}", f"it takes: {', '.join(has)}"
            )

    @property
    def feedback_aid(self) -> Aid:  # type: ignore[override]
        """A verifier's for percentages. Of yes and no, right or wrong gives the answer away."""
        return "verifier" if self.form == "number" else "oracle"

    verifiable: ClassVar[str] = "-T kind=ladder -T form=number"

    @property
    def limit(self) -> int:
        """Whole groups: 64, or 24 of chains."""
        return KINDS[self.kind].default * len(next(KINDS[self.kind].groups(self, "limit"))[1])

    def samples(self, seed: int) -> Iterator[Sample]:
        """Groups of the kind without end."""
        return self._samples(f"{self.name} {self.version} {seed}", f"{self.kind}-{seed}-")

    def _samples(self, seed: str, prefix: str) -> Iterator[Sample]:
        for number, questions in KINDS[self.kind].groups(self, f"{seed} {self.kind}"):
            group = f"{prefix}{number}"
            for levels, about, text, answer in questions:
                condition = "/".join(levels.values())
                params: dict[str, Param] = {"kind": self.kind, **levels, **about, "answer": answer}
                yield Sample(f"{group}/{condition}", group, condition, params, (Message("user", text),), answer)

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """Right if the response commits to the answer that follows from the params of the question. Raises DataError
        if these are not those of a sample."""
        kind = KINDS.get(str(params.get("kind")), KINDS[self.kind])
        right = kind.answer(params)
        if params.get("form") == "number":
            found, _ = commitment.read(response, _PERCENTAGE, _PROMPT)
            if found.value is None:
                return judge(found, False, stop_reason, response)
            error = abs(Fraction(found.value) - rungs.exact(params))
            return judge(found, error <= TOLERANCE, stop_reason, response, points_off=round(float(error), 2))
        found = commitment.as_asked(response, ("yes", "no")) or commitment.read(response, yes_no.READER, _PROMPT)[0]
        return judge(found, found.value == right, stop_reason, response)

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: the answer. random: yes or no, or any percentage. shallow: what rung 1 says; in chains, whether the
        cause is mentioned first; in equivalence, whether the two are correlated. See baselines.py for the others."""
        params = sample.params
        if kind == "oracle":
            return f"Answer: {sample.target}"
        if params.get("form") == "number":
            percentage = rungs.decimal(Fraction(rng.randint(0, 10_000), 100))
            return f"Answer: {params['rung1'] if kind in ('rung1', 'shallow') else percentage}"
        if kind == "random":
            return f"Answer: {rng.choice(('yes', 'no'))}"
        if kind == "shallow" and params["kind"] in ("chain", "equivalence"):
            shortcut = chains.mentioned_first if params["kind"] == "chain" else equivalence.correlated
            return f"Answer: {'yes' if shortcut(params) else 'no'}"
        return f"Answer: {baselines.guess('rung1' if kind == 'shallow' else kind, params)}"

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Questions about other worlds, in the sample's own condition; without a sample, in all conditions."""
        seed = f"example {rng.random()}"
        first = _first_examples(self, seed)
        for made in itertools.chain(first, itertools.islice(self._samples(seed, "example-"), len(first), None)):
            if sample is None or made.condition == sample.condition:
                yield Example(made.messages[0].content, f"Answer: {made.target}")

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        return controls.reworded(sample, placebo, rng)

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See controls.py and changes.py."""
        return controls.changed(sample, rng)

    @staticmethod
    def collector() -> Measures:
        """Consistency over the rungs, answers of rung 1 at the others, polarity; F1 of `equivalence`."""
        return Measures()


@functools.lru_cache(maxsize=8)
def _first_examples(task: Ladder, seed: str) -> list[Sample]:
    """Those of eight groups: kept, as all samples of a group ask for the same ones, and worlds take time to find."""
    groups = itertools.groupby(task._samples(seed, "example-"), key=lambda sample: sample.group)
    return [sample for _, members in itertools.islice(groups, 8) for sample in members]


_PERCENTAGE = percentages.reader()
_PROMPT = re.compile(
    r"^(?:In a (?:town|population|village), \d|All 1,000 people of a |A machine has \w+ lamps:"
    r"|Here is all that is known in a story|\w+ variables, .{1,200}, form a closed system"
    r"|Somebody studies \w+ quantities:)",
    re.M,
)
"""How our prompts begin: a response that goes on with another question is cut there."""
