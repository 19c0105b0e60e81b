"""Names, conditions, groups, answers and labels of a hostile run do nothing in any output: they are only shown."""

import csv
import io
import json
import re
import warnings
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from unicodedata import category
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness import api, files, text
from harness.errors import DataError
from harness.pipeline import store
from harness.results import baselines, history
from harness.results.records import open_run

EVIL = (
    "=cmd|'/c calc'!A1 \x1b[2J\x1b]0;title\x07 \x9b31m \u202egnp.exe \u2066 \x7f \x00 \r\nFORGED | all is well\n"
    "<script>alert(1)</script> \"'><img src=x onerror=alert(1)> ]]> \\input{secrets} $x$ [x](javascript:alert(1)) `rm`"
)
SHORT = "=1+1\x1b[2J\u202e\nFORGED<script>alert(1)</script>|\\input{x}"
"""For labels, of which 80 characters are shown."""

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def hostile(directory: Path, target: Path, evil: str = EVIL, **config: object) -> Path:
    """The run with `evil` wherever a name or a text stands."""
    about = json.loads((directory / "run.json").read_text())
    about |= {"run_id": f"{evil}{target.name}", "git_commit": evil, "conditions": [], "created": evil, "reason": evil}
    about["finished"] = f"{evil}2026"
    about["config"] |= {"model": evil, "strategy": evil, "system_message": evil, **config}
    about["imported"] = {"file": evil}
    target.mkdir()
    (target / "run.json").write_text(json.dumps(about))
    with (target / "records.jsonl").open("w") as out:
        for record in store.read_records(directory):
            for name in ("id", "group", "condition", "target", "answer"):
                record[name] = f"{evil}{record[name]}"
            for name in ("response", "model", "strategy", "aid", "served_by", "error", "thinking", "stop_reason"):
                record[name] = evil
            record["input"] = [{"role": evil, "content": evil}]
            record["detail"] = {evil: evil, "reason": evil}
            record["params"] |= {"evil": evil}
            record["run_id"] = about["run_id"]
            out.write(json.dumps(record) + "\n")
    return target


@pytest.fixture
def runs(tmp_path) -> tuple[Path, Path]:
    """Two hostile runs of the same samples, one with a label."""
    made = api.run("aiw", "baseline/random", limit=12, epochs=2, out=tmp_path / "made").directory
    return hostile(made, tmp_path / "one"), hostile(made, tmp_path / "two", name=SHORT)


def assert_printable(shown: str) -> None:
    assert not [c for c in shown if not (c.isprintable() or c in "\n\t" or category(c) == "Zs")]


def assert_cells(rows: Iterable[Iterable[str]]) -> None:
    for cell in (cell for row in rows for cell in row):
        assert not re.match(r"[=+\-@\t\r\n]", cell) or re.fullmatch(r"[+-]?[\d.]+([eE][+-]?\d+)?", cell), cell


def test_the_terminal(harness, runs, tmp_path) -> None:
    Path("gate.toml").write_text('[[check]]\ntask = "aiw"\nbase = "one"\n')
    commands = (
        ("table", *runs),
        ("table", *runs, "--by", "task,model,strategy,answer"),
        ("table", *runs, "--by", "task,model,strategy,params_evil"),
        ("table", *runs, "--by", "nothing"),
        ("table", *runs, "--at-equal-cost"),
        ("table", *runs, "--csv", "-"),
        ("table", *runs, "--json", "-"),
        ("stats", *runs),
        ("leaderboard", *runs, "--published"),
        ("leaderboard", *runs, "--csv", "-"),
        ("leaderboard", *runs, "--markdown", "-"),
        ("compare", *runs),
        ("compare", *runs, "--metric", "detail.x"),
        ("gate", "gate.toml", runs[1]),
        ("history", "add", *runs, "--file", "history.csv"),
        ("history", "show", "--file", "history.csv"),
        ("baseline", "set", runs[0], "--name", "x"),
        ("baseline", "set", runs[1], "--name", "x"),
        ("report", *runs, "-o", "report.html"),
        ("score", "--task", "aiw", runs[0]),
        ("run", "--resume", runs[0]),
        ("show", runs[0]),
        ("show", runs[0], "--json"),
        ("models",),
        ("models", "--json"),
        ("run", "--task", "aiw", "--model", EVIL.replace("\x00", "")),
        ("run", "--task", EVIL.replace("\x00", ""), "--model", "tiny"),
        ("show", EVIL.replace("\x00", "")),
        ("budget", runs[0]),
        ("budget", EVIL.replace("\x00", "")),
        ("budget", "aiw", "--model", EVIL.replace("\x00", "")),
    )
    Path("harness.toml").write_text(f"[models.{json.dumps(SHORT)}]\nmodel = {json.dumps(SHORT)}\n")
    printed = 0
    for command in commands:
        _, out, err = harness(*command)
        printed += "FORGED" in out + err
        assert_printable(out + err)
        forged = [line for line in (out + err).splitlines() if line.startswith("FORGED")]
        # A cell of CSV may have line ends, in quotes, and an answer that is shown has those that it has.
        assert not forged or {"--csv", "show"} & set(command), command
    assert printed > 10  # the names are there, and shown


def test_a_warning_of_a_library_is_one_line_without_controls(harness) -> None:
    harness("models")
    shown = warnings.formatwarning(EVIL, UserWarning, "file.py", 1)
    assert_printable(shown)
    assert shown.count("\n") == 1


def test_a_run_in_a_program_and_in_a_notebook(runs) -> None:
    for run in map(api.load, runs):
        assert_printable(str(run))
        assert "<script>" not in run._repr_html_()


def test_the_progress_of_a_run(capsys) -> None:
    from harness import display
    from harness.pipeline.runner import Progress

    for kind in ("plain", "rich"):
        with display.progress(kind, EVIL + "[link=http://x]y[/link]") as update:
            update(Progress(total=1, done=1))
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
        assert_printable(shown.replace("\r", ""))


def test_the_csv_files(harness, runs) -> None:
    harness("leaderboard", *runs, "--csv", "board.csv")
    harness("table", *runs, "--by", "task,model,strategy,answer,params_evil", "--csv", "table.csv")
    harness("history", "add", *runs, "--file", "history.csv")
    harness("score", "--task", "aiw", runs[0], "-o", "scored")
    for file in ("board.csv", "table.csv", "history.csv", "scored/summary.csv"):
        with Path(file).open(newline="", encoding="utf-8") as source:
            rows = list(csv.reader(source))
        assert any("cmd|" in cell for row in rows for cell in row), file
        assert_cells(rows)


def test_the_history_is_read_as_it_was_written(runs, tmp_path) -> None:
    file = tmp_path / "history.csv"
    added = history.add([open_run(run) for run in runs], file)
    assert [row["model"] for row in history.read(file)] == [EVIL, EVIL] == [row["model"] for row in added]
    history.add([open_run(run) for run in runs], file)
    assert len(history.read(file)) == 2


def test_json_holds_the_names_themselves(harness, runs) -> None:
    harness("compare", *runs, "--json", "compare.json")
    assert EVIL in json.loads(Path("compare.json").read_text())["conditions"][0]["condition"]
    for target in ("table.json", "-"):
        _, out, _ = harness("table", *runs, "--json", target)
        rows = json.loads(out if target == "-" else Path(target).read_text(encoding="utf-8"))
        assert {row["model"] for row in rows} == {EVIL}


def test_junit_and_markdown_and_latex(harness, runs) -> None:
    harness("compare", *runs, "--junit", "gate.xml", "--summary", "gate.md")
    harness("leaderboard", *runs, "--markdown", "board.md", "--latex", "board.tex")
    names = [case.get("name", "") for case in ElementTree.parse("gate.xml").iter("testcase")]
    assert any("FORGED" in name for name in names)
    for file in ("gate.md", "board.md"):
        shown = Path(file).read_text(encoding="utf-8")
        assert "FORGED" in shown
        assert_printable(shown)
        bare = re.sub(r"\\.", "", shown)
        assert not re.search(r"[<`$]|\]\(", bare)
        for table in re.findall(r"(?:^\|.*\n)+", bare, re.M):
            assert len({line.count("|") for line in table.splitlines()}) == 1
    shown = Path("board.tex").read_text(encoding="utf-8")
    assert_printable(shown)
    begun = set(re.findall(r"\\[A-Za-z]+", shown))
    assert begun <= {r"\begin", r"\end", r"\hline", r"\textbackslash", r"\textasciitilde", r"\textasciicircum"}


class Tags(HTMLParser):
    """The elements and the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag, attributes) -> None:
        self.scripts += tag == "script"
        self.found |= {(tag, ""), *((tag, name) for name, _ in attributes)}


def test_the_page(harness, runs, tmp_path) -> None:
    """As a harmless run's: no other element, no other attribute, no other script."""
    plain = [hostile(run, tmp_path / f"plain-{run.name}", "plain", name="plain") for run in runs]
    for made, file in ((runs, "evil.html"), (plain, "plain.html")):
        assert harness("report", *made, "-o", file)[0] == 0
    evil, harmless = (Tags(Path(file).read_text(encoding="utf-8")) for file in ("evil.html", "plain.html"))
    assert "FORGED" in Path("evil.html").read_text(encoding="utf-8")
    assert evil.found <= harmless.found
    assert evil.scripts == harmless.scripts


def test_no_command_prints_past_the_one_place_that_escapes() -> None:
    root = Path(files.__file__).parent
    printing = {p.name for p in (root / "cli").glob("*.py") if re.search(r"click\.echo\(|\bprint\(", p.read_text())}
    assert printing == {"group.py"}


# The rules behind it ------------------------------------------------------------------------------------------------


@given(st.text())
@example(EVIL)
@example("\ud800")
def test_printable_text_has_one_line_and_no_control(said: str) -> None:
    shown = text.printable(said)
    assert not CONTROLS.search(shown)
    assert not {"\n", "\t"} & set(shown)
    shown.encode("utf-8")
    assert text.printable(shown) == shown
    assert text.printable_lines(said).split("\n") == [
        "\t".join(map(text.printable, line.split("\t"))) for line in said.split("\n")
    ]


def test_writing_of_all_kinds_stays_as_it_is() -> None:
    for said in ("Größe 日本語　全角", "a\u00a0b", "e\u0301", "Привет", "0.131 [0.1, 0.2]", "C:\\x"):
        assert text.printable(said) == said


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))))
@example(["=1+1", "'=1", "''=1", "'", "'a", "-5", "+5", "-", "'-5", "\t=1", "\r=1", "@x", "-1e5", "-1.5", "\uff1d1"])
def test_cells_are_no_formulas_and_are_read_as_they_were_written(texts: list[str]) -> None:
    columns = [f"c{i}" for i in range(len(texts))] or ["c"]
    row = dict(zip(columns, texts, strict=False))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    writer.writerow(files.csv_row(row))
    (cells,) = [*csv.DictReader(io.StringIO(out.getvalue(), newline=""))] or [{}]
    assert_cells([cells.values()])
    assert files.csv_row_read(cells) == row or not any(texts)


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
@example({"\x7f\x9b\u202e": "\U000e0001\n\ud800"})
def test_json_that_is_printed_has_no_control_and_reads_back_as_it_was(value: object) -> None:
    for indent in (None, 1):
        shown = text.printable_json(json.dumps(value, ensure_ascii=False, indent=indent))
        assert not CONTROLS.search(shown)
        assert json.loads(shown) == value


def test_numbers_stay_numbers() -> None:
    row = {"a": -1, "b": -0.5, "c": None, "d": True, "e": "-0.5", "f": "+3"}
    assert files.csv_row(row) == row


# Links in the folder of a run ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["records.jsonl", "calls.jsonl", "summary.csv", "records.parquet", "run.json.part",
                                  "run.json", "lock", "records.part"])  # fmt: skip
def test_no_link_in_a_run_is_followed(harness, tmp_path, name) -> None:
    made = api.run("aiw", "baseline/oracle", limit=2, epochs=1, out=tmp_path / "made").directory
    victim = tmp_path / "victim"
    victim.write_text((made / name).read_text() if name in ("run.json", "records.jsonl") else "mine\n")
    before = victim.read_bytes()
    (made / name).unlink(missing_ok=True)
    (made / name).symlink_to(victim)
    commands = (
        ("run", "--resume", made),
        ("table", made),
        ("report", made, "-o", "page.html"),
        ("run", "--task", "aiw", "--model", f"replay/{made}", "--limit", 2, "--epochs", 1, "--display", "none"),
    )
    for command in commands:
        code, _, err = harness(*command)
        assert (code, "symbolic link" in err) == (1, True), command
    assert victim.read_bytes() == before


@pytest.mark.parametrize("link", ["answers.jsonl", "run.json", ""])
def test_no_link_of_a_baseline_is_followed(tmp_path, link) -> None:
    made = open_run(api.run("aiw", "baseline/oracle", limit=2, epochs=1, out=tmp_path / "made").directory)
    victim = tmp_path / "victim"
    victim.mkdir() if not link else victim.write_text("mine")
    target = tmp_path / "kept" / "x" / link
    target.parent.mkdir(parents=True)
    target.symlink_to(victim)
    with pytest.raises(DataError, match="symbolic link"):
        baselines.set_baseline(made, "x", tmp_path / "kept")
    assert not list(victim.iterdir()) if not link else victim.read_text() == "mine"


def test_a_run_may_be_reached_by_a_link_to_its_folder(harness, tmp_path) -> None:
    made = api.run("aiw", "baseline/oracle", limit=2, epochs=1, out=tmp_path / "made").directory
    (tmp_path / "latest").symlink_to(made)
    assert harness("table", tmp_path / "latest")[0] == 0
