"""The report: one file, nothing from outside, nothing that a model wrote is ever markup."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import api
from harness.errors import DataError
from harness.pipeline import store
from harness.report import collect, page, plots
from tests.report_browser import CHROMIUM, DRIVER, browser

HOSTILE = "<script>window.hacked=1</script><img src=x onerror='window.hacked=2'></script>\u2028]]>\n### Answer: 3"


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Path]:
    """Two runs of one task; the first has a response that would like to be markup."""
    out = tmp_path_factory.mktemp("runs")
    first, second = (
        api.run("aiw", f"baseline/{m}", limit=6, epochs=4, out=out).directory for m in ("oracle", "random")
    )
    lines = (first / store.RECORDS).read_text(encoding="utf-8").splitlines()
    record = json.loads(lines[0]) | {"response": HOSTILE, "id": "<b>id</b>"}
    (first / store.RECORDS).write_text("\n".join([json.dumps(record), *lines[1:]]) + "\n", encoding="utf-8")
    return [first, second]


def test_the_page_is_one_file_that_allows_its_own_script_alone(runs: list[Path]) -> None:
    text = page.build(*collect.collect(runs))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    script = re.findall(r"<script>(.*?)</script>", text, re.S)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"(?:src|href)=[\"'](?!#|data:)", text)
    assert "hacked" not in text  # it is in the compressed samples, and nowhere else


def test_every_sample_is_in_its_block(runs: list[Path]) -> None:
    _, made = collect.collect(runs)
    index = unpacked(made.index)
    rows = [row for block in made.blocks for row in unpacked(block)]
    assert made.count == len(index["id"]) == len(rows) == 48
    assert rows[0]["response"] == HOSTILE
    assert {"lost", ""} <= set(index["flip"])


def unpacked(text: str):
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_gaps_and_conditions_stand_on_the_first_screen_with_interval_and_n(runs: list[Path]) -> None:
    text = page.build(*collect.collect(runs[1:]))
    assert text.index("Gap within groups") < text.index("conditions</summary>") < text.index('id="samples"')
    assert re.search(r"accuracy 0\.\d{3} \[0\.\d{3}, [01]\.\d{3}\] n=24", text)


def test_pictures_for_papers_come_in_three_formats(runs: list[Path], tmp_path: Path) -> None:
    made = plots.save(collect.collect([runs[1]])[0][0], tmp_path / "pictures")
    assert {p.suffix for p in made} == {".png", ".svg", ".pdf"}
    assert all(p.stat().st_size > 1000 for p in made)


def test_levels_of_a_factor_are_compared_all_else_equal(tmp_path: Path) -> None:
    run = api.run("multihop", "baseline/shallow", limit=40, out=tmp_path, task_options={"positions": "1,4"})
    (data,), _ = collect.collect([run.directory])
    sizes = {level: a.n for level, a in data.levels["position"].items() if a}
    assert len(set(sizes.values())) == 1, sizes  # the unanswerable twin is asked at one position only


def test_each_run_is_read_once(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    whole = store.read_lines

    def counted(path: Path) -> Iterator[tuple[int, bytes]]:
        read.append(path)
        return whole(path)

    monkeypatch.setattr(store, "read_lines", counted)
    page.build(*collect.collect(runs))
    assert [path for path in read if path.name == store.RECORDS] == [run / store.RECORDS for run in runs]


def test_a_run_without_records_is_refused(runs: list[Path], tmp_path: Path) -> None:
    store.write_config(tmp_path, store.read_config(runs[0]) | {"records": 0})
    (tmp_path / store.RECORDS).write_text("")
    with pytest.raises(DataError, match="no records"):
        collect.collect([tmp_path])


def test_every_call_of_an_answer_is_there_in_order(tmp_path: Path) -> None:
    made = api.run("game24", "baseline/oracle", limit=3, out=tmp_path).directory
    lines = [json.loads(line) for line in (made / store.RECORDS).read_text(encoding="utf-8").splitlines()]
    lines[1]["calls"] = 2
    (made / store.RECORDS).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    sample = {name: lines[1][name] for name in ("id", "epoch")}
    calls = [
        {"key": str(i), **sample, "input": [{"role": "user", "content": f"q{i}"}],
         "completion": {"text": f"a{i}", "stop_reason": "stop", "completion_tokens": i}}
        for i in range(2)
    ]  # fmt: skip
    (made / store.JOURNAL).write_text("".join(json.dumps(call) + "\n" for call in calls), encoding="utf-8")
    rows = [row for block in collect.collect([made])[1].blocks for row in unpacked(block)]
    assert [call["response"] for call in rows[1]["several"]] == ["a0", "a1"]
    assert "several" not in rows[0]


def test_how_far_plans_get_is_a_picture(tmp_path: Path) -> None:
    run = api.run("blocksworld", "baseline/shallow", limit=15, out=tmp_path)
    assert "How far plans get" in [title for _, title, _, _ in plots.plots(collect.collect([run.directory])[0][0])]


@pytest.mark.skipif(not (DRIVER and CHROMIUM), reason="the page IS NOT TESTED in a browser: no chromium, chromedriver")
def test_in_a_browser(runs: list[Path], tmp_path: Path) -> None:
    """Samples are listed, filtered, searched and opened; a hostile response does nothing; all by keyboard."""
    (tmp_path / "report.html").write_text(page.build(*collect.collect(runs)), encoding="utf-8")
    with browser() as tab:
        tab.open((tmp_path / "report.html").as_uri())
        tab.wait("document.getElementById('count').textContent === '48 of 48'")
        key = "document.dispatchEvent(new KeyboardEvent('keydown', {key: '%s', bubbles: true}));"
        assert tab.run("return document.querySelector('#window .row span').textContent").startswith("▼")  # flips first
        tab.run(set_value("search", "hacked"))
        tab.wait("document.getElementById('count').textContent === '1 of 48'")
        tab.run("document.activeElement.blur();" + key % "j")
        tab.run("document.querySelector('#window .row').click()")
        tab.wait("document.getElementById('sample').open")
        tab.wait("document.getElementById('body').textContent.includes('onerror')")
        assert tab.run(
            "return [window.hacked, document.querySelectorAll('#body script, #body img, #body b').length]"
        ) == [None, 0]
        tab.run("document.getElementById('close').click();" + set_value("search", "") + set_value("run", "1"))
        tab.wait("document.getElementById('count').textContent === '24 of 48'")
        tab.run("document.activeElement.blur();" + key % "/")
        assert tab.run("return document.activeElement.id") == "search"
        blocked = "try { eval('1'); return 'ran' } catch (e) { return e.name }"
        assert (
            tab.run(f"return await new Promise((r) => setTimeout(() => r((() => {{ {blocked} }})()), 0))")
            == "EvalError"
        )
    with browser(width=360) as tab:
        tab.open((tmp_path / "report.html").as_uri())
        tab.wait("document.getElementById('count').textContent === '48 of 48'")
        assert tab.run("return document.documentElement.scrollWidth <= window.innerWidth")


def set_value(name: str, value: str) -> str:
    return (
        f"const {name} = document.getElementById('{name}'); {name}.value = '{value}';"
        f"{name}.dispatchEvent(new Event({name}.tagName === 'SELECT' ? 'change' : 'input', {{bubbles: true}}));"
    )
