"""A gate over many tasks: what a policy makes of its checks, and which files are no policy."""

import json
import re
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from harness import api
from harness.errors import DataError, UsageError
from harness.pipeline import store
from harness.results.gate_output import gate_to_json, gate_to_junit, gate_to_markdown, render_gate
from harness.results.policy import Check, Gate, judge, match, read
from harness.results.records import open_run
from tests.results.recorded import BASE, SCHEMA, Values, flipped, run

ROOT = Path(__file__).parents[2]
UNSURE: Values = [1.0, 1.0, 0.0, 0.0] * 15


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gate.toml"
    path.write_text(text, encoding="utf-8")
    return path


def gated(tmp_path: Path, tasks: dict[str, tuple[Values, Values]], top: str = "", **said: str) -> Gate:
    """A policy with a check for each task, with (base, new); `said` has more lines for a task's check."""
    text, runs = top + "\n", []
    for name, (base, new) in tasks.items():
        before = run(tmp_path / "base", name, base, of=name)
        runs.append(open_run(run(tmp_path / "new", name, new, of=name)))
        text += f'[[check]]\ntask = "{name}"\nbase = "{before}"\n{said.get(name, "")}\n'
    policy = read(written(tmp_path, text))
    return judge(policy, match(policy, runs)[0])


def verdicts(gate: Gate) -> dict[str, str]:
    return {j.check.name: j.comparison.overall.verdict if j.comparison else "no run" for j in gate.checks}


def became(gate: Gate) -> dict[str, list[str]]:
    """What became of the row "all" of each suite of the JUnit file, which is valid."""
    junit = gate_to_junit(gate)
    xmlschema.XMLSchema(SCHEMA).validate(junit)
    suites = ElementTree.fromstring(junit)
    assert suites.get("failures") == str(len(list(suites.iter("failure"))))
    return {
        str(suite.get("name")).removeprefix("harness gate "): [child.tag for child in suite[-1]] for suite in suites
    }


SAME = (BASE, BASE)
WORSE = (BASE, flipped(BASE, 60, 10))


def test_three_tasks_pass_together(tmp_path: Path) -> None:
    gate = gated(tmp_path, {"one": SAME, "two": SAME, "three": SAME})
    assert (gate.verdict, gate.exit_code, gate.tests) == ("pass", 0, 9)
    assert render_gate(gate).splitlines()[-1] == "PASS: no regression in 3 required checks"
    assert became(gate) == {name: ["system-out"] for name in ("one", "two", "three")}


def test_a_regression_in_one_task_fails_the_gate_and_is_named(tmp_path: Path) -> None:
    gate = gated(tmp_path, {"one": SAME, "two": WORSE, "three": SAME})
    assert (gate.verdict, gate.exit_code) == ("fail", 100)
    assert verdicts(gate) == {"one": "no change", "two": "regression", "three": "no change"}
    assert render_gate(gate).splitlines()[-1] == "FAIL: regression in two"
    assert became(gate)["two"] == ["failure"]
    assert json.loads(gate_to_json(gate))["checks"][1]["comparison"]["overall"]["holds_for"] == "groups like these"
    assert "### FAIL: regression in two" in gate_to_markdown(gate)


@pytest.mark.parametrize(
    ("top", "code", "tag"),
    [("", 0, "error"), ('fail_on = "regression"', 0, "skipped"), ('fail_on = "inconclusive"', 3, "failure")],
)
def test_an_undecided_task_is_never_green_unless_the_policy_says_so(
    tmp_path: Path, top: str, code: int, tag: str
) -> None:
    gate = gated(tmp_path, {"one": SAME, "two": (UNSURE, flipped(UNSURE, 6, 6)), "three": SAME}, top)
    assert (gate.verdict, gate.exit_code, became(gate)["two"]) == ("undecided", code, [tag])
    last = f"UNDECIDED: a regression is neither shown nor ruled out in two (exit code {code})"
    assert render_gate(gate).splitlines()[-1] == last


def test_the_margin_that_an_undecided_check_names_decides_it(tmp_path: Path) -> None:
    tasks = {"one": SAME, "two": (UNSURE, flipped(UNSURE, 7, 6))}
    shown = render_gate(gated(tmp_path / "first", tasks))
    margin = re.search(r"^two: .*a margin of ([\d.]+) would be no change", shown, re.M)
    assert margin
    assert gated(tmp_path / "second", tasks, two=f"margin = {margin[1]}").verdict == "pass"


def test_an_advisory_regression_is_shown_and_does_not_fail(tmp_path: Path) -> None:
    gate = gated(tmp_path, {"one": SAME, "two": WORSE}, two='tier = "advisory"')
    assert (gate.verdict, gate.exit_code, gate.tests) == ("pass", 0, 3)
    assert verdicts(gate)["two"] == "regression"
    assert became(gate)["two"] == ["skipped"]
    assert re.search(r"^two +advisory .* regression", render_gate(gate), re.M)


def test_an_effect_that_is_significant_alone_and_not_over_all_tests_fails_no_gate(tmp_path: Path) -> None:
    """14 lost and 3 gained: p = 0.013 in one task, and nine tests in three of them."""
    raw = binomtest(3, 17).pvalue
    small = ([1.0] * 300 + [0.0] * 100, flipped([1.0] * 300 + [0.0] * 100, 14, 3))
    alone = gated(tmp_path / "alone", {"one": small}, "margin = 0.0", one='conditions = ["a", "b"]')
    assert alone.checks[0].comparison.overall.p == pytest.approx(3 * raw)
    assert alone.exit_code == 100
    gate = gated(tmp_path / "all", {"one": small, "two": SAME, "three": SAME}, "margin = 0.0")
    assert gate.checks[0].comparison.overall.p == pytest.approx(9 * raw)
    assert 3 * raw < 0.05 < 9 * raw
    assert gate.exit_code == 0


def test_a_condition_can_fail_the_gate_only_after_the_correction_over_all_tasks(tmp_path: Path) -> None:
    """Eight answers lost in condition a, and six gained in b: all together that is nothing."""
    base: Values = [1.0 if i < 300 else 0.0 for i in range(400)]
    changed = {**dict.fromkeys(range(1, 17, 2), 0.0), **dict.fromkeys(range(300, 312, 2), 1.0)}
    one = (base, [changed.get(i, value) for i, value in enumerate(base)])
    raw = binomtest(0, 8).pvalue
    alone = gated(tmp_path / "alone", {"one": one}, "margin = 0.0")
    assert [(c.condition, c.p) for c in alone.checks[0].comparison.regressions] == [("a", pytest.approx(3 * raw))]
    assert alone.exit_code == 100
    assert "one: regression in a: 0.750 -> 0.710" in render_gate(alone)
    gate = gated(tmp_path / "all", {"one": one, "two": SAME, "three": SAME}, "margin = 0.0")
    assert next(c.p for c in gate.checks[0].comparison.conditions if c.condition == "a") == pytest.approx(9 * raw)
    assert gate.exit_code == 0


def test_a_single_condition_is_one_test_and_an_advisory_check_takes_no_part(tmp_path: Path) -> None:
    said = {"one": 'conditions = "a"', "two": 'conditions = "a"', "three": 'tier = "advisory"'}
    gate = gated(tmp_path, {"one": SAME, "two": WORSE, "three": WORSE}, **said)
    assert gate.tests == 2
    assert gate.checks[1].comparison.overall.pairs == 250


def test_a_level_of_a_factor_chooses_its_conditions(tmp_path: Path) -> None:
    sides = [run(tmp_path, name, BASE) for name in ("base", "new")]
    for side in sides:
        text = (side / store.RECORDS).read_text()
        text = text.replace('"condition": "a"', '"condition": "friends/cot"')
        (side / store.RECORDS).write_text(text.replace('"condition": "b"', '"condition": "family/cot"'))

    def pairs(conditions: str) -> int:
        text = f'[[check]]\ntask = "echo"\nbase = "{sides[0]}"\nconditions = {conditions}\n'
        comparison = judge(read(written(tmp_path, text)), [open_run(sides[1])]).checks[0].comparison
        assert comparison
        return comparison.overall.pairs

    assert [pairs(c) for c in ('"friends"', '"cot"', '["family/cot"]', "[]")] == [250, 500, 250, 500]
    with pytest.raises(UsageError, match=r"gate\.toml: check 'echo frends': no record of .* level 'frends'") as error:
        pairs('"frends"')
    assert "did you mean 'friends'" in error.value.hint


def test_runs_and_checks_that_do_not_fit_are_named(tmp_path: Path, harness) -> None:
    base = run(tmp_path, "base", BASE)
    one, other, third = (run(tmp_path, f"r{m}", BASE, model=m) for m in "mno")
    foreign = run(tmp_path, "foreign", BASE, of="foreign")
    policy = written(tmp_path, f'[[check]]\ntask = "echo"\nbase = "{base}"\n')
    code, _, err = harness("gate", policy, foreign)
    assert (code, "check 'echo' has no run of task echo" in err) == (2, True)
    assert f"runs given: {foreign} (task foreign, model m)" in err
    code, _, err = harness("gate", policy, one, other)
    assert (code, "2 runs fit check 'echo'" in err) == (2, True)
    code, out, err = harness("gate", policy, one, one, foreign)
    assert (code, out.splitlines()[-1]) == (0, "PASS: no regression in 1 required check")
    assert re.search(r"note: no check takes the run .*foreign \(task foreign, model m\)", err)
    two = "".join(f'[[check]]\ntask = "echo"\nmodel = "{m}"\nbase = "{base}"\n' for m in "mn")
    code, out, err = harness("gate", written(tmp_path, two), one, other, third)
    assert (code, "model o" in err, "PASS: no regression in 2" in out) == (0, True, True)


def test_an_advisory_check_without_a_run_is_shown(tmp_path: Path) -> None:
    one = run(tmp_path, "one", BASE)
    text = f'[[check]]\ntask = "echo"\nbase = "{one}"\n[[check]]\ntask = "two"\nbase = "x"\ntier = "advisory"\n'
    policy = read(written(tmp_path, text))
    gate = judge(policy, match(policy, [open_run(one)])[0])
    assert (verdicts(gate), gate.exit_code) == ({"echo": "no change", "two": "no run"}, 0)
    assert became(gate)["two"] == ["skipped"]
    assert re.search(r"^two +advisory .*no run$", render_gate(gate), re.M)
    assert json.loads(gate_to_json(gate))["checks"][1]["comparison"] is None


def test_answers_that_are_the_same_are_said_to_be(tmp_path: Path) -> None:
    sides = [run(tmp_path, name, BASE[:12], text="the same") for name in ("base", "new")]
    policy = read(written(tmp_path, f'[[check]]\ntask = "echo"\nbase = "{sides[0]}"\n'))
    gate = judge(policy, [open_run(sides[1])])
    assert (gate.verdict, verdicts(gate)) == ("pass", {"echo": "no change"})
    assert "echo: 12 of 12 answers are the same text" in render_gate(gate)


def test_a_metric_that_no_record_has_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gate\.toml: check 'one detail\.x': metric detail\.x: no record of"):
        gated(tmp_path, {"one": SAME}, one='metric = "detail.x"')


def test_errors_of_a_comparison_name_the_check(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gate\.toml: check 'one': .* samples are not in"):
        gated(tmp_path, {"one": (BASE, BASE[:100])})
    policy = read(written(tmp_path, '[[check]]\ntask = "echo"\nbase = "nowhere"\n'))
    with pytest.raises(UsageError, match="check 'echo': nowhere is neither a baseline nor a run"):
        judge(policy, [open_run(run(tmp_path, "echo", BASE))])


CHECK = '[[check]]\ntask = "a"\nbase = "b"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it has no checks"),
        ("check = 1", "it has no checks"),
        ("check = [1]", "check 1 is not a table"),
        ("[check]\ntask = 1", "it has no checks"),
        ("x" * 300_000, "at most 256 KiB"),
        ("a = [" * 5000, "can't be read as TOML"),
        ("a = ", "can't be read as TOML"),
        ("checks = []\n" + CHECK, "there is no key 'checks'.*did you mean 'check'"),
        ("alpah = 0.05\n" + CHECK, "did you mean 'alpha'"),
        ("alpha = 0\n" + CHECK, "alpha: 0 is not a number from 1e-06 to 0.5"),
        ("alpha = 0.6\n" + CHECK, "alpha: 0.6 is not a number from 1e-06 to 0.5"),
        ("margin = nan\n" + CHECK, "margin: nan is not a number"),
        ("margin = true\n" + CHECK, "margin: True is not a number"),
        ("margin = 0x" + "f" * 5000 + "\n" + CHECK, "margin: so large a number is not a number from 0 to 1"),
        ('fail_on = "never"\n' + CHECK, "fail_on: there is no 'never'.*words: regression, inconclusive"),
        ("fail_on = 1979-05-27\n" + CHECK, "fail_on: a date or time is not a name"),
        (CHECK + CHECK, "checks 1 and 2 are both called 'a'"),
        (CHECK + 'tier = "advisory"', "every check is advisory"),
        (CHECK + 'tier = "require"', "check 1: tier: there is no 'require'.*did you mean 'required'"),
        (CHECK + "alpha = 0.1", "check 1: alpha is for the whole policy.*above the first"),
        (CHECK + "margn = 0.1", "check 1: there is no key 'margn'.*did you mean 'margin'"),
        (CHECK + 'margin = "0.1"', "check 1: margin: '0.1' is not a number from 0 to 1"),
        (CHECK + 'metric = "acuracy"', "check 1: metric acuracy: there is no such metric"),
        (CHECK + "conditions = [1]", "check 1: conditions: 1 is not a name"),
        (CHECK + "conditions = {}", "check 1: conditions: a table is not a name"),
        (CHECK + 'name = "\\u001b[2J"', r"check 1: name: '\\x1b\[2J' is not a name"),
        (CHECK + f'name = "{"x" * 300}"', "check 1: name: 'x+ is not a name"),
        ('[[check]]\ntask = "a"', "check 1: it has no base"),
        ('[[check]]\nbase = ""\ntask = "a"', "check 1: base: '' is not a name"),
        ('[[check]]\nbase = "a"', "check 1: it has no task"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_a_file_that_is_no_policy_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as error:
        read(path)
    assert error.value.message.startswith(f"{path}: ")
    assert re.search(message, f"{error.value.message} {error.value.hint}")


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# \xff")
    for name in ("missing.toml", "latin.toml", "."):
        with pytest.raises(UsageError, match="can't be read as TOML"):
            read(tmp_path / name)


scalars = st.one_of(
    st.sampled_from(["true", "nan", "-inf", "0.5", "1979-05-27", "07:32:00", "0xffffffffffffffffffff", "1e400", "{}"]),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20).map(json.dumps),
    st.sampled_from(['"echo"', '"required"', '"advisory"', '"accuracy"', '"detail.x"', '"regression"', '"a"']),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(lambda v: f"[{', '.join(v)}]"))
meant = {
    "alpha": ["0.05", "0.5", "1e-6", "5e-324"],
    "margin": ["0", "0.02", "1", "1e-300"],
    "fail_on": ['"regression"', '"inconclusive"'],
    "tier": ['"required"', '"advisory"'],
    "metric": ['"accuracy"', '"detail.x"', '"detail."'],
    "model": ['"m"', '"n"'],
    "conditions": ['"a"', '["b", "a"]', '["none"]', "[]"],
}


@st.composite
def policies(draw: st.DrawFn) -> str:
    """The text of a policy: all values as they are meant, or any value and any key in some places."""
    spoilt = draw(st.booleans())

    def table(*keys: str) -> str:
        chosen = draw(st.lists(st.sampled_from([*keys, "other"] if spoilt else keys), max_size=4, unique=True))
        lines = [f"{key} = {draw(values if spoilt else st.sampled_from(meant[key]))}\n" for key in chosen]
        return "".join(lines)

    text = table("alpha", "margin", "fail_on")
    for i in range(draw(st.integers(1, 3))):
        needed = draw(st.sampled_from(["", 'task = "echo"\n'])) if spoilt else 'task = "echo"\n'
        optional = table("margin", "tier", "metric", "model", "conditions")
        text += f'[[check]]\nname = "n{i}"\nbase = "BASE"\n{needed}{optional}'
    return text


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("policy"), "run", BASE[395:405])


@given(policies())
def test_no_value_makes_a_traceback(small_run: Path, text: str) -> None:
    """Random values of every kind under the keys that are known: a policy and its verdict, or an error for the user."""
    text = text.replace("BASE", str(small_run))
    shown = ""
    try:
        policy = read(written(small_run.parent, text))
        shown = render_gate(judge(policy, match(policy, [open_run(small_run)])[0]))
    except (UsageError, DataError) as error:
        shown = error.message
    assert all(line.isprintable() for line in shown.splitlines())


def test_the_command_writes_its_files_and_exits_as_it_says(tmp_path: Path, harness, monkeypatch) -> None:
    """Three tasks with baselines of the oracle: the oracle passes, the shallow baseline fails."""
    tasks = ("aiw", "arithmetic", "game24")
    for model in ("oracle", "shallow"):
        told = ("--model", f"baseline/{model}", "--limit", 40, "--out", model, "--display", "none")
        assert harness("run", "--task", ",".join(tasks), *told)[0] == 0
    for directory in (tmp_path / "oracle").iterdir():
        assert harness("baseline", "set", directory)[0] == 0
    text = "".join(f'[[check]]\ntask = "{t}"\nbase = "{t}-baseline-oracle"\n' for t in tasks)
    policy = written(tmp_path, "margin = 0.1\n" + text)
    files = ("--json", "g.json", "--junit", "g.xml")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    code, out, _ = harness("gate", policy, *(tmp_path / "oracle").iterdir(), *files)
    assert (code, out.splitlines()[-1]) == (0, "PASS: no regression in 3 required checks")
    code, out, _ = harness("gate", policy, *(tmp_path / "shallow").iterdir(), *files)
    assert (code, out.splitlines()[-1]) == (100, "FAIL: regression in aiw, arithmetic, game24")
    assert json.loads(Path("g.json").read_text())["verdict"] == "fail"
    xmlschema.XMLSchema(SCHEMA).validate("g.xml")
    assert "### PASS" in (tmp_path / "summary.md").read_text()
    assert "### FAIL" in (tmp_path / "summary.md").read_text()
    with pytest.raises(AssertionError, match="FAIL: regression in aiw"):
        api.gate(policy, [*(tmp_path / "shallow").iterdir()])
    assert api.gate(policy, [*(tmp_path / "oracle").iterdir()]).verdict == "pass"


def test_the_examples_are_policies_and_the_long_one_has_every_key(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = [text for text in re.findall(r"```toml\n(.*?)```", readme, re.S) if "[[check]]" in text]
    assert [check.tier for check in read(written(tmp_path, shown)).checks] == ["required", "advisory"]
    example = (ROOT / "results/gate.toml").read_text(encoding="utf-8")
    said = set(re.findall(r"^(?:# )?(\w+) = ", example, re.M))
    assert said == {field.name for field in fields(Check)} | {"alpha", "fail_on"}
    assert (ROOT / "results/baselines" / read(written(tmp_path, example)).checks[0].base).is_dir()
    everything = re.sub(r"^# (?=\w+ = |\[\[)", "", example, flags=re.M).replace('fail_on = "regression"', "# ")
    assert len(read(written(tmp_path, everything)).checks) == 2
