"""What an edited model answers to the questions of a request: generated, with a verifier, and by probability."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.lab.editing.requests import Query, Request, answered
from harness.lab.editing.running import greedy, likelihoods
from harness.lab.models import LabModel
from harness.lab.subjects import same_length
from harness.statistics.intervals import Clusters, Estimate
from harness.types import Params, Score, StopReason

Verifier = Callable[[Params, str, StopReason], Score]
BATCH = 64
SUMMED = ("reliability", "generality", "locality")
"""What S is the harmonic mean of (Meng et al. 2022, section 3.3)."""


@dataclass(frozen=True)
class Answered:
    """One question of one request. `right` by the verifier, of the generated text (of a plain text that goes on: if the
    answer stands at its beginning); `likelier` if the right answer has a
    larger probability (mean over its tokens) than the wrong one: the one from the other side of the edit, or, if an
    edit should not change the answer, the new answer of the edit."""

    request: str
    query: Query
    text: str
    right: bool
    likelier: bool


def ask(
    lab: LabModel, asked: Sequence[tuple[Request, Query]], after: bool, score: Verifier, most: int
) -> list[Answered]:
    """Each question, judged by the facts before or after the edit; answers of at most `most` tokens."""
    prompts = [lab.tokens(query.rendered(lab))[0] for _, query in asked]
    texts: dict[int, tuple[str, bool]] = {}
    for some in same_length(prompts):
        for i in range(0, len(some), BATCH):
            part = some[i : i + BATCH]
            texts |= zip(part, greedy(lab, [prompts[j] for j in part], most), strict=True)
    wanted = [(q, q.after if after else q.before) for _, q in asked]
    chances = _chances(lab, wanted + [(q, _other(r, q, after)) for r, q in asked])
    right, wrong = chances[: len(asked)], chances[len(asked) :]
    found = []
    for i, (request, query) in enumerate(asked):
        text, ended = texts[i]
        if request.plain:
            said = begins(text, wanted[i][1])
        else:
            said = score(query.params(after), text, "stop" if ended else "length").value == 1
        found.append(Answered(request.id, query, text, said, right[i] > wrong[i]))
    return found


def begins(text: str, answer: str) -> bool:
    """Whether a text goes on with an answer, in any case. What comes behind it does not matter: "Paris, France"."""
    said, wanted = (" ".join(t.split()).casefold() for t in (text, answer))
    return said.startswith(wanted) and not said[len(wanted) :][:1].isalnum()


def _other(request: Request, query: Query, after: bool) -> str:
    if query.before != query.after:
        return query.before if after else query.after
    return request.new if query.before != request.new else request.old


def _chances(lab: LabModel, wanted: Sequence[tuple[Query, str]]) -> list[float]:
    """exp of the mean log-likelihood of the answer's tokens, in the form that the question asks for."""
    pairs = [answered(lab, query, answer) for query, answer in wanted]
    found: dict[int, float] = {}
    # Of one length of the prompt and one of the answer.
    for some in same_length([(0,) * (1000 * len(a) + len(p)) for p, a in pairs]):
        for i in range(0, len(some), BATCH):
            part = some[i : i + BATCH]
            values = likelihoods(lab, [pairs[j][0] for j in part], [pairs[j][1] for j in part])
            found |= zip(part, values, strict=True)
    return [found[i] for i in range(len(pairs))]


def share(answers: Iterable[Answered], name: str, generated: bool = True) -> Estimate | None:
    """The share of right answers to the questions whose name begins so, with a cluster-robust Wilson interval over
    requests; None without one."""
    cells = Clusters()
    for one in answers:
        if one.query.question.startswith(name):
            cells.add(one.request, float(one.right if generated else one.likelier))
    return cells.accuracy()


def harmonic(answers: Sequence[Answered], generated: bool = True) -> float | None:
    """S: the harmonic mean of reliability, generality and locality; None if one of them was not asked."""
    found = [share(answers, name, generated) for name in SUMMED]
    values = [e.value for e in found if e is not None]
    return statistics.harmonic_mean(values) if len(values) == len(SUMMED) else None
