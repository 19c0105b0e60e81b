"""Acceptance numbers of the task edits: each answer is found again from the text of its prompt.

    python benchmarks/edits.py [--edits 200] [--seeds 4]

Prints a Markdown table. The other way reads the sentences of the prompt into a table of facts, changes it by the
sentence of the edit, and looks the answer up.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import defaultdict
from functools import cache

from harness.seeds import derive
from harness.tasks.edits.prompts import BORN, RELATIONS, Relation
from harness.tasks.edits.questions import QUESTIONS
from harness.tasks.edits.task import Edits
from harness.types import Sample

Facts = dict[tuple[str, str], str]
"""(relation, thing or person) -> value."""
KINDS = ("oracle", "random", "shallow", "overwriting")


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[A-Z]\\w+(?: [A-Z]\\w+)?)", re.escape(template)))


def _read(sentence: str, relation: Relation, facts: Facts) -> None:
    """One sentence into the table. Whoever is at the head of a thing is at the head of no other."""
    if m := _pattern(relation.head[0]).fullmatch(sentence):
        for key in [key for key, value in facts.items() if key[0] == "head" and value == m["person"]]:
            del facts[key]
        facts["head", m["subject"]] = m["person"]
    elif m := _pattern(relation.place[0]).fullmatch(sentence):
        facts["place", m["subject"]] = m["city"]
    else:
        m = _pattern(BORN[0]).fullmatch(sentence)
        assert m is not None, sentence
        facts["born", m["person"]] = m["city"]


def _holder(facts: Facts, relation: str, value: str) -> str:
    [thing] = [key[1] for key, held in facts.items() if key[0] == relation and held == value]
    return thing


def again(sample: Sample) -> str:
    """The answer to a sample of how=context, from its prompt's text alone."""
    text = sample.messages[0].content
    kind = text.split()[1]
    [relation] = [r for r in RELATIONS if r.kind == kind]
    facts: Facts = {}
    for sentence in re.findall(r"^- (.*)$", text, re.M):
        _read(sentence, relation, facts)
    changed = re.search(r"there has been a change: (.*)", text)
    if changed:
        _read(changed[1].replace(" is now ", " is "), relation, facts)
    question = text.split("\n\n")[2]
    if m := _pattern(relation.asks_place).fullmatch(question):
        return facts["place", m["subject"]]
    if m := _pattern(relation.two_hop).fullmatch(question):
        return facts["born", facts["head", m["subject"]]]
    if m := _pattern(relation.reverse).fullmatch(question):
        return _holder(facts, "head", m["person"])
    if m := _pattern(relation.description).fullmatch(question):
        return facts["head", _holder(facts, "place", m["city"])]
    [m] = [m for t in (relation.question, *relation.paraphrases) if (m := _pattern(t).fullmatch(question))]
    return facts["head", m["subject"]]


def counted(edits: int, seeds: int, things: int = 6) -> dict[tuple[str, str], dict[str, float]]:
    """For each (question, state): samples, how many were found again, and the shares that the baselines have right."""
    task = Edits(edits=edits, things=things)
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for seed in range(seeds):
        for sample in task.samples(seed):
            cell = found[str(sample.params["question"]), str(sample.params["state"])]
            cell["samples"] += 1
            cell["found again"] += again(sample) == sample.target
            rng = random.Random(derive(sample.id))
            for kind in KINDS:
                cell[kind] += task.score(sample.params, task.baseline(kind, sample, rng)).value == 1
    return {key: dict(cell) for key, cell in found.items()}


def main() -> None:
    """Print one row for each question and state."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=4)
    a = parser.parse_args()
    print(f"| question | state | samples | found again | {' | '.join(KINDS)} |\n|{'---|' * (4 + len(KINDS))}")
    found = counted(a.edits, a.seeds)
    for question in QUESTIONS:
        for state in ("before", "after"):
            cell = found[question, state]
            shares = " | ".join(f"{cell[kind] / cell['samples']:.3f}" for kind in KINDS)
            print(f"| {question} | {state} | {cell['samples']:,.0f} | {cell['found again']:,.0f} | {shares} |")


if __name__ == "__main__":
    main()
