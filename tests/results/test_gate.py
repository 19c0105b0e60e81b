"""The regression gate: what it says of known changes, and of none."""

import json
import random
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from scipy.stats import binomtest

from harness.errors import DataError, UsageError
from harness.pipeline import store
from harness.results.baselines import find, set_baseline
from harness.results.gate import compare
from harness.results.gate_output import render, to_json, to_junit, to_markdown
from harness.results.records import open_run
from tests.results.recorded import BASE, SCHEMA, Values, flipped, run


def test_conditions_are_corrected_for_their_number(tmp_path: Path) -> None:
    """Condition a alone loses 12 of 250 and gains 2: p = 0.013. With the other two it is one of three."""
    base: Values = [1.0] * 750
    lost = {i for i in range(750) if i % 3 == 0 and i < 36}
    made = [0.0 if i in lost else 1.0 for i in range(750)]
    before, after = (run(tmp_path, name, values) for name, values in (("base", base), ("new", made)))
    for directory in (before, after):
        path = directory / store.RECORDS
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for i, line in enumerate(lines):
            line["condition"] = "abc"[i % 3]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = compare(before, after, margin=0.0)
    raw = binomtest(0, 12).pvalue
    changed = next(c for c in found.conditions if c.p < 1)
    assert changed.p == pytest.approx(3 * raw)


def test_a_regression_of_five_points_on_500_pairs_is_caught(tmp_path: Path) -> None:
    found = compare(run(tmp_path, "base", BASE), run(tmp_path, "new", flipped(BASE, 35, 10)))
    assert (found.overall.verdict, found.exit_code()) == ("regression", 100)
    assert found.overall.difference == pytest.approx(-0.05)
    assert found.overall.p == pytest.approx(binomtest(10, 45).pvalue)
    assert (len(found.lost), len(found.gained)) == (35, 10)
    assert "right -> wrong" in render(found)


def test_the_same_answers_again_are_no_change(tmp_path: Path) -> None:
    found = compare(run(tmp_path, "base", BASE), run(tmp_path, "new", BASE))
    assert (found.overall.verdict, found.exit_code("inconclusive")) == ("no change", 0)


def test_noise_is_no_regression_and_says_how_many_pairs_would_tell(tmp_path: Path) -> None:
    found = compare(run(tmp_path, "base", BASE[350:450]), run(tmp_path, "new", flipped(BASE[350:450], 6, 5)))
    assert (found.overall.verdict, found.exit_code(), found.exit_code("inconclusive")) == ("too few to tell", 0, 3)
    assert found.overall.needed is not None
    assert found.overall.needed > 1000


def test_a_better_run_is_an_improvement(tmp_path: Path) -> None:
    found = compare(run(tmp_path, "base", BASE), run(tmp_path, "new", flipped(BASE, 5, 60)))
    assert (found.overall.verdict, found.exit_code()) == ("improvement", 0)


def test_what_is_needed_is_more_than_there_is(tmp_path: Path) -> None:
    """Also in few groups, where all answers agree."""
    for groups in (1, 3, 20):
        sides = [run(tmp_path, f"{name}{groups}", [1.0] * 60, groups) for name in "ab"]
        found = compare(*sides).overall
        assert found.verdict == "too few to tell"
        assert found.needed is not None
        assert found.needed > found.pairs


def test_groups_that_change_as_one_weigh_as_one(tmp_path: Path) -> None:
    """Forty answers lost in two of 20 groups are two observations, not forty."""
    base: Values = [1.0] * 400
    new: Values = [0.0 if i % 20 in (3, 7) else 1.0 for i in range(400)]
    whole = compare(run(tmp_path, "base", base, groups=20), run(tmp_path, "new", new, groups=20))
    apart = compare(run(tmp_path, "base2", base), run(tmp_path, "new2", new))
    assert (whole.overall.verdict, whole.overall.p) == ("too few to tell", 0.5)
    assert apart.overall.verdict == "regression"


def test_a_regression_in_one_condition_fails_the_gate(tmp_path: Path) -> None:
    base: Values = [1.0] * 200
    new: Values = [0.0 if i % 2 and i < 40 else 1.0 for i in range(200)]
    found = compare(run(tmp_path, "base", base), run(tmp_path, "new", new), margin=0.3)
    assert [c.verdict for c in found.conditions] == ["no change", "no change"]
    found = compare(tmp_path / "base", tmp_path / "new")
    assert {c.condition: c.verdict for c in found.conditions} == {"a": "regression", "b": "no change"}
    assert found.exit_code() == 100


def test_answers_without_a_verdict_are_counted_and_left_out(tmp_path: Path) -> None:
    found = compare(run(tmp_path, "base", [1.0] * 50), run(tmp_path, "new", [None] * 5 + [1.0] * 45))
    assert (found.overall.pairs, found.without_verdict) == (45, 5)
    assert "5 samples have no verdict" in render(found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": {"version": "2"}}, "version 1 and echo version 2"),
        ({"of": "other"}, "different tasks"),
    ],
)
def test_other_tasks_and_versions_are_refused(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        compare(run(tmp_path, "base", [1.0] * 9), run(tmp_path, "new", [1.0] * 9, **change))


def test_other_samples_are_refused_and_named(tmp_path: Path) -> None:
    base = run(tmp_path, "base", [1.0] * 9)
    with pytest.raises(DataError, match=r"2 of 9 samples are not in .*new: s7 \(epoch 1\), s8"):
        compare(base, run(tmp_path, "new", [1.0] * 7))
    asked = run(tmp_path, "asked", [1.0] * 9)
    text = (asked / store.RECORDS).read_text().replace('"content": "4"', '"content": "5"')
    (asked / store.RECORDS).write_text(text)
    with pytest.raises(DataError, match=r"1 of 9 samples were asked otherwise: s4"):
        compare(base, asked)


def test_a_baseline_is_compared_like_the_run_it_was_made_of(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    base, new = run(tmp_path, "base", BASE), run(tmp_path, "new", flipped(BASE, 35, 10))
    set_baseline(open_run(base), "nightly")
    assert compare(find("nightly"), new).overall == compare(base, new).overall
    with pytest.raises(UsageError, match="accuracy only"):
        compare(find("nightly"), new, metric="detail.optimal")
    with pytest.raises(UsageError, match="not complete"):
        set_baseline(open_run(run(tmp_path, "half", BASE, status="incomplete")), "half")


def test_the_report_for_ci_has_a_case_a_condition(tmp_path: Path) -> None:
    found = compare(run(tmp_path, "base", BASE), run(tmp_path, "new", flipped(BASE, 60, 10)))
    root = ElementTree.fromstring(to_junit(found))
    (suite,) = root
    cases = {case.get("name"): [child.tag for child in case] for case in suite}
    assert cases["all"] == ["failure"]
    assert set(cases) == {"a", "b", "all"}
    assert suite.get("failures") == str(sum(tags == ["failure"] for tags in cases.values()))
    assert json.loads(to_json(found))["overall"]["verdict"] == "regression"
    assert "| all | 500 | groups like these 500 |" in to_markdown(found)


def test_the_junit_file_is_valid_as_is_that_of_pytest(tmp_path: Path) -> None:
    """Regression, nothing and too few to tell; pytest's own file shows that the schema is not ours alone."""
    schema = xmlschema.XMLSchema(SCHEMA)
    for name, lost, size in (("worse", 60, 500), ("same", 0, 500), ("few", 3, 30)):
        values = BASE if size == 500 else [1.0] * 20 + [0.0] * 10
        found = compare(run(tmp_path, f"{name}1", values), run(tmp_path, f"{name}2", flipped(values, lost, 0)))
        for fail_on in (None, "regression", "inconclusive"):
            schema.validate(to_junit(found, fail_on))
    (tmp_path / "test_it.py").write_text("def test_right(): pass\ndef test_wrong(): assert False\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=it.xml", "test_it.py"]
    subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    schema.validate(str(tmp_path / "it.xml"))


def test_the_gate_rarely_cries_wolf(tmp_path: Path) -> None:
    """A/A: both runs have the same accuracy in each group. At alpha 5%, 2.5% of them may be called a regression."""
    rng, alarms = random.Random(3), 0
    for i in range(60):
        rates = [rng.betavariate(4, 2) for _ in range(100)]
        sides = [[float(rng.random() < r) for r in rates] for _ in range(2)]
        verdict = compare(run(tmp_path, f"a{i}", sides[0]), run(tmp_path, f"b{i}", sides[1])).overall.verdict
        alarms += verdict == "regression"
    assert alarms <= 5


def test_exit_codes_and_files(tmp_path: Path) -> None:
    base, new = run(tmp_path, "base", BASE), run(tmp_path, "new", flipped(BASE, 35, 10))
    script = Path(sys.executable).parent / "harness"
    files = ("--junit", tmp_path / "j.xml", "--json", tmp_path / "c.json", "--summary", tmp_path / "s.md")
    codes = [
        subprocess.run([script, "compare", *map(str, args)], capture_output=True, check=False).returncode
        for args in ((base, new, *files), (base, base), (base, tmp_path / "nothing"))
    ]
    assert codes == [100, 0, 2]
    assert all(Path(str(f)).stat().st_size for f in files[1::2])


def test_a_metric_that_no_record_has_is_an_error_and_no_gate(tmp_path: Path) -> None:
    """A misspelt metric is 0 on both sides: a gate on it would pass for ever."""
    base, new = run(tmp_path, "base", BASE), run(tmp_path, "new", flipped(BASE, 200, 0))
    for directory in (base, new):
        records = [json.loads(line) for line in (directory / store.RECORDS).read_text().splitlines()]
        lines = [json.dumps(r | {"detail": {"executable": r["value"]}}) + "\n" for r in records]
        (directory / store.RECORDS).write_text("".join(lines))
    assert compare(base, new, metric="detail.executable").regressions
    with pytest.raises(UsageError, match=r"no record of .* has it") as error:
        compare(base, new, metric="detail.excutable")
    assert "did you mean 'executable'" in error.value.hint
    with pytest.raises(UsageError, match="no such metric"):
        compare(base, new, metric="acuracy")


def test_identical_answers_are_no_change_and_said_to_be_identical(tmp_path: Path) -> None:
    """Twelve answers could decide nothing by their number; that all of them are the same decides."""
    base, new = (run(tmp_path, name, BASE[:12], text="the same") for name in ("base", "new"))
    found = compare(base, new)
    assert (found.overall.verdict, found.same_text) == ("no change", 12)
    assert "12 of 12 answers are the same text" in render(found)


def test_the_same_text_under_another_verdict_is_a_change(tmp_path: Path) -> None:
    base = run(tmp_path, "base", BASE, text="the same")
    new = run(tmp_path, "new", flipped(BASE, 60, 0), text="the same")
    assert compare(base, new).overall.verdict == "regression"


def test_an_undecided_gate_names_the_margin_that_it_could_decide(tmp_path: Path) -> None:
    values: Values = [1.0, 0.0] * 30
    base, new = run(tmp_path, "base", values), run(tmp_path, "new", flipped(values, 5, 5))
    found = compare(base, new)
    assert found.overall.verdict == "too few to tell"
    margin = float(render(found).partition("a margin of ")[2].split()[0])
    assert compare(base, new, margin=margin).overall.verdict == "no change"


@pytest.mark.parametrize("name", ["../evil", "a/b", "..", "a\\b"])
def test_a_baseline_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="not a name for a baseline"):
        set_baseline(open_run(run(tmp_path, "r", BASE)), name, tmp_path / "baselines")
    assert [p.name for p in tmp_path.iterdir()] == ["r"]


def became(junit: str) -> dict[str, list[str]]:
    """The elements of each case of a JUnit file."""
    return {
        str(case.get("name")): [child.tag for child in case] for case in ElementTree.fromstring(junit).iter("testcase")
    }


def test_an_undecided_gate_is_not_green_unless_the_user_says_so(tmp_path: Path) -> None:
    values: Values = [1.0, 1.0, 0.0, 0.0] * 15
    found = compare(run(tmp_path, "base", values), run(tmp_path, "new", flipped(values, 6, 6)))
    assert became(to_junit(found)) == {"a": ["skipped"], "b": ["skipped"], "all": ["error"]}
    assert became(to_junit(found, "regression"))["all"] == ["skipped"]
    assert became(to_junit(found, "inconclusive"))["all"] == ["failure"]
    assert [found.exit_code(fail_on) for fail_on in (None, "regression", "inconclusive")] == [0, 0, 3]
    (error,) = ElementTree.fromstring(to_junit(found)).iter("error")
    assert f"a margin of {found.overall.margin_that_tells:g} would be no change" in str(error.get("message"))
    assert f"about {found.overall.needed} pairs would tell 0.02" in str(error.get("message"))


def test_a_condition_that_is_undecided_by_itself_is_skipped(tmp_path: Path) -> None:
    new: Values = [0.0 if i in (3, 4) else v for i, v in enumerate(BASE)]
    found = compare(run(tmp_path, "base", BASE), run(tmp_path, "new", new), margin=0.01)
    assert (found.overall.verdict, {c.verdict for c in found.conditions}) == ("no change", {"too few to tell"})
    assert became(to_junit(found)) == {"a": ["skipped"], "b": ["skipped"], "all": ["system-out"]}


def test_lost_answers_make_a_gate_undecided(tmp_path: Path) -> None:
    base, new = run(tmp_path, "base", BASE), run(tmp_path, "new", [*BASE[:-1], None])
    text = (new / store.RECORDS).read_text()
    (new / store.RECORDS).write_text(text.replace("truncated", "api_error"))
    found = compare(base, new)
    assert (found.overall.verdict, found.exit_code(), found.exit_code("inconclusive")) == ("no change", 0, 3)
    assert became(to_junit(found))["all"] == ["error"]
    assert "finish the run with --resume" in to_junit(found)


@pytest.mark.parametrize(
    ("groups", "words", "rule"),
    [(1, "this one group", "these groups"), (4, "these 4 groups", "these groups"),
     (20, "groups like these 20", "groups like these")],
)  # fmt: skip
def test_what_the_numbers_hold_for_is_said(tmp_path: Path, groups: int, words: str, rule: str) -> None:
    found = compare(*(run(tmp_path, name, [1.0] * 60, groups) for name in "ab"))
    assert json.loads(to_json(found))["overall"]["holds_for"] == rule
    assert all(words in shown for shown in (render(found), to_markdown(found), to_junit(found)))
    assert ("these groups only" in render(found)) == (groups < 5)


def test_an_interval_of_accuracies_is_within_what_is_possible(tmp_path: Path) -> None:
    found = compare(run(tmp_path, "base", [1.0] * 40), run(tmp_path, "new", [0.0] * 40))
    assert found.overall.ci_low == -1


def test_a_baseline_is_found_from_any_folder_of_the_repository(tmp_path: Path, monkeypatch) -> None:
    root, deep = tmp_path / "repository", tmp_path / "repository" / "tests" / "unit"
    deep.mkdir(parents=True)
    (root / ".git").mkdir()
    made = run(tmp_path, "base", BASE)
    set_baseline(open_run(made), "nightly", root / "results/baselines")
    set_baseline(open_run(made), "outside", tmp_path / "results/baselines")
    monkeypatch.chdir(deep)
    assert find("nightly") == root / "results/baselines/nightly"
    with pytest.raises(UsageError, match="outside is neither a baseline nor a run") as error:
        find("outside")
    assert str(root / "results/baselines") in error.value.hint
    assert str(tmp_path / "results/baselines") not in error.value.hint.split(", ")
    with pytest.raises(UsageError) as error:
        find("nightli")
    assert "did you mean 'nightly'" in error.value.hint
    (root / ".git").rmdir()
    with pytest.raises(UsageError):
        find("nightly")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "", "..", "/"])
def test_a_name_that_no_file_can_have_is_not_found(name: str) -> None:
    with pytest.raises(UsageError, match="neither a baseline nor a run"):
        find(name)


@pytest.mark.parametrize(
    "change",
    [{"value": "1"}, {"value": float("nan")}, {"value": 10**400}, {"value": 1e200}, {"condition": ["a"]},
     {"group": None}, {"epoch": "1"}, {"id": {}}],
)  # fmt: skip
def test_answers_of_another_kind_are_refused(tmp_path: Path, change: dict) -> None:
    base, new = run(tmp_path, "base", BASE), run(tmp_path, "new", BASE)
    lines = (new / store.RECORDS).read_text().splitlines()
    lines[7] = json.dumps(json.loads(lines[7]) | change)
    (new / store.RECORDS).write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"records\.jsonl"):
        compare(base, new)


def test_names_in_runs_are_shown_as_they_are_and_do_nothing(tmp_path: Path) -> None:
    """No cursor moves, no markup begins, and the XML stays XML."""
    sides = [run(tmp_path, name, BASE if name == "base" else flipped(BASE, 60, 0)) for name in ("base", "new")]
    evil = "\x1b[2J<b>|\n![x](http://e)\x00\udc80"
    for side in sides:
        lines = [json.loads(line) for line in (side / store.RECORDS).read_text().splitlines()]
        changed = [line | {"condition": evil if line["condition"] == "a" else "b"} for line in lines]
        (side / store.RECORDS).write_text("".join(json.dumps(line) + "\n" for line in changed))
    found = compare(*sides)
    xmlschema.XMLSchema(SCHEMA).validate(to_junit(found))
    assert r"\x1b[2J<b>|\n" in render(found)
    assert all(line.isprintable() for line in render(found).splitlines())
    assert r"&lt;b>\|" in to_markdown(found)
    assert "![" not in to_markdown(found)


def test_values_beyond_0_to_1_need_groups(tmp_path: Path) -> None:
    """The rule for few groups is one for shares."""
    for groups in (3, 20):
        sides = [run(tmp_path, f"{name}{groups}", [1.0] * 60, groups) for name in "ab"]
        for side in sides:
            lines = [json.loads(line) for line in (side / store.RECORDS).read_text().splitlines()]
            changed = [json.dumps(line | {"detail": {"steps": 7}}) + "\n" for line in lines]
            (side / store.RECORDS).write_text("".join(changed))
        if groups == 3:
            with pytest.raises(DataError, match="fewer than 5 groups"):
                compare(*sides, metric="detail.steps")
        else:
            assert compare(*sides, metric="detail.steps").overall.base == 7
