"""The gap as a function of thinking: a scripted model is recovered over a real HTTP server, and what can't be read is
said."""

import json
import re
from collections import Counter
from dataclasses import replace
from html import escape
from pathlib import Path

import budget as simulation
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mock_server import Faults, MockServer
from thinker import Thinker, prompt_of

from harness.errors import DataError, UsageError
from harness.pipeline import store
from harness.report.collect import collect
from harness.report.page import build
from harness.results.records import open_run
from harness.statistics.intervals import Estimate
from harness.studies import budget, budget_tables
from harness.studies.budget import Step, Trace
from harness.types import Outcome

CASES = {case.name: case for case in simulation.CASES}
THINKS_ON = "and a third each thinks on by a tag, by words, not"


@pytest.mark.parametrize(
    "name", ["and half of them lose it again", "the limit ends the thinking", "no count of cached tokens"]
)
def test_what_a_scripted_model_knows_when_is_recovered_exactly(name: str, tmp_path: Path) -> None:
    found = simulation.measure(CASES[name], 4, tmp_path)
    assert (found.points, found.off) == (16, 0)
    assert found.study.cut_by == Counter(tokenizer=8)


def test_traces_that_were_right_and_end_wrong_are_counted_with_their_tokens(tmp_path: Path) -> None:
    case = CASES["and half of them lose it again"]
    found = simulation.measure(case, 4, tmp_path)
    minds, samples = simulation.minds(case, 4)
    lost = [
        minds[prompt_of(s)].length - max(seen)
        for s in samples
        if (seen := [b for b in simulation.BUDGETS if b < minds[prompt_of(s)].length
                     and minds[prompt_of(s)].answer(b) == s.target])
        and minds[prompt_of(s)].answer(minds[prompt_of(s)].length) != s.target
    ]  # fmt: skip
    assert sorted(t.harmful for t in found.study.traces if t.harmful) == sorted(lost)
    assert lost
    (table,) = [t for t in budget_tables.tables(found.study) if t.title == "what thinking does"]
    cells = " ".join(row[table.header.index("harmful")] for row in table.rows)
    assert sum(int(n) for n in re.findall(r"tokens in (\d+)", cells)) == len(lost)


def test_a_model_that_thinks_on_has_an_outcome_of_its_own_and_is_never_wrong(tmp_path: Path) -> None:
    found = simulation.measure(CASES[THINKS_ON], 4, tmp_path)
    assert found.off == 0
    assert found.thought_on == sum(c.total() for c in found.study.thinks_on.values()) > 0
    (table,) = [t for t in budget_tables.tables(found.study) if t.title.startswith("accuracy")]
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    assert sum(int(row["thinks on"]) for row in rows) == found.thought_on
    assert all((row["bounds"] != "-") == (row["thinks on"] != "0") for row in rows)
    assert "the model thinks on: most often at" in " ".join(budget_tables.notes(found.study))


def test_without_a_tokenizer_the_share_of_characters_cuts_and_the_chat_endpoint_goes_on(tmp_path: Path) -> None:
    found = simulation.measure(CASES["no tokenizer: chat, cut by characters"], 3, tmp_path)
    assert found.study.cut_by == Counter(characters=6)
    assert "no token boundaries" in " ".join(budget_tables.notes(found.study))
    assert found.off <= 4


def test_eight_points_cost_at_most_a_quarter_of_the_whole_run_more(tmp_path: Path) -> None:
    found = simulation.measure(CASES["thresholds by sample"], 3, tmp_path)
    cost = found.study.cost
    assert len(found.study.budgets) == 8
    assert cost.times is not None
    assert 1 < cost.times <= 1.25
    assert cost.times_uncached is not None
    assert cost.times_uncached > 2
    assert not any(check.flagged for check in found.checks)
    assert len(found.checks) == 2


def test_a_true_re_run_that_differs_by_more_than_three_points_is_flagged(tmp_path: Path) -> None:
    case = replace(CASES["a true limit makes it hurry by 200 tokens"], checks=1)
    found = simulation.measure(case, 5, tmp_path)
    assert [check.flagged for check in found.checks] == [True]
    (row,) = budget_tables.checks(found.checks).rows
    assert row[-1] == "over 3.0%"


# The command -------------------------------------------------------------------------------------------------------


def args(server: MockServer, *more: str) -> tuple[str, ...]:
    options = (f"{k}={v}" for k, v in simulation.OPTIONS.items())
    asked = ("--model", "openai/mock", "--base-url", server.base_url, "--limit", "12", "--max-tokens", "4096")
    return ("budget", "arithmetic", *(a for o in options for a in ("-T", o)), *asked, "--display", "none", *more)


def served(**faults: object) -> MockServer:
    """Base 10 is known after 20 tokens of thinking, base 9 after 500."""
    minds, samples = simulation.minds(CASES["thresholds by sample"], 6)
    for sample in samples:
        key = prompt_of(sample)
        minds[key] = replace(minds[key], knows=20 if sample.params["base"] == 10 else 500)
    return MockServer(Faults(**faults), respond=Thinker(minds))  # type: ignore[arg-type]


def test_the_command_says_at_which_budget_a_gap_is_shown_and_draws_it(harness) -> None:
    with served() as server:
        code, out, _ = harness(*args(server, "--at", "16,256,2048", "--picture", "curve.svg"))
        asked = server.counters.requests
        assert code == 0
        assert re.search(r"^9 - 10 +256 +-1\.000 ", out, re.M)
        assert re.search(r"^base9/direct +2048 +1\.000 ", out, re.M)
        assert "9 - 10: a gap from 256 tokens of thinking on" in out
        assert "12 traces were cut at tokens of the model's tokenizer" in out
        assert Path("curve.svg").read_text().count("<svg") == 1
        (run,) = Path("results").iterdir()
        code, again, _ = harness("budget", run)
        assert (code, server.counters.requests) == (0, asked)
    assert again.strip() in out
    code, out, _ = harness("budget", run, "--json")
    told = json.loads(out)
    assert told["tables"][0]["title"] == "gap by budget of thinking"


def test_a_study_that_was_cut_off_is_finished_without_paying_twice(harness) -> None:
    with served(die_after=20) as server:
        code, _, err = harness(*args(server, "--max-retries", "0", "-M", "patience=0"))
        assert (code, "finish it with" in err) == (3, True)
        (run,) = Path("results").iterdir()
        server.revive()
        code, out, _ = harness("run", "--resume", run, "--display", "none")
        assert (code, "12 of 12 records" in out) == (0, True)
        assert max(server.counters.answered_by_prompt.values()) == 1
    made = budget.study(open_run(run))
    assert len(made.traces) == 12
    assert made.cost.calls + 12 == server.counters.answered


def test_a_study_that_was_cut_off_before_its_first_answer_says_so_and_is_no_usage_error(harness) -> None:
    with served(die_after=6) as server:  # a sample takes more
        code, _, err = harness(*args(server, "--max-retries", "0", "-M", "patience=0"))
    assert (code, "finish it with" in err, "has no answers" in err) == (3, True, True)


def test_re_runs_that_check_the_curve_limit_the_thinking(harness) -> None:
    with served() as server:
        field = ("-M", "thinking_field=thinking_token_budget")
        code, out, _ = harness(*args(server, "--at", "64,512,2048", "--check", "2", *field))
    assert code == 0
    assert re.search(r"^64 +0\.500 +0\.500 +\+0\.0 ", out, re.M)


def test_what_can_not_be_asked_is_refused_before_anything_is_sent(harness) -> None:
    with served() as server:
        told = [
            (args(server, "--check", "1"), "-M thinking_field=NAME"),
            (args(server, "--strategy", "cot"), "strategy of its own"),
            (args(server, "--at", "0"), "not between"),
            (("budget", "arithmetic"), "--model is missing"),
            (("budget", "arithmetic", "--model", "baseline/oracle"), "makes whole answers only"),
            (("budget", "nothing-of-the-kind", "--model", "tiny"), "is no task"),
            (("budget", "nothing-of-the-kind"), "not a run directory"),
        ]
        for command, words in told:
            code, _, err = harness(*command)
            assert (code, words in err) == (2, True), (command, err)
        assert server.counters.requests == 0


def test_a_dry_run_counts_an_early_answer_at_its_own_limit(harness) -> None:
    with served() as server:
        code, out, _ = harness(*args(server, "--dry-run"))
    assert (code, "at most 108 calls" in out, f"at most {12 * (4096 + 8 * 32)} completion" in out) == (0, True, True)


def test_a_run_of_another_strategy_has_no_curve(harness) -> None:
    harness("run", "--task", "aiw", "--model", "baseline/oracle", "--limit", "1", "--display", "none")
    (run,) = Path("results").iterdir()
    code, _, err = harness("budget", run)
    assert (code, "of the strategy io" in err) == (2, True)


def test_the_real_model_in_the_package_goes_on_from_its_own_text(harness) -> None:
    """Without thinking the text itself is cut: the same pipeline with no server at all."""
    command = ("budget", "aiw", "--model", "tiny", "--limit", "2", "--epochs", "1", "-S", "trace=text")
    code, out, _ = harness(*command, "--max-tokens", "64", "--temperature", "0", "--display", "none")
    assert (code, "2 traces were cut at tokens" in out) == (0, True)
    code, out, _ = harness(*[a for a in command if a not in ("-S", "trace=text")], "--display", "none")
    assert (code, "have no thinking to cut" in out) == (0, True)


# What a trace is like ----------------------------------------------------------------------------------------------


def trace(right: str, end: bool, length: int = 100) -> Trace:
    """Answers after 10, 20, 30 ... tokens: right (+), wrong (-) or thinking on (?)."""
    steps = [
        Step(10 * i, 10 * i, Outcome.TRUNCATED, None, True)
        if sign == "?"
        else Step(10 * i, 10 * i, Outcome.CORRECT if sign == "+" else Outcome.WRONG, float(sign == "+"))
        for i, sign in enumerate(right, 1)
    ]
    own = Step(length, length, Outcome.CORRECT if end else Outcome.WRONG, float(end))
    return Trace("g", "c", length, "tokenizer", (*steps, own), own, True)


@pytest.mark.parametrize(
    ("right", "end", "futile", "harmful", "starved"),
    [
        ("--++", True, 70, 0, False),
        ("++-+", True, 60, 0, False),
        ("----", True, 0, 0, True),
        ("-??-", True, 0, 0, True),
        ("+-+-", False, None, 70, False),
        ("----", False, None, 0, False),
        ("", True, None, None, None),
    ],
)
def test_futile_harmful_and_starved_tokens(right, end, futile, harmful, starved) -> None:
    made = trace(right, end)
    assert (made.futile, made.harmful, made.starved) == (futile, harmful, starved)


@given(st.text("+-?", max_size=8), st.booleans())
def test_a_trace_is_of_one_kind_and_its_tokens_are_its_own(right: str, end: bool) -> None:
    made = trace(right, end)
    assert sum(bool(kind) for kind in (made.futile, made.harmful, made.starved)) <= 1
    assert all(0 <= tokens <= made.length for tokens in (made.futile or 0, made.harmful or 0))


def test_a_gap_that_is_not_shown_any_more_is_not_called_closed() -> None:
    last = Estimate(-0.3, -0.7, 0.0, 40)
    assert "where it may still be there" in str(budget.Course("a - b", 64, 512, None, last))
    assert "never closes it" in str(budget.Course("a - b", 64, None, None, Estimate(-0.3, -0.5, -0.1, 40)))
    assert "closes it at 512" in str(budget.Course("a - b", 64, 256, 512, Estimate(0.0, -0.05, 0.05, 40)))
    assert "no gap is shown" in str(budget.Course("a - b", None, 64, None, last))


def test_a_gap_closes_at_the_budget_from_which_on_it_is_small() -> None:
    points = [(1, Estimate(0, -0.01, 0.01, 9)), (2, Estimate(-1, -1, -0.5, 9)), (4, Estimate(0, -0.01, 0.01, 9))]
    small = [point for point in points if point[0] != 2]
    assert budget._from_on(points, lambda e: e.low > -0.1) == 4
    assert budget._from_on(small, lambda e: e.low > -0.1) == 1
    assert budget._from_on(points[:2], lambda e: e.low > -0.1) is None


def test_checks_are_spread_over_the_budgets_and_leave_the_largest_out() -> None:
    assert budget.check_points((1, 2, 4, 8, 16), 1) == [4]
    assert budget.check_points((1, 2, 4, 8, 16), 3) in ([1, 2, 8], [1, 4, 8])
    assert budget.check_points((1, 2, 4), 3) == [1, 2]
    assert budget.check_points((64,), 3) == [64]


# Files of others ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("recorded")
    return simulation.measure(CASES["thresholds by sample"], 1, out).study.run.directory


@pytest.mark.parametrize(
    "damage",
    [
        lambda told: None,
        lambda told: [],
        lambda told: {},
        lambda told: {**told, "budgets": []},
        lambda told: {**told, "budgets": [1, "2"]},
        lambda told: {**told, "budgets": [1, 2]},
        lambda told: {**told, "length": -1},
        lambda told: {**told, "length": True},
        lambda told: {**told, "closed": 1},
        lambda told: {**told, "cuts": {}},
        lambda told: {**told, "cuts": [3]},
        lambda told: {**told, "cuts": [{**told["cuts"][0], "text": 7}]},
        lambda told: {**told, "cuts": [{**told["cuts"][0], "kept": None}]},
        lambda told: {**told, "cuts": [{"at": 16, "same_as": 32}]},
        lambda told: {**told, "cuts": [{"at": 16, "same_as": 16}]},
        lambda told: {**told, "cuts": [{"at": 16, "same_as": 32}, {**told["cuts"][0], "at": 32}]},
        lambda told: {**told, "budgets": told["budgets"][::-1]},
        lambda told: {**told, "whole": 7},
    ],
)
def test_a_record_that_was_edited_is_a_data_error(damage, recorded: Path, tmp_path: Path) -> None:
    for file in ("run.json", "records.jsonl"):
        (tmp_path / file).write_bytes((recorded / file).read_bytes())
    lines = [json.loads(line) for line in (recorded / "records.jsonl").read_text().splitlines()]
    lines[-1]["detail"]["strategy"] = damage(lines[-1]["detail"]["strategy"])
    (tmp_path / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises((DataError, UsageError)):
        budget.study(open_run(tmp_path))


def test_the_report_of_a_run_shows_the_gap_at_each_budget_and_says_why_if_it_cannot(tmp_path: Path) -> None:
    found = simulation.measure(CASES["thresholds by sample"], 3, tmp_path)
    directory = found.study.run.directory
    page = build(*collect([directory]))
    (course, *_) = budget.courses(found.study)
    assert escape(str(course)) in page
    assert page.index("Gap by budget of thinking") < page.index("Accuracy by budget of thinking")
    assert page.count("<svg") >= 2
    path = directory / store.RECORDS
    first, *others = path.read_text(encoding="utf-8").splitlines()
    record = json.loads(first)
    record["detail"]["strategy"]["budgets"] = ["<b>"]
    path.write_text("\n".join([json.dumps(record), *others]) + "\n", encoding="utf-8")
    page = build(*collect([directory]))
    assert "Its budgets of thinking are not shown: sample " in page
    assert "Gap by budget of thinking" not in page
