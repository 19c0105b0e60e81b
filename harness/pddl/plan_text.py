"""Reading a plan out of free text: the last complete plan that a response commits to, or why it has no plan.

Parsing only: text and a lexicon in, steps or a reason out. The validator decides whether the plan works. Nothing is
dropped silently: a listed item that starts like a step and can't be read makes the whole plan unreadable.

    plan_json.py      JSON, tags and lists of Python become numbered lines
    plan_lines.py     lines, their markers and numbers
    plan_steps.py     one item as actions
    plan_lists.py     items and lists
    plan_corrections.py  corrections by number
    plan_segments.py  items as lists under headings, with what takes them back or corrects them
    plan_words.py     patterns for headings, retractions and corrections
    plan_text.py      which of the lists is the plan
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.pddl import plan_words as words
from harness.pddl.lexicon import Fits, Lexicon, Step
from harness.pddl.plan_corrections import apply
from harness.pddl.plan_json import CLOSE, OPEN, plain_lists
from harness.pddl.plan_lines import LONGEST_LINE, item, plain
from harness.pddl.plan_lists import Segment
from harness.pddl.plan_segments import Reader
from harness.pddl.plan_steps import read_item
from harness.reading.envelope import clean, cuts

__all__ = ["Fits", "PlanText", "Step", "read"]

MOST_LISTS = 300
LONGEST = 200_000
"""Characters of a response that are read: those at its end, far more than any plan has."""


@dataclass(frozen=True)
class PlanText:
    """The steps that a text offers; if it offers none, `reason` says why.

    `final`: text behind the plan shows that it is complete, so that more text would not make it longer.
    """

    steps: tuple[Step, ...]
    reason: str = ""
    final: bool = False


_BLANK_LINES = re.compile(r"\n{3,}")
_BEGUN = re.compile(
    r"\n[ \t]{0,9}[-*•]{0,3}[ \t]{0,3}(?:step ?)?(?:\d{1,4}[.):]{0,2})?"
    r"[ \t]{0,3}(?:\([^)\n]{0,200})?\Z",
    re.I,
)
"""The number or the first words of a step at the end of a text: the list was cut off and goes on."""
_RECEIVER = re.compile(
    r"^[ \t]{0,16}(?:await )?(?!plan|steps|actions)[a-z_]\w{0,20}\.(?!append|add|push)(?=[a-z]\w{1,40}\()", re.I | re.M
)
"""The object on which a method is called: "robot." in "robot.pick_up(...)"."""
_MARKERS = re.compile(
    r"\[(?:(?P<end>PLAN[ _]END|END[ _](?:OF[ _])?PLAN|/PLAN|END)|(?P<start>PLAN|FINAL[ _]PLAN|BEGIN[ _]PLAN))\]:?", re.I
)
_PROMPT = re.compile(
    r"^[ \t]*(?:These are the actions that can be taken|Here is a planning domain|At the start it is true|"
    r"At the start exactly these facts are true|As initial conditions)",
    re.I | re.M,
)
_DEFINED = re.compile(
    r"(?:^|[,;(]|\b(?:[Ll]et|and|with|where|call|use)\b)[ \t]{0,8}(?:[-*•] ?)?"
    r"(?:([A-Za-z][A-Za-z]?\d{0,2})[ \t]?(?:=|:=|≡)"
    r"|([A-Z][A-Za-z]?\d{0,2})(?:[ \t]?:| (?:is|be|for|denotes?|stands? for|means|represents?) ))[ \t]?(?:the )?",
    re.M,
)
_CALLED_AT_ALL = re.compile(r"(?:[(=→>:]|\b(?:as|called|named|abbreviated)) ?\(?[A-Z][A-Za-z]?\d{0,2}(?![\w-])")
_CALLED = re.compile(
    r"[ \t]?(?:\(|=|→|->|:|as|called|named|abbreviated(?: as)?)[ \t]?\(?([A-Z][A-Za-z]?\d{0,2})(?![\w-])"
)


def read(
    text: str, lexicon: Lexicon, fits: Fits = lambda step: True, declines: Callable[[str], bool] = lambda part: False
) -> PlanText:
    """The last complete plan that the response offers.

    `declines` says whether a text answers that there is no plan: then the text behind it is not read.

    `fits` says whether a step's objects are of the right kinds ("" stands for any object): it decides if the words
    allow several actions or orders of objects. In the steps, "" stands for an object that was left out.
    """
    found = PlanText((), "no steps were found")
    whole = _BLANK_LINES.sub("\n\n", clean(text)).rstrip()
    for part, is_all in cuts(whole, _PROMPT):
        found = _read(part, lexicon, fits)
        if found.steps:
            if is_all:
                return replace(found, final=False) if _BEGUN.search(whole[-300:]) else found
            if not _goes_on(whole[len(part) :], lexicon, fits):
                return PlanText(found.steps, found.reason, True)
            continue
        if not is_all and (found.reason != "no steps were found" or declines(part)):
            return found
    return found


def _goes_on(rest: str, lexicon: Lexicon, fits: Fits) -> bool:
    """Whether what looks like another question is the next step of the plan: "Task 2: put down ..."."""
    line = item(plain(rest.lstrip("\n").partition("\n")[0][:LONGEST_LINE]))
    return line.number > 1 and bool(read_item(line.text, lexicon, fits).steps)


def _read(text: str, lexicon: Lexicon, fits: Fits) -> PlanText:
    if len(text) > LONGEST:
        text = text[-LONGEST:].partition("\n")[2] or text[-LONGEST:]
    if "[" in text:
        text = _MARKERS.sub(lambda m: f"\n{CLOSE if m['end'] else OPEN}\n", text)
    if "." in text:
        text = _RECEIVER.sub("", text)
    text = _own_names(text, lexicon)
    reader = Reader(lexicon, fits)
    reader.read(plain(plain_lists(text, lexicon)))
    return _decided(reader)


def _own_names(text: str, lexicon: Lexicon) -> str:
    """The text with names that the writer defines ("Let R = the red block") replaced by the prompt's words."""
    names: dict[str, str] = {}
    head = text[:4_000]
    low = head.lower()
    for m in _DEFINED.finditer(head):
        said = lexicon.named(low[m.end() : m.end() + 40])
        if said and said[0].start == 0:
            names.setdefault(m.group(1) or m.group(2), lexicon.phrase(said[0].name))
    for one in lexicon.named(low) if _CALLED_AT_ALL.search(head) else ():
        called = _CALLED.match(head, one.end)
        if called and (head[called.end() : called.end() + 1] != ")" or "(" in called.group()):
            phrase = lexicon.phrase(one.name)
            if phrase != one.name:
                names.setdefault(called.group(1), phrase)
    names = {
        own: phrase
        for own, phrase in names.items()
        if own.lower() != phrase and lexicon.name(own) != lexicon.name(phrase)
    }
    if not names:
        return text
    own = re.compile(rf"(?<![\w'-])(?:{'|'.join(map(re.escape, names))})(?![\w'-])")
    return own.sub(lambda m: names[m.group()], text)


# Which list is the plan ----------------------------------------------------------------------------------------------


def _decided(reader: Reader) -> PlanText:
    segments = [s for s in reader.segments if s.items]
    if len(segments) > MOST_LISTS or len(reader.corrections) > MOST_LISTS:
        return PlanText((), "more lists than can be told apart")
    for segment in segments:
        _settle(segment, reader.lexicon)
    offers = [s for s in segments if s.steps or any(i.problem for i in s.items)]
    if not any(s.steps for s in offers):
        problem = next((p for s in offers if (p := _problem(s))), "")
        return PlanText((), f"a step that can't be read: {problem!r}" if problem else "no steps were found")
    told = ("check", "state", "outline", "draft")
    offers = [s for s in offers if s.steps or (s.kind not in told and (s is offers[-1] or s.kind == "phase"))]
    taken_back_at = reader.retracted_at
    index = {id(s): i for i, s in enumerate(reader.segments, 1)}
    lists = [s for s in offers if s.is_list]
    if any(len(s.steps) for s in lists):
        first = next(i for i, s in enumerate(offers) if s.is_list and s.steps)
        offers = [s for i, s in enumerate(offers) if s.is_list or (i > first and s.replaces)]
    marked = [s for s in offers if s.marked and s.steps]
    if marked:
        offers = [
            marked[-1],
            *(s for s in offers[offers.index(marked[-1]) + 1 :] if s.replaces or s.kind in ("final",)),
        ]
    kept: list[Segment] = []
    alternatives = False
    for segment in offers:
        _correct(reader, kept, index, before=index[id(segment)])
        if segment.replaces and kept:
            _replace(kept, segment, index)
            continue
        if not kept:
            kept = [segment]
            continue
        before = [step for s in kept for step in s.steps]
        if segment.steps == before or any(segment.steps == s.steps for s in kept if len(s.steps) > 1):
            kept[-1].closed = kept[-1].closed or kept[-1].broken
            if segment.kind != "check" and segment.steps == before and not _problem(segment):
                kept = [segment]
            continue
        if segment.kind == "check":
            continue
        if (
            (kept[-1].kind == "check" and len(kept) == 1)
            or segment.kind == "attempt"
            or kept[-1].kind in ("attempt", "draft", "outline", "state")
        ):
            kept = [segment]
        elif segment.kind == "option":
            alternatives = alternatives or kept[-1].kind == "option" or "step" not in segment.label
            kept.append(segment)
        elif segment.kind in ("final", "plan"):
            again = segment.steps[:1] == kept[0].steps[:1] and before[: len(segment.steps)] != segment.steps
            if len(segment.steps) * 2 >= len(before) or segment.marked or again:
                kept, alternatives = [segment], False
            else:
                kept.append(segment)
        elif segment.kind != "phase" and segment.steps[:1] == kept[0].steps[:1]:
            if before[: len(segment.steps)] != segment.steps:
                kept = [segment]
        elif segment.kind in ("draft", "outline", "state"):
            continue
        else:
            kept.append(segment)
    _correct(reader, kept, index, before=len(reader.segments) + 1)
    if not kept:
        return PlanText((), "no steps were found")
    if alternatives and len(kept) > 1:
        chosen = _chosen(kept, reader.decision)
        if chosen is None:
            return PlanText((), "several plans and no decision between them")
        kept = [chosen]
    if any(c is None for at, c in reader.corrections if at >= index[id(kept[-1])]):
        return PlanText((), "a correction that can't be read")
    if taken_back_at >= index[id(kept[-1])]:
        return PlanText((), "the plan is taken back")
    problem = next((p for s in kept if (p := _problem(s))), "")
    if problem:
        return PlanText((), f"a step that can't be read: {problem!r}")
    steps = tuple(step for s in kept for step in s.steps)
    last = kept[-1]
    return PlanText(steps, "", last.closed or (last.broken and not reader.marked))


def _settle(segment: Segment, lexicon: Lexicon) -> None:
    """Removes announcements of the next step. Items that name no action become problems unless they are remarks."""
    items = segment.items
    for announcing, following in itertools.pairwise(items):
        last = announcing.steps[-1:]
        if (
            len(announcing.steps) > 1 and last == following.steps[:1] and len(set(last[0])) == len(last[0])
        ):  # no "x to x"
            announcing.steps = announcing.steps[:-1]
    with_steps = [i for i, entry in enumerate(items) if entry.steps]
    if not with_steps:
        return
    for i, entry in enumerate(items):
        if entry.steps or entry.problem or not entry.text:
            continue
        if words.REPEAT.search(entry.text) and not words.REMARK.match(entry.text):
            entry.problem = "it repeats others"
        elif words.REMARK.match(entry.text) or words.ASIDE.match(entry.text) or _states(entry.text, lexicon):
            continue
        elif lexicon.mentions(entry.text) or with_steps[0] < i < with_steps[-1]:
            entry.problem = "it names no action"
    if segment.form in ("bare", "prose") and not all(i.steps for i in items):
        keep = [i for i in items if i.steps or (i.problem and lexicon.mentions(i.text))]
        segment.items = keep


def _states(text: str, lexicon: Lexicon) -> bool:
    """Whether a text says something of an object: "the red block is ..."."""
    named = lexicon.named(text[:60], 1)
    return (
        bool(named)
        and text[: named[0].start] in ("", "the ", "now the ", "a ")
        and bool(_SAYS.match(text, named[0].end))
    )


_SAYS = re.compile(r" (?:block |one )?(?!and\b|or\b|to\b|on\b|onto\b|from\b|into\b|in\b|at\b|with\b)[a-z]{2,}")


def _problem(segment: Segment) -> str:
    return next((entry.text[:80] for entry in segment.items if entry.problem), "")


def _replace(kept: list[Segment], segment: Segment, index: dict[int, int]) -> None:
    """Puts a list in the place of the doubted list before it, from the first number of the new list on."""
    numbers = [i.number for i in segment.items if i.number]
    last = kept[-1]
    if numbers and 1 < numbers[0] <= last.last_number + 1:
        end = max(numbers)  # "Correction: 3. ..." leaves the steps behind it as they are
        last.items = (
            [i for i in last.items if i.number < numbers[0]] + segment.items + [i for i in last.items if i.number > end]
        )
        last.closed, last.broken = segment.closed, segment.broken
        index[id(last)] = index[id(segment)]
    elif not numbers and not segment.is_list and len(segment.steps) < len(last.steps) and not segment.kind:
        last.items = [*last.items[:-1], *segment.items]
        last.closed, last.broken = segment.closed, segment.broken
        index[id(last)] = index[id(segment)]
    else:
        kept[:] = [segment]


def _correct(reader: Reader, kept: list[Segment], index: dict[int, int], before: int) -> None:
    """Makes the corrections by number that stand behind the lists kept so far, and before segment number `before`."""
    if not kept:
        return
    waiting = [c for c in reader.corrections if c[1] is not None and index[id(kept[-1])] <= c[0] < before]
    for entry in waiting:
        reader.corrections.remove(entry)
        made = entry[1]
        assert made is not None
        if not apply(kept[-1].items, made):
            reader.corrections.append((entry[0], None))


_ORDER = {w: i for i, w in enumerate(["first", "second", "third"])} | {
    "one": 0,
    "two": 1,
    "three": 2,
    "former": 0,
    "latter": 1,
    "last": -1,
}


def _chosen(options: list[Segment], decision: str) -> Segment | None:
    """The list for which the writer decides; None if the decision is missing or names none of them."""
    if not decision:
        return None
    named = [
        s
        for s in options
        if re.search(rf"\b(?:plan|option|alternative|solution|variant|approach|way) #?{decision}\b", s.label)
    ]
    if len(named) == 1:
        return named[0]
    place = _ORDER.get(
        decision, int(decision) - 1 if decision.isdecimal() else ord(decision) - ord("a") if len(decision) == 1 else 99
    )
    return options[place] if -len(options) <= place < len(options) else None
