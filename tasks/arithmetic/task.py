"""Arithmetic in base 10 and in bases that are seldom practised: the same digits, another meaning.

For example: 'Assuming that all numbers are in base-9 where the digits are "012345678", what is 72+73?' The target is
155; in base 10 it is 145.

After Wu, Qiu, Ross, Akyurek, Chen, Wang, Kim, Andreas, Kim 2023 (arXiv 2307.02477). See README.md for the protocol.
Reads top to bottom: the options, the samples of a pair of numerals, the score, the baselines.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.errors import UsageError
from harness.options import option, settle
from harness.seeds import derive
from harness.tasks.arithmetic import controls, in_steps, problems, scoring
from harness.tasks.arithmetic.feedback import false_equations
from harness.tasks.arithmetic.numerals import decimal_result, numeral, result
from harness.tasks.arithmetic.prompts import PROMPTS, question
from harness.tasks.arithmetic.worked import worked
from harness.types import Aid, Example, Feedback, Message, Params, Sample, Sampling, Scalar, Score, StopReason, Task

BASES = (10, 8, 9, 11, 16)
MOST_SHOTS = 16


@dataclass(frozen=True)
class Arithmetic(Task):
    """Sums of the same two numerals in base 10 and in base 8, 9, 11 and 16; differences and products too."""

    operation: Literal["add", "sub", "mul"] = option("add", "what is calculated: add, sub, mul")
    digits: int = option(2, "digits of a numeral, 2 to 5", between=(2, 5))
    bases: tuple[int, ...] = option(BASES, "bases compared, 2 to 36; the first is the default world", between=(2, 36))
    prompt: tuple[str, ...] = option(
        ("direct", "cot"), f"one or more of {', '.join(PROMPTS)}, all",
        choices=tuple(PROMPTS), aliases={"0shot": "direct", "all": tuple(PROMPTS)},
    )  # fmt: skip
    shots: int = option(
        0, f"worked in-context examples in the sample's own base, 0 to {MOST_SHOTS}", between=(0, MOST_SHOTS)
    )
    pairs: Literal["matched", "published"] = option("matched", "generated matched pairs, or the published ones (add)")
    rule: Literal["robust", "original"] = option("robust", "how answers are read: ours, or the published rule")

    name: ClassVar[str] = "arithmetic"
    version: ClassVar[str] = "2"
    factors: ClassVar[tuple[str, ...]] = ("base", "prompt")
    main: ClassVar[str] = "base"
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        # The prompt lists the digits of the base, and results have fewer digits in a larger base.
        "base": ("length", "words", "numbers", "largest number", "answer length"),
        "prompt": ("all",),
        # Commas make ten numbers of the digits of the base.
        "placebo layout": ("length", "words", "numbers", "largest number"),
    }
    # Temperature 0 as published. The publication has no bound on the length; ours leaves room for thinking.
    sampling = Sampling(temperature=0.0, max_tokens=2048)

    def __post_init__(self) -> None:
        settle(self, "task arithmetic")
        if self.pairs == "published" and self.operation != "add":
            raise UsageError("task arithmetic: the published pairs are sums", "-T pairs=matched has sub and mul")
        ordered = sorted(self.bases)
        # Two bases write a sum alike unless one of its columns comes to at least the smaller base.
        if self.pairs == "matched" and self.operation == "add" and max(ordered[:-1], default=0) > 2 * (ordered[0] - 1):
            raise UsageError(
                f"task arithmetic: bases: sums of base-{ordered[0]} digits never differ in {ordered[-2]} or above",
                "leave out the smallest or the largest bases",
            )

    @property
    def limit(self) -> int | None:
        """100 pairs in every base and prompt; None for the published pairs, which have an end."""
        return 100 * len(self.bases) * len(self.prompt) if self.pairs == "matched" else None

    def samples(self, seed: int) -> Iterator[Sample]:
        """The published pairs, or matched ones in an order that the seed chooses."""
        return self._published() if self.pairs == "published" else self._matched(seed)

    def _matched(self, seed: int) -> Iterator[Sample]:
        """A group: one pair of numerals (which names it), in every base and prompt."""
        for pair in problems.matched(self.operation, self.digits, self.bases, seed):
            others = problems.matched(self.operation, self.digits, self.bases, derive("shots", seed, pair))
            shown = itertools.islice((p for p in others if numerals(p) != numerals(pair)), self.shots)
            demonstrations = list(shown)
            for base, prompt in itertools.product(self.bases, self.prompt):
                asked = problems.counted(pair, base) if prompt == "counting" else pair
                yield self._sample(pair, base, prompt, asked, demonstrations)

    def _published(self) -> Iterator[Sample]:
        """The published pairs. Each base has its own, so a group is one line of one file, in every prompt."""
        sums = [prompt for prompt in self.prompt if prompt != "counting"]
        bases = self.bases
        pairs = [list(problems.published(self.digits, base)) for base in bases if sums]
        shown = [problems.published_demonstrations(self.digits, base) for base in bases if sums and self.shots]
        for index, row in enumerate(zip(*pairs, strict=True)):
            for place, (base, pair) in enumerate(zip(bases, row, strict=True)):
                demonstrations = next(shown[place])[: self.shots] if shown else []
                for prompt in sums:
                    yield self._sample(f"published-base{base}-{index:04d}", base, prompt, pair, demonstrations)
        if "counting" in self.prompt:
            for index, row in enumerate(zip(*map(problems.published_counting, bases), strict=True)):
                for base, asked in zip(bases, row, strict=True):
                    yield self._sample(f"published-counting-base{base}-{index:03d}", base, "counting", asked, [])

    def _sample(self, group: str, base: int, prompt: str, expression: str, demonstrations: list[str]) -> Sample:
        condition = f"base{base}/{prompt}"
        # The counting control is asked without examples, as published.
        shots = len(demonstrations) if prompt != "counting" else 0
        answer = result(expression, base)
        params: dict[str, str | int] = {"operation": self.operation, "digits": self.digits, "base": base}
        params |= {"prompt": prompt, "shots": shots, "expression": expression, "answer": answer}
        lines = [" ".join(_example(prompt, shown, base)) for shown in demonstrations[:shots]]
        text = "\n".join([*lines, question(prompt, expression, base)])
        return Sample(f"{group}/{condition}", group, condition, params, (Message("user", text),), answer)

    # Published items and their twins (harness.twins) ----------------------------------------------------------------

    published_options: ClassVar[Mapping[str, str]] = {"pairs": "published", "prompt": "direct", "bases": "9"}

    def published(self, seed: int) -> Iterator[Sample]:
        """The published pairs; or matched pairs drawn with the seed, which nobody can know: the control of a study."""
        return self._published() if self.pairs == "published" else self._matched(derive("control", seed))

    def fresh_twins(self, group: Sequence[Sample], rng: random.Random) -> list[Sample] | None:
        """A pair with as many carries in the first base, drawn as its item was, with another answer. None if the
        counting control is asked, whose numerals are all published."""
        params = group[0].params
        pair, base = str(params["expression"]), int(str(params["base"]))
        if any(s.params["prompt"] == "counting" for s in group):
            return None
        if self.pairs == "published":
            known, drawn = problems.published_set(self.digits, base), problems.endless(rng, self.digits, base)
        else:
            known = frozenset((pair,))
            drawn = problems.matched(self.operation, self.digits, self.bases, rng.getrandbits(63))
        for other in itertools.islice(drawn, 2000):
            new = other not in known and result(other, base) != result(pair, base)
            if new and problems.carries(other, base) == problems.carries(pair, base):
                return [self._sample(s.group, *_asked(s), other, []) for s in group]
        return None

    def alike(self, sample: Sample) -> Mapping[str, Scalar]:
        """Digits of the two numerals and of the answer, and the columns that carry (of a sum)."""
        expression, base = str(sample.params["expression"]), int(str(sample.params["base"]))
        told = {"digits": len(expression) - 1, "digits of the answer": len(sample.target)}
        return {**told, "carries": problems.carries(expression, base)}

    def published_text(self, sample: Sample) -> None:
        """None: a sum is no text."""

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """The verdict by the option `rule`. Raises DataError if params are not those of a sample (scoring.question)."""
        if self.rule == "original":
            return scoring.original(params, response)
        return scoring.robust(params, response, stop_reason)

    def read(self, params: Params, response: str, stop_reason: StopReason = "stop") -> str | None:
        """A numeral that is labelled with another base is another answer."""
        score = self.score(params, response, stop_reason)
        other = score.detail.get("labelled_base")
        return f"{score.answer} in base {other}" if score.answer is not None and other else score.answer

    feedback_aid: ClassVar[Aid] = "verifier"

    def feedback(self, params: Params, response: str, level: str, stop_reason: StopReason = "stop") -> Feedback:
        """That the result is wrong, and which equations of the response do not hold in its base."""
        found = Feedback.of(self.score(params, response, stop_reason))
        if found.right or level == "binary":
            return found
        wrong = false_equations(response, int(str(params["base"])))
        shown = wrong if level == "all-errors" else wrong[:1]
        lines = [f'"{equation}" does not hold in base-{params["base"]}.' for equation in shown]
        return Feedback(False, "\n".join([found.text, *lines]))

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: the answer. shallow: the answer in base 10, whatever the base. random: any value that an answer to
        numerals of that many digits can have (see `span`)."""
        expression, base = str(sample.params["expression"]), int(str(sample.params["base"]))
        answer = sample.target
        if kind == "shallow":
            # Numerals with letters have no value in base 10: then it repeats the first of them.
            answer = decimal_result(expression) or expression.partition(problems.SIGNS[self.operation])[0]
        elif kind == "random":
            answer = numeral(rng.randint(*span(sample.params)), base)
        if sample.params["prompt"] == "counting":
            return f"The next number after {expression} is {answer}."
        return f"\\boxed{{{answer}}}"

    # What search may use (see in_steps.py) ------------------------------------------------------------------------

    def steps(self, params: Params, partial: str, k: int) -> list[Message] | None:
        """A step is one column, from the right; of a product, one row or one sum. None for the counting control."""
        if params.get("prompt") == "counting" or in_steps.complete(partial):
            return None
        return [Message("user", in_steps.next_prompt(str(params["expression"]), int(str(params["base"])), partial, k))]

    def join(self, partial: str, thought: str) -> str:
        """A line that calculates nothing leaves the calculation as it is."""
        return super().join(partial, thought) if in_steps.is_step(thought) else partial

    def judge(self, params: Params, partial: str) -> float | None:
        """1 if all columns so far are right, and the result is if there is one; else 0. None for counting."""
        return None if params.get("prompt") == "counting" else in_steps.judged(params, partial)

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Worked calculations in the sample's base and prompt; without a sample, in all of them. One numeral has a
        digit more than the other, which never happens in a sample."""
        own = sample.params if sample is not None else None
        while True:
            base = rng.choice(BASES) if own is None else int(str(own["base"]))
            prompt = rng.choice(PROMPTS) if own is None else str(own["prompt"])
            longer, shorter = (
                numeral(rng.randint(base ** (n - 1), base**n - 1), base) for n in (self.digits + 1, self.digits)
            )
            operation = rng.choice(("add", "sub", "mul")) if own is None else self.operation
            expression = f"{longer}{problems.SIGNS[operation]}{shorter}"
            yield Example(*_example(prompt, longer + shorter if prompt == "counting" else expression, base))

    placebos: ClassVar[Mapping[str, str]] = controls.PLACEBOS
    changes: ClassVar[Mapping[str, str]] = controls.CHANGES

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        return controls.reworded(sample, placebo)

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        return controls.changed(sample, self.bases, rng)


def _asked(sample: Sample) -> tuple[int, str]:
    return int(str(sample.params["base"])), str(sample.params["prompt"])


def numerals(pair: str) -> frozenset[str]:
    """The two numerals of an expression, as a set."""
    half = len(pair) // 2
    return frozenset((pair[:half], pair[half + 1 :]))


def span(params: Params) -> tuple[int, int]:
    """(smallest, largest) value that the answer can have by the number of digits alone.

    `random` draws evenly between them, so its chance of being right is 1 / (largest - smallest + 1).
    """
    base, expression = int(str(params["base"])), str(params["expression"])
    if params["prompt"] == "counting":
        length = len(expression)
        return (base ** (length - 1) + 1 if length > 1 else 1), base**length
    digits = (len(expression) - 1) // 2
    low, high = base ** (digits - 1), base**digits - 1
    return {"add": (2 * low, 2 * high), "sub": (0, high - low), "mul": (low * low, high * high)}[
        str(params["operation"])
    ]


def _example(prompt: str, expression: str, base: int) -> tuple[str, str]:
    """A prompt and its answer in the form it asks for."""
    asked = question(prompt, expression, base)
    if prompt == "counting":
        return asked, f"The next number after {expression} is {result(expression, base)}."
    return asked, worked(expression, base) if prompt == "cot" else f"\\boxed{{{result(expression, base)}}}"
