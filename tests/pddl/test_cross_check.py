"""Second opinions: VAL as it speaks (a fake that says what VAL says), unified-planning where it is installed."""

import json
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.pddl import cross_check
from harness.pddl.cross_check import Opinion, opened

DOMAIN = """(define (domain d) (:requirements :strips) (:predicates (p) (q)) (:functions )
 (:action go :parameters () :precondition (p) :effect (q)))"""
PROBLEM = "(define (problem x) (:domain d) (:init (p)) (:goal (q)))"

SAYS = {
    "valid": ("Plan executed successfully - checking goal\nPlan valid\nFinal value: 1 \n\nSuccessful plans:", 0),
    "goal": ("Plan executed successfully - checking goal\nGoal not satisfied\nPlan invalid\n\nFailed plans:", 1),
    "precondition": ("Checking plan: plan\nPlan failed to execute\n\nFailed plans:\n plan", 1),
    "operator": ("Bad operator in plan!\n", 255),
    "unreadable": ("Bad plan description!\n", 0),
    "type": ("Type problem with proposition (p)\n", 0),
    "domain": ("Error in type-checking!\nProblem in domain definition!\n", 255),
    "silent": ("", 0),
    "boast": ('{"Plan valid": 1}', 0),
}

FAKE = f"""#!{sys.executable}
import os, signal, sys, time
domain, problem, plan = (open(name).read() for name in sys.argv[1:])
assert "(domain d)" in domain and "(problem x)" in problem
what = plan.strip().strip("()").split()[0]
if what == "crash":
    print("Plan valid", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)
if what == "hang":
    os.system("sleep 1000")
said, code = {SAYS!r}.get(what, {SAYS["valid"]!r})
print(said)
sys.exit(code)
"""


@pytest.fixture
def val(tmp_path, monkeypatch) -> Path:
    program = tmp_path / "Validate"
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("HARNESS_VAL", str(program))
    return program


def ask(tool: str, plan: str, domain: str = DOMAIN) -> Opinion:
    with opened(tool) as check:
        return check(domain, PROBLEM, plan)


@pytest.mark.parametrize(
    ("plan", "opinion"),
    [
        ("(valid)", Opinion(True)),
        ("(goal)", Opinion(False, "Goal not satisfied")),
        ("(precondition)", Opinion(False, "Plan failed to execute")),
        ("(operator)", Opinion(False, "Bad operator in plan!")),
        ("(unreadable)", Opinion(False, "Bad plan description!")),
        ("(type)", Opinion(False, "Type problem with proposition (p)")),
        ("(crash)", Opinion(None, "VAL crashed (SIGSEGV)")),
        ("(silent)", Opinion(None, "VAL gave no verdict (exit code 0): it said nothing")),
        ("(boast)", Opinion(None, 'VAL gave no verdict (exit code 0): {"Plan valid": 1}')),
    ],
)
def test_val_is_read_by_what_it_says_not_by_its_exit_code(val, plan, opinion) -> None:
    assert ask("val", plan) == opinion


def test_trouble_with_the_domain_is_no_verdict_on_the_plan(val) -> None:
    opinion = ask("val", "(domain)")
    assert opinion.valid is None
    assert "Problem in domain definition!" in opinion.detail


def test_text_that_no_file_can_hold_is_no_trouble(val) -> None:
    assert ask("val", "(valid) ; \ud800") == Opinion(True)


def test_val_that_hangs_is_ended(val, monkeypatch) -> None:
    monkeypatch.setattr(cross_check, "TIME_LIMIT", 0.5)
    assert ask("val", "(hang)") == Opinion(None, "no answer within 0.5 s")


def test_a_crash_inside_a_shell_script_is_a_crash(val) -> None:
    val.write_text("#!/bin/sh\nkill -SEGV $$\n")
    assert ask("val", "(go)") == Opinion(None, "VAL crashed (SIGSEGV)")


def test_without_val_it_is_said_how_to_get_it(val, monkeypatch, tmp_path) -> None:
    val.chmod(0o644)
    with pytest.raises(UsageError, match="HARNESS_VAL"), opened("val"):
        pass
    monkeypatch.delenv("HARNESS_VAL")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as error, opened("val"):
        pass
    assert "github.com/KCL-Planning/VAL" in error.value.hint


def test_without_unified_planning_it_is_said_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError) as error, opened("unified-planning"):
        pass
    assert error.value.hint.startswith("pip install")


@pytest.mark.skipif(
    cross_check.importlib.util.find_spec("unified_planning") is None,
    reason=f"UNIFIED-PLANNING IS NOT TESTED: {cross_check.INSTALL_UP}",
)
def test_unified_planning_has_its_say() -> None:
    with opened("unified-planning") as check:
        assert check(DOMAIN, PROBLEM, "(go)") == Opinion(True)
        assert check(DOMAIN, PROBLEM, "").valid is False
        assert check(DOMAIN, PROBLEM.replace("(p)", ""), "(go)").valid is False
        for unreadable in ("(go x)", "(stop)", "then go"):
            assert check(DOMAIN, PROBLEM, unreadable).valid is None
        for odd in ("(define", "(define (domain d) ())", "\ud800", "(define (domain d) (:durative-action))"):
            assert check(odd, PROBLEM, "(go)").valid is None


# The command ----------------------------------------------------------------------------------------------------------


CROSS_CHECK = ("--cross-check", "val")


@pytest.mark.parametrize(
    ("plan", "code", "theirs", "differ"),
    [
        ("(go)", 0, "val: valid", False),
        ("", 1, "val: no verdict", False),
        ("(goal)", 1, "val: invalid: Goal not satisfied", False),
        ("(go x)", 1, "val: valid", True),
        ("(crash)", 1, "val: no verdict: VAL crashed (SIGSEGV)", False),
    ],
)
def test_their_verdict_stands_beside_ours_which_decides(val, validate, plan, code, theirs, differ) -> None:
    found, out, _ = validate(DOMAIN, PROBLEM, plan, *CROSS_CHECK)
    assert found == code
    assert theirs in out
    assert ("differ" in out) == differ


def test_a_batch_has_their_verdicts_and_their_differences_counted(val, harness, tmp_path) -> None:
    plans = ["(go)", "(go x)", "(goal)", "(crash)"]
    rows = [{"domain": DOMAIN, "problem": PROBLEM, "plan": plan, "kept": i} for i, plan in enumerate(plans)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, _, err = harness("validate", *CROSS_CHECK, "--batch", "in.jsonl", "-o", "out.jsonl")
    assert code == 0
    assert "val: differs on 1, no verdict on 1" in err
    made = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["cross_check"] for row in made] == [True, True, False, None]
    assert [row["valid"] for row in made] == [True, False, False, False]
    assert [row["kept"] for row in made] == [0, 1, 2, 3]
    assert made[3]["cross_check_detail"] == "VAL crashed (SIGSEGV)"


def test_without_the_tool_nothing_is_written(val, harness, tmp_path) -> None:
    val.unlink()
    (tmp_path / "in.jsonl").write_text(json.dumps({"domain": DOMAIN, "problem": PROBLEM, "plan": ""}) + "\n")
    code, _, err = harness("validate", *CROSS_CHECK, "--batch", "in.jsonl", "-o", "out.jsonl")
    assert code == 2
    assert "HARNESS_VAL" in err
    assert not (tmp_path / "out.jsonl").exists()


def test_the_doctor_knows_a_val_that_works_from_one_that_does_not(val, monkeypatch, tmp_path) -> None:
    from harness import doctor

    assert doctor._val().works is True
    val.write_text("#!/bin/sh\necho usage: validate FILE\n")
    assert doctor._val().works is False
    monkeypatch.delenv("HARNESS_VAL")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert doctor._val().works is None
    assert "no verdict" in doctor._val().detail


def test_the_doctor_says_how_to_get_a_planner(monkeypatch) -> None:
    from harness import doctor
    from harness.pddl import planner

    monkeypatch.setattr(planner, "installed", list)
    assert [(f.what, f.works) for f in doctor._planners()] == [("fast-downward", None), ("pyperplan", None)]
    assert all(f.detail.startswith(planner.INSTALL) for f in doctor._planners())
