"""Game of 24 samples: matched groups, puzzles that never leak into prompts, and baselines that mean what they say."""

import itertools
import random
import re
from pathlib import Path

import pytest

from harness.errors import DataError, HarnessError, UsageError
from harness.options import build
from harness.reading.expressions import NoValueError, parse
from harness.tasks.game24 import shots, solver
from harness.tasks.game24.prompts import PROMPT_TYPES
from harness.tasks.game24.puzzles import puzzles
from harness.tasks.game24.task import Game24
from harness.types import Outcome

EVERY_PROMPT = ",".join(PROMPT_TYPES)
TEST_PUZZLES = {puzzle.numbers for puzzle in puzzles()}


def game24(**options: str) -> Game24:
    return build(Game24, options, "task game24")


def samples(task: Game24, seed: int = 0, limit: int | None = None):
    return list(itertools.islice(task.samples(seed), limit))


def groups(task: Game24, seed: int = 0, limit: int | None = None):
    return [list(group) for _, group in itertools.groupby(samples(task, seed, limit), key=lambda s: s.group)]


def test_default_is_a_hundred_puzzles_in_three_conditions_with_the_published_decoding() -> None:
    task = game24()
    made = groups(task)
    assert len(made) == 100
    assert {tuple(s.condition for s in group) for group in made} == {
        ("24/solvable/zero_shot", "other/solvable/zero_shot", "other/unsolvable/zero_shot")
    }
    assert {s.params["index"] for group in made for s in group} == set(range(900, 1000))
    assert (task.sampling.temperature, task.sampling.max_tokens, task.epochs) == (0.7, 1000, 1)


def test_samples_of_a_group_differ_in_the_target_alone() -> None:
    for group in groups(game24(indices="all")):
        assert len({s.params["numbers"] for s in group}) == 1
        texts = {re.sub(rf"\b{s.params['target']}\b", "N", s.messages[0].content) for s in group}
        assert len({t.partition("from the numbers")[0] + t.partition("use each")[2] for t in texts}) == 1
        assert len({len(s.messages[0].content) for s in group}) == 1


def test_conditions_say_what_the_factors_are() -> None:
    for sample in samples(game24(prompt=EVERY_PROMPT), limit=27):
        world, solvable, prompt = sample.condition.split("/")
        assert [sample.params[f] for f in Game24.factors] == [world, {"solvable": "yes"}.get(solvable, "no"), prompt]
        assert (world == "24") == (sample.params["target"] == 24)


def test_guarantees_hold_over_a_thousand_seeds() -> None:
    """Each group's targets can be made or can't, as it says; ids are unique; the seed draws the order alone."""
    task = game24(indices="all")
    checked = set()
    for seed in range(1000):
        made = samples(task, seed, 30)
        assert len({s.id for s in made}) == 30
        for sample in made:
            if sample.id in checked:
                continue
            checked.add(sample.id)
            numbers = tuple(map(int, str(sample.params["numbers"]).split()))
            assert numbers in TEST_PUZZLES
            assert solver.can_make(numbers, int(str(sample.params["target"]))) == (sample.params["solvable"] == "yes")
            assert (sample.target == shots.NO_SOLUTION) == (sample.params["solvable"] == "no")
    assert len(checked) > 4_000


def test_neighbouring_seeds_draw_different_puzzles_and_the_same_seed_the_same() -> None:
    task = game24(indices="all")
    first, second = ({s.group for s in samples(task, seed, 30)} for seed in (1, 2))
    assert len(first & second) < 3
    assert samples(task, 5, 30) == samples(task, 5, 30)
    assert {s.id for s in task.samples(1)} == {s.id for s in task.samples(2)}


@pytest.mark.parametrize("rule", ["robust", "original"])
def test_the_oracle_is_always_right(rule: str) -> None:
    everything = game24(indices="all", rule=rule)
    prompted = game24(prompt=EVERY_PROMPT, rule=rule, targets="24,other,unreachable,20")
    for task, limit in ((everything, None), (prompted, 120)):
        for sample in samples(task, limit=limit):
            answer = task.baseline("oracle", sample, random.Random(0))
            assert task.score(sample.params, answer).value == 1, (sample, answer)


def test_scoring_needs_neither_sample_nor_solvable_said() -> None:
    task = game24()
    for sample in samples(task, limit=30):
        params = {"numbers": sample.params["numbers"], "target": sample.params["target"]}
        assert task.score(params, task.baseline("oracle", sample, random.Random(0))).value == 1


def chance(numbers: list[int], target: int) -> float:
    """The share of right ones among all equally likely outcomes of the random baseline."""

    def outcomes(left: list[str]):
        if len(left) == 1:
            yield left[0]
        for i, j in itertools.permutations(range(len(left)), 2):
            rest = [part for k, part in enumerate(left) if k not in (i, j)]
            for operator in "+-*/":
                yield from outcomes([*rest, f"({left[i]} {operator} {left[j]})"])

    def right(text: str) -> bool:
        try:
            return parse(text).value() == target
        except NoValueError:
            return False

    verdicts = [right(text) for text in outcomes([str(n) for n in numbers])]
    return sum(verdicts) / len(verdicts)


def test_random_is_near_its_chance_level() -> None:
    task = game24(targets="24", indices="0")
    (sample,) = samples(task)
    numbers = [int(n) for n in str(sample.params["numbers"]).split()]
    expected, rng = chance(numbers, 24), random.Random(0)
    hits = sum(task.score(sample.params, task.baseline("random", sample, rng)).value for _ in range(5000))
    assert expected > 0.02
    assert hits / 5000 == pytest.approx(expected, abs=0.01)


def test_random_uses_the_right_numbers() -> None:
    task, rng = game24(prompt=EVERY_PROMPT), random.Random(0)
    for sample in samples(task, limit=90):
        score = task.score(sample.params, task.baseline("random", sample, rng))
        assert score.outcome in (Outcome.CORRECT, Outcome.WRONG)
        assert score.detail["reason"] in ("", "wrong_value")


def accuracy(kind: str, **options: str) -> float:
    task, rng = game24(**options), random.Random(0)
    values = [task.score(s.params, task.baseline(kind, s, rng)).value for s in samples(task)]
    return sum(values) / len(values)


@pytest.mark.parametrize(
    "options",
    [{}, {"rule": "original"}, {"targets": "24", "indices": "all"}, {"targets": "24,other", "indices": "all"}],
    ids=str,
)
def test_shallow_lies_between_random_and_oracle(options: dict[str, str]) -> None:
    assert accuracy("random", **options) < accuracy("shallow", **options) < accuracy("oracle", **options) == 1


def test_the_shortcut_serves_both_worlds_alike() -> None:
    """Were the other targets easier than 24, the gap between the worlds would show this and not what a model knows."""
    plain, other = (accuracy("shallow", targets=t, indices="all") for t in ("24", "other"))
    assert plain == pytest.approx(other, abs=0.03)
    plain, other = (accuracy("shallow", targets=t) for t in ("24", "other"))
    assert plain == pytest.approx(other, abs=0.05)


# Few-shot ---------------------------------------------------------------------------------------------------------


def puzzles_in(text: str) -> list[tuple[int, ...]]:
    """The number lists that a prompt shows: `Input: 4 5 6 10` and `numbers 4 5 6 10`."""
    return [tuple(sorted(map(int, m.split()))) for m in re.findall(r"(?:Input:|numbers) ([0-9]+(?: [0-9]+)+)", text)]


@pytest.mark.parametrize("targets", ["24,other,unreachable", "24,other", "24", "37"])
def test_few_shot_prompts_never_contain_a_test_puzzle(targets: str) -> None:
    for sample in samples(game24(prompt="standard,cot", targets=targets, indices="all"), limit=240):
        *worked, asked = puzzles_in(sample.messages[0].content)
        assert len(worked) == 5
        assert not TEST_PUZZLES & set(worked)
        assert asked in TEST_PUZZLES


def test_examples_never_contain_a_test_puzzle_and_are_right_by_both_rules() -> None:
    task = game24(prompt=EVERY_PROMPT)
    for sample in (None, *samples(task, limit=12)):
        for prompt, answer in itertools.islice(task.examples(sample, random.Random(1)), 20):
            assert not TEST_PUZZLES & set(puzzles_in(prompt)), prompt
            numbers = puzzles_in(prompt)[-1]
            (target,) = re.findall(r"Make (\d+) from", prompt)
            params = {"numbers": list(numbers), "target": int(target)}
            solvable = solver.can_make(numbers, int(target))
            for rule in ("robust", "original"):
                assert game24(rule=rule).score({**params, "solvable": solvable}, answer).value == 1, (prompt, answer)


def test_examples_have_the_target_of_the_sample_and_do_not_tell_if_it_has_a_solution() -> None:
    task = game24()
    by_solvable = {}
    for sample in samples(task, limit=30):
        shown = list(itertools.islice(task.examples(sample, random.Random(1)), 4))
        assert all(f"Make {sample.params['target']} from" in prompt for prompt, _ in shown)
        by_solvable.setdefault(sample.params["solvable"], set()).add(tuple("no solution" in a for _, a in shown))
    assert by_solvable["yes"] == by_solvable["no"] == {(False, True, False, True)}


@pytest.mark.parametrize("targets", ["24,other,unreachable", "24,other"])
def test_worked_examples_in_prompts_are_right_and_one_has_no_solution_if_some_have_none(targets: str) -> None:
    for sample in samples(game24(prompt="cot", targets=targets), limit=24):
        head, *worked = re.split(r"\nInput: ", sample.messages[0].content)[:-1]
        assert len(worked) == shots.SHOTS
        assert ("no solution" in head) == ("unreachable" in targets)
        assert sum(text.endswith("no solution") for text in worked) == ("unreachable" in targets)
        for text in worked:
            numbers, _, answer = text.partition("\n")
            assert Game24().score({"numbers": numbers, "target": sample.params["target"]}, answer).value == 1, text


def test_there_are_worked_examples_for_every_target_that_can_be_asked_for() -> None:
    for target in range(1, 101):
        for way_out in (False, True):
            worked = shots.published_form("standard", target, way_out).split("Input: ")[1:]
            assert len({text.partition("\n")[0] for text in worked}) == 5, "five different puzzles"
            for text in worked:
                numbers, _, answer = text.partition("\n")
                assert Game24().score({"numbers": numbers, "target": target}, answer).value == 1, text


def test_steps_of_worked_examples_are_true() -> None:
    text = shots.answer("cot", [3, 3, 8, 8], 24, "8 / (3 - 8 / 3)")
    assert text.splitlines() == [
        "Steps:",
        "8 / 3 = 8/3 (left: 8/3 3 8)",
        "3 - (8/3) = 1/3 (left: 1/3 8)",
        "8 / (1/3) = 24 (left: 24)",
        "Answer: 8 / (3 - 8 / 3) = 24",
    ]
    assert "Answer: 1 / (2 - 2)" in shots.answer("cot", [1, 2, 2], 24, "1 / (2 - 2)"), "no step divides by zero"


# Options ----------------------------------------------------------------------------------------------------------


def test_targets_asked_for_are_asked_where_all_can_be_made() -> None:
    for group in groups(game24(targets="24,36", indices="all"), limit=100):
        assert [s.params["target"] for s in group] == [24, 36]
        assert [s.params["world"] for s in group] == ["24", "36"]
        assert all(s.params["solvable"] == "yes" for s in group)


def test_the_way_out_is_offered_only_where_some_puzzles_need_it() -> None:
    assert all("no solution" not in s.messages[0].content for s in samples(game24(targets="24", prompt=EVERY_PROMPT)))
    assert all("no solution" in s.messages[0].content for s in samples(game24(prompt=EVERY_PROMPT)))


def test_places_of_puzzles_can_be_chosen() -> None:
    made = samples(game24(targets="24", indices="5,7-9,8"))
    assert sorted(s.params["index"] for s in made) == [5, 7, 8, 9]
    assert len(samples(game24(targets="24", indices="all"))) == 1362


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": "twenty"}, "there is no 'twenty'"),
        ({"targets": "0"}, "there is no '0'"),
        ({"targets": "101"}, "there is no '101'"),
        ({"targets": ""}, "is empty"),
        ({"prompt": "loud"}, "there is no 'loud'"),
        ({"indices": "x"}, "not a number or a range"),
        ({"indices": "9-5"}, "not a number or a range"),
        ({"indices": ""}, "not a number or a range"),
        ({"indices": "1362"}, "there is no puzzle 1362"),
        ({"indices": "0-9", "targets": "97"}, "none of these puzzles makes"),
        ({"rule": "mine"}, "not one of robust, original"),
        ({"ranks": "/no/such/file"}, "can't be read"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        samples(game24(**options))


HEADER = "Rank,Puzzles,AMT (s),Solved rate,1-sigma Mean (s),1-sigma STD (s)\n"


def ranks_file(tmp_path: Path, text: str) -> str:
    file = tmp_path / "24.csv"
    file.write_bytes(text.encode("utf-8"))
    return str(file)


def test_ranks_of_the_published_file_replace_ours(tmp_path: Path) -> None:
    rows = "1,1 1 4 6,4.4,99.20%,4.67,1.48\n2,1 1 11 11,4.41,99.60%,4.68,1.45\n901,4 5 6 10,9,80%,1,1\n"
    for text in (HEADER + rows, "\ufeff" + HEADER + rows.replace("\n", "\r\n"), HEADER + rows + "\n\n"):
        made = samples(game24(targets="24", indices="0-2", ranks=ranks_file(tmp_path, text)))
        assert {s.params["index"]: s.params["numbers"] for s in made} == {0: "1 1 4 6", 1: "1 1 11 11", 2: "4 5 6 10"}


def test_a_short_ranks_file_does_not_have_the_published_range(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no puzzle 999"):
        samples(game24(ranks=ranks_file(tmp_path, HEADER + "1,1 1 4 6,4.4,99.20%,4.67,1.48\n")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'Puzzles'"),
        ("a,b\n1,2\n", "no column 'Puzzles'"),
        (HEADER, "there is no puzzle in it"),
        (HEADER + "1\n", "line 2: '' is not four numbers"),
        (HEADER + "1,1 1 1 1,4\n", "line 2: '1 1 1 1' is not four numbers"),
        (HEADER + "1,1 1 4 six,4\n", "line 2: '1 1 4 six'"),
        (HEADER + "1,1 1 4 6,4\n2,6 4 1 1,4\n", "line 3: the puzzle 6 4 1 1 comes twice"),
        (HEADER + "1,\x00,4\n", "24.csv"),
    ],
)
def test_a_broken_ranks_file_is_a_clear_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        samples(game24(indices="all", ranks=ranks_file(tmp_path, text)))


def test_a_ranks_file_that_is_no_text_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "24.csv"
    file.write_bytes(b"\xff\xfe\x00\x81" * 10)
    with pytest.raises(HarnessError, match=r"24\.csv"):
        samples(game24(ranks=str(file)))
    with pytest.raises(HarnessError):
        samples(game24(ranks=str(tmp_path)))
