"""Strategies compared at equal cost: what many calls reached, against the vote of as many plain answers."""

import json
from pathlib import Path

from harness.pipeline import store
from harness.results.costs import read, rows, tables
from harness.results.records import open_run
from harness.statistics import repeats


def run(tmp_path: Path, name: str, answers: dict[str, list[str]], calls: int = 1, aid: str = "none", **config) -> Path:
    """A run whose samples, one a group, have these answers in their epochs; "r" is right, "" was not read."""
    directory = tmp_path / name
    directory.mkdir()
    asked = {"model": "m", "task": "echo", "strategy": name, **config}
    store.write_config(directory, {"run_id": name, "status": "complete", "config": asked, "task": {"version": "1"}})
    lines = []
    for sample, given in answers.items():
        for epoch, answer in enumerate(given, 1):
            outcome = "correct" if answer == "r" else "wrong" if answer else "unparsed"
            line = asked | {"id": sample, "epoch": epoch, "group": sample, "condition": "c", "params": {}}
            line |= {"outcome": outcome, "value": float(answer == "r"), "answer": answer or None, "response": answer}
            lines.append(line | {"aid": aid, "calls": calls, "prompt_tokens": 10 * calls, "completion_tokens": 0})
    (directory / store.RECORDS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return directory


def shown(*directories: Path, unit: str = "tokens") -> list:
    return tables(read(map(open_run, directories)), unit)


PLAIN = {f"s{i}": ["r", "r", "r", "a", "b", "c"] for i in range(8)}


def test_the_cheap_run_votes_with_as_many_answers_as_cost_the_same(tmp_path: Path) -> None:
    """Half of its answers are right, and each wrong one is another: a vote of five is right far more often."""
    cheap = run(tmp_path, "io", PLAIN)
    dear = run(tmp_path, "search", {f"s{i}": ["r" if i % 4 else "x"] for i in range(8)}, calls=5)
    spent, compared = shown(cheap, dear)
    assert [row[0] for row in spent.rows] == ["echo, m, io", "echo, m, search"]
    assert [row[5] for row in spent.rows] == ["1.0", "5.0"]
    ((name, against, votes, ratio, difference, *_, samples, groups),) = compared.rows
    assert (name, against, votes, ratio, samples, groups) == ("echo, m, search", "echo, m, io", "5", "5.0", "8", "8")
    # Of five of the six answers, three or two are right and the others all differ: the vote is right.
    assert difference == "-0.250"


def test_a_vote_of_fewer_answers_than_cost_the_same_is_not_called_a_comparison_at_equal_cost(tmp_path: Path) -> None:
    cheap = run(tmp_path, "io", {name: given[:2] for name, given in PLAIN.items()})
    dear = run(tmp_path, "search", {name: ["r"] for name in PLAIN}, calls=5)
    _, table = shown(cheap, dear)
    assert table.title == "not at equal cost: give the cheaper run more --epochs: echo 1"
    ((_, _, votes, ratio, *_),) = table.rows
    assert (votes, ratio) == ("2", "5.0")


def test_tokens_that_a_server_did_not_count_are_not_taken_for_none(tmp_path: Path) -> None:
    cheap, dear = run(tmp_path, "io", PLAIN), run(tmp_path, "search", PLAIN, calls=5)
    lines = [json.loads(line) for line in (cheap / store.RECORDS).read_text().splitlines()]
    lines[0]["completion_tokens"] = None
    (cheap / store.RECORDS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    (spent,) = shown(cheap, dear)
    assert [row[5:9] for row in spent.rows] == [("1.0", "-", "-", "-"), ("5.0", "50.0", "0.0", "0.0")]
    assert [table.title.partition(":")[0] for table in shown(cheap, dear, unit="calls")][1] == "at equal cost (calls)"


def test_the_rows_of_the_cost_table_are_one_a_run_with_all_its_numbers(tmp_path: Path) -> None:
    cheap, dear = run(tmp_path, "io", PLAIN), run(tmp_path, "search", PLAIN, calls=5)
    one, other = rows(read(map(open_run, (cheap, dear))))
    assert list(one) == list(other)
    assert (one["calls"], one["prompt_tokens"], one["accuracy"], one["against"]) == (1, 10, 0.5, None)
    assert (other["against"], other["votes"], other["votes_at_equal_cost"], other["equal"]) == (
        one["run"],
        5,
        5,
        "tokens",
    )
    assert other["difference_low"] <= other["difference"] <= other["difference_high"]


def test_the_cost_table_is_written_to_the_files_asked_for(harness, tmp_path: Path) -> None:
    runs = run(tmp_path, "io", PLAIN), run(tmp_path, "search", PLAIN, calls=5)
    code, out, _ = harness("table", *runs, "--at-equal-cost", "--by", "strategy", "--csv", "-")
    assert (code, out.splitlines()[0].split(",")[:4]) == (0, ["samples_of", "run", "model", "strategy"])
    assert harness("table", *runs, "--at-equal-cost", "--json", tmp_path / "costs.json")[0] == 0
    assert [row["votes"] for row in json.loads((tmp_path / "costs.json").read_text())] == [None, 5]
    code, _, err = harness("table", *runs, "--at-equal-cost", "--by", "task")
    assert (code, "--by can't be given" in err) == (2, True)


def test_all_votes_together_are_counted_and_not_drawn() -> None:
    """Many hundred repeats took minutes."""
    assert repeats.majority({"a": (600, 600), "b": (399, 0)}, 1, 1000) == 1
    assert repeats.majority({"a": (500, 500), "b": (500, 0)}, 0, 1000) == 0.5
    assert repeats.majority({}, 3, 3) == 0
    few = {"a": (3, 3), "b": (2, 0), "c": (2, 0)}
    assert repeats.majority(few, 1, 8) == 1


def test_what_saw_the_answer_key_stands_in_no_table_with_what_did_not(tmp_path: Path) -> None:
    blind, key = run(tmp_path, "io", PLAIN), run(tmp_path, "best", PLAIN, calls=5, aid="oracle")
    first, second = shown(blind, key)
    assert len(first.rows) == len(second.rows) == 1
    assert "a ceiling" in second.title
    assert "a ceiling" not in first.title


def test_runs_of_other_samples_are_not_compared(tmp_path: Path) -> None:
    one, other = run(tmp_path, "io", PLAIN), run(tmp_path, "search", PLAIN, calls=5, seed=1)
    assert [table.title for table in shown(one, other)] == [
        "accuracy and cost of one answer: echo 1",
        "accuracy and cost of one answer: echo 1 (seed 1)",
    ]


def test_dollars_need_a_price(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [run(tmp_path, name, PLAIN, calls=c, model="paid") for name, c in (("io", 1), ("search", 5))]
    assert len(shown(*runs, unit="dollars")) == 1
    Path("harness.toml").write_text('[models.paid]\nmodel = "openai/x"\nprice = [1, 1]\n')
    spent, compared = shown(*runs, unit="dollars")
    assert spent.rows[1][-1] == "5e-05"
    assert compared.rows[0][2] == "5"


def test_an_answer_that_was_not_read_does_not_vote(tmp_path: Path) -> None:
    cheap = run(tmp_path, "io", {f"s{i}": ["r", "", "", "", ""] for i in range(8)})
    dear = run(tmp_path, "search", {f"s{i}": ["r"] for i in range(8)}, calls=5)
    ((*_, difference, _, _, _, _),) = shown(cheap, dear)[1].rows
    assert difference == "+0.000"


def test_what_saw_the_answer_key_has_tables_of_its_own_everywhere(harness, tmp_path: Path) -> None:
    runs = run(tmp_path, "io", PLAIN), run(tmp_path, "best-of-n", PLAIN, aid="oracle")
    _, out, _ = harness("table", *runs)
    blind, _, ceiling = out.partition("the answer key was used: a ceiling, not a result:\n")
    assert ("io" in blind, "best-of-n" in blind, "best-of-n" in ceiling) == (True, False, True)
    _, out, _ = harness("table", *runs, "--by", "strategy", "--json", "-")
    assert [row["aid"] for row in json.loads(out)] == ["none", "oracle"]
    assert harness("report", *runs, "-o", tmp_path / "page.html")[0] == 0
    page = (tmp_path / "page.html").read_text()
    blind, _, ceiling = page.partition("Runs side by side; the answer key was used: a ceiling, not a result")
    assert "Runs side by side" in blind
    assert ceiling
