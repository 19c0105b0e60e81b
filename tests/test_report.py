"""The report: one file, nothing from outside, nothing that a model wrote is ever markup."""

import base64
import gzip
import hashlib
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import api
from harness.errors import DataError
from harness.pipeline import store
from harness.report import collect, page, plots, words
from harness.report.mistakes import MOST_ANSWERS, MOST_TARGETS, Mistakes, stands_in
from harness.results import gate
from tests.report_runs import HOSTILE, hostile_runs, judged, made, searched


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Path]:
    return hostile_runs(tmp_path_factory.mktemp("runs"))


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


def test_the_page_goes_from_the_gap_to_accuracy_to_what_went_wrong_to_details_to_samples(runs: list[Path]) -> None:
    text = page.build(*collect.collect(runs[1:]))
    order = ['class="lead"', "Gap: the difference", '<h3 id="accuracy-0"', '<h3 id="wrong-0"', "Details</summary>"]
    places = [text.index(part) for part in [*order, 'id="samples"']]
    assert places == sorted(places)
    assert re.search(r'<details id="details-0" class="more">', text), "details are closed"


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


def test_the_tree_of_a_search_is_with_its_sample_and_is_cut(tmp_path: Path, monkeypatch) -> None:
    made = searched(tmp_path)
    rows = [row for block in collect.collect([made])[1].blocks for row in unpacked(block)]
    assert [node["role"] for node in rows[0]["tree"]][:3] == ["state", "state", "value"]
    assert "tree" not in rows[1]
    monkeypatch.setattr(collect, "MOST_NODES", 2)
    rows = [row for block in collect.collect([made])[1].blocks for row in unpacked(block)]
    assert (len(rows[0]["tree"]), rows[0]["nodes"]) == (2, 66)


def test_several_strategies_stand_beside_what_they_cost(runs: list[Path], tmp_path: Path) -> None:
    assert 'id="costs"' not in page.build(*collect.collect(runs))
    asked = {"limit": 6, "epochs": 4, "out": tmp_path}
    made = [api.run("aiw", "tiny", strategy=s, **asked).directory for s in ("io", "cot")]
    text = page.build(*collect.collect(made))
    costs = text.partition('id="costs"')[2].partition("</section>")[0]
    assert "Accuracy against cost: aiw" in costs
    assert costs.count("<svg") == 1
    assert "aiw, tiny, cot" in costs.partition("At equal cost")[2]


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


# Words --------------------------------------------------------------------------------------------------------------


def one(directory: Path) -> collect.RunData:
    (data,), _ = collect.collect([directory])
    return data


def test_the_contrast_is_said_in_a_sentence_with_interval_p_and_n(tmp_path: Path) -> None:
    data = one(made(tmp_path, [*judged(20, 0), *judged(5, 15, world="odd")]))
    (gap,) = data.contrasts.gaps()
    shown = f"-0.750 [{gap.gap.low:.3f}, {gap.gap.high:.3f}], p < 0.001, 40 answers in 1 group."
    sentence = "m answers 100% of the problems with world plain and 25% of the same problems with world odd: "
    assert words.findings(data) == [sentence + shown]
    assert words.remarks(data) == [
        "This run is exploratory: nothing was claimed before it.",
        "1 group: intervals hold for these, and less often than 95% for groups in general.",
    ]


def test_both_accuracies_of_the_sentence_are_those_of_the_matched_answers(tmp_path: Path) -> None:
    """Size l was asked in the plain world alone, and group h too: they are in no side of the contrast."""
    alone = [*judged(0, 30, size="l"), *judged(0, 30, group="h")]
    data = one(made(tmp_path, [*judged(20, 0), *alone, *judged(5, 15, world="odd")]))
    assert words.findings(data)[0].startswith("m answers 100% of the problems with world plain and 25% of the same")
    gap = data.contrasts.gaps()[0]
    assert gap.sides[0] - gap.sides[1] == pytest.approx(gap.gap.value)


def test_three_contrasts_are_said_and_the_others_are_counted(tmp_path: Path) -> None:
    worlds = [answer for world in "abcde" for answer in judged(5, 5, world=world)]
    said = words.findings(one(made(tmp_path, worlds)))
    assert len(said) == 4
    assert "can't tell the two apart" in said[0]
    assert said[3] == "And 1 more below."


def test_shares_that_differ_are_never_called_alike(tmp_path: Path) -> None:
    data = one(made(tmp_path, [*judged(999, 1), *judged(1000, 0, world="odd")]))
    assert "99.9% of the problems with world plain and 100.0%" in words.findings(data)[0]


def test_without_a_contrast_accuracy_is_said(tmp_path: Path) -> None:
    (said,) = words.findings(one(made(tmp_path, judged(3, 1))))
    assert re.fullmatch(r"m answers 75% of the problems right: accuracy 0\.750 \[.*\], 4 answers in 1 group\. .*", said)


def test_a_run_without_any_verdict_says_so_without_a_warning(tmp_path: Path) -> None:
    failed = {"outcome": "api_error", "error": "no route <b>"}
    directory = made(tmp_path, [failed, {**failed, "world": "odd"}], status="interrupted")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = one(directory)
        text = page.build([data], collect.collect([directory])[1])
        plots.save(data, tmp_path / "pictures")
    assert "Nothing has a verdict, so there is no accuracy: of 2 answers, 2 ended in api_error." in text
    assert "This run is not complete (interrupted)" in text
    assert "no route &lt;b&gt;" in text


def test_an_infinite_odds_ratio_is_explained(tmp_path: Path) -> None:
    text = page.build(*collect.collect([made(tmp_path, [*judged(20, 0), *judged(5, 15, world="odd")])]))
    assert "these answers set no limit to the ratio on that side" in text


# Wrong answers ------------------------------------------------------------------------------------------------------


def test_the_commonest_wrong_answers_say_what_they_may_come_from(tmp_path: Path) -> None:
    asked = [{"role": "user", "content": "Alice has 13 brothers and 4 friends."}]
    wrong = [{"outcome": "wrong", "answer": a, "world": "odd", "input": asked} for a in ("9", "4", "9", "3", "4", "9")]
    data = one(made(tmp_path, [{"outcome": "correct", "answer": "9", "target": "9"}, *wrong]))
    found = data.mistakes.commonest("odd")
    assert [(m.answer, m.times, round(m.share, 2)) for m in found] == [("9", 3, 0.5), ("4", 2, 0.33), ("3", 1, 0.17)]
    sources = [m.source for m in found]
    assert sources == ["the target of another condition of this group", "a number of the prompt", ""]
    assert "Commonest wrong answers (world odd, 6 wrong)" in page.build(*collect.collect([data.recorded.directory]))


def test_an_answer_stands_in_a_prompt_as_a_whole_word_or_number() -> None:
    assert stands_in("3", "has 13 and 3.")
    assert stands_in("Ann", "(Ann)")
    assert not any(stands_in("3", text) for text in ("13", "3.5", "3,000", "2.3", "x3", ""))
    assert not stands_in("", "anything")


def test_wrong_answers_are_counted_in_bounded_memory() -> None:
    found = Mistakes("")
    for i in range(MOST_ANSWERS + 5):
        found.add({"group": "g", "outcome": "wrong", "answer": f"{i}", "params": {}, "target": "x" * 10**4})
    assert found.left_out == 5
    assert found.wrong.total() == MOST_ANSWERS + 5
    for i in range(MOST_TARGETS):
        found.add({"group": f"g{i}", "outcome": "wrong", "answer": "1", "params": {}, "target": f"t{i}"})
        found.add({"group": f"h{i}", "outcome": "wrong", "answer": "1", "params": {}, "target": f"t{i}"})
    assert found.partial, "and it is said"
    found.add({"group": "g", "outcome": "wrong", "answer": "y" * 10**6, "params": {}})
    assert all(len(m.answer) <= 200 for m in found.commonest(most=10**6))


# Several runs -------------------------------------------------------------------------------------------------------


def test_a_difference_is_the_one_that_compare_prints(runs: list[Path], tmp_path: Path) -> None:
    other = api.run("aiw", "baseline/oracle", limit=6, epochs=4, out=tmp_path, seed=5).directory
    for base, new in (("oracle", "random"), ("random", "oracle")):
        pair = [api.run("aiw", f"baseline/{m}", limit=6, epochs=4, out=tmp_path).directory for m in (base, new)]
        data, _ = collect.collect([pair[0], other, pair[1]])
        assert data[2].beside
        assert data[2].beside.comparison == gate.compare(*pair)
        assert data[1].beside
        assert data[1].beside.reason == "other seed (5, not default)"


def test_runs_of_other_samples_are_said_not_to_be_comparable(tmp_path: Path) -> None:
    plain = made(tmp_path, judged(3, 1))
    cut = made(tmp_path, judged(2, 1), "cut", status="interrupted")
    options = made(tmp_path, judged(3, 1), "options", config={"task_options": {"size": "<i>big</i>"}, "limit": 4})
    text = page.build(*collect.collect([plain, cut, options]))
    assert "Not comparable" in text
    assert "1 of 4 samples are not in echo, m, defaults, cut: s3 (epoch 1)" in text
    assert "other task options, limit (size=&lt;i&gt;big&lt;/i&gt;, not default; 4, not default)" in text
    assert "This run is not complete (interrupted)" in text
    assert 'id="flip"' not in text, "nothing can have changed"


def test_the_same_answers_twice_are_said(tmp_path: Path) -> None:
    once = made(tmp_path, judged(3, 1))
    again = made(tmp_path, judged(3, 1), "again", config={"name": "again"})
    data, _ = collect.collect([once, once, again])
    twins = [run.beside.twin for run in data[1:] if run.beside]
    assert twins == ["the same directory as echo, m #1", "the same answers as echo, m #1"]
    assert "echo, m #2 is the same directory as echo, m #1." in page.build(*collect.collect([once, once, again]))


def test_each_of_many_runs_has_its_own_label_and_a_folded_section(runs: list[Path], tmp_path: Path) -> None:
    named = made(tmp_path, [*judged(3, 1), *judged(1, 3, world="odd")], config={"name": "<u>mine</u>"})
    text = page.build(*collect.collect([*runs, named]))
    assert re.findall(r'<details class="run"( open)?>', text) == ["", "", ""]
    assert all(f'<a href="#run-{i}">' in text and f'id="run-{i}"' in text for i in range(3))
    labels = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])["runs"]
    assert labels == ["aiw, baseline/oracle", "aiw, baseline/random", "<u>mine</u>"]
    two = page.build(*collect.collect(runs))
    assert re.findall(r'<details class="run"( open)?>', two) == [" open", " open"]


def test_hostile_names_are_text_wherever_they_stand(tmp_path: Path) -> None:
    bad = "<img src=x onerror=1>$\\frac{</script>"
    answers = [{**a, "answer": bad, "group": bad} for a in [*judged(3, 1), *judged(1, 3, world=bad)] for _ in range(3)]
    hostile = made(tmp_path, answers, "hostile", config={"name": bad, "model": bad, "task_options": {"a": bad}})
    cut = made(tmp_path, [{"outcome": "api_error", "error": bad}], "cut", status=bad, config={"model": bad})
    for directories in ([hostile], [cut], [hostile, hostile, cut]):
        text = page.build(*collect.collect(directories))
        assert "<img" not in text
        assert text.count("</script>") == 2


# Looks --------------------------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    whole = colour.lstrip("#") if len(colour) == 7 else "".join(c * 2 for c in colour.lstrip("#"))
    parts = [int(whole[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast_ratio(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_in_both_schemes(scheme: str) -> None:
    """WCAG 2.1 AA: 4.5 for text (1.4.3), 3 for what is drawn (1.4.11)."""
    style = (Path(page.__file__).parent / "style.css").read_text(encoding="utf-8")
    light, dark = (dict(re.findall(r"--(\w+):(#\w+)", block)) for block in re.findall(r":root\{([^}]*)\}", style)[:2])
    assert light.keys() == dark.keys()
    colours = light if scheme == "light" else dark
    for text in ("ink", "quiet", "link", "right", "wrong", "other"):
        for ground in ("paper", "soft"):
            assert contrast_ratio(colours[text], colours[ground]) >= 4.5, (text, ground)
    for drawn in ("focus", *(f"plot{i}" for i in range(len(plots.COLOURS)))):
        assert contrast_ratio(colours[drawn], colours["paper"]) >= 3, drawn


def test_no_colour_of_a_picture_is_left_out_of_the_scheme(runs: list[Path]) -> None:
    text = page.build(*collect.collect([runs[1]]))
    pictures = "".join(re.findall(r'<figure class="picture">.*?</figure>', text, re.S))
    assert "var(--plot0)" in pictures or not pictures
    assert not set(re.findall(r"(?:fill|stroke): ?(#\w{6})", pictures)) - {"#888888", "#cccccc", "#ffffff"}


def test_words_of_table_headers_are_explained(runs: list[Path]) -> None:
    text = page.build(*collect.collect([runs[1]]))
    assert re.search(r'<abbr title="answers with a verdict[^"]*">answers \(n\)</abbr>', text)
    assert re.search(r'<abbr title="share of answers that were cut off[^"]*">no verdict</abbr>', text)
