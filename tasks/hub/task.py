"""Published data sets: any that is declared in `sets/`, as published and in conditions that make it a contrast.

See README.md. Reads top to bottom: the options, the samples of an item, the score, the baselines.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from harness.errors import UsageError
from harness.hub import Pin
from harness.options import check_effect, option, settle
from harness.seeds import derive
from harness.tasks.hub import controls, prompting, rows, schema, scoring, tables
from harness.tasks.hub.items import LETTERS, Item
from harness.tasks.hub.prompting import FORMS, PUBLISHED, SHUFFLED
from harness.tasks.hub.reading import folded
from harness.tasks.hub.schema import HubSet
from harness.tasks.hub.twins import CHANGES, OtherNumbers
from harness.types import Example, Message, Param, Params, Sample, Sampling, Score, StopReason, Task


@dataclass(frozen=True)
class Hub(OtherNumbers, Task):
    """A published data set, such as ARC or GSM8K: set=arc-challenge. Without one, a few rows of ours in that form."""

    set: str = option(schema.SHIPPED, "which set; tasks/hub/README.md lists them")
    file: Path | None = option(None, "rows of the set from a .jsonl, .jsonl.gz or .parquet file, instead of the hub")
    shots_file: Path | None = option(None, "rows for worked examples (--num-fewshot), from a file as well")
    config: str = option("", "another configuration of the set on the hub, such as a language of xnli")
    part: tuple[str, ...] = option((), "only these parts of a set that has some, such as MMLU's subjects")
    forms: tuple[str, ...] = option(
        (), f"conditions: {', '.join(FORMS)}; by default published and one more, if the set can have it", choices=FORMS,
        aliases={"all": FORMS},
    )  # fmt: skip
    orders: int = option(1, "how many other orders of the options `shuffled` has", between=(1, 8))
    rule: Literal["ours", "inspect", "simple-evals", "lm-eval"] = option(
        "ours", "whose rule reads the answers: ours, inspect, simple-evals, lm-eval"
    )

    name: ClassVar[str] = "hub"
    version: ClassVar[str] = "1"
    factors: ClassVar[tuple[str, ...]] = ("form",)
    # A condition leaves something out, replaces it or moves it.
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "form": ("all",),
        "placebo words": ("length", "words"),
    }
    behind_slash: ClassVar[str] = "set"
    baselines: ClassVar[Mapping[str, str]] = {
        "first": "the first option, or the first label",
        "longest": "the longest option",
    }
    sampling = Sampling(temperature=0.0, max_tokens=2048)

    def __post_init__(self) -> None:
        settle(self, "task hub")
        if self.config and (self.file is not None or self.set == schema.SHIPPED):
            why = "a file has" if self.file is not None else "our own rows have"
            raise UsageError(f"task hub: option config: {why} no configurations", "leave out -T config")
        can = prompting.possible(self.of)
        if self.forms == FORMS:  # "all": those that there are
            object.__setattr__(self, "forms", can)
        if others := [form for form in self.forms if form not in can]:
            raise UsageError(
                f"task hub: option forms: set {self.set} has no {others[0]}", f"it takes: {', '.join(can)}"
            )
        object.__setattr__(self, "forms", self.forms or prompting.usual(self.of))
        check_effect(self, "task hub", {"orders": (SHUFFLED,)}, by="forms")
        if self.part and not self.of.columns.part:
            raise UsageError(f"task hub: option part: set {self.set} has no parts")
        if self.rule != "ours" and self.of.kind != "choice" and (self.rule, self.of.kind) != ("lm-eval", "number"):
            raise UsageError(f"task hub: option rule: {self.rule} reads no answers of the kind {self.of.kind}")

    @property
    def of(self) -> HubSet:
        """The set. UsageError if there is none of that name."""
        return schema.find(self.set)

    @property
    def _loaded(self) -> rows.Loaded:
        return rows.load(self.of, self.file, config=self.config)

    @classmethod
    def pins(cls) -> list[Pin]:
        """See harness.types.Task.pins: all sets but ours."""
        return [schema.find(name).pin for name in schema.names() if name != schema.SHIPPED]

    def data(self) -> Mapping[str, Any]:
        """See harness.types.Task.data."""
        return self._loaded.about

    def samples(self, seed: int) -> Iterator[Sample]:
        """The items in the set's order, each in all conditions."""
        asked = self.asked()
        if SHUFFLED in self.forms:
            fewest = min(asked, key=lambda item: len(item.options))
            if self.orders > (others := math.factorial(len(fewest.options)) - 1):
                raise UsageError(
                    f"task hub: option orders: item {fewest.id} has {len(fewest.options)} options, which have "
                    f"{others} other {'order' if others == 1 else 'orders'}",
                    f"-T orders={others}",
                )
        for item in asked:
            yield from self._conditions(item, seed)

    def asked(self) -> list[Item]:
        """The items that are asked: all, or those of the option `part`. UsageError if there is no such part."""
        found = self._loaded.items
        if missing := set(self.part) - {item.part for item in found}:
            known = sorted({item.part for item in found})
            raise UsageError(
                f"task hub: option part: there is no '{min(missing)}'", f"it takes: {', '.join(known[:20])}"
            )
        return [item for item in found if not self.part or item.part in self.part]

    def _conditions(self, item: Item, seed: int) -> Iterator[Sample]:
        for form in self.forms:
            if form != SHUFFLED:
                yield self._sample(item, form, form, ())
                continue
            rng = random.Random(derive("order", self.set, self.version, seed, item.id))
            for number, order in enumerate(_other_orders(len(item.options), self.orders, rng), 1):
                yield self._sample(item, form if self.orders == 1 else f"{form}-{number}", form, order)

    def _sample(self, item: Item, condition: str, form: str, order: tuple[int, ...]) -> Sample:
        asked = prompting.ask(self.of, item, form, order)
        params: dict[str, Param] = {
            "set": self.set,
            "form": condition,
            "kind": self.of.kind,
            "part": item.part,
            "options": asked.options,
            "order": asked.order,
            "answer": asked.answer,
            "chance": 1 / len(asked.options) if asked.options else 0.0,
        }
        messages = (Message("user", asked.prompt),)
        return Sample(f"{item.id}/{condition}", item.id, condition, params, messages, asked.answer)

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """The verdict by the option `rule`. Raises DataError if params have no right answer."""
        return scoring.by(self.rule, params, response, stop_reason)

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """random: any option, or an answer of another item. shallow: the answer that is right most often in the set (in
        the same part of it): a letter, or a label. first and longest are as they say. In the form that is asked for,
        which other harnesses' rules need."""
        return f"Answer: {self._pick(kind, sample, rng)}"

    def _pick(self, kind: str, sample: Sample, rng: random.Random) -> str:
        if kind == "oracle":
            return sample.target
        options = scoring.options_of(sample.params)
        lettered = sample.params.get("kind") == "choice"
        if not options:
            known = _answers(self.of, self._loaded, str(sample.params.get("part") or ""))
            return rng.choice(known) if kind == "random" else known[0]
        places = range(len(options))
        if kind == "shallow":
            common = _answers(self.of, self._loaded, str(sample.params.get("part") or ""))[0]
            return common if common in (LETTERS[: len(options)] if lettered else options) else "A"
        place = {"first": 0, "longest": max(places, key=lambda i: len(options[i]))}.get(kind)
        place = rng.choice(places) if place is None else place
        return LETTERS[place] if lettered else options[place]

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """The first rows of the split that the protocol takes them from, always the same; none if it has no such
        split. In the sample's own part, if it has one."""
        if self.shots_file is None and (self.file is not None or not self.of.shots_split):
            return
        found = rows.load(self.of, self.shots_file, self.of.shots_split, self.config).items
        part = str(sample.params.get("part") or "") if sample is not None else ""
        form = str(sample.params.get("form") or PUBLISHED) if sample is not None else PUBLISHED
        form = form.partition("-")[0]
        for item in found:
            if not part or item.part == part:
                asked = prompting.ask(self.of, item, PUBLISHED if form == SHUFFLED else form)
                yield Example(asked.prompt, f"Answer: {asked.answer}")

    def answer_key(self, answer: str) -> str:
        """Numbers by value and texts by their words: "1,000" is "1000.0"."""
        if self.of.kind == "number":
            value = scoring.number_of(answer)
            return str(value.normalize()) if value is not None else answer
        return folded(answer)

    @property
    def placebos(self) -> Mapping[str, str]:  # type: ignore[override]
        """Those of a set with options of its rows', or of another: see controls.py."""
        return controls.PLACEBOS["options" if self.of.options_vary else "free"]

    @property
    def changes(self) -> Mapping[str, str]:  # type: ignore[override]
        """See twins.py."""
        return CHANGES if self.of.marks else {}

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        return controls.reworded(sample, placebo, rng)

    @staticmethod
    def collector() -> tables.Letters:
        """Where letters stand, and how consistent answers are."""
        return tables.Letters()


def _other_orders(options: int, count: int, rng: random.Random) -> list[tuple[int, ...]]:
    """So many orders of the options, each once and never their own. There have to be as many."""
    own = tuple(range(options))
    found = {own: None}
    while len(found) <= count:
        found[tuple(rng.sample(own, options))] = None
    return list(found)[1:]


@lru_cache(maxsize=128)
def _answers(of: HubSet, loaded: rows.Loaded, part: str) -> list[str]:
    """The right answers of a set, or of a part of it, as published: the most frequent first."""
    counts = Counter(
        LETTERS[item.gold] if of.options_vary else item.answer for item in loaded.items if not part or item.part == part
    )
    return [answer for answer, _ in counts.most_common()]
