"""A study of the lab, shown without the lab: kept as data, drawn anew, and nothing in its file is believed."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import api
from harness.errors import DataError
from harness.pipeline import store
from harness.report import drawing, pictures
from harness.report.pictures import Curves, Graph, heat_map
from harness.report.study import NO_PICTURES, Study, read
from harness.statistics.intervals import Estimate
from harness.text import Extra
from tests.report_runs import HOSTILE

MAP = heat_map("p('7') by layer", [[0.5, None, -1.0], [0.0, 0.25, 1.0]], ["the", " cat", "\n"], ["0", "end"], -1, 1,
               down="before layer", across="token", shows="p", marked=[1], meant="what differs")  # fmt: skip
CURVES = Curves("loss", ["1", "2"], {"a": [Estimate(0.5, 0.25, 0.75, 8), None]}, "layer", level=0.1, meant="a guess")
GRAPH = Graph("circuit", [("embed", -1, 0.5, True), ("0.0", 0, 0, True), ("0.1", 0, 1, False)], [(0, 1)])
TABLE = Extra("what came out", ("layer", "p"), (("0", "0.500"), ("1", "0.250")), note="n=2")
STUDY = Study("lens", "Logit lens: m on t", {"model": "m"}, ["In 2 of 2 prompts.", "So it is."], [TABLE],
              [{"layer": 0, "p": 0.5}], [MAP, CURVES, GRAPH])  # fmt: skip


def kept(directory: Path, study: Study = STUDY, **changes: object) -> Path:
    """The study in a directory; with other values in its study.json."""
    study.write(directory)
    if changes:
        about = json.loads((directory / store.STUDY).read_text()) | changes
        (directory / store.STUDY).write_text(json.dumps(about))
    return directory


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return api.run("aiw", "baseline/random", limit=4, epochs=1, out=tmp_path_factory.mktemp("runs")).directory


def test_a_study_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = read(kept(tmp_path / "s"))
    assert found == replace(STUDY, rows=(), tables=(TABLE,), made=found.made, pictures=[MAP, CURVES, GRAPH])


def test_its_own_page_and_the_report_draw_the_same_pictures(harness, run: Path, tmp_path: Path) -> None:
    study, other = kept(tmp_path / "s"), kept(tmp_path / "t")
    assert harness("report", run, study, other, "-o", "r.html")[0] == 0
    text = (tmp_path / "r.html").read_text()
    for picture in STUDY.pictures:
        assert drawing.figure(picture) in (study / "page.html").read_text()
        assert text.count(drawing.figure(picture)) == 2
    assert text.count("In 2 of 2 prompts.") == 2
    assert '<a href="#study-1">' in text
    assert 'id="samples"' in text


def test_studies_alone_have_a_page_without_a_script(harness, tmp_path: Path) -> None:
    study = kept(tmp_path / "s")
    assert harness("report", study, "-o", "r.html")[0] == 0
    text = (tmp_path / "r.html").read_text()
    assert "<script" not in text
    assert "script-src" not in text
    assert "<h1>Logit lens: m on t</h1>" in text
    assert "answers. An interval" not in text
    code, _, err = harness("report", study, "--static-png", "folder")
    assert (code, "--static-png is for the pictures of runs" in err) == (2, True)


def test_every_picture_has_its_numbers_as_a_table(tmp_path: Path) -> None:
    shown = [drawing.figure(p) for p in STUDY.pictures]
    assert ["-1.000" in shown[0], "0.500 [0.250, 0.750] n=8" in shown[1], "embed" in shown[2]] == [True] * 3
    assert all("<details" in figure and 'role="img"' in figure for figure in shown)
    assert "Bold: what differs." in shown[0]
    assert shown[0].count("<rect width=") == 4, "0 and no value are left blank"


def test_show_prints_what_the_command_printed(harness, tmp_path: Path) -> None:
    code, out, _ = harness("show", kept(tmp_path / "results" / "s"))
    assert code == 0
    assert out.startswith(STUDY.render())
    assert harness("show", "s")[1].startswith(STUDY.render()), "by its name under results/"
    assert json.loads(harness("show", "s", "--json")[1])["sentences"] == list(STUDY.sentences)
    code, _, err = harness("show", "s", "--outcome", "wrong")
    assert (code, "--outcome is for the samples of a run" in err) == (2, True)


@pytest.mark.parametrize("command", ["table", "stats", "leaderboard", "compare", "gate"])
def test_a_study_is_no_run_and_it_is_said_what_shows_it(harness, run: Path, tmp_path: Path, command: str) -> None:
    study = kept(tmp_path / "s")
    (tmp_path / "gate.toml").write_text('[[check]]\ntask = "aiw"\nbase = "x"\n')
    before = {"compare": [run], "gate": ["gate.toml"]}.get(command, [])
    code, _, err = harness(command, *before, study)
    assert code == 2
    assert "is a study, not a run" in err
    assert f"harness show {study}" in err


def test_studies_beside_runs_are_left_out_or_shown(harness, run: Path, tmp_path: Path) -> None:
    """`results/*` names both."""
    study = kept(tmp_path / "s")
    for command in ("table", "stats", "leaderboard"):
        code, _, err = harness(command, run, study)
        assert (code, err) == (0, f"note: no run, left out: {study}\n")
    assert harness("report", run, study, "-o", "r.html")[0] == 0


def test_an_old_study_says_where_its_pictures_are(harness, tmp_path: Path) -> None:
    study = kept(tmp_path / "s")
    about = json.loads((study / store.STUDY).read_text())
    about["tables"] = [{"title": "t", "rows": [{"layer": "0", "p": "0.500"}]}]
    del about["pictures"], about["title"]
    (study / store.STUDY).write_text(json.dumps(about))
    found = read(study)
    assert (found.title, found.tables[0].header) == ("lens of m", ("layer", "p"))
    assert NO_PICTURES in harness("show", study)[1]


# A hostile file -----------------------------------------------------------------------------------------------------


def evil(value: object) -> object:
    """The value with HOSTILE in the place of every text but the kinds of pictures."""
    if isinstance(value, dict):
        return {k: v if k == "kind" else evil(v) for k, v in value.items()}
    return [evil(v) for v in value] if isinstance(value, list) else HOSTILE if isinstance(value, str) else value


def test_nothing_in_a_study_is_markup(harness, run: Path, tmp_path: Path) -> None:
    study = kept(tmp_path / "s")
    about = json.loads((study / store.STUDY).read_text())
    (study / store.STUDY).write_text(json.dumps(evil(about) | {"made": "<b>", "harness": "<i>", "kind": "<u>"}))
    assert harness("report", run, study, "-o", "r.html")[0] == 0
    text = (tmp_path / "r.html").read_text()
    assert "hacked" in text
    assert not re.search(r"<img|<b>|<i>|<u>|<script>window", text)
    assert "\u2028" not in text
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert "default-src 'none'" in policy
    assert "\u2028" not in harness("show", study)[1]


BAD = {
    "no JSON": "{",
    "a list": "[]",
    "no sentences": "{}",
    "nested": "[" * 100_000,
    "sentences": {"sentences": [1]},
    "very many": {"sentences": ["x"] * 10_000},
    "asked": {"asked": ["x"]},
    "a table": {"tables": [3]},
    "cells": {"tables": [{"title": "t", "header": ["a"], "rows": [["1", "2"]]}]},
    "a kind": {"pictures": [{"kind": ["svg"], "title": "t"}]},
    "markup": {"pictures": ["<svg></svg>"]},
    "a scale": {"pictures": [pictures.as_json(MAP) | {"low": 1}]},
    "a shape": {"pictures": [pictures.as_json(MAP) | {"rows": ["0"]}]},
    "NaN": {"pictures": [pictures.as_json(MAP) | {"high": float("nan")}]},
    "a point": {"pictures": [pictures.as_json(CURVES) | {"lines": {"a": [[1, 2, 3, 4], None]}}]},
    "an end": {"pictures": [pictures.as_json(GRAPH) | {"edges": [[0, 9]]}]},
    "far away": {"pictures": [pictures.as_json(GRAPH) | {"nodes": [["a", 1e9, 0, True]], "edges": []}]},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_damaged_study_is_an_error_that_names_the_file(harness, tmp_path: Path, bad) -> None:
    study = kept(tmp_path / "s", **(bad if isinstance(bad, dict) else {}))
    if isinstance(bad, str):
        (study / store.STUDY).write_text(bad)
    for command in (("show", study), ("report", study, "-o", "r.html")):
        code, _, err = harness(*command)
        assert code == 1
        assert f"error: {study / store.STUDY}: " in err
        assert "run the command again" in err


VALUES = st.recursive(
    st.none() | st.booleans() | st.sampled_from([0, -1, 10**400, 1e308, float("nan"), "", "x", "heat map"]),
    lambda v: st.lists(v, max_size=2) | st.dictionaries(st.sampled_from(["kind", "title", "x"]), v, max_size=2),
    max_leaves=4,
)


@settings(max_examples=60)
@given(st.integers(0, 10**6), VALUES)
def test_any_damage_is_read_or_refused(tmp_path_factory, place: int, new) -> None:
    about = json.loads(json.dumps(STUDY.as_json()))
    found = list(places(about))
    *way, last = found[place % len(found)]
    inner = about
    for key in way:
        inner = inner[key]
    inner[last] = new
    directory = tmp_path_factory.mktemp("s")
    (directory / store.STUDY).write_text(json.dumps(about))
    try:
        study = read(directory)
    except DataError:
        return
    study.render()
    study.page()


def places(value, at=()):
    """Every place of a JSON value but the whole."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*at, key)
        yield from places(inner, (*at, key))


def test_a_link_in_a_study_is_not_followed(harness, tmp_path: Path) -> None:
    study = kept(tmp_path / "s")
    (study / "study.json").rename(tmp_path / "elsewhere.json")
    (study / "study.json").symlink_to(tmp_path / "elsewhere.json")
    code, _, err = harness("report", study, "-o", "r.html")
    assert (code, "is a symbolic link" in err) == (1, True)


def test_no_torch_is_needed_to_show_a_study(tmp_path: Path) -> None:
    study = kept(tmp_path / "s")
    script = (
        "import sys\nfor name in ('torch', 'transformers', 'harness.lab'): sys.modules[name] = None\n"
        f"sys.argv = ['harness', 'report', {str(study)!r}, '-o', {str(tmp_path / 'r.html')!r}]\n"
        "from harness.cli import main\nmain()"
    )
    made = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


def test_a_heat_map_of_very_many_tokens_shows_the_last_ones() -> None:
    many = pictures.MOST_COLUMNS + 10
    made = heat_map("t", [[0.5] * many], [str(i) for i in range(many)], ["0"], 0, 1, marked=[3, 20])
    assert (made.columns[0], list(made.marked), len(made.values[0])) == ("10", [10], pictures.MOST_COLUMNS)
    assert "The first 10 of" in made.note
