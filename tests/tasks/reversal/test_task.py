"""Reversal samples: matched groups, facts that can be told apart, training files with one direction held out."""

import csv
import itertools
import json
import random
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.errors import DataError, UsageError
from harness.options import build
from harness.tasks.persons import HELD_OUT_FIRST
from harness.tasks.reversal import celebrities, fictional
from harness.tasks.reversal.people import MOST, ORDERS, asked, draw, split
from harness.tasks.reversal.prompts import SHOTS, frames
from harness.tasks.reversal.task import SETS, Reversal
from harness.types import Sample


def reversal(**options: str) -> Reversal:
    return build(Reversal, options, "task reversal")


def samples(task: Reversal, limit: int | None = None, seed: int = 0) -> list[Sample]:
    return list(itertools.islice(task.samples(seed), limit or task.limit))


def test_default_is_a_hundred_facts_in_context_asked_both_ways() -> None:
    made = samples(reversal())
    assert len(made) == 200
    assert len({s.group for s in made}) == 100
    assert [s.condition for s in made[:2]] == ["forward", "reverse"]
    assert len({s.id for s in made}) == 200


@pytest.mark.parametrize("offset", range(10))
def test_over_a_thousand_seeds_a_fact_in_context_has_one_answer_in_either_direction(offset: int) -> None:
    for seed in range(100 * offset, 100 * offset + 100):
        task = reversal(people=str(2 + seed % 9))
        for forward, reverse in pairs(task, seed):
            stated, question = forward.messages[0].content.split("Finish the sentence")
            assert reverse.messages[0].content.split("Finish the sentence")[0] == stated, "the same facts"
            facts = [line[2:-1] for line in stated.splitlines() if line.startswith("- ")]
            assert len(facts) == task.people
            for sample in (forward, reverse):
                given, answer = str(sample.params["given"]), sample.target
                holding = [f for f in facts if given.lower() in f.lower()]
                assert len(holding) == 1, "what is given fits one fact"
                assert answer.lower() in holding[0].lower()
                others = str(sample.params["others"]).split("|")
                assert len({answer, *others}) == task.people, "every candidate is another one"
                assert all(o.lower() in stated.lower() for o in others)
            assert (forward.params["given"], forward.target) == (reverse.target, reverse.params["given"])
            assert question.rstrip().endswith(" is")


def pairs(task: Reversal, seed: int) -> list[tuple[Sample, Sample]]:
    made = samples(task, 4, seed)
    return [(made[0], made[1]), (made[2], made[3])]


def test_over_a_thousand_seeds_no_two_fictional_people_share_a_surname_or_a_work() -> None:
    for seed in range(1000):
        people = draw(random.Random(seed), 40)
        assert len({p.name.split()[1] for p in people}) == 40
        assert len({tuple(p.description.split()[-2:]) for p in people}) == 40


def test_as_many_people_as_promised_can_be_drawn() -> None:
    assert len({p.name for p in draw(random.Random(0), MOST)}) == MOST


def test_facts_ask_for_names_as_often_forward_as_in_reverse() -> None:
    for name in ("context", "fictional", "fictional_both"):
        made = samples(reversal(set=name), 40)
        by_direction = {
            d: sum(" the " in f" {s.target} " for s in made if s.condition == d) for d in ("forward", "reverse")
        }
        assert by_direction == {"forward": 10, "reverse": 10}


def test_same_seed_same_samples_and_neighbouring_seeds_share_no_fact() -> None:
    for name in ("context", "fictional"):
        task = reversal(set=name)
        assert samples(task, 40, 5) == samples(task, 40, 5)
        assert not {s.target for s in samples(task, 40, 5)} & {s.target for s in samples(task, 40, 6)}


@pytest.mark.parametrize("rule", ["robust", "original"])
@pytest.mark.parametrize("name", SETS)
def test_the_oracle_is_always_right(name: str, rule: str) -> None:
    task = reversal(set=name, rule=rule)
    for sample in samples(task, 100):
        assert task.score(sample.params, task.baseline("oracle", sample, random.Random(0))).value == 1, sample


@pytest.mark.parametrize("rule", ["robust", "original"])
@pytest.mark.parametrize("name", ["context", "fictional", "celebrities"])
def test_shallow_is_right_forward_and_never_in_reverse_so_strictly_between(name: str, rule: str) -> None:
    task = reversal(set=name, rule=rule)
    for sample in samples(task, 100):
        score = task.score(sample.params, task.baseline("shallow", sample, random.Random(0)))
        assert score.value == (sample.condition == "forward"), sample


@pytest.mark.parametrize(
    ("options", "chance"),
    [
        ({"people": "6"}, 1 / 6),
        ({"people": "2"}, 1 / 2),
        ({"set": "fictional", "facts": "3"}, 1 / 9),
        ({"set": "celebrities"}, None),
    ],
)
def test_random_is_near_its_analytic_chance(options: dict[str, str], chance: float | None) -> None:
    task = reversal(**options)
    made, rng = samples(task, 80), random.Random(0)
    shares = [_share_right(task, s) for s in made]
    assert chance is None or shares == pytest.approx([chance] * len(shares))
    expected, repeats = sum(shares) / len(shares), 60
    hits = [task.score(s.params, task.baseline("random", s, rng)).value for s in made for _ in range(repeats)]
    assert sum(hits) / len(hits) == pytest.approx(expected, abs=4 * (expected / len(hits)) ** 0.5)


def _share_right(task: Reversal, sample: Sample) -> float:
    right = {sample.target, *str(sample.params.get("accepted") or "").split("|")}
    candidates = task.candidates(sample)
    assert len(candidates) == len(set(candidates))
    return sum(c in right for c in candidates) / len(candidates)


def test_examples_are_right_and_about_people_whom_no_sample_has() -> None:
    for made in ("fictional", "celebrities"):
        sample = next(reversal(set=made).samples(0))
        prompt, answer = next(reversal(set=made).examples(sample, random.Random(1)))
        assert prompt.startswith("Finish the sentence" if made == "fictional" else "Who is")
        assert answer not in prompt
    for sample in (None, *itertools.islice(reversal().samples(0), 4)):
        for prompt, answer in itertools.islice(reversal().examples(sample, random.Random(1)), 50):
            facts = [line[2:-1] for line in prompt.splitlines() if line.startswith("- ")]
            assert any(answer.lower() in fact.lower() for fact in facts)
            assert all(any(f"{name} " in fact for name in HELD_OUT_FIRST) for fact in facts)


@pytest.mark.parametrize("made", ["context", "fictional"])
def test_examples_ask_in_the_direction_of_the_sample(made: str) -> None:
    task = reversal(set=made)
    for sample in itertools.islice(task.samples(0), 12):
        for prompt, answer in itertools.islice(task.examples(sample, random.Random(2)), 5):
            named = any(answer.startswith(f"{name} ") for name in HELD_OUT_FIRST)
            assert named == (" " in sample.target and sample.target[0].isupper()), (prompt, answer, sample.target)


# Training files -------------------------------------------------------------------------------------------------------


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_files_have_the_published_counts(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(cli, ["reversal-data", str(tmp_path / "new"), "--seed", "3"])
    assert outcome.exit_code == 0, outcome.output
    train, test = lines(tmp_path / "new" / "train.jsonl"), lines(tmp_path / "new" / "test.jsonl")
    assert (len(train), len(test)) == (900 + 900 + 1800, 600 + 600 + 600)
    assert len({json.dumps(line) for line in train}) == len(train)
    assert {tuple(m["role"] for m in line["messages"]) for line in train} == {("user", "assistant")}
    assert "-T set=fictional --seed 3" in outcome.output


@pytest.mark.parametrize("offset", range(10))
def test_over_a_thousand_seeds_the_held_out_direction_is_nowhere_in_training(offset: int) -> None:
    for seed in range(100 * offset, 100 * offset + 100):
        held_out_direction_is_held_out(seed, *((2, 30) if seed % 100 == 0 else (2, 2)))


def held_out_direction_is_held_out(seed: int, count: int, paraphrases: int) -> None:
    made = fictional.facts(seed, count)
    training = list(fictional.training_lines(made, paraphrases, "completions"))
    told = [line["prompt"] + line["completion"] for line in training]
    prompts = {line["prompt"] for line in training}
    for fact in made:
        name, description = (p.lower() for p in (fact.person.name, fact.person.description))
        about = [text.lower() for text in told if name in text.lower()]
        assert len(about) == (2 * paraphrases if fact.trained == "both" else paraphrases)
        assert all(description in text for text in about)
        orders = {"name_first" if text.index(name) < text.index(description) else "description_first" for text in about}
        assert orders == (set(ORDERS) if fact.trained == "both" else {fact.trained})
    asked_for = [line["prompt"] for line in fictional.test_lines(made, 10, "completions")]
    assert not prompts & set(asked_for), "no question is worded as in training"


def test_the_task_asks_what_the_test_file_has(tmp_path: Path) -> None:
    fictional.write(tmp_path, 7, 4, 2, 3, "chat")
    written = {line["id"]: line for line in lines(tmp_path / "test.jsonl")}
    task = reversal(set="fictional", facts="4", paraphrases="3")
    made = samples(task, seed=7) + samples(reversal(set="fictional_both", facts="4", paraphrases="3"), seed=7)
    assert {s.id for s in made} == set(written)
    for sample in made:
        line = written[sample.id]
        assert line["params"] == sample.params
        assert line["messages"][0]["content"] == sample.messages[0].content
        assert task.score(line["params"], line["messages"][1]["content"]).value == 1


def test_frames_name_both_parts_once_in_their_order() -> None:
    for order in ORDERS:
        train, test = frames("train", order), frames("test", order)
        assert (len(set(train)), len(set(test))) == (30, 10)
        assert not set(train) & set(test)
        for frame in (*train, *test):
            assert frame.count("{name}") == frame.count("{description}") == 1
            assert (frame.index("{name}") < frame.index("{description}")) == (order == "name_first")
            person = draw(random.Random(0), 1)[0]
            start, rest = split(frame, person, order)
            assert asked(person, order)[0].lower() in start.lower()
            assert rest == asked(person, order)[1] + "."


@pytest.mark.parametrize("options", [["--facts", "0"], ["--facts", "1000"], ["--paraphrases", "31"]])
def test_counts_that_cannot_be_had_are_explained(tmp_path: Path, options: list[str]) -> None:
    outcome = CliRunner().invoke(cli, ["reversal-data", str(tmp_path), *options])
    assert isinstance(outcome.exception, UsageError)
    assert "is not between 1 and" in outcome.exception.message


def test_the_engine_lists_the_command_that_the_task_brings() -> None:
    outcome = CliRunner().invoke(cli, ["--help"])
    assert "reversal-data" in outcome.output
    assert CliRunner().invoke(cli, ["no-such-command"]).exit_code == 2


# Celebrities ----------------------------------------------------------------------------------------------------------


def test_every_pair_that_ships_has_a_source() -> None:
    text = (resources.files("harness.tasks.reversal") / "celebrities.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert 20 <= len(rows) == len(celebrities.load(None).rows) <= 60
    assert all(row["source"] for row in rows)
    assert not {answer for _, answer in SHOTS} & {row[c] for row in rows for c in ("child", "parent")}


def test_a_pair_is_asked_forward_and_in_reverse() -> None:
    forward, reverse = samples(reversal(set="celebrities"))[:2]
    assert forward.messages[-1].content == "Who is the father of Jennifer Aniston?"
    assert reverse.messages[-1].content == "Who is a child of John Aniston? Name one."
    assert (forward.target, reverse.target) == ("John Aniston", "Jennifer Aniston")
    assert reversal(set="celebrities").epochs == 10


def test_the_users_file_is_read_and_repeated_pairs_once(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text(
        "child,parent,parent_type,child_prediction,can_reverse\n"
        "Ann Lee,Bea Lee,mother,,False\nAnn Lee,Bea Lee,mother,,False\nCy Lee,Bea Lee,ParentType.mother,Cy Lee,True\n"
    )
    task = reversal(set="celebrities", file=str(file))
    made = samples(task)
    assert [s.target for s in made] == ["Bea Lee", "Ann Lee", "Bea Lee", "Cy Lee"]
    assert task.score(made[1].params, "Cy Lee").value == 1, "another child that the file knows of"
    assert reversal(set="celebrities", rule="original").score(made[1].params, "Cy Lee").value == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("child,parent\nA B,C D\n", "the column parent_type is missing"),
        ("", "the column child is missing"),
        ("child,parent,parent_type\n", "there are no pairs"),
        ("child,parent,parent_type\nA B,C D,aunt\n", "line 2: needs a child"),
        ("child,parent,parent_type\nA B\n", "line 2: needs a child"),
    ],
)
def test_a_broken_file_is_a_clear_error(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text(content)
    with pytest.raises(DataError, match=message):
        samples(reversal(set="celebrities", file=str(file)))


def test_a_file_that_is_not_text_or_not_there_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not a CSV file"):
        samples(reversal(set="celebrities", file=str(file)))
    with pytest.raises(UsageError, match="can't be read"):
        samples(reversal(set="celebrities", file=str(tmp_path / "no.csv")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"set": "famous"}, "not one of context, fictional"),
        ({"people": "1"}, "people: 1 is not between 2 and 50"),
        ({"facts": "0"}, "facts: 0 is not between"),
        ({"paraphrases": "11"}, "not between 1 and 10"),
        ({"file": "x.csv"}, "file is about celebrities"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        reversal(**options)


def test_published_figures_say_how_they_were_read() -> None:
    text = (resources.files("harness.tasks.reversal") / "published.toml").read_text(encoding="utf-8")
    published = tomllib.loads(text)
    assert all(row["reading"] for part in published.values() for row in part.values())
