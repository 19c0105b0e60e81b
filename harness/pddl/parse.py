"""PDDL text to data: domains and problems as frozen values, with errors that name the line.

Reads STRIPS with typing (`either` too), constants, equality, negative, disjunctive and quantified conditions,
conditional and quantified effects, derived predicates, action costs and numeric fluents. Lenient where published files
need it (empty sections and groups, missing or unused :requirements), strict about names: an undeclared name is an
error. Written from Fox and Long 2003 (JAIR 20: 61-124) and the BNF of PDDL 3.1 (Kovacs 2011).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import DataError

DEEPEST = 100
"""The deepest nesting of parentheses, and the longest chain of types: more than any planning domain needs."""

OBJECT = "object"

KNOWN_REQUIREMENTS = frozenset(
    ":strips :typing :negative-preconditions :disjunctive-preconditions :equality :existential-preconditions "
    ":universal-preconditions :quantified-preconditions :conditional-effects :adl :fluents :numeric-fluents "
    ":action-costs :object-fluents :derived-predicates".split()
)
_NUMBER = re.compile(r"[+-]?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:e[+-]?\d{1,4})?")


class PDDLError(DataError):
    """A domain or problem that is malformed, inconsistent or not supported."""


class Node(list["Node | str"]):
    """A parenthesised list, with the line it starts in."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


_TOKEN = re.compile(r"\n|;[^\n]*|[()]|\?[^\s();?]*|[^\s();?]+")
"""A question mark begins a name, even without a blank before it: `(aircraft?a)`."""


def read(text: str, what: str) -> Node:
    """The parenthesised expression of a text, in lower case; `what` names the text in messages. Raises PDDLError if the
    text is not exactly one such expression."""
    top = Node(1)
    stack = [top]
    line = 1
    for m in _TOKEN.finditer(text.removeprefix("\ufeff").lower()):
        token = m.group()
        if token == "\n":
            line += 1
        elif token == "(":
            if len(stack) > DEEPEST:
                raise PDDLError(f"{what}, line {line}: more than {DEEPEST} parentheses deep")
            node = Node(line)
            stack[-1].append(node)
            stack.append(node)
        elif token == ")":
            if len(stack) == 1:
                raise PDDLError(f"{what}, line {line}: a closing parenthesis without an opening one")
            stack.pop()
        elif token[0] != ";":
            stack[-1].append(token)
    if len(stack) > 1:
        raise PDDLError(f"{what}, line {stack[-1].line}: a parenthesis is never closed")
    if len(top) != 1 or not isinstance(top[0], Node):
        raise PDDLError(f"{what}: expected one (define ...), found {'nothing' if not top else 'other text'}")
    return top[0]


def number(text: str) -> float | None:
    """The value of a numeral (`2`, `-1.5`, `.5`, `1e0`), None for any other text: `inf` and `1_0` are no numerals in
    PDDL."""
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Action:
    """An operator: typed parameters, condition and effect as read (compile.py makes them run)."""

    name: str
    parameters: tuple[tuple[str, tuple[str, ...]], ...]
    precondition: Node | None
    effect: Node | None


@dataclass(frozen=True)
class Axiom:
    """A rule for a derived predicate: it holds of the parameters if the condition does (PDDL 2.2, Edelkamp and Hoffmann
    2004, section 3)."""

    name: str
    parameters: tuple[tuple[str, tuple[str, ...]], ...]
    condition: Node


@dataclass(frozen=True)
class Domain:
    """A planning domain. `types` maps a type to its direct supertypes; a signature is a tuple of admitted types.

    `unknown` are the requirements that it lists and that are not supported. A domain that only lists them is read;
    anything in it that needs them is an error.
    """

    name: str
    types: dict[str, tuple[str, ...]]
    constants: dict[str, tuple[str, ...]]
    predicates: dict[str, tuple[tuple[str, ...], ...]]
    functions: dict[str, tuple[tuple[str, ...], ...]]
    actions: dict[str, Action]
    axioms: tuple[Axiom, ...] = ()
    unknown: tuple[str, ...] = ()
    _closures: dict[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    def supertypes(self, name: str) -> frozenset[str]:
        """The type itself and everything above it."""
        if name not in self._closures:
            found, todo = set[str](), [name]
            while todo:
                current = todo.pop()
                if current not in found:
                    found.add(current)
                    todo += self.types.get(current, ())
            self._closures[name] = frozenset(found | {OBJECT})
        return self._closures[name]

    def fits(self, types: Sequence[str], wanted: Sequence[str]) -> bool:
        """Whether an object of one of `types` may stand where one of `wanted` is asked for."""
        return any(w in self.supertypes(t) for t in types for w in wanted)


Fact = tuple[str, ...]
"""An atom without variables: (name, object, ...), of a predicate or a function."""


@dataclass(frozen=True)
class Problem:
    """A planning problem; `objects` holds the domain's constants too. `metric` is the expression to minimise or, if
    `maximize`, to maximise."""

    name: str
    objects: dict[str, tuple[str, ...]]
    init: frozenset[Fact]
    values: dict[Fact, float]
    goal: Node | None
    metric: Node | str | None
    maximize: bool = False


def parse_domain(text: str) -> Domain:
    """The domain that a text defines, with names in lower case. Raises PDDLError, which names the line or the section,
    for anything else."""
    root = read(text, "domain")
    _expect_define(root, "domain")
    sections = _sections(root, "domain")
    unknown = tuple(n for n in _flat(sections.get(":requirements", [])) if n not in KNOWN_REQUIREMENTS)
    types: dict[str, tuple[str, ...]] = {OBJECT: ()}
    for name, above in typed(_joined(sections, ":types"), "domain, :types"):
        types[name] = (*types.get(name, ()), *(t for t in above if t != name))
    _declare_supertypes(types)
    constants = _declared(sections, ":constants", "domain", types)
    predicates = _signatures(sections.get(":predicates", []), types, ":predicates")
    functions = _signatures(_without_number(sections.get(":functions", [])), types, ":functions")
    actions: dict[str, Action] = {}
    for node in sections.get(":action", []):
        action = _action(node, types)
        if action.name in actions:
            raise PDDLError(f"domain, line {node.line}: the action {action.name} is defined twice")
        actions[action.name] = action
    axioms = tuple(_axiom(node, types, predicates) for node in sections.get(":derived", []))
    return Domain(_name_of(root), types, constants, predicates, functions, actions, axioms, unknown)


def parse_problem(text: str, domain: Domain) -> Problem:
    """The problem that a text defines, with every name checked against the domain. Raises PDDLError, which names the
    line or the section, for anything else."""
    root = read(text, "problem")
    _expect_define(root, "problem")
    sections = _sections(root, "problem")
    objects = dict(domain.constants)
    for name, kinds in _declared(sections, ":objects", "problem", domain.types).items():
        if name in objects and objects[name] != kinds:
            raise PDDLError(f"problem, :objects: {name} is a constant of the domain, of another type")
        objects[name] = kinds
    facts, values = set[Fact](), dict[Fact, float]()
    for section in sections.get(":init", []):
        for node in section[1:]:
            _initial(node, section.line, domain, objects, facts, values)
    goals = [n for section in sections.get(":goal", []) for n in section[1:]]
    if len(goals) > 1 or any(not isinstance(g, Node) for g in goals):
        raise PDDLError("problem, :goal: expected one condition")
    metric = next((s for s in sections.get(":metric", [])), None)
    if metric is not None and (len(metric) != 3 or metric[1] not in ("minimize", "maximize")):
        raise PDDLError(f"problem, line {metric.line}: expected (:metric minimize ...) or (:metric maximize ...)")
    goal = goals[0] if goals and isinstance(goals[0], Node) else None
    wanted, maximize = (metric[2], metric[1] == "maximize") if metric is not None else (None, False)
    return Problem(_name_of(root), objects, frozenset(facts), values, goal, wanted, maximize)


# Pieces -----------------------------------------------------------------------------------------------------------


def _expect_define(root: Node, kind: str) -> None:
    head = root[1] if len(root) > 1 else None
    if root[:1] != ["define"] or not isinstance(head, Node) or len(head) != 2 or head[0] != kind:
        raise PDDLError(f"{kind}, line {root.line}: expected (define ({kind} NAME) ...)")


def _name_of(root: Node) -> str:
    head = root[1]
    return str(head[1])


def _sections(root: Node, what: str) -> dict[str, list[Node]]:
    """The sections of a definition by keyword. `:action` comes often, and any other section may come twice."""
    allowed = {
        "domain": {":requirements", ":types", ":constants", ":predicates", ":functions", ":action", ":derived"},
        "problem": {":domain", ":requirements", ":objects", ":init", ":goal", ":metric", ":length"},
    }[what]
    found: dict[str, list[Node]] = {}
    for node in root[2:]:
        if not isinstance(node, Node) or not node or not isinstance(node[0], str):
            raise PDDLError(f"{what}: expected sections in parentheses, found {_shown(node)}")
        if node[0] not in allowed:
            raise PDDLError(f"{what}, line {node.line}: the section {node[0]} is not supported")
        found.setdefault(node[0], []).append(node)
    return found


def _shown(node: Node | str) -> str:
    return repr(node)[:60] if isinstance(node, str) else f"a list in line {node.line}"


def _flat(sections: Sequence[Node]) -> list[str]:
    return [item for section in sections for item in section[1:] if isinstance(item, str)]


def _joined(sections: dict[str, list[Node]], name: str) -> list[Node | str]:
    return [item for section in sections.get(name, []) for item in section[1:]]


def typed(items: Sequence[Node | str], where: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields (name, types): for `a b - t c` (a, (t,)), (b, (t,)), (c, (object,)). A group may be empty (`- t`), as in
    some published files. Raises PDDLError for anything but names and types."""
    waiting: list[str] = []
    i = 0
    while i < len(items):
        item = items[i]
        if item == "-":
            if i + 1 == len(items):
                raise PDDLError(f"{where}: a `-` without a type behind it")
            kinds = _either(items[i + 1], where)
            yield from ((name, kinds) for name in waiting)
            waiting = []
            i += 2
            continue
        if not isinstance(item, str):
            raise PDDLError(f"{where}: expected a name, found {_shown(item)}")
        waiting.append(item)
        i += 1
    yield from ((name, (OBJECT,)) for name in waiting)


def _either(kind: Node | str, where: str) -> tuple[str, ...]:
    if isinstance(kind, str):
        return (kind,)
    if kind[:1] == ["either"] and len(kind) > 1 and all(isinstance(k, str) for k in kind):
        return tuple(str(k) for k in kind[1:])
    raise PDDLError(f"{where}, line {kind.line}: expected a type or (either ...)")


def _declare_supertypes(types: dict[str, tuple[str, ...]]) -> None:
    """Adds supertypes that are not listed themselves. Raises PDDLError for a circle of types, or a chain longer than
    DEEPEST."""
    for above in list(types.values()):
        for name in above:
            types.setdefault(name, ())
    heights: dict[str, int] = {}

    def height(name: str, path: tuple[str, ...]) -> int:
        if name in path:
            raise PDDLError(f"domain, :types: {' - '.join([*path[path.index(name) :], name])} is a circle")
        if name not in heights:
            if len(path) > DEEPEST:
                raise PDDLError(f"domain, :types: {path[0]} has more than {DEEPEST} types above it")
            heights[name] = 1 + max((height(above, (*path, name)) for above in types[name]), default=0)
        if heights[name] > DEEPEST:
            raise PDDLError(f"domain, :types: {name} has more than {DEEPEST} types above it")
        return heights[name]

    for start in types:
        height(start, ())


def _declared(
    sections: dict[str, list[Node]], name: str, what: str, types: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Objects or constants with their types."""
    where = f"{what}, {name}"
    found: dict[str, tuple[str, ...]] = {}
    for item, kinds in typed(_joined(sections, name), where):
        _check_types(kinds, types, where)
        if item in found:
            raise PDDLError(f"{where}: {item} is declared twice")
        found[item] = kinds
    return found


def _check_types(kinds: Sequence[str], types: dict[str, tuple[str, ...]], where: str) -> None:
    for kind in kinds:
        if kind not in types:
            raise PDDLError(f"{where}: there is no type {kind}", f"types: {' '.join(types)}")


def _signatures(
    sections: Sequence[Node], types: dict[str, tuple[str, ...]], section: str
) -> dict[str, tuple[tuple[str, ...], ...]]:
    found = {}
    for node in (item for s in sections for item in s[1:]):
        if not isinstance(node, Node) or not node or not isinstance(node[0], str):
            raise PDDLError(f"domain, {section}: expected (name ?x ...), found {_shown(node)}")
        where = f"domain, line {node.line}: {node[0]}"
        kinds = tuple(kinds for _, kinds in typed(node[1:], where))
        for each in kinds:
            _check_types(each, types, where)
        found[node[0]] = kinds
    return found


def _without_number(sections: Sequence[Node]) -> list[Node]:
    """The sections without `- number`, which may follow functions."""
    cleaned = []
    for section in sections:
        made = Node(section.line)
        made += [item for item in section if item not in ("-", "number")]
        cleaned.append(made)
    return cleaned


def _axiom(node: Node, types: dict[str, tuple[str, ...]], predicates: Mapping[str, Sequence[object]]) -> Axiom:
    where = f"domain, line {node.line}: :derived"
    head, condition = (node[1], node[2]) if len(node) == 3 else (None, None)
    if not isinstance(head, Node) or not head or not isinstance(condition, Node):
        raise PDDLError(f"{where}: expected (:derived (predicate ?x ...) condition)")
    name = head[0]
    if not isinstance(name, str) or name not in predicates:
        raise PDDLError(f"{where}: the predicate {name if isinstance(name, str) else '?'} is not declared")
    parameters = _parameters(head[1:], types, where)
    if len(parameters) != len(predicates[name]):
        raise PDDLError(f"{where}: {name} has another number of arguments than where it is declared")
    return Axiom(name, parameters, condition)


def _parameters(
    items: Sequence[Node | str], types: dict[str, tuple[str, ...]], where: str
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Variables with their types. Raises PDDLError if one comes twice or does not start with `?`."""
    parameters = tuple(typed(items, where))
    for name, kinds in parameters:
        _check_types(kinds, types, where)
        if not name.startswith("?"):
            raise PDDLError(f"{where}: the parameter {name} does not start with ?")
    if len({name for name, _ in parameters}) < len(parameters):
        raise PDDLError(f"{where}: a parameter comes twice")
    return parameters


def _action(node: Node, types: dict[str, tuple[str, ...]]) -> Action:
    if len(node) < 2 or not isinstance(node[1], str):
        raise PDDLError(f"domain, line {node.line}: an action without a name")
    where = f"domain, line {node.line}: action {node[1]}"
    parts: dict[str, Node | str] = {}
    if len(node) % 2:
        raise PDDLError(f"{where}: expected pairs of keyword and value")
    for key, value in zip(node[2::2], node[3::2], strict=True):
        if key not in (":parameters", ":precondition", ":effect") or key in parts:
            raise PDDLError(f"{where}: unexpected {_shown(key)}")
        if not isinstance(value, Node):
            raise PDDLError(f"{where}: {key} needs a list")
        parts[str(key)] = value
    parameters = _parameters(list(parts.get(":parameters", Node(node.line))), types, where)
    condition, effect = (parts.get(k) for k in (":precondition", ":effect"))
    return Action(
        node[1],
        parameters,
        condition if isinstance(condition, Node) and condition else None,
        effect if isinstance(effect, Node) and effect else None,
    )


def _initial(
    node: Node | str, line: int, domain: Domain, objects: dict[str, tuple[str, ...]], facts: set[Fact],
    values: dict[Fact, float],
) -> None:  # fmt: skip
    if not isinstance(node, Node) or not node:
        raise PDDLError(f"problem, line {line}: :init: expected facts, found {_shown(node)}")
    where = f"problem, line {node.line}: :init"
    if node[0] == "=":
        if len(node) != 3 or not isinstance(node[2], str):
            raise PDDLError(f"{where}: expected (= (function ...) number)")
        term = node[1] if isinstance(node[1], Node) else Node(node.line)
        if isinstance(node[1], str):
            term.append(node[1])
        value = number(node[2])
        if value is None:
            raise PDDLError(f"{where}: {node[2][:60]} is not a number")
        values[fact(term, where, domain.functions, "function", domain, objects)] = value
    elif node[0] != "not":  # facts that are not listed are false anyway
        made = fact(node, where, domain.predicates, "predicate", domain, objects)
        if any(axiom.name == made[0] for axiom in domain.axioms):
            raise PDDLError(f"{where}: {made[0]} is derived by a rule, so it can't be given")
        facts.add(made)


def fact(
    node: Node,
    where: str,
    declared: dict[str, tuple[tuple[str, ...], ...]],
    kind: str,
    domain: Domain,
    objects: dict[str, tuple[str, ...]],
) -> Fact:
    """The Fact of a ground atom. Raises PDDLError if its name, arity, objects or types are wrong."""
    if not node or not all(isinstance(item, str) for item in node):
        raise PDDLError(f"{where}: expected ({kind} object ...)")
    name, *arguments = (str(item) for item in node)
    if name not in declared:
        raise PDDLError(f"{where}: the {kind} {name} is not declared", f"declared: {' '.join(declared)}")
    if len(arguments) != len(declared[name]):
        raise PDDLError(f"{where}: {name} takes {len(declared[name])} arguments, here are {len(arguments)}")
    for argument, wanted in zip(arguments, declared[name], strict=True):
        if argument not in objects:
            raise PDDLError(f"{where}: there is no object {argument}")
        if not domain.fits(objects[argument], wanted):
            raise PDDLError(f"{where}: {argument} is not of type {' or '.join(wanted)}, which {name} asks for")
    return (name, *arguments)
