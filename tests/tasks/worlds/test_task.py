"""Worlds: matched groups in which another world has another answer, found twice; honest floors; even reading."""

import itertools
import random
import re
from collections import Counter, defaultdict

import pytest
import worlds as acceptance
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError, UsageError
from harness.options import build
from harness.results import audit
from harness.tasks.worlds.cards import is_set, is_set_by_sums
from harness.tasks.worlds.rooms import COMPASS, carried_over, walked
from harness.tasks.worlds.task import KINDS, Worlds
from harness.types import Outcome, Sample

NAMED = ("spatial", "set", "music")
"""Kinds whose answers are names of things or people."""


def test_a_length_is_refused_by_kinds_that_have_none() -> None:
    with pytest.raises(UsageError, match="option length has no effect on kind set"):
        build(Worlds, {"kind": "set", "length": "8"}, "worlds")
    assert build(Worlds, {"kind": "set,code", "length": "8"}, "worlds").length == 8


def made(limit: int | None = None, seed: int = 0, **options: str) -> tuple[Worlds, list[Sample]]:
    task = build(Worlds, options, "task worlds")
    return task, list(itertools.islice(task.samples(seed), limit or task.limit))


def test_default_is_fifty_problems_of_each_kind_in_all_worlds() -> None:
    task, samples = made()
    assert len(samples) == task.limit == 50 * 2 * (2 + 6 + 2 + 2 + 2)
    assert len({s.id for s in samples}) == len(samples)
    assert len({s.group for s in samples}) == 250
    assert [s.condition for s in samples[:5]] == [
        "code/default/direct", "code/default/check", "code/one/direct", "code/one/check", "spatial/default/direct",
    ]  # fmt: skip


def test_samples_of_a_group_stand_together_and_differ_in_the_stated_rule_alone() -> None:
    _, samples = made(480, prompt="all")
    groups = [list(g) for _, g in itertools.groupby(samples, key=lambda s: s.group)]
    assert len(groups) == len({s.group for s in samples})
    for group in groups:
        for prompt in ("direct", "cot", "check"):
            asked = [s.messages[0].content for s in group if s.params["prompt"] == prompt]
            said = {text.partition("\n\n")[2] for text in asked}
            assert len(said) == 1, "below the rule the text is the same in all worlds"
            assert len(set(asked)) == len(asked), "the rule is stated in every world"


@pytest.mark.parametrize("kind", KINDS)
def test_each_other_world_has_another_answer(kind: str) -> None:
    _, samples = made(300, kind=kind, prompt="direct")
    for _, group in itertools.groupby(samples, key=lambda s: s.group):
        answers = [s.target for s in group]
        assert len(set(answers)) == len(answers)


@pytest.mark.parametrize("steps", [2, 4, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_is_found_again_from_the_prompt_by_another_way(kind: str, steps: int) -> None:
    if kind == "chess":
        pytest.importorskip("chess")
    found = acceptance.row(kind, steps, 40)
    assert found["found again"] == found["samples"]
    assert found["same as default"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_baselines_are_at_the_floors_that_the_readme_states(kind: str) -> None:
    if kind == "chess":
        pytest.importorskip("chess")
    found = acceptance.row(kind, 4, 400)
    asked = found["default"] + found["other"]
    floor = {"code": 0.10, "spatial": 1 / 8, "chess": 1 / 2, "set": 1 / 8, "music": 1 / 8}[kind]
    assert found["floor"] / asked == pytest.approx(floor, abs=0.01)
    assert found["oracle default"] + found["oracle other"] == asked
    assert (found["shallow default"], found.get("shallow other", 0)) == (found["default"], 0)
    by_chance = (found["random default"] + found["random other"]) / asked
    assert by_chance == pytest.approx(floor, abs=4 * (floor * (1 - floor) / asked) ** 0.5 + 0.01)


def test_a_check_has_floors_of_its_own() -> None:
    task, samples = made(2400, prompt="check")
    right: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        kind, world = sample.params["kind"], sample.params["world"]
        right[f"random {kind}"].append(1 / len(sample.params["candidates"]))
        scored = task.score(sample.params, task.baseline("shallow", sample, random.Random(0)))
        right[f"shallow {kind} {world}"].append(scored.value)
    shares = {name: sum(values) / len(values) for name, values in right.items()}
    floors = {"code": 1 / 6, "spatial": 1 / 4, "chess": 1 / 2, "set": 1 / 2, "music": 1 / 2}
    for kind, floor in floors.items():
        assert shares[f"random {kind}"] == pytest.approx(floor)
        assert shares[f"shallow {kind} default"] == 1
    other = ("code one", "chess swapped", "set twisted", "music retuned")
    assert {shares[f"shallow {name}"] for name in other} == {0}
    assert shares["shallow spatial swap_ns"] == pytest.approx(0.5, abs=0.15)
    assert shares["shallow spatial turn_90"] == 0


def test_openings_are_legal_in_one_world_each_in_turn_whatever_kinds_are_asked() -> None:
    for kinds in ("chess", "code,chess", "all"):
        _, samples = made(192, kind=kinds, prompt="direct")
        legal = Counter(s.params["world"] for s in samples if s.target == "legal")
        assert legal["default"] == legal["swapped"] > 0


def test_a_problem_does_not_depend_on_which_other_kinds_or_prompts_are_asked() -> None:
    alone = {s.id: s for s in made(40, kind="set", prompt="check")[1]}
    among = {s.id: s for s in made(300, prompt="all")[1]}
    shared = alone.keys() & among.keys()
    assert len(shared) > 10
    assert all(alone[i] == among[i] for i in shared)


def test_same_seed_same_samples_and_neighbouring_seeds_share_none() -> None:
    assert made(100, 5)[1] == made(100, 5)[1]
    texts = [{s.messages[0].content for s in made(480, seed, prompt="direct")[1]} for seed in (1, 2)]
    assert not texts[0] & texts[1]


@given(st.lists(st.tuples(st.sampled_from(("north", "east", "south", "west")), st.integers(1, 9)), max_size=9))
@settings(deadline=None, max_examples=50)
def test_a_walk_leg_by_leg_ends_where_the_matrix_carries_its_sum(legs: list[tuple[str, int]]) -> None:
    for world in COMPASS:
        assert walked(legs, world) == carried_over(walked(legs, "default"), world)


def test_the_two_rules_of_a_set_agree_on_every_three_cards() -> None:
    cards = [(n, s, 0, n) for n in range(3) for s in range(3)]
    for three in itertools.product(cards, repeat=3):
        for twisted in (None, 0, 1, 2, 3):
            assert is_set(three, twisted) == is_set_by_sums(three, twisted)


def test_the_two_right_cards_do_not_stand_out() -> None:
    """The eight cards are four pairs that differ in one feature alone, the same one."""
    _, samples = made(80, kind="set", prompt="direct")
    for sample in samples:
        shown = re.findall(r"^- [A-Z]\w+: (.*)$", sample.messages[0].content, re.M)
        cards = [tuple(card.rstrip("s").split()) for card in shown]
        assert len(set(cards)) == 8
        pairs = Counter(
            differs[0]
            for a, b in itertools.combinations(cards, 2)
            if len(differs := [i for i in range(4) if a[i] != b[i]]) == 1
        )
        assert max(pairs.values()) >= 4


def test_the_two_who_play_the_note_do_not_stand_out() -> None:
    """All eight play one of the two strings that are retuned, and each fret is played twice."""
    _, samples = made(80, kind="music", prompt="direct")
    for _, group in itertools.groupby(samples, key=lambda s: s.group):
        one, other = (s.messages[0].content for s in group)
        before, after = (re.findall(r"string (\d)(?: sounds)? the note (\w)", text) for text in (one, other))
        retuned = {string for (string, a), (_, b) in zip(before, after, strict=True) if a != b}
        played = re.findall(r": string (\d), fret (\d+)", one)
        assert Counter(string for string, _ in played) == dict.fromkeys(retuned, 4)
        assert set(Counter(fret for _, fret in played).values()) == {2}


def test_conditions_are_matched() -> None:
    for kind in KINDS:
        task, samples = made(kind=kind)
        assert audit.warnings(audit.audit(task, samples)) == []


def test_examples_are_right_in_the_sample_s_form_and_share_nothing_with_samples() -> None:
    task, samples = made(96, prompt="all")
    asked = {s.messages[0].content for s in samples}
    named = [s for s in samples if s.params["kind"] in NAMED and s.params["prompt"] == "direct"]
    objects = {name for s in named for name in s.params["candidates"]}
    for sample in samples:
        shown = list(itertools.islice(task.examples(sample, random.Random(1)), 3))
        rule = sample.messages[0].content.partition("\n\n")[0]
        for prompt, _ in shown:
            assert prompt not in asked
            if sample.params["kind"] not in ("set", "music"):
                assert prompt.startswith(rule), "in the sample's own world"
            if sample.params["kind"] in NAMED and sample.params["prompt"] != "check":
                assert not any(re.search(rf"\b{name}\b", prompt) for name in objects)
        first = [s for s in samples if s.group == sample.group and s.params["prompt"] == sample.params["prompt"]]
        same = {next(task.examples(s, random.Random(1))).prompt.partition("\n\n")[2] for s in first}
        assert len(same) == 1, "samples of one group get the same examples"
    for prompt, answer in itertools.islice(task.examples(None, random.Random(2)), 40):
        assert "End the response" in prompt or "end the response" in prompt
        assert answer


# Scoring --------------------------------------------------------------------------------------------------------------

LEGAL = {"kind": "chess", "answer": "illegal", "default_answer": "legal", "candidates": ("illegal", "legal")}
LAMP = {"kind": "spatial", "answer": "lamp", "default_answer": "oven", "candidates": ("lamp", "oven", "rug")}
NUMBER = {"kind": "code", "answer": "46", "default_answer": "76", "candidates": ("46", "76")}


@pytest.mark.parametrize(
    ("params", "response", "outcome"),
    [
        (LEGAL, "Answer: illegal", "correct"),
        (LEGAL, "The third move can't be made, so the opening is not legal.", "correct"),
        (LEGAL, "The opening isn't legal.", "correct"),
        (LEGAL, "1. Nc3 is fine, and all other moves too.\n\nAnswer: Legal", "wrong"),
        (LEGAL, "Answer: legal or illegal", "unparsed"),
        (LAMP, '{"answer": "lamp"}', "correct"),
        (LAMP, 'I walk to (3, 4).\n```json\n{"answer": "lamp"}\n```', "correct"),
        (LAMP, '{"reasoning": "the oven is far off", "answer": "Lamp"}', "correct"),
        (LAMP, '{"answer": "oven"}', "wrong"),
        (LAMP, '{"answer": "fridge"}', "wrong"),
        (NUMBER, "It prints 46.", "correct"),
        (NUMBER, "The program prints `46`. In Python it would print 76.", "correct"),
        (NUMBER, "xs is [1, 2, 76]. So it prints\n\nAnswer: **46**", "correct"),
        (NUMBER, "Answer: [46]", "correct"),
        (NUMBER, "xs[3] is 46, so the program prints 46. In Python it would be 76.", "correct"),
        (NUMBER, "So it would be 46.", "correct"),
        (LEGAL, "In normal chess it would be legal. Here one of the moves is illegal.", "correct"),
        (LEGAL, "None of its moves is illegal.", "wrong"),
        (NUMBER, "Answer: 76", "wrong"),
        (NUMBER, "", "unparsed"),
    ],
)
def test_responses_are_read_as_a_person_would(params: dict, response: str, outcome: str) -> None:
    task = Worlds()
    assert task.score(params, response).outcome is Outcome(outcome)


def test_an_answer_of_the_default_world_is_told_from_a_mere_mistake() -> None:
    task = Worlds()
    assert task.score(LAMP, '{"answer": "oven"}').detail == {"answered_as_default": True}
    assert task.score(LAMP, '{"answer": "rug"}').detail == {"answered_as_default": False}
    assert task.score(LAMP, "I can't tell").detail.get("answered_as_default") is None


@given(st.text(max_size=200), st.sampled_from((LEGAL, LAMP, NUMBER)), st.sampled_from(("stop", "length")))
@settings(deadline=None, max_examples=60)
def test_any_text_has_a_score(text: str, params: dict, stop: str) -> None:
    assert Worlds().score(params, text, stop).outcome in Outcome


@pytest.mark.parametrize(
    "params", [{}, LAMP | {"candidates": ()}, LAMP | {"answer": 7}, LAMP | {"default_answer": None}]
)
def test_params_that_are_no_sample_s_are_said(params: dict) -> None:
    with pytest.raises(DataError, match="params"):
        Worlds().score(params, "Answer: lamp")


def test_a_run_has_a_table_of_answers_as_in_the_default_world() -> None:
    task, samples = made(96)
    tally = task.collector()
    for sample in samples:
        given = task.baseline("shallow", sample, random.Random(0))
        scored = task.score(sample.params, given)
        record = {"params": sample.params, "group": sample.group, "condition": sample.condition}
        tally.add({**record, "outcome": scored.outcome.value, "value": scored.value, "detail": dict(scored.detail)})
    [table] = tally.tables()
    rows = {condition: (right, default) for condition, right, default in table.rows}
    assert "code/default/direct" not in rows
    assert rows["code/one/direct"][0].startswith("0.000")
    assert rows["code/one/direct"][1].startswith("1.000")
    assert type(task).collector().tables() == []


def test_unknown_options_are_said() -> None:
    for options in ({"kind": "drawing"}, {"length": "1"}, {"prompt": "shout"}):
        with pytest.raises(UsageError):
            build(Worlds, options, "task worlds")
