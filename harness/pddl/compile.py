"""PDDL conditions and effects, compiled to functions of the objects chosen and the state. Knows no plans.

Conditions and effects read the state before the step: an effect only collects what it adds, deletes and assigns.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from harness.pddl.parse import Action, Domain, Fact, Node, PDDLError, number, typed
from harness.pddl.state import Change, State, TooMuchWork, Undefined

Environment = tuple[str, ...]
"""The values of the variables in scope: an action's arguments, then those of quantifiers."""

Holds = Callable[[Environment, State], bool]
Term = Callable[[Environment], Fact]
Amount = Callable[[Environment, State], float]


# Conditions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. `parts` are its conjuncts, each with its text, so that those that do not hold can be
    named."""

    holds: Holds
    parts: tuple[tuple[Holds, Callable[[Environment], str]], ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """A compiled effect. `apply` reads the state before the step and writes into three collections: facts to add, facts
    to delete, and changes of numbers."""

    apply: Callable[[Environment, State, set[Fact], set[Fact], list[Change]], None]


@dataclass(frozen=True, slots=True)
class Operator:
    """A compiled action. `strips` has (preconditions, adds, deletes) of a STRIPS action, which is run by set
    operations; None for any other action."""

    action: Action
    condition: Condition
    effect: Effect
    strips: tuple[tuple[Term, ...], tuple[Term, ...], tuple[Term, ...]] | None


@dataclass(frozen=True)
class Scope:
    """What the compiler knows: the domain, the objects, and the variables in scope with their types; `where` names the
    place in messages."""

    domain: Domain
    objects: Mapping[str, tuple[str, ...]]
    variables: tuple[tuple[str, tuple[str, ...]], ...]
    where: str
    metric: bool = False
    """Whether `total-time` has a meaning here: in a problem's metric only."""

    def error(self, node: Node | str, message: str) -> PDDLError:
        """A PDDLError to raise, which names the place, and the line if `node` is a list."""
        line = f", line {node.line}" if isinstance(node, Node) else ""
        return PDDLError(f"{self.where}{line}: {message}")

    def inner(self, node: Node | str) -> Scope:
        """The scope within a quantifier over the variables that `node` declares. Raises PDDLError for anything but a
        list of variables of known types."""
        if not isinstance(node, Node):
            raise self.error(node, "expected a list of variables")
        added = tuple(typed(node, self.where))
        for _, kinds in added:
            for kind in kinds:
                if kind not in self.domain.types:
                    raise self.error(node, f"there is no type {kind}")
        return replace(self, variables=(*self.variables, *added))

    def slot(self, name: Node | str) -> int | str:
        """The index of a variable in the environment, or the object's name. Raises PDDLError for an unknown name."""
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


def _term(scope: Scope, node: Node, declared: Mapping[str, tuple[tuple[str, ...], ...]], kind: str) -> Term:
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


def _show(scope: Scope, node: Node) -> Callable[[Environment], str]:
    """A function that writes the condition as PDDL, with the variables' values."""

    def text(item: Node | str, e: Environment) -> str:
        if isinstance(item, Node):
            return f"({' '.join(text(i, e) for i in item)})"
        for i in range(len(scope.variables) - 1, -1, -1):
            if scope.variables[i][0] == item and i < len(e):
                return e[i]
        return item

    return lambda e: text(node, e)


def compile_condition(scope: Scope, node: Node | None) -> Condition:
    """A precondition or a goal as a Condition; an empty one always holds. Raises PDDLError for what is undeclared or
    not supported."""
    if node is None or not node:
        return Condition(lambda e, s: True, ())
    conjuncts = list(_conjuncts(scope, node))
    parts = tuple((_holds(scope, c), _show(scope, c)) for c in conjuncts)
    tests = tuple(h for h, _ in parts)
    return Condition(lambda e, s: all(test(e, s) for test in tests), parts)


def _conjuncts(scope: Scope, node: Node | str) -> Iterator[Node]:
    if not isinstance(node, Node) or not node:
        raise scope.error(node, "expected a condition")
    if node[0] == "and":
        for part in node[1:]:
            yield from _conjuncts(scope, part)
    else:
        yield node


def _holds(scope: Scope, node: Node | str) -> Holds:
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
    if head in _TRAJECTORY and head not in scope.domain.predicates:
        raise scope.error(node, f"({head} ...): preferences and trajectory constraints are not supported")
    term = _term(scope, node, scope.domain.predicates, "predicate")
    return lambda e, s: term(e) in s.facts


_TRAJECTORY = (
    "preference", "always", "sometime", "within", "at-most-once", "sometime-after", "sometime-before", "always-within",
    "hold-during", "hold-after",
)  # fmt: skip


def _quantified(scope: Scope, head: str, variables: Node | str, body: Node | str) -> Holds:
    inner = scope.inner(variables)
    test = _holds(inner, body)
    kinds = [k for _, k in inner.variables[len(scope.variables) :]]
    want = head == "exists"
    return lambda e, s: any(test(f, s) is want for f in _extend(e, s, kinds)) is want


def _extend(e: Environment, s: State, kinds: Sequence[tuple[str, ...]]) -> Iterator[Environment]:
    """Yields the environment with every choice of objects for variables of these types. Raises TooMuchWork once the
    choices of the state, `left`, are used up."""
    for chosen in itertools.product(*(s.members(k) for k in kinds)):
        s.left -= 1
        if s.left < 0:
            raise TooMuchWork(
                "the plan was not checked to its end: its conditions range over too many choices of objects",
                "the domain has quantifiers or rules over many variables and objects",
            )
        yield e + chosen


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


def _comparison(scope: Scope, head: str, node: Node) -> Holds:
    left, right = node[1], node[2]
    if (
        head == "="
        and isinstance(left, str)
        and isinstance(right, str)
        and number(left) is None
        and number(right) is None
    ):
        i, j = scope.slot(left), scope.slot(right)

        def value(slot: int | str, e: Environment) -> str:
            return e[slot] if isinstance(slot, int) else slot

        return lambda e, s: value(i, e) == value(j, e)
    a, b = compile_amount(scope, left), compile_amount(scope, right)
    test = _COMPARISONS[head]

    def holds(e: Environment, s: State) -> bool:
        try:
            return test(a(e, s), b(e, s))
        except Undefined:
            return False

    return holds


def compile_amount(scope: Scope, node: Node | str) -> Amount:
    """A numeric expression as a function, which raises Undefined for a fluent without a value and for a division by
    zero. Raises PDDLError for anything but a numeric expression."""
    value = number(node) if isinstance(node, str) else None
    if value is not None:
        return lambda e, s: value
    if scope.metric and node in ("total-time", ["total-time"]) and "total-time" not in scope.domain.functions:
        return lambda e, s: s.steps
    if isinstance(node, Node) and node[:1] and node[0] in ("+", "-", "*", "/"):
        head, parts = node[0], [compile_amount(scope, part) for part in node[1:]]
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
            raise Undefined(f"({' '.join(term(e))}) has no value") from None

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


def _effect(scope: Scope, node: Node | str | None) -> Effect:
    """An effect whose parts all read the state before the step: no part sees what another one changes."""
    if node is None:
        return Effect(lambda e, s, add, delete, assign: None)
    if not isinstance(node, Node) or not node:
        raise scope.error(node, "expected an effect")
    head, rest = node[0], node[1:]
    if head == "and":
        parts = [_effect(scope, part).apply for part in rest]

        def every(e: Environment, s: State, add: set[Fact], delete: set[Fact], assign: list[Change]) -> None:
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

        def each(e: Environment, s: State, add: set[Fact], delete: set[Fact], assign: list[Change]) -> None:
            for extended in _extend(e, s, kinds):
                body(extended, s, add, delete, assign)

        return Effect(each)
    if head in _ASSIGN and len(rest) == 2:
        return _assignment(scope, str(head), rest[0], rest[1])
    made = _term(scope, node, scope.domain.predicates, "predicate")
    return Effect(lambda e, s, add, delete, assign: add.add(made(e)))


def _assignment(scope: Scope, head: str, target: Node | str, value: Node | str) -> Effect:
    call = target
    if isinstance(target, str):
        call = Node(0)
        call.append(target)
    assert isinstance(call, Node)
    term, amount = _term(scope, call, scope.domain.functions, "function"), compile_amount(scope, value)

    return Effect(lambda e, s, add, delete, assign: assign.append(Change(term(e), head, amount(e, s))))


def _strips(scope: Scope, action: Action) -> tuple[tuple[Term, ...], tuple[Term, ...], tuple[Term, ...]] | None:
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


class Rule(NamedTuple):
    """A compiled axiom: the predicate `name` is true of objects of these types if `holds` is true of them."""

    name: str
    kinds: tuple[tuple[str, ...], ...]
    holds: Holds


def derive(rules: Sequence[Sequence[Rule]], state: State) -> None:
    """Replace the derived facts of a state by those that follow from its other facts: the least fixpoint of each
    stratum in turn (Thiebaux, Hoffmann and Nebel 2005, Artificial Intelligence 168: 38-69)."""
    derived = {rule.name for stratum in rules for rule in stratum}
    state.facts -= {fact for fact in state.facts if fact[0] in derived}
    for stratum in rules:
        grows = True
        while grows:
            found = {
                (rule.name, *chosen)
                for rule in stratum
                for chosen in _extend((), state, rule.kinds)
                if (rule.name, *chosen) not in state.facts and rule.holds(chosen, state)
            }
            state.facts |= found
            grows = bool(found)


def _strata(domain: Domain) -> dict[str, int]:
    """The stratum of each derived predicate: above the predicates that its rules negate, not below those that they use.
    Raises PDDLError if there is no such order."""
    level = {axiom.name: 0 for axiom in domain.axioms}
    uses = [(a.name, name, denied) for a in domain.axioms for name, denied in _uses(a.condition) if name in level]
    for _ in range(len(level) + 1):
        raised = {a: level[b] + denied for a, b, denied in uses if level[a] < level[b] + denied}
        if not raised:
            return level
        level |= raised
    raise PDDLError("domain: the derived predicates can't be ordered: a rule denies what depends on itself")


def _uses(node: Node | str, denied: bool = False) -> Iterator[tuple[str, bool]]:
    """Yields (predicate, whether it is negated) for each predicate in a condition."""
    if not isinstance(node, Node) or not node:
        return
    head, rest = node[0], node[1:]
    if head in ("and", "or"):
        for part in rest:
            yield from _uses(part, denied)
    elif head == "not":
        yield from _uses(rest[0] if rest else "", not denied)
    elif head == "imply" and len(rest) == 2:
        yield from _uses(rest[0], not denied)
        yield from _uses(rest[1], denied)
    elif head in ("forall", "exists"):
        yield from _uses(rest[-1] if rest else "", denied)
    elif isinstance(head, str):
        yield head, denied


@dataclass(frozen=True)
class CompiledDomain:
    """A domain whose actions are ready to run, for any of its problems."""

    domain: Domain
    operators: Mapping[str, Operator] = field(repr=False)
    changing: frozenset[str]
    """The predicates that some action adds or deletes, and those that rules derive."""
    rules: tuple[tuple[Rule, ...], ...] = ()
    """The rules for derived predicates in strata: a rule may negate only predicates of earlier strata."""


def _predicates(node: Node) -> Iterator[str]:
    """Yields the first word of every list in an effect: its predicates, also those in the conditions of conditional
    effects, and keywords such as `and`."""
    for part in node:
        if isinstance(part, Node):
            yield from _predicates(part)
    if node and isinstance(node[0], str):
        yield node[0]


def compile_domain(domain: Domain) -> CompiledDomain:
    """The domain with its actions and rules ready to run. Raises PDDLError if one of them names something undeclared,
    if an action changes a derived predicate, or if the rules can't be ordered in strata."""
    operators = {}
    for name, action in domain.actions.items():
        scope = Scope(domain, domain.constants, action.parameters, f"domain: action {name}")
        operators[name] = Operator(
            action, compile_condition(scope, action.precondition), _effect(scope, action.effect), _strips(scope, action)
        )
    level = _strata(domain)
    changing = frozenset(name for a in domain.actions.values() if a.effect for name in _predicates(a.effect))
    for action in domain.actions.values():
        for name in _changed(action.effect) if action.effect else ():
            if name in level:
                raise PDDLError(f"domain: action {action.name} changes {name}, which is derived by a rule")
    strata: list[list[Rule]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for axiom in domain.axioms:
        scope = Scope(domain, domain.constants, axiom.parameters, f"domain: the rule for {axiom.name}")
        kinds = tuple(kinds for _, kinds in axiom.parameters)
        strata[level[axiom.name]].append(Rule(axiom.name, kinds, _holds(scope, axiom.condition)))
    return CompiledDomain(
        domain, operators, (changing | level.keys()) & domain.predicates.keys(), tuple(map(tuple, strata))
    )


def _changed(node: Node) -> Iterator[str]:
    """The predicates that an effect adds or deletes."""
    head = node[0] if node else ""
    if head in ("and", "not"):
        parts = node[1:]
    elif head in ("when", "forall"):
        parts = node[-1:]
    else:
        if isinstance(head, str):
            yield head
        return
    for part in parts:
        if isinstance(part, Node):
            yield from _changed(part)
