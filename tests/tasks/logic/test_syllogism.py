"""Syllogisms: which conclusions follow, and that belief is the only thing that changes between the worlds."""

import itertools
import random
from collections import Counter

import logic_arguments
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import plugins
from harness.tasks.logic import syllogism
from harness.tasks.logic import syllogism_forms as forms
from harness.tasks.logic.bias import Bias
from harness.tasks.logic.kinds import UNKNOWN
from harness.tasks.logic.syllogism_forms import Statement

TASK = plugins.task("logic", {"kind": "syllogism"})
SAMPLES = list(itertools.islice(TASK.samples(0), 1_200))


def test_fifteen_forms_are_valid_and_twenty_four_if_all_terms_have_members() -> None:
    for members, count in ((False, 15), (True, 24)):
        assert sum(forms.follows(form[:2], form[2], members) for form in forms.forms()) == count


def test_models_and_the_rules_of_distribution_agree_on_every_pair_of_premises() -> None:
    pairs = {form[:2] for form in forms.forms()}
    for pair, conclusion, members in itertools.product(pairs, forms.CONCLUSIONS, (False, True)):
        assert forms.follows(pair, conclusion, members) == forms.follows_by_rules(pair, conclusion, members)


def test_all_men_are_mortal() -> None:
    barbara = (Statement("A", "M", "P"), Statement("A", "S", "M"))
    assert forms.strongest(barbara, members=True) == Statement("A", "S", "P")
    assert forms.strongest((barbara[0].turned, barbara[1]), members=True) is None


def test_twins_have_the_same_words_and_do_not_depend_on_existential_import() -> None:
    assert len({pair.name for pair in forms.twins()}) == 15
    for pair in forms.twins():
        for members in (False, True):
            assert forms.follows(pair.premises, pair.conclusion, members)
            assert not forms.follows(pair.twin, pair.conclusion, members)
        assert sorted(s.quantifier for s in pair.premises) == sorted(s.quantifier for s in pair.twin)
        assert pair.nothing == (forms.strongest(pair.twin, members=True) is None)


def test_the_solver_of_the_text_gives_every_answer() -> None:
    for sample in SAMPLES:
        assert syllogism.solve(sample.params) == sample.target, sample.messages


def test_judged_conclusions_are_believed_as_the_condition_says() -> None:
    for sample in SAMPLES:
        if sample.params["form"] in ("plain", "invalid"):
            true = syllogism.true_in_the_world(syllogism.parts(sample.params)[1])
            assert true is {"neutral": None, "consistent": True, "violating": False}[str(sample.params["belief"])]


def test_the_levels_of_belief_ask_for_the_same_form() -> None:
    seen: dict[tuple, set] = {}
    for sample in SAMPLES:
        key = sample.group, sample.params["form"]
        seen.setdefault(key, set()).add((sample.params["scheme"], sample.target in ("yes", "no", UNKNOWN)))
    assert all(len(found) == 1 for found in seen.values())


def test_smaller_kinds_share_no_word_with_others() -> None:
    words = [word for wide, narrow in syllogism.categories().items() for word in (wide, *narrow)]
    assert len(words) == len(set(words))
    assert all(len(narrow) == 5 for narrow in syllogism.categories().values())


def test_shallow_readers_judge_at_chance() -> None:
    shares = logic_arguments.reader_shares("syllogism", SAMPLES, lambda s: "choose" if "choose" in s.condition else "")
    assert shares["shallow", ""] == 0.5
    assert abs(shares["belief", ""] - 0.5) < 0.06
    assert abs(shares["figure", ""] - 0.5) < 0.06
    assert shares["shallow", "choose"] < 0.45


def test_the_place_of_a_conclusion_in_the_list_tells_nothing() -> None:
    """All and some ... aren't are offered in both directions; the right one stands first as often as second."""
    places = Counter(s.params["choices"].index(s.target) for s in SAMPLES if s.params["form"] == "choose")
    assert set(places) == {0, 1, 3, 4, 5}
    assert 0.6 < places[4] / places[5] < 1.7


@pytest.mark.parametrize(
    ("response", "value"),
    [("Some guzkurs aren't sukvils", 1), ("Answer: some guzkurs are not sukvils.", 1),
     ("Answer: All guzkurs are sukvils", 0), ("Nothing follows. Answer: unknown", 0)],
)  # fmt: skip
def test_a_conclusion_is_read_in_either_wording(response: str, value: int) -> None:
    choices = ("All guzkurs are sukvils", "Some guzkurs aren't sukvils", "Some sukvils aren't guzkurs", UNKNOWN)
    also = tuple(choice.replace("aren't", "are not") for choice in choices)
    params = {"kind": "syllogism", "choices": choices, "also": also, "answer": choices[1]}
    assert TASK.score(params, response).value == value


@given(st.text(max_size=200))
def test_a_text_that_is_no_question_is_an_error_that_can_be_caught(text: str) -> None:
    with pytest.raises(ValueError, match="not a categorical statement"):
        syllogism.solve({"question": text, "choices": ("yes", "no")})


def test_the_table_shows_how_much_belief_does_for_invalid_arguments() -> None:
    """A model that accepts what is valid, and what is believable."""
    bias = Bias()
    for sample in SAMPLES:
        said = "yes" if sample.params["form"] == "plain" or sample.params["belief"] == "consistent" else "no"
        bias.add({"params": sample.params, "group": sample.group, "answer": said, "value": 1.0})
    [table] = bias.tables()
    rows = {row[0]: row[2:] for row in table.rows}
    assert rows["violating"][0].startswith("1.000")
    assert rows["violating"][1].startswith("0.000")
    assert [cell.split()[0] for cell in rows["consistent - violating"]] == ["0.000", "1.000", "1.000"]


def test_no_table_without_records() -> None:
    assert Bias().tables()[0].rows == ()
    one = next(s for s in SAMPLES if s.params["belief"] == "consistent")
    bias = Bias()
    bias.add({"params": one.params, "group": one.group, "answer": None, "value": 0.0})
    assert bias.tables()[0].rows == ()


def test_ends_are_drawn_from_one_category_for_both_beliefs() -> None:
    for quantifier in "AEIO":
        one = syllogism.ends(quantifier, "consistent", random.Random(1))
        two = syllogism.ends(quantifier, "violating", random.Random(1))
        assert set(one) & set(two)
