"""What `harness stats` says of records whose truth is known."""

import pytest

from harness.errors import UsageError
from harness.results.counts import Contrasts
from harness.results.effects import Effects
from harness.text import Extra


def record(group: int, side: str, epoch: int, value: float | None, answer: str | None = None) -> dict:
    outcome = "truncated" if value is None else "correct" if value else "wrong"
    return {"task": "t", "id": f"{group}/{side}", "group": str(group), "condition": side, "epoch": epoch,
            "params": {"side": side}, "outcome": outcome, "value": value, "answer": answer}  # fmt: skip


def analyse(records: list[dict], order: tuple[str, ...] = (), adjust: tuple[str, ...] = ()) -> list[Extra]:
    contrasts, effects = Contrasts(["side"], order), Effects(adjust)
    for one in records:
        contrasts.add(one)
        effects.add(one)
    return effects.tables(contrasts)


def tables(records: list[dict]) -> dict[str, Extra]:
    return {table.title.partition(" ")[0]: table for table in analyse(records, ("a", "b"))}


def test_a_gap_is_an_odds_ratio_of_the_discordant_problems() -> None:
    right = [(1, 0)] * 12 + [(0, 1)] * 4 + [(1, 1)] * 10
    records = [record(g, side, 1, float(v)) for g, pair in enumerate(right) for side, v in zip("ab", pair, strict=True)]
    ((name, model, ratio, limits, p, telling),) = tables(records)["odds"].rows
    assert (name, model, ratio, telling) == ("side: b / a", "conditional", "0.333", "16 of 26")
    assert limits == "[0.0932, 0.957]"
    assert p == "0.041"


@pytest.mark.parametrize("better", ["a", "b"])
def test_an_odds_ratio_without_a_finite_estimate_is_explained_under_the_table(better: str) -> None:
    records = [record(g, side, 1, float(side == better)) for g in range(12) for side in "ab"]
    table = tables(records)["odds"]
    assert table.rows[0][2] == ("0" if better == "a" else "inf")
    assert "inf or 0" in table.note
    assert table.render().endswith(table.note)
    finite = [record(g, side, e, float(e % 3 > (side == "b"))) for g in range(9) for e in range(6) for side in "ab"]
    assert not tables(finite)["odds"].note


def test_problems_without_an_answer_at_one_level_bring_in_the_mixed_model() -> None:
    records = [record(g, side, 1, None if (g, side) in ((0, "a"), (1, "b")) else float((g + (side == "b")) % 3 > 0))
               for g in range(30) for side in "ab"]  # fmt: skip
    assert [row[1] for row in tables(records)["odds"].rows] == ["conditional", "mixed model"]


def test_the_size_says_what_would_show_and_what_it_takes() -> None:
    records = [record(g, side, 1, float(g % 4 > (side == "b"))) for g in range(40) for side in "ab"]
    (row,) = tables(records)["what"].rows
    assert row[:2] == ("side: b - a", "40")
    assert float(row[3]) > 0.05
    assert int(row[4]) > 40
    assert int(row[5]) > int(row[4])


def test_repeats_are_drawn_without_bias_and_levels_that_differ_fluctuate() -> None:
    """Side a is right in 3 of 4 answers, side b in 1 of 4; wrong answers agree with each other."""
    records = [
        record(g, side, e, float(right), "4" if right else "5")
        for g in range(12)
        for side, share in (("a", 3), ("b", 1))
        for e in range(1, 5)
        for right in [e <= share]
    ]
    found = tables(records)
    rows = {(row[0], row[1]): row[2:] for row in found["answers"].rows}
    assert rows["a", "2"][0].startswith("1.000")
    assert rows["b", "2"][0].startswith("0.500")
    assert rows["a", "2"][1].startswith("0.500")
    assert rows["a", "4"][2].startswith("1.000")
    assert rows["b", "4"][2].startswith("0.000")
    assert rows["all", "4"][3:] == ("24", "96")
    (row,) = found["fluctuation"].rows
    assert row[:4] == ("side", "12", "24", "96")
    assert float(row[6]) < 0.1  # it asks for no direction, and so sees less than the gap's test


def test_odds_are_adjusted_for_a_feature_of_the_prompts() -> None:
    """The feature is read from the records' prompts; one that goes with the level is said to tell nothing."""
    records = []
    for g in range(60):
        for i, side in enumerate("ab"):
            length = 10 + (7 * g + 3 * i) % 11
            text = {"input": [{"role": "user", "content": "x" * length}], "target": "4"}
            records.append(record(g, side, 1, float((g * 5 + i * 3) % 7 > 2)) | text)
    rows = analyse(records, ("a", "b"), ("length",))[0].rows
    assert [row[1] for row in rows] == ["conditional", "adjusted for length"]
    assert rows[1][2] != "-"
    for r in records:
        r["input"] = [{"role": "user", "content": "x" * (10 + (r["condition"] == "b"))}]
    assert analyse(records, ("a", "b"), ("length",))[0].rows[1][2] == "-"
    with pytest.raises(UsageError, match="no feature 'lenght'"):
        analyse(records, adjust=("lenght",))


def test_one_condition_asked_once_has_nothing_to_add() -> None:
    assert analyse([record(g, "a", 1, 1.0) for g in range(9)]) == []
