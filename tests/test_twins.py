"""Published items beside fresh ones: the twins that tasks draw, the run that asks both, what a study says of it."""

import itertools
import json
import math
import random
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import twins as simulation  # benchmarks/twins.py
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import plugins, twins
from harness.errors import DataError
from harness.pddl.parse import parse_problem
from harness.pddl_domains import plain
from harness.pipeline.checks import wrong_verdict
from harness.results.counts import Gap
from harness.statistics.intervals import Estimate
from harness.studies import likelihood
from harness.studies import twins as study
from harness.tasks.game24 import fresh
from harness.tasks.game24.puzzles import goal_of, puzzles
from harness.tasks.planning import domains
from harness.tasks.planning.instances import Instance, from_problem
from harness.tasks.planning.twins import form, planbench_text
from harness.types import Outcome
from tests.corpora import DRAWN, rows

OPTIONS = {
    "aiw": {"family": "all", "variations": "1-6", "prompt": "standard,restricted"},
    "game24": {"targets": "24", "indices": "0-40,900-980"},
    "blocksworld": {"rename": "all", "prompt": "all"},
    "arithmetic": {"pairs": "published", "prompt": "direct,cot", "bases": "9,10"},
    "hub/gsm8k": {"file": str(Path(__file__).parent / "fixtures" / "gsm8k_like.jsonl")},
}


def both_arms(name: str, seed: int, most: int, **options: str):
    """(task, [(fresh, published)]) of the first pairs of samples."""
    task = twins.arms(plugins.task(name, OPTIONS[name] | options), "questions")
    return task, pairs_of(list(itertools.islice(task.samples(seed), 2 * most)))


def pairs_of(samples):
    return list(zip(samples[::2], samples[1::2], strict=True))


@pytest.mark.parametrize("name", OPTIONS)
@settings(max_examples=2)
@given(seed=st.integers(0, 10**6))
def test_a_twin_differs_from_its_item_in_the_problem_alone(name: str, seed: int) -> None:
    task, pairs = both_arms(name, seed, 24)
    assert pairs
    asked = [item.messages for _, item in pairs]
    for twin, item in pairs:
        assert (twin.params["origin"], item.params["origin"]) == ("fresh", "published")
        assert twin.group == item.group
        assert twin.condition.partition("/")[2] == item.condition.partition("/")[2]
        assert twin.messages not in asked
        answer = task.baseline("oracle", twin, random.Random(0))
        assert task.score(twin.params, answer).outcome is Outcome.CORRECT
    assert len({twin.messages for twin, _ in pairs}) == len(pairs), "no twin comes twice"


@pytest.mark.parametrize("name", OPTIONS)
def test_twins_share_what_makes_a_problem_hard(name: str) -> None:
    exact = {
        "aiw": ("digits",),
        "game24": ("two-digit numbers", "parentheses", "fractions"),
        "blocksworld": ("objects", "facts at the start", "facts of the goal", "steps"),
        "arithmetic": ("digits", "carries"),
        "hub/gsm8k": ("hops", "operations", "digits"),
    }[name]
    _, pairs = both_arms(name, 1, 60)
    for twin, item in pairs:
        for feature in exact:
            assert twin.params[f"alike_{feature}"] == item.params[f"alike_{feature}"]


@pytest.mark.parametrize("name", ["aiw", "arithmetic", "hub/gsm8k"])
def test_a_remembered_answer_is_wrong_for_the_twin(name: str) -> None:
    task, pairs = both_arms(name, 2, 100)
    for twin, item in pairs:
        if item.params.get("family") != "light_attribute":  # its answer depends on no number
            remembered = task.baseline("oracle", item, random.Random(0))
            assert task.score(twin.params, remembered).outcome is not Outcome.CORRECT


def test_every_ability_of_planning_is_asked_of_both_arms_alike() -> None:
    task, pairs = both_arms("blocksworld", 0, 40, ability="plan_verification,landmarks,plan_generation", prompt="nl")
    assert {item.params["ability"] for _, item in pairs} == set(task.ability)
    assert all(twin.condition.partition("/")[2] == item.condition.partition("/")[2] for twin, item in pairs)


def test_pairs_do_not_depend_on_how_many_are_asked() -> None:
    few, many = (both_arms("arithmetic", 3, n)[1] for n in (4, 8))
    assert few == many[:4]
    assert few != both_arms("arithmetic", 4, 4)[1], "another seed draws other twins"


def test_the_control_asks_nothing_that_is_published_before_the_run() -> None:
    task = twins.arms(plugins.task(study.CONTROL, study.CONTROL_OPTIONS), "control")
    one, other = ([s.target for s in itertools.islice(task.samples(seed), 40)] for seed in (0, 1))
    assert one != other, "its published arm is drawn too"


def test_the_fresh_puzzles_are_in_no_list_and_make_24() -> None:
    listed = {puzzle.numbers for puzzle in puzzles()}
    every = [f for found in fresh.puzzles_by_kind().values() for f in found]
    assert len(every) == len({f.numbers for f in every}) > 1000
    assert not listed & {f.numbers for f in every}
    assert {max(f.numbers) for f in every} == {14, 15, 16}
    for f in random.Random(0).sample(every, 8):
        assert goal_of.__wrapped__(f.numbers, 24) == f.goal


def test_four_one_digit_numbers_have_no_twin() -> None:
    puzzle = next(p for p in puzzles() if max(p.numbers) < 10)
    assert fresh.twin(puzzle.numbers, puzzle.goal, random.Random(0)) is None
    task, pairs = both_arms("game24", 0, 1000, indices="0-20,900-940")
    assert 0 < task.data()["without_twin"] < task.data()["items"]
    assert task.data()["items"] - task.data()["without_twin"] == len(pairs)
    assert "have no twin" in task.data()["note"]


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_an_instance_under_other_names_has_the_same_form(seed: int) -> None:
    rng = random.Random(seed)
    drawn = domains.blocksworld(rng, 5)
    names = dict(zip(drawn.objects, rng.sample(list("vwxyz"), 5), strict=True))

    def other(fact):
        return tuple(names.get(part, part) for part in fact)

    renamed = Instance(
        {names[name]: kind for name, kind in drawn.objects.items()},
        frozenset(map(other, drawn.init)),
        tuple(map(other, reversed(drawn.goal))),
    )
    assert form(renamed) == form(drawn)
    if drawn.goal:
        assert form(drawn.wanting(drawn.goal[1:])) != form(drawn)


def test_planbench_s_files_are_written_to_the_letter() -> None:
    base, seen = plain("blocksworld").domain, 0
    for row in rows("planbench", DRAWN):
        if row["params"]["domain"] == "blocksworld":
            instance = from_problem(parse_problem(row["params"]["problem"], base), "")
            assert planbench_text(instance) == row["params"]["problem"].strip()
            seen += 1
    assert seen


def test_instances_of_a_folder_are_published_and_have_texts(tmp_path) -> None:
    rng = random.Random(5)
    for number in range(6):
        drawn = domains.blocksworld(rng, 5)
        (tmp_path / f"instance-{number}.pddl").write_text(drawn.pddl("blocksworld-4ops"))
    options = {"instances": str(tmp_path), "rename": "plain"}
    questions, texts = (twins.arms(plugins.task("blocksworld", options), kind) for kind in ("questions", "texts"))
    pairs = pairs_of(list(questions.samples(0)))
    assert len(pairs) >= 3
    assert all(item.params["alike_objects"] == twin.params["alike_objects"] == 5 for twin, item in pairs)
    shown = list(texts.samples(0))
    assert len(shown) == 2 * len(pairs)
    for sample in shown:
        assert texts.score(sample.params, sample.target).value == 1
        assert "(:goal" in sample.target
        assert "(:init" in sample.messages[-1].content


# Texts ----------------------------------------------------------------------------------------------------------------

BEGINNING, REST = "Alice has 3 brothers and she also has", "6 sisters. How many sisters does Alice's brother have?"


@pytest.mark.parametrize(
    ("response", "stop", "outcome"),
    [
        (REST, "stop", "correct"),
        (REST.upper().replace(" ", "\n"), "stop", "correct"),
        (f"{REST} Alice has {REST}", "length", "correct"),
        (f"{BEGINNING} {REST}", "stop", "correct"),
        (REST.replace("6", "7"), "stop", "wrong"),
        ("I can't do that.", "stop", "wrong"),
        (REST[:20], "stop", "wrong"),
        (REST[:20], "length", "truncated"),
        ("", "stop", "unparsed"),
    ],
)
def test_a_text_is_continued_exactly_or_it_is_not(response: str, stop, outcome: str) -> None:
    assert twins.continued(BEGINNING, REST, response, stop).outcome == outcome


def test_the_overlap_is_the_share_of_the_rest_in_its_order() -> None:
    assert twins.continued("a", "b c d e", "b x d e", "stop").detail["overlap"] == 0.75
    assert twins.continued("a", "b c d e", "e d c b", "stop").detail["overlap"] == 0.25
    assert twins.continued("a", "b c d e", "z " * 100_000 + "b c d e", "stop").detail["overlap"] == 0


@settings(max_examples=30)
@given(st.text(), st.text(min_size=1), st.text())
def test_no_response_breaks_the_reader_of_texts(beginning: str, rest: str, response: str) -> None:
    score = twins.continued(beginning, rest, response, "stop")
    assert 0 <= score.detail["overlap"] <= 1


# What a study says ----------------------------------------------------------------------------------------------------


def test_items_learnt_by_heart_are_found() -> None:
    assert all(simulation.published(seed, 100).found for seed in range(3))


def test_without_them_nothing_is_found() -> None:
    for make in (lambda seed: simulation.published(seed, 0), simulation.control):
        found = [make(seed) for seed in range(3)]
        assert not any(e.found for e in found), "2.5% of such studies find something; these don't"
        assert all(abs(e.gap.gap.value) < 0.15 for e in found)


def gap(value: float, low: float, high: float, p: float, groups: int = 100, sides=(0.5, 0.5)) -> Gap:
    return Gap("origin", "published", "fresh", Estimate(value, low, high, 2 * groups), groups, p, p, 0.5, sides)


@pytest.mark.parametrize(
    ("excess", "said"),
    [
        (gap(0.2, 0.1, 0.3, 0.001), r"excess on published items \+0.200 \[0.100, 0.300\]"),
        (gap(0.02, -0.05, 0.09, 0.6), r"no excess shown; excess above \+0.090 is excluded \(95%\)$"),
        (gap(-0.02, -0.05, -0.001, 0.06), r"excess above \+0.000 is excluded"),
        (gap(-0.2, -0.3, -0.1, 0.001), "published items are harder"),
        (gap(0.0, -0.5, 0.5, 1, 4), "4 pairs say nothing about other items"),
        (gap(0.0, -0.1, 0.1, 1, sides=(1.0, 1.0)), "little room"),
        (gap(0.0, -0.1, 0.1, 1, sides=(0.0, 0.0)), "little room"),
    ],
)
def test_a_study_says_what_is_excluded_and_never_that_a_model_is_clean(excess: Gap, said: str) -> None:
    sentence = study.sentence(study.Excess("aiw", excess, excess.p))
    assert re.search(said, sentence)
    assert not re.search("clean|uncontaminated|not seen|unseen", sentence)


@dataclass(frozen=True)
class FakeRun:
    task: str
    twins: str = "questions"
    model: str = "m"
    status: str = "complete"
    directory: str = "DIR"


def arms(run: FakeRun, excess: Gap | None, unjudged=(0.0, 0.0), **features: study.Balance) -> study.Arms:
    return study.Arms(run, excess, unjudged, None, (), features)  # type: ignore[arg-type]


def test_the_p_values_of_several_tasks_are_corrected_and_the_control_s_is_its_own() -> None:
    one = gap(0.2, 0.01, 0.4, 0.04)
    found = study.excesses([arms(FakeRun("a"), one), arms(FakeRun("b"), one), arms(FakeRun("c", "control"), one)])
    assert [e.p_holm for e in found] == [0.08, 0.08, 0.04]
    assert [e.found for e in found] == [False, False, True]


def test_the_page_warns_of_a_control_that_differs_or_controls_nothing() -> None:
    assert "do not trust the others" in study.page([arms(FakeRun("c", "control"), gap(0.2, 0.1, 0.3, 0.01))])
    floor = gap(0.0, -0.1, 0.1, 1, sides=(0.0, 0.0))
    assert "every answer is wrong: it controls nothing" in study.page([arms(FakeRun("c", "control"), floor)])


def test_the_page_says_what_has_no_verdict_and_which_runs_are_cut() -> None:
    page = study.page(
        [arms(FakeRun("a", status="interrupted"), None, (0.25, 0.5)), arms(FakeRun("b", model="n"), None)]
    )
    assert "no pair has an answer on both sides" in page
    assert "25.0% and 50.0% of the answers to published and fresh items have no verdict" in page
    assert "DIR is interrupted" in page
    assert "several models" in page


def test_what_a_stranger_s_run_says_breaks_no_page() -> None:
    odd = {
        "mixed": study.Balance([1, "a\nb"], [2.0, "c"]),
        "a\x1b[2J": study.Balance([1], [1]),
        "x": study.Balance([], [1]),
    }
    page = study.page([arms(FakeRun("t\nno excess", model="m\x1b[2J"), gap(0, -1, 1, 1), **odd)])
    assert "\x1b" not in page
    assert "\nno excess" not in page


def test_a_feature_that_is_not_balanced_is_marked() -> None:
    same, apart = study.Balance([1, 2, 3], [1, 2, 3]), study.Balance([1, 2, 3], [2, 3, 4])
    kinds, always = study.Balance(["x", "x"], ["x", "y"]), study.Balance([1, 1], [2, 2])
    page = study.page([arms(FakeRun("a"), gap(0, -1, 1, 1), same=same, apart=apart, kinds=kinds, always=always)])
    marked = {line.split()[0] for line in page.splitlines() if line.endswith("DIFFERS")}
    assert marked == {"apart", "kinds", "always"}
    assert apart.difference == pytest.approx(-1.2247, abs=1e-4)


@pytest.mark.parametrize("shift", [0.0, 0.5, -0.5])
def test_how_likely_texts_are_is_compared_within_pairs_without_a_bound(shift: float) -> None:
    rng = random.Random(1)
    collected = likelihood.Collected()
    for n in range(30):
        base = -30 * rng.random() - 2
        for origin, value in (("published", base + shift), ("fresh", base + rng.gauss(0, 0.2))):
            detail = {"per_token": value}
            collected.add({"id": "x", "group": str(n), "params": {"origin": origin}, "value": 0.5, "detail": detail})
    collected.add({"id": "x", "group": "alone", "params": {"origin": "fresh"}, "value": 0.5, "detail": detail})
    collected.add({"id": "x", "group": "cut", "params": {"origin": "fresh"}, "value": None, "detail": {}})
    found = collected.likelihood()
    gap = found.difference
    assert gap.value == pytest.approx(found.published - found.fresh)
    assert gap.low <= shift <= gap.high
    assert gap.n == 30
    assert (found.p < 0.05) == bool(shift)
    assert (gap.low <= 0 <= gap.high) == (not shift)
    said = likelihood.sentence(found, 0.05)
    assert {0.0: "no difference shown", 0.5: "published texts are likelier", -0.5: "the texts of twins"}[shift] in said
    assert not re.search("clean|uncontaminated|not seen|unseen", said)


def test_a_likelihood_that_is_none_is_an_error_and_no_pair_says_nothing() -> None:
    collected = likelihood.Collected()
    for odd in ("x", None, True, 1.0, float("nan"), -1e9):
        with pytest.raises(DataError, match="no log-probability"):
            collected.add({"id": "x", "group": "g", "params": {}, "value": 0.5, "detail": {"per_token": odd}})
    assert collected.likelihood() is None


@settings(max_examples=30)
@given(st.text() | st.from_regex(r"log-probability -?[0-9]{1,12}\.[0-9]{6} of [0-9]{1,12} tokens"))
def test_no_response_breaks_the_reader_of_likelihoods(response: str) -> None:
    asked = twins.arms(plugins.task("aiw", {}), "likelihood")
    assert not wrong_verdict(vars_of(asked.score({}, response)))
    assert asked.score({}, twins.likelihood_told(-6.0, 3)).detail == {"per_token": -2.0}
    assert asked.score({}, twins.likelihood_told(0.0, 3)).outcome is Outcome.CORRECT


def vars_of(score):
    return {"outcome": score.outcome, "value": score.value, "answer": score.answer, "detail": score.detail}


# The command ----------------------------------------------------------------------------------------------------------

ASKED = ("--model", "baseline/oracle", "--display", "none", "--epochs", "1", "--control-pairs", "5")
UNMARKED = Path(__file__).parent / "fixtures" / "hub" / "gsm8k-platinum.jsonl"
ALONE = (*ASKED, "--control-pairs", "0")


def test_the_command_asks_both_arms_and_prints_the_excess(harness, tmp_path) -> None:
    code, out, _ = harness("twins", "aiw,arithmetic", *ASKED, "--limit", "12")
    assert code == 0
    assert re.search(r"^aiw +1\.000 +1\.000 +\+0\.000 .* 6 +12 ", out, re.M)
    assert re.search(r"^arithmetic \(control\) +1\.000 ", out, re.M)
    assert re.search(r"^aiw: the whole rest +1\.000 +1\.000 ", out, re.M)
    assert "aiw: no excess shown; excess above" in out
    (again,) = re.findall(r"harness (twins results/.*)", out)
    code, page, _ = harness(*again.split())
    assert code == 0
    assert page.strip() in out, "the same page, without a call"
    runs = again.split()[1:]
    assert len(runs) == 4
    assert harness("table", runs[0])[0] == 0
    assert "published - fresh" in harness("table", runs[0])[1]


def test_only_what_the_runs_lack_is_asked(harness, tmp_path) -> None:
    harness("twins", "aiw", *ALONE, "--limit", "8", "--no-texts")
    runs = sorted((tmp_path / "results").iterdir())
    code, out, _ = harness("twins", "aiw", *runs, *ALONE, "--limit", "8")
    assert code == 0
    (made,) = set((tmp_path / "results").iterdir()) - set(runs)
    assert json.loads((made / "run.json").read_text())["config"]["twins"] == "texts"
    assert "the whole rest" in out


@pytest.mark.parametrize("kind", ["questions", "texts"])
def test_a_run_that_was_cut_off_is_finished_as_it_was_asked(harness, tmp_path, kind: str) -> None:
    harness("twins", "aiw", *ALONE, "--limit", "10")
    (run,) = (
        p
        for p in (tmp_path / "results").iterdir()
        if json.loads((p / "run.json").read_text())["config"]["twins"] == kind
    )
    whole = harness("twins", run)[1]
    lines = (run / "records.jsonl").read_bytes().splitlines(keepends=True)
    (run / "records.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:20])
    about = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(about | {"status": "running"}))
    assert harness("run", "--resume", run, "--display", "none")[0] == 0
    assert harness("twins", run)[1] == whole


def test_a_model_that_tells_likelihoods_is_asked_for_those_of_the_real_rests(harness, tmp_path) -> None:
    asked = ("twins", "aiw", "--model", "tiny", *ALONE[2:], "--limit", "16", "--max-tokens", "4")
    code, out, _ = harness(*asked)
    assert code == 0
    assert re.search(r"mean log-probability a token.*\n.*\n.*\naiw +-\d+\.\d+ +-\d+\.\d+ +[+-]\d", out)
    assert "aiw (likelihood): " in out
    (run,) = (p for p in (tmp_path / "results").iterdir() if '"likelihood"' in (p / "run.json").read_text())
    page = harness("twins", run)[1]
    lines = (run / "records.jsonl").read_bytes().splitlines(keepends=True)
    first = [json.loads(line) for line in lines[:2]]
    assert {r["params"]["origin"] for r in first} == {"fresh", "published"}
    for record in first:
        assert record["input"][-1] == {"role": "assistant", "content": record["params"]["rest"]}
        assert record["detail"]["per_token"] == pytest.approx(math.log(record["value"]), abs=1e-5)
    assert harness("score", "--task", "aiw", run)[0] == 0
    assert harness("table", run)[0] == 0
    (run / "records.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:20])
    about = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(about | {"status": "running"}))
    assert harness("run", "--resume", run, "--display", "none")[0] == 0
    assert harness("twins", run)[1] == page
    assert '"likelihood"' not in harness(*asked, "--no-texts", "--dry-run")[1]


def test_texts_are_scored_anew_as_texts(harness, tmp_path) -> None:
    harness("twins", "aiw", *ALONE, "--limit", "10")
    (run,) = (p for p in (tmp_path / "results").iterdir() if '"twins": "texts"' in (p / "run.json").read_text())
    code, out, _ = harness("score", "--task", "aiw", run)
    assert code == 0
    assert re.search(r"^published +\d+ +1\.000", out, re.M)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("aiw",), "--model is missing"),
        (("reversal", "--model", "baseline/oracle"), "tasks that do: aiw, arithmetic"),
        (("nosuch", "--model", "baseline/oracle"), "is not a run directory"),
        (("aiw", "--model", "baseline/oracle", "-T", "prompts=x.json"), "twins are made of families"),
        (("hub/gsm8k", "-T", f"file={UNMARKED}", "--model", "baseline/oracle"), "none of 3 published items has a twin"),
        (("logistics", "--model", "baseline/oracle", "-T", "instances=d"), "no such folder"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(harness, tmp_path, args, message: str) -> None:
    code, _, err = harness("twins", *args)
    assert code == 2
    assert message in err
    assert not (tmp_path / "results").exists()


def test_a_run_of_a_task_itself_has_no_twins(harness, tmp_path) -> None:
    harness("run", "--task", "aiw", "--limit", "2", *ASKED[:6])
    (run,) = (tmp_path / "results").iterdir()
    code, _, err = harness("twins", run)
    assert code == 2
    assert "has no published items beside fresh ones" in err


def test_a_dry_run_asks_nothing(harness, tmp_path) -> None:
    code, out, _ = harness("twins", "aiw", *ASKED, "--dry-run")
    assert code == 0
    assert out.count("nothing was sent") == 3
    assert not (tmp_path / "results").exists()
