"""One premise of a question is another one: for each kind, all questions that are changed so, in random order. Which of
them have another answer, the kind's solver says (controls.changed)."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping

from harness.tasks.logic import (
    abduction,
    argument,
    entailment,
    induction,
    kin,
    kinship,
    names,
    rules,
    sat,
    sat_formulas,
    syllogism,
)
from harness.tasks.logic.explanations import explanations_by_proof
from harness.tasks.logic.kinds import numbered
from harness.tasks.logic.syllogism_forms import Statement
from harness.types import Params

Changes = Iterator[str]
"""Questions."""


def _with(question: str, span: tuple[int, int], new: str) -> str:
    return question[: span[0]] + new + question[span[1] :]


def _lookup(params: Params, rng: random.Random) -> Changes:
    """A person is of another kind, or a kind is afraid of another one."""
    question = str(params["question"])
    kinds = numbered(params, "choices")
    plurals = numbered(params, "also")
    ways = [
        (m.span(2), f"{names.article(k)}")
        for m in re.finditer(r"^(\w+) is (an? \w+)\.$", question, re.M)
        for k in kinds
    ]
    for m in re.finditer(r"^(\w+) are afraid of (\w+)\.$", question, re.M):
        ways += [(m.span(2), plural) for plural in plurals if plural not in (m[1].lower(), m[2])]
    for span, new in rng.sample(ways, len(ways)):
        yield _with(question, span, new)


def _colours(params: Params, rng: random.Random) -> Changes:
    """The one who is asked about is of another kind."""
    question = str(params["question"])
    asked = re.search(r"Which colour is (\w+) most", question)
    assert asked is not None
    m = re.search(rf"^{asked[1]} is (an? \w+)\.$", question, re.M)
    assert m is not None
    kinds = sorted(set(re.findall(r" is (an? \w+)\.$", question, re.M)) - {m[1]})
    for kind in rng.sample(kinds, len(kinds)):
        yield _with(question, m.span(1), kind)


def _kinship(params: Params, rng: random.Random) -> Changes:
    """One word for a relation is another one for the same gender, if the family is still one."""
    question = str(params["question"])
    ways = []
    for m in re.finditer(r"^(\w+) is the (\w+) of (\w+)\.$", question, re.M):
        relation, gender = kin.OF_LABEL[m[2]]
        others = [kin.RELATIONS[r][gender == "f"] for r in kin.TOLD if r not in (relation, "spouse")]
        ways += [(m.span(2), word) for word in others]
    for span, new in rng.sample(ways, len(ways)):
        other = _with(question, span, new)
        if _is_family({"question": other}):
            yield other


def _is_family(params: Params) -> bool:
    """Whether what is told can be true, and one relation follows."""
    told, a, b = kinship.told_of(params)
    number = {name: i for i, name in enumerate(dict.fromkeys(n for x, _, y in told for n in (x, y)))}
    facts = [(x, kin.OF_LABEL[word][0], y) for x, word, y in told]
    edges = [(number[x], relation, number[y]) for x, relation, y in facts]
    gender = {x: kin.OF_LABEL[word][1] for x, word, _ in told}
    try:
        certain = kin.related(len(number), edges, number[a], number[b])
    except kin.ContradictionError:
        return False
    couples = [(x, y) for x, relation, y in kin.closure(facts) if relation == "spouse"]
    return len(certain) == 1 and not any(gender.get(x, "") == gender.get(y) for x, y in couples)


def _rules(params: Params, rng: random.Random) -> Changes:
    """A fact about the thing in question says another attribute; what is asked comes last."""
    question = str(params["question"])
    made = rules.read(question)
    facts = list(re.finditer(rf"^The {made.thing} is (\w+)\.$", question, re.M))
    needed = sorted({a for body, _ in made.rules for a in body} - made.facts.get(made.thing, frozenset()) - {made.goal})
    ways = list(itertools.product(facts, needed))
    for m, attribute in [*rng.sample(ways, len(ways)), *((m, made.goal) for m in facts)]:
        yield _with(question, m.span(1), attribute)


def _argument(params: Params, rng: random.Random) -> Changes:
    """A premise about everyone is turned round."""
    question = str(params["question"])
    lines = [line for line in question.partition("\n\n")[0].split("\n") if line.startswith(argument.STARTS)]
    for line in rng.sample(lines, len(lines)):
        yield question.replace(line, argument.turned(line))


def _syllogism(params: Params, rng: random.Random) -> Changes:
    """A premise is turned round, or has another quantifier."""
    question = str(params["question"])
    before, mark, asks = question.rpartition("\n\nQuestion: ")
    *start, one, two = before.split("\n")
    ways = []
    for place, line in enumerate((one, two)):
        said = syllogism.read(line)
        others = [said.turned, *(Statement(q, said.subject, said.predicate) for q in "AEIO" if q != said.quantifier)]
        ways += [(place, statement) for statement in others]
    for place, statement in rng.sample(ways, len(ways)):
        lines = [one, two]
        clause = syllogism.says(statement, {word: word for word in statement[1:]})
        lines[place] = f"{clause[0].upper()}{clause[1:]}."
        yield "\n".join([*start, *lines]) + mark + asks


def _entailment(params: Params, rng: random.Random) -> Changes:
    """A part of the premise says the converse; or is about another person, first so that it does not say by itself what
    is asked. Nobody comes out older than themselves."""
    question = str(params["question"])
    end = question.index("\nStatement: ")
    parts = [m for m in entailment.PART.finditer(question) if m.end() < end]
    _, asked, _ = entailment.read(params)
    converse = {a: b for pair in entailment.WORDINGS for a, b in (pair, pair[::-1])}
    turned = [(m.span(2), converse[m[2]]) for m in parts]
    people = sorted({m[i] for m in parts for i in (1, 3)})
    moved = [(m.span(i), name) for m in parts for i in (1, 3) for name in people if name not in (m[1], m[3])]
    late = list[str]()
    for span, new in [*rng.sample(turned, len(turned)), *rng.sample(moved, len(moved))]:
        other = _with(question, span, new)
        pairs, _, _ = entailment.read({"question": other})
        if not entailment.in_order(pairs):
            continue
        if (span, new) in moved and asked in (pairs + [p[::-1] for p in pairs]):
            late.append(other)
        else:
            yield other
    yield from late


def _sat(params: Params, rng: random.Random) -> Changes:
    """A literal of a rule is denied."""
    question = str(params["question"])
    clauses = sat.clauses_of(params)
    people = len({abs(x) for clause in clauses for x in clause})
    said = list(re.finditer(r"(?<= )(comes|does not come)(?= and|,|\.)", question.partition("\n\n")[2]))
    start = len(question.partition("\n\n")[0]) + 2
    possible = bool(sat_formulas.solutions(people, clauses))
    for i in rng.sample(range(len(said)), len(said)):
        clause = list(clauses[i // 3])
        clause[i % 3] = -clause[i % 3]
        one, two, three = clause
        other = [*clauses[: i // 3], (one, two, three), *clauses[i // 3 + 1 :]]
        if bool(sat_formulas.solutions(people, other)) != possible:
            m = said[i]
            new = "comes" if m[1] != "comes" else "does not come"
            yield _with(question, (start + m.start(), start + m.end()), new)


def _abduction(params: Params, rng: random.Random) -> Changes:
    """A fact says another property that a rule needs. A fact that is missing still explains what is observed: if none
    did, or if what is observed were already certain or contradicted, the question would not say what is right."""
    question = str(params["question"])
    facts = list(re.finditer(r"^\w+ is (\w+)\.$", question, re.M))
    theory, observed = abduction.read(params)
    others = [p for p in theory.candidates() if p != observed.property]
    ways = list(itertools.product(facts, map(str, others)))
    for m, word in rng.sample(ways, len(ways)):
        other = _with(question, m.span(1), word)
        if explanations_by_proof(*abduction.read({"question": other})):
            yield other


def _defeasible(params: Params, rng: random.Random) -> Changes:
    """A rule says the opposite; or of two rules the other one goes before."""
    question = str(params["question"])
    found = list(re.finditer(r"(?<= are normally )(not )?(?=\w+\.$)", question, re.M))
    for m in rng.sample(found, len(found)):
        yield _with(question, m.span(), "" if m[1] else "not ")
    found = list(re.finditer(r"^Rule (\d+) goes before rule (\d+)\.$", question, re.M))
    for m in rng.sample(found, len(found)):
        yield _with(question, m.span(), f"Rule {m[2]} goes before rule {m[1]}.")


def _induction(params: Params, rng: random.Random) -> Changes:
    """An example has another property, or gets the other answer; it is not the thing that is asked about."""
    question = str(params["question"])
    made = induction.read(params)
    ways = []
    for m in re.finditer(r"^(\w+(?:, \w+)+): (yes|no)$", question, re.M):
        words = m[1].split(", ")
        for i, word in enumerate(words):
            kind = next(kind for kind in made.kinds if word in kind)
            ways += [(m.span(1), [*words[:i], other, *words[i + 1 :]]) for other in kind if other != word]
        ways.append((m.span(2), ["no" if m[2] == "yes" else "yes"]))
    shown = [*(thing for thing, _ in made.examples), made.asked]
    for span, words in rng.sample(ways, len(ways)):
        if frozenset(words) not in shown:
            yield _with(question, span, ", ".join(words))


CHANGED: Mapping[str, Callable[[Params, random.Random], Changes]] = {
    "lookup": _lookup, "colours": _colours, "rules": _rules, "kinship": _kinship, "argument": _argument,
    "defeasible": _defeasible, "syllogism": _syllogism, "entailment": _entailment, "sat": _sat,
    "abduction": _abduction, "induction": _induction,
}  # fmt: skip
