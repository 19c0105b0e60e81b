"""A question in a cell as a Sample: its names, its prompt, its params."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from harness.pddl_domains import World, mystery, randomised
from harness.seeds import derive
from harness.tasks.planning import asking
from harness.tasks.planning.atomic import ATOMIC, Question
from harness.tasks.planning.cases import PLAIN_QUESTIONS, Case
from harness.tasks.planning.instances import Instance, Plan
from harness.tasks.planning.rendering import Rendering, other_objects
from harness.types import Message, Sample


class Cell(NamedTuple):
    """How a sample of a group is asked."""

    ability: str
    world: str
    prompt: str
    style: str
    solvable: str

    @property
    def condition(self) -> str:
        """Its name."""
        style = f"/{self.style}" if self.style != "zero_shot" else ""
        return f"{self.ability}/{self.world}/{self.prompt}{style}{'/unsolvable' if self.solvable == 'no' else ''}"


def named(base: World, world: str, names_seed: int) -> World:
    """A plain world under the names of a world."""
    if world == "random":
        return randomised(base, names_seed)
    return mystery(base) if world == "mystery" else base


@dataclass(frozen=True)
class Writer:
    """Writes samples of a task, whose plain world is `base`. `own` has the user's own domain (`domain_pddl`, `wording`)
    if there is one. `way_out`: prompts say what to answer if no plan exists. `exact`: all prompts leave nothing to
    guess, as those of atomic abilities do (World.exact_rules)."""

    task: str
    base: World
    own: dict[str, str] = field(default_factory=dict)
    way_out: bool = False
    exact: bool = False

    def sample(
        self, group: str, seed: int, cell: Cell, case: Case, example: tuple[tuple[Instance, Plan], ...]
    ) -> Sample:
        """A case as a sample; `seed` is that of its names, `example` stands before it unless it is asked zero-shot."""
        if cell.style != "zero_shot":
            case = replace(case, examples=example)
        says = self._says(cell, seed, case.problem, *(instance for instance, _ in case.examples))
        more: dict[str, Any] = {}
        if case.plan:
            more["plan"] = "\n".join(f"({' '.join(says.atom(step))})" for step in case.plan)
        if case.kind:
            more["plan_kind"] = case.kind
        params = self._params(group, seed, cell, case.optimal, says.pddl(case.problem)) | more | self.own
        messages = (Message("user", says.prompt(cell.ability, case, cell.style)),)
        target = says.target(cell.ability, case)
        return Sample(f"{group}/{cell.condition}", group, cell.condition, params, messages, target)

    def yes_or_no(self, group: str, seed: int, cell: Cell, turn: int, asked: Question, right: bool) -> Sample:
        """A question of yes or no as a sample; `turn` is its number within the group."""
        says = self._says(cell, seed, asked.problem)
        params = self._params(group, seed, cell, None, says.pddl(asked.problem))
        params |= {**asking.params_of(says, asked, right), **self.own}
        messages = (Message("user", asking.prompt(says, cell.ability, asked)),)
        return Sample(f"{group}/{cell.condition}/{turn}", group, cell.condition, params, messages, params["answer"])

    def _says(self, cell: Cell, seed: int, *instances: Instance) -> Rendering:
        """What writes the prompts about these instances."""
        world = named(self.base, cell.world, seed)
        names = tuple(sorted({name for instance in instances for name in instance.objects}))
        objects = other_objects(world, names, derive(seed, cell.world, "objects"))
        way_out = self.way_out and cell.ability in PLAIN_QUESTIONS
        return Rendering(self.base, world, objects, cell.prompt == "nl", way_out, self.exact or cell.ability in ATOMIC)

    def _params(self, group: str, seed: int, cell: Cell, optimal: int | None, problem: str) -> dict[str, Any]:
        domain = "own" if self.own else self.task
        params: dict[str, Any] = {"domain": domain if cell.world == "plain" else f"{cell.world}_{domain}"}
        params |= {"ability": cell.ability, "world": cell.world, "prompt": cell.prompt, "style": cell.style}
        params |= {"solvable": cell.solvable, "instance": group, "optimal_cost": optimal, "problem": problem}
        if cell.world == "random":
            params["names_seed"] = seed
        return params
