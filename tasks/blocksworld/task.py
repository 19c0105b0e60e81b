"""Blocksworld and Mystery Blocksworld: the same planning problems under names that mean something, mislead, or are new.

After Valmeekam, Marquez, Olmo, Sreedharan, Kambhampati 2023, PlanBench (arXiv 2206.10498). Plans are executed, not
compared. So far the first of its abilities, plan generation, zero-shot.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from harness.errors import DataError, UsageError
from harness.options import option, suggestion
from harness.pddl_domains import World, mystery, plain, randomised
from harness.seeds import derive
from harness.tasks.blocksworld import towers
from harness.types import Example, Message, Outcome, Params, Sample, Sampling, Score, StopReason
from harness.verifiers import plan_text
from harness.verifiers.pddl import PDDLError, parse_problem
from harness.verifiers.plans import Validator

NAMES = ("plain", "mystery", "random")
PROMPTS = ("nl", "pddl")


@dataclass(frozen=True)
class Blocksworld:
    """Plan generation in Blocksworld, Mystery Blocksworld and Blocksworld under random names."""

    rename: tuple[str, ...] = option(NAMES, "worlds: one or more of plain, mystery, random")
    prompt: tuple[str, ...] = option(("nl",), "one or more of nl (natural language), pddl")
    blocks: int = option(4, "number of blocks, 2 to 6")

    name: ClassVar[str] = "blocksworld"
    version: ClassVar[str] = "1"
    factors: ClassVar[tuple[str, ...]] = ("world", "prompt")
    epochs: ClassVar[int] = 1
    sampling: ClassVar[Sampling] = Sampling(temperature=0.0, max_tokens=4096)

    def __post_init__(self) -> None:
        for field, known in (("rename", NAMES), ("prompt", PROMPTS)):
            given = tuple(dict.fromkeys(name.lower() for name in getattr(self, field)))
            for name in given or ("",):
                if name not in known:
                    hint = suggestion(name, list(known), "it takes")
                    raise UsageError(f"task blocksworld: option {field}: there is no '{name}'", hint)
            object.__setattr__(self, field, given)
        if not 2 <= self.blocks <= 6:
            raise UsageError(f"task blocksworld: option blocks: {self.blocks} is not between 2 and 6")

    @property
    def limit(self) -> int | None:
        """Instances have no end: 50 of them by default."""
        return 50 * len(self.rename) * len(self.prompt)

    def samples(self, seed: int) -> Iterator[Sample]:
        for index in itertools.count():
            rng = random.Random(derive(self.name, self.version, self.blocks, seed, index))
            start, goal = _instance(rng, self.blocks)
            pddl, plan = towers.problem(start, goal), towers.shortest(start, goal)
            instance = f"blocks{self.blocks}-{seed}-{index:06d}"
            for name, prompt in itertools.product(self.rename, self.prompt):
                params: dict[str, str | int] = {"domain": DOMAINS[name], "world": name, "prompt": prompt}
                params |= {"instance": instance, "blocks": self.blocks, "optimal_cost": len(plan)}
                if name == "random":
                    params["names_seed"] = derive(self.name, "names", seed, index) % 2**31
                world = world_of(params)
                params["problem"] = world.rename(pddl)
                condition = f"{name}/{prompt}"
                messages = (Message("user", _prompt(world, prompt, start, goal, params["problem"])),)
                target = render(world, prompt, plan)
                yield Sample(f"{instance}/{condition}", instance, condition, params, messages, target)

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        world = world_of(params)
        if not isinstance(params.get("problem"), str):
            raise DataError("a blocksworld sample needs params.problem, in PDDL")
        try:
            validator = _validator(str(params["problem"]), world)
        except PDDLError as error:
            raise DataError(f"params.problem: {error.message}") from None
        found = plan_text.read(response, world.lexicon)
        if not found.steps:
            outcome = Outcome.TRUNCATED if stop_reason == "length" else Outcome.UNPARSED
            return Score.without_answer(outcome, reason=found.reason)
        verdict = validator.validate(found.steps)
        answer = "\n".join(f"({' '.join(step)})" for step in found.steps)
        detail = {"steps": len(found.steps), "reason": verdict.reason, "step": verdict.step, "optimal": None}
        if verdict.valid and params.get("optimal_cost") is not None:
            detail["optimal"] = len(found.steps) == params["optimal_cost"]
        return Score.of(verdict.valid, answer, **detail, missing=list(verdict.missing))

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: a shortest plan; shallow: the goal's towers as if every block lay on the table; random: a walk."""
        if kind == "oracle":
            return sample.target
        world, prompt = world_of(sample.params), str(sample.params["prompt"])
        start, goal = _read_back(str(sample.params["problem"]), world)
        plan = towers.stack_only(goal) if kind == "shallow" else towers.wander(rng, start, rng.randint(1, 5))
        return render(world, prompt, plan)

    def examples(self, rng: random.Random, varied: bool = False) -> Iterator[Example]:
        """Solved instances in the given prompt types; of three blocks, which no sample has unless asked for."""
        for prompt in itertools.cycle(PROMPTS if varied else self.prompt):
            start, goal = _instance(rng, 3 if self.blocks != 3 else 4)
            world = plain("blocksworld")
            pddl = towers.problem(start, goal)
            yield Example(
                _prompt(world, prompt, start, goal, pddl), render(world, prompt, towers.shortest(start, goal))
            )


DOMAINS = {"plain": "blocksworld", "mystery": "mystery_blocksworld", "random": "random_blocksworld"}


def world_of(params: Params) -> World:
    """The names a sample is about, from its params. DataError for a domain that is not known."""
    domain = params.get("domain")
    if domain == "blocksworld":
        return plain("blocksworld")
    if domain == "mystery_blocksworld":
        return mystery("blocksworld")
    if domain == "random_blocksworld" and isinstance(params.get("names_seed"), int):
        return randomised("blocksworld", int(str(params["names_seed"])))
    raise DataError(f"params.domain: there is no domain {domain!r}", f"domains: {', '.join(DOMAINS.values())}")


@lru_cache(maxsize=256)
def _validator(problem: str, world: World) -> Validator:
    return Validator.of(world.compiled, parse_problem(problem, world.compiled.domain))


def _instance(rng: random.Random, blocks: int) -> tuple[towers.Towers, set[tuple[str, str]]]:
    """Start and goal, both uniform, the goal neither empty nor true already."""
    while True:
        start, goal = towers.draw(rng, blocks), towers.on(towers.draw(rng, blocks))
        if goal and not goal <= towers.on(start):
            return start, goal


def _prompt(world: World, prompt: str, start: towers.Towers, goal: set[tuple[str, str]], problem: object) -> str:
    if prompt == "pddl":
        return (
            f"Here is a planning domain and a problem in PDDL.\n\n{world.pddl}\n{problem}\n"
            "Give a plan that solves the problem: one action a line, in parentheses, and nothing else."
        )
    facts: list[tuple[str, ...]] = [("on", *pair) for pair in sorted(towers.on(start))]
    facts += [("ontable", t[0]) for t in sorted(start)] + [("clear", t[-1]) for t in sorted(start)] + [("handempty",)]
    said = [world.sentence((world.names[name], *arguments)) for name, *arguments in facts]
    wanted = [world.sentence((world.names["on"], *pair)) for pair in sorted(goal)]
    return (
        f"These are the actions that can be taken:\n\n{world.rules()}\n\nAt the start it is true that:\n"
        + "\n".join(f"- {fact}" for fact in said)
        + "\n\nThe goal is that:\n"
        + "\n".join(f"- {fact}" for fact in wanted)
        + "\n\nGive a plan that reaches the goal: a numbered list with one action a line, in the words used above, and "
        "nothing else."
    )


def render(world: World, prompt: str, plan: list[towers.Step]) -> str:
    """A plan of the plain domain as an answer in this world."""
    steps = world.steps(plan)
    if prompt == "pddl":
        return "\n".join(f"({' '.join(step)})" for step in steps)
    return "\n".join(f"{i}. {world.sentence(step).capitalize()}" for i, step in enumerate(steps, 1))


def _read_back(problem: str, world: World) -> tuple[towers.Towers, set[tuple[str, str]]]:
    """Start and goal of one of our own problems."""
    parsed = parse_problem(problem, world.compiled.domain)
    plain_names = {used: name for name, used in world.names.items()}
    above = {lower: upper for name, *rest in parsed.init if plain_names[name] == "on" for upper, lower in [rest]}
    built = []
    for name, *rest in parsed.init:
        if plain_names[name] == "ontable":
            tower = [rest[0]]
            while tower[-1] in above:
                tower.append(above[tower[-1]])
            built.append(tuple(tower))
    goal = {(str(part[1]), str(part[2])) for part in (parsed.goal or [])[1:]}
    return frozenset(built), goal
