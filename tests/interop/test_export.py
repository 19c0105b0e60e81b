"""What we export opens in the tools it is for (`tox -e interop` installs them)."""

import json
from pathlib import Path

import pytest

from harness import api
from harness.results import export


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return api.run("aiw", "baseline/random", limit=6, epochs=3, out=tmp_path_factory.mktemp("runs")).directory


def test_inspect_ai_opens_the_log(run: Path, tmp_path: Path) -> None:
    log = pytest.importorskip("inspect_ai.log", reason="inspect_ai IS NOT TESTED: `tox -e interop` installs it")
    export.write(run, "inspect", tmp_path / "log.json")
    opened = log.read_eval_log(str(tmp_path / "log.json"))
    assert (opened.status, len(opened.samples), opened.eval.task) == ("success", 18, "aiw")
    (score,) = opened.results.scores
    values = [s.scores["harness"].value == "C" for s in opened.samples]
    assert score.metrics["accuracy"].value == pytest.approx(sum(values) / 18)
    assert opened.samples[0].output.completion.startswith("### Answer")


def test_lm_evaluation_harness_prints_its_table(run: Path, tmp_path: Path) -> None:
    utils = pytest.importorskip("lm_eval.utils", reason="lm_eval IS NOT TESTED: `tox -e interop` installs it")
    export.write(run, "lm-eval", tmp_path / "results.json")
    results = json.loads((tmp_path / "results.json").read_text())
    table = utils.make_table(results)
    assert "aiw_original_standard" in table
    assert "aiw" in utils.make_table(results, "groups")
