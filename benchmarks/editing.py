"""Editing methods on planted facts, in the order of the literature: where a fact is held, and what each edit costs.

    python benchmarks/editing.py [--seeds 2] [--edits 24] [--method ft,ft-l,rome,grace]

Needs the extra `lab`; about a minute of CPU time a seed. Prints a Markdown table for each seed: shares with Wilson
intervals over edits, by free generation, first of single edits, then of all in sequence.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from harness import plugins
from harness.lab import edit_study
from harness.lab.editing.editor import Method
from harness.lab.editing.ft import FT, FTL
from harness.lab.editing.grace import GRACE
from harness.lab.editing.measuring import harmonic, share
from harness.lab.editing.rome import ROME
from harness.lab.trace import Noise, Place, averages, best_place, mean, trace
from harness.text import estimate, number

RADII = (0.05, 0.5, 1.0, 3.0)
SUBJECT = Place(1, "last subject")
"""The paper's place: the subject's last token in a middle layer."""


def rows(
    asked: edit_study.Edits, tried: Sequence[tuple[str, Method, Place]], sequential: bool
) -> list[tuple[str, edit_study.Result]]:
    """(label, result) of each method at its place."""
    score = plugins.task("edits", {}).score
    return [(label, edit_study.run(method, asked, place, score, sequential, 0)[0]) for label, method, place in tried]


def tried_at(place: Place) -> list[tuple[str, Method, Place]]:
    """The methods, at the place that tracing names; ROME at the paper's too, GRACE with several radii."""
    found: list[tuple[str, Method, Place]] = [
        ("ft", FT(), place), ("ft-l", FTL(), place), ("rome", ROME(), place),
        (f"rome, {SUBJECT}", ROME(), SUBJECT),
    ]  # fmt: skip
    return found + [(f"grace eps {eps:g}", GRACE(eps=eps), place) for eps in RADII]


def _line(label: str, answers: Sequence[edit_study.Answered], more: str) -> str:
    cells = [estimate(share(answers, key)) for key, _ in edit_study.MEASURED[:4]]
    return f"| {label} | {' | '.join(cells)} | {number(harmonic(answers))} | {more} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--edits", type=int, default=24)
    parser.add_argument("--method", default="ft,ft-l,rome,grace")
    a = parser.parse_args()
    for seed in range(a.seeds):
        asked = edit_study.from_planted(seed, a.edits)
        traced = trace(asked.lab, edit_study.right_facts(asked), Noise(), ("mlp",))
        found = averages(traced)
        place = best_place(found)
        best = next(x for x in found if (x.layer, x.role) == (place.layer, place.role))
        total = mean([t.total for t in traced])
        print(f"\nSeed {seed}: total effect {estimate(total)}; {place}: indirect effect {estimate(best.effect)}\n")
        names = [name for _, name in edit_study.MEASURED[:4]]
        print(f"| method | {' | '.join(names)} | S | seconds an edit; keys |\n|{'---|' * (len(names) + 3)}")
        wanted = [t for t in tried_at(place) if t[1].name in a.method.split(",")]
        for label, result in rows(asked, wanted, True):
            keys = "-" if result.keys is None else result.keys
            print(_line(label, result.answers, f"{result.seconds:.2f}; {keys}"), flush=True)
            err, trr = share(result.sequence, "reliability"), edit_study.plain(result.kept)
            more = f"keys {result.keys_after or '-'}; ERR {estimate(err)}; TRR {estimate(trr)}"
            print(_line(f"{label}, all in sequence", result.sequence, more), flush=True)


if __name__ == "__main__":
    main()
