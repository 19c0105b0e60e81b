"""Planners behind one function: faults of processes, and answers kept, with a fake planner."""

import contextlib
import functools
import itertools
import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pddl import planner, planner_pool
from harness.pddl.parse import PDDLError, parse_domain, parse_problem
from harness.pddl.planner import MissingPlanner, normal_form, show, solve_all
from harness.pddl.planner_pool import Pool
from tests.waiting import HANG, said, started, until

solve = functools.partial(planner.solve, time_limit=HANG)

DOMAIN = """(define (domain d) (:requirements :strips) (:predicates (p) (q))
 (:action go :parameters () :precondition (p) :effect (q))
 (:action back :parameters () :precondition (q) :effect (not (q))))"""


BEHAVIOURS = (
    "x y hang killed crash exit raise eat chatty last-words unsolvable not-a-plan no-plan useless not-proven odd pid"
).split()


def problem(what: str, goal: str = "(q)") -> str:
    """A task that the fake planner knows by the number of its objects: names do not reach planners."""
    objects = " ".join(f"o{i}" for i in range(BEHAVIOURS.index(what)))
    return f"(define (problem {what}) (:domain d) (:objects {objects}) (:init (p)) (:goal {goal}))"


FAKE = (
    f"BEHAVIOURS = {BEHAVIOURS}"
    + """
import os, re, signal, subprocess, sys, time
from pathlib import Path
from harness.pddl.planner_worker import serve

def child():
    # As unified-planning starts Fast Downward: in a session of its own.
    process = subprocess.Popen(["sleep", "3600"], start_new_session=True)
    here = Path(__file__).parent
    part = here / f"child.{process.pid}"  # two of us may be at it at once
    part.write_text(f"{process.pid} {Path.cwd()}")
    part.rename(here / "child.pid")

def handle(request):
    objects = re.search(r"\\(:objects ([^)]*)\\)", request["problem"])
    what = BEHAVIOURS[len(objects.group(1).split()) if objects else 0]
    go, back = re.findall(r"\\(:action (\\w+)", request["domain"])
    with (Path(__file__).parent / "asked").open("a") as log:
        log.write(what + "\\n")
    if what == "hang":
        child()
        time.sleep(3600)
    if what == "killed":
        child()
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "exit":
        print("the licence has run out", file=sys.stderr, flush=True)
        os._exit(7)
    if what == "raise":
        raise ValueError("no such heuristic")
    if what == "eat":
        return {"status": "solved", "plan": [bytearray(1 << 33)]}
    if what == "chatty":
        print("{", flush=True)
        os.system("echo Solution found!")
        print(sys.stdin.read())
    if what == "last-words":
        return {"status": "failed", "detail": "translate exit code: 31"}
    odd = {
        "unsolvable": {"status": "unsolvable"},
        "not-a-plan": {"status": "solved", "plan": [["go", 1]]},
        "no-plan": {"status": "solved"},
        "useless": {"status": "solved", "plan": [[back]], "optimal": True},
        "not-proven": {"status": "solved", "plan": [[go]], "optimal": False},
        "odd": {"status": ["solved"]},
        "pid": {"status": "failed", "detail": str(os.getpid())},
    }
    return odd.get(what, {"status": "solved", "plan": [[go.upper()]], "optimal": True, "engine": "fake-opt"})

serve(lambda: handle)
"""
)


@pytest.fixture
def fake(tmp_path, monkeypatch) -> Path:
    """A planner that does as the problem's name says; the folder where it leaves its traces."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(planner, "installed", lambda: ["fake"])
    monkeypatch.setattr(planner, "Pool", functools.partial(Pool, command=[sys.executable, str(script)]))
    planner.close()
    yield tmp_path
    planner.close()


def asked(fake: Path) -> list[str]:
    return (fake / "asked").read_text().split() if (fake / "asked").exists() else []


def until_ended(pid: int) -> None:
    """Until the process is at its end; one that nobody has taken notice of yet has ended too."""

    def has_ended() -> bool:
        try:
            os.kill(pid, 0)
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except ProcessLookupError:
            return True
        except OSError:  # a system without /proc, or it has ended just now
            return False

    until(has_ended, f"process {pid} has ended")


def child(fake: Path) -> tuple[int, Path]:
    """The process that a planner has started, as soon as it has, and the folder where both work."""
    path = fake / "child.pid"
    until(path.exists, "the planner has started a process")
    pid, home = path.read_text().split(maxsplit=1)
    return int(pid), Path(home)


# Processes that misbehave ---------------------------------------------------------------------------------------------


def test_a_plan_is_told_in_lower_case(fake) -> None:
    assert solve(DOMAIN, problem("x")) == planner.Solution("solved", (("go",),), True, "fake-opt")


def test_a_planner_that_hangs_is_ended_with_all_that_it_started(fake, monkeypatch) -> None:
    """The clock stands still until it has started something, and then leaps whenever it is looked at."""
    leaps = itertools.count(1000, 1000)
    with monkeypatch.context() as ours:
        clock = SimpleNamespace(monotonic=lambda: next(leaps) if (fake / "child.pid").exists() else 0, sleep=time.sleep)
        ours.setattr(planner_pool, "time", clock)
        solution = solve(DOMAIN, problem("hang"), time_limit=0.5)
    assert (solution.status, solution.plan, solution.detail) == ("timeout", None, "no answer within 0.5 s")
    until_ended(child(fake)[0])
    assert solve(DOMAIN, problem("x")).status == "solved"


def test_a_planner_that_is_killed_leaves_no_orphans(fake) -> None:
    solution = solve(DOMAIN, problem("killed"))
    assert (solution.status, solution.detail) == ("failed", "the planner's process was ended by SIGKILL")
    until_ended(child(fake)[0])


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("crash", "the planner's process was ended by SIGSEGV"),
        ("exit", "the planner's process exited with code 7: the licence has run out"),
        ("raise", "ValueError: no such heuristic"),
        ("last-words", "translate exit code: 31"),
        ("not-a-plan", "not a plan: [['go', 1]]"),
        ("no-plan", "not a plan: None"),
        ("useless", "its plan does not work"),
        ("odd", "it answered \"['solved']\""),
        pytest.param(
            "eat",
            "out of memory",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits address space"),
        ),
    ],
)
def test_what_goes_wrong_is_a_failure_with_its_reason(fake, name, detail) -> None:
    solution = solve(DOMAIN, problem(name))
    assert (solution.status, solution.plan, solution.optimal, solution.detail) == ("failed", None, False, detail)
    assert solve(DOMAIN, problem("x")).status == "solved"


def test_what_a_planner_prints_is_no_answer(fake) -> None:
    assert solve(DOMAIN, problem("chatty")).status == "solved"


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("print('{\"ready\": true}\\nSolution found!', flush=True); input()", "not an answer"),
        ("print('{\"ready\": true}', flush=True); input(); print('[' * 100000)", "not an answer"),
        ("print('{\"ready\": true}', flush=True); input(); print('x' * (17 << 20))", "an answer without end"),
        ("print('{\"ready\": true}', flush=True); input()", "exited with code 0"),
        ('print(\'{"error": "no module"}\')', "can't start: no module"),
        ("print('hello')", "not an answer"),
        ("raise SystemExit('no licence')", "exited with code 1: no licence"),
    ],
)
def test_a_process_that_talks_nonsense_fails(fake, monkeypatch, code, detail) -> None:
    monkeypatch.setattr(planner, "Pool", functools.partial(Pool, command=[sys.executable, "-c", code]))
    solution = solve(DOMAIN, problem("x"))
    assert solution.status == "failed"
    assert detail in solution.detail


def test_a_process_that_died_while_idle_is_replaced(fake) -> None:
    pool = planner.Pool(1)
    request = {"what": "solve", "domain": DOMAIN, "problem": problem("pid")}
    try:
        first = int(pool.ask(request, HANG)["detail"])
        os.kill(first, signal.SIGKILL)
        select.select([pool._idle[0]._process.stdout], [], [])
        assert int(pool.ask(request, HANG)["detail"]) != first
    finally:
        pool.close()
    assert solve(DOMAIN, problem("x")).status == "solved"


def test_a_large_task_and_a_task_in_foreign_letters_arrive_whole(fake) -> None:
    facts = " ".join(f"(r{i})" for i in range(20_000))
    domain = DOMAIN.replace("(:predicates", f"(:predicates {facts}").replace("action go", "action gö")
    assert solve(domain, problem("x").replace("(p)", f"(p) {facts}")).plan == (("gö",),)


def test_many_threads_share_few_processes(fake) -> None:
    pool = planner.Pool(2)
    try:
        with ThreadPoolExecutor(16) as threads:
            request = {"what": "solve", "domain": DOMAIN, "problem": problem("pid")}
            pids = list(threads.map(lambda _: pool.ask(request, HANG)["detail"], range(40)))
    finally:
        pool.close()
    assert len(set(pids)) <= 2
    for pid in set(pids):
        until_ended(int(pid))


def test_closing_ends_calls_under_way(fake) -> None:
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(solve, DOMAIN, problem("hang"))
        pid, _ = child(fake)
        planner.close()
        assert call.result().status == "failed"
    until_ended(pid)
    assert solve(DOMAIN, problem("x")).status == "solved"


PARENT = """
import functools, sys
from harness.pddl import planner, planner_pool
from harness.pddl.planner_pool import Pool
planner_pool.START_LIMIT = 3600
planner.installed = lambda: ["fake"]
planner.Pool = functools.partial(Pool, command=[sys.executable, sys.argv[1]])
domain, problem, call = sys.argv[2:]
if call == "solve":
    planner.solve(domain, problem, time_limit=3600)
else:
    list(planner.solve_all([(domain, problem)] * 4, workers=2, time_limit=3600))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("call", ["solve", "solve_all"])
def test_the_planner_ends_with_its_parent_and_with_control_c(fake, call, number) -> None:
    command = [sys.executable, "-c", PARENT, fake / "fake.py", DOMAIN, problem("hang"), call]
    with started(command, stderr=subprocess.PIPE, text=True) as parent:
        pid, home = child(fake)
        parent.send_signal(number)
        said(parent)
    assert parent.returncode != 0
    until_ended(pid)
    assert not home.exists()


def test_solutions_come_in_order_and_tasks_are_drawn_lazily(fake) -> None:
    drawn = []

    def tasks():
        for i in itertools.count():
            drawn.append(i)
            yield DOMAIN, problem("unsolvable" if i % 3 == 2 else "x")

    solutions = solve_all(tasks(), workers=2, time_limit=HANG)
    assert [next(solutions).status for _ in range(6)] == ["solved", "solved", "unsolvable"] * 2
    solutions.close()
    assert len(drawn) <= 10
    assert list(solve_all([])) == []


# Answers kept ---------------------------------------------------------------------------------------------------------


def test_proven_answers_are_kept_and_others_are_not(fake) -> None:
    for name in ("x", "unsolvable", "crash", "not-proven"):
        first = solve(DOMAIN, problem(name))
        assert solve(DOMAIN.replace("\n", "\n ; the same\n"), problem(name)) == first
    assert asked(fake) == ["x", "unsolvable", "crash", "crash", "not-proven", "not-proven"]


def test_any_plan_is_kept_for_those_who_want_any(fake) -> None:
    for _ in range(2):
        assert solve(DOMAIN, problem("not-proven"), optimal=False).plan == (("go",),)
    assert asked(fake) == ["not-proven"]


@pytest.mark.parametrize("damage", ["broken", "directory", "file in the way", "tampered", "odd"])
def test_a_cache_that_cannot_be_used_costs_time_only(fake, damage) -> None:
    path = planner.cache_file()
    if damage == "broken":
        path.parent.mkdir(parents=True)
        path.write_bytes(b"SQLite format 3\0" + bytes(5000))
    elif damage == "directory":
        path.mkdir(parents=True)
    elif damage == "file in the way":
        (fake / "cache").write_text("")
    else:
        solve(DOMAIN, problem("x"))
        value = '{"status": "solved", "plan": [["back"]], "optimal": true}' if damage == "tampered" else "[[1"
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE plans SET value = ?", (value,))
            db.commit()
    before = len(asked(fake))
    assert solve(DOMAIN, problem("x")).plan == (("go",),)
    assert len(asked(fake)) == before + 1


def test_kept_answers_need_no_planner(fake, monkeypatch) -> None:
    kept = solve(DOMAIN, problem("x"))
    monkeypatch.setattr(planner, "installed", list)
    assert solve(DOMAIN, problem("x")) == kept
    with pytest.raises(MissingPlanner) as error:
        solve(DOMAIN, problem("y"))
    assert error.value.hint.startswith("pip install")


@pytest.mark.parametrize(
    ("domain", "text"), [("(define", problem("x")), (DOMAIN, "hello"), (DOMAIN, problem("x", "(z)"))]
)
def test_what_is_not_pddl_is_an_error_of_the_text(fake, domain, text) -> None:
    with pytest.raises(PDDLError):
        solve(domain, text)
    with pytest.raises(PDDLError):
        list(solve_all([(domain, text)], workers=1))
    assert asked(fake) == []


# PDDL as planners read it ---------------------------------------------------------------------------------------------

SECTIONS = [
    "(:requirements :typing)",
    "(:types t - object)",
    "(:constants)",
    "(:predicates (P ?x - t) ; odd\n)",
    "(:functions)",
    "(:action go :parameters (?x - t) :effect (p ?x))",
]
PARTS = ["(:objects a - t)", "(:init)", "(:goal (p a))"]


@given(st.permutations(SECTIONS), st.permutations(PARTS))
def test_texts_for_planners_mean_the_same(sections, parts) -> None:
    domain = f"(define (domain d) {' '.join(sections)})"
    text = f"(define (problem x) (:domain d) {' '.join(parts)})"
    for_planners = show(normal_form(domain, "domain")), show(normal_form(text, "problem"))
    parsed = parse_domain(domain)
    assert parse_domain(for_planners[0]) == parsed
    assert parse_problem(for_planners[1], parsed) == parse_problem(text, parsed)
    assert show(normal_form(for_planners[0], "domain")) == for_planners[0]
    assert "(:constants" not in for_planners[0]
    assert ":functions" not in for_planners[0]


def test_an_answer_is_kept_for_the_same_task_under_other_names(fake) -> None:
    solve(DOMAIN, problem("x"))
    other = [text.replace("go ", "1é ").replace("(q)", "(é)") for text in (DOMAIN, problem("x"))]
    assert solve(*other).plan == (("1é",),)
    assert asked(fake) == ["x"]
