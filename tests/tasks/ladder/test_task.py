"""Samples of the ladder: matched groups, floors at one half, answers that follow from the question alone."""

import itertools
import random
import re
from fractions import Fraction

import ladder_acceptance as acceptance
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError, UsageError
from harness.options import build
from harness.reading.yes_no import READER
from harness.results import audit, evenness
from harness.tasks.ladder import rungs
from harness.tasks.ladder.measures import Measures
from harness.tasks.ladder.task import KINDS, Ladder
from harness.types import Outcome, Sample

STORED = ("answer", "rung1", "first_two", "larger", "verdict", "names", "order", "asked", "wording")
"""Params that are no part of the question."""
SETTINGS = [
    *({"kind": kind} for kind in KINDS),
    {"form": "number"},
    {"kind": "table", "graphs": "all"},
    {"kind": "chain", "asked": "all", "lengths": "3"},
]
"""Options under which every promise is held."""


def ladder(**options: str) -> Ladder:
    return build(Ladder, options, "task ladder")


def samples(limit: int, seed: int = 0, **options: str) -> list[Sample]:
    return list(itertools.islice(ladder(**options).samples(seed), limit))


def groups(made: list[Sample]) -> list[list[Sample]]:
    return [list(group) for _, group in itertools.groupby(made, key=lambda s: s.group)]


@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_groups_are_whole_and_conditions_are_all_there(options: dict[str, str]) -> None:
    task = ladder(**options)
    made = samples(task.limit, **options)
    found = groups(made)
    assert len(found) == KINDS[task.kind].default
    assert len({len(group) for group in found}) == 1
    assert len({s.id for s in made}) == len(made)
    assert all(len({s.condition for s in group}) == len(group) for group in found)
    assert made == samples(task.limit, **options), "the same seed gives the same"
    texts = [{s.messages[0].content for s in samples(40, seed, **options)} for seed in (0, 1)]
    assert len(texts[0] & texts[1]) <= (12 if task.kind == "equivalence" else 0), "there are only so many classes"


@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_answers_follow_from_the_question_alone(options: dict[str, str]) -> None:
    task = ladder(**options)
    for sample in samples(60, **options):
        question = {key: value for key, value in sample.params.items() if key not in STORED}
        read_back = {key: list(v) if isinstance(v, tuple) else v for key, v in question.items()}
        for response in ("Answer: yes", "Answer: no", f"Answer: {sample.target}"):
            assert task.score(question, response) == task.score(sample.params, response)
            assert task.score(read_back, response) == task.score(sample.params, response)
        assert task.score(question, task.baseline("oracle", sample, random.Random(0))).value == 1


def test_only_the_question_differs_between_rungs() -> None:
    for group in groups(samples(96)):
        for _, same in itertools.groupby(group, key=lambda s: s.params["names"]):
            texts = [s.messages[0].content.split("\n\n") for s in same]
            assert len({tuple(text[:-1]) for text in texts}) == 1
            assert len({text[-1] for text in texts}) == 3


def test_names_change_no_number_and_no_answer() -> None:
    for group in groups(samples(96)):
        for rung in ("association", "intervention", "counterfactual"):
            same = [s for s in group if s.params["rung"] == rung]
            assert len({tuple(re.findall(r"\d+", s.messages[0].content)) for s in same}) == 1
            assert len({s.target for s in same}) == 1


def test_what_is_known_of_the_words_fits_the_effect_in_commonsense_names_alone() -> None:
    for group in groups(samples(396)):
        by_name = {s.params["names"]: s for s in group if s.params["rung"] == "intervention"}
        more = by_name["letters"].target == "yes"
        more = more if by_name["letters"].params["polarity"] == "more" else not more
        known = {name: "smoke" in s.messages[0].content for name, s in by_name.items()}
        assert not known["commonsense"] or more, "smoking is known to make a cough more frequent"
        assert not known["anticommonsense"] or not more


def test_under_another_graph_the_table_is_the_same_and_rung_2_is_not() -> None:
    for group in groups(samples(96, kind="table")):
        tables = {re.search(r"people\n([^a-z]*(?:yes|no).*?)\n\n", s.messages[0].content, re.S)[1] for s in group}
        assert len(tables) == 1
        for rung, expected in (("association", 1), ("intervention", 2)):
            assert len({s.target for s in group if s.params["rung"] == rung}) == expected


def test_a_lamp_that_is_turned_and_one_that_had_been_turned_have_other_answers() -> None:
    for group in groups(samples(96, kind="boolean")):
        assert {s.params["rung"]: s.target for s in group} in (
            {"intervention": "yes", "counterfactual": "no"},
            {"intervention": "no", "counterfactual": "yes"},
        )


def test_half_of_the_hypotheses_follow_within_each_relation() -> None:
    made = [s for s in samples(16 * 6, kind="equivalence") if s.condition == "plain/letters"]
    for relation in ("direct", "indirect", "effect", "cause"):
        answers = [s.target for s in made if s.params["relation"] == relation]
        assert answers.count("yes") * 2 == len(answers) > 0


def test_the_look_of_a_pair_says_nothing_about_its_hypothesis() -> None:
    made = samples(16 * 150, kind="equivalence", names="letters", wording="plain")
    ((_, found),) = [row for row in acceptance.floors(made, lambda s: "all") if row[0] == "shallow"]
    assert abs(found["all"] - 0.5) < 0.04


@pytest.mark.parametrize("kind", ["ladder", "table", "boolean", "chain"])
def test_floors_are_at_one_half(kind: str) -> None:
    made = [s for s in samples({"chain": 36 * 24}.get(kind, 1600), kind=kind) if "rung" in s.params or kind == "chain"]
    for name, found in acceptance.floors(made, lambda s: str(s.params.get("rung", "all"))):
        for cell, value in found.items():
            sure = 1.0 if name in ("rung1", "shallow") and cell == "association" else 0.5
            few = 0.13 if name in ("random", "first_two") or kind == "chain" else 0.03
            assert abs(value - sure) <= few, (name, cell)


@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_conditions_differ_in_nothing_that_is_not_declared(options: dict[str, str]) -> None:
    assert audit.warnings(audit.audit(ladder(**options), samples(288, **options))) == []


@pytest.mark.parametrize("options", [{"form": "number"}, *({"kind": kind} for kind in KINDS)], ids=str)
def test_every_common_style_is_read_as_meant(options: dict[str, str]) -> None:
    first = {s.condition: s for s in samples(120, **options)}
    rows = evenness.read_styles(ladder(**options), list(first.values())[:6])
    assert [row for row in rows if row.meant < row.n] == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes", "yes"),
        ("no.", "no"),
        ("**No**, because the lamp is off.", "no"),
        ("No, they would not.", "no"),
        ("Let me see. 30 of 100 is less than 40 of 100, so no effect remains.\n\nAnswer: yes", "yes"),
        ("There is no effect of the first kind.\nSo the answer is yes.", "yes"),
        ("Is it more frequent? Yes, it is.", "yes"),
        ("Answer: yes or no", None),
        ("There is no lamp that is on.", None),
        ("The answer is: **No**", "no"),
        ("Answer: True", "yes"),
        ("答えはyesです。", "yes"),
        ("\\boxed{\\text{No}}", "no"),
        ("Yes. Wait, that's wrong. Answer: no", "no"),
    ],
)
def test_a_yes_or_no_is_read_where_it_is_said(text: str, answer: str | None) -> None:
    from harness.reading import commitment

    assert commitment.read(text, READER)[0].value == answer


@pytest.mark.parametrize(
    ("text", "percentage"),
    [
        ("Answer: 46,07 %", "46.07"),
        ("46,1%", "46.1"),
        ("Ungefähr 46,1%.", "46.1"),
        ("It is about 46.1%.", "46.1"),
        ("\\boxed{46{,}1\\%}", "46.1"),
        ("Answer: 46,075%", "46.075"),
        ("Answer: 1,000", "1000"),
    ],
)
def test_percentages_may_have_a_decimal_comma_or_be_rounded(text: str, percentage: str | None) -> None:
    from harness.reading import commitment, percentages

    assert commitment.read(text, percentages.reader())[0].value == percentage


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=80), st.sampled_from(sorted(KINDS)))
def test_no_text_makes_the_scorer_fail(text: str, kind: str) -> None:
    task = ladder(kind=kind)
    sample = samples(1, kind=kind)[0]
    assert isinstance(task.score(sample.params, text).outcome, Outcome)
    assert isinstance(task.score(sample.params, f"Answer: {text} yes").outcome, Outcome)
    if kind == "ladder":
        number = samples(1, form="number")[0]
        assert isinstance(task.score(number.params, f"Answer: {text}%").outcome, Outcome)


def test_percentages_have_two_places_and_at_rung_2_these_are_all_there_are() -> None:
    for sample in samples(96, form="number"):
        assert re.fullmatch(r"\d+\.\d\d", sample.target)
        off = Fraction(sample.target) - rungs.exact(sample.params)
        assert -Fraction(1, 200) < off <= Fraction(1, 200)
        assert off == 0 or sample.params["rung"] != "intervention"


@pytest.mark.parametrize(
    ("exact", "said"), [("12.345", "12.35"), ("12.335", "12.34"), ("0.004", "0.00"), ("5", "5.00")]
)
def test_half_a_hundredth_is_rounded_up(exact: str, said: str) -> None:
    assert rungs.decimal(Fraction(exact)) == said


def test_a_percentage_may_be_off_by_a_twentieth_of_a_point() -> None:
    task, sample = ladder(form="number"), samples(1, form="number")[0]
    right = float(sample.target)
    for said, value in ((f"{right}%", 1), (f"{right + 0.2:.1f}", 0), (f"{right - 0.2:.1f} percent", 0)):
        score = task.score(sample.params, f"Answer: {said}")
        assert score.value == value
        assert score.detail["points_off"] <= 0.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "table", "names": "commonsense"}, "kind table has no names 'commonsense'"),
        ({"kind": "boolean", "rungs": "association"}, "kind boolean has no association"),
        ({"kind": "table", "rungs": "counterfactual"}, "kind table has no counterfactual"),
        ({"kind": "table", "rungs": "association,counterfactual"}, "kind table has no counterfactual"),
        ({"kind": "chain", "form": "number"}, "option form has no effect on kind chain"),
        ({"lengths": "2"}, "2 is not between 3 and 8"),
        ({"graphs": "fork"}, "there is no 'fork'"),
    ],
)
def test_what_a_kind_does_not_have_is_said(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ladder(**options)


@pytest.mark.parametrize(
    "params",
    [
        {"kind": "ladder", "rung": "association", "form": "yesno", "polarity": "more"},
        {"kind": "ladder", "rung": "association", "form": "yesno", "polarity": "more", "world": [1, 2]},
        {"kind": "table", "rung": "association", "polarity": "more", "table": [0] * 8},
        {"kind": "boolean", "rung": "intervention", "polarity": "more", "rules": ["and 0"], "seen": []},
        {"kind": "boolean", "rung": "intervention", "polarity": "more", "rules": ["nor 0 9"], "seen": [], "lamp": 0,
         "value": 1, "target": 0},
        {"kind": "chain", "links": [1], "pair": [0, 1]},
        {"kind": "equivalence", "variables": 3, "relation": "direct", "independences": [9], "pair": [0, 1]},
        {"kind": "equivalence", "variables": 9},
        {"kind": "equivalence", "variables": []},
        {"kind": "table", "rung": "association", "polarity": "more", "table": []},
        {"kind": "table", "rung": [], "polarity": "more", "table": [1] * 8},
        {"kind": "boolean", "rung": "intervention", "polarity": "more", "rules": "x", "seen": [], "lamp": 0,
         "value": 1, "target": 0},
    ],
)  # fmt: skip
def test_params_of_no_sample_are_refused_in_words(params: dict) -> None:
    with pytest.raises(DataError, match="ladder sample"):
        ladder().score(params, "Answer: yes")


@pytest.mark.parametrize(
    ("kind", "option"),
    [("ladder", {"lengths": "3"}), ("table", {"orders": "forward"}), ("boolean", {"asked": "whole"}),
     ("ladder", {"graphs": "mediator"}), ("chain", {"n": "3"}), ("table", {"wording": "plain"}),
     ("chain", {"rungs": "association"}), ("equivalence", {"rungs": "association"}), ("boolean", {"form": "number"})],
)  # fmt: skip
def test_an_option_of_another_kind_is_refused(kind: str, option: dict) -> None:
    (name,) = option
    with pytest.raises(UsageError, match=f"option {name} has no effect on kind {kind}"):
        ladder(kind=kind, **option)


def test_examples_are_of_the_sample_s_condition_and_of_other_worlds() -> None:
    for kind in KINDS:
        task, sample = ladder(kind=kind), samples(3, kind=kind)[2]
        shown = list(itertools.islice(task.examples(sample, random.Random(1)), 3))
        assert shown == list(itertools.islice(task.examples(sample, random.Random(1)), 3))
        assert all(example.answer.startswith("Answer: ") for example in shown)
        assert sample.messages[0].content not in [example.prompt for example in shown]


# What runs show ------------------------------------------------------------------------------------------------------


def record(sample: Sample, said: str) -> dict:
    right = said == sample.target
    return {
        "outcome": "correct" if right else "wrong", "value": float(right), "answer": said, "epoch": 1,
        "group": sample.group, "condition": sample.condition, "params": dict(sample.params), "detail": {},
    }  # fmt: skip


def shown(records: list[dict]) -> dict[str, list[tuple[str, ...]]]:
    collector = Measures()
    for one in records:
        collector.add(one)
    return {table.title.partition(":")[0]: list(table.rows) for table in collector.tables()}


def test_who_answers_rung_1_everywhere_is_shown_to_do_so() -> None:
    made = samples(32 * 3, names="letters")
    found = shown([record(s, str(s.params["rung1"])) for s in made])
    like = found["gives the answer of rung 1 when asked another, where it is wrong"]
    assert [(row[0], row[2][:5], row[2].split("n=")[1]) for row in like] == [
        ("intervention", "1.000", "16"), ("counterfactual", "1.000", "16")
    ]  # fmt: skip
    assert found["ladder consistency"][0][2].startswith("0.250")
    right = shown([record(s, s.target) for s in made])
    assert right["ladder consistency"][0][2].startswith("1.000")
    assert {row[2][:5] for row in right["accuracy by polarity of the question"]} == {"1.000"}


def test_f1_stands_beside_accuracy() -> None:
    made = samples(16 * 7, kind="equivalence", names="letters", wording="plain")
    [(_, *found)] = shown([record(s, "yes") for s in made])["hypotheses that are valid"]
    assert [share[:5] for share in found] == ["0.500", "1.000", "0.667"]
    assert [share.split("n=")[1] for share in found] == ["112", "56", "168"]
    assert all(re.fullmatch(r"\S+ \[0\.\d+, [01]\.\d+\] n=\d+", share) for share in found)


def test_points_off_have_an_interval_and_its_groups_are_what_counts() -> None:
    made = [record(s, s.target) for s in samples(96, form="number")]
    for one, off in zip(made, random.Random(0).choices((0.1, 2.0, 9.0), k=96), strict=True):
        one["detail"] = {"points_off": off}
    rows = shown(made)["points off"]
    twice = shown([{**one, "epoch": epoch} for one in made for epoch in (1, 2)])["points off"]
    assert len(rows) > 1
    for (_, mean, interval, n), again in zip(rows, twice, strict=True):
        low, high = map(float, interval.strip("[]").split(", "))
        assert 0 < low < float(mean) < high
        assert again[1:] == (mean, interval, str(2 * int(n)))
