"""What controls say, and that they are in no number of the task: in any command, file or program."""

import csv
import io
import json
import random
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import harness as product
from harness import plugins
from harness.errors import DataError
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.results import claims, reproduce
from harness.results.controls import Controls, Found, rows, tables
from harness.results.counts import Contrasts
from harness.results.records import open_run
from harness.results.reproduce import Part, cells
from harness.statistics import tests as statistics
from harness.statistics.intervals import MatchedDifference, Stratum
from tests.support import Controlled

SOURCE = Path(__file__).parents[2] / "harness"


TOY = EntryPoint("echo", "tests.support:Controlled", "harness.tasks")
REAL = plugins.installed


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    """The toy task, under the name echo."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "installed", lambda kind: REAL(kind) | ({"echo": TOY} if kind == "tasks" else {}))
        yield


@pytest.fixture(scope="module")
def runs(installed, tmp_path_factory) -> tuple[Path, Path]:
    """(a run with controls, the same without their records), of one name."""
    folder = tmp_path_factory.mktemp("runs")
    size = {"size": 40}
    made = product.run(
        "echo", "baseline/random", task_options=size, placebo=2, sensitivity=1, epochs=2, out=folder / "with"
    )
    bare = folder / "bare" / made.directory.name
    shutil.copytree(made.directory, bare)
    lines = [line for line in (bare / store.RECORDS).read_text().splitlines() if not json.loads(line)["control"]]
    assert len(lines) == 80
    (bare / store.RECORDS).write_text("".join(line + "\n" for line in lines))
    about = json.loads((bare / "run.json").read_text())
    assert about["records"] == 80 + 2 * (20 + 10 + 20)
    del about["controls"]
    about |= {"records": 80, "config": about["config"] | {"placebo": 0, "sensitivity": 0}}
    (bare / "run.json").write_text(json.dumps(about))
    return made.directory, bare


POLICY = '[[check]]\ntask = "echo"\nbase = "base"\n'

COMMANDS = [
    "table RUN",
    "table RUN --csv -",
    "table RUN --by group,condition --json -",
    "table RUN --at-equal-cost",
    "stats RUN",
    "leaderboard RUN",
    "compare base RUN",
    "gate policy.toml RUN",
    "history add RUN --file FILE",
    "export RUN --to inspect -o FILE",
    "export RUN --to lm-eval -o FILE",
    "export RUN --to every-eval-ever -o FILE",
    "export RUN --to sft -o FILE",
    "export RUN --to preference -o FILE",
    "score -t echo RUN",
    "baseline set RUN --name one",
]


def plain(text: str) -> list[str]:
    """The lines without what tells the two runs apart, and without what was paid."""
    return [line for line in text.splitlines() if not line.startswith("tokens  ")]


def is_part(lines: list[str], whole: list[str]) -> bool:
    """Whether all lines stand in the whole, in their order."""
    rest = iter(whole)
    return all(line in rest for line in lines)


def files_of(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def test_no_command_counts_a_control(harness, runs, tmp_path: Path) -> None:
    """The same run with and without them prints the same numbers; tables of the controls come beside."""
    shutil.copytree(runs[1], tmp_path / "base")
    (tmp_path / "policy.toml").write_text(POLICY)
    for command in COMMANDS:
        said, written = [], []
        for run in runs:
            file = tmp_path / "file"
            words = [{"RUN": run, "FILE": file}.get(word, word) for word in command.split()]
            code, out, err = harness(*words)
            assert code in (0, 3), (command, err)
            said.append(plain(out.replace(str(run), "RUN")))
            found = files_of(file) | files_of(tmp_path / "results/baselines/one")
            written.append({name: re.sub(rb'"date[^,]*,|"retrieved[^,]*,', b"", text) for name, text in found.items()})
            for made in (file, tmp_path / "results"):
                shutil.rmtree(made) if made.is_dir() else made.unlink(missing_ok=True)
        assert is_part(said[1], said[0]), command
        shows = command.split()[0] in ("stats", "score") or command == "table RUN"
        assert shows or said[0] == said[1], command
        assert not shows or "changes that must matter" in "\n".join(said[0]), command
        for name in (written[0] | written[1]).keys() - {"run.json"}:
            assert written[0].get(name) == written[1].get(name), (command, name)


def test_a_program_s_numbers_leave_controls_out(runs) -> None:
    with_them, without = (product.load(run) for run in runs)
    assert with_them.gaps().equals(without.gaps())
    assert with_them.table().equals(without.table())
    assert with_them.records().equals(without.records())
    assert len(with_them.records(controls=True)) == 180
    assert set(with_them.table("control,condition")["control"]) == {"", "placebo polite", "placebo odd", "change more"}
    assert set(with_them.controls()["kind"]) == {"beyond", "placebo", "change"}
    assert without.controls().empty
    assert "changes that must matter" in str(with_them)
    assert with_them.contrasts.asked == without.contrasts.asked
    assert with_them.contrasts.worst() == without.contrasts.worst()
    part = Part("p", "echo")
    assert cells(part, open_run(runs[0])) == cells(part, open_run(runs[1]))


def test_the_summary_has_the_task_s_numbers(runs, harness) -> None:
    made, bare = runs
    harness("score", "-t", "echo", bare, "-o", "anew")
    assert (made / "summary.csv").read_text() == Path("anew/summary.csv").read_text()


def test_the_report_leaves_controls_out_and_has_a_table_of_them(runs, harness) -> None:
    pages = []
    for run in runs:
        code, _, err = harness("report", run, "-o", "page.html")
        assert code == 0, err
        pages.append(Path("page.html").read_text())
    assert "Gaps beside a change that must not matter" in pages[0]
    without = re.sub(r"<figure(?:(?!</figure>).)*(?:must not matter|must matter).*?</figure>", "", pages[0], flags=re.S)
    data = [re.search(r'id="data">(.*?)</script>', page, re.S)[1] for page in pages]
    assert data[0] == data[1]
    strip = re.compile(r"<[^>]+>|\s+")
    numbers = [
        re.findall(r"[-+]?\d\.\d{3}\b", strip.sub(" ", p.partition('id="data"')[0])) for p in (without, pages[1])
    ]
    assert is_part(numbers[1], numbers[0])


def test_reproduce_asks_a_placebo_where_the_task_has_one_and_compares_as_before(runs) -> None:
    def placebos(part: Part, **given: object) -> int:
        return part.config("m", given, {}, {}).placebo

    assert [placebos(Part("p", "echo")), placebos(Part("p", "echo", placebo=9))] == [1, 2]
    assert placebos(Part("p", "echo"), placebo=0) == placebos(Part("p", "echo", placebo=0)) == 0
    assert placebos(Part("p", "echo", run={"placebo": 2})) == 2
    assert "--placebo 1 " in Part("p", "echo").command
    asked = Part("p", "echo", {"size": "40"}, {"epochs": 2})
    assert [list(asked.departures(open_run(run))) for run in runs] == [[], []]


@pytest.mark.parametrize("value", ["many", -1])
def test_a_recipe_with_no_number_of_placebos_is_an_error(value: object) -> None:
    text = f'title = "t"\npaper = "p"\nplacebo = {value!r}\n[[run]]\nlabel = "l"\ntask = "echo"\n'
    with pytest.raises(DataError, match="recipe r: ValueError: placebo is"):
        reproduce._read("r", text)
    assert reproduce._read("r", text.replace(repr(value), "2")).parts[0].placebo == 2


def test_a_claim_is_about_the_samples_and_may_be_asked_with_controls() -> None:
    alone, beside = RunConfig("echo", "m"), RunConfig("echo", "m", placebo=2, sensitivity=1)
    one, other = (claims.claim(c, Controlled(), "b - a", "lower", 0.0, 0.05, "now") for c in (alone, beside))
    assert one == other
    assert one.records == 10
    claims.fits(one, beside, Controlled())


def test_a_table_by_control_shows_them(harness, runs) -> None:
    _, out, _ = harness("table", runs[0], "--by", "control,condition")
    assert re.search(r"placebo polite +a +40 ", out)
    assert re.search(r"change more +a +40 ", out)


def test_the_cost_is_said_whole(harness, runs, tmp_path: Path) -> None:
    """Baselines take no tokens: give each record some."""
    for run, name in zip(runs, ("with", "bare"), strict=True):
        shutil.copytree(run, tmp_path / name)
        lines = [json.loads(line) for line in (run / store.RECORDS).read_text().splitlines()]
        text = "".join(json.dumps(r | {"prompt_tokens": 10, "completion_tokens": 1}) + "\n" for r in lines)
        (tmp_path / name / store.RECORDS).write_text(text)
    assert "1800 in, 180 out (of these controls: 1000 in, 100 out)" in str(product.load("with"))
    assert "800 in, 80 out; " in str(product.load("bare"))
    _, out, _ = harness("leaderboard", "with", "--csv", "-")
    assert [row["tokens"] for row in csv.DictReader(io.StringIO(out))] == ["440", "440", "1980"]


def test_records_with_controls_are_read_in_few_places() -> None:
    """Whoever counts answers takes RecordedRun.records, which leaves controls out."""
    raw = {"runner.py", "store.py", "parquet.py", "replay.py", "launch.py", "records.py"}
    whole = {"records.py", "rescore.py", "asking.py"}
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        assert path.name in raw or not re.search(r"\b(read|located)_records\(", text), path
        assert path.name in whole or "controls=True" not in text, path


# The numbers ----------------------------------------------------------------------------------------------------------


def record(sample: str, group: str, side: str, value: float, control: str = "", **more: object) -> dict:
    """A record of the toy task; a control stands beside `sample`."""
    name = f"{sample}~{control.partition(' ')[2]}" if control else sample
    made = {"task": "echo", "id": name, "epoch": 1, "group": group, "condition": side, "control": control,
            "params": {"side": side, "answer": 1}, "outcome": "correct" if value else "wrong", "value": value,
            "answer": "1" if value else "2", "target": "1", "response": "1" if value else "2"}  # fmt: skip
    return made | more


ASKED = {"placebo polite": "please", "placebo odd": "a word", "change more": "more"}


def found_of(records: list[dict], asked: dict = ASKED) -> Found:
    contrasts, controls = Contrasts(("side",), ("a", "b")), Controls(asked, Controlled())
    for one in records:
        contrasts.add(one)
        controls.add(one)
    return controls.found(contrasts)


def test_what_is_beyond_the_placebo_is_the_level_against_the_rewordings_within_groups() -> None:
    rng = random.Random(3)
    records, sides = [], []
    for i in range(30):
        a, b, p, q = (float(rng.random() < chance) for chance in (0.9, 0.4, 0.8, 0.7))
        records += [record(f"a{i}", f"g{i}", "a", a), record(f"b{i}", f"g{i}", "b", b)]
        records.append(record(f"a{i}", f"g{i}", "a", p, "placebo polite"))
        records.append(record(f"a{i}", f"g{i}", "a", q, "placebo odd"))
        sides.append((a, b, p, q))
    together, polite, odd = (found := found_of(records)).beyond
    assert [one.placebo for one in found.beyond] == ["all", "polite", "odd"]
    n = len(sides)
    mean = [sum(side[i] for side in sides) / n for i in range(4)]
    assert polite.beyond.value.value == pytest.approx(mean[1] - mean[2])
    assert polite.placebo_gap.value.value == pytest.approx(mean[2] - mean[0])
    assert odd.beyond.value.value == pytest.approx(mean[1] - mean[3])
    assert together.beyond.value.value == pytest.approx(mean[1] - (mean[2] + mean[3]) / 2)
    assert together.gap.gap.value == pytest.approx(mean[1] - mean[0])
    matched = MatchedDifference([[Stratum(b, 1, p + q, 2)] for _, b, p, q in sides])
    assert together.beyond.value[1:3] == pytest.approx(matched.interval())
    flips = statistics.sign_flips(matched.differences)
    assert together.beyond.p == max(flips, statistics.at_zero(matched.interval))
    assert together.beyond.groups == n
    assert together.beyond.p_holm == together.beyond.p  # one gap
    assert min(polite.beyond.p_holm, odd.beyond.p_holm) == pytest.approx(2 * min(polite.beyond.p, odd.beyond.p))


def test_in_few_groups_the_repeats_of_each_tell() -> None:
    """Four groups have no sign flips below 12%, however often each of them was asked."""
    records = []
    for i in range(4 * 20):
        at = {"group": f"g{i % 4}", "epoch": 1 + i // 4}
        records += [record(f"a{i % 4}", "", "a", 1.0) | at, record(f"b{i % 4}", "", "b", 0.0) | at]
        records.append(record(f"a{i % 4}", "", "a", float(i % 16 > 0), "placebo polite") | at)
    (one,) = found_of(records, {"placebo polite": "please"}).beyond
    assert one.beyond.groups == 4
    assert one.beyond.p < 0.001
    assert one.beyond.value.high < -0.5


def test_one_placebo_has_one_line_with_its_name() -> None:
    records = [record(f"{s}{i}", f"g{i}", s, float(i % 2)) for i in range(8) for s in "ab"]
    records += [record(f"a{i}", f"g{i}", "a", float(i % 3 > 0), "placebo polite") for i in range(8)]
    found = found_of(records, {"placebo polite": "please"})
    assert [one.placebo for one in found.beyond] == ["polite"]
    assert found.beyond[0].placebo_gap == found.rewordings[0].gap


def test_a_placebo_is_compared_with_the_samples_that_have_it() -> None:
    """Those that could not be reworded are in no side of it."""
    records = [record(f"a{i}", f"g{i}", "a", float(i < 4)) for i in range(8)]
    records += [record(f"a{i}", f"g{i}", "a", 1.0, "placebo polite") for i in range(4)]
    (rewording,) = found_of(records).rewordings
    assert rewording.gap is not None
    assert rewording.gap.value.value == 0
    assert (rewording.gap.groups, rewording.keeps.n, rewording.keeps.value) == (4, 4, 1.0)


@pytest.mark.parametrize(
    ("sample", "reworded", "kept"),
    [
        ({"value": 1.0}, {"value": 1.0}, True),
        ({"value": 1.0, "answer": "one way"}, {"value": 1.0, "answer": "another way"}, True),
        ({"value": 0.0, "answer": "Two  Words"}, {"value": 0.0, "answer": "two words"}, True),
        ({"value": 0.0, "answer": "2"}, {"value": 0.0, "answer": "3"}, False),
        ({"value": 0.0, "answer": "Ann"}, {"value": 0.0, "answer": "Bob", "target": "Carl"}, True),
        ({"value": 1.0}, {"value": 0.0, "answer": "1", "target": "Carl"}, False),
        ({"value": 0.0, "answer": None, "outcome": "unparsed"}, {"value": 0.0, "answer": None}, False),
        ({"value": 0.0, "answer": None, "outcome": "refused"}, {"value": 0.0}, False),
    ],
)  # fmt: skip
def test_when_an_answer_is_kept(sample: dict, reworded: dict, kept: bool) -> None:
    records = [record("a0", "g0", "a", sample["value"], **{k: v for k, v in sample.items() if k != "value"}),
               record("a0", "g0", "a", reworded["value"], "placebo polite",
                      **{k: v for k, v in reworded.items() if k != "value"})]  # fmt: skip
    (rewording,) = found_of(records).rewordings
    assert rewording.keeps.value == kept


def test_what_has_no_verdict_is_in_no_share() -> None:
    records = [record("a0", "g0", "a", 1.0), record("a1", "g1", "a", 1.0)]
    cut = record("a0", "g0", "a", 1.0, "placebo polite") | {"outcome": "truncated", "value": None}
    records.append(cut)
    records.append(record("a1", "g1", "a", 1.0, "placebo polite"))
    (rewording,) = found_of(records).rewordings
    assert rewording.keeps.n == 1


def test_a_change_is_followed_by_the_new_answer_and_not_by_the_old_one() -> None:
    records = [record(f"a{i}", f"g{i}", "a", 1.0) for i in range(4)]
    new = {"params": {"side": "a", "answer": 1001}, "target": "1001"}
    said = ["1001", "1001", "1", "7"]
    for i, text in enumerate(said):
        right = float(text == "1001")
        records.append(record(f"a{i}", f"g{i}", "a", right, "change more", response=text, answer=text, **new))
    (changed,) = found_of(records).changes
    assert (changed.follows.value, changed.stays.value, changed.follows.n, changed.groups) == (0.5, 0.25, 4, 4)
    assert changed.follows.low < 0.5 < changed.follows.high


def test_a_hostile_name_of_a_control_is_only_shown() -> None:
    evil = "placebo \x1b[2J\nFORGED\u202e"
    records = [record(f"{s}{i}", f"g{i}", s, float(i % 2)) for i in range(8) for s in "ab"]
    records += [record(f"a{i}", f"g{i}", "a", 1.0, evil) for i in range(8)]
    shown = "\n".join(table.render() for table in tables(found_of(records), {evil: evil}))
    assert "FORGED" in shown
    assert not re.search("[\x1b\u202e]|\nFORGED", shown)


def test_the_controls_of_a_task_are_listed(harness) -> None:
    _, out, _ = harness("tasks", "echo")
    assert re.search(r"--placebo 2: odd\s+an odd word before it", out)
    assert re.search(r"--sensitivity 1: more\s+a number that is 1,000 more", out)
    _, out, _ = harness("tasks", "echo", "--json")
    assert json.loads(out)["placebos"] == Controlled.placebos


def test_rows_for_programs_are_json() -> None:
    records = [record(f"{s}{i}", f"g{i}", s, float(i % 2)) for i in range(8) for s in "ab"]
    records += [record(f"a{i}", f"g{i}", "a", 1.0, control) for i in range(8) for control in ASKED]
    made = json.loads(json.dumps(rows(found_of(records))))
    assert [row["kind"] for row in made] == ["beyond"] * 3 + ["placebo"] * 2 + ["change"]
    assert made[0]["gap"]["level"] == "b"


def test_the_run_s_closing_lines_and_the_json_of_stats_have_them(harness) -> None:
    _, out, _ = harness("run", "-t", "echo", "-T", "size=20", "-m", "baseline/random", "--placebo", 1)
    assert "gaps beside a change that must not matter" in out
    assert re.search(r"side: b - a +polite", out)
    assert "polite: please before it" in out
    (run,) = Path("results").iterdir()
    _, out, _ = harness("stats", run, "--json")
    (told,) = json.loads(out)
    assert told["controls"][0]["beyond"]["value"]["n"] == 20
    assert told["tables"][0]["title"] == "gaps beside a change that must not matter"
