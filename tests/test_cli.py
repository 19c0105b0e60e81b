"""The command line as a script sees it: exit codes, messages without tracebacks, files."""

import csv
import gzip
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from harness import cli as harness_cli
from harness.cli import cli
from harness.cli.commands import OWN
from harness.errors import HarnessError
from harness.plugins import installed
from harness.text import align
from tests.waiting import ended, started

ORACLE = ("--model", "baseline/oracle", "--display", "none")


def only_run(tmp_path: Path) -> Path:
    (directory,) = (tmp_path / "results").iterdir()
    return directory


def test_a_run_prints_its_table_and_leaves_its_files(harness, tmp_path) -> None:
    code, out, _ = harness("run", "--task", "aiw", *ORACLE, "--epochs", "2")
    assert code == 0
    assert re.search(r"^all +48 +1\.000 ", out, re.M)
    assert out.index("friends - original") < out.index("original/standard"), "the gap comes first"
    directory = only_run(tmp_path)
    assert {"run.json", "records.jsonl", "records.parquet", "summary.csv"} <= {p.name for p in directory.iterdir()}
    about = json.loads((directory / "run.json").read_text())
    assert about["status"] == "complete"
    assert about["config"]["model"] == "baseline/oracle"
    rows = list(csv.DictReader((directory / "summary.csv").open()))
    assert (len(rows), rows[0]["condition"], rows[0]["accuracy"]) == (7, "original/standard", "1.0")


def test_several_tasks_and_models_are_runs_of_their_own(harness, tmp_path) -> None:
    code, _, _ = harness(
        "run",
        "-t",
        "all",
        "-m",
        "baseline/oracle,baseline/random",
        "-m",
        "baseline/shallow",
        "--limit",
        "2",
        "--display",
        "none",
    )
    assert code == 0
    assert len(list((tmp_path / "results").iterdir())) == 3 * len(installed("tasks"))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("run", "--task", "aiw", "--model", "lama"), "did you mean 'llama'?"),
        (("run", "--task", "awi", "--model", "tiny"), "there is no task 'awi'"),
        (("run", "--task", "aiw", "--model", "baseline/best"), "there is no baseline 'best'"),
        (("run", "--task", "aiw", "--model", "tiny", "--strategy", "tree"), "there is no strategy 'tree'"),
        (("run", "--task", "aiw", "--model", "tiny", "-T", "famly=plus"), "no option 'famly'"),
        (("run", "--task", "aiw", "--model", "tiny", "-T", "family"), "key=value"),
        (("run", "--task", "aiw", "--model", "tiny", "-M", "thread=2"), "no option 'thread'"),
        (("run", "--task", "aiw", "--model", "tiny", "--limit", "none"), "is no limit"),
        (("run", "--task", "aiw", "--model", "tiny", "--temperature", "-1"), "not in the range"),
        (("run", "--task", "aiw", "--model", "tiny", "--limt", "1"), "No such option"),
        (("run", "--task", "aiw"), "--model is missing"),
        (("run", "--model", "tiny"), "--task is missing"),
        (("run", "--resume", "nowhere"), "not a run directory"),
        (("score", "--task", "aiw", "nowhere.jsonl"), "can't be read"),
        (("table", "nowhere"), "not a run directory"),
        (("show", "nothing"), "there is no task"),
        (("tasks", "nothing"), "there is no task"),
        (("run", "-t", "aiw", "-m", "embedded/nowhere"), "model.bin is missing"),
        (("serve", "tiny"), "not a vLLM model"),
        (("run", "-t", "aiw", "-m", "tiny", "-T", "largest=99999999999999999999"), "not between 2 and 10000"),
        (
            ("run", "-t", "aiw", "-m", "tiny", "-T", "family=parameterised", "-T", "variations=5"),
            "there are no samples",
        ),
    ],
)
def test_wrong_input_is_one_message_and_exit_code_2(harness, args, message) -> None:
    code, _, err = harness(*args)
    assert code == 2
    assert message in err


BLOCK = "(define (domain d) (:requirements :preferences) (:predicates (p)) (:action go :parameters () :effect (p)))"


@pytest.mark.parametrize(
    ("domain", "plan", "code", "said"),
    [
        (BLOCK, "(go)", 0, "valid, cost 1"),
        (BLOCK, "", 1, "invalid: goal"),
        (BLOCK, "go", 1, "invalid: syntax"),
        ("(define (domain", "(go)", 2, "a parenthesis is never closed"),
    ],
)
def test_validate_tells_an_invalid_plan_from_a_file_that_can_t_be_read(validate, domain, plan, code, said) -> None:
    found, out, err = validate(domain, "(define (problem x) (:goal (p)))", plan)
    assert found == code
    assert said in out + err
    assert (":preferences, which is not supported and not used" in err) == (code < 2)


def test_a_batch_marks_a_plan_that_took_too_long(harness, monkeypatch) -> None:
    monkeypatch.setattr("harness.pddl.execute.MOST_WORK", 10)
    condition = "(forall (?a ?b) (or (r ?a) (not (r ?b))))"
    domain = f"(define (domain d) (:predicates (r ?x)) (:action go :precondition {condition}))"
    problem = "(define (problem x) (:objects a b c d e) (:goal (and)))"
    Path("b").write_text(json.dumps({"domain": domain, "problem": problem, "plan": "(go)"}))
    assert harness("validate", "--batch", "b", "-o", "out")[0] == 0
    row = json.loads(Path("out").read_text())
    assert (row["valid"], row["reason"]) == (None, None)
    assert "not checked to its end" in row["detail"]


def test_dry_run_counts_and_writes_nothing(harness, tmp_path) -> None:
    code, out, _ = harness("run", "--task", "aiw", *ORACLE, "--dry-run")
    assert code == 0
    assert "24 samples x 30 epochs = 720 calls" in out
    _, out, _ = harness("run", "--task", "aiw", *ORACLE, "--dry-run", "--strategy", "self-consistency", "-S", "k=3")
    assert "24 samples x 30 epochs, at most 2160 calls" in out
    assert not (tmp_path / "results").exists()


def test_resuming_a_finished_run_changes_nothing(harness, tmp_path) -> None:
    harness("run", "--task", "aiw", *ORACLE, "--epochs", "1")
    before = (only_run(tmp_path) / "records.jsonl").read_bytes()
    code, out, _ = harness("run", "--resume", only_run(tmp_path), "--display", "none")
    assert (code, "24 of 24" in out) == (0, True)
    assert (only_run(tmp_path) / "records.jsonl").read_bytes() == before


def test_replay_answers_as_the_run_did(harness, tmp_path) -> None:
    harness("run", "--task", "aiw", "--model", "baseline/random", "--epochs", "2", "--display", "none")
    first = only_run(tmp_path)
    code, _, _ = harness("run", "--task", "aiw", "--model", f"replay/{first}", "--epochs", "3", "--display", "none")
    assert code == 3, "the third epoch is not in the run"
    (second,) = set((tmp_path / "results").iterdir()) - {first}

    def answers(directory: Path) -> dict:
        rows = map(json.loads, (directory / "records.jsonl").read_text().splitlines())
        return {(r["id"], r["epoch"]): (r["response"], r["outcome"]) for r in rows if r["outcome"] != "api_error"}

    assert answers(first) == answers(second)


def test_score_keeps_other_keys_and_adds_the_verdict(harness) -> None:
    rows = [
        {"params": {"answer": "7"}, "response": "### Answer: 7", "mine": 1},
        {"params": {"answer": "7"}, "response": None},
    ]
    with gzip.open("r.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(r) + "\n" for r in rows)
    code, _, err = harness("score", "--task", "aiw", "r.jsonl.gz", "-o", "deep/out.jsonl")
    assert (code, "2 responses" in err) == (0, True)
    first, second = map(json.loads, Path("deep/out.jsonl").read_text().splitlines())
    assert first == rows[0] | {"outcome": "correct", "value": 1.0, "answer": "7", "detail": {}}
    assert second["outcome"] == "unparsed"


def test_score_writes_to_standard_output_without_o(harness) -> None:
    Path("r.jsonl").write_text(json.dumps({"params": {"answer": "7"}, "response": "### Answer: 6"}) + "\n")
    _, out, _ = harness("score", "--task", "aiw", "--rule", "original", "r.jsonl")
    assert json.loads(out)["outcome"] == "wrong"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: not valid JSON"),
        ("[]", "line 2: needs an object"),
        ('{"params": {}, "response": "x"}', "line 2: an AIW sample needs params.answer"),
        ('{"params": {"answer": "1"}, "response": 7}', "line 2: `response` is not text"),
        ('{"params": {"answer": "1"}, "completion": "1"}', "line 2: has no `response` (its keys: params, completion)"),
        ('{"params": {"answer": "1"}, "response": "1", "task": "game24"}', "line 2: is of task game24, not of aiw"),
    ],
)
def test_score_names_the_line_it_can_not_read(harness, line, message) -> None:
    Path("r.jsonl").write_text(json.dumps({"params": {"answer": "7"}, "response": ""}) + "\n" + line + "\n")
    code, _, err = harness("score", "--task", "aiw", "r.jsonl", "-o", "out.jsonl")
    assert (code, message in err) == (1, True)


def test_a_run_can_be_scored_anew_under_the_other_rule(harness, tmp_path) -> None:
    harness("run", "--task", "aiw", *ORACLE, "--epochs", "1")
    code, out, _ = harness("score", "--task", "aiw", "--rule", "original", only_run(tmp_path), "-o", "again")
    assert (code, "1.000" in out) == (0, True)
    assert json.loads(Path("again/records.jsonl").read_text().splitlines()[0])["detail"]["rule"] == "original"
    assert harness("table", "again", "--by", "params_prompt")[0] == 0


@pytest.mark.parametrize(
    ("model", "said"),
    [("tyni", "did you mean 'tiny'?"), ("claude-9", "or openai/claude-9: "), ("tgi/gpt2", "or openai/gpt2: ")],
)
def test_a_model_that_is_not_known_is_answered_with_the_ways_there_are(harness, model: str, said: str) -> None:
    code, _, err = harness("run", "--task", "aiw", "--model", model)
    assert (code, said in err) == (2, True)
    assert "harness.toml" in err


def test_a_dry_run_says_what_it_would_cost_if_the_price_is_known(harness) -> None:
    Path("harness.toml").write_text('[models.paid]\nmodel = "openai/x"\nprice = [10, 100]\n')
    _, out, _ = harness("run", "-t", "aiw", "-m", "paid", "--limit", "2", "--epochs", "1", "--dry-run")
    assert re.search(r"if every answer ran to its limit, \$0\.00 to \$0\.41; nothing was sent", out)


def test_samples_of_a_run_are_shown(harness) -> None:
    harness("run", "--task", "aiw", "--model", "baseline/shallow", "--epochs", "2", "--display", "none")
    run = only_run(Path())
    code, out, _ = harness("show", run, "--outcome", "wrong", "--limit", "2")
    assert (code, out.count("\n--- ") + out.startswith("--- ")) == (0, 2)
    assert "--- original/V1/standard   wrong, condition original/standard" in out
    assert "[user] Alice has 3 brothers" in out
    assert "response: ### Answer: 6" in out
    assert "target: 7" in out
    _, out, _ = harness("show", run, "--sample-id", "friends/V2/standard", "--json")
    assert [json.loads(line)["epoch"] for line in out.splitlines()] == [1, 2]
    _, out, err = harness("show", run, "--condition", "nothing")
    assert (out, err) == ("", "no sample of the run has that\n")
    code, _, err = harness("show", run, "--outcome", "wrog")
    assert (code, "did you mean 'wrong'?" in err) == (2, True)
    code, _, err = harness("show", "aiw", "--outcome", "wrong")
    assert (code, "--outcome is for the samples of a run" in err) == (2, True)
    for option in (("--seed", "1"), ("-T", "family=plus")):
        code, _, err = harness("show", run, *option)
        assert (code, f"{option[0]} is for the samples of a task" in err) == (2, True)


def test_several_runs_end_with_an_overview(harness) -> None:
    _, out, _ = harness("run", "-t", "aiw,game24", *ORACLE, "--limit", "3", "--epochs", "1", "--name", "first")
    overview = out.partition("\n2 runs\n")[2].splitlines()
    shown = [line.split("  ")[0] for line in overview if not line.startswith(" ")]
    assert [shown[0], *shown[2:]] == ["run", "first, aiw", "first, game24"]
    _, out, _ = harness("run", "-t", "aiw", *ORACLE, "--limit", "3", "--epochs", "1")
    assert "runs\n" not in out


def test_the_table_starts_with_the_gap_that_the_task_exists_for(harness) -> None:
    harness("run", "--task", "aiw", *ORACLE, "--epochs", "1")
    _, out, _ = harness("table", only_run(Path()), "--by", "model")
    assert out.startswith("gap within group")
    assert out.splitlines()[2].startswith("aiw, baseline/oracle  friends - original")
    assert "thinking_v1 - standard" not in out
    _, out, _ = harness("table", only_run(Path()), "--by", "model", "--json", "-")
    assert json.loads(out)[0]["n"] == 24


def test_table_groups_by_any_column_and_exports(harness, tmp_path) -> None:
    harness("run", "--task", "aiw", *ORACLE, "--epochs", "1")
    code, out, _ = harness("table", only_run(tmp_path), "--by", "params_prompt", "--csv", "-")
    assert code == 0
    rows = list(csv.DictReader(out.splitlines()))
    assert [(r["params_prompt"], r["n"]) for r in rows] == [
        ("standard", "8"),
        ("thinking_v1", "8"),
        ("restricted", "8"),
    ]
    assert harness("table", only_run(tmp_path), "--by", "nothing")[0] == 2
    assert harness("table", only_run(tmp_path), "--parquet", "t.parquet")[0] == 0
    assert Path("t.parquet").stat().st_size > 0


def test_listings(harness) -> None:
    assert "aiw" in harness("tasks")[1]
    assert "variations" in harness("tasks", "aiw")[1]
    assert "Llama-3.1-8B-Instruct" in harness("models")[1]
    assert "cot" in harness("strategies")[1]
    listed = {command: json.loads(harness(command, "--json")[1]) for command in ("tasks", "models", "strategies")}
    assert {"name", "what"} == set(listed["tasks"][0])
    assert "llama" in [row["alias"] for row in listed["models"]]
    assert {row["name"]: row["aid"] for row in listed["strategies"]}["io"] == "none"
    assert "family" in [option["name"] for option in json.loads(harness("tasks", "aiw", "--json")[1])["options"]]
    assert "How many sisters" in harness("show", "aiw")[1]
    assert "0.1.0" in harness("--version")[1]


def test_an_output_folder_that_can_not_be_made(harness) -> None:
    Path("file").write_text("")
    code, _, err = harness("run", "-t", "aiw", *ORACLE, "--out", "file")
    assert (code, "can't be made" in err) == (1, True)


def test_a_model_that_can_not_start_leaves_no_run_behind(harness, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("harness.models.baseline.Baseline.start", refuse)
    code, _, err = harness("run", "-t", "aiw", *ORACLE)
    assert (code, "not today" in err) == (1, True)
    assert not list((tmp_path / "results").iterdir())


async def refuse(model: object) -> None:
    raise HarnessError("not today")


@pytest.mark.parametrize("command", [("run", "--resume"), ("score", "--task", "aiw"), ("table",)])
@pytest.mark.parametrize("config", ['{"a": 1}', '{"config": {}}', '{"config": {"task": 1}}'])
def test_a_directory_of_something_else_is_a_clear_error(harness, command, config) -> None:
    Path("foreign").mkdir()
    Path("foreign/run.json").write_text(config)
    Path("foreign/records.jsonl").write_text("{}\n")
    code, _, err = harness(*command, "foreign")
    assert (code, "error: " in err) == (1, True)


def test_score_may_write_over_its_source(harness) -> None:
    Path("r.jsonl").write_text(json.dumps({"params": {"answer": "7"}, "response": "### Answer: 7"}) + "\n")
    assert harness("score", "--task", "aiw", "r.jsonl", "-o", "r.jsonl")[0] == 0
    assert json.loads(Path("r.jsonl").read_text())["outcome"] == "correct"


def test_help_loads_nothing_heavy() -> None:
    """What makes `harness --help` slow is imported inside the commands."""
    heavy = "pandas pyarrow numpy openai aiohttp ctranslate2 tokenizers unified_planning rich asyncio sqlite3".split()
    heavy += ["torch", *(f"harness.cli.{declared.file}" for declared in OWN.values())]
    shown = "sys.argv = ['harness', '--help']; cli._exit_code(); print(*(m for m in heavy if m in sys.modules))"
    code = f"import sys; heavy = {heavy}; from harness import cli; {shown}"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_the_list_of_commands_is_what_there_is_and_each_fits_on_a_line() -> None:
    found = {name: cli.get_command(click.Context(cli), name) for name in OWN}
    assert all(found.values())
    files = Path(harness_cli.__file__).parent.glob("*.py")
    for file in files:
        import_module(f"harness.cli.{file.stem}")
    assert set(cli.commands) == set(OWN), "a command that is not in harness/cli/commands.py can't be called"
    shown = CliRunner().invoke(cli, ["--help"], prog_name="harness").output
    assert not [line for line in shown.splitlines() if line.startswith("  ") and line.endswith("...")]
    assert all(f"  {name} " in shown and declared.short in shown for name, declared in OWN.items())


def test_a_missing_key_of_the_second_model_shows_before_the_first_is_asked(harness, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    code, _, err = harness("run", "-t", "aiw", "-m", "baseline/oracle,openai/gpt-4o", "--limit", "3")
    assert (code, "OPENAI_API_KEY" in err) == (2, True)
    assert not (tmp_path / "results").exists()


def test_a_planning_run_shows_how_far_plans_get(harness, tmp_path) -> None:
    code, out, _ = harness("run", "-t", "blocksworld", "-m", "baseline/shallow", "--display", "none", "--limit", "30")
    assert code == 0
    assert re.search(r"^plan_generation/plain/nl +10 +1\.000 ", out, re.M)
    assert "how far plans get" in out
    code, again, _ = harness("score", "-t", "blocksworld", only_run(tmp_path))
    assert code == 0
    assert again.strip() in out


def test_a_baseline_that_a_task_has_not_is_refused(harness, tmp_path) -> None:
    code, _, err = harness("run", "-t", "aiw", "-m", "baseline/planner", "--limit", "3")
    assert (code, "task aiw has no baseline/planner" in err) == (2, True)


def test_published_answers_become_a_run_that_can_be_tabulated(harness, tmp_path) -> None:
    row = {"model": "m", "prompt": "How many?", "model_response": "### Answer: 3", "right_answer": "3", "correct": True}
    Path("collected.json").write_text(json.dumps([row, row | {"model_response": "### Answer: 4", "correct": True}]))
    code, out, _ = harness("import", "aiw", "collected.json")
    assert (code, "same verdict as in the file: 1 of 2" in out) == (0, True)
    code, out, _ = harness("table", only_run(tmp_path), "--by", "model")
    assert (code, "imported/m" in out) == (0, True)
    code, _, err = harness("import", "chess", "collected.json")
    assert (code, "there is no format 'chess'" in err) == (2, True)


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`harness show T | head`: no message, and exit code 0."""
    command = [sys.executable, "-c", "from harness.cli import main; main()", "show", "blocksworld", "--limit", "150"]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        assert (ended(process), errors) == (0, b"")


def test_a_run_of_another_task_is_not_scored(harness) -> None:
    harness("run", "--task", "aiw", "--model", "baseline/oracle", "--limit", "2", "--epochs", "1")
    code, _, err = harness("score", "--task", "game24", only_run(Path()), "-o", "again")
    assert (code, "is a run of aiw, not of game24" in err) == (2, True)
    assert not Path("again").exists()


def test_a_run_twice_is_counted_once_and_an_incomplete_one_only_if_asked_for(harness) -> None:
    harness("run", "--task", "aiw", "--model", "baseline/oracle", "--limit", "3", "--epochs", "2")
    run = only_run(Path())
    code, out, err = harness("table", run, run, "--by", "params_family")
    assert (code, "note: 6 answers are in several runs, and count once" in err) == (0, True)
    assert re.search(r"^original +6 +1\.000 ", out, re.M)
    about = json.loads((Path(run) / "run.json").read_text())
    (Path(run) / "run.json").write_text(json.dumps(about | {"status": "interrupted"}))
    code, _, err = harness("table", run)
    assert (code, "is left out: interrupted" in err, "no run is complete" in err) == (2, True, True)
    assert harness("table", run, "--incomplete")[0] == 0


def test_what_is_listed_can_be_had_as_json(harness) -> None:
    assert json.loads(harness("doctor", "--json")[1])[0]["part"] == "click"
    assert {"feature", "verdict"} <= set(json.loads(harness("audit", "aiw", "--limit", "24", "--json")[1])[0])
    assert json.loads(harness("audit", "reversal", "--limit", "8", "--reading", "--json")[1])
    harness("run", "--task", "aiw", *ORACLE, "--epochs", "2")
    (told,) = json.loads(harness("stats", only_run(Path()), "--json")[1])
    assert told["label"] == "aiw, baseline/oracle"
    assert [table["title"] for table in told["tables"]]
    assert "odds ratio" in told["tables"][0]["rows"][0]


def test_a_table_that_is_wider_than_the_terminal_goes_on_below_itself() -> None:
    header, row = ["name", *"abcdefgh"], ["x" * 12, *["1234567890"] * 8]
    whole = align(header, [row], left=1)
    assert len(whole.splitlines()) == 3, "a pipe gets one line a row"
    parts = align(header, [row], left=1, width=60).split("\n\n")
    assert [part.split("\n")[0].split() for part in parts] == [["name", *"abcd"], ["name", *"efgh"]]
    assert max(len(line) for part in parts for line in part.splitlines()) <= 60
