"""Knowledge editing: one fact of a fictional world is changed. What should follow has changed, and nothing else.

For example, "The captain of the ship Amber Heron is now Bruno Ellerbane." Who is the captain of the Amber Heron
(reliability)? By whom is it commanded (generality)? Who is the captain of the Royal Fox (locality)? In which city was
the captain of the Amber Heron born (portability)? The targets are names.

After the conditions on an edit of Yao et al. 2023 (arXiv 2305.13172) and Meng et al. 2022 (arXiv 2202.05262). See
README.md. Reads top to bottom: the options, the samples of a case, the score, the baselines.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from harness.options import check_effect, option, settle
from harness.tasks.edits import controls, scoring
from harness.tasks.edits.cases import MOST, VERSION, Case, cases, held_out
from harness.tasks.edits.prompts import PARAPHRASES, RELATIONS, text
from harness.tasks.edits.questions import QUESTIONS, asked, facts, metric, statement
from harness.tasks.edits.table import METRICS, Metrics
from harness.types import Collector, Example, Message, Params, Sample, Sampling, Score, StopReason, Task

STATES = ("before", "after")
How = Literal["context", "model"]


@dataclass(frozen=True)
class Edits(Task):
    """A fact is edited, in the prompt or in the model: what changes, and what stays?"""

    how: How = option("context", "where the edit is: context (stated in the prompt) or model (nothing is stated)")
    edits: int = option(100, f"facts that are edited, 1 to {MOST}", between=(1, MOST))
    things: int = option(6, "things in the circle of each edit, 3 to 10", between=(3, 10))
    state: tuple[str, ...] = option(STATES, "before, after: by which facts an answer is right", choices=STATES)
    question: tuple[str, ...] = option(
        QUESTIONS, f"one or more of {', '.join(QUESTIONS)}, locality, portability, all",
        choices=QUESTIONS,
        aliases={"all": QUESTIONS, **{m: tuple(q for q in QUESTIONS if metric(q) == m) for m in METRICS[2:]}},
    )  # fmt: skip
    paraphrases: int = option(1, f"wordings of the question generality, 1 to {PARAPHRASES}", between=(1, PARAPHRASES))

    name: ClassVar[str] = "edits"
    version: ClassVar[str] = VERSION
    factors: ClassVar[tuple[str, ...]] = ("question", "state")
    main: ClassVar[str] = "state"
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "question": ("all",),
        # With how=context the edit is one more sentence, so the facts above it stand earlier in the prompt.
        "state": ("length", "words", "answer position"),
        "placebo words": ("length", "words"),
        "placebo layout": ("length", "words"),
    }
    sampling = Sampling(temperature=0.0, max_tokens=512)

    def __post_init__(self) -> None:
        settle(self, "task edits")
        check_effect(self, "task edits", {"paraphrases": ("generality",)}, by="question")

    def samples(self, seed: int) -> Iterator[Sample]:
        """A group for each edit: every question, by the facts before and after it."""
        for index, case in enumerate(cases(seed, self.edits, self.things)):
            for question in self.question:
                for extra in range(self.paraphrases if question == "generality" else 1):
                    for state in self.state:
                        yield _sample(case, question, state, self.how, first_wording(index) + extra, extra)

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """See scoring.py. Raises DataError if params are not those of a sample."""
        return scoring.scored(params, response, stop_reason)

    @staticmethod
    def collector() -> Collector:
        """Reliability, generality, locality and portability, before and after the edit."""
        return Metrics()

    baselines: ClassVar[Mapping[str, str]] = {
        "overwriting": "the person of the edit to every question about a person, else the answer from before it"
    }

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: the answer. shallow: the answer before the edit, as if there were none. random: any name of the case
        that could be an answer. overwriting: the person of the edit to every question about a person, whatever the
        thing; else as shallow."""
        answer = sample.target
        if kind == "shallow":
            answer = str(sample.params["before"])
        elif kind == "random":
            answer = rng.choice(scoring.candidates(sample.params))
        elif kind == "overwriting":
            person = str(sample.params["new"])
            answer = person if person in scoring.candidates(sample.params) else str(sample.params["before"])
        return f"Answer: {answer}"

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Other cases, in whose names nothing is as in those of samples: the sample's question about the sample's kind
        of thing, in its state; without a sample, all of them in context."""
        own = sample.params if sample is not None else {}
        how: How = "model" if own.get("how") == "model" else "context"
        while True:
            case = held_out(rng, str(own["kind"]) if own else None, self.things)
            question = str(own["question"]) if own else rng.choice(QUESTIONS)
            state = str(own["state"]) if own else rng.choice(STATES)
            shown = _sample(case, question, state, how, rng.randrange(PARAPHRASES), 0)
            yield Example(shown.messages[0].content, f"Answer: {shown.target}")

    @property
    def placebos(self) -> Mapping[str, str]:  # type: ignore[override]
        """By where the edit is: see controls.py."""
        return controls.PLACEBOS[self.how]

    @property
    def changes(self) -> Mapping[str, str]:  # type: ignore[override]
        """By where the edit is: see controls.py."""
        return controls.CHANGES[self.how]

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        if placebo in ("words", "layout"):
            return controls.reworded(sample, placebo)
        case = self._case(sample)
        other = controls.renamed(case, rng) if placebo == "names" else controls.reordered(case, rng)
        return self._like(sample, case, other)

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See controls.py. None for an edited model, if there is no other edit of the kind with another answer."""
        case = self._case(sample)
        if self.how == "context":
            return controls.changed(sample, case, rng)
        every = cases(self._seed(sample), self.edits, self.things)
        made = [self._like(sample, case, other) for other in every if other.relation.kind == case.relation.kind]
        alike = [other for other in made if other.target != sample.target]
        return rng.choice(alike) if alike else None

    def _seed(self, sample: Sample) -> int:
        return int(sample.group.partition("-")[2].rpartition("-")[0])

    def _case(self, sample: Sample) -> Case:
        index = int(sample.group.rpartition("-")[2])
        return cases(self._seed(sample), index + 1, self.things)[index]

    def _like(self, sample: Sample, case: Case, other: Case) -> Sample:
        """Another case in the condition of a sample, and in the wording that it has in its own case."""
        wording = controls.wording_of(sample, case, PARAPHRASES)
        made = _sample(other, str(sample.params["question"]), str(sample.params["state"]), self.how, wording, 0)
        return replace(made, id=sample.id, group=sample.group)


def first_wording(index: int) -> int:
    """Which paraphrase an edit is asked in first, so that all come in turn for each kind of thing."""
    return index // len(RELATIONS)


def _sample(case: Case, question: str, state: str, how: How, wording: int, extra: int) -> Sample:
    found = asked(case, question, wording)
    answer = found.before if state == "before" else found.after
    params: dict[str, str | int | tuple[str, ...]] = {
        "how": how, "kind": case.relation.kind, "metric": metric(question), "question": question, "state": state,
        "answer": answer, "before": found.before, "after": found.after, "new": case.heads[case.new],
        "candidates": found.candidates,
    }  # fmt: skip
    name = f"{case.group}/{how}/{question}{f'-{extra + 1}' if extra else ''}/{state}"
    message = Message("user", prompt(case, found.text, state, how))
    return Sample(name, case.group, f"{question}/{state}", params, (message,), answer)


def prompt(case: Case, question: str, state: str, how: How) -> str:
    """What the model is asked: the question alone, or behind the facts and whether one of them has changed."""
    if how == "model":
        return text("model").format(question=question)
    stated = "\n".join(f"- {sentence}" for sentence in facts(case))
    change = text(state).format(statement=statement(case))
    relation = case.relation
    return text("context").format(
        kind=relation.kind,
        plural=relation.plural,
        role=relation.role,
        roles=relation.roles,
        facts=stated,
        change=change,
        question=question,
    )


def every_question(case: Case, index: int) -> Iterator[tuple[str, str, str, str, tuple[str, ...]]]:
    """(question, text, answer before, answer after, all names that could be one) of a case, with all paraphrases, for
    the files of an editor."""
    for question in QUESTIONS:
        for extra in range(PARAPHRASES if question == "generality" else 1):
            found = asked(case, question, first_wording(index) + extra)
            yield question, found.text, found.before, found.after, found.candidates
