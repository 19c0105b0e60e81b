"""Tables: denominators, gaps between matched conditions, and what is left out."""

import random

import pytest

from harness.errors import UsageError
from harness.results import tables
from harness.statistics.tests import holm


def record(group: str, side: str, outcome: str, epoch: int = 1, **params) -> dict:
    value = {"correct": 1.0, "wrong": 0.0, "unparsed": 0.0}.get(outcome)
    return {
        "task": "t",
        "group": group,
        "condition": side,
        "epoch": epoch,
        "params": {"side": side, **params},
        "outcome": outcome,
        "value": value,
        "prompt_tokens": 5,
        "completion_tokens": None,
        "latency_s": 0.5,
    }


def contrasts(records: list[dict]) -> tables.Contrasts:
    made = tables.Contrasts(("side",))
    for r in records:
        made.add(r)
    return made


def test_truncated_answer_is_not_wrong_and_bounds_accuracy() -> None:
    (row,) = tables.tabulate([record("g", "a", o) for o in ("correct", "wrong", "truncated", "truncated")], ["task"])
    assert (row["n"], row["accuracy"], row["no_verdict"]) == (2, 0.5, 0.5)
    assert (row["accuracy_low"], row["accuracy_high"]) == (0.25, 0.75)


def test_infrastructure_errors_are_counted_but_in_no_denominator() -> None:
    (row,) = tables.tabulate([record("g", "a", o) for o in ("correct", "api_error", "verifier_error")], ["task"])
    assert (row["n"], row["accuracy"], row["api_error"]) == (1, 1.0, 1)


def test_unparsed_counts_as_not_correct() -> None:
    (row,) = tables.tabulate([record("g", "a", o) for o in ("correct", "unparsed")], ["task"])
    assert (row["n"], row["accuracy"]) == (2, 0.5)


def test_the_gap_is_taken_within_groups() -> None:
    rows = [record(f"g{i}", s, "correct" if s == "a" or i < 5 else "wrong") for i in range(20) for s in "ab"]
    (gap,) = contrasts(rows).gaps()
    assert (gap.level, gap.reference, gap.groups) == ("b", "a", 20)
    assert gap.gap.value == pytest.approx(-0.75)
    assert -1 <= gap.gap.low < -0.75 < gap.gap.high < 0


def test_groups_without_both_conditions_are_in_no_gap() -> None:
    rows = [record("g1", "a", "correct"), record("g1", "b", "wrong"), record("g2", "a", "wrong")]
    (gap,) = contrasts(rows).gaps()
    assert (gap.gap.value, gap.groups) == (-1.0, 1)


def test_a_second_factor_is_held_fixed() -> None:
    made = tables.Contrasts(("side", "size"))
    for size, right in (("s", "correct"), ("l", "wrong")):
        for side in "ab":
            made.add(record("g", side, right, size=size) | {"condition": f"{side}/{size}"})
    assert {(g.factor, g.level): g.gap.value for g in made.gaps()} == {("side", "b"): 0.0, ("size", "l"): -1.0}


def test_all_conditions_correct_wants_every_one_of_them() -> None:
    rows = [record("g1", s, "correct") for s in "ab"] + [record("g2", "a", "correct"), record("g2", "b", "wrong")]
    everywhere = contrasts(rows).all_conditions()
    assert (everywhere.value, everywhere.n) == (0.5, 2)


def test_groups_that_lack_a_verdict_are_not_called_solved() -> None:
    rows = [record("g1", s, "correct") for s in "ab"] + [record("g2", "a", "correct"), record("g2", "b", "truncated")]
    rows += [record("g2", "a", "correct", 2), record("g2", "b", "correct", 2)]
    assert contrasts(rows).all_conditions().n == 2


def test_a_condition_that_never_got_a_verdict_leaves_nothing_solved() -> None:
    rows = [record(f"g{i}", s, "correct" if s == "a" else "truncated") for i in range(5) for s in "ab"]
    assert contrasts(rows).all_conditions() is None


def test_a_group_that_was_not_asked_everything_is_not_called_solved() -> None:
    """Two groups of two conditions, and one that a limit cut after its first."""
    rows = [record("g1", s, "correct") for s in "ab"] + [record("g2", s, "wrong") for s in "ab"]
    everywhere = contrasts([*rows, record("g3", "a", "correct")]).all_conditions()
    assert (everywhere.value, everywhere.n) == (0.5, 2)


def test_groups_with_conditions_of_their_own_by_design_all_count() -> None:
    rows = [record("g1", s, "correct") for s in "ab"] + [record("g2", s, "wrong") for s in "cd"]
    everywhere = contrasts(rows).all_conditions()
    assert (everywhere.value, everywhere.n) == (0.5, 2)


def test_the_worst_condition_is_chosen_on_one_half_of_the_groups_and_measured_on_the_other() -> None:
    """Groups g0, g2 ... are worse at b, the others at a: b is chosen, and turns out to be the better one."""
    rows = [record(f"g{i}", s, "wrong" if s == "ba"[i % 2] else "correct") for i in range(8) for s in "ab"]
    worst = contrasts(rows).worst()
    assert (worst.condition, worst.accuracy.value, worst.accuracy.n) == ("b", 1.0, 4)
    assert "chosen on the other half" in str(worst)


def test_with_one_group_the_repeats_are_halved() -> None:
    rows = [record("g", s, "wrong" if s == "b" else "correct", e) for e in range(1, 9) for s in "ab"]
    worst = contrasts(rows).worst()
    assert (worst.condition, worst.accuracy.value, worst.accuracy.n) == ("b", 0.0, 4)


def test_conditions_that_are_asked_in_groups_of_their_own_are_halved_by_repeats() -> None:
    """As AIW's families: each group has conditions that no other has."""
    rows = [
        record(g, s, "wrong" if s == "c" else "correct", e) for g, s in ("1a", "1b", "2c", "2d") for e in range(1, 9)
    ]
    worst = contrasts(rows).worst()
    assert (worst.condition, worst.accuracy.value, worst.accuracy.n) == ("c", 0.0, 4)
    assert contrasts(rows).gap_of_worst() is None  # nothing that it could be matched with


def test_conditions_that_are_as_bad_are_named_too() -> None:
    rows = [record(f"g{i}", s, "wrong" if s != "a" else "correct") for i in range(4) for s in "abc"]
    assert contrasts(rows).worst().ties == ("c",)
    assert "tied with c" in str(contrasts(rows).worst())


def test_in_few_groups_the_worst_condition_is_chosen_on_half_of_the_repeats() -> None:
    """Half of four groups would leave an interval of nearly everything."""
    rows = [record(f"g{g}", c, "correct" if c == "a" or (g + e) % 3 == 0 else "wrong", epoch=e)
            for g in range(4) for c in "ab" for e in range(1, 31)]  # fmt: skip
    worst = contrasts(rows).worst()
    assert (worst.condition, worst.accuracy.n) == ("b", 60)
    assert worst.accuracy.high - worst.accuracy.low < 0.3


def test_one_answer_a_condition_names_no_worst() -> None:
    assert contrasts([record("g1", "a", "correct"), record("g1", "b", "wrong")]).worst() is None


def mixed(groups: int, repeats: int, seed: int) -> list[dict]:
    rng = random.Random(seed)
    return [
        record(f"g{i}", s, "correct" if rng.random() < {"a": 0.8, "b": 0.5, "c": 0.65}[s] else "wrong", e)
        for i in range(groups)
        for e in range(repeats)
        for s in "abc"
    ]


def test_p_values_of_gaps_are_corrected_for_their_number() -> None:
    gaps = contrasts(mixed(20, 2, 4)).gaps()
    assert [g.p_holm for g in gaps] == holm([g.p for g in gaps])
    assert [g.p_holm for g in gaps] != [g.p for g in gaps]
    assert "p, all gaps (Holm)" in tables.render_contrasts(contrasts(mixed(20, 2, 4)))


def test_a_gap_is_the_difference_of_its_two_sides_also_if_groups_are_of_different_sizes() -> None:
    uneven = [record("h", s, o, e) for s, o in (("a", "correct"), ("b", "wrong")) for e in range(7)]
    for gap in contrasts([*mixed(6, 3, 1), *uneven, record("alone", "a", "wrong")]).gaps():
        level, reference = gap.sides
        assert level - reference == pytest.approx(gap.gap.value)


@pytest.mark.parametrize(("groups", "repeats"), [(1, 2), (1, 12), (3, 6), (4, 10), (5, 4), (8, 1), (12, 3), (40, 1)])
def test_an_interval_and_its_p_never_contradict_each_other(groups: int, repeats: int) -> None:
    for seed in range(25):
        for gap in contrasts(mixed(groups, repeats, seed)).gaps():
            assert (gap.gap.low > 0 or gap.gap.high < 0) == (gap.p < 0.05)


def test_four_answers_of_one_group_are_no_proof() -> None:
    rows = [record("g", s, "correct" if s == "a" else "wrong", e) for e in (1, 2) for s in "ab"]
    (gap,) = contrasts(rows).gaps()
    assert gap.p >= 1 / 3
    assert gap.gap.low <= 0 <= gap.gap.high or gap.p < 0.05


def test_a_gap_in_few_groups_weighs_groups_and_not_their_pairs_of_conditions() -> None:
    """The first group has the two levels at three sizes, the second at one: each counts for one half."""
    made = tables.Contrasts(("side", "size"))
    for group, sizes, right in (("g1", "xyz", "a"), ("g2", "x", "b")):
        for size in sizes:
            for side in "ab":
                for epoch in range(1, 31):
                    row = record(group, side, "correct" if side == right else "wrong", epoch, size=size)
                    made.add(row | {"condition": f"{side}/{size}"})
    gap = next(g for g in made.gaps() if g.factor == "side")
    assert gap.gap.value == 0
    assert gap.gap.low == pytest.approx(-gap.gap.high, abs=0.1)


def test_few_groups_are_said_to_be_few() -> None:
    assert "2 groups: intervals hold for these" in tables.render_contrasts(contrasts(mixed(2, 4, 0)))
    assert "intervals hold for these" not in tables.render_contrasts(contrasts(mixed(5, 4, 0)))


def test_a_missing_column_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="no column 'sides'") as error:
        tables.tabulate([record("g", "a", "correct")], ["sides"])
    assert "params_side" in error.value.hint


def test_text_tables_show_n_and_interval_with_every_accuracy() -> None:
    text = tables.render_contrasts(contrasts([record("g1", s, "correct") for s in "ab"]))
    assert "1.000  [0.207, 1.000]" in text
    assert "n=1" in text
    assert "truncated" not in text, "outcomes that never occur take no room"


def test_no_records_no_table() -> None:
    assert tables.tabulate([], ["task"]) == []


def test_the_same_answer_counts_once_in_a_row() -> None:
    """Of two directories that hold the same run; a row for each of them counts it in both."""
    rows = [record(f"g{i}", "a", "correct") | {"identity": f"{i}-1", "run_id": run} for run in "xy" for i in range(4)]
    tidy = tables.Tidy(["condition"])
    for row in rows:
        tidy.add(row)
    assert ([r["n"] for r in tidy.rows()], tidy.repeated) == ([4], 4)
    assert [r["n"] for r in tables.tabulate(rows, ["run_id"])] == [4, 4]


def test_models_and_tasks_are_never_pooled_in_a_row() -> None:
    rows = [record("g", "a", "correct") | {"model": model, "identity": model} for model in ("tiny", "llama")]
    with pytest.raises(UsageError, match="would mix the model tiny and the model llama") as error:
        tables.tabulate(rows, ["condition"])
    assert "--by model,condition" in error.value.hint
    assert len(tables.tabulate(rows, ["model"])) == 2
