"""Rules with exceptions: what holds before an update and after it, and whether a model revises its answer."""

import itertools
import random

import logic_arguments
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import plugins
from harness.tasks.logic import defaults, defeasible
from harness.tasks.logic.defaults import Default, Theory
from harness.tasks.logic.revision import CHANGES, Revision

SAMPLES = list(itertools.islice(plugins.task("logic", {"kind": "defeasible"}).samples(0), 1_200))
TWEETY = Theory(
    frozenset({"bird"}), (("penguin", "bird"),), (Default("bird", "flier"), Default("penguin", "flier", False)),
    specific=True,
)  # fmt: skip


def both(theory: Theory, asked: str) -> str:
    """The answer, if both solvers give it."""
    found = {defaults.answer(theory, asked), defaults.answer_by_proof(theory, asked)}
    assert len(found) == 1
    return found.pop()


def test_birds_fly_and_penguins_do_not() -> None:
    assert both(TWEETY, "flier") == "yes"
    assert both(TWEETY.told("penguin"), "flier") == "no"


def test_two_rules_of_which_none_goes_first_leave_it_open() -> None:
    rules = (Default("quaker", "pacifist"), Default("republican", "pacifist", False))
    nixon = Theory(frozenset({"quaker", "republican"}), (), rules)
    assert both(nixon, "pacifist") == "unknown"
    assert both(Theory(nixon.facts, (), rules, frozenset({(1, 0)})), "pacifist") == "no"


def test_what_rests_on_something_open_is_open() -> None:
    rules = (Default("a", "b"), Default("x", "b", False), Default("b", "c"))
    assert both(Theory(frozenset("a"), (), rules), "c") == "yes"
    assert both(Theory(frozenset("ax"), (), rules), "c") == "unknown"


def test_what_is_certain_is_not_defeated() -> None:
    theory = Theory(frozenset("ab"), (("b", "c"),), (Default("a", "c", False),))
    assert both(theory, "c") == "yes"


def test_a_rule_goes_before_another_only_if_it_is_of_a_narrower_kind() -> None:
    assert defaults.beats(TWEETY, 1, 0)
    assert not defaults.beats(TWEETY, 0, 1)
    assert not defaults.beats(TWEETY, 0, 0)


@given(seed=st.integers(0, 10_000), depth=st.sampled_from(defeasible.KIND.depths))
def test_updates_do_what_they_are_called(seed: int, depth: int) -> None:
    made = defeasible.plan(random.Random(seed), depth)
    before = both(made.theory, made.asked)
    after = {update: both(made.theory.told(kind), made.asked) for update, kind in made.updates.items()}
    assert before in ("yes", "no")
    assert after == {
        "strengthen": before, "irrelevant": before, "weaken": "unknown", "rebut": {"yes": "no", "no": "yes"}[before]
    }  # fmt: skip


@given(st.data())
def test_both_solvers_agree_on_any_theory(data: st.DataObject) -> None:
    upward = st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda pair: pair[0] < pair[1])
    rules = data.draw(st.lists(st.builds(lambda p, holds: Default(*p, holds), upward, st.booleans()), max_size=8))
    heads = {rule.head for rule in rules}
    strict = [pair for pair in data.draw(st.lists(upward, max_size=4)) if pair[0] not in heads]
    numbers = st.integers(0, max(0, len(rules) - 1))
    before = data.draw(st.frozensets(st.tuples(numbers, numbers), max_size=6))
    facts = data.draw(st.frozensets(st.integers(0, 6), max_size=3))
    both(Theory(facts, tuple(strict), tuple(rules), before, data.draw(st.booleans())), 6)


def test_the_solver_of_the_text_gives_every_answer() -> None:
    for sample in SAMPLES:
        assert defeasible.solve(sample.params) == sample.target, sample.messages


def test_updates_differ_in_one_sentence_and_are_worded_alike() -> None:
    for forms in logic_arguments.by_group(iter(SAMPLES)):
        before = str(forms["plain"].params["question"]).split("\n")
        for update in CHANGES:
            after = str(forms[update].params["question"]).split("\n")
            assert next(line for line in after if line not in before).startswith("Now it becomes known that ")
            assert len(after) == len(before) + 2


def test_the_answer_changes_in_half_of_the_pairs_and_shallow_readers_are_at_their_floors() -> None:
    rows = {what: measured for what, measured, _ in logic_arguments.defeasible(600)}
    assert rows["the answer after an update is that before it"] == "0.500"
    assert rows["revised by reader shallow"] == "0.500"
    assert 0.6 < float(rows["revised by reader last-rule"]) < 0.75
    assert float(rows["revised by reader counted"]) < 0.3
    assert float(rows["revised by reader update-only"]) < 0.3


def test_the_table_tells_a_stubborn_model_from_one_that_gives_in() -> None:
    for always_moves in (False, True):
        revision = Revision()
        for sample in sorted(SAMPLES, key=lambda s: derive_order(s.id)):
            before = defeasible.unmoved(sample.params, random.Random(0))
            said = "unknown" if always_moves and sample.params["form"] in CHANGES else before
            record = {"params": sample.params, "group": sample.group, "epoch": 1, "answer": said}
            revision.add(record | {"value": float(said == sample.target)})
        [table] = revision.tables()
        rows = {row[0]: [cell.split()[0] for cell in row[2:]] for row in table.rows}
        assert rows["weaken"][1:] == (["1.000", "0.000"] if always_moves else ["0.000", "1.000"])
        assert rows["irrelevant"][1:] == (["0.000", "0.000"] if always_moves else ["1.000", "1.000"])
        assert rows["rebut"][1] == "0.000"
        assert rows["all"][1] == ("0.250" if always_moves else "0.500")


def derive_order(text: str) -> str:
    """Records come in any order."""
    return text[::-1]


def test_a_text_that_is_no_question_is_an_error_that_can_be_caught() -> None:
    with pytest.raises(ValueError, match="no question"):
        defeasible.solve({"question": "Is it so?"})


def test_a_run_shows_the_tables_of_its_kinds() -> None:
    task = plugins.task("logic", {"kind": "defeasible,syllogism"})
    beside = task.collector()
    for sample in itertools.islice(task.samples(0), 44):
        record = {"params": sample.params, "group": sample.group, "id": sample.id, "epoch": 1, "outcome": "correct"}
        beside.add(record | {"value": 1.0, "answer": sample.target})
    titles = [table.title for table in beside.tables()]
    assert titles[-2:] == ["answers before and after an update", "conclusions accepted, by belief and validity"]
