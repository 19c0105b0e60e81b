"""Kind `sat`: can all rules be kept at once? Clauses of three literals, told as rules of who comes to a party.

`depth` is the number of rules for each person, the axis on which random formulas become hard and then unsolvable. Twins
differ in one literal: one can be satisfied, the other can't.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from harness.tasks.logic import sat_formulas as formulas
from harness.tasks.logic.kinds import YES_NO, Asked, Item, Kind
from harness.tasks.logic.names import nonsense, people
from harness.tasks.logic.prompts import template
from harness.tasks.logic.sat_formulas import Clause
from harness.types import Params

LEAST, MOST = {2: 6, 6: 5, 7: 5}, 8
"""Fewest persons by depth (4 if not named), and most. With fewer of depth 2 nearly every rule must exclude something
else, and an even share of denials would tell what can't be satisfied; of 4 persons there are only 32 different rules.
"""


def items(asked: Asked) -> Iterator[Item]:
    """Twins of up to 8 persons, in all names."""
    draw = asked.draw("formula")
    count = draw.randint(LEAST.get(asked.depth, 4), MOST)
    shown = dict(zip(("plain", "unsatisfiable"), formulas.twins(draw, count, count * asked.depth), strict=True))
    heads = [draw.sample(range(3), 3) for _ in range(count * asked.depth)]
    for level in asked.levels["names"]:
        words = asked.draw("names", level)
        persons = people(words, count) if level == "familiar" else nonsense(words, count)
        for form, made in shown.items():
            rules = [rule([clause[i] for i in order], persons) for clause, order in zip(made, heads, strict=True)]
            question = (
                f"{_listed(persons)} are invited to a party. There are rules:\n\n" + "\n".join(rules)
                + "\n\nQuestion: Is it possible that all rules are kept?"
            )  # fmt: skip
            levels = {"names": level, "form": form}
            yield Item(
                question, template("sat"), YES_NO, "yes" if form == "plain" else "no", levels, {"persons": count}
            )


def rule(clause: Sequence[int], persons: Sequence[str]) -> str:
    """A clause as a rule: if the first two literals are false, the last is true."""
    one, two, head = clause
    return f"If {_says(-one, persons)} and {_says(-two, persons)}, then {_says(head, persons)}."


def _says(literal: int, persons: Sequence[str]) -> str:
    return f"{persons[abs(literal) - 1]} {'comes' if literal > 0 else 'does not come'}"


def _listed(persons: Sequence[str]) -> str:
    return f"{', '.join(persons[:-1])} and {persons[-1]}"


# A second solver, from the question's words -------------------------------------------------------------------------

_SAID = r"(\w+) (comes|does not come)"
_RULE = re.compile(rf"^If {_SAID} and {_SAID}, then {_SAID}\.$", re.M)


def clauses_of(params: Params) -> list[Clause]:
    """The rules of a question. Raises ValueError if it has none."""
    number: dict[str, int] = {}
    found = []
    for one, is_one, two, is_two, head, is_head in _RULE.findall(str(params["question"])):
        a, b, c = (number.setdefault(name, len(number) + 1) for name in (one, two, head))
        found.append((-a if is_one == "comes" else a, -b if is_two == "comes" else b, c if is_head == "comes" else -c))
    if not found:
        raise ValueError("no rules")
    return found


def solve(params: Params) -> str:
    """The answer by backtracking, from the text; the generator goes through all assignments."""
    return "yes" if formulas.satisfiable(clauses_of(params)) else "no"


# Shallow readers -----------------------------------------------------------------------------------------------------


def ratio(params: Params, rng: random.Random) -> str:
    """Possible if there are fewer rules for each person than 4.3: where random formulas stop being satisfiable."""
    clauses = clauses_of(params)
    return "yes" if len(clauses) < 4.3 * len({abs(x) for c in clauses for x in c}) else "no"


def polarity(params: Params, rng: random.Random) -> str:
    """Possible if at least half of what the rules speak of is that somebody comes."""
    said = [x > 0 for c in clauses_of(params) for x in c]
    return "yes" if 2 * sum(said) >= len(said) else "no"


def majority(params: Params, rng: random.Random) -> str:
    """Possible if all rules are kept when each person does what would keep more of the rules: a solver of one try."""
    clauses = clauses_of(params)
    wishes = [x for c in clauses for x in c]
    return "yes" if all(any(wishes.count(x) >= wishes.count(-x) for x in c) for c in clauses) else "no"


KIND = Kind(
    name="sat",
    about="can all rules be kept at once? (depth: rules for each person)",
    levels={"names": ("familiar", "nonsense")},
    items=items,
    readers={"shallow": ratio, "polarity": polarity, "majority": majority},
    solve=solve,
    depths=(2, 3, 4, 5, 6, 7),
    usual=(2, 3, 4, 5, 6, 7),
)
