"""A case as a prompt in a world: in natural language or in PDDL, in one of the styles. Knows no scoring."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.pddl.parse import Fact
from harness.pddl_domains import World
from harness.tasks.planning.cases import Case
from harness.tasks.planning.instances import Instance, Plan, after, validator_of
from harness.tasks.planning.prompts import template

REFORMULATIONS = ("goal_shuffling", "full_to_partial", "partial_to_full")
NO_PLAN = "no plan exists"


@dataclass(frozen=True)
class Rendering:
    """Writes cases as text. Cases are made in the plain world `base` and written in `world`, where `objects` maps the
    names of objects to other names. `nl`: in natural language rather than PDDL. `unsolvable`: the prompt says what to
    answer if no plan exists. `exact`: it leaves nothing to guess (World.exact_rules)."""

    base: World
    world: World
    objects: Mapping[str, str]
    nl: bool
    unsolvable: bool = False
    exact: bool = False

    # Parts --------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def names(self) -> Mapping[str, str]:
        """Every name that differs in this world, with its new name: of actions, predicates, types and objects."""
        return {**self.world.names, **self.objects}

    def atom(self, atom: Fact) -> Fact:
        """A fact or action in the names of this world."""
        names = self.names
        return tuple([names.get(term, term) for term in atom]) if names else atom

    def said(self, atom: Fact) -> str:
        """A fact or action as text: a sentence, or PDDL in parentheses."""
        used = self.atom(atom)
        return self.world.sentence(used) if self.nl else f"({' '.join(used)})"

    def domain(self) -> str:
        """The rules of the domain, under a heading."""
        if self.nl:
            rules = self.world.exact_rules if self.exact else self.world.rules
            return f"These are the actions that can be taken:\n\n{rules}"
        return f"Here is a planning domain in PDDL.\n\n{self.world.pddl.strip()}"

    def pddl(self, instance: Instance) -> str:
        """The problem in PDDL, in the names of this world."""
        return instance.pddl(self.names.get(self.base.domain.name, self.base.domain.name), self.names)

    def problem(self, instance: Instance) -> str:
        """The problem: state and goal in words, or PDDL."""
        if not self.nl:
            return self.pddl(instance).strip()
        return f"{self.state(instance)}\n\n{self.goal(instance.goal)}"

    def state(self, instance: Instance) -> str:
        """The objects and the facts at the start, under headings."""
        objects = {self.names.get(n, n): (self.names.get(k, k),) for n, k in instance.objects.items()}
        kinds = [f"- {kind}: {', '.join(names)}" for kind, names in self.world.objects_by_kind(objects, self.exact)]
        there = "There are these objects:\n" + "\n".join(kinds) + "\n\n" if self.nl and kinds else ""
        if not self.nl:
            kinds = [f"{name} - {kind}" for name, (kind,) in objects.items() if kind != "object"]
            there = f"The objects are {', '.join(kinds)}.\n\n" if kinds else ""
        true = "exactly these facts are true, and no others" if self.exact else "it is true that"
        return f"{there}At the start {true}:\n{self.listed(instance.init)}"

    def goal(self, goal: Iterable[Fact]) -> str:
        """The facts of a goal in their order, one per line, under a heading."""
        return "The goal is that:\n" + "\n".join(f"- {self.said(fact)}" for fact in goal)

    def listed(self, facts: Iterable[Fact]) -> str:
        """The facts, one per line, in the order of their plain names, so that it is the same in all worlds."""
        return "\n".join(f"- {self.said(fact)}" for fact in sorted(facts))

    def plan(self, plan: Plan) -> str:
        """A plan in the form asked for: numbered sentences, or actions in parentheses."""
        if not self.nl:
            return "\n".join(self.said(step) for step in plan)
        return "\n".join(f"{i}. {_capital(self.said(step))}" for i, step in enumerate(plan, 1))

    def numbered(self, plan: Plan) -> str:
        """A plan with numbered steps, also in PDDL."""
        return "\n".join(f"{i}. {_capital(self.said(step))}" for i, step in enumerate(plan, 1))

    def format(self) -> str:
        """The instruction about the form of the answer."""
        text = (
            "Answer with a numbered list with one action a line, in the words used above, and nothing else."
            if self.nl
            else "Answer with one action a line, in parentheses, and nothing else."
        )
        if self.unsolvable:
            text += f' If there is no such plan, answer "{NO_PLAN}" instead.'
        return text

    def tracked(self, instance: Instance, plan: Plan) -> str:
        """A plan with the changeable facts before each action and at the end, then the plan again."""
        validator = validator_of(self.base, instance)
        facts, lines = instance.init, []
        for i, step in enumerate(plan, 1):
            lines.append(f"Facts {i}: {self._changing(facts, validator.changing)}")
            lines.append(f"Action {i}: {self.said(step)}")
            facts = after(validator, facts, [step])
        lines.append(f"Facts at the end: {self._changing(facts, validator.changing)}")
        return "\n".join([*lines, "", "Plan:", self.plan(plan)])

    def _changing(self, facts: frozenset[Fact], changing: frozenset[str]) -> str:
        return "; ".join(self.said(fact) for fact in sorted(facts) if fact[0] in changing)

    # Whole prompts ------------------------------------------------------------------------------------------------

    def prompt(self, ability: str, case: Case, style: str = "zero_shot") -> str:
        """The whole prompt about a case. For styles other than zero_shot, `case.examples` must have one example."""
        common = {"domain": self.domain(), "format": self.format(), "solves": "reaches the goal"}
        if style != "zero_shot":
            return self._with_example(ability, case, style, common)
        if ability in ("plan_generation", "plan_optimality"):
            return template(ability).format(**common, problem=self.problem(case.problem))
        if ability == "plan_verification":
            fact = "a fact in the words used above" if self.nl else "a fact in parentheses"
            problem, plan = self.problem(case.problem), self.numbered(case.plan)
            return template(ability).format(domain=common["domain"], problem=problem, plan=plan, fact=fact)
        if ability == "plan_execution":
            facts_as = "in the words used above" if self.nl else "in parentheses"
            state, plan = self.state(case.problem), self.numbered(case.plan)
            return template(ability).format(domain=common["domain"], state=state, plan=plan, facts_as=facts_as)
        if ability == "plan_generalization":
            examples = "\n\n".join(f"{self.problem(i)}\n\nPlan:\n{self.plan(p)}" for i, p in case.examples)
            return template(ability).format(**common, examples=examples, problem=self.problem(case.problem))
        assert case.shown is not None
        shown, plan = self.problem(case.shown), self.numbered(case.plan)
        if ability == "replanning":
            return template(ability).format(**common, shown=shown, plan=plan, done=_done(case), event=self._event(case))
        name = "reformulation" if ability in REFORMULATIONS else ability
        return template(name).format(**common, shown=shown, plan=plan, new_goal=self.goal(case.problem.goal))

    def _with_example(self, ability: str, case: Case, style: str, common: dict[str, str]) -> str:
        ((instance, plan),) = case.examples
        fewest = " with as few actions as possible" if ability == "plan_optimality" else ""
        example = self.tracked(instance, plan) if style == "state_tracking" else f"Plan:\n{self.plan(plan)}"
        tracked_format = 'At the end, give the whole plan again under the heading "Plan:", '
        tracked_format += "as a numbered list with one action a line." if self.nl else "one action a line."
        if self.unsolvable:
            tracked_format += f' If there is no such plan, end with "{NO_PLAN}" instead.'
        return template(style).format(
            **common,
            shown=self.problem(instance),
            example=example,
            problem=self.problem(case.problem),
            fewest=fewest,
            tracked_format=tracked_format,
        )

    def _event(self, case: Case) -> str:
        """The facts that became true, and those that became false, at the unexpected event."""
        assert case.shown is not None
        before = after(validator_of(self.base, case.shown), case.shown.init, case.plan[: case.done])
        now, gone = case.problem.init - before, before - case.problem.init
        parts = [f"It became true that:\n{self.listed(now)}"] if now else []
        parts += [f"It is no longer true that:\n{self.listed(gone)}"] if gone else []
        return "\n".join(parts)

    def target(self, ability: str, case: Case) -> str:
        """A right answer in the form the prompt asks for."""
        if ability == "plan_verification":
            return self.verdict(case)
        if ability == "plan_execution":
            return f"Resulting state:\n{self.listed(validator_of(self.base, case.problem).validate(case.plan).state)}"
        return NO_PLAN if case.solution is None else self.plan(case.solution)

    def verdict(self, case: Case) -> str:
        """The right answer to plan_verification: valid, or the flaw and the facts that are missing."""
        verdict = validator_of(self.base, case.problem).validate(case.plan)
        if verdict.valid:
            return "Answer: valid"
        facts = "; ".join(self.said(tuple(fact.strip("()").split())) for fact in verdict.missing)
        where = "the goal is not reached" if verdict.reason == "goal" else f"step {verdict.step} is not possible"
        return f"Answer: {where} because it is not true that {facts}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _done(case: Case) -> str:
    if case.done == 0:
        return "None of its actions had been taken yet."
    return f"The first {case.done} actions were taken." if case.done > 1 else "The first action was taken."


@functools.lru_cache(maxsize=4096)
def other_objects(world: World, names: tuple[str, ...], seed: int) -> Mapping[str, str]:
    """The names of objects in a world; they depend on names and seed alone, so all prompts about an instance agree."""
    return world.other_objects(list(names), seed)
