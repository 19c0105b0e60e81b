"""Abduction: exactly one fact explains, or not; and whatever sentence gives that fact is right."""

import itertools
import random

import logic_arguments
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import plugins
from harness.errors import DataError
from harness.tasks.logic import abduction
from harness.tasks.logic import explanations as exact
from harness.tasks.logic.explanations import Literal, Rule, Theory
from harness.tasks.logic.kinds import UNKNOWN
from harness.types import Outcome

TASK = plugins.task("logic", {"kind": "abduction"})
SAMPLES = list(itertools.islice(TASK.samples(0), 1_200))
QUESTION = """Ada is tall.
Ada is calm.
If someone is tall and quiet, then they are brave.
If someone is shy and old, then they are brave.
If someone is calm and rude, then they are not brave.

Observation: Ada is {}.

Question: Which single fact about Ada is missing, so that this follows?"""


def params(observed: str = "brave") -> dict:
    choices = ("brave", "calm", "old", "quiet", "rude", "shy", "tall", UNKNOWN)
    return {"kind": "abduction", "question": QUESTION.format(observed), "choices": choices, "answer": "quiet"}


@given(seed=st.integers(0, 10_000), depth=st.sampled_from(abduction.KIND.depths))
def test_one_fact_explains_and_in_the_twins_two_do(seed: int, depth: int) -> None:
    made = abduction.plan(random.Random(seed), depth)
    for facts, holds in abduction.FORMS.values():
        theory, observed = Theory(getattr(made, facts), made.rules), Literal(made.observed, holds)
        found = exact.explanations(theory, observed)
        assert found == exact.explanations_by_proof(theory, observed)
        assert len(found) == (1 if facts == "determined" else 2)
        assert not {observed, Literal(made.observed, not holds)} & exact.closure(theory.facts, theory.rules)


@given(st.data())
def test_both_solvers_agree_on_any_theory(data: st.DataObject) -> None:
    """Also on rules that need what they say themselves, and on theories in which everything follows or nothing."""
    properties = st.integers(0, 6)
    bodies = st.lists(properties, min_size=1, max_size=3).map(tuple)
    heads = st.builds(Literal, st.integers(4, 9), st.booleans())
    rules = data.draw(st.lists(st.builds(Rule, bodies, heads), max_size=8))
    rules = [rule for rule in rules if all(part < int(rule.head.property) for part in rule.body)]
    theory = Theory(data.draw(st.frozensets(st.integers(0, 3), max_size=3)), tuple(rules))
    observed = data.draw(heads)
    assert exact.explanations(theory, observed) == exact.explanations_by_proof(theory, observed)


def test_the_solver_of_the_text_gives_every_answer() -> None:
    for sample in SAMPLES:
        assert abduction.solve(sample.params) == sample.target, sample.messages


def test_the_negated_observation_has_another_answer() -> None:
    for forms in logic_arguments.by_group(iter(SAMPLES)):
        assert forms["plain"].target != forms["negated"].target
        assert forms["undetermined"].target == forms["negated_undetermined"].target == UNKNOWN


def test_twins_differ_in_one_fact_at_the_same_place() -> None:
    for forms in logic_arguments.by_group(iter(SAMPLES)):
        for one, two in (("plain", "undetermined"), ("negated", "negated_undetermined")):
            lines = [str(forms[form].params["question"]).split("\n") for form in (one, two)]
            assert sum(a != b for a, b in zip(*lines, strict=True)) == 1


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ("Answer: quiet", "correct"),
        ("The missing fact is that Ada is quiet.", "correct"),
        ("For Ada to be brave she has to be quiet, because she is tall.\n\n**Answer:** Ada is quiet.", "correct"),
        ("Answer: shy", "wrong"),
        ("Answer: brave", "wrong"),
        ("Answer: unknown", "wrong"),
        ("It can't be determined which fact is missing.", "wrong"),
        ("Answer: quiet and shy", "unparsed"),
        ("Answer: Ada is quiet or shy.", "unparsed"),
        ("Answer: Ada is not quiet.", "wrong"),
        ("", "unparsed"),
    ],
)
def test_a_fact_is_right_if_it_explains_and_a_lucky_list_is_not(response: str, outcome: str) -> None:
    assert TASK.score(params(), response).outcome is Outcome(outcome)


def test_the_score_follows_from_the_question_and_not_from_the_stored_answer() -> None:
    assert TASK.score(params() | {"answer": "shy"}, "Answer: quiet").value == 1
    assert TASK.score(params("not brave"), "Answer: rude").value == 1
    several = params() | {"question": QUESTION.replace("Ada is calm.", "Ada is shy.").format("brave")}
    assert TASK.score(several, "Answer: unknown").value == 1
    score = TASK.score(several, "Answer: quiet")
    assert (score.value, score.detail["explains"]) == (0, True)


def test_shallow_readers_are_at_their_floors() -> None:
    shares = logic_arguments.reader_shares("abduction", SAMPLES, lambda s: str(s.params["depth"]))
    for depth in "123":
        assert shares["shallow", depth] == shares["always-unknown", depth] == 0.5
        assert shares["half-held", depth] < 0.25
    assert (shares["last-step", "1"], shares["last-step", "2"], shares["last-step", "3"]) == (1, 0.5, 0.5)


def test_a_text_that_is_no_question_is_an_error_that_can_be_caught() -> None:
    with pytest.raises(ValueError, match="no observation"):
        abduction.solve({"question": "What is it?"})


def test_params_that_are_no_sample_s_are_an_error_for_the_person_at_the_terminal() -> None:
    with pytest.raises(DataError, match="question"):
        TASK.score({"kind": "abduction", "choices": ("a", UNKNOWN), "answer": "a"}, "Answer: a")


@given(st.text(max_size=400))
def test_no_text_makes_the_score_raise(text: str) -> None:
    assert TASK.score(params(), text).outcome in Outcome
