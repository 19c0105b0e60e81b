"""Alice in Wonderland: simple family problems on which models that ace benchmarks fluctuate or collapse.

After Nezhurina, Cipolina-Kun, Cherti, Jitsev 2024 (arXiv 2406.02061). See README.md for the protocol.
Reads top to bottom: the options, the samples of a family, the score, the baselines.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from harness.errors import DataError, UsageError, cause
from harness.options import number_list, option, settle
from harness.seeds import derive
from harness.tasks.aiw import controls, examples, problems, scoring, twins
from harness.tasks.aiw.problems import Problem
from harness.tasks.aiw.prompts import PROMPT_TYPES, SUFFIXES
from harness.tasks.aiw.variations import BUILDERS, SAME_NUMBERS, numbers, variations
from harness.types import Example, Message, Params, Sample, Sampling, Scalar, Score, StopReason, Task

FAMILIES = "original plus extension friends female light_siblings light_relation light_attribute".split()
FAMILIES += "parameterised bignum procedural".split()
GROUPED = {"light": ("light_siblings", "light_relation", "light_attribute"), "all": tuple(FAMILIES)}
PROMPT_ALIASES = {"thinking": "thinking_v1"}
VARIATIONS = tuple(f"V{n}" for n in range(1, 7))
PAPER_VARIATIONS = ("V1", "V2", "V3", "V4")


@dataclass(frozen=True)
class AIW(Task):
    """Alice has N brothers and M sisters. How many sisters does Alice's brother have?"""

    family: tuple[str, ...] = option(
        ("original", "friends"), f"one or more of {', '.join([*FAMILIES, *GROUPED])}", choices=FAMILIES, aliases=GROUPED
    )
    prompt: tuple[str, ...] = option(
        ("standard", "thinking_v1", "restricted"), f"one or more of {', '.join(PROMPT_TYPES)}, none, all",
        choices=(*PROMPT_TYPES, "none"), aliases={**PROMPT_ALIASES, "all": tuple(PROMPT_TYPES)},
    )  # fmt: skip
    variations: tuple[str, ...] = option(
        PAPER_VARIATIONS, "published variations: V1 to V6, as V1,V3 or 1-6, or all",
        choices=VARIATIONS, aliases={**{name[1:]: name for name in VARIATIONS}, "all": VARIATIONS},
    )  # fmt: skip
    rule: Literal["robust", "original"] = option("robust", "how answers are read: ours, or the published rule")
    prompts: Path | None = option(None, "run a published prompts.json instead of a family")
    ids: tuple[str, ...] = option((), "with prompts: only these prompt ids, as 55,57 or 559-564")
    largest: int = option(12, "procedural: the largest number of brothers or sisters", between=(2, 10_000))

    name: ClassVar[str] = "aiw"
    version: ClassVar[str] = "4"
    factors: ClassVar[tuple[str, ...]] = ("family", "prompt")
    main: ClassVar[str] = "family"
    varies: ClassVar[str] = "variation"
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "family": ("all",),
        "prompt": ("length", "words", "vocabulary", "answer position"),
    }

    def __post_init__(self) -> None:
        settle(self, "task aiw")

    @property
    def epochs(self) -> int:
        """30, as published; 1 for `procedural` alone, which asks more problems instead."""
        return 1 if self.prompts is None and self.family == ("procedural",) else 30

    @property
    def limit(self) -> int | None:
        """None for published families, which are finite; with `procedural`, all their samples and 25 of its groups."""
        if self.prompts is not None or "procedural" not in self.family:
            return None
        finite = sum(1 for _ in self._published())
        return finite + 25 * len(problems.VARIANTS) * len(self.prompt)

    @property
    def sampling(self) -> Sampling:
        """Temperature 1, as in the paper's main runs; a bound on length that leaves room for thinking."""
        return Sampling(temperature=1.0, max_tokens=2048)

    def samples(self, seed: int) -> Iterator[Sample]:
        """The prompts of a published file, or the families asked for; `procedural` comes last, as it has no end."""
        if self.prompts is not None:
            yield from _from_file(self.prompts, self.ids)
            return
        yield from self._published()
        if "procedural" in self.family:
            yield from self._procedural(seed)

    def _published(self) -> Iterator[Sample]:
        """Groups are sets of numbers, which families share: each is asked in all of its families and prompt types."""
        groups: dict[str, list[tuple[str, str, Problem]]] = {}
        for family in self.family:
            for variation, problem in variations(family, self.variations):
                group = variation if family in SAME_NUMBERS else f"{family}/{variation}"
                groups.setdefault(group, []).append((family, variation, problem))
        for group, members in groups.items():
            for family, variation, problem in members:
                for prompt in self.prompt:
                    yield _sample(problem, group, family, prompt, {"variation": variation})

    def _procedural(self, seed: int) -> Iterator[Sample]:
        """Groups without end. Each is a new structure, in every variant and prompt type."""
        index = 0
        while True:
            what, build = problems.procedural(random.Random(derive(self.name, self.version, seed, index)), self.largest)
            for variant in problems.VARIANTS:
                problem = build(variant)
                family = "procedural" if variant == problems.VARIANTS[0] else f"procedural_{variant}"
                for prompt in self.prompt:
                    yield _sample(problem, f"procedural-{seed}-{index:06d}", family, prompt, what)
            index += 1

    # Published items and their twins (harness.twins) ----------------------------------------------------------------

    published_options: ClassVar[Mapping[str, str]] = {
        "family": "original,extension,plus,bignum", "variations": "1-6", "prompt": "standard"
    }  # fmt: skip

    def published(self, seed: int) -> Iterator[Sample]:
        """The published variations that are asked for. UsageError for a file of prompts, of which no twins are made."""
        if self.prompts is not None:
            raise UsageError("task aiw: twins are made of families, not of a file", "leave out -T prompts")
        return self._published()

    def fresh_twins(self, group: Sequence[Sample], rng: random.Random) -> list[Sample] | None:
        """Other numbers, the same for all families of the group. None for the letters of `parameterised`."""
        families, variation = [str(s.params["family"]) for s in group], str(group[0].params["variation"])
        rows = numbers(families[0])
        # The answer of light_attribute depends on no number.
        asked = [BUILDERS[family] for family in dict.fromkeys(families) if family != "light_attribute"]
        row = twins.fresh(rows[variation], asked, rows.values(), rng)
        if row is None:
            return None
        return [
            _sample(BUILDERS[f](row), s.group, f, str(s.params["prompt"]), {"variation": variation})
            for f, s in zip(families, group, strict=True)
        ]

    def alike(self, sample: Sample) -> Mapping[str, Scalar]:
        """The stated numbers: how many digits, how many are 1, their sum; and the answer's digits."""
        stated = str(sample.params["stated"]).split(",")
        numbers = [int(n) for n in stated if n.isdecimal()]
        told = {"digits": sum(map(len, stated)), "ones": numbers.count(1), "sum of numbers": sum(numbers)}
        return {**told, "digits of the answer": len(sample.target)}

    def published_text(self, sample: Sample) -> tuple[str, str] | None:
        """The statement of `original`, which is quoted to the letter, cut before its second number; None for families
        in our own words."""
        if sample.params["family"] != "original":
            return None
        text = _kind_and_body(sample.messages[-1].content)[1]
        second = list(re.finditer(r"\d+", text))[1].start()
        return text[:second].rstrip(), text[second:]

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """The verdict by the option `rule`. Raises DataError if params have no `answer`."""
        if params.get("answer") is None:
            raise DataError("an AIW sample needs params.answer")
        if self.rule == "original":
            return scoring.original(params, response)
        return scoring.robust(params, response, stop_reason)

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: the answer. shallow: a number copied from the statement. random: a number from 0 to the sum of the
        stated ones plus one; for light_attribute 1 or 2; for letters, one of them as it is, plus 1 or minus 1."""
        answer = sample.target
        if kind == "shallow":
            answer = str(sample.params.get("shallow") or re.findall(r"\d+|$", sample.messages[-1].content)[0] or "0")
        elif kind == "random":
            stated = str(sample.params.get("stated") or sample.params["answer"]).split(",")
            numbers = [int(n) for n in stated if n.isdecimal()]
            if sample.params.get("family") == "light_attribute":
                answer = str(rng.randint(1, 2))
            elif numbers:
                answer = str(rng.randint(0, sum(numbers) + 1))
            else:
                answer = rng.choice([f"{letter}{tail}" for letter in stated for tail in ("", "+1", "-1")])
        return f"### Answer: {answer}"

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Worked examples of the sample's family in its prompt type; without a sample, in all forms to train on."""
        if sample is None:
            return examples.varied(rng)
        return examples.like(str(sample.params["family"]), str(sample.params["prompt"]), rng)

    placebos: ClassVar[Mapping[str, str]] = controls.PLACEBOS
    changes: ClassVar[Mapping[str, str]] = controls.CHANGES

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        return controls.reworded(sample, placebo, rng)

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        return controls.changed(sample, rng)


def _sample(problem: Problem, group: str, family: str, prompt: str, what: Mapping[str, str | int]) -> Sample:
    text = problem.text if prompt == "none" else f"{problem.text} {SUFFIXES[prompt]}"
    params: dict[str, str | int] = {"family": family, **what, "prompt": prompt, "answer": problem.answer}
    params |= {"shallow": problem.shallow, "stated": ",".join(problem.stated)}
    name = f"{family}/{what.get('variation', group)}/{prompt}"
    return Sample(name, group, f"{family}/{prompt}", params, (Message("user", text),), problem.answer)


def _from_file(path: Path, ids: tuple[str, ...]) -> Iterator[Sample]:
    """The published prompts.json: one sample per row. A group is one problem text, its conditions are the prompt types.

    Traps of that file: four prompts are lists (several turns without a known answer; left out). Right answers are text,
    floats or null. The text "null" stands for a parameterised answer, whose letter is in the prompt.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: can't be read: {cause(error)}", "-T prompts=FILE wants the AIW repository's prompts.json"
        ) from None
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(rows, list):
        raise DataError(f"{path}: expected a list of prompts")
    wanted = set(map(str, number_list(ids, "task aiw: option ids")))
    groups: dict[str, str] = {}
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or "prompt" not in row:
            raise DataError(f"{path}: row {number} has no prompt")
        name, prompt = str(row.get("id", number)), row["prompt"]
        if (wanted and name not in wanted) or not isinstance(prompt, str):
            continue
        answer = _right_answer(row.get("right_answer"), prompt)
        if answer is None:
            continue
        kind, body = _kind_and_body(prompt)
        if name in seen:
            raise DataError(f"{path}: the id {name} comes twice")
        seen.add(name)
        group = groups.setdefault(body, f"prompt-{name}")
        params = {"prompt_id": name, "prompt": kind, "family": "published", "variation": "published", "answer": answer,
                  "description": str(row.get("description", ""))}  # fmt: skip
        yield Sample(f"prompt/{name}", group, kind, params, (Message("user", prompt),), answer)


def _kind_and_body(prompt: str) -> tuple[str, str]:
    """(prompt type, problem text) of a published prompt; the type is recognised by how the prompt ends."""
    kind = next((k for k, suffix in SUFFIXES.items() if prompt.rstrip().endswith(suffix)), "other")
    return kind, prompt.rstrip().removesuffix(SUFFIXES.get(kind, "")).strip()


def published_sample(prompt: object, right_answer: object) -> Sample | None:
    """A published prompt with its answer as a sample; None for a prompt of several turns, or without a known answer."""
    if not isinstance(prompt, str):
        return None
    answer = _right_answer(right_answer, prompt)
    if answer is None:
        return None
    kind, body = _kind_and_body(prompt)
    group = f"body-{derive(body) % 10**10}"
    params = {"prompt": kind, "family": "published", "variation": "published", "answer": answer}
    return Sample(f"{group}/{kind}", group, kind, params, (Message("user", prompt),), answer)


def _right_answer(value: Any, prompt: str) -> str | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isfinite(value):
            return None
        return str(int(value)) if float(value).is_integer() else str(value)
    if isinstance(value, str) and value not in ("null", ""):
        return value
    letter = re.search(r"\b([A-Z]) sisters\b", prompt)
    return f"{letter[1]}+1" if letter and value == "null" else None
