"""Published items beside fresh ones: what a task says of them, and the task that asks both.

If a model knows published items by heart, it does better on them than on fresh ones that are as hard. A task that has
published items says which, and draws a twin of each (HasPublished); `arms` makes of it the task whose samples are both,
in the same words, read by the same reader. Knows no task and no model.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from importlib import resources
from typing import Any, ClassVar, Literal, Protocol, get_args, runtime_checkable

from harness.errors import UsageError
from harness.seeds import derive
from harness.types import Message, Outcome, Params, Sample, Sampling, Scalar, Score, StopReason, Task

Kind = Literal["questions", "texts", "likelihood", "control"]
"""What a run of twins asks: the questions of both arms; the second half of their texts; how likely that half is, of a
model that tells; or, as `questions` does, those of a task whose items are drawn for the run, so that nobody can know
them."""
KINDS = get_args(Kind)

ORIGIN = "origin"
FRESH, PUBLISHED = "fresh", "published"
"""The factor that the two arms differ in, and its levels; the first is the reference of the gap."""

OF_TEXTS = ("texts", "likelihood")
"""The kinds that show texts, and none of the task's own samples."""
PER_TOKEN = "per_token"
"""In the detail of a score of the kind `likelihood`: the mean log-probability (natural log) of a token of the rest."""

ALIKE = "alike_"
"""How the params begin that say what both arms share (HasPublished.alike)."""

ATTEMPTS = 20
"""So many draws of a twin, if the first ones were drawn before."""


@runtime_checkable
class HasPublished(Protocol):
    """A task with published items of which it can draw fresh twins."""

    published_options: ClassVar[Mapping[str, str]]
    """The options (-T) under which it has the most published items, each asked in one way."""

    def published(self, seed: int) -> Iterator[Sample]:
        """The published items as the task's samples, whole groups one after the other. They do not depend on the seed;
        only the items of a control do, which are drawn anew, so that nobody can know them."""

    def fresh_twins(self, group: Sequence[Sample], rng: random.Random) -> list[Sample] | None:
        """One sample for each of these samples of a group: the same question in the same condition about another
        problem, as hard as theirs, that is no published item, even under other names. If it can be, another answer is
        right, so that a remembered one is wrong. None if there is no such problem. The caller gives them their ids."""

    def alike(self, sample: Sample) -> Mapping[str, Scalar]:
        """What makes a problem hard, a number or a word by name: a twin shares it with its item as far as it can, and a
        table shows how far."""

    def published_text(self, sample: Sample) -> tuple[str, str] | None:
        """The text of the problem as it was published, or as that of a twin would be, in two parts: about half of it,
        by which the item can be known, and the rest, which has facts that do not follow from the first. None if its
        words are ours, or it has no such halves."""


def arms(task: Task, kind: str) -> Task:
    """The task that asks published items beside their twins; the task itself for the kind "".

    It is of a subclass of the task's class: it reads, scores and helps as that does. UsageError if the task has no
    published items.
    """
    if not kind:
        return task
    if not isinstance(task, HasPublished):
        raise UsageError(f"task {task.name} names no published items", "`harness twins --help` says which tasks do")
    asks: Any = {"texts": _Texts, "likelihood": _Likelihood}.get(kind, _Questions)
    own = {"factors": (ORIGIN, *task.factors)} if asks is _Questions else {}
    made: Task = type(type(task).__name__, (asks, type(task)), own)(**_values(task))
    return made


def _values(task: Any) -> dict[str, Any]:
    return {f.name: getattr(task, f.name) for f in fields(task)}


class _Arms:
    """Pairs of groups, made once: a run goes through its samples more than once, and a twin may take its time."""

    main: ClassVar[str] = ORIGIN

    @property
    def limit(self) -> int | None:
        """The published items have an end."""
        return None

    def _both(self: Any, seed: int) -> Iterator[tuple[list[Sample], list[Sample]]]:
        """(published, fresh) of each group that has a twin."""
        known = self.__dict__.setdefault("_known_arms", {})
        made, more = known.setdefault(seed, ([], _drawn(self, seed)))
        for index in itertools.count():
            if index == len(made):
                pair = next(more, None)
                if pair is None:
                    return
                made.append(pair)
            if made[index][1]:
                yield made[index]

    def data(self: Any) -> Mapping[str, Any]:
        """How many groups of published items were drawn, and how many of them have no twin."""
        own = dict(super().data())  # type: ignore[misc]
        made = [pair for pairs, _ in self.__dict__.get("_known_arms", {}).values() for pair in pairs]
        lost = sum(not fresh for _, fresh in made)
        if lost:
            said = f"{lost} of {len(made)} published items have no twin that is as hard: they are not asked"
            own["note"] = "; ".join(filter(None, (str(own.get("note") or ""), said)))
        return {**own, "items": len(made), "without_twin": lost}


def _drawn(task: Any, seed: int) -> Iterator[tuple[list[Sample], list[Sample]]]:
    """(published, fresh) of each group; no fresh ones if it has no twin. No two twins are the same."""
    taken: set[tuple[Message, ...]] = set()
    for name, members in itertools.groupby(task.published(seed), key=lambda sample: sample.group):
        group, found = list(members), None
        taken.update(sample.messages for sample in group)
        for attempt in range(ATTEMPTS):
            rng = random.Random(derive("twin", task.name, task.version, seed, name, attempt))
            drawn = task.fresh_twins(group, rng)
            if drawn is None:
                break
            if taken.isdisjoint(sample.messages for sample in drawn):
                found = drawn
                taken.update(sample.messages for sample in drawn)
                break
        yield group, found or []


class _Questions(_Arms):
    """Asks the question of each item and of its twin, the twin first: its arm is what the other is compared with."""

    def samples(self: Any, seed: int) -> Iterator[Sample]:
        """Both arms of each group. UsageError if no published item has a twin."""
        found = False
        for published, fresh in self._both(seed):
            found = True
            for item, twin in zip(published, fresh, strict=True):
                for origin, sample in ((FRESH, twin), (PUBLISHED, item)):
                    alike = {f"{ALIKE}{name}": value for name, value in self.alike(sample).items()}
                    yield Sample(
                        f"{item.id}/{origin}",
                        item.group,
                        f"{origin}/{item.condition}",
                        {**sample.params, **alike, ORIGIN: origin},
                        sample.messages,
                        sample.target,
                    )
        if not found:
            count = self.data()["items"]
            raise UsageError(f"task {self.name}: none of {count} published items has a twin that is as hard")


class _Texts(_Arms):
    """Shows the first part of each item's text and of its twin's, and asks for the rest."""

    factors: ClassVar[tuple[str, ...]] = (ORIGIN,)
    measures: ClassVar[Mapping[str, str]] = {}
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    varies: ClassVar[str] = ""
    slow_samples: ClassVar[bool] = False

    @property
    def epochs(self) -> int:
        """At temperature 0 one answer says it all."""
        return 1

    @property
    def sampling(self) -> Sampling:
        """The likeliest continuation."""
        return Sampling(temperature=0.0, max_tokens=1024)

    def samples(self: Any, seed: int) -> Iterator[Sample]:
        """Both arms of each text, each text once; nothing if the task has no published texts."""
        seen = set()
        for published, fresh in self._both(seed):
            for item, twin in zip(published, fresh, strict=True):
                texts = self.published_text(item), self.published_text(twin)
                if None in texts or texts[0] in seen:
                    continue
                seen.add(texts[0])
                for origin, (beginning, rest) in zip((FRESH, PUBLISHED), reversed(texts), strict=True):
                    asked = VERBATIM.format(beginning=beginning)
                    params = {ORIGIN: origin, "beginning": beginning, "rest": rest}
                    yield Sample(
                        f"{item.id}/text/{origin}", item.group, origin, params, (Message("user", asked),), rest
                    )

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """See `continued`."""
        return continued(str(params["beginning"]), str(params["rest"]), response, stop_reason)

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: the rest. Others know nothing."""
        return sample.target if kind == "oracle" else ""

    @staticmethod
    def collector() -> None:
        """None: the task's own tables are of its questions."""


class _Likelihood(_Texts):
    """Shows the first part of each text, and has the rest as the answer: asked by `loglik` with by=answer."""

    def samples(self: Any, seed: int) -> Iterator[Sample]:
        """Those of _Texts, with the rest as the assistant's message."""
        for sample in _Texts.samples(self, seed):
            yield replace(sample, messages=(*sample.messages, Message("assistant", sample.target)))

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """The mean probability of a token (geometric) by what `likelihood_told` says; its log is in the detail."""
        found = _TOLD.fullmatch(response)
        if not found or not int(found[2]):
            return Score.without_answer(Outcome.UNPARSED)
        per_token = min(0.0, float(found[1])) / int(found[2])
        value = math.exp(per_token)
        outcome = Outcome.CORRECT if value == 1 else Outcome.WRONG
        return Score(outcome, value, response, {PER_TOKEN: round(per_token, 6)})


def likelihood_told(logprob: float, tokens: int) -> str:
    """The response that says how likely a text of so many tokens is."""
    return f"log-probability {logprob:.6f} of {tokens} tokens"


_TOLD = re.compile(r"log-probability (-?[0-9]{1,9}\.[0-9]{6}) of ([0-9]{1,9}) tokens")


VERBATIM = (resources.files("harness") / "verbatim.txt").read_text(encoding="utf-8").strip()

MOST_TOKENS = 120
"""So much of the rest of a text is compared, in words and signs."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


def continued(beginning: str, rest: str, response: str, stop_reason: StopReason) -> Score:
    """Whether a response goes on as the text does: it is right if its first words and signs are all of the rest, in any
    case and spacing; what follows does not count. `overlap` in the detail is the share of the rest that it has in the
    same order (longest common subsequence). A response that repeats the beginning is read behind that."""
    wanted = _tokens(rest, MOST_TOKENS)
    start = _tokens(beginning)
    said = _tokens(response, len(start) + 2 * len(wanted))
    if start and said[: len(start)] == start:
        said = said[len(start) :]
    exact = said[: len(wanted)] == wanted
    if not exact and stop_reason == "length" and len(said) < len(wanted):
        return Score.without_answer(Outcome.TRUNCATED)
    if not said:
        return Score.without_answer(Outcome.UNPARSED, overlap=0.0)
    overlap = _common(wanted, said[: 2 * len(wanted)]) / max(1, len(wanted))
    return Score.of(exact, response.strip()[:200], overlap=round(overlap, 4))


def _tokens(text: str, most: int | None = None) -> list[str]:
    return [m[0].casefold() for m in itertools.islice(_TOKEN.finditer(text), most)]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for a in one:
        before = 0
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], before + 1 if a == b else max(row[j], row[j - 1])
    return row[-1]
