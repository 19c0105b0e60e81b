"""Controls of reversal: the same question about people of other names, with the facts in another order or layout, in
other words; and with another fact, or about another person. What there is depends on where the facts are: a model that
learnt them in training, or knows them, must be asked about the people that it knows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from harness.tasks.reversal.fictional import facts, fictional_sample
from harness.tasks.reversal.people import Person, draw, reversed_order
from harness.tasks.reversal.prompts import frames
from harness.tasks.reversal.scene import Scene, scene_of
from harness.tasks.rewording import asked_as, mixed
from harness.types import Sample

Place = Literal["prompt", "training", "world"]

PLACEBOS = {
    "prompt": {
        "names": "other names of all people",
        "order": "the facts in another order",
        "layout": "the facts in one paragraph instead of a list",
    },
    "training": {
        "words": "another wording of the question, which the training data do not have either",
        "layout": "the sentence on a line of its own",
    },
    "world": {"words": "synonyms in the question", "order": "the worked examples of the prompt in another order"},
}
CHANGES = {
    "prompt": {
        "fact": "the fact that is asked: another person, or another work",
        "asked": "the person of whom it is asked: another one in the prompt",
    },
    "training": {"asked": "the person of whom it is asked: another one of the same set"},
    "world": {"asked": "the person of whom it is asked: another one of the same set"},
}


def place_of(name: str) -> Place:
    """Where the facts of a set are."""
    return "prompt" if name == "context" else "world" if name == "celebrities" else "training"


# In the prompt ----------------------------------------------------------------------------------------------------


def scene_reworded(sample: Sample, placebo: str, rng: random.Random) -> Sample:
    """A sample of the set `context`, reworded."""
    scene = scene_of(sample)
    if placebo == "names":
        fresh = _fresh(scene, rng, len(scene.people))
        people = [Person(new.name, old.description) for new, old in zip(fresh, scene.people, strict=True)]
        return _shown(sample, scene._replace(people=people))
    if placebo == "order":
        order = mixed(rng, range(len(scene.people)))
        people = [scene.people[i] for i in order]
        return _shown(sample, scene._replace(people=people, chosen=order.index(scene.chosen)))
    text = sample.messages[-1].content
    lines = [line for line in text.split("\n") if line.startswith("- ")]
    return asked_as(sample, text.replace("\n".join(lines), " ".join(line[2:] for line in lines)))


def scene_changed(sample: Sample, change: str, rng: random.Random) -> Sample:
    """A sample of the set `context` with another answer."""
    scene = scene_of(sample)
    if change == "asked":
        others = [i for i in range(len(scene.people)) if i != scene.chosen]
        return _shown(sample, scene._replace(chosen=rng.choice(others)))
    [fresh], own = _fresh(scene, rng, 1), scene.people[scene.chosen]
    order = scene.order if sample.params["direction"] == "forward" else reversed_order(scene.order)
    other = replace(own, description=fresh.description) if order == "name_first" else replace(own, name=fresh.name)
    return _shown(sample, scene._replace(people=[other if p is own else p for p in scene.people]))


def _fresh(scene: Scene, rng: random.Random, count: int) -> list[Person]:
    """So many people who share no surname and no work with those of the scene, nor with each other."""
    names = {p.name.split()[1] for p in scene.people}
    works = {tuple(p.description.split()[-2:]) for p in scene.people}
    drawn = draw(rng, count + 2 * len(scene.people))
    free = [p for p in drawn if p.name.split()[1] not in names and tuple(p.description.split()[-2:]) not in works]
    return free[:count]


def _shown(sample: Sample, scene: Scene) -> Sample:
    return replace(scene.sample(sample.group, str(sample.params["direction"])), id=sample.id)


# In training data, or in the world --------------------------------------------------------------------------------


def fact_reworded(sample: Sample, placebo: str, count: int, paraphrases: int, rng: random.Random) -> Sample | None:
    """A question about a fact of the training data, reworded: in a wording that the run does not ask in, if there is
    one. None if the seed of the sample has no such fact."""
    params, text = sample.params, sample.messages[-1].content
    if placebo == "layout":
        start = str(params["start"])
        return asked_as(sample, text.replace(f" {start}", f"\n\n{start}"))
    own = int(str(params["wording"]))
    every = [i for i in range(len(frames("test", str(params["order"])))) if i != own]
    wording = rng.choice([i for i in every if i >= paraphrases] or every)
    for fact in facts(int(str(params["facts_seed"])), count):
        if fact.group == sample.group:
            made = fictional_sample(fact, str(params["direction"]), wording, str(params["set"]))
            return replace(made, id=sample.id)
    return None


def celebrity_reworded(sample: Sample, placebo: str, rng: random.Random) -> Sample:
    """A question about a celebrity, reworded."""
    if placebo == "order":
        first, *shots, last = sample.messages
        pairs = mixed(rng, list(zip(shots[::2], shots[1::2], strict=True)))
        return replace(sample, messages=(first, *(message for pair in pairs for message in pair), last))
    given = str(sample.params["given"])
    if sample.params["direction"] == "forward":
        return asked_as(sample, f"Who is {given}'s {sample.params['relation']}?")
    return asked_as(sample, f"Who is a son or daughter of {given}? Name one.")


_ALIKE = ("direction", "order", "trained", "relation", "wording")
"""Params that the question about another person has in common."""


def another(sample: Sample, every: Iterator[Sample], rng: random.Random) -> Sample | None:
    """The same question about another person, with another answer. None if there is none."""
    alike = [
        other
        for other in every
        if all(other.params.get(name) == sample.params.get(name) for name in _ALIKE)
        and other.target != sample.target
        and other.params["given"] != sample.params["given"]
        and sample.target not in str(other.params.get("accepted"))
    ]
    return replace(rng.choice(alike), id=sample.id, group=sample.group) if alike else None
