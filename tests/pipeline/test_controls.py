"""What a run asks beside its samples: rewordings that must not matter, and changes that must."""

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness import launch, plugins
from harness.errors import BudgetSpent, UsageError
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.pipeline.questions import count, samples_of
from harness.results.records import open_run
from harness.strategies.io import IO
from tests.support import Controlled, Echo, Parrot, execute, failing, records

PLAIN = RunConfig("echo", "parrot")
BOTH = replace(PLAIN, placebo=2, sensitivity=1)


@pytest.fixture
def installed(monkeypatch) -> None:
    """The toy task, as if it were installed under the name echo, of a model that answers at once."""
    monkeypatch.setattr(plugins, "task", lambda name, options: Controlled(12))


def test_controls_stand_right_behind_each_sample_at_the_reference_level() -> None:
    asked = list(samples_of(Controlled(6), BOTH))
    assert [(s.id, s.control) for s in asked[:5]] == [
        ("s0", ""),
        ("s0~polite", "placebo polite"),
        ("s0~odd", "placebo odd"),
        ("s0~more", "change more"),
        ("s1", ""),
    ]
    base = {s.id: s for s in asked if not s.control}
    beside = [s for s in asked if s.control]
    assert {s.condition for s in beside} == {"a"}
    for one in beside:
        of = base[one.id.partition("~")[0]]
        assert (one.group, one.condition) == (of.group, of.condition)
    assert [s.id for s in asked if s.control == "placebo odd"] == ["s0~odd", "s4~odd"]


@dataclass(frozen=True)
class Factorless(Controlled):
    factors = ()


def test_a_task_without_factors_has_controls_of_every_sample() -> None:
    asked = list(samples_of(Factorless(6), replace(PLAIN, placebo=1)))
    assert sum(bool(s.control) for s in asked) == 6


def test_controls_are_drawn_by_seed_and_place_alone() -> None:
    """The same ones in a run of one sample, of all, and in one that was resumed; others with another seed."""

    def texts(config: RunConfig) -> dict:
        return {s.id: s.messages for s in samples_of(Controlled(10), config) if s.control == "placebo odd"}

    whole = texts(replace(PLAIN, placebo=2))
    assert texts(replace(PLAIN, placebo=2, sample_id=("s4",))) == {"s4~odd": whole["s4~odd"]}
    assert texts(replace(PLAIN, placebo=2, seed=1)) != whole


@pytest.mark.parametrize(
    ("config", "said", "hint"),
    [
        (replace(PLAIN, placebo=3), "--placebo 3: it has 2: polite, odd", "at most 2"),
        (replace(PLAIN, sensitivity=2), "--sensitivity 2: it has 1: more", "at most 1"),
    ],
)
def test_more_controls_than_there_are_is_an_error_that_names_them(config: RunConfig, said: str, hint: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        count(Controlled(), config)
    assert hint in error.value.hint


def test_a_task_without_controls_says_so() -> None:
    with pytest.raises(UsageError, match="it has no rewordings that must not matter"):
        list(samples_of(Echo(), replace(PLAIN, placebo=1)))


@pytest.mark.parametrize("config", [BOTH, replace(BOTH, limit=5), replace(BOTH, sample_id=("s4", "s7")),
                                    replace(BOTH, limit="3-6", epochs=3), PLAIN])  # fmt: skip
def test_limit_and_sample_id_count_samples_and_the_total_counts_records(tmp_path: Path, config: RunConfig) -> None:
    asyncio.run(execute(tmp_path, Parrot(), IO(), Controlled(12), config))
    made = records(tmp_path)
    samples = {r["id"] for r in made.values() if not r["control"]}
    assert len(made) == count(Controlled(12), config)
    assert len(samples) == len(list(samples_of(Controlled(12), replace(config, placebo=0, sensitivity=0))))
    assert {r["outcome"] for r in made.values()} == {"correct"}


def test_what_a_run_without_controls_asked_is_asked_the_same_with_them(tmp_path: Path) -> None:
    """So that identities of records, and what is cached under them, are those of runs before there were controls."""
    asyncio.run(execute(tmp_path / "old", Parrot(), IO(), Echo(4), replace(PLAIN, limit=4)))
    asyncio.run(execute(tmp_path / "new", Parrot(), IO(), Controlled(4), replace(BOTH, limit=4)))
    old, new = records(tmp_path / "old"), records(tmp_path / "new")
    assert old["s0", 1]["identity"] == "723fa2b63edba65490378f45049a7dbd-1"
    assert {k: r["identity"] for k, r in old.items()} == {k: new[k]["identity"] for k in old}
    assert len({r["identity"] for r in new.values()}) == len(new)


def test_an_interrupted_run_is_finished_with_its_controls(tmp_path: Path) -> None:
    error = BudgetSpent("enough")
    asyncio.run(execute(tmp_path, Parrot(failing(7, error)), IO(), Controlled(12), BOTH))
    assert 0 < len(records(tmp_path)) < count(Controlled(12), BOTH)
    model = Parrot()
    there = len(records(tmp_path))
    result = asyncio.run(execute(tmp_path, model, IO(), Controlled(12), BOTH))
    assert result.status == "complete"
    assert len(model.asked) == count(Controlled(12), BOTH) - there
    assert len(records(tmp_path)) == count(Controlled(12), BOTH)


def test_the_budget_counts_controls(tmp_path: Path) -> None:
    config = replace(BOTH, budget_tokens=12)
    result = asyncio.run(execute(tmp_path, Parrot(max_connections=1), IO(), Controlled(12), config))
    assert (result.status, result.tokens_used) == ("incomplete", 12)
    assert any(r["control"] for r in records(tmp_path).values())


def test_the_progress_shows_the_accuracy_of_samples_alone(tmp_path: Path) -> None:
    wrong = Parrot(lambda text: "0" if "please" in text else text.rpartition(" ")[2])
    progress = asyncio.run(execute(tmp_path, wrong, IO(), Controlled(12), BOTH)).progress
    assert (progress.verdicts, progress.correct, progress.done) == (12, 12.0, progress.total)


def test_run_json_names_the_controls_and_the_run_opens(tmp_path: Path, installed, monkeypatch) -> None:
    monkeypatch.setattr(launch, "open_model", lambda *_: Parrot())
    finished = launch.start(replace(BOTH, limit=4), tmp_path)
    about = json.loads((finished.directory / "run.json").read_text())
    assert about["controls"] == {
        "placebo polite": "please before it",
        "placebo odd": "an odd word before it",
        "change more": "a number that is 1,000 more",
    }
    run = open_run(finished.directory)
    assert (run.config["placebo"], run.config["sensitivity"], about["records"]) == (2, 1, 4 + 2 + 1 + 2)
    assert len(list(run.records())) == 4
    assert len(list(run.records(controls=True))) == 9
    assert run.asked == "limit 4"


def test_an_estimate_says_samples_and_controls(installed, monkeypatch) -> None:
    monkeypatch.setattr(launch, "open_model", lambda *_: Parrot())
    made = launch.estimate(replace(BOTH, epochs=2))
    assert (made.samples, made.controls, made.epochs, made.calls) == (12, 6 + 3 + 6, 2, 54)


def test_records_of_before_there_were_controls_have_none(tmp_path: Path) -> None:
    asyncio.run(execute(tmp_path, Parrot(), IO(), Echo(4)))
    path = tmp_path / store.RECORDS
    old = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in r.items() if k != "control"}) + "\n" for r in old))
    assert {r["control"] for r in store.read_records(tmp_path)} == {""}


@pytest.mark.parametrize("control", ["placebo", "placebo ", "nonsense x", 3, ["placebo a"]])
def test_a_control_that_is_none_is_refused(tmp_path: Path, control: object) -> None:
    asyncio.run(execute(tmp_path, Parrot(), IO(), Echo(4)))
    path = tmp_path / store.RECORDS
    path.write_text(json.dumps(json.loads(path.read_text().splitlines()[0]) | {"control": control}) + "\n")
    with pytest.raises(Exception, match="`control` is not empty"):
        list(store.read_records(tmp_path))


def test_show_prints_controls_with_their_name(harness, installed, monkeypatch) -> None:
    monkeypatch.setattr(plugins, "is_task", lambda name: name == "echo")
    _, shown, _ = harness("show", "echo", "--placebo", "1", "--sensitivity", "1", "--limit", "1")
    assert "s0~polite   group g0, condition a, control: placebo polite" in shown
    assert "please say 0" in shown
    assert "control: change more" in shown
    _, out, _ = harness("show", "echo", "--placebo", "1", "--limit", "2", "--json")
    lines = map(json.loads, out.splitlines())
    assert [line.get("control") for line in lines] == [None, "placebo polite", None]
