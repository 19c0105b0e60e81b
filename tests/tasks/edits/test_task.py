"""Edits: what should change and what should not, found twice; stable by seed; the same questions for any editor."""

import itertools
import json
import random
import re
from collections import Counter
from pathlib import Path

import edits as acceptance
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli import cli
from harness.errors import DataError, HarnessError, UsageError
from harness.options import build
from harness.results import audit
from harness.statistics.intervals import Cluster, Clusters
from harness.tasks.edits.cases import MOST, cases
from harness.tasks.edits.prompts import PARAPHRASES, RELATIONS
from harness.tasks.edits.questions import QUESTIONS, asked, facts
from harness.tasks.edits.table import harmonic_mean
from harness.tasks.edits.task import Edits
from harness.types import Message, Outcome, Sample


def made(seed: int = 0, **options: str) -> tuple[Edits, list[Sample]]:
    task = build(Edits, options, "task edits")
    return task, list(task.samples(seed))


def test_default_is_a_hundred_edits_with_every_question_before_and_after() -> None:
    _, samples = made()
    assert len(samples) == 100 * 7 * 2
    assert len({s.id for s in samples}) == len(samples)
    assert [s.condition for s in samples[:3]] == ["reliability/before", "reliability/after", "generality/before"]
    assert {s.params["kind"] for s in samples[:70]} == {r.kind for r in RELATIONS}


def test_every_answer_is_found_again_in_the_sentences_of_the_prompt() -> None:
    found = acceptance.counted(10, 2)
    assert set(found) == set(itertools.product(QUESTIONS, ("before", "after")))
    for cell in found.values():
        assert cell["found again"] == cell["samples"] == cell["oracle"]


def test_no_plural_is_made_by_adding_an_s_to_a_word_that_takes_es() -> None:
    _, samples = made(edits="5")
    said = {m[1] for s in samples if (m := re.match(r"No \w+ has two (\w+) at a time", s.messages[0].content))}
    assert said == {"captains", "conductors", "directors", "editors", "coaches"}


@pytest.mark.parametrize("things", [3, 10])
def test_answers_are_found_again_in_circles_of_any_size(things: int) -> None:
    assert all(cell["found again"] == cell["samples"] for cell in acceptance.counted(5, 1, things).values())


def test_baselines_are_at_the_floors_that_the_readme_states() -> None:
    for (question, state), cell in acceptance.counted(60, 2).items():
        shares = {kind: cell[kind] / cell["samples"] for kind in acceptance.KINDS}
        cities = question in ("locality_subject", "portability_two_hop")
        assert shares["shallow"] == (state == "before" or question.startswith("locality"))
        floor = 1 / 12 if cities else 1 / 6
        assert shares["random"] == pytest.approx(floor, abs=4 * (floor * (1 - floor) / cell["samples"]) ** 0.5)
        about_people = not cities and question != "portability_reverse"
        if about_people:
            assert shares["overwriting"] == (state == "after" and question != "locality_neighbour")
        else:
            assert shares["overwriting"] == shares["shallow"]


@given(st.integers(0, 10**6), st.integers(3, 10))
@settings(deadline=None, max_examples=25)
def test_an_edit_changes_what_follows_from_it_and_nothing_else(seed: int, things: int) -> None:
    for case in cases(seed, 5, things):
        for question in QUESTIONS:
            found = asked(case, question)
            assert (found.before == found.after) == question.startswith("locality")
            assert {found.before, found.after} <= set(found.candidates)
            assert len(set(found.candidates)) == len(found.candidates)


@pytest.mark.parametrize("things", [3, 10])
def test_no_name_comes_twice_in_the_edits_of_a_seed(things: int) -> None:
    people, cities, subjects = Counter(), Counter(), Counter()
    for case in cases(7, MOST, things):
        people.update(case.heads)
        cities.update((*case.places, *case.origins))
        subjects.update((case.relation.kind, subject) for subject in case.subjects)
    assert max((*people.values(), *cities.values(), *subjects.values())) == 1


def test_more_edits_begin_with_the_same_ones_and_neighbouring_seeds_share_no_circle() -> None:
    assert cases(3, 20, 6)[:5] == cases(3, 5, 6)
    people = [{frozenset(case.heads) for case in cases(seed, 50, 6)} for seed in (1, 2)]
    assert not people[0] & people[1]


def test_both_ways_of_editing_ask_the_same_questions_with_the_same_answers() -> None:
    context, model = (made(how=how, edits="10")[1] for how in ("context", "model"))
    for one, other in zip(context, model, strict=True):
        question = other.messages[0].content
        assert one.messages[0].content.endswith(question)
        assert (one.group, one.condition, one.target) == (other.group, other.condition, other.target)


def test_before_and_after_differ_in_one_sentence() -> None:
    _, samples = made(edits="20")
    for before, after in zip(samples[::2], samples[1::2], strict=True):
        texts = [s.messages[0].content.split("\n\n") for s in (before, after)]
        assert [i for i, (a, b) in enumerate(zip(*texts, strict=True)) if a != b] == [1]
        assert after.params["new"] in texts[1][1]


def test_all_paraphrases_are_asked_in_turn_or_together() -> None:
    _, one = made(question="generality", state="after", how="model", edits="25")
    for relation in RELATIONS:
        texts = [s.messages[0].content.split("\n")[0] for s in one if s.params["kind"] == relation.kind]
        assert len({text.split(relation.kind)[0] for text in texts}) == PARAPHRASES
    _, samples = made(question="generality", state="after", how="model", edits="5", paraphrases="5")
    assert len(samples) == 5 * PARAPHRASES
    for _, group in itertools.groupby(samples, key=lambda s: s.group):
        assert len({s.messages[0].content for s in group}) == PARAPHRASES
    for relation in RELATIONS:
        assert len({relation.question, *relation.paraphrases}) == 1 + PARAPHRASES


@pytest.mark.parametrize("how", ["context", "model"])
def test_conditions_are_matched(how: str) -> None:
    task, samples = made(how=how, edits="60")
    assert audit.warnings(audit.audit(task, samples)) == []


def test_examples_are_right_and_have_no_name_of_a_sample() -> None:
    task, samples = made(edits="5")
    for sample in samples:
        names = {*sample.params["candidates"], str(sample.params["new"])}
        for prompt, answer in itertools.islice(task.examples(sample, random.Random(1)), 2):
            assert not any(name in prompt for name in names)
            shown = Sample("", "", "", sample.params, (Message("user", prompt),), "")
            assert answer == f"Answer: {acceptance.again(shown)}"
        first = {next(task.examples(s, random.Random(1))).prompt for s in samples if s.condition == sample.condition}
        assert len(first) == len({s.params["kind"] for s in samples})
    for prompt, answer in itertools.islice(task.examples(None, random.Random(2)), 20):
        assert "End the response" in prompt
        assert answer.startswith("Answer: ")


# Scoring --------------------------------------------------------------------------------------------------------------

ASKED = {"answer": "Thea Corisk", "before": "Urban Ellerisk", "after": "Thea Corisk", "new": "Thea Corisk",
         "candidates": ("Thea Corisk", "Tobias Kelfeld", "Urban Ellerisk")}  # fmt: skip


@pytest.mark.parametrize(
    ("response", "outcome", "gives"),
    [
        ("Answer: Thea Corisk", "correct", "new"),
        ("Since the change, the captain is **thea corisk**.", "correct", "new"),
        ("It was Urban Ellerisk, but since the change it is Thea Corisk.", "correct", "new"),
        ("Answer: Urban Ellerisk", "wrong", "old"),
        ("Answer: Tobias Kelfeld", "wrong", "other"),
        ("Answer: Somebody Else", "wrong", "other"),
        ("Answer: Thea Corisk or Urban Ellerisk", "unparsed", None),
        ("I don't know.", "refused", None),
    ],
)
def test_responses_are_read_as_a_person_would(response: str, outcome: str, gives: str | None) -> None:
    score = Edits().score(ASKED, response)
    assert (score.outcome, score.detail.get("gives")) == (Outcome(outcome), gives)


@pytest.mark.parametrize(
    "response",
    [
        "The new one is X; before it was Y.",
        "The new captain is X; before that it was Y.",
        "It used to be Y, but now it is X.",
        "Answer: X (before: Y)",
        "Answer: X, formerly Y",
        "It is X now; previously it was Y.",
        "Previously Y, now X.",
        "X is the captain now, Y was before.",
        "Until the change it was Y, now it is X.",
        "Before the change the captain was Y. Now it is X.",
        "The captain is X. Before the change it was Y.",
        "The captain was Y, but X took over.",
        "X, who replaced Y.",
        "X replaced Y.",
        "Y was replaced by X.",
        "Since the change X is the captain instead of Y.",
        "The captain is X (it was Y before).",
        "The old captain was Y; the new captain is X.",
        "Answer: X; the former captain was Y.",
        "The former captain Y has left, so X.",
        "A year ago it was Y; since the swap it is X.",
        "It was Y a year ago, and now it is X.",
        "X. (Y before the swap.)",
    ],
)
def test_what_was_before_is_not_what_is_now(response: str) -> None:
    """X is the captain, Y was; the same holds if Y is the captain and X was."""
    for now, before in (("Thea Corisk", "Urban Ellerisk"), ("Urban Ellerisk", "Thea Corisk")):
        said = re.sub(r"\bY\b", before, re.sub(r"\bX\b", now, response))
        assert Edits().score(ASKED, said).answer == now


def test_what_was_before_counts_if_nothing_else_is_said() -> None:
    assert Edits().score(ASKED, "The captain was Urban Ellerisk.").answer == "Urban Ellerisk"
    assert Edits().score(ASKED, "It was Thea Corisk, then it was Urban Ellerisk.").outcome is not Outcome.CORRECT


@given(st.text(max_size=200), st.sampled_from(("stop", "length")))
@settings(deadline=None, max_examples=50)
def test_any_text_has_a_score(text: str, stop: str) -> None:
    assert Edits().score(ASKED, text, stop).outcome in Outcome


@pytest.mark.parametrize("params", [{}, ASKED | {"candidates": "x"}, ASKED | {"before": None}, ASKED | {"answer": " "}])
def test_params_that_are_no_sample_s_are_said(params: dict) -> None:
    with pytest.raises(DataError, match="params"):
        Edits().score(params, "Answer: Thea Corisk")


def test_a_run_has_a_table_of_metrics_and_their_harmonic_mean() -> None:
    task, samples = made(edits="20")
    table = task.collector()
    for sample in samples:
        score = task.score(sample.params, task.baseline("overwriting", sample, random.Random(0)))
        record = {"params": sample.params, "group": sample.group, "outcome": score.outcome.value}
        table.add({**record, "value": score.value, "detail": dict(score.detail)})
    [shown] = table.tables()
    rows = {row[0]: [cell.split()[0] for cell in row[1:]] for row in shown.rows}
    assert rows == {
        "reliability": ["0.000", "1.000", "0.000"],
        "generality": ["0.000", "1.000", "0.000"],
        "locality": ["0.500", "0.500", "-"],
        "portability": ["0.667", "0.333", "0.667"],
    }
    score, low, high = map(float, re.search(r"after: (\S+) \[(\S+), (\S+)\] n=20$", shown.note).groups())
    assert low < score == 0.75 < high
    never = Clusters({group: Cluster(0, 1) for group in "abc"})
    half = Clusters({group: Cluster(i % 2, 1) for i, group in enumerate("abcd")})
    assert harmonic_mean([half, never, half]) is None
    assert harmonic_mean([half, half, half]).value == pytest.approx(0.5)
    assert type(task).collector().tables() == []


# Files for an editor --------------------------------------------------------------------------------------------------


def test_files_have_every_fact_and_every_edit_of_the_run(tmp_path: Path) -> None:
    options = ["--seed", "3", "--edits", "4", "--things", "5", "--format", "completions"]
    outcome = CliRunner().invoke(cli, ["edits-data", str(tmp_path / "new"), *options])
    assert outcome.exit_code == 0
    assert "-T how=model -T edits=4 -T things=5 --seed 3" in outcome.output
    lines = [json.loads(line) for line in (tmp_path / "new/facts.jsonl").read_text().splitlines()]
    stated = {line["prompt"] + line["completion"] for line in lines}
    assert stated == {s for case in cases(3, 4, 5) for wording in (0, 1) for s in facts(case, wording)}
    requests = [json.loads(line) for line in (tmp_path / "new/requests.jsonl").read_text().splitlines()]
    _, samples = made(3, how="model", edits="4", things="5", state="after", paraphrases="5")
    assert [r["id"] for r in requests] == list(dict.fromkeys(s.group for s in samples))
    written = [
        (r["id"], q["prompt"], q["after"])
        for r in requests
        for metric in ("reliability", "generality", "locality", "portability")
        for q in r[metric]
    ]
    assert written == [(s.group, s.messages[0].content.split("\n")[0], s.target) for s in samples]
    for one in requests:
        assert one["statement"] == f"{one['prompt']} now {one['target_new']}."
        assert f"{one['prompt']} {one['target_old']}." in stated


def test_facts_for_chat_models_are_messages(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["edits-data", str(tmp_path), "--edits", "1"]).exit_code == 0
    for line in (tmp_path / "facts.jsonl").read_text().splitlines():
        asks, says = json.loads(line)["messages"]
        assert (asks["role"], says["role"]) == ("user", "assistant")
        assert says["content"].endswith(".")


@pytest.mark.parametrize("options", [["--edits", "0"], ["--edits", "201"], ["--things", "2"]])
def test_counts_out_of_range_are_said(options: list[str], tmp_path: Path) -> None:
    outcome = CliRunner().invoke(cli, ["edits-data", str(tmp_path), *options])
    assert isinstance(outcome.exception, UsageError)
    assert "is not between" in outcome.exception.message


def test_a_directory_that_can_t_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    outcome = CliRunner().invoke(cli, ["edits-data", str(tmp_path / "file/below")])
    assert isinstance(outcome.exception, HarnessError)
    assert "can't be written" in outcome.exception.message


def test_paraphrases_are_of_one_question_alone() -> None:
    with pytest.raises(UsageError, match="option paraphrases has no effect on question reliability"):
        build(Edits, {"question": "reliability", "paraphrases": "2"}, "edits")


def test_unknown_options_are_said() -> None:
    for options in ({"how": "magic"}, {"things": "2"}, {"question": "fluency"}, {"state": "during"}):
        with pytest.raises(UsageError):
            build(Edits, options, "task edits")
    assert build(Edits, {"question": "portability"}, "task edits").question == QUESTIONS[4:]
