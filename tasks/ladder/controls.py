"""Controls of the ladder: the same question under other names, in another order, in other words; and with one fact
changed, so that its answer is another one. Params hold all but the words, which are taken from the text."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Sequence

from harness.tasks.ladder import changes, names
from harness.tasks.ladder.kinds import whole_numbers
from harness.tasks.ladder.prompts import texts
from harness.tasks.rewording import asked_as, mixed, others, replaced, said_otherwise, with_capitals
from harness.types import Param, Sample

PLACEBOS = {
    "names": "other words of the same kind for the variables, the lamps, the things",
    "order": "another order of lines and lists that carry no order; of a chain, within what the condition says",
    "words": "synonyms around the question",
}
CHANGES = {"fact": "one number or two of the world, one rule, one statement, or the fewest independences"}


def reworded(sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
    """See PLACEBOS."""
    kind, text = str(sample.params["kind"]), sample.messages[-1].content
    if placebo == "words":
        wording = f"equivalence {sample.params['wording']}" if kind == "equivalence" else kind
        return asked_as(sample, said_otherwise(text, _WORDS[wording]))
    if placebo == "names":
        return asked_as(sample, _RENAMED[kind](sample, text, rng))
    return _ORDERED[kind](sample, text, rng)


def changed(sample: Sample, rng: random.Random) -> Sample | None:
    """See CHANGES and changes.py."""
    return changes.CHANGED[str(sample.params["kind"])](sample, rng)


_WORDS = {
    "ladder": (
        ("Of every 100 who", "Out of every 100 who"),
        ("Of every 100 people who", "Among every 100 people who"),
        (" of every 100 people ", " out of every 100 people "),
        ("whether they", "regardless of whether they"),
        ("equally often, and the same holds among those who", "with the same frequency, and so it is among those who"),
        ("As things are, ", "As matters stand, "),
        ("picked at random", "chosen at random"),
    ),
    "table": (
        ("This is how many people gave each combination of answers:", "The number of people who gave each combination "
         "of answers:"),
        ("has an effect on", "influences"),
        ("both have an effect on", "both influence"),
        ("has no other effect on", "has no other influence on"),
        ("Nothing else influences more than one", "There is nothing else that influences more than one"),
        ("without any error of chance", "free of any error of chance"),
        ("As things are, ", "As matters stand, "),
    ),
    "boolean": (
        ("Each day, each of the events", "Every day, each of the events"),
        ("whatever the others do", "regardless of what the others do"),
        ("Nobody sees the events.", "The events can't be seen by anybody."),
        ("by hand, whatever its rule says", "by hand, regardless of what its rule says"),
        ("and all other rules had held", "and all the other rules had been in force"),
        ("all other rules hold", "all the other rules are in force"),
    ),
    "chain": (
        (" causes ", " brings about "),
        ("what causes what", "what brings about what"),
        ("directly or through other things", "directly or by way of other things"),
    ),
    "equivalence plain": (
        ("nothing outside it has an effect on", "nothing outside it influences"),
        ("these are all the statistical relations among them:", "the following are all the statistical relations among "
         "them:"),
        ("There is no other independence", "No other independence exists"),
        ("Does it follow for certain that", "Does it certainly follow that"),
    ),
    "equivalence paraphrase": (
        ("and effects never run in a circle", "and effects are never circular"),
        ("An enormous sample shows exactly this:", "A huge sample shows exactly the following:"),
        ("No further pair is unrelated, under whatever", "No other pair is unrelated, under any"),
        ("Must it be true that", "Is it necessarily true that"),
    ),
}  # fmt: skip
"""Pairs are replaced one after the other."""

# Names ------------------------------------------------------------------------------------------------------------


def symbols_of(sample: Sample) -> Sequence[str]:
    """The names that a level of the factor names draws from."""
    return names.LETTERS if sample.params["names"] == "letters" else names.NONSENSE


def _population_named(sample: Sample, text: str, rng: random.Random) -> str:
    """Kinds `ladder` and `table`: other nonsense, other letters, or another story of the same kind."""
    level = sample.params["names"]
    if level in ("nonsense", "letters"):
        shape = re.escape(texts("stories")["letters"]).replace(r"\{name\}", r"(\w)") if level == "letters" else ""
        used = (
            re.findall(shape, text) if shape else [word for word in names.NONSENSE if re.search(rf"\b{word}\b", text)]
        )
        words = others(rng, used, symbols_of(sample))
        if level == "letters":
            words = {f"trait {old}": f"trait {new}" for old, new in words.items()}
        return replaced(text, words)
    stories = texts("stories")
    for effect in ("raises", "lowers"):
        for story in stories[effect]:
            if all(phrase in text for phrase in story.values()):
                other = rng.choice([s for s in stories[effect] if not set(s.values()) & set(story.values())])
                return replaced(text, {story[variable]: other[variable] for variable in story})
    raise ValueError("no story was found in the text")


def _lamps_named(sample: Sample, text: str, rng: random.Random) -> str:
    lamps, events = changes.lamps_and_events(text)
    letters = sample.params["names"] == "letters"
    used = [*(lamp.split()[1] for lamp in lamps), *(event[6:] for event in events)]
    words = others(rng, used, symbols_of(sample))
    if not letters:
        return replaced(text, words)
    m = re.search(r"(?<=each of the events ).*(?= may or may not)", text)
    assert m is not None
    shown = {f"{noun} {old}": f"{noun} {new}" for old, new in words.items() for noun in ("lamp", "event")}
    head, tail = replaced(text[: m.start()], with_capitals(shown)), replaced(text[m.end() :], with_capitals(shown))
    return head + replaced(m[0], words) + tail


def _things_named(sample: Sample, text: str, rng: random.Random) -> str:
    """Of known things each chain becomes another known chain, at the same places."""
    level = sample.params["names"]
    if level in ("nonsense", "letters"):
        used = re.findall(r"\b[Ee]vent (\w)\b", text) if level == "letters" else [
            word for word in names.NONSENSE if re.search(rf"\b{word}\b", text, re.I)
        ]  # fmt: skip
        words = others(rng, used, symbols_of(sample))
        if level == "letters":
            words = {f"event {old}": f"event {new}" for old, new in words.items()}
        return replaced(text, with_capitals(words))
    known = texts("chains")["chains"]
    used = [chain for chain in known if any(re.search(rf"\b{re.escape(thing)}\b", text, re.I) for thing in chain)]
    free = rng.sample([chain for chain in known if chain not in used], len(used))
    words = {a: b for old, new in zip(used, free, strict=True) for a, b in zip(old, new, strict=True)}
    return replaced(text, with_capitals(words))


def _variables_named(sample: Sample, text: str, rng: random.Random) -> str:
    """Letters change places, as the level has no others; nonsense words are other ones."""
    used = changes.variables(text)
    if sample.params["names"] == "nonsense":
        return replaced(text, with_capitals(others(rng, used, names.NONSENSE)))
    return replaced(text, dict(zip(used, mixed(rng, used), strict=True)))


_RENAMED: dict[str, Callable[[Sample, str, random.Random], str]] = {
    "ladder": _population_named, "table": _population_named, "boolean": _lamps_named, "chain": _things_named,
    "equivalence": _variables_named,
}  # fmt: skip

# Order ------------------------------------------------------------------------------------------------------------


def _kinds_ordered(sample: Sample, text: str, rng: random.Random) -> Sample:
    """The four kinds of people, alike for both values of Z."""
    lines = re.findall(r"^- .*[,.]$", text, re.M)
    order = mixed(rng, range(4))
    found = [lines[4 * block + place].rstrip(",.") for block in (0, 1) for place in order]
    ends = [line[-1] for line in lines]
    shown = [line + end for line, end in zip(found, ends, strict=True)]
    before = text.index(lines[0])
    parts = text[before:]
    for i, line in enumerate(lines):
        parts = parts.replace(line, f"\0{i}\0", 1)
    return asked_as(sample, text[:before] + re.sub(r"\0(\d)\0", lambda m: shown[int(m[1])], parts))


def _rows_ordered(sample: Sample, text: str, rng: random.Random) -> Sample:
    """The rows of the table."""
    rows = re.findall(r"^(?:(?:yes|no) \| ){3}\d+$", text, re.M)
    order = mixed(rng, rows)
    counts = [int(row.rpartition(" ")[2]) for row in order]
    params = {**sample.params, "first_two": counts[1] > counts[0]}
    return asked_as(sample, text.replace("\n".join(rows), "\n".join(order)), params)


def _lines_ordered(sample: Sample, text: str, rng: random.Random) -> Sample:
    """The lines of the list; of lamps, the events too."""
    lines = re.findall(r"^- .*$", text, re.M)
    if len(lines) > 1:
        text = text.replace("\n".join(lines), "\n".join(mixed(rng, lines)))
    if sample.params["kind"] == "boolean":
        _, events = changes.lamps_and_events(text)
        shown = [event[6:] for event in events]
        text = text.replace(f"the events {listed(shown)} may", f"the events {listed(mixed(rng, shown))} may")
    return asked_as(sample, text)


def listed(words: list[str]) -> str:
    """`a, b and c`."""
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _statements_ordered(sample: Sample, text: str, rng: random.Random) -> Sample:
    """Shuffled statements in another order; else the two chains' are woven in another way, each as it is ordered."""
    flat = whole_numbers(sample.params, "links")
    links = list(zip(flat[::2], flat[1::2], strict=True))
    lines = re.findall(r"^- .*$", text, re.M)
    told = list(zip(links, lines, strict=True))
    if sample.params["order"] == "shuffled":
        shown = mixed(rng, told)
    else:
        length = int(str(sample.params["length"]))
        turns = mixed(rng, [link[0] >= length for link in links])
        rows = {second: iter([t for t in told if (t[0][0] >= length) == second]) for second in (False, True)}
        shown = [next(rows[turn]) for turn in turns]
    params: dict[str, Param] = {
        **sample.params,
        "links": tuple(itertools.chain.from_iterable(link for link, _ in shown)),
    }
    return asked_as(sample, text.replace("\n".join(lines), "\n".join(line for _, line in shown)), params)


_ORDERED: dict[str, Callable[[Sample, str, random.Random], Sample]] = {
    "ladder": _kinds_ordered, "table": _rows_ordered, "boolean": _lines_ordered, "chain": _statements_ordered,
    "equivalence": _lines_ordered,
}  # fmt: skip
