"""A family of problems."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from harness.types.model import Sampling, StopReason
from harness.types.sample import Example, Message, Params, Sample
from harness.types.score import Score
from harness.types.strategy import Aid, Feedback


class Collector(Protocol):
    """Reads the records of a run one by one, and makes tables of them (harness.text.Extra)."""

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in one record, a flat dict with the columns of harness.pipeline.record."""

    def tables(self) -> Sequence[Any]:
        """The tables that the records so far have something to say in."""


class Task:
    """One family of problems. A subclass is a frozen dataclass: its fields are the `-T key=value` options (harness.
    options.option), and it defines `samples`, `score`, `baseline` and `examples`. The rest has defaults.

    `version` goes up when any generated sample or score changes. `factors` names the params whose values make up the
    condition: what the task changes on purpose, and nothing else.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    factors: ClassVar[tuple[str, ...]] = ()
    main: ClassVar[str] = ""
    """The factor whose contrast the task exists for: it is shown first. The first of `factors` if it is not named."""
    varies: ClassVar[str] = ""
    """The param whose values are the same problem with other numbers: how much rates spread between them within a
    condition is the fluctuation that `harness stats` shows. "" if the task has none."""
    differs: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Features of prompt and target that each factor, or `placebo NAME`, changes by design (harness.results.audit.
    FEATURES, or `all`)."""
    measures: ClassVar[Mapping[str, str]] = {}
    """What can be measured of a sample -> the param that holds the number: `steps` is the length of its solution,
    `tokens` what a right answer takes at least (characters / 4): a run whose limit is lower says so. Audited between
    conditions, and drawn in the report."""
    baselines: ClassVar[Mapping[str, str]] = {}
    """Kinds of baseline beside oracle, random and shallow -> what they answer. They may take their time."""
    behind_slash: ClassVar[str] = ""
    """The option that may stand behind the task's name: `-t hub/gsm8k` is `-t hub -T set=gsm8k`."""
    slow_samples: ClassVar[bool] = False
    """Whether making a sample may take long enough to be done in a thread."""

    @property
    def epochs(self) -> int:
        """How often each sample is asked, unless the user says otherwise."""
        return 1

    @property
    def limit(self) -> int | None:
        """Number of samples drawn by default, if the task could draw them without end; None if they have an end."""
        return None

    @property
    def sampling(self) -> Sampling:
        """The protocol's decoding parameters; the user's options go over them."""
        return Sampling(temperature=0.0, max_tokens=2048)

    def samples(self, seed: int) -> Iterator[Sample]:
        """The samples in a fixed order, drawn lazily, perhaps without end. The conditions of a group follow
        each other, so that any limit leaves matched groups."""
        raise NotImplementedError

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """The verdict, from the sample's params alone. Never raises on any text."""
        raise NotImplementedError

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """What `baseline/KIND` answers, in the form the prompt asks for; kinds: oracle, random, shallow."""
        return sample.target if kind == "oracle" else ""

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Worked examples without end that share no numbers with a published sample: for the few-shot prompt of a
        sample, in its own form (its world, its prompt type ...), but with no hint at its answer. Given the same `rng`,
        samples of one group get the same examples, each in its form. Without a sample: in every form there is, to train
        the embedded model."""
        return iter(())

    @staticmethod
    def collector() -> Collector | None:
        """A new collector of the task's own tables, shown under the accuracy of a run; None if it has none."""
        return None

    # Controls: what each gap of the task is compared with (`harness run --placebo`, `--sensitivity`).

    placebos: ClassVar[Mapping[str, str]] = {}
    """Rewordings of a sample that must not matter -> what they change, in words: other names, another order of
    sentences that carry no order, synonyms, another layout. Two or three for each task."""
    changes: ClassVar[Mapping[str, str]] = {}
    """Changes of one fact of a sample, after which another answer is right -> what they change, in words."""

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """The same question in the same group and condition, reworded as `placebos` says; the right answer is the same,
        except for its names. None if this sample can't be. The caller gives it its id and its `control`."""
        return None

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """The sample with one fact changed as `changes` says, its own words otherwise: another answer is right, with
        params that say so. None if this sample can't be. The caller gives it its id and its `control`."""
        return None

    # What strategies may use; a task overrides what it has.

    def read(self, params: Params, response: str, stop_reason: StopReason = "stop") -> str | None:
        """See Session.answer. By default the answer that `score` shows: a task whose scorer puts the right answer in
        the place of what was read overrides this, as a reader must not know what is right."""
        return self.score(params, response, stop_reason).answer

    def answer_key(self, answer: str) -> str:
        """See Session.key: an answer that `read` gave, in one form. By default in lower case, with single spaces."""
        return " ".join(answer.casefold().split())

    def steps(self, params: Params, partial: str, k: int) -> list[Message] | None:
        """See Session.steps. Whether a partial answer is complete must be seen from its text, not by a verifier."""
        return None

    def join(self, partial: str, thought: str) -> str:
        """See Session.join."""
        return f"{partial}\n{thought}" if partial else thought

    def weigh(self, params: Params, partial: str) -> list[Message] | None:
        """See Session.weigh. Nothing that only a solver or an executor knows."""
        return None

    def judge(self, params: Params, partial: str) -> float | None:
        """See Session.judge. Only what follows from the question: never from a stored answer."""
        return None

    judge_aid: ClassVar[Aid] = "verifier"
    """What `judge` tells: "oracle" if of a question with two answers it tells which one is right."""

    feedback_aid: ClassVar[Aid] = "oracle"
    """What `feedback` knows: "verifier" if it follows from the question alone, "oracle" if the stored answer is needed.
    """

    verifiable: ClassVar[str] = ""
    """If the aid is "oracle": options with which it is "verifier", as `-T form=number`. It is one for a whole run."""

    def feedback(self, params: Params, response: str, level: str, stop_reason: StopReason = "stop") -> Feedback | None:
        """See Session.feedback; its text never gives the answer away. By default whether `score` finds the response
        right, at every level."""
        return Feedback.of(self.score(params, response, stop_reason))

    # What a task loads from elsewhere.

    @classmethod
    def pins(cls) -> Sequence[Any]:
        """The published sets that the task can load (harness.hub.Pin): `harness doctor --hub` looks for each."""
        return ()

    def data(self) -> Mapping[str, Any]:
        """What the samples were made from, if it was loaded (harness.hub.loaded): it stands in run.json under `data`.
        Asked once samples were drawn. `note`, if there is one, is a sentence for the reader of the run's table."""
        return {}

    def close(self) -> None:
        """Release what the task has started, such as a planner. Called once at the end of a run, whatever happened."""
