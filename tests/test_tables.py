"""Tables: denominators, gaps between matched conditions, and what is left out."""

import pytest

from harness import tables
from harness.errors import UsageError


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


def test_the_worst_condition_is_named() -> None:
    rows = [record("g1", "a", "correct"), record("g1", "b", "wrong")]
    assert contrasts(rows).worst()[0] == "b"


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
