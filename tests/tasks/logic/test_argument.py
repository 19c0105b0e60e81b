"""Arguments: schemes that are valid, twins that are not, and nothing but reasoning that tells them apart."""

import itertools
import random
from collections import Counter, defaultdict

import logic_arguments
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import plugins
from harness.tasks.logic import argument
from harness.tasks.logic import argument_forms as forms
from harness.tasks.logic.argument_forms import Argument, Clause, Literal, Sentence

SAMPLES = list(itertools.islice(plugins.task("logic", {"kind": "argument", "distractors": "all"}).samples(0), 1_600))


def build(sentence: Sentence) -> tuple:
    """A sentence without who is spoken of."""
    return sentence.kind, *(([holds for _, holds in c.literals], c.every) for c in (sentence.one, sentence.two))


@given(scheme=st.sampled_from(sorted(forms.SCHEMES)), variant=st.sampled_from(forms.VARIANTS), seed=st.integers(0, 999))
def test_schemes_are_valid_in_every_variant_and_twins_are_not(scheme: str, variant: str, seed: int) -> None:
    made = forms.vary(forms.SCHEMES[scheme], variant, random.Random(seed))
    valid, invalid = forms.pair(made, random.Random(seed))
    for argument_, right in ((made, True), (valid, True), (invalid, False)):
        longer = Argument((*argument_.premises, *forms.idle(valid)), argument_.conclusion)
        for form in (argument_, longer):
            assert forms.valid(form) == forms.valid_by_tableau(form) == right
    assert valid.conclusion == invalid.conclusion


@given(scheme=st.sampled_from(sorted(forms.SCHEMES)), variant=st.sampled_from(forms.VARIANTS), seed=st.integers(0, 999))
def test_twins_have_premises_of_the_same_build(scheme: str, variant: str, seed: int) -> None:
    rng = random.Random(seed)
    valid, invalid = forms.pair(forms.vary(forms.SCHEMES[scheme], variant, rng), rng)
    assert sorted(map(build, valid.premises)) == sorted(map(build, invalid.premises))


def test_to_affirm_what_follows_proves_nothing() -> None:
    one, two = (Clause((Literal(i),)) for i in range(2))
    rule, known = Sentence("all", one, two), Sentence("single", forms.EMPTY, two)
    assert not forms.valid(Argument((rule, known), Sentence("single", forms.EMPTY, one)))
    assert forms.valid(Argument((rule.turned, known), Sentence("single", forms.EMPTY, one)))


def test_some_follows_from_some_but_never_from_all() -> None:
    """Everyone may be nobody."""
    one, two = (Clause((Literal(i),)) for i in range(2))
    some = Sentence("some", one, two)
    assert forms.valid(Argument((some,), some.turned))
    assert not forms.valid(Argument((Sentence("all", one, two),), some))
    assert not forms.valid_by_tableau(Argument((Sentence("all", one, two),), some))


def test_the_solver_of_the_text_gives_every_answer() -> None:
    for sample in SAMPLES:
        assert argument.solve(sample.params) == sample.target, sample.messages


def test_all_schemes_and_variants_are_asked() -> None:
    assert {s.params["scheme"] for s in SAMPLES} == set(forms.SCHEMES)
    assert {s.params["variant"] for s in SAMPLES} == set(forms.VARIANTS)


@pytest.mark.parametrize(
    ("clause", "says"),
    [
        (Clause((Literal(0),)), "is a painter"),
        (Clause((Literal(0, False),)), "is not a painter"),
        (Clause((Literal(0), Literal(1)), every=False), "is a painter or an actor"),
        (Clause((Literal(0, False), Literal(1, False))), "is neither a painter nor an actor"),
        (Clause((Literal(0, False), Literal(1, False)), every=False), "is not a painter or is not an actor"),
        (Clause((Literal(0, False), Literal(1)), every=False), "is not a painter or is an actor"),
    ],
)
def test_a_clause_in_words(clause: Clause, says: str) -> None:
    assert argument.phrase(clause, ["painter", "actor"]) == says


def test_what_is_built_alike_is_valid_as_often_as_not() -> None:
    """The best guess from the build of all premises and of the conclusion is no better than a coin."""
    seen: dict[tuple, Counter] = defaultdict(Counter)
    for sample in SAMPLES:
        premises, conclusion = argument.read(sample.params)
        seen[(*sorted(map(str, map(build, premises))), str(build(conclusion)))][sample.target] += 1
    assert all(found["yes"] == found["no"] for found in seen.values())


def test_shallow_readers_are_at_their_floors() -> None:
    shares = logic_arguments.reader_shares("argument", SAMPLES, lambda s: str(s.params["distractors"]))
    for where in ("none", "same_predicate"):
        assert shares["polarity", where] == shares["conclusion", where] == 0.5
    assert shares["shallow", "same_predicate"] == 0.5
    assert 0.55 < shares["shallow", "none"] < 0.7


def test_a_text_that_is_no_question_is_an_error_that_can_be_caught() -> None:
    for text in ("", "Everyone.\n\nQuestion: Does it follow that it rains?"):
        with pytest.raises(ValueError, match="not a sentence of an argument"):
            argument.solve({"question": text})
