"""Dead features of a sparse autoencoder with the largest features kept, without and with the loss that revives them.

    python benchmarks/sae.py [--seeds 0,1] [--steps 1000] [--features 512] [--top 16]

Needs the extra `lab`; about a minute a seed. Layer 2 of the package's model on AIW's generated problems: trained on
half of the groups, measured on the others. Prints a Markdown table. The weights were chosen on the seed 100.
"""

from __future__ import annotations

import argparse

from harness import plugins
from harness.lab import sae
from harness.lab.models import open_model
from harness.lab.prompts import Chosen, halves, prompts
from harness.lab.sae_study import gathered
from harness.statistics.intervals import Estimate, wilson
from harness.text import estimate

LAYER, PROMPTS = 2, 400
WEIGHTS = (0.0, 1 / 32, 1 / 2)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--top", type=int, default=16)
    a = parser.parse_args()
    lab, task = open_model("tiny"), plugins.task("aiw", {"family": "procedural"})
    print("| seed | revive | never fire on other groups | explained variance | positions |")
    print("|---|---|---|---|---|")
    for seed in map(int, a.seeds.split(",")):
        both = halves(prompts(lab, Chosen(task, seed, (), PROMPTS), answered=True), seed)
        fitted, tested = (gathered(lab, half, LAYER) for half in both)
        for weight in WEIGHTS:
            recipe = sae.Recipe(a.features, top=a.top, steps=a.steps, batch=128, seed=seed, revive=weight)
            made = sae.train(fitted, recipe, {})
            dead = int((made.features(tested).amax(0) == 0).sum())
            left, spread = tested - made.rebuilt(tested), tested - tested.mean(0)
            explained = 1 - float((left - left.mean(0)).pow(2).sum() / spread.pow(2).sum())
            share = estimate(Estimate(dead / a.features, *wilson(dead, a.features), a.features))
            print(f"| {seed} | {weight:g} | {dead}: {share} | {explained:.4f} | {len(tested)} |", flush=True)


if __name__ == "__main__":
    main()
