"""Fresh twins of published instances: others that no renaming turns into a published one, as hard as theirs.

Published are the instances of a folder (`-T instances=DIR`, such as PlanBench's generated_basic), or else the default
set of the domain, which is the same on every machine. See harness.twins.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from harness.errors import UsageError
from harness.pddl.parse import Fact, parse_problem
from harness.tasks.planning.instances import Instance, Plan, from_problem
from harness.types import Sample, Scalar

DRAWS, SOLVED = 2_000, 50
"""A twin is given up after so many instances were drawn, or so many of them solved."""


def form(instance: Instance) -> str:
    """A hash that does not depend on names: instances that are the same up to names have the same.

    Objects are told apart by what the facts say of them, round after round (colour refinement: Weisfeiler and Leman
    1968); instances with different hashes are different, those with the same one almost always alike.
    """
    facts = [("start", fact) for fact in instance.init] + [("goal", fact) for fact in instance.goal]
    colours = dict(instance.objects)
    for _ in range(min(len(colours), 6)):
        seen: dict[str, list[str]] = {name: [] for name in colours}
        for where, (predicate, *names) in facts:
            shown = " ".join([where, predicate, *(colours.get(name, name) for name in names)])
            for place, name in enumerate(names):
                if name in seen:
                    seen[name].append(f"{place} {shown}")
        colours = {name: _hash([colours[name], *sorted(said)]) for name, said in seen.items()}
    whole = [" ".join([where, fact[0], *(colours.get(name, name) for name in fact[1:])]) for where, fact in facts]
    return _hash([*sorted(colours.values()), *sorted(whole)])


def _hash(parts: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def size(instance: Instance) -> tuple[tuple[tuple[str, int], ...], ...]:
    """What a twin shares beside the length of a shortest plan: how many objects there are of each type, how many facts
    of each predicate at the start and in the goal."""
    counted = (instance.objects.values(), (f[0] for f in instance.init), (f[0] for f in instance.goal))
    return tuple(tuple(sorted(Counter(kinds).items())) for kinds in counted)


class FreshInstances:
    """What a planning task says of its published instances (harness.twins.HasPublished)."""

    published_options: ClassVar[Mapping[str, str]] = {"rename": "plain"}

    def published(self: Any, seed: int) -> Iterator[Sample]:
        """The instances of the folder, or the default set; those that suit all abilities. They don't depend on the
        seed."""
        for group, (instance, plan) in self._known.items():
            cases = self._cases(group, instance, plan)
            if None not in cases.values():
                yield from self._asked(group, cases)

    @cached_property
    def _known(self: Any) -> dict[str, tuple[Instance, Plan]]:
        """The published instances by group."""
        count = DEFAULT if self._folder is None else None
        return {group: (instance, plan) for group, instance, plan in itertools.islice(self._instances(0), count)}

    @cached_property
    def _known_forms(self: Any) -> frozenset[str]:
        return frozenset(form(instance) for instance, _ in self._known.values())

    def fresh_twins(self: Any, group: Sequence[Sample], rng: random.Random) -> list[Sample] | None:
        """An instance with the same `size` and a shortest plan of the same length, asked in the same conditions."""
        known, plan = self._known[group[0].group]
        solved = 0
        for draw in range(DRAWS):
            drawn = self.draw_like(known, rng)
            if size(drawn) != size(known) or drawn.solved() or form(drawn) in self._known_forms:
                continue
            solved += 1
            found = self._solve(drawn)
            if found is not None and len(found) == len(plan):
                name = f"{group[0].group}-twin-{rng.getrandbits(32)}-{draw}"
                cases = self._cases(name, drawn, found)
                if None not in cases.values():
                    return list(self._asked(name, cases))
            if solved >= SOLVED:
                return None
        return None

    def draw_like(self: Any, instance: Instance, rng: random.Random) -> Instance:
        """An instance at random, of the size of this one. By default of the size that the options say, as the default
        set has it: UsageError for a folder."""
        if self._folder is not None:
            raise UsageError(
                f"task {self.name}: twins of a folder's instances can't be drawn in this domain",
                "blocksworld can; without -T instances the default set is taken as published",
            )
        drawn: Instance = self.draw(rng)
        return drawn

    def alike(self, sample: Sample) -> Mapping[str, Scalar]:
        """Steps of a shortest plan, objects, facts at the start and facts of the goal."""
        steps = sample.params.get("optimal_cost")
        objects, start, goal = parts_of(str(sample.params["problem"]))
        found = {"objects": objects, "facts at the start": start, "facts of the goal": goal}
        return found | ({"steps": steps} if isinstance(steps, int) else {})

    def published_text(self: Any, sample: Sample) -> tuple[str, str] | None:
        """The file of a folder's Blocksworld instance, as PlanBench has it, cut within the facts at the start. None for
        others: the default sets were never published as texts."""
        if self.name != "blocksworld" or self._folder is None or sample.params["world"] != "plain":
            return None
        problem = parse_problem(str(sample.params["problem"]), self.base.domain)
        lines = planbench_text(from_problem(problem, sample.group)).split("\n")
        first, last = lines.index("(:init") + 1, lines.index("(:goal") - 1
        cut = (first + last + 1) // 2
        return "\n".join(lines[:cut]), "\n".join(lines[cut:])


DEFAULT = 50
"""Instances of a default set."""


def parts_of(problem: str) -> tuple[int, int, int]:
    """How many objects, facts at the start and facts of the goal a problem in PDDL has, as Instance.pddl writes it."""
    before, _, goal = problem.partition("(:goal")
    objects, _, start = before.partition("(:init")
    names = re.sub(r" - \S+", "", objects.partition("(:objects")[2].replace(")", " ")).split()
    return len(names), start.count("("), goal.count("(") - 1


def planbench_text(instance: Instance) -> str:
    """A Blocksworld instance as PlanBench's generator writes it: the file of the repository, to the letter."""
    blocks = list(instance.objects)
    where: dict[str, Fact] = {fact[1]: fact for fact in instance.init if fact[0] in ("on", "ontable")}
    facts = [("handempty",), *(where[b] for b in blocks if b in where)]
    facts += [("clear", b) for b in blocks if ("clear", b) in instance.init]
    start, goal = ("\n".join(f"({' '.join(fact)})" for fact in some) for some in (facts, instance.goal))
    return (
        f"(define (problem BW-rand-{len(blocks)})\n(:domain blocksworld-4ops)\n(:objects {' '.join(blocks)} )\n"
        f"(:init\n{start}\n)\n(:goal\n(and\n{goal})\n)\n)"
    )
