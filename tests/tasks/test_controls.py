"""Controls of every task: rewordings ask the same in other words; changes change one fact and so the right answer."""

import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.reading.choices import UNANSWERABLE
from harness.results.audit import warnings
from harness.results.audit_controls import audit_controls
from harness.seeds import derive
from harness.types import Sample, Task
from tests.tasks.test_help import TASKS, made

ORIGINAL = {
    "celebrities by heart": ("reversal", {"set": "celebrities"}),
    "facts learnt": ("reversal", {"set": "fictional"}),
    "hops": ("multihop", {"types": "chain2,chain3", "contexts": "full,hops", "documents": "8,12"}),
    "places of documents": ("multihop", {"positions": "start,end", "support": "true"}),
    "shots": ("arithmetic", {"shots": "2", "operation": "mul"}),
    "published pairs": ("arithmetic", {"pairs": "published", "prompt": "all"}),
}
TASKS_HERE = sorted({**TASKS, **ORIGINAL})
MOST_WORDS = 8
"""The most words that the change of one fact takes away, or brings. A cause in a graph is told by all independences
that follow from it: these are more."""
ANSWER_FORM = re.compile(r'"(?:#+ )?Answer: [^"\n]*"|\\boxed\{result\}|form "[^"\n]*"')


@pytest.fixture(scope="module", autouse=True)
def more_tasks():
    """Those of ORIGINAL beside those of test_help."""
    TASKS.update(ORIGINAL)
    yield
    for name in ORIGINAL:
        del TASKS[name]


def text(sample: Sample) -> str:
    return "\n".join(message.content for message in sample.messages)


def control(task: Task, sample: Sample, name: str, seed: int) -> Sample | None:
    """The control of that name, made twice; every baseline that is not slow can answer it."""
    make = task.reworded if name in task.placebos else task.changed
    found, again = (make(sample, name, random.Random(derive(seed, sample.id, name))) for _ in range(2))
    assert found == again, "the same seed gives the same"
    if found is None:
        return None
    assert (found.group, found.condition) == (sample.group, sample.condition)
    assert [m.role for m in found.messages] == [m.role for m in sample.messages]
    assert text(found) != text(sample)
    assert found.params.keys() == sample.params.keys()
    for factor in task.factors:
        assert found.params.get(factor) == sample.params.get(factor), factor
    assert ANSWER_FORM.findall(text(found)) == ANSWER_FORM.findall(text(sample)), "it is answered in the same form"
    assert right(task, found, found), "its own oracle is right"
    for kind in ("random", "shallow", *(kind for kind in task.baselines if kind != "planner")):
        task.score(found.params, task.baseline(kind, found, random.Random(seed)))
    return found


def right(task: Task, question: Sample, answered: Sample) -> bool:
    """Whether the right answer to `answered` is right for `question`."""
    return task.score(question.params, task.baseline("oracle", answered, random.Random(0))).value == 1


def options(sample: Sample) -> list[str]:
    value = sample.params.get("options")
    return list(map(str, value)) if isinstance(value, tuple | list) else []


def check_rewording(task: Task, sample: Sample, placebo: str, seed: int) -> None:
    """The same answer is right, or the same by its new name; and no number is another one."""
    found = control(task, sample, placebo, seed)
    if found is None:
        return
    if placebo != "names":  # which may be `crate3`
        assert Counter(re.findall(r"\d", text(found))) == Counter(re.findall(r"\d", text(sample))), "other numbers"
    if found.target == sample.target:
        assert right(task, found, sample), (sample.id, placebo)
    elif options(sample):
        lettered = [options(s)["ABCDEFGHIJ".index(s.target)] for s in (found, sample)]
        assert lettered[0] == lettered[1], "another letter, the same option"
    elif re.search(rf"(?<!\w){re.escape(sample.target)}(?!\w)", text(found)):  # names have changed places
        assert not right(task, found, sample), "the answer has another name now"


def check_change(task: Task, sample: Sample, change: str, seed: int) -> None:
    """Another answer is right, and little else is another one."""
    found = control(task, sample, change, seed)
    if found is None:
        return
    assert not right(task, found, sample), (sample.id, change, "the old answer is right")
    before, after = (Counter(re.findall(r"\w+", text(s))) for s in (sample, found))
    most = MOST_WORDS * (5 if sample.params.get("kind") == "equivalence" else 1)
    assert (before - after).total() <= most >= (after - before).total(), "more than one fact"


@pytest.mark.parametrize("name", TASKS_HERE)
def test_each_condition_has_controls_that_hold_what_they_promise(name: str) -> None:
    task, samples = made(name)
    for sample in {s.condition: s for s in samples}.values():
        for placebo in task.placebos:
            check_rewording(task, sample, placebo, 0)
        for change in task.changes:
            check_change(task, sample, change, 0)


@pytest.mark.parametrize("name", TASKS_HERE)
def test_a_task_declares_what_its_rewordings_change_beside_words(name: str) -> None:
    """And nothing that `harness audit` checks of a control fails."""
    task, _ = made(name)
    found = warnings(audit_controls(task, 0, 60))
    assert not found, [(finding.level, finding.feature, finding.effect) for finding in found]


@settings(max_examples=60)
@given(name=st.sampled_from(TASKS_HERE), index=st.integers(0, 1_000), seed=st.integers(0, 10**6))
def test_controls_hold_what_they_promise_for_any_seed(name: str, index: int, seed: int) -> None:
    task, samples = made(name)
    sample = samples[index % len(samples)]
    for placebo in task.placebos:
        check_rewording(task, sample, placebo, seed)
    for change in task.changes:
        check_change(task, sample, change, seed)


@pytest.mark.parametrize("name", TASKS_HERE)
def test_controls_are_there_where_a_run_asks_them(name: str) -> None:
    """That is, for samples at the reference level of the task's main contrast, with few exceptions."""
    task, samples = made(name)
    factor = task.main or next(iter(task.factors), "")
    reference = next(iter(task.samples(0))).params.get(factor)
    asked = [s for s in samples if s.params.get(factor) == reference]
    assert asked
    for control_name in [*task.placebos, *task.changes]:
        make = task.reworded if control_name in task.placebos else task.changed
        missing = [s.id for s in asked if make(s, control_name, random.Random(s.id)) is None]
        assert len(missing) <= len(asked) / 2, (control_name, missing)


def test_names_of_controls_are_one_word_and_say_what_they_change() -> None:
    for name in TASKS_HERE:
        task, _ = made(name)
        assert not set(task.placebos) & set(task.changes)
        for control_name, words in {**task.placebos, **task.changes}.items():
            assert control_name.isidentifier(), (name, control_name)
            assert len(words.split()) > 2, (name, control_name)


def test_a_question_without_an_answer_gets_none_by_a_change() -> None:
    """With an answer it would be in another condition."""
    for name in ("game24", "multihop"):
        task, samples = made(name)
        without = [s for s in samples if s.target in (UNANSWERABLE, "no solution")]
        assert without
        assert not any(task.changed(s, change, random.Random(0)) for s in without for change in task.changes)
