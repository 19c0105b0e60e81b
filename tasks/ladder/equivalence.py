"""Kind `equivalence`: what follows for certain from all independences, after Corr2Cause (arXiv 2306.05836).

The label is computed over every DAG of the Markov equivalence class. Half of the questions about each relation have the
answer yes. Those with the answer no are about what holds in no graph of the class, or in some, in equal parts as far as
there are such that look like the others (see `drawn`).
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterable, Iterator, Sequence

from harness.errors import DataError
from harness.seeds import derive
from harness.tasks.ladder import dags, names
from harness.tasks.ladder.kinds import Kind, Options, Question, whole_numbers, word, yes
from harness.tasks.ladder.prompts import texts
from harness.types import Param, Params

NAMES = ("letters", "refactored", "nonsense")
WORDINGS = ("plain", "paraphrase")
NUMBERS = {3: "Three", 4: "Four"}
VERDICTS = ("valid", "valid", "impossible", "possible")
"""Of four questions about a relation."""

Hypothesis = tuple[int, int, int]
"""Class, and the pair."""
Look = tuple[bool, bool]
"""What a shortcut can see of a pair: whether the two are correlated, and whether they are so under every condition."""


@functools.cache
def hypotheses(n: int) -> dict[str, dict[str, dict[Look, list[Hypothesis]]]]:
    """All hypotheses by relation, verdict and look; relations that are never valid (a common cause, n=3) are left
    out."""
    found: dict[str, dict[str, dict[Look, list[Hypothesis]]]] = {}
    for relation in dags.RELATIONS:
        sorted_: dict[str, dict[Look, list[Hypothesis]]] = {verdict: {} for verdict in VERDICTS}
        for number, markov in enumerate(dags.classes(n)):
            for a, b in dags.ordered_pairs(relation, n):
                apart = [given for i, j, given in markov.independences if {i, j} == {a, b}]
                same = sorted_[dags.verdict(n, number, relation, a, b)]
                same.setdefault((() not in apart, not apart), []).append((number, a, b))
        if sorted_["valid"]:
            found[relation] = sorted_
    return found


def drawn(n: int, relation: str, verdict: str, rng: random.Random) -> Hypothesis:
    """A hypothesis with this verdict. Those that are not valid look like valid ones as often as valid ones do, so that
    the look of a pair says nothing about the answer; if none with this verdict does, it has the other one."""
    valid = hypotheses(n)[relation]["valid"]
    look = rng.choices(list(valid), [len(members) for members in valid.values()])[0]
    for one in (verdict, "impossible", "possible"):
        if look in hypotheses(n)[relation][one]:
            return rng.choice(hypotheses(n)[relation][one][look])
    return rng.choice(hypotheses(n)[relation][verdict][min(hypotheses(n)[relation][verdict])])


def groups(options: Options, seed: str) -> Iterator[tuple[str, list[Question]]]:
    """A group: one hypothesis about one class, in all names and wordings. In a block each relation of each number of
    variables comes with all of VERDICTS."""
    number = 0
    for turn in itertools.count():
        rng = random.Random(derive(seed, "block", turn))
        block = [(n, r, v) for n in options.n for r in hypotheses(n) for v in VERDICTS]
        rng.shuffle(block)
        for n, relation, verdict in block:
            place, a, b = drawn(n, relation, verdict, rng)
            shown = rng.sample(range(n), n)  # which name each variable gets
            if relation in ("effect", "cause") and rng.random() < 0.5:
                a, b = b, a
            questions = []
            for name, wording in itertools.product(options.names, options.wording):
                words = _words(name, n, random.Random(derive(seed, "names", number)))
                words = [words[i] for i in shown]
                levels = {"wording": wording, "names": name}
                said = coded(dags.classes(n)[place].independences)
                params: dict[str, Param] = {"variables": n, "relation": relation, "independences": said, "pair": (a, b)}
                params |= {"verdict": dags.verdict(n, place, relation, a, b)}
                shown_as = text(n, place, relation, (a, b), words, wording)
                questions.append(
                    Question(levels, params, shown_as, yes(dags.verdict(n, place, relation, a, b) == "valid"))
                )
            yield f"{number:06d}", questions
            number += 1


def coded(independences: Iterable[dags.Independence]) -> tuple[int, ...]:
    """Independences as params have them, three numbers each; the condition is a sum of powers of two."""
    return tuple(itertools.chain.from_iterable((a, b, sum(1 << v for v in given)) for a, b, given in independences))


def _words(name: str, n: int, rng: random.Random) -> list[str]:
    """A, B, C; Z, Y, X (as the publication's refactoring has it); or nonsense words."""
    if name == "nonsense":
        return names.symbols(name, n, rng)
    return list("ABCD"[:n] if name == "letters" else "ZYXW"[:n])


def text(n: int, place: int, relation: str, about: tuple[int, ...], words: Sequence[str], wording: str) -> str:
    """The prompt about a class (by its number) and a pair, with these names for the variables."""
    told = texts("equivalence")[wording]
    known = dags.classes(n)[place].independences
    order = {word: rank for rank, word in enumerate(sorted(words, reverse=words[0] in "ZYXW"))}
    apart = {(i, j) for i, j, given in known if not given}

    def pair(i: int, j: int) -> dict[str, str]:
        return dict(zip("ab", sorted((words[i], words[j]), key=order.__getitem__), strict=True))

    lines = []
    for i, j in itertools.combinations(sorted(range(n), key=lambda v: order[words[v]]), 2):
        key = (min(i, j), max(i, j))
        lines.append(told["independent" if key in apart else "dependent"].format(**pair(i, j)))
    conditional = []
    for i, j, given in known:
        others = sorted((words[v] for v in given), key=order.__getitem__)
        ranks = [order[word] for word in (*pair(i, j).values(), *others)]
        shown = told["given"].format(**pair(i, j), others=" and ".join(others))
        conditional += [(len(given), ranks, shown)] if given else []
    lines += [shown for *_, shown in sorted(conditional)]
    listed = sorted(words, key=order.__getitem__)
    filled = {"number": NUMBERS[n] if wording == "plain" else NUMBERS[n].lower()}
    filled |= {"variables": f"{', '.join(listed[:-1])} and {listed[-1]}", "relations": _lines(lines)}
    hypothesis = told[relation].format(a=words[about[0]], b=words[about[1]])
    return str(told["text"].strip().format(**filled, hypothesis=hypothesis))


def _lines(lines: list[str]) -> str:
    return "\n".join(f"- {line[0].upper()}{line[1:]}" for line in lines)


@functools.lru_cache(maxsize=8192)
def _solved(n: int, relation: str, said: tuple[int, ...], pair: tuple[int, ...]) -> bool:
    known = _by_independences(n).get(said)
    if known is None or len(set(pair)) != 2 or not set(pair) <= set(range(n)):
        raise DataError(f"params of a ladder sample: no causal graph of {n} variables has these independences")
    return dags.verdict(n, known, relation, *pair) == "valid"


@functools.cache
def _by_independences(n: int) -> dict[tuple[int, ...], int]:
    """The number of each class by its independences, as params have them."""
    return {coded(markov.independences): number for number, markov in enumerate(dags.classes(n))}


def answer(params: Params) -> str:
    """The right answer: yes if the hypothesis holds in every graph of the class."""
    n = params.get("variables")
    if type(n) is not int or n not in NUMBERS:
        raise DataError("a ladder sample needs params.variables, 3 or 4")
    said, pair = whole_numbers(params, "independences"), whole_numbers(params, "pair")
    return yes(_solved(int(str(n)), word(params, "relation", dags.RELATIONS), said, pair))


def words_of(params: Params, shown: str, words: Sequence[str]) -> tuple[str, ...] | None:
    """The names in the order of the variables' numbers: those with which the params give this text. None if none do."""
    n, relation = int(str(params["variables"])), str(params["relation"])
    said, pair = whole_numbers(params, "independences"), whole_numbers(params, "pair")
    number, wording = _by_independences(n)[said], str(params["wording"])
    orders = itertools.permutations(words)
    return next((order for order in orders if text(n, number, relation, pair, order, wording) == shown), None)


def correlated(params: Params) -> bool:
    """The shortcut: whether the two variables are correlated."""
    said, pair = whole_numbers(params, "independences"), whole_numbers(params, "pair")
    rows = list(zip(said[::3], said[1::3], said[2::3], strict=True))
    return (min(pair), max(pair), 0) not in rows


KIND = Kind(NAMES, groups, answer, 64)
