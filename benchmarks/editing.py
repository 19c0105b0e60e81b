"""Editing methods on planted facts, in the order of the literature: does an edit hold, and what else has changed?

    python benchmarks/editing.py [--seeds 11,12,13,14,15] [--edits 24] [--method none,ft,ft-l,ke,ke+,rome,grace]

Needs the extra `lab`; one to two minutes of CPU time a seed. Each seed has its world and its model, trained here.
Prints a line for each seed (where tracing points), then Markdown tables over all seeds: answers generated and judged by
the verifier of `edits`, first after each edit alone, then after all edits of a model in sequence. Intervals are over
models: the edits of one are not independent. Interrupted, it prints the tables of the seeds that are done.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness import plugins
from harness.lab import edit_study
from harness.lab.edit_study import Edits, Result
from harness.lab.editing.editor import Method
from harness.lab.editing.ft import FT, FTL
from harness.lab.editing.grace import GRACE
from harness.lab.editing.ke import KE
from harness.lab.editing.measuring import Answered, harmonic, share
from harness.lab.editing.rome import ROME
from harness.lab.trace import Noise, Place, averages, best_place, mean, trace
from harness.text import estimate, number

SUBJECT = Place(1, "last subject")
"""The paper's place: the subject's last token in a middle layer."""
RADII = (0.05, 3.0)
TRIED: dict[str, tuple[Method | None, Place | None]] = {
    "none": (None, None),
    "ft": (FT(), None),
    "ft-l": (FTL(), None),
    "ke": (KE(), None),
    "ke+ (loop, P_x)": (KE(loop=5, paraphrases=True), None),
    "rome": (ROME(), None),
    f"rome, {SUBJECT}": (ROME(), SUBJECT),
    **{f"grace, eps {eps:g}": (GRACE(eps=eps), None) for eps in RADII},
}
"""By label: the method (None: no edit), and its place (None: where tracing points)."""
MEASURED = edit_study.MEASURED[:4]


@dataclass
class Pooled:
    """What a method did to the models so far: the results of each, and seconds an edit."""

    single: list[Answered]
    sequence: list[Answered]
    kept: list[Answered]
    seconds: list[float]
    keys: list[int]

    def add(self, seed: int, result: Result) -> None:
        """The group of an answer is its model."""
        for own, more in ((self.single, result.answers), (self.sequence, result.sequence), (self.kept, result.kept)):
            own += [replace(a, request=str(seed)) for a in more]
        self.seconds.append(result.seconds)
        self.keys += [result.keys_after] if result.keys_after is not None else []


def measured(label: str, asked: Edits, place: Place) -> Result:
    """One method on the edits of one model, alone and in sequence."""
    score = plugins.task("edits", {}).score
    method, own = TRIED[label]
    if method is None:
        return edit_study.untouched(asked, score)
    return edit_study.run(method, asked, own or place, score, True, 0)[0]


def tables(found: dict[str, Pooled]) -> list[str]:
    """Lines of Markdown."""
    names = [name for _, name in MEASURED]
    lines = ["After each edit alone:", "", *_head([*names, "S", "seconds an edit"])]
    lines += [_line(label, p.single, [f"{statistics.mean(p.seconds):.2f}"]) for label, p in found.items()]
    lines += ["", "After all edits of a model in sequence:", "", *_head([*names, "S", "ERR", "TRR", "keys a model"])]
    for label, p in found.items():
        keys = f"{statistics.mean(p.keys):g}" if p.keys else "-"
        more = [estimate(share(p.sequence, "reliability")), estimate(share(p.kept, "kept")), keys]
        lines.append(_line(label, p.sequence, more))
    return lines


def _head(columns: Sequence[str]) -> list[str]:
    return [f"| method | {' | '.join(columns)} |", "|" + "---|" * (len(columns) + 1)]


def _line(label: str, answers: Sequence[Answered], more: Sequence[str]) -> str:
    cells = [estimate(share(answers, key)) for key, _ in MEASURED] + [number(harmonic(answers)), *more]
    return f"| {label} | {' | '.join(cells)} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="11,12,13,14,15")
    parser.add_argument("--edits", type=int, default=24)
    parser.add_argument("--method", default="none,ft,ft-l,ke,rome,grace")
    a = parser.parse_args()
    labels = [label for name in a.method.split(",") for label in TRIED if label.split(" ")[0].rstrip(",") == name]
    found = {label: Pooled([], [], [], [], []) for label in labels}
    try:
        for seed in map(int, a.seeds.split(",")):
            asked = edit_study.from_planted(seed, a.edits)
            traced = trace(asked.lab, edit_study.right_facts(asked), Noise(), ("mlp",))
            places = averages(traced)
            place = best_place(places)
            best = next(x for x in places if (x.layer, x.role) == (place.layer, place.role))
            total = estimate(mean([t.total for t in traced]))
            print(f"Seed {seed}: total effect {total}; {place}: {estimate(best.effect)}", flush=True)
            results = {}
            for label in labels:
                results[label] = measured(label, asked, place)
                print(f"{seed} {label} {time.process_time():.0f} s", file=sys.stderr, flush=True)
            for label, result in results.items():
                found[label].add(seed, result)
    except KeyboardInterrupt:
        print("interrupted: of the seeds that were done")
    print("\n" + "\n".join(tables(found)))


if __name__ == "__main__":
    main()
