"""What the kinds syllogism, argument, abduction, defeasible and sat of the task `logic` have to show beside what every
kind has (logic_acceptance.py, which prints both): exact counts, twins, and shallow readers by condition.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from harness import plugins
from harness.tasks.logic import argument_forms, sat_formulas, syllogism_forms
from harness.tasks.logic.every import KINDS
from harness.tasks.logic.kinds import UNKNOWN
from harness.tasks.logic.revision import CHANGES
from harness.tasks.logic.sat import clauses_of
from harness.types import Sample

Row = tuple[str, str, str]
"""(what, measured, wanted)."""


def samples(kind: str, n: int, **options: str) -> Iterator[Sample]:
    return itertools.islice(plugins.task("logic", {"kind": kind, **options}).samples(0), n)


def by_group(made: Iterator[Sample]) -> Iterator[dict[str, Sample]]:
    """The forms of each problem in one set of names (or belief, or distractors)."""
    found: dict[tuple[str, ...], dict[str, Sample]] = defaultdict(dict)
    for sample in made:
        rest = tuple(str(sample.params[f]) for f in ("names", "belief", "distractors"))
        found[(sample.group, *rest)][str(sample.params["form"])] = sample
    most = max(map(len, found.values()))
    return (forms for forms in found.values() if len(forms) == most)


def share(right: int, n: int) -> str:
    return f"{right / max(1, n):.3f}"


def reader_shares(kind: str, made: list[Sample], label: Callable[[Sample], str]) -> dict[tuple[str, str], float]:
    """(reader, label of a sample) -> its share of right answers there."""
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for name, reads in KINDS[kind].readers.items():
        rng = random.Random(name)
        for sample in made:
            right[name, label(sample)].append(reads(sample.params, rng) == sample.target)
    return {key: sum(values) / len(values) for key, values in right.items()}


def _rows(shares: Mapping[tuple[str, str], float], wanted: Mapping[tuple[str, str], str]) -> list[Row]:
    return [(f"{where}: reader {name}", f"{value:.3f}", wanted.get((name, where), ""))
            for (name, where), value in sorted(shares.items(), key=lambda item: item[0][::-1])]  # fmt: skip


def syllogism(n: int) -> list[Row]:
    forms = list(syllogism_forms.forms())
    pairs = {form[:2] for form in forms}
    rows: list[Row] = []
    for members, wanted in ((False, "15"), (True, "24")):
        valid = sum(syllogism_forms.follows(form[:2], form[2], members) for form in forms)
        rows.append((f"valid forms of 256, {'with' if members else 'without'} existential import", str(valid), wanted))
    concluded = [[c for c in syllogism_forms.CONCLUSIONS if syllogism_forms.follows(p, c, True)] for p in pairs]
    rows.append(("of 64 pairs of premises, with a conclusion", str(sum(map(bool, concluded))), "27"))
    from_s = sum(any(c.subject == "S" for c in found) for found in concluded)
    rows.append(("of 64 pairs of premises, with a conclusion about S", str(from_s), "19"))
    claims = [(p, c, m) for p in pairs for c in syllogism_forms.CONCLUSIONS for m in (False, True)]
    agree = sum(syllogism_forms.follows(*claim) == syllogism_forms.follows_by_rules(*claim) for claim in claims)
    rows.append(("models and rules of distribution agree", f"{agree:,} of {len(claims):,}", "all"))
    judged = list(itertools.islice((s for s in samples("syllogism", 2 * n) if "choose" not in s.condition), n))
    chosen = list(itertools.islice((s for s in samples("syllogism", 2 * n) if "choose" in s.condition), n))
    shares = reader_shares("syllogism", judged, lambda s: "judged") | reader_shares(
        "syllogism", chosen, lambda s: "chosen"
    )
    wanted = {(name, "judged"): "0.500" for name in KINDS["syllogism"].readers}
    return [*rows, *_rows(shares, wanted), ("chosen: always unknown", share(_unknown(chosen), len(chosen)), "0.500")]


def _unknown(made: list[Sample]) -> int:
    return sum(s.target == UNKNOWN for s in made)


def argument(n: int) -> list[Row]:
    agree = count = 0
    for index in range(n):
        rng = random.Random(f"argument {index}")
        made = argument_forms.vary(rng.choice(list(argument_forms.SCHEMES.values())),
                                   rng.choice(argument_forms.VARIANTS), rng)  # fmt: skip
        valid, invalid = argument_forms.pair(made, rng)
        for which, right in ((valid, True), (invalid, False)):
            longer = argument_forms.Argument((*which.premises, *argument_forms.idle(valid)), which.conclusion)
            for form in (which, longer):
                agree += argument_forms.valid(form) == argument_forms.valid_by_tableau(form) == right
                count += 1
    rows: list[Row] = [("arguments and twins, by truth table and tableau", f"{agree:,} of {count:,}", "all")]
    made_samples = list(samples("argument", n, distractors="all"))
    shares = reader_shares("argument", made_samples, lambda s: f"distractors {s.params['distractors']}")
    wanted = {(name, where): "0.500" for name, where in shares if name != "shallow" or where.endswith("predicate")}
    return rows + _rows(shares, wanted)


def abduction(n: int) -> list[Row]:
    single = several = other = groups = 0
    for forms in by_group(samples("abduction", 4 * n, names="familiar")):
        groups += 1
        single += forms["plain"].target != UNKNOWN and forms["negated"].target != UNKNOWN
        several += forms["undetermined"].target == forms["negated_undetermined"].target == UNKNOWN
        other += forms["plain"].target != forms["negated"].target
    rows: list[Row] = [
        ("one fact alone explains, for both observations", f"{single:,} of {groups:,}", "all"),
        ("in the twins no single one", f"{several:,} of {groups:,}", "all"),
        ("the negated observation has another answer", f"{other:,} of {groups:,}", "all"),
    ]
    shares = reader_shares("abduction", list(samples("abduction", n)), lambda s: f"depth {s.params['depth']}")
    wanted = {(name, where): "0.500" for name, where in shares if name in ("shallow", "always-unknown")}
    return rows + _rows(shares, wanted | {("last-step", f"depth {depth}"): "0.500" for depth in (2, 3)})


def defeasible(n: int) -> list[Row]:
    """Readers by the pairs before and after: right in both."""
    right: dict[str, list[bool]] = defaultdict(list)
    same = pairs = 0
    for forms in by_group(samples("defeasible", n)):
        for name, reads in KINDS["defeasible"].readers.items():
            said = {form: reads(s.params, random.Random(f"{name}{s.id}")) == s.target for form, s in forms.items()}
            right[name] += [said["plain"] and said[update] for update in CHANGES]
        for update in CHANGES:
            pairs += 1
            same += forms["plain"].target == forms[update].target
    rows: list[Row] = [("the answer after an update is that before it", share(same, pairs), "0.500")]
    rows += [(f"revised by reader {name}", share(sum(values), len(values)), "0.500" if name == "shallow" else "")
             for name, values in right.items()]  # fmt: skip
    made = list(samples("defeasible", n))
    return rows + _rows(reader_shares("defeasible", made, lambda s: str(s.params["form"])), {})


RATIOS = {2.0: (1.0, 0.0), 4.5: (0.75, 0.05), 5.0: (0.56, 0.06), 7.0: (0.13, 0.04)}
"""Clauses for each variable -> (share of random formulas of 8 variables that can be satisfied, tolerance)."""


def satisfied(ratio: float, n: int, variables: int = 8) -> float:
    """The share of random formulas that can be satisfied."""
    made = (sat_formulas.drawn(random.Random(f"{ratio} {i}"), variables, round(variables * ratio)) for i in range(n))
    return sum(sat_formulas.solutions(variables, formula) > 0 for formula in made) / n


def sat(n: int) -> list[Row]:
    rows: list[Row] = [
        (f"random formulas of 8 persons, ratio {ratio}: satisfiable", f"{satisfied(ratio, n):.3f}", f"{mean} +- {off}")
        for ratio, (mean, off) in RATIOS.items()
    ]
    flipped = groups = 0
    for forms in by_group(samples("sat", 2 * n)):
        groups += 1
        one, two = (clauses_of(forms[form].params) for form in ("plain", "unsatisfiable"))
        flipped += sum(x != y for a, b in zip(one, two, strict=True) for x, y in zip(a, b, strict=True)) == 1
    rows.append(("twins differ in one literal", f"{flipped:,} of {groups:,}", "all"))
    shares = reader_shares("sat", list(samples("sat", n)), lambda s: f"depth {s.params['depth']}")
    return rows + _rows(shares, {(name, where): "0.500" for name, where in shares if name in ("shallow", "polarity")})


OWN: Mapping[str, Callable[[int], list[Row]]] = {
    "syllogism": syllogism, "argument": argument, "abduction": abduction, "defeasible": defeasible, "sat": sat
}  # fmt: skip
