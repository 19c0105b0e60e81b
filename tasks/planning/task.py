"""Planning: the same problems under names that mean something, mislead, or are new.

For example, the red, the orange and the yellow block are on the table, and the blue block is on top of the yellow one.
The goal is that the blue block is on top of the yellow block, and the orange block on top of the blue block. A target
is "1. Pick up the orange block", "2. Stack the orange block on top of the blue block".

After Valmeekam, Marquez, Olmo, Sreedharan, Kambhampati 2023, PlanBench (arXiv 2206.10498). Plans are executed, not
compared with a reference. There is one class per domain; what they share reads top to bottom: options, samples, score,
baselines.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from harness.errors import DataError, UsageError
from harness.options import check_effect, number_list, option, settle
from harness.pddl_domains import WORLDS, World, plain
from harness.seeds import derive
from harness.tasks.planning import asking, baselines, changes, controls, in_steps, measures, scoring, solutions
from harness.tasks.planning import feedback as words
from harness.tasks.planning.atomic import ATOMIC, VERDICTS, Asked, Question
from harness.tasks.planning.cases import ABILITIES, PLAIN_QUESTIONS, Case, Source, unsolvable
from harness.tasks.planning.files import read_folder
from harness.tasks.planning.instances import Instance, Plan, from_problem
from harness.tasks.planning.rendering import Rendering, other_objects
from harness.tasks.planning.twins import FreshInstances
from harness.tasks.planning.writing import Cell, Writer, named
from harness.types import Aid, Collector, Example, Feedback, Message, Params, Sample, Sampling, Score, StopReason, Task

PROMPTS = ("nl", "pddl")
STYLES = ("zero_shot", "one_shot", "state_tracking")
ATTEMPTS = 2_000
"""Samples end after so many instances in a row that came before or do not fit the options."""


Turns = tuple[tuple[Question, bool], tuple[Question, bool]]
"""The two questions of an atomic ability in the order in which they are asked, each with whether yes is right."""

Cases = dict[tuple[str, str], Case | Turns | None]
"""What is asked by ability and by whether there is a plan."""


@dataclass(frozen=True)
class Planning(FreshInstances, Task):
    """What the tasks of all domains share."""

    ability: tuple[str, ...] = option(
        ("plan_generation",), f"one or more of {', '.join(ABILITIES)} (all: these ten), {', '.join(ATOMIC)} (atomic: "
        "these eight, yes or no)", choices=(*ABILITIES, *ATOMIC),
        aliases={"all": tuple(ABILITIES), "atomic": tuple(ATOMIC)},
    )  # fmt: skip
    rename: tuple[str, ...] = option(
        WORLDS, "worlds: one or more of plain (also: none), mystery, random", choices=WORLDS,
        aliases={"none": "plain", "all": WORLDS},
    )  # fmt: skip
    prompt: tuple[str, ...] = option(
        ("nl",), "one or more of nl (natural language), pddl", choices=PROMPTS, aliases={"all": PROMPTS}
    )
    style: tuple[str, ...] = option(
        ("zero_shot",), f"one or more of {', '.join(STYLES)}", choices=STYLES, aliases={"all": STYLES}
    )
    solvable: tuple[str, ...] = option(
        ("yes",), "yes, no (no plan exists, and to say so is right), or both: yes,no", choices=("yes", "no"),
        aliases={"all": ("yes", "no")},
    )  # fmt: skip
    length: str = option("", "fewest steps of a plan: a number, or a range such as 4-8")
    trivial: bool = option(False, "also instances whose goal holds at the start")
    level: Literal["explanation", "type", "binary"] = option(
        "explanation", "plan_verification: explanation, type or binary must be right"
    )
    instances: Path | None = option(None, "a folder of .pddl problems, with domain.pddl (and wording.yaml) if your own")

    name: ClassVar[str] = ""
    version: ClassVar[str] = "4"
    factors: ClassVar[tuple[str, ...]] = ("world", "prompt", "ability", "style", "solvable")
    main: ClassVar[str] = "world"
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        # Other names are longer or shorter, and mystery and random worlds say less around them; what is to be said if
        # no plan exists stands at the end of a prompt of another length.
        "world": ("length", "words", "numbers", "largest number", "answer length", "answer position", "vocabulary"),
        "prompt": ("all",),
        "ability": ("all",),
        "style": ("length", "words", "numbers", "largest number", "answer in prompt", "answer position", "vocabulary"),
        "solvable": ("answer", "answer length", "answer in prompt", "answer position", "steps"),
        # The first colours and numbers are the shortest; what is to be said without a plan stands at the end.
        "placebo names": ("length", "largest number"),
        "placebo words": ("length", "words", "answer position"),
    }
    sampling = Sampling(temperature=0.0, max_tokens=4096)
    measures: ClassVar[Mapping[str, str]] = {"steps": "optimal_cost"}
    baselines: ClassVar[Mapping[str, str]] = {"planner": "a classical planner's plan"}
    lacks: ClassVar[Mapping[str, str]] = {}
    """Atomic abilities that no instance of the domain can be asked about, with why."""
    exact: ClassVar[bool] = False
    """Whether prompts leave nothing to guess (World.exact_rules); those of atomic abilities always do."""
    slow_samples: ClassVar[bool] = True
    """A planner may have to find the shortest plan."""

    def __post_init__(self) -> None:
        settle(self, f"task {self.name}")
        check_effect(self, f"task {self.name}", {"solvable": ("plan_generation",)}, by="ability")
        drawn = [f for f in fields(self) if f.metadata.get("between") or f.name == "start"]
        if self.instances and (given := [f.name for f in drawn if getattr(self, f.name) != f.default]):
            raise UsageError(
                f"task {self.name}: option {given[0]} has no effect on a folder's instances", "leave it out"
            )
        self._without_lacking()
        self._lengths()
        if self.style != ("zero_shot",) and not set(self.ability) <= set(PLAIN_QUESTIONS):
            raise UsageError(
                f"task {self.name}: option style: only {' and '.join(PLAIN_QUESTIONS)} can have an example before them",
                "the other abilities show what they need themselves",
            )

    def _without_lacking(self) -> None:
        """`atomic` is all abilities that the domain has. A folder may have another domain."""
        if self.instances is not None:
            return
        if set(ATOMIC) <= set(self.ability):
            object.__setattr__(self, "ability", tuple(a for a in self.ability if a not in self.lacks))
        if lacking := [a for a in self.ability if a in self.lacks]:
            raise UsageError(
                f"task {self.name}: option ability: there is no {lacking[0]}: {self.lacks[lacking[0]]}",
                f"atomic abilities that it has: {', '.join(a for a in ATOMIC if a not in self.lacks)}",
            )

    def _sizes(self) -> list[str]:
        """The options that say how large an instance is."""
        return [f.name for f in fields(self) if f.metadata.get("between")]

    def _lengths(self) -> list[int]:
        """The plan lengths asked for; empty for any."""
        return number_list((self.length,), f"task {self.name}: option length") if self.length else []

    # What a domain adds -------------------------------------------------------------------------------------------

    def draw(self, rng: random.Random) -> Instance:
        """An instance whose goal can be reached, at random."""
        raise NotImplementedError

    def pattern(self, rng: random.Random, size: int) -> tuple[Instance, Plan]:
        """An instance of the domain's pattern, and a plan that shows how all such instances are solved."""
        raise NotImplementedError

    def twin(self, source: Source) -> Case | None:
        """The same instance made so that no plan exists; None if it can't be."""
        return unsolvable(source)

    # Samples ------------------------------------------------------------------------------------------------------

    @property
    def limit(self) -> int | None:
        """50 drawn instances in every condition, as most domains have no end of them; or all instances of a folder."""
        asked = sum(2 if ability in ATOMIC else 1 for ability, *_ in self._cells)
        return (50 if self._folder is None else len(self._folder.files)) * asked

    @cached_property
    def _cells(self) -> list[Cell]:
        """The cells of each group. Only plan generation is also asked without a solution."""
        cells = itertools.product(self.ability, self.solvable, self.rename, self.prompt, self.style)
        return [
            Cell(ability, world, prompt, style, solvable)
            for ability, solvable, world, prompt, style in cells
            if solvable == "yes" or ability == "plan_generation"
        ]

    @cached_property
    def base(self) -> World:
        """The plain world of the domain, or of the folder's own domain."""
        return plain(self.name) if self._folder is None or self._folder.domain is None else self._folder.world()

    @cached_property
    def _folder(self) -> Any:
        return None if self.instances is None else read_folder(self.instances)

    def samples(self, seed: int) -> Iterator[Sample]:
        """Each instance in every condition; in those of atomic abilities twice, with the answers yes and no in random
        order. An instance that does not suit one of the abilities is left out.

        Raises UsageError after 100 such instances in a row, DataError for a folder's instance that has no plan.
        """
        missed, made, unfit = 0, False, list[str]()
        for group, instance, plan in self._instances(seed):
            cases = self._cases(group, instance, plan)
            unfit = [ability for (ability, _), case in cases.items() if case is None]
            missed = missed + 1 if unfit else 0
            if missed > 100:
                raise self._unfit(100, unfit[0])
            if unfit:
                continue
            made = True
            yield from self._asked(group, cases)
        if missed and not made:
            raise self._unfit(missed, unfit[0])

    def _cases(self, group: str, instance: Instance, plan: Plan) -> Cases:
        """What each ability asks about an instance, with a plan and without; None if it can't be asked."""
        cases: Cases = {}
        for ability, *_, solvable in self._cells:
            if (ability, solvable) not in cases:
                rng = self._rng(group, ability, solvable)
                source = Source(rng, instance, plan, self.base, self._solve, self._pattern)
                cases[ability, solvable] = self._case(ability, source) if solvable == "yes" else self.twin(source)
        return cases

    def _asked(self, group: str, cases: Cases) -> Iterator[Sample]:
        """An instance in every condition."""
        example = self._example(self._rng(group, "example")) if self.style != ("zero_shot",) else ()
        names_seed = derive(self.name, "names", group) % 2**31
        for turn, cell in itertools.product((0, 1), self._cells):
            case = cases[cell.ability, cell.solvable]
            if isinstance(case, Case) and not turn:
                yield self._sample(group, names_seed, cell, case, example)
            elif isinstance(case, tuple):
                yield self._writer.yes_or_no(group, names_seed, cell, turn + 1, *case[turn])

    def _case(self, ability: str, source: Source) -> Case | Turns | None:
        if ability in ABILITIES:
            return ABILITIES[ability](source)
        pair = ATOMIC[ability](Asked(source.rng, source.instance, source.plan, source.base))
        if pair is None:
            return None
        yes, no = (pair[0], True), (pair[1], False)
        return (yes, no) if source.rng.random() < 0.5 else (no, yes)

    def _unfit(self, instances: int, ability: str) -> UsageError:
        return UsageError(
            f"task {self.name}: in {instances} instances none could be asked about as {ability}",
            "larger instances (goals of one fact can't be shuffled or contradicted; those of a puzzle are whole "
            "states), or other abilities",
        )

    def _rng(self, *purpose: str) -> random.Random:
        """The randomness for one purpose; it does not depend on what else is asked."""
        return random.Random(derive(self.name, self.version, *purpose))

    @property
    def _pattern(self) -> Any:
        return self.pattern if self.instances is None else None

    def _instances(self, seed: int) -> Iterator[tuple[str, Instance, Plan]]:
        """(group, instance, plan with the fewest steps) of each instance that fits the options, each once."""
        lengths, seen, missed = frozenset(self._lengths()), set[str](), 0
        settings = [f"{field}{getattr(self, field)}" for field in self._sizes()]
        for name, drawn in self._drawn(seed, settings):
            pddl = drawn.pddl(self.base.domain.name)
            fits = pddl not in seen and (self.trivial or not drawn.solved()) and bool(drawn.goal)
            plan = self._solve(drawn) if fits else None
            if plan is None and fits and self.instances is not None:
                raise DataError(f"{name}: no plan exists for it", "its twin without a plan is made by -T solvable=no")
            if not fits or plan is None or (lengths and len(plan) not in lengths):
                missed += 1
                if missed > ATTEMPTS:
                    return
                continue
            missed = 0
            seen.add(pddl)
            yield name, drawn, plan

    def _drawn(self, seed: int, settings: list[str]) -> Iterator[tuple[str, Instance]]:
        if self._folder is not None:
            for name, problem in self._folder.problems(self.base):
                yield name, from_problem(problem, name)
            return
        for index in itertools.count():
            rng = random.Random(derive(self.name, self.version, *settings, seed, index))
            yield "-".join([*settings, str(seed), f"{index:06d}"]), self.draw(rng)

    def _solve(self, instance: Instance) -> Plan | None:
        return solutions.shortest(self.base, instance)

    def _example(self, rng: random.Random) -> tuple[tuple[Instance, Plan], ...]:
        """Another instance, solved: a small one of the domain's pattern."""
        if self.instances is not None:
            raise UsageError(f"task {self.name}: option style: a folder's instances are asked about without an example")
        return (self.pattern(rng, 3),)

    @cached_property
    def _writer(self) -> Writer:
        own = self._folder is not None and self._folder.domain is not None
        text = {"domain_pddl": self._folder.domain, "wording": self._folder.wording} if own else {}
        return Writer(self.name, self.base, text, "no" in self.solvable, self.exact)

    def _sample(self, *asked: Any) -> Sample:
        return self._writer.sample(*asked)

    # Score and baselines ------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stops the planners that are still at work."""
        from harness.pddl import planner

        planner.close()  # threads that wait for a planner would hold up the end of a run that was cut short

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """See scoring.score, and asking.score for yes and no; the option `level` applies to plan_verification."""
        ability = params.get("ability", "plan_generation")
        if not isinstance(ability, str):
            raise DataError("params.ability of a planning sample has to be a word")
        if ability in ATOMIC:
            return asking.score(params, response, stop_reason)
        return scoring.score(params, response, stop_reason, self.level)

    @property
    def feedback_aid(self) -> Aid:  # type: ignore[override]
        """A verifier's, unless an ability asks for a verdict: right or wrong then gives the answer away."""
        return "oracle" if set(self.ability) & set(VERDICTS) else "verifier"

    @property
    def verifiable(self) -> str:  # type: ignore[override]
        """Those of its abilities that do not ask for a verdict; plan_generation if there is none."""
        plans = [ability for ability in self.ability if ability not in VERDICTS] or ["plan_generation"]
        return f"-T ability={','.join(plans)}"

    def feedback(self, params: Params, response: str, level: str, stop_reason: StopReason = "stop") -> Feedback:
        """Where the plan fails, in the names of the sample. See feedback.py."""
        return words.feedback(params, self.score(params, response, stop_reason), level)

    def read(self, params: Params, response: str, stop_reason: StopReason = "stop") -> str | None:
        """The steps, the verdict, or the state; of a state without the facts that no action changes, which may be left
        out."""
        answer = super().read(params, response, stop_reason)
        if answer is None or params.get("ability") != "plan_execution":
            return answer
        return scoring.changeable(params, answer)

    # Controls (see controls.py and changes.py) ----------------------------------------------------------------------

    placebos: ClassVar[Mapping[str, str]] = controls.PLACEBOS
    changes: ClassVar[Mapping[str, str]] = controls.CHANGES

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.reworded."""
        return controls.reworded(sample, placebo, rng)

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See changes.changed."""
        return changes.changed(sample, rng)

    # What search may use (see in_steps.py) -------------------------------------------------------------------------

    def steps(self, params: Params, partial: str, k: int) -> list[Message] | None:
        """A step is one action. For plan_generation and plan_optimality; the other abilities are not asked in steps."""
        if params.get("ability") not in in_steps.ABILITIES or in_steps.complete(partial):
            return None
        text = in_steps.next_prompt(scoring.world_of(params), params, partial, k, "no" in self.solvable, self.exact)
        return [Message("user", text)]

    def join(self, partial: str, thought: str) -> str:
        """A numbered list, or PDDL; "Done." ends it."""
        return in_steps.joined(partial, thought)

    def judge(self, params: Params, partial: str) -> float | None:
        """Whether the goal can still be reached, and how near it is, see in_steps.judged. None for other abilities."""
        if params.get("ability") not in in_steps.ABILITIES:
            return None
        return in_steps.judged(scoring.world_of(params), params, partial)

    @staticmethod
    def collector() -> Collector:
        """The tables of how far plans get, their length, and verification."""
        return measures.Measures()

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: a plan with the fewest steps, or the right answer. planner: a planner's plan for the sample's PDDL.

        shallow: the plan that the prompt shows for another goal or start; "valid" for every plan to verify; the state
        at the start for execution; else a plan found by looking one step ahead. random: random steps that can be taken
        (or half of the time that no plan exists, if some samples are unsolvable), a random verdict, or the state after
        four random steps. Of yes and no: see glance.py, and a random one.
        """
        return baselines.answer(kind, sample, rng, gives_up="no" in self.solvable)

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Instances of the domain's pattern, asked about as the sample is (its ability, prompt and names) and answered;
        without a sample, solved ones under plain names. UsageError for a folder's instances, which have no pattern."""
        if self.instances is not None:
            raise UsageError(f"task {self.name}: --num-fewshot: there are no examples for a folder's instances")
        if sample is None:
            for size, prompt in zip(itertools.cycle((3, 2, 4)), itertools.cycle(PROMPTS)):
                instance, plan = self.pattern(rng, size)
                says = Rendering(self.base, self.base, {}, prompt == "nl", exact=self.exact)
                case = Case(instance, plan, len(plan))
                yield Example(says.prompt("plan_generation", case), says.target("plan_generation", case))
        else:
            yield from self._examples_like(sample, rng)

    def _examples_like(self, sample: Sample, rng: random.Random) -> Iterator[Example]:
        own = sample.params
        ability, nl = str(own["ability"]), own["prompt"] == "nl"
        seed = derive(self.name, "names", sample.group) % 2**31
        world = named(self.base, str(own["world"]), seed)
        offered = "no" in self.solvable and ability in PLAIN_QUESTIONS
        missed = 0
        for size in itertools.cycle((3, 2, 4)):
            instance, plan = self.pattern(rng, size)
            found = self._case(ability, Source(rng, instance, plan, self.base, self._solve, self._pattern))
            missed = missed + 1 if found is None else 0
            if missed > 100:
                return  # the pattern does not suit the ability
            if found is None:
                continue
            one = found if isinstance(found, Case) else found[0][0]
            examples = one.examples if isinstance(one, Case) else ()
            every = tuple(sorted({n for i, _ in ((one.problem, ()), *examples) for n in i.objects}))
            objects = other_objects(world, every, derive(seed, "few-shot", "objects"))
            says = Rendering(self.base, world, objects, nl, offered, self.exact or ability in ATOMIC)
            if isinstance(one, Case):
                yield Example(says.prompt(ability, one), says.target(ability, one))
            else:
                assert isinstance(found, tuple)
                yield Example(asking.prompt(says, ability, one), "Answer: yes" if found[0][1] else "Answer: no")
