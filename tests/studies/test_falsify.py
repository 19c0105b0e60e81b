"""A study of a task's options: its points, its search, and what is frozen before the fresh pairs are asked."""

import asyncio
import json
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import falsify as simulation
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mock_server import Faults, MockServer

import harness.api
from harness import plugins
from harness.errors import DataError, HarnessError, UsageError
from harness.pipeline.config import configure
from harness.results.records import open_run
from harness.studies import falsify, halving, points
from harness.studies.found import Order, as_json
from harness.studies.halving import Seen
from harness.studies.points import Point, Taken
from harness.types import ModelOptions
from tests import waiting

HARNESS = str(Path(sys.executable).with_name("harness"))
BASES = {"bases": "10,8,9,16", "prompt": "direct"}


def order(
    task: str = "arithmetic", calls: int = 300, model: str = "baseline/shallow", seed: int = 0, **of_task
) -> Order:
    """The shallow baseline calculates in base 10 whatever it is asked: right in base 10, wrong in others."""
    options = {key: of_task.pop(key) for key in ("temperature",) if key in of_task}
    return Order(configure(task, model, {"seed": seed, **options}, of_task or BASES, {}, {}), calls)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, dict]:
    directory, found = falsify.start(order(), tmp_path_factory.mktemp("study"))
    return directory, as_json(found)


# Points -------------------------------------------------------------------------------------------------------------


def space(task: str, **options: str) -> points.Space:
    return points.space(task, options, "", 0)[0]


def test_a_point_has_the_levels_of_its_reference_except_for_the_main_factor() -> None:
    found = space("aiw", family="original,friends,procedural", prompt="standard,restricted")
    named = {(p.condition, p.reference) for p in found.points}
    assert {("friends/standard", "original/standard"), ("friends/restricted", "original/restricted")} <= named
    assert ("procedural_swapped/standard", "procedural/standard") in named, "the first condition of its own groups"
    assert all(p.condition.partition("/")[2] == p.reference.partition("/")[2] for p in found.points)


def test_options_that_know_the_word_all_are_searched_in_all_values() -> None:
    (setting,) = space("aiw").settings
    assert setting == {"family": "all", "prompt": "all", "variations": "all"}
    assert len(space("aiw").points) == 40


def test_an_option_that_can_not_be_all_beside_the_others_stays_at_its_default() -> None:
    (setting,) = space("ladder").settings
    assert setting["rungs"] == "all"
    assert "graphs" not in setting, "the default kind has none"


def test_several_values_of_an_option_that_takes_one_are_settings() -> None:
    found = space("arithmetic", digits="2,3", **BASES)
    assert [s["digits"] for s in found.settings] == ["2", "3"]
    assert len(found.points) == 6
    assert found.name(found.points[0]) == "base8/direct - base10/direct (digits=2)"


def test_a_point_of_one_group_is_left_out_as_nothing_would_be_left_to_confirm_it() -> None:
    found = space("aiw", family="original,friends", prompt="standard", variations="V1")
    assert not found.points
    assert found.alone == ("friends/standard - original/standard",)


def test_a_run_asks_references_once_for_all_points_that_share_them() -> None:
    found, _, (groups,) = points.space("arithmetic", BASES, "", 0)
    drawn = points.draw(groups, found.factor, found.points, 5, points.every_second)
    (run,) = points.plan(drawn, 5, repeat=False)
    assert run.answers == 5 * (3 + 1)


def test_points_with_few_groups_are_asked_again_in_those_they_have_unless_nothing_is_random() -> None:
    found, _, (groups,) = points.space("aiw", {"family": "original,friends", "prompt": "standard"}, "", 0)
    drawn = points.draw(groups, found.factor, found.points, 20, points.every_second)
    (repeated,), (once,) = (points.plan(drawn, 20, repeat) for repeat in (True, False))
    assert (len(repeated.samples), repeated.epochs) == (6, 6), "three of six variations, six times"
    assert (len(once.samples), once.epochs) == (6, 1)


def test_another_factor_can_be_searched() -> None:
    found = points.space("arithmetic", {"bases": "10,9"}, "prompt", 0)[0]
    named = [(p.condition, p.reference) for p in found.points]
    assert ("base9/cot", "base9/direct") in named
    assert all(p.partition("/")[0] == r.partition("/")[0] for p, r in named)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(0, 200), st.booleans())
@settings(max_examples=40)
def test_runs_never_take_more_answers_than_there_are(groups: list[int], answers: int, repeat: bool) -> None:
    """Of points with so many groups each, which share a reference."""
    drawn = {
        Point(0, f"c{i}", "r"): [Taken({f"{g}-c{i}": "", f"{g}-r": ""}, 1, g) for g in range(n)]
        for i, n in enumerate(groups)
    }
    pairs, runs = points.fitting(drawn, answers, 50, repeat)
    assert sum(run.answers for run in runs) <= answers
    assert pairs <= 50
    assert repeat or all(run.epochs == 1 for run in runs)


# Search -------------------------------------------------------------------------------------------------------------


def test_the_half_that_breaks_most_is_asked_again_and_all_its_answers_count() -> None:
    asked = []

    def ask(number: int, left):
        asked.append(list(left))
        return {i: Seen(-0.1 * i if number else (-0.9 if i == 1 else -0.1 * i), 10) for i in left}

    found = halving.search(8, ask)
    assert asked == [list(range(8)), [1, 5, 6, 7], [6, 7]] or asked == [list(range(8)), [1, 5, 6, 7], [1, 7]]
    assert found.pooled(7) == Seen(pytest.approx(-0.7), 30)


def test_a_point_without_a_verdict_is_never_the_worst() -> None:
    found = halving.search(3, lambda _, left: {i: Seen(None if i == 0 else 0.1 * i, 0 if i == 0 else 9) for i in left})
    assert found.best == 1


def test_no_break_is_confirmed_by_chance_in_more_than_one_of_twenty_and_a_break_is_found() -> None:
    null = simulation.rates([0.0] * 40, 2200, 250, 0, halving.ROUNDS, halving.SHARE)
    assert null.confirmed <= 0.05
    assert abs(null.fresh) < 0.01, "fresh pairs are not biased by the search"
    assert null.searched < -0.08, "the search is"
    broken = simulation.rates([*[0.0] * 39, -0.2], 2200, 150, 0, halving.ROUNDS, halving.SHARE)
    assert broken.confirmed >= 0.6
    assert broken.covered >= 0.9


def test_few_groups_are_taken_as_given_and_the_verdict_is_about_them() -> None:
    from harness.results.counts import Pairing
    from harness.statistics.intervals import MatchedDifference, Stratum

    strata = [[Stratum(2, 100, 100, 100)], [Stratum(60, 100, 99, 100)], [Stratum(5, 100, 98, 100)]]
    fresh = halving.measure(Pairing(MatchedDifference(strata)))
    assert (fresh.holds_for, fresh.verdict, fresh.groups, fresh.pairs) == ("these groups", "confirmed", 3, 300)
    assert fresh.gap.low < fresh.gap.value < fresh.gap.high < -0.7
    assert halving.measure(Pairing(MatchedDifference(strata * 2))).holds_for == "groups like these"


# Studies ------------------------------------------------------------------------------------------------------------


def test_a_break_is_found_frozen_and_confirmed_on_groups_of_which_nothing_was_asked(made) -> None:
    directory, found = made
    assert found["verdict"] == "confirmed"
    assert found["search"]["points_tried"] == 3
    assert found["confirmation"]["gap"] == -1
    searched, fresh = set(), set()
    for run in directory.glob("*/run.json"):
        asked = fresh if run.parent.name == "confirmation" else searched
        asked |= {record["input"][-1]["content"] for record in open_run(run.parent).records()}
    assert fresh
    assert not searched & fresh


def test_the_budget_is_kept(made) -> None:
    directory, found = made
    calls = sum(1 for run in directory.glob("*/records.jsonl") for _ in run.open())
    assert calls == found["search"]["calls"] + found["confirmation"]["calls"] <= 300


def test_freeze_json_says_what_is_confirmed_and_its_hash_is_in_the_run(made) -> None:
    directory, _ = made
    frozen = json.loads((directory / "freeze.json").read_text())
    assert frozen["sha256"] == falsify.digest({k: v for k, v in frozen.items() if k != "sha256"})
    assert (frozen["points_tried"], frozen["options"]) == (3, BASES)
    about = open_run(directory / "confirmation").about
    assert about["config"]["name"] == f"confirmation {frozen['sha256'][:12]}"
    assert about["config"]["seed"] == frozen["seed"]
    assert frozen["time"] <= about["created"]


def test_a_task_whose_groups_do_not_depend_on_the_seed_is_halved(tmp_path) -> None:
    options = {"family": "light_relation,original,friends", "prompt": "standard", "variations": "all"}
    directory, found = falsify.start(order("aiw", 400, **options), tmp_path)
    assert found.fresh is not None
    assert found.fresh.holds_for == "these groups"
    groups = {
        run.parent.name[:6]: {record["group"] for record in open_run(run.parent).records()}
        for run in directory.glob("*/run.json")
    }
    assert groups == {"search": {"V1", "V3", "V5"}, "confir": {"V2", "V4", "V6"}}


def test_a_model_without_a_break_is_said_to_have_none(tmp_path, harness) -> None:
    code, out, _ = harness("falsify", "arithmetic", "-m", "baseline/oracle", "--budget-calls", 200, "--display", "none",
                           "-T", "bases=10,9,8", "-T", "prompt=direct")  # fmt: skip
    assert code == 0
    assert "Nothing found" in out
    assert not list(tmp_path.glob("results/*/confirmation"))
    assert not list(tmp_path.glob("results/*/freeze.json"))


def copied(directory: Path, tmp_path: Path, without: tuple[str, ...] = ()) -> Path:
    import shutil

    copy = tmp_path / directory.name
    shutil.copytree(directory, copy, ignore=shutil.ignore_patterns(*without))
    about = json.loads((copy / "study.json").read_text())
    (copy / "study.json").write_text(json.dumps({**about, "status": "running"}))
    return copy


@pytest.mark.parametrize(
    "without",
    [("confirmation",), ("confirmation", "freeze.json"), ("confirmation", "freeze.json", "search-2-1"), ()],
)
def test_a_study_that_was_cut_off_chooses_the_same_and_asks_what_is_missing(made, tmp_path, without) -> None:
    directory, found = made
    _, again = falsify.resume(copied(directory, tmp_path, without))
    assert _undated(as_json(again)) == _undated(found)


def _undated(found: dict) -> dict:
    frozen = {k: v for k, v in found["confirmation"]["frozen"].items() if k not in ("time", "sha256")}
    return {**found, "confirmation": {**found["confirmation"], "frozen": frozen}}


def test_a_frozen_file_that_was_altered_is_refused(made, tmp_path) -> None:
    copy = copied(made[0], tmp_path)
    frozen = json.loads((copy / "freeze.json").read_text())
    altered = {**frozen, "condition": "base16/direct"}
    (copy / "freeze.json").write_text(json.dumps(altered))
    with pytest.raises(DataError, match="its hash is another one"):
        falsify.resume(copy)
    content = {k: v for k, v in altered.items() if k != "sha256"}
    (copy / "freeze.json").write_text(json.dumps({**content, "sha256": falsify.digest(content)}))
    with pytest.raises(DataError, match="the search has found something else"):
        falsify.resume(copy)
    (copy / "freeze.json").unlink()
    with pytest.raises(DataError, match="is gone, and the confirmation was begun"):
        falsify.resume(copy)


def test_a_run_of_the_study_that_asked_something_else_is_refused(made, tmp_path) -> None:
    copy = copied(made[0], tmp_path)
    about = json.loads((copy / "search-1-1" / "run.json").read_text())
    about["config"]["seed"] += 1
    (copy / "search-1-1" / "run.json").write_text(json.dumps(about))
    with pytest.raises(DataError, match="is not the run that the study makes"):
        falsify.resume(copy)


@pytest.mark.parametrize("content", ["[]", '{"study": "falsify"}', '{"study": "falsify", "config": 3}', "{", "{}"])
def test_a_study_json_that_is_none_is_an_error_in_one_sentence(tmp_path, content) -> None:
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(HarnessError):
        falsify.resume(tmp_path)


def test_a_study_of_a_stranger_does_not_decide_who_is_asked(tmp_path, monkeypatch) -> None:
    """Also one that says it is complete: its runs may be missing."""
    told = order(model="openai/mock").config
    monkeypatch.setenv("MINE", "a key")
    options = ModelOptions(base_url="http://127.0.0.1:1/v1", api_key_env="MINE")
    config = asdict(replace(told, model_options=options))
    names = ["base8/direct - base10/direct", "base9/direct - base10/direct", "base16/direct - base10/direct"]
    about = {"study": "falsify", "status": "complete", "config": config, "factor": "", "budget_calls": 300}
    (tmp_path / "study.json").write_text(json.dumps({**about, "points": names}))
    with pytest.raises(UsageError, match=r"its study\.json would decide"):
        falsify.resume(tmp_path)


def test_without_randomness_no_round_asks_again_what_is_known(tmp_path) -> None:
    options = {"family": "light_relation,original,friends", "prompt": "standard", "variations": "all"}
    directory, _ = falsify.start(order("aiw", 400, temperature=0.0, **options), tmp_path)
    asked = [r["id"] for run in directory.glob("*/run.json") for r in open_run(run.parent).records()]
    assert len(asked) == len(set(asked))


def test_what_can_not_be_searched_is_said_before_anything_is_asked(tmp_path) -> None:
    with pytest.raises(UsageError, match="1 points to search"):
        falsify.start(order(bases="10,9", prompt="direct"), tmp_path)
    with pytest.raises(UsageError, match="is too few for 3 points: the least is"):
        falsify.start(order(calls=20), tmp_path)
    with pytest.raises(UsageError, match="no factor 'colour'"):
        points.space("arithmetic", {}, "colour", 0)
    assert not list(tmp_path.iterdir())


def test_the_least_budget_that_is_named_is_enough(tmp_path) -> None:
    with pytest.raises(UsageError) as said:
        falsify.plan(order(calls=1))
    least = int(said.value.message.rpartition(" ")[2])
    assert falsify.plan(order(calls=least)).first_pairs >= falsify.LEAST_PAIRS
    with pytest.raises(UsageError):
        falsify.plan(order(calls=least - 1))


def test_kill_9_in_the_middle_loses_nothing_and_the_same_point_is_found(tmp_path) -> None:
    words = [HARNESS, "falsify", "arithmetic", "-m", "openai/mock", "--budget-calls", "240", "--display", "none"]
    words += ["-T", "bases=10,9,8", "-T", "prompt=direct", "--max-connections", "4"]

    def result(out: Path) -> dict:
        (study,) = out.iterdir()
        return json.loads((study / "study.json").read_text())["result"]

    with MockServer(latency_s=0.01) as server:
        base = ["--base-url", server.base_url]
        assert waiting.run([*words, *base, "--out", tmp_path / "whole"]).returncode == 0
        calls, command, kills = server.counters.answered, [*words, *base, "--out", str(tmp_path / "killed")], 0
        for answers in (20, 100):
            with waiting.started(command, stdout=subprocess.DEVNULL) as process:
                wanted = calls + answers
                waiting.until(lambda n=wanted: server.counters.answered > n or process.poll() is not None, "answers")
                process.send_signal(signal.SIGKILL)
                kills += waiting.ended(process) == -signal.SIGKILL
            (study,) = (tmp_path / "killed").iterdir()
            command = [HARNESS, "falsify", "--resume", str(study), *base, "--display", "none"]
        assert waiting.run(command).returncode == 0
        assert kills == 2
        assert server.counters.answered - 2 * calls <= 4 * kills
    whole, killed = result(tmp_path / "whole"), result(tmp_path / "killed")
    assert whole["search"] == killed["search"]
    assert (whole["confirmation"] is None) == (killed["confirmation"] is None)
    if whole["confirmation"]:
        assert _undated(whole) == _undated(killed)


def test_a_study_whose_server_fails_says_how_to_go_on(harness, tmp_path) -> None:
    asked = (
        "falsify",
        "arithmetic",
        "-m",
        "openai/mock",
        "--budget-calls",
        100,
        "-T",
        "bases=10,9,8",
        "--max-retries",
        0,
    )
    with MockServer(Faults(error_500=0.2)) as server:
        code, _, err = harness(*asked, "-T", "prompt=direct", "--base-url", server.base_url, "--display", "none")
        assert code == 3
        (study,) = tmp_path.glob("results/*")
        assert f"finish it with: harness falsify --resume results/{study.name}" in err
        assert json.loads((study / "study.json").read_text())["status"] == "incomplete"
        server.faults = Faults()
        code, out, _ = harness("falsify", "--resume", study, "--display", "none")
    assert code == 0
    assert "Search (not evidence)" in out


# The command --------------------------------------------------------------------------------------------------------


def test_the_table_keeps_search_and_confirmation_apart_and_its_runs_can_be_read(harness, tmp_path) -> None:
    words = ("falsify", "arithmetic", "-m", "baseline/shallow", "--budget-calls", 300, "--display", "none")
    code, out, _ = harness(*words, "-T", "bases=10,9,8,16", "-T", "prompt=direct")
    assert code == 0
    search, _, confirmation = out.partition("frozen before the confirmation")
    assert "Search (not evidence): 3 points" in search
    assert "; confirmed" in confirmation
    assert "-1.000 [-1.000, -0." in confirmation
    (study,) = tmp_path.glob("results/*")
    code, out, _ = harness("table", study / "confirmation")
    assert code == 0
    assert "base10/direct" in out
    code, out, _ = harness("table", study, "--by", "run_id")
    assert code == 0
    assert all(open_run(run.parent).about["run_id"] in out for run in study.glob("*/run.json"))
    assert harness("report", study, "-o", "page.html")[0] == 0
    assert "Search (not evidence): 3 points" in Path("page.html").read_text()
    code, out, _ = harness("falsify", "--resume", study, "--json")
    assert (code, json.loads(out)["verdict"]) == (0, "confirmed")


def test_a_dry_run_lists_the_points_and_asks_nothing(harness, tmp_path) -> None:
    code, out, _ = harness("falsify", "arithmetic", "-m", "baseline/oracle", "--dry-run", "-T", "bases=10,9,8")
    assert code == 0
    assert "base9/direct - base10/direct" in out
    assert "6 points" in out
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("arithmetic",), "--model is missing"),
        (("arithmetic", "-m", "baseline/oracle", "--limit", "3"), "--limit"),
        (("--resume", "nowhere"), "is not a study"),
        (("--resume", "nowhere", "-m", "tiny"), "does not take --model"),
        (("arithmetic", "-m", "baseline/oracle", "--strategy", "tot"), "any number of calls"),
        (("nothing", "-m", "baseline/oracle"), "there is no task 'nothing'"),
    ],
)
def test_what_was_wrong_is_said_with_exit_code_2(harness, args, message) -> None:
    code, _, err = harness("falsify", *args)
    assert code == 2
    assert message in err


def test_the_points_of_every_task_can_be_told_or_it_is_said_why_not() -> None:
    """Tasks that make their samples at once; the others take minutes."""
    for name in ("aiw", "arithmetic", "edits", "game24", "imagine", "ladder", "reversal", "worlds"):
        found = space(name)
        assert found.points, name
        factors = plugins.load("tasks", name).factors
        assert found.factor in factors
        assert all(isinstance(p, Point) and p.condition != p.reference for p in found.points)


# From a program -----------------------------------------------------------------------------------------------------


def test_a_program_gets_search_and_confirmation_apart_inside_a_loop_too(made, tmp_path) -> None:
    async def asked() -> harness.api.Falsified:
        return harness.falsify("arithmetic", "baseline/shallow", budget_calls=300, task_options=BASES, out=tmp_path)

    found = asyncio.run(asked())
    assert (found.verdict, found.directory.parent) == ("confirmed", tmp_path)
    assert len(found.search()) == made[1]["search"]["points_tried"]
    assert found.search().gap.is_monotonic_increasing
    (row,) = found.confirmation().to_dict("records")
    assert row["gap"] == made[1]["confirmation"]["gap"]
    assert "Search (not evidence)" in str(found)
    with pytest.raises(UsageError, match="decides limit itself"):
        harness.falsify("arithmetic", "baseline/shallow", limit=3)
