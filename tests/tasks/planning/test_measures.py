"""What a table of planning runs shows beside accuracy."""

from harness.statistics.curve import Point, half_point
from harness.tasks.planning.measures import Measures


def extras(records: list[dict]) -> list:
    collector = Measures()
    for record in records:
        collector.add(record)
    return collector.tables()


def record(group: str, outcome: str = "correct", params: dict | None = None, **detail: object) -> dict:
    asked = {"ability": "plan_generation", "optimal_cost": 4, "solvable": "yes"} | (params or {})
    answer = {"condition": "c", "group": group, "outcome": outcome, "response": "x"}
    return answer | {"value": float(outcome == "correct"), "params": asked, "detail": detail}


def table(records: list[dict], title: str) -> list[tuple[str, ...]]:
    return next((list(e.rows) for e in extras(records) if e.title.startswith(title)), [])


def test_each_stage_counts_all_answers_with_a_verdict() -> None:
    records = [
        record("a", steps=4, executable=4, goal=True, gap=0, optimal=True),
        record("b", steps=6, executable=6, goal=True, gap=2, optimal=False),
        record("c", "wrong", steps=4, executable=4, goal=False, gap=None, optimal=None),
        record("d", "wrong", steps=4, executable=1, goal=False, gap=None, optimal=None),
        record("e", "unparsed", reason="no steps"),
        record("f", "truncated"),
    ]
    ((_, n, *shares),) = table(records, "how far")
    assert n == "5"
    assert [share[:5] for share in shares] == ["1.000", "0.800", "0.600", "0.400", "0.200"]
    ((_, valid, gap, prefix, read),) = table(records, "length of plans")
    assert (valid, gap[:6], prefix, read) == ("2", "+0.250", "0.812 [0.000, 1.000]", "4")


def test_how_far_plans_get_never_rises() -> None:
    """Of some problems the length of a shortest plan is not known: `optimal` would have another denominator."""
    known = [record("a", steps=4, executable=4, goal=True, gap=0, optimal=True)]
    unknown = [record(g, "wrong", {"optimal_cost": None}, steps=4, executable=1, goal=False) for g in "bcd"]
    ((_, _, *shares),) = table(known + unknown, "how far")
    assert [share[:5] for share in shares] == ["1.000", "1.000", "0.250", "0.250", "-"]
    ((*_, shortest, of),) = table(known + unknown, "length of plans")
    assert (shortest[:5], of) == ("1.000", "1")


def test_no_plan_has_less_than_no_steps() -> None:
    few = [Point(2, 1, 1), Point(2, 0, 1), Point(4, 1, 2), Point(6, 0, 1), Point(8, 1, 3)] * 3
    assert "[-" not in half_point(few)


def test_problems_without_a_plan_are_not_in_the_funnel() -> None:
    assert table([record("a", params={"solvable": "no"})], "how far") == []


def test_balanced_accuracy_gives_a_frequent_kind_no_weight() -> None:
    def verdict(group: str, kind: str, right: bool) -> dict:
        detail = dict.fromkeys(("binary", "type", "explanation"), right)
        return record(
            group, "correct" if right else "wrong", params={"ability": "plan_verification", "plan_kind": kind}, **detail
        )

    records = [verdict(f"v{i}", "valid", True) for i in range(8)]
    records += [verdict("p", "precondition", False), verdict("g", "goal", False)]
    rows = {row[1]: row for row in table(records, "verification")}
    assert rows["binary"][3].startswith("0.500")
    assert rows["type"][3].startswith("0.333")
    assert rows["type"][2] == "10"


def test_the_length_at_which_half_are_right_is_where_the_curve_crosses() -> None:
    points = [(length, float(i < 40 - 4 * length), 1) for length in range(1, 10) for i in range(40)]
    text = half_point([Point(*point) for point in points])
    value, low, high = (float(x) for x in text.replace("[", "").replace("]", "").replace(",", "").split())
    assert low < value < high
    assert abs(value - 5) < 0.1


def test_what_can_not_be_fitted_is_said_in_words() -> None:
    def points(rows: list[tuple[float, float, int]]) -> list[Point]:
        return [Point(*row) for row in rows]

    guessed = points(
        [(x, k, 10) for x in (1, 2, 3, 4, 5) for k in (10, 9)] + [(x, k, 10) for x in (8, 9) for k in (5, 6)]
    )
    with_chance, without = (float(half_point(guessed, chance).split()[0]) for chance in (0.5, 0.0))
    assert 5 < with_chance < 9 < without, "of two answers, half of them right is guessing"
    assert "all right" in half_point(points([(2, 1, 1), (4, 1, 1)]))
    assert "none right" in half_point(points([(2, 0, 1), (4, 0, 1)]))
    assert "no curve" in half_point(points([(2, 1, 1), (4, 0, 1), (6, 0, 1)]))
    assert "does not fall" in half_point(points([(2, 0, 1), (2, 1, 1), (4, 1, 1), (4, 0, 1), (6, 1, 1), (6, 1, 1)]))
