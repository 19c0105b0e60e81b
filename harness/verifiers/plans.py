"""Plan validation: a plan is executed, step by step, and the first thing that is wrong is named.

Semantics as VAL and unified-planning agree on them: preconditions and the conditions of conditional effects read the
state before the step; a fact that appears in both effects of a step is true afterwards (add wins); names are case-
insensitive; the goal counts at the end only. Stricter than VAL: a wrong number of arguments, an unknown object or a
wrong type is an error of the plan, never ignored.
"""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.verifiers.pddl import Action, Domain, Fact, Node, PDDLError, Problem, typed

Reason = Literal["syntax", "unknown_action", "arity", "unknown_object", "type", "precondition", "goal"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`step` counts from 1 and is None for `goal` and for a valid plan; `missing` are the conditions that do not hold;
    `state` holds the facts before the failing step (at the end, for `goal`). `cost` is the metric's value where the
    problem has one, else the number of steps; None for a plan that can't be executed."""

    valid: bool
    reason: Reason | None = None
    step: int | None = None
    action: str = ""
    missing: tuple[str, ...] = ()
    detail: str = ""
    cost: float | None = None
    state: frozenset[Fact] = frozenset()


@dataclass(slots=True)
class State:
    """What is true and how much there is of what. Changed in place by a step."""

    facts: set[Fact]
    values: dict[Fact, float]
    members: Callable[[tuple[str, ...]], tuple[str, ...]]
    """The problem's objects of some type: what quantifiers range over."""


Environment = tuple[str, ...]
"""The values of the variables in scope: an action's arguments, then those of quantifiers."""

Holds = Callable[[Environment, State], bool]
Term = Callable[[Environment], Fact]
Amount = Callable[[Environment, State], float]


class Undefined(Exception):  # noqa: N818 - becomes an unmet condition
    """A numeric fluent that has no value."""


# Conditions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition; `parts` are its conjuncts, so that those unmet can be named."""

    holds: Holds
    parts: tuple[tuple[Holds, Callable[[Environment], str]], ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """A compiled effect: it writes into the three collections, from the state before the step."""

    apply: Callable[[Environment, State, set[Fact], set[Fact], list[tuple[Fact, float]]], None]


@dataclass(frozen=True, slots=True)
class Operator:
    """A compiled action. A STRIPS one has its facts listed, and is run by set operations."""

    action: Action
    condition: Condition
    effect: Effect
    strips: tuple[tuple[Term, ...], tuple[Term, ...], tuple[Term, ...]] | None


@dataclass(frozen=True)
class _Scope:
    """What the compiler knows: the domain, the objects, and the variables in scope with their types."""

    domain: Domain
    objects: Mapping[str, tuple[str, ...]]
    variables: tuple[tuple[str, tuple[str, ...]], ...]
    where: str

    def error(self, node: Node | str, message: str) -> PDDLError:
        line = f", line {node.line}" if isinstance(node, Node) else ""
        return PDDLError(f"{self.where}{line}: {message}")

    def inner(self, node: Node | str) -> _Scope:
        if not isinstance(node, Node):
            raise self.error(node, "expected a list of variables")
        return _Scope(self.domain, self.objects, (*self.variables, *typed(node, self.where)), self.where)

    def slot(self, name: Node | str) -> int | str:
        """The index of a variable in the environment, or the object's name."""
        if not isinstance(name, str):
            raise self.error(name, "expected a variable or an object")
        for i in range(len(self.variables) - 1, -1, -1):
            if self.variables[i][0] == name:
                return i
        if name.startswith("?"):
            raise self.error(name, f"the variable {name} is not declared")
        if name not in self.objects:
            raise self.error(name, f"there is no object {name}")
        return name


def _term(scope: _Scope, node: Node, declared: Mapping[str, tuple[tuple[str, ...], ...]], kind: str) -> Term:
    """An atom as a function of the environment."""
    name = node[0] if node else ""
    if not isinstance(name, str) or name not in declared:
        raise scope.error(node, f"the {kind} {name if isinstance(name, str) else '?'} is not declared")
    if len(node) - 1 != len(declared[name]):
        raise scope.error(node, f"{name} takes {len(declared[name])} arguments, here are {len(node) - 1}")
    slots = [scope.slot(item) for item in node[1:]]
    if all(isinstance(s, str) for s in slots):
        ground: Fact = (name, *map(str, slots))
        return lambda e: ground
    match slots:
        case [int(i)]:
            return lambda e: (name, e[i])
        case [int(i), int(j)]:
            return lambda e: (name, e[i], e[j])
    return lambda e: (name, *[e[s] if isinstance(s, int) else s for s in slots])


def _show(scope: _Scope, node: Node) -> Callable[[Environment], str]:
    """The condition in words of PDDL, with the variables' values."""

    def text(item: Node | str, e: Environment) -> str:
        if isinstance(item, Node):
            return f"({' '.join(text(i, e) for i in item)})"
        for i in range(len(scope.variables) - 1, -1, -1):
            if scope.variables[i][0] == item and i < len(e):
                return e[i]
        return item

    return lambda e: text(node, e)


def _condition(scope: _Scope, node: Node | None) -> Condition:
    if node is None or not node:
        return Condition(lambda e, s: True, ())
    conjuncts = list(_conjuncts(scope, node))
    parts = tuple((_holds(scope, c), _show(scope, c)) for c in conjuncts)
    tests = tuple(h for h, _ in parts)
    return Condition(lambda e, s: all(test(e, s) for test in tests), parts)


def _conjuncts(scope: _Scope, node: Node | str) -> Iterator[Node]:
    if not isinstance(node, Node) or not node:
        raise scope.error(node, "expected a condition")
    if node[0] == "and":
        for part in node[1:]:
            yield from _conjuncts(scope, part)
    else:
        yield node


def _holds(scope: _Scope, node: Node | str) -> Holds:
    """A condition as a test of environment and state. Undefined numbers make a comparison false."""
    if not isinstance(node, Node) or not node:
        raise scope.error(node, "expected a condition")
    head, rest = node[0], node[1:]
    if head in ("and", "or"):
        tests = [_holds(scope, part) for part in rest]
        return (
            (lambda e, s: all(t(e, s) for t in tests)) if head == "and" else (lambda e, s: any(t(e, s) for t in tests))
        )
    if head == "not" and len(rest) == 1:
        inner = _holds(scope, rest[0])
        return lambda e, s: not inner(e, s)
    if head == "imply" and len(rest) == 2:
        left, right = (_holds(scope, part) for part in rest)
        return lambda e, s: not left(e, s) or right(e, s)
    if head in ("forall", "exists") and len(rest) == 2:
        return _quantified(scope, str(head), rest[0], rest[1])
    if head in ("<", "<=", "=", ">=", ">") and len(rest) == 2:
        return _comparison(scope, str(head), node)
    if head in ("not", "imply", "forall", "exists", "<", "<=", "=", ">=", ">"):
        raise scope.error(node, f"({head} ...) has the wrong number of parts")
    term = _term(scope, node, scope.domain.predicates, "predicate")
    return lambda e, s: term(e) in s.facts


def _quantified(scope: _Scope, head: str, variables: Node | str, body: Node | str) -> Holds:
    inner = scope.inner(variables)
    test = _holds(inner, body)
    kinds = [k for _, k in inner.variables[len(scope.variables) :]]
    want = head == "exists"
    return lambda e, s: any(test(f, s) is want for f in _extend(e, s, kinds)) is want


def _extend(e: Environment, s: State, kinds: Sequence[tuple[str, ...]]) -> Iterator[Environment]:
    """The environment with every choice of objects for variables of these types."""
    return (e + chosen for chosen in itertools.product(*(s.members(k) for k in kinds)))


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


def _comparison(scope: _Scope, head: str, node: Node) -> Holds:
    left, right = node[1], node[2]
    if (
        head == "="
        and isinstance(left, str)
        and isinstance(right, str)
        and not _is_number(left)
        and not _is_number(right)
    ):
        i, j = scope.slot(left), scope.slot(right)

        def value(slot: int | str, e: Environment) -> str:
            return e[slot] if isinstance(slot, int) else slot

        return lambda e, s: value(i, e) == value(j, e)
    a, b = _amount(scope, left), _amount(scope, right)
    test = _COMPARISONS[head]

    def holds(e: Environment, s: State) -> bool:
        try:
            return test(a(e, s), b(e, s))
        except Undefined:
            return False

    return holds


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d+(?:\.\d+)?", text))


def _amount(scope: _Scope, node: Node | str) -> Amount:
    """A numeric expression."""
    if isinstance(node, str) and _is_number(node):
        number = float(node)
        return lambda e, s: number
    if isinstance(node, Node) and node[:1] and node[0] in ("+", "-", "*", "/"):
        head, parts = node[0], [_amount(scope, part) for part in node[1:]]
        if not parts or (len(parts) == 1 and head != "-"):
            raise scope.error(node, f"({head} ...) has the wrong number of parts")
        return lambda e, s: _calculate(str(head), [p(e, s) for p in parts])
    call = node
    if isinstance(node, str):
        call = Node(0)
        call.append(node)
    assert isinstance(call, Node)
    term = _term(scope, call, scope.domain.functions, "function")

    def look_up(e: Environment, s: State) -> float:
        try:
            return s.values[term(e)]
        except KeyError:
            raise Undefined(" ".join(term(e))) from None

    return look_up


def _calculate(head: str, values: list[float]) -> float:
    first, *rest = values
    if not rest:
        return -first
    for value in rest:
        if head == "/" and value == 0:
            raise Undefined("a division by zero")
        first = {"+": first + value, "-": first - value, "*": first * value}.get(head, first / value if value else 0)
    return first


# Effects ----------------------------------------------------------------------------------------------------------

_ASSIGN = ("assign", "increase", "decrease", "scale-up", "scale-down")


def _effect(scope: _Scope, node: Node | str | None) -> Effect:
    """An effect that reads the state before the step only, whatever stands beside it."""
    if node is None:
        return Effect(lambda e, s, add, delete, assign: None)
    if not isinstance(node, Node) or not node:
        raise scope.error(node, "expected an effect")
    head, rest = node[0], node[1:]
    if head == "and":
        parts = [_effect(scope, part).apply for part in rest]

        def every(
            e: Environment, s: State, add: set[Fact], delete: set[Fact], assign: list[tuple[Fact, float]]
        ) -> None:
            for part in parts:
                part(e, s, add, delete, assign)

        return Effect(every)
    if head == "not" and len(rest) == 1 and isinstance(rest[0], Node):
        gone = _term(scope, rest[0], scope.domain.predicates, "predicate")
        return Effect(lambda e, s, add, delete, assign: delete.add(gone(e)))
    if head == "when" and len(rest) == 2:
        test = _holds(scope, rest[0]) if rest[0] else lambda e, s: True
        then = _effect(scope, rest[1]).apply
        return Effect(lambda e, s, add, delete, assign: then(e, s, add, delete, assign) if test(e, s) else None)
    if head == "forall" and len(rest) == 2:
        inner = scope.inner(rest[0])
        body = _effect(inner, rest[1]).apply
        kinds = [k for _, k in inner.variables[len(scope.variables) :]]

        def each(e: Environment, s: State, add: set[Fact], delete: set[Fact], assign: list[tuple[Fact, float]]) -> None:
            for extended in _extend(e, s, kinds):
                body(extended, s, add, delete, assign)

        return Effect(each)
    if head in _ASSIGN and len(rest) == 2:
        return _assignment(scope, str(head), rest[0], rest[1])
    made = _term(scope, node, scope.domain.predicates, "predicate")
    return Effect(lambda e, s, add, delete, assign: add.add(made(e)))


def _assignment(scope: _Scope, head: str, target: Node | str, value: Node | str) -> Effect:
    call = target
    if isinstance(target, str):
        call = Node(0)
        call.append(target)
    assert isinstance(call, Node)
    term, amount = _term(scope, call, scope.domain.functions, "function"), _amount(scope, value)

    def apply(e: Environment, s: State, add: set[Fact], delete: set[Fact], assign: list[tuple[Fact, float]]) -> None:
        name, by = term(e), amount(e, s)
        if head != "assign":
            # A cost that nothing has set starts at 0, as planners take it.
            if name not in s.values and name != ("total-cost",):
                raise Undefined(" ".join(name))
            old = s.values.get(name, 0.0)
            by = {"increase": old + by, "decrease": old - by, "scale-up": old * by}.get(head, old / by if by else old)
        assign.append((name, by))

    return Effect(apply)


def _strips(scope: _Scope, action: Action) -> tuple[tuple[Term, ...], tuple[Term, ...], tuple[Term, ...]] | None:
    """(preconditions, adds, deletes) of an action with plain facts only; None for any other."""

    def atom(node: Node) -> bool:
        return isinstance(node[0], str) and node[0] in scope.domain.predicates

    needs = list(_conjuncts(scope, action.precondition)) if action.precondition else []
    effects = list(_conjuncts(scope, action.effect)) if action.effect else []
    deletes = [
        n[1] for n in effects if n[0] == "not" and len(n) == 2 and isinstance(n[1], Node) and n[1] and atom(n[1])
    ]
    adds = [n for n in effects if atom(n)]
    if not all(atom(n) for n in needs) or len(adds) + len(deletes) != len(effects):
        return None
    groups = (needs, adds, [n for n in deletes if isinstance(n, Node)])
    terms = [tuple(_term(scope, n, scope.domain.predicates, "predicate") for n in nodes) for nodes in groups]
    return terms[0], terms[1], terms[2]


# Plans ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CompiledDomain:
    """A domain whose actions are ready to run, for any of its problems."""

    domain: Domain
    operators: Mapping[str, Operator] = field(repr=False)


def compile_domain(domain: Domain) -> CompiledDomain:
    """PDDLError where an action names what is not declared."""
    operators = {}
    for name, action in domain.actions.items():
        scope = _Scope(domain, domain.constants, action.parameters, f"domain: action {name}")
        operators[name] = Operator(
            action, _condition(scope, action.precondition), _effect(scope, action.effect), _strips(scope, action)
        )
    return CompiledDomain(domain, operators)


@dataclass(frozen=True)
class Validator:
    """A domain and a problem, compiled once; `validate` as many plans as you like."""

    domain: Domain
    operators: Mapping[str, Operator] = field(repr=False)
    problem: Problem
    goal: Condition = field(repr=False)
    cost: Amount | None = field(repr=False)
    _ground: dict[tuple[str, ...], tuple[frozenset[Fact], frozenset[Fact], frozenset[Fact]]] = field(repr=False)
    _members: dict[tuple[str, ...], tuple[str, ...]] = field(repr=False)

    @classmethod
    def of(cls, compiled: CompiledDomain, problem: Problem) -> Validator:
        """PDDLError where the goal or the metric names what is not declared."""
        scope = _Scope(compiled.domain, problem.objects, (), "problem")
        goal = _condition(scope, problem.goal)
        cost = _amount(scope, problem.metric) if problem.metric is not None else None
        return cls(compiled.domain, compiled.operators, problem, goal, cost, {}, {})

    def _of_type(self, kinds: tuple[str, ...]) -> tuple[str, ...]:
        if kinds not in self._members:
            fitting = (o for o, own in self.problem.objects.items() if self.domain.fits(own, kinds))
            self._members[kinds] = tuple(fitting)
        return self._members[kinds]

    def validate(self, plan: Sequence[tuple[str, ...]]) -> Verdict:
        """Execute the plan, (action, object, ...) each, in lower case."""
        state = State(set(self.problem.init), dict(self.problem.values), self._of_type)
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
                state.facts -= ground[2]
                state.facts |= ground[1]
            else:
                missing = tuple(sorted(_text(f) for f in ground[0] - state.facts))
                return Verdict(False, "precondition", number, _text(step), missing, state=frozenset(state.facts))
        cost = self._cost(state, len(plan))
        if not self.goal.holds((), state):
            missing = tuple(show(()) for holds, show in self.goal.parts if not holds((), state))
            return Verdict(False, "goal", None, missing=missing, cost=cost, state=frozenset(state.facts))
        return Verdict(True, cost=cost, state=frozenset(state.facts))

    def _check(self, step: tuple[str, ...]) -> tuple[Reason, str] | None:
        """What is wrong with a step before any state is looked at."""
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

    def _instance(self, step: tuple[str, ...]) -> tuple[frozenset[Fact], frozenset[Fact], frozenset[Fact]] | None:
        """The facts of a STRIPS step, kept for next time: plans for one problem share most of their steps."""
        strips = self.operators[step[0]].strips
        if strips is None:
            return None
        needs, adds, deletes = (frozenset(term(step[1:]) for term in terms) for terms in strips)
        if len(self._ground) < 100_000:
            self._ground[step] = (needs, adds, deletes)
        return needs, adds, deletes

    def _execute(self, action: Operator, step: tuple[str, ...], state: State) -> tuple[str, ...] | None:
        """One step of any kind; the conditions that do not hold, or None when it was done."""
        e = step[1:]
        if not action.condition.holds(e, state):
            return tuple(show(e) for holds, show in action.condition.parts if not holds(e, state))
        add, delete, assign = set[Fact](), set[Fact](), list[tuple[Fact, float]]()
        try:
            action.effect.apply(e, state, add, delete, assign)
        except Undefined as error:
            return (f"({error}) has no value",)
        state.facts -= delete
        state.facts |= add
        for name, value in assign:
            state.values[name] = value
        return None

    def _cost(self, state: State, steps: int) -> float | None:
        if self.cost is None:
            return steps
        try:
            return self.cost((), state)
        except Undefined:
            return None


def _text(atom: tuple[str, ...]) -> str:
    return f"({' '.join(atom)})"


@dataclass(frozen=True)
class PlanSyntax:
    """A plan text that can't be read: the step it would have been, and why."""

    step: int
    detail: str


_STEP = re.compile(r"(?:(\d+(?:\.\d+)?)\s*:)?\s*\(([^()]*)\)\s*(?:\[[^\[\]\n]{0,40}\])?\s*")


def read_plan(text: str) -> list[tuple[str, ...]] | PlanSyntax:
    """The steps of a plan file: `(action object ...)`, one or more a line, `;` comments, and VAL's times
    (`0: (a) [1]`), by which steps are then sorted."""
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
    """Read and execute a plan text."""
    steps = read_plan(plan)
    if isinstance(steps, PlanSyntax):
        return Verdict(False, "syntax", steps.step, detail=steps.detail)
    return validator.validate(steps)
