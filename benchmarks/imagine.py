"""Acceptance numbers of the task imagine: each answer is found again from the text of its prompt, by another way.

    python benchmarks/imagine.py [--problems 10000]

Prints a Markdown table. The other way reads nothing but the prompt: its sentences are recognised by their patterns, in
every way that there is; what stands behind "Imagine that" takes the place of the one sentence that it can replace; and
the answer is found from the question back to what is stated, in fractions.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from harness.seeds import derive
from harness.tasks.imagine.problems import FACTS
from harness.tasks.imagine.stories import PEOPLE, SIZES, Fact, Part, Story, stories, walk
from harness.tasks.imagine.task import Imagine
from harness.tasks.imagine.trees import backwards
from harness.types import Sample

KINDS = ("oracle", "shallow", "random", "last_number", "two_numbers")


class Read(NamedTuple):
    """What has been understood of a text: its parts, the facts told (the idle one too), the number of each quantity,
    and who is who."""

    parts: tuple[Part, ...] = ()
    facts: tuple[Fact, ...] = ()
    stated: Mapping[str, int] = {}
    people: Mapping[str, str] = {}


def again(sample: Sample) -> str:
    """The answer to a sample, from its prompt's text alone. ValueError if it can be understood in no way, or in two."""
    _, told, *rest = sample.messages[0].content.split("\n\n")
    *sentences, question = re.split(r"(?<=[.?]) ", told)
    answers = {
        _answer(story, read, question, rest) for story in stories() for read in _read(story, tuple(sentences), Read())
    }
    [answer] = answers - {""}
    return answer


def _read(story: Story, sentences: tuple[str, ...], read: Read) -> Iterator[Read]:
    """All ways to understand sentences as a walk that goes on from what has been read."""
    if not sentences:
        yield read
        return
    for fact in story.idle:
        known = _matched(fact, sentences[0], read)
        if known is not None and not set(story.idle) & set(read.facts):
            yield from _read(story, sentences[1:], known)
    state = read.parts[-1].end if read.parts else ""
    for part in story.parts:
        if part.start == state and part not in read.parts and len(part.facts) <= len(sentences):
            known = read._replace(parts=(*read.parts, part))
            for fact, sentence in zip(part.facts, sentences, strict=False):
                known = known and _matched(fact, sentence, known)
            if known is not None:
                yield from _read(story, sentences[len(part.facts) :], known)


def _matched(fact: Fact, sentence: str, read: Read) -> Read | None:
    """What is known after the sentence, if it states the fact about the same people; else None."""
    found = _pattern(fact.text).fullmatch(sentence.removesuffix("."))
    if found is None:
        return None
    named = found.groupdict()
    number = named.pop(fact.quantity, "")
    people = {**read.people, **named}
    if any(people[who] != name for who, name in read.people.items()) or len(set(people.values())) < len(people):
        return None
    stated = {**read.stated, fact.quantity: int(number)} if fact.quantity else read.stated
    return Read(read.parts, (*read.facts, fact), stated, people)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """What a sentence of the file matches, with any people and numbers; its first letter may be a capital."""
    pieces = re.split(r"\{(\w+)\}", text)
    seen: set[str] = set()
    pattern = ""
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            pattern += re.escape(piece) if i or not piece else f"(?i:{re.escape(piece[0])}){re.escape(piece[1:])}"
        elif piece in seen:
            pattern += f"(?P={piece})"
        else:
            seen.add(piece)
            pattern += f"(?P<{piece}>" + (r"[A-Z]\w+)" if piece in PEOPLE else r"\d+)")
    return re.compile(pattern)


def _answer(story: Story, read: Read, question: str, rest: list[str]) -> str:
    """The answer to the question after a revision, if there is one; "" if the story does not ask it there."""
    for revision in rest:
        imagined = re.fullmatch(REVISION, revision)
        if imagined is None:
            raise ValueError(f"not understood: {revision}")
        [read] = [known for fact in read.facts if (known := _matched(fact, imagined[1], read)) is not None]
    ends = [p for p in story.parts if not p.facts and p.start == read.parts[-1].end]
    for parts in (read.parts, *((*read.parts, end) for end in ends)):
        structure = walk(story, parts)
        asked = _pattern(structure.question).fullmatch(question)
        if asked and asked.groupdict().items() <= read.people.items():
            found = backwards(structure.steps, read.stated, structure.steps[-1].name)
            return str(found.numerator) if found.denominator == 1 else str(found)
    return ""


REVISION = (
    r"Imagine that (.*), and that everything else in the text stays as it is\. "
    r"What is the answer to the question then\?"
)


def row(fact: str, size: str, problems: int, seed: int = 0) -> Counter[str]:
    """Counts over the samples of a condition: found again, an answer that stands in the text, the same answer as in the
    plain world, and what baselines get right."""
    task = Imagine(fact=(fact,), size=(size,))
    found: Counter[str] = Counter()
    for sample in itertools.islice(task.samples(seed), problems):
        found["samples"] += 1
        found["found again"] += again(sample) == sample.target
        found["in the text"] += bool(re.search(rf"\b{sample.target}\b", sample.messages[0].content))
        found["as plain"] += sample.target == sample.params["plain_answer"]
        rng = random.Random(derive(sample.id))
        for kind in KINDS:
            found[kind] += task.score(sample.params, task.baseline(kind, sample, rng)).value == 1
    return found


def speed(samples: int) -> tuple[float, float, float]:
    """Samples a second of the time of this process: generated; scored, answered as asked; scored, answered in a
    sentence and in bold."""
    task = Imagine()
    begun = time.process_time()
    made = list(itertools.islice(task.samples(0), samples))
    rates = [samples / (time.process_time() - begun)]
    for form in ("Answer: {0}", "There are {0} of them.\n\n**Answer: {0}**"):
        begun = time.process_time()
        for sample in made:
            task.score(sample.params, form.format(sample.target))
        rates.append(samples / (time.process_time() - begun))
    return rates[0], rates[1], rates[2]


def main() -> None:
    """Print one row for each condition."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=10_000)
    a = parser.parse_args()
    print("| condition | samples | found again | answer in the text | answer of the plain world | "
          + " | ".join(KINDS) + " |\n|---|---|---|---|---|" + "---|" * len(KINDS))  # fmt: skip
    for fact, size in itertools.product(FACTS, SIZES):
        n = row(fact, size, a.problems)
        rates = " | ".join(f"{n[kind] / n['samples']:.3f}" for kind in KINDS)
        print(f"| {fact}/{size} | {n['samples']:,} | {n['found again']:,} | {n['in the text']} | {n['as plain']:,} | "
              f"{rates} |", flush=True)  # fmt: skip
    task = Imagine(size=("small",), fact=("plain",))
    structures = {s.params["structure"] for s in itertools.islice(task.samples(0), a.problems)}
    generated, asked, prose = speed(min(a.problems, 8_000))
    print(f"\n{len(structures):,} structures. A second: {generated:,.0f} samples generated, {asked:,.0f} scored as "
          f"asked, {prose:,.0f} scored in a sentence and in bold")  # fmt: skip


if __name__ == "__main__":
    main()
