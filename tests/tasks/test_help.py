"""What every task gives to strategies: feedback that never gives the answer away, readings and keys that do not know
what is right."""

import itertools
import random
import re
from dataclasses import replace
from functools import lru_cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness import launch, plugins
from harness.errors import AidError
from harness.options import parse_pairs
from harness.pddl_domains import SHIPPED
from harness.pipeline.config import RunConfig
from harness.types import Sample, Sampling, Task

LEVELS = ("binary", "first-error", "all-errors")
EVERY = {
    "aiw": {"family": "all"},
    "arithmetic": {"prompt": "all"},
    "edits": {},
    "game24": {},
    "ladder": {},
    "hub": {"forms": "all"},
    "imagine": {},
    "length": {},
    "logic": {},
    "multihop": {},
    "reversal": {},
    "worlds": {"prompt": "all"},
    **{name: {"rename": "all", "prompt": "all"} for name in SHIPPED},
}
MORE = {
    "all abilities": ("blocksworld", {"ability": "all", "prompt": "all"}),
    "atomic abilities": ("blocksworld", {"ability": "atomic"}),
    "unsolvable": ("blocksworld", {"solvable": "all"}),
    "celebrities": ("reversal", {"set": "celebrities"}),
    "support": ("multihop", {"support": "true"}),
    "original": ("arithmetic", {"rule": "original"}),
    "original of game24": ("game24", {"rule": "original"}),
    "an edited model": ("edits", {"how": "model"}),
    **{f"ladder of {kind}": ("ladder", {"kind": kind}) for kind in ("table", "boolean", "chain", "equivalence")},
    "percentages of ladder": ("ladder", {"form": "number"}),
    "rules of logic": ("logic", {"kind": "rules"}),
    **{f"length of {kind}": ("length", {"kind": kind}) for kind in ("keyvalue", "aiw", "multihop")},
}
TASKS = {name: (name, options) for name, options in EVERY.items()} | MORE


@lru_cache
def made(name: str) -> tuple[Task, list[Sample]]:
    """A task with its first samples, one of each condition among them."""
    task = plugins.task(*TASKS[name])
    samples = list(itertools.islice(task.samples(0), 120))
    task.close()
    first = {sample.condition: sample for sample in reversed(samples)}
    return task, [*first.values(), *samples[:8], *samples[40::40]]


def holds(text: str, phrase: str) -> bool:
    """Whether a phrase stands in a text as whole words, whatever the case."""
    return bool(re.search(rf"(?<!\w){re.escape(phrase.strip().casefold())}(?!\w)", text.casefold()))


def answers(task: Task, sample: Sample, other: Sample, rng: random.Random) -> list[str]:
    """Responses of many kinds: right, almost right, wrong, of another sample, and none."""
    right = task.baseline("oracle", sample, rng)
    lines = right.split("\n")
    shuffled = rng.sample(lines, len(lines))
    found = [right, "\n".join(lines[1:]), "\n".join(lines[:-1]), "\n".join(shuffled), "\n".join(lines * 2)]
    found += [task.baseline(kind, sample, rng) for kind in ("random", "shallow")]
    return [*found, other.target, "", "I don't know.", "Answer: 7", f"7+8=15, so {right}", "no plan exists"]


def test_these_are_all_tasks() -> None:
    assert set(EVERY) == set(plugins.installed("tasks"))


@given(name=st.sampled_from(sorted(TASKS)), index=st.integers(0, 1_000), other=st.integers(0, 1_000),
       seed=st.integers(0, 1_000), level=st.sampled_from(LEVELS), free=st.text(max_size=60))  # fmt: skip
@example("game24", 0, 1, 0, "all-errors", "Answer: (1 + 2) / 0")
def test_feedback_never_gives_the_answer_away(name, index, other, seed, level, free) -> None:
    """Neither the target nor its key stands in the text, unless it stood in the prompt or in the response."""
    task, samples = made(name)
    sample, rng = samples[index % len(samples)], random.Random(seed)
    key = task.read(sample.params, task.baseline("oracle", sample, rng))
    for response in [*answers(task, sample, samples[other % len(samples)], rng), free]:
        told = task.feedback(sample.params, response, level)
        assert told is not None
        assert told.right == (task.score(sample.params, response).value == 1)
        known = "\n".join([*(m.content for m in sample.messages), response])
        for secret in filter(None, (sample.target, key, key and task.answer_key(key))):
            assert not holds(told.text, secret) or holds(known, secret), (sample.id, response, told.text)


OURS = set(
    "the goal is not reached at end after other steps it true that step possible answer wrong correct an could be "
    "read give in form was asked for there a plan but fewer actions would do something missing no such action has too "
    "many objects or few names an object one of its another kind".split()
)


@pytest.mark.parametrize("name", [*SHIPPED, "all abilities"])
def test_feedback_on_plans_is_in_the_sample_s_own_names_and_words(name: str) -> None:
    """Each word is ours, or stands in the prompt or the response: no other world's names, no PDDL in plain English."""
    task, samples = made(name)
    for sample in samples:
        for response in answers(task, sample, samples[0], random.Random(sample.id)):
            told = task.feedback(sample.params, response, "all-errors")
            said = {w for m in sample.messages for w in re.findall(r"[\w-]+", m.content.lower())}
            said |= set(re.findall(r"[\w-]+", response.lower())) | OURS
            words = set(re.findall(r"[a-z][\w-]+", told.text.lower()))
            assert words <= said, (sample.id, response, told.text, words - said)


STORED = {
    "arithmetic": ("answer",),
    "game24": ("solvable", "ways", "fractions", "index", "world"),
    "ladder": ("answer", "rung1", "first_two", "larger", "names"),
    "logic": ("answer", "names", "belief", "form", "polarity", "order", "distractors", "depth"),
    **dict.fromkeys(SHIPPED, ("optimal_cost", "instance", "world")),
}
"""Params that are no part of the question."""


TWO_WAY = {"ladder", "logic"}
"""They know the answer from the question; but of yes and no, "wrong" gives the other one away."""


def test_tasks_whose_feedback_needs_the_stored_answer_say_so() -> None:
    assert {name for name in EVERY if made(name)[0].feedback_aid == "verifier"} == set(STORED) - TWO_WAY
    assert {made(name)[0].feedback_aid for name in EVERY} == {"verifier", "oracle"}
    for name, options in (("ladder", {"form": "number"}), ("logic", {"kind": "kinship"})):
        assert plugins.task(name, options).feedback_aid == "verifier"


@pytest.mark.parametrize("name", sorted(TASKS))
def test_right_or_wrong_on_a_question_with_two_answers_takes_the_oracle(name: str) -> None:
    task = plugins.task(*TASKS[name])
    asked: dict[str, list[Sample]] = {}
    for sample in itertools.islice(task.samples(0), 240):
        asked.setdefault(sample.condition, []).append(sample)
    two_way = {c: some for c, some in asked.items() if len(some) >= 6 and len({s.target for s in some}) == 2}
    assert not two_way or task.feedback_aid == "oracle", list(two_way)
    judged = [
        s for some in two_way.values() for s in some[:6] if task.judge(s.params, f"Answer: {s.target}") is not None
    ]
    task.close()
    assert not judged or task.judge_aid == "oracle", judged[0].id


@pytest.mark.parametrize(
    ("name", "options"),
    [("blocksworld", {"ability": "all"}), ("blocksworld", {"ability": "atomic"}), ("ladder", {}), ("ladder", {"n": "3",
     "kind": "equivalence"}), ("logic", {}), ("logic", {"kind": "sat,lookup"}), ("logic", {"kind": "sat"})],
)  # fmt: skip
def test_a_task_with_questions_of_two_answers_says_what_a_verifier_may_judge(name: str, options: dict) -> None:
    task = plugins.task(name, options)
    assert task.feedback_aid == "oracle"
    pairs = parse_pairs(tuple(pair for pair in task.verifiable.split() if pair != "-T"), "-T")
    assert plugins.task(name, pairs).feedback_aid == "verifier"


@pytest.mark.parametrize("strategy", ["llm-modulo", "best-of-n"])
def test_a_verifier_s_strategy_on_yes_or_no_is_a_usage_error_that_says_what_to_do(strategy: str, tmp_path) -> None:
    config = RunConfig("blocksworld", "baseline/shallow", task_options={"ability": "all"}, strategy=strategy, limit=9)
    config = replace(config, sampling=Sampling(temperature=0.7))
    with pytest.raises(AidError, match=f"strategy {strategy} declares the aid 'verifier'") as error:
        launch.start(config, tmp_path)
    assert error.value.exit_code == 2
    assert "or ask what a verifier may judge: -T ability=plan_generation,plan_optimality,plan_exec" in error.value.hint


@pytest.mark.parametrize("name", sorted(STORED))
def test_a_verifier_s_feedback_follows_from_the_question_alone(name: str) -> None:
    """It is the same if everything else is taken out of the params."""
    task, samples = made(name)
    for sample in samples:
        question = {key: value for key, value in sample.params.items() if key not in STORED[name]}
        for response, level in itertools.product(answers(task, sample, samples[0], random.Random(1)), LEVELS):
            told = task.feedback(sample.params, response, level)
            assert task.feedback(question, response, level) == told, (sample.id, response)


@pytest.mark.parametrize("level", LEVELS)
def test_more_is_said_at_higher_levels(level: str) -> None:
    task, samples = made("blocksworld")
    plain = next(s for s in samples if s.condition == "plan_generation/plain/nl")
    last = plain.target.split("\n")[-1]  # it can't be taken first, and without it the goal is not reached
    said = {"binary": 0, "first-error": 1, "all-errors": 2}[level]
    told = task.feedback(plain.params, last, level).text
    assert len(re.findall("Step|The goal", told)) == said


# Readings and keys ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params", "response"),
    [
        ("multihop", {"answer": "{}", "scorer": "musique"}, "The answer is Paris, I think."),
        ("celebrities", {"set": "celebrities", "answer": "{}"}, "It was Mary Lee Pfeiffer, as far as I know."),
        ("aiw", {"answer": "{}"}, "She has 7 brothers, so the answer is 7."),
        ("arithmetic", {"base": 10, "expression": "3+4", "answer": "{}", "prompt": "direct"}, "\\boxed{7}"),
    ],
)
def test_what_is_read_does_not_depend_on_what_is_right(name: str, params: dict, response: str) -> None:
    """`score` shows the gold in place of a phrase that gives it, which would tell a vote what is right."""
    task, _ = made(name)
    golds = {"multihop": ("Paris", "London"), "celebrities": ("Mary Lee Pfeiffer", "Ann Other")}.get(name, ("7", "8"))
    read = {task.read({k: v if v != "{}" else gold for k, v in params.items()}, response) for gold in golds}
    assert len(read - {None}) == len(read) == 1


@pytest.mark.parametrize(
    ("name", "params", "same", "other"),
    [
        ("multihop", {"answer": "x", "scorer": "musique"}, ("The Red  Comet", "red comet."), "a blue comet"),
        ("celebrities", {"set": "celebrities", "answer": "x"}, ("Zoë Pfeiffer", "zoe pfeiffer."), "Zoë Lee"),
        ("aiw", {"answer": "1"}, ("Answer: 7", "Answer: seven", "Answer: 7.0"), "Answer: 8"),
        ("arithmetic", {"base": 9, "expression": "3+4"}, (r"\boxed{155}", r"\boxed{0155}", "155 in base 9"),
         "The answer is 155 in base 10."),
        ("game24", {"numbers": "4 5 6 10"}, ("(10 - 4) * 5 - 6 = 24", "5*(10-4)-6", "-6 + (10-4)*5 = 24"),
         "(10 - 4) * 6 - 5 = 24"),
        ("game24", {"numbers": "4 5 6 10"}, ("no solution", "It is impossible."), "(10 - 4) * 6 - 5 = 24"),
    ],
)  # fmt: skip
def test_the_same_answer_written_otherwise_has_the_same_key(name, params, same, other) -> None:
    task, _ = made(name)
    keys = [task.answer_key(task.read(params, text)) for text in same]
    assert len(set(keys)) == 1
    assert task.answer_key(task.read(params, other)) != keys[0]


def test_plans_are_the_same_if_their_steps_are_and_states_if_what_actions_change_is() -> None:
    task, samples = made("blocksworld")
    for sample in samples:
        plain = task.baseline("oracle", sample, random.Random(0))
        wordy = f"Here is my plan.\n\n{plain}\n\nThis reaches the goal."
        assert task.read(sample.params, plain) == task.read(sample.params, wordy)
    logistics = plugins.task("logistics", {"ability": "plan_execution"})
    sample = next(logistics.samples(0))
    facts = sample.target.split("\n")
    fixed = [line for line in facts if " in city" in line or "is a " in line]
    less = "\n".join(line for line in facts if line not in fixed)
    assert fixed
    assert logistics.read(sample.params, less) == logistics.read(sample.params, sample.target)
