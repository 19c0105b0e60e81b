"""Game of 24: make 24 from four numbers, each used once, with + - * / and parentheses.

For example: "Make 24 from the numbers 2 3 5 10: ..." A target is `(10 + 5 - 3) * 2 = 24`.

After Yao, Yu, Zhao, Shafran, Griffiths, Cao, Narasimhan 2023, Tree of Thoughts (arXiv 2305.10601). See README.md for
the protocol. Reads top to bottom: the options, the samples, the score, the baselines.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from harness.errors import UsageError
from harness.options import number_list, option, settle
from harness.seeds import derive
from harness.tasks.game24 import baselines, controls, feedback, fresh, scoring, shots
from harness.tasks.game24.in_steps import judged, next_prompt, thought_of, weigh_prompt
from harness.tasks.game24.prompts import PROMPT_TYPES, TEMPLATES, WAY_OUT
from harness.tasks.game24.puzzles import Goal, Puzzle, goal_of, puzzles, ranked
from harness.types import Aid, Example, Feedback, Message, Params, Sample, Sampling, Scalar, Score, StopReason, Task


@dataclass(frozen=True)
class Game24(Task):
    """Make 24, or another number, from four numbers; or see that it can't be done."""

    targets: tuple[str, ...] = option(
        ("24", "other", "unreachable"), "one or more of numbers up to 100, other (as hard to make as 24), unreachable",
        choices=("other", "unreachable", *map(str, range(1, 101))),
    )  # fmt: skip
    prompt: tuple[str, ...] = option(("zero_shot",), f"one or more of {', '.join(PROMPT_TYPES)}", choices=PROMPT_TYPES)
    indices: tuple[str, ...] = option(("900-999",), "which puzzles, from 0 (the easiest), as 5,900-999; or all")
    ranks: Path | None = option(None, "a copy of the published 24.csv: its order in place of ours")
    rule: Literal["robust", "original"] = option("robust", "how answers are read: ours, or the published rule")

    name: ClassVar[str] = "game24"
    version: ClassVar[str] = "2"
    factors: ClassVar[tuple[str, ...]] = ("world", "solvable", "prompt")
    main: ClassVar[str] = "world"
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        # Other targets have other digits, and worked examples of their own.
        "world": ("largest number", "numbers", "length", "words", "answer", "answer length", "vocabulary"),
        # For unsolvable samples the right answer is "no solution", which stands in the prompt.
        "solvable": ("answer", "answer length", "answer in prompt", "answer position"),
        "prompt": ("all",),
        # By a few letters, which count because all prompts are of about the same length.
        "placebo words": ("length", "words"),
        "placebo layout": ("length",),
    }
    sampling = Sampling(temperature=0.7, max_tokens=1000)

    def __post_init__(self) -> None:
        settle(self, "task game24")
        self._places()

    def _places(self) -> list[int]:
        """The places from 0 that `indices` names; none for `all`."""
        return [] if self.indices == ("all",) else number_list(self.indices or ("",), "task game24: option indices")

    def samples(self, seed: int) -> Iterator[Sample]:
        """The puzzles asked for, in an order that the seed draws, so that any limit leaves a fair choice of them."""
        order = ranked(self.ranks) if self.ranks is not None else puzzles()
        places = self._places() or list(range(len(order)))
        if places and max(places) >= len(order):
            raise UsageError(
                f"task game24: option indices: there is no puzzle {max(places)}", f"there are 0 to {len(order) - 1}"
            )
        random.Random(derive(self.name, self.version, seed)).shuffle(places)
        made = False
        for place in places:
            for sample in self._group(place, order[place]):
                made = True
                yield sample
        if not made:
            raise UsageError("task game24: none of these puzzles makes all of these targets")

    # Published items and their twins (harness.twins) -----------------------------------------------------------------

    published_options: ClassVar[Mapping[str, str]] = {"targets": "24", "indices": "all"}

    def published(self, seed: int) -> Iterator[Sample]:
        """The puzzles asked for, with the target 24: no other target is published. They don't depend on the seed."""
        return (s for s in Game24.samples(self, 0) if s.params["world"] == "24")

    def fresh_twins(self, group: Sequence[Sample], rng: random.Random) -> list[Sample] | None:
        """A puzzle that is not in the list, for each prompt. None for four one-digit numbers, see fresh.py."""
        params = group[0].params
        numbers = tuple(map(int, str(params["numbers"]).split()))
        solution = group[0].target.partition(" =")[0]
        found = fresh.twin(numbers, Goal(24, int(str(params["ways"])), bool(params["fractions"]), solution), rng)
        if found is None:
            return None
        drawn = self._group(-1, Puzzle(found.numbers, found.goal, found.goal, 0))
        by_prompt = {s.params["prompt"]: s for s in drawn if s.params["world"] == "24"}
        return [by_prompt[s.params["prompt"]] for s in group]

    def alike(self, sample: Sample) -> Mapping[str, Scalar]:
        """See fresh.kind; the number of ways, which a twin has nearly; and the largest number, which it can't share."""
        numbers = list(map(int, str(sample.params["numbers"]).split()))
        found = {"two-digit numbers": sum(n > 9 for n in numbers), "parentheses": sample.target.count("(")}
        found["largest of the four"] = max(numbers)
        return {**found, "fractions": str(sample.params["fractions"]), "ways": int(str(sample.params["ways"]))}

    def published_text(self, sample: Sample) -> None:
        """None: four numbers have no halves by which they could be known."""

    def _group(self, place: int, puzzle: Puzzle) -> list[Sample]:
        """One puzzle under every condition; no samples if it can't make one of the user's own targets."""
        made = []
        for world in self.targets:
            goal = puzzle.other if world == "other" else puzzle.goal if world == "24" else None
            if world.isdecimal() and goal is None:
                goal = goal_of(puzzle.numbers, int(world))
                if goal is None:
                    return []
            facts: dict[str, str | int | bool] = {"numbers": " ".join(map(str, puzzle.numbers)), "index": place}
            facts["target"] = target = goal.target if goal else puzzle.unreachable
            facts["world"] = "other" if world == "unreachable" else world
            facts["solvable"] = "yes" if goal else "no"
            facts |= {"ways": goal.ways, "fractions": goal.fractions} if goal else {"ways": 0, "fractions": False}
            answer = f"{goal.solution} = {target}" if goal else shots.NO_SOLUTION
            for prompt in self.prompt:
                condition = f"{facts['world']}/{'solvable' if goal else 'unsolvable'}/{prompt}"
                text = self._prompt(prompt, puzzle.numbers, target)
                group = "-".join(map(str, puzzle.numbers))
                params = {**facts, "prompt": prompt}
                made.append(Sample(f"{group}/{condition}", group, condition, params, (Message("user", text),), answer))
        return made

    @property
    def _way_out(self) -> bool:
        return "unreachable" in self.targets

    def _prompt(self, prompt: str, numbers: tuple[int, ...], target: int, way_out: bool | None = None) -> str:
        """The same text in every condition, except for the target and the worked examples, which have that target."""
        way_out = self._way_out if way_out is None else way_out
        return TEMPLATES[prompt].format(
            numbers=" ".join(map(str, numbers)),
            target=target,
            way_out=WAY_OUT if way_out else "",
            shots="" if prompt == "zero_shot" else shots.published_form(prompt, target, way_out),
        )

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """The verdict by the option `rule`. Raises DataError if params do not describe a puzzle (scoring.puzzle_of)."""
        if self.rule == "original":
            return scoring.original(params, response)
        return scoring.robust(params, response, stop_reason)

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: a solution, or `no solution`. random: any expression of the numbers. shallow: a shortcut from left to
        right, always towards the target; if it misses and some samples are unsolvable, `no solution`."""
        puzzle = scoring.puzzle_of(sample.params)
        numbers = [int(n) for n in puzzle.numbers]
        if kind == "oracle":
            text = sample.target.partition(" =")[0]
        elif kind == "shallow":
            text = baselines.greedy(numbers, puzzle.target, give_up=self._way_out)
        else:
            text = baselines.at_random(numbers, rng)
        return shots.answer(str(sample.params["prompt"]), numbers, puzzle.target, text)

    feedback_aid: ClassVar[Aid] = "verifier"

    def feedback(self, params: Params, response: str, level: str, stop_reason: StopReason = "stop") -> Feedback:
        """The numbers it must use, what it comes to, or that the target can be made. See feedback.py."""
        return feedback.feedback(params, self.score(params, response, stop_reason), level)

    def answer_key(self, answer: str) -> str:
        """Expressions that differ by the order of terms and factors, or by brackets, are the same answer."""
        return feedback.key(answer) or super().answer_key(answer)

    # What search may use (see in_steps.py) --------------------------------------------------------------------------

    def steps(self, params: Params, partial: str, k: int) -> list[Message] | None:
        """Four steps: three lines such as `10 - 4 = 6 (left: 5 6 6)`, then the expression, or `no solution`."""
        text = next_prompt(scoring.puzzle_of(params), partial, k, self._way_out)
        return None if text is None else [Message("user", text)]

    def join(self, partial: str, thought: str) -> str:
        """A line that is neither a step nor an answer leaves the solution as it is."""
        line = thought_of(thought)
        return super().join(partial, line) if line else partial

    def weigh(self, params: Params, partial: str) -> list[Message] | None:
        """By the numbers left alone, so that solutions with the same numbers left are weighed once."""
        return [Message("user", weigh_prompt(scoring.puzzle_of(params), partial))]

    def judge(self, params: Params, partial: str) -> float | None:
        """1 if the target can still be made of the numbers left, or the answer is right; else 0. If there is no way to
        make the target, 1 until an expression is given."""
        return judged(scoring.puzzle_of(params), partial)

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Solved puzzles, each with a number above 13, which no sample has: in the sample's prompt and with its target;
        without a sample, in all prompts and worlds. If the prompt offers `no solution`, every other example has none,
        whether the sample has one or not."""
        for index in itertools.count():
            if sample is None:
                prompt, world = rng.choice(PROMPT_TYPES), rng.choice(("24", "other", "unreachable"))
                way_out = world == "unreachable" or rng.random() < 0.5
                wanted, solvable = int(world) if world.isdecimal() else None, world != "unreachable"
            else:
                prompt, way_out = str(sample.params["prompt"]), self._way_out
                wanted, solvable = int(str(sample.params["target"])), not (way_out and index % 2)
            numbers, target, text = shots.draw(rng, wanted, solvable)
            asked = self._prompt(prompt, numbers, target, way_out)
            yield Example(asked, shots.answer(prompt, numbers, target, text))

    placebos: ClassVar[Mapping[str, str]] = controls.PLACEBOS
    changes: ClassVar[Mapping[str, str]] = controls.CHANGES

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        return controls.reworded(sample, placebo, self._prompt_of(sample), rng)

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        return controls.changed(sample, self._prompt_of(sample), rng)

    def _prompt_of(self, sample: Sample) -> controls.Prompt:
        prompt, target = str(sample.params["prompt"]), int(str(sample.params["target"]))
        return lambda numbers: self._prompt(prompt, numbers, target)
