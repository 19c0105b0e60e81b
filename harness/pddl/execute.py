"""Plan validation: a plan is executed step by step, and the first thing that is wrong is named.

The semantics are those on which VAL and unified-planning agree: preconditions and the conditions of conditional effects
read the state before the step; a fact that a step both adds and deletes is true afterwards (add wins); names are
case-insensitive; the goal counts at the end only. Stricter than VAL: a wrong number of arguments, an unknown object or
a wrong type is an error of the plan, never ignored.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from harness.pddl.compile import (
    Amount,
    CompiledDomain,
    Condition,
    Operator,
    Rule,
    Scope,
    compile_amount,
    compile_condition,
    derive,
)
from harness.pddl.parse import Domain, Fact, Node, Problem
from harness.pddl.state import Change, State, Undefined, settle

Ground = tuple[frozenset[Fact], frozenset[Fact], frozenset[Fact]]
"""A STRIPS step: the facts that it needs, adds and deletes."""
MOST_TRIED = 5_000
"""A problem with more steps is not asked for all of them one by one."""
Reason = Literal["syntax", "unknown_action", "arity", "unknown_object", "type", "precondition", "goal"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of executing a plan. `reason` is None for a valid plan.

    `step` counts from 1; it is None for `goal` and for a valid plan. `missing` are the conditions that do not hold.
    `state` holds the facts before the failing step, or at the end for `goal` and for a valid plan. `cost` is the
    metric's value if the problem has a metric, else the number of steps; None if the plan can't be executed or the
    metric has no value.
    """

    valid: bool
    reason: Reason | None = None
    step: int | None = None
    action: str = ""
    missing: tuple[str, ...] = ()
    detail: str = ""
    cost: float | None = None
    state: frozenset[Fact] = frozenset()


MOST_WORK = 20_000_000
"""Choices of objects that quantifiers and rules may try in one plan: about 20 seconds. See TooMuchWork."""
MOST_CHOICES = 2_000
"""Choices of objects that are tried for a step that leaves objects out."""


@dataclass(frozen=True)
class Validator:
    """A domain and a problem, compiled once for any number of plans."""

    domain: Domain
    operators: Mapping[str, Operator] = field(repr=False)
    changing: frozenset[str] = field(repr=False)
    problem: Problem
    goal: Condition = field(repr=False)
    cost: Amount | None = field(repr=False)
    rules: tuple[tuple[Rule, ...], ...] = field(repr=False)
    _ground: dict[tuple[str, ...], Ground] = field(repr=False)
    _members: dict[tuple[str, ...], tuple[str, ...]] = field(repr=False)
    _kinds: dict[str, tuple[frozenset[str], ...]] = field(repr=False, default_factory=dict)

    @classmethod
    def of(cls, compiled: CompiledDomain, problem: Problem) -> Validator:
        """A validator for a problem of this domain. Raises PDDLError if the goal or the metric names something
        undeclared."""
        scope = Scope(compiled.domain, problem.objects, (), "problem")
        goal = compile_condition(scope, problem.goal)
        cost = compile_amount(replace(scope, metric=True), problem.metric) if problem.metric is not None else None
        return cls(compiled.domain, compiled.operators, compiled.changing, problem, goal, cost, compiled.rules, {}, {})

    def _of_type(self, kinds: tuple[str, ...]) -> tuple[str, ...]:
        if kinds not in self._members:
            fitting = (o for o, own in self.problem.objects.items() if self.domain.fits(own, kinds))
            self._members[kinds] = tuple(fitting)
        return self._members[kinds]

    def validate(self, plan: Sequence[tuple[str, ...]]) -> Verdict:
        """The verdict on a plan, whose steps are (action, object, ...) in lower case. Raises TooMuchWork if it would
        take too long."""
        state = self._state(self.problem.init)
        if self.rules:
            derive(self.rules, state)
        for number, step in enumerate(plan, 1):
            ground = self._ground.get(step)
            if ground is None:
                wrong = self._check(step)
                if wrong:
                    return Verdict(False, wrong[0], number, _text(step), detail=wrong[1], state=frozenset(state.facts))
                ground = self._instance(step)
            if ground is None:
                failed = self._execute(self.operators[step[0]], step, state)
                if failed is not None:
                    return Verdict(False, "precondition", number, _text(step), failed, state=frozenset(state.facts))
            elif ground[0] <= state.facts:
                # A fact that the step deletes and adds is true afterwards.
                state.facts -= ground[2]
                state.facts |= ground[1]
            else:
                missing = tuple(sorted(_text(f) for f in ground[0] - state.facts))
                return Verdict(False, "precondition", number, _text(step), missing, state=frozenset(state.facts))
            state.steps = number
            if self.rules:
                derive(self.rules, state)
        cost = self._cost(state)
        if not self.goal.holds((), state):
            missing = tuple(show(()) for holds, show in self.goal.parts if not holds((), state))
            return Verdict(False, "goal", None, missing=missing, cost=cost, state=frozenset(state.facts))
        return Verdict(True, cost=cost, state=frozenset(state.facts))

    def apply(self, facts: frozenset[Fact], step: tuple[str, ...]) -> frozenset[Fact] | None:
        """The facts after one step. None if the step can't be taken in `facts`, or if its action is not STRIPS and the
        domain has numbers, which facts alone do not tell."""
        ground = self._ground.get(step)
        if ground is None:
            if self._check(step):
                return None
            ground = self._instance(step)
        if ground is not None:
            return self._after(facts, ground) if ground[0] <= facts else None
        if self.domain.functions:
            return None
        state = self._state(facts)
        if self._execute(self.operators[step[0]], step, state) is not None:
            return None
        if self.rules:
            derive(self.rules, state)
        return frozenset(state.facts)

    def _state(self, facts: Iterable[Fact]) -> State:
        return State(set(facts), dict(self.problem.values), self._of_type, left=MOST_WORK)

    def _after(self, facts: frozenset[Fact], ground: Ground) -> frozenset[Fact]:
        """The facts after a STRIPS step. It deletes first and then adds, so that a fact in both effects is true
        afterwards; then the rules are applied."""
        after = (facts - ground[2]) | ground[1]
        if not self.rules:
            return after
        state = self._state(after)
        derive(self.rules, state)
        return frozenset(state.facts)

    def effects(self, step: tuple[str, ...]) -> Ground | None:
        """The facts that a well-formed STRIPS step needs, adds and deletes, whether it can be taken or not; None for
        any other."""
        return None if self._check(step) else self._instance(step)

    def fits(self, step: tuple[str, ...]) -> bool:
        """Whether a step is well-formed: a known action, known objects of the right types, static preconditions that
        hold."""
        if self._check(step):
            return False
        ground = self._instance(step)
        return ground is None or all(f in self.problem.init for f in ground[0] if f[0] not in self.changing)

    def of_kinds(self, step: tuple[str, ...]) -> bool:
        """Whether each object of a step is of the kind that its place needs: it has the place's type, and what the
        precondition asks of it alone, and no action can change, is true. "" stands for an object that is not known."""
        places = self._kinds.get(step[0])
        if places is None:
            if step[0] not in self.operators:
                return False
            places = self._kinds[step[0]] = self._places(self.operators[step[0]])
        return len(places) == len(step) - 1 and all(
            not o or o in place for o, place in zip(step[1:], places, strict=True)
        )

    def _places(self, operator: Operator) -> tuple[frozenset[str], ...]:
        """The objects that may stand in each place of an action."""
        places = [set(self._of_type(kinds)) for _, kinds in operator.action.parameters]
        if operator.strips is not None:
            for atom in _atoms(operator.action.precondition):
                if len(atom) == 2 and atom[0] not in self.changing:
                    true_of = {f[1] for f in self.problem.init if f[0] == atom[0]}
                    for (name, _), place in zip(operator.action.parameters, places, strict=True):
                        if name == atom[1]:
                            place &= true_of
        return tuple(map(frozenset, places))

    def filled(self, plan: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]] | int:
        """The plan with the objects that were left out (""), as the state at each step implies them; or the number
        (from 1) of the first step for which the state implies no choice of objects, or several.

        If no choice can be executed, the one that lacks the fewest preconditions is taken: the step fails with any.
        """
        facts = frozenset(self.problem.init)
        whole: list[tuple[str, ...]] = []
        for number, step in enumerate(plan, 1):
            if "" in step:
                chosen = self._completed(facts, step)
                if chosen is None:
                    return number
                step = chosen
            whole.append(step)
            ground = None if self._check(step) else self._instance(step)
            if ground is not None:
                facts = self._after(facts, ground)
        return whole

    def _completed(self, facts: frozenset[Fact], step: tuple[str, ...]) -> tuple[str, ...] | None:
        if not self.of_kinds(step) or not self._implied(step):
            return None
        places = self._kinds[step[0]]
        choices = itertools.islice(
            itertools.product(*((o,) if o else sorted(place) for o, place in zip(step[1:], places, strict=True))),
            MOST_CHOICES,
        )
        lacking: dict[int, list[tuple[str, ...]]] = {}
        for choice in choices:
            whole = (step[0], *choice)
            ground = None if self._check(whole) else self._instance(whole)
            if ground is not None:
                lacking.setdefault(len(ground[0] - facts), []).append(whole)
        best = lacking[min(lacking)] if lacking else []
        return best[0] if len(best) == 1 else None

    def _implied(self, step: tuple[str, ...]) -> bool:
        """Whether preconditions tie each object that is left out to another object: the block that one is taken from,
        but not the block that it is put on."""
        operator = self.operators[step[0]]
        names = [name for name, _ in operator.action.parameters]
        open_ones = {name for name, o in zip(names, step[1:], strict=True) if not o}
        atoms = list(_atoms(operator.action.precondition)) if operator.strips is not None else []
        tied = True
        while open_ones and tied:
            tied = False
            for atom in atoms:
                left = open_ones.intersection(atom[1:])
                if len(left) == 1 and len(atom) > 2:
                    open_ones -= left
                    tied = True
        return not open_ones

    def applicable(self, facts: frozenset[Fact]) -> list[tuple[str, ...]]:
        """Every step that can be taken in `facts`, in the order of the actions in the domain, then of the objects'
        names. Facts that no action changes have to be those of the problem. Raises ValueError if the domain has an
        action that is not STRIPS, and numbers."""
        if self._steps is not None:
            return [step for step, needs in self._steps if needs <= facts]
        return self._matching(facts)

    @cached_property
    def _steps(self) -> list[tuple[tuple[str, ...], frozenset[Fact]]] | None:
        """All steps that there may be, with what they need: to try each takes far less time than to look for those that
        fit, if there are not too many (then None)."""
        possible = self.possible(MOST_TRIED)
        return None if possible is None else [(step, ground[0]) for step, ground in possible]

    def _matching(self, facts: frozenset[Fact]) -> list[tuple[str, ...]]:
        by_name: dict[str, list[Fact]] = {}
        for fact in facts:
            by_name.setdefault(fact[0], []).append(fact)
        found: list[tuple[str, ...]] = []
        for name, operator in self.operators.items():
            here = set[tuple[str, ...]]()
            needs = list(_atoms(operator.action.precondition))
            if operator.strips is None:
                found += self._applicable(operator, needs, by_name, facts)
                continue
            for bound in _bindings(needs, {}, by_name):
                free = [(v, kinds) for v, kinds in operator.action.parameters if v not in bound]
                for rest in itertools.product(*(self._of_type(kinds) for _, kinds in free)):
                    values = bound | {v: o for (v, _), o in zip(free, rest, strict=True)}
                    step = (name, *(values[v] for v, _ in operator.action.parameters))
                    if self._check(step) is None:
                        here.add(step)
            found += sorted(here)
        return found

    def possible(self, most: int) -> list[tuple[tuple[str, ...], Ground]] | None:
        """Every step that some state may allow, as types and unchanging facts have it, with its facts, in the order of
        `applicable`. None if there are more than `most`, or if the domain has more than STRIPS actions."""
        if self.rules or any(operator.strips is None for operator in self.operators.values()):
            return None
        by_name: dict[str, list[Fact]] = {}
        for fact in self.problem.init:
            if fact[0] not in self.changing:
                by_name.setdefault(fact[0], []).append(fact)
        found: dict[tuple[str, ...], Ground] = {}
        order = {name: i for i, name in enumerate(self.operators)}
        for name, operator in self.operators.items():
            fixed = [atom for atom in _atoms(operator.action.precondition) if atom[0] not in self.changing]
            for bound in _bindings(fixed, {}, by_name):
                choices = [(bound[v],) if v in bound else self._of_type(k) for v, k in operator.action.parameters]
                for chosen in itertools.product(*choices):
                    step = (name, *chosen)
                    if len(found) >= most:
                        return None
                    ground = None if self._check(step) else self._instance(step)
                    if ground is not None:
                        found[step] = ground
        return sorted(found.items(), key=lambda item: (order[item[0][0]], item[0]))

    def lacking(self, facts: frozenset[Fact], step: tuple[str, ...]) -> tuple[str, ...]:
        """The conditions of a well-formed step that do not hold in `facts`."""
        ground = self._instance(step)
        if ground is not None:
            return tuple(sorted(_text(fact) for fact in ground[0] - facts))
        return self._execute(self.operators[step[0]], step, self._state(facts)) or ()

    def _applicable(
        self,
        operator: Operator,
        needs: Sequence[tuple[str, ...]],
        by_name: Mapping[str, Sequence[Fact]],
        facts: frozenset[Fact],
    ) -> list[tuple[str, ...]]:
        """The steps of an action that is not STRIPS. Its plain facts choose objects; what does not depend on the choice
        is looked at once."""
        name, parameters = operator.action.name, operator.action.parameters
        if self.domain.functions:
            raise ValueError(f"{name} is not a STRIPS action, and the domain has numbers")
        state = self._state(facts)
        tests = [holds for holds, _ in operator.condition.parts]
        free = [i for i, node in enumerate(_conjuncts(operator.action.precondition)) if not _mentions(node, parameters)]
        nothing = ("",) * len(parameters)  # the values of quantified variables stand behind them
        if not all(tests[i](nothing, state) for i in free):
            return []
        tests = [test for i, test in enumerate(tests) if i not in free]
        plain = [atom for atom in needs if atom[0] in self.domain.predicates]
        found = set[tuple[str, ...]]()
        for bound in _bindings(plain, {}, by_name):
            choices = [(bound[v],) if v in bound else self._of_type(kinds) for v, kinds in parameters]
            for chosen in itertools.product(*choices):
                if self._check((name, *chosen)) is None and all(test(chosen, state) for test in tests):
                    found.add((name, *chosen))
        return sorted(found)

    def _check(self, step: tuple[str, ...]) -> tuple[Reason, str] | None:
        """(reason, detail) of what is wrong with a step in any state; None if its action, arity, objects and types are
        right."""
        name, *arguments = step
        if name not in self.operators:
            return "unknown_action", f"there is no action {name}; actions: {' '.join(self.operators)}"
        parameters = self.operators[name].action.parameters
        if len(arguments) != len(parameters):
            return "arity", f"{name} takes {len(parameters)} arguments, here are {len(arguments)}"
        for argument in arguments:
            if argument not in self.problem.objects:
                return "unknown_object", f"there is no object {argument}"
        for argument, (_, kinds) in zip(arguments, parameters, strict=True):
            if not self.domain.fits(self.problem.objects[argument], kinds):
                return "type", f"{argument} is not of type {' or '.join(kinds)}"
        return None

    def _instance(self, step: tuple[str, ...]) -> Ground | None:
        """The facts of a step, None if its action is not STRIPS. They are kept: plans for one problem share most of
        their steps."""
        kept = self._ground.get(step)
        if kept is not None:
            return kept
        strips = self.operators[step[0]].strips
        if strips is None:
            return None
        needs, adds, deletes = (frozenset(term(step[1:]) for term in terms) for terms in strips)
        if len(self._ground) < 100_000:
            self._ground[step] = (needs, adds, deletes)
        return needs, adds, deletes

    def _execute(self, action: Operator, step: tuple[str, ...], state: State) -> tuple[str, ...] | None:
        """Take one step of any kind of action: change the state and return None, or return the conditions that do not
        hold."""
        e = step[1:]
        if not action.condition.holds(e, state):
            return tuple(show(e) for holds, show in action.condition.parts if not holds(e, state))
        add, delete, changes = set[Fact](), set[Fact](), list[Change]()
        try:
            action.effect.apply(e, state, add, delete, changes)
            values = settle(changes, state.values)
        except Undefined as error:
            return (str(error),)
        state.facts -= delete
        state.facts |= add  # a fact in both is true afterwards
        state.values |= values
        return None

    def _cost(self, state: State) -> float | None:
        if self.cost is None:
            return state.steps
        try:
            return self.cost((), state)
        except Undefined:
            return None


def _conjuncts(node: Node | None) -> Iterator[Node]:
    """The parts of a conjunction, of conjunctions within it too, in their order."""
    if node and node[0] == "and":
        for part in node[1:]:
            yield from _conjuncts(part if isinstance(part, Node) else None)
    elif node:
        yield node


def _atoms(node: Node | None) -> Iterator[tuple[str, ...]]:
    """The conjuncts of a precondition that are lists of words: of a STRIPS action all, its facts."""
    for part in _conjuncts(node):
        if all(isinstance(word, str) for word in part):
            yield tuple(map(str, part))


def _mentions(node: Node | str, parameters: Sequence[tuple[str, tuple[str, ...]]]) -> bool:
    """Whether a condition names one of these parameters; a variable of a quantifier may have the same name."""
    if isinstance(node, str):
        return any(node == name for name, _ in parameters)
    return any(_mentions(part, parameters) for part in node)


def _bindings(
    needs: Sequence[tuple[str, ...]], bound: dict[str, str], by_name: Mapping[str, Sequence[Fact]]
) -> Iterator[dict[str, str]]:
    """Every choice of objects for the variables of these facts under which all of them hold.

    The fact with the fewest unbound variables is matched next.
    """
    if not needs:
        yield bound
        return
    atom = min(needs, key=lambda a: sum(t.startswith("?") and t not in bound for t in a[1:]))
    rest = [a for a in needs if a is not atom]
    for fact in by_name.get(atom[0], ()):
        values = dict(bound)
        if all(
            values.setdefault(t, o) == o if t.startswith("?") else t == o
            for t, o in zip(atom[1:], fact[1:], strict=True)
        ):
            yield from _bindings(rest, values, by_name)


def _text(atom: tuple[str, ...]) -> str:
    return f"({' '.join(atom)})"


@dataclass(frozen=True)
class PlanSyntax:
    """A plan text that can't be read: the number (from 1) of the step that can't be, and why."""

    step: int
    detail: str


_STEP = re.compile(r"(?:(\d+(?:\.\d+)?)\s*:)?\s*\(([^()]*)\)\s*(?:\[[^\[\]\n]{0,40}\])?\s*")


def read_plan(text: str) -> list[tuple[str, ...]] | PlanSyntax:
    """The steps of a plan file, (action, object, ...) in lower case; a PlanSyntax if it can't be read.

    The file holds `(action object ...)`, one or more a line, `;` comments, and perhaps VAL's times (`0: (a) [1]`), by
    which the steps are then sorted.
    """
    text = text.removeprefix("\ufeff")
    text = "\n".join(line.partition(";")[0] for line in text.split("\n")) if ";" in text else text
    steps: list[tuple[float, tuple[str, ...]]] = []
    timed = False
    position = len(text) - len(text.lstrip())
    while position < len(text):
        m = _STEP.match(text, position)
        if not m or not m.group(2).strip():
            shown = text[position : position + 60].partition("\n")[0]
            return PlanSyntax(len(steps) + 1, f"not an action in parentheses: {shown!r}")
        timed |= m.group(1) is not None
        steps.append((float(m.group(1) or 0), tuple(m.group(2).lower().split())))
        position = m.end()
    if timed:
        steps.sort(key=lambda s: s[0])
        times = [time for time, _ in steps]
        if len(set(times)) < len(times):
            return PlanSyntax(1, "two actions at the same time: only sequential plans are supported")
    return [step for _, step in steps]


def validate_text(validator: Validator, plan: str) -> Verdict:
    """The verdict on a plan text: its reason is `syntax` if the text can't be read. Raises TooMuchWork, as `validate`
    does."""
    steps = read_plan(plan)
    if isinstance(steps, PlanSyntax):
        return Verdict(False, "syntax", steps.step, detail=steps.detail)
    return validator.validate(steps)
