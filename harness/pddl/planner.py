"""Classical planners behind one function: PDDL in, a plan out, or the reason why there is no plan. It never hangs.

unified-planning drives Fast Downward (or pyperplan, if Fast Downward is not installed) in processes of their own
(planner_pool, planner_worker). Our validator executes every plan before it is believed. Proven answers are kept on
disk. The packages are the extra `planner`.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import functools
import hashlib
import importlib.util
import itertools
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs

from harness.errors import UsageError
from harness.pddl.compile import CompiledDomain, compile_domain
from harness.pddl.execute import Validator
from harness.pddl.parse import KNOWN_REQUIREMENTS, Node, PDDLError, parse_domain, parse_problem, read
from harness.pddl.planner_pool import Fault, Pool

Step = tuple[str, ...]
"""(action, object, ...), in lower case."""

FAMILIES = {"fast-downward": "up_fast_downward", "pyperplan": "up_pyperplan"}
"""Planners in the order of preference, and the module that brings each."""

INSTALL = "pip install 'reasoning-harness[planner]'"


class MissingPlanner(UsageError):  # noqa: N818 - a missing package is what it says
    """No planner is installed."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A planner's answer; `plan` is None unless `status` is solved.

    `optimal`: the plan is proven to have the fewest steps, or to cost the least if the problem has a metric.
    `unsolvable` is proven too. `engine` is what answered, such as "fast-downward-opt"; `detail` explains to a person
    why there is no answer.
    """

    status: Literal["solved", "unsolvable", "timeout", "failed"]
    plan: tuple[Step, ...] | None
    optimal: bool
    engine: str
    detail: str = ""


def solve(domain: str, problem: str, *, optimal: bool = True, time_limit: float = 60.0) -> Solution:
    """A plan for PDDL texts: with the fewest steps if `optimal` (the least cost, if the problem has a metric), else any
    plan.

    Blocks for `time_limit` seconds at most, counted from when a process is free and has started; all threads share as
    many processes as there are cores. Raises PDDLError for a text that is not PDDL, and for derived predicates or a
    metric to maximise; MissingPlanner if no planner is installed.
    """
    return _solve(_shared_pool, domain, problem, optimal, time_limit)


def solve_all(
    problems: Iterable[tuple[str, str]], *, optimal: bool = True, time_limit: float = 60.0, workers: int | None = None
) -> Iterator[Solution]:
    """Yields `solve` for each (domain, problem), in order. It draws and solves problems a little ahead of its caller.

    It has `workers` processes of its own (default: as many as there are cores), which end with the iterator. Raises
    what `solve` raises.
    """
    count = workers or os.cpu_count() or 1
    pool = Pool(count)
    threads = ThreadPoolExecutor(count, thread_name_prefix="planner")
    waiting: collections.deque[Future[Solution]] = collections.deque()
    rest = iter(problems)
    try:
        while True:
            for domain, problem in itertools.islice(rest, 2 * count - len(waiting)):
                waiting.append(threads.submit(_solve, lambda: pool, domain, problem, optimal, time_limit))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.close()
        threads.shutdown(cancel_futures=True)


def close() -> None:
    """End the processes that `solve` keeps. Calls under way return as failed; the next call starts new processes."""
    global _pool
    with _pool_lock:
        old, _pool = _pool, None
    if old is not None:
        old.close()


def installed() -> list[str]:
    """The planners that can be imported, best first."""
    if importlib.util.find_spec("unified_planning") is None:
        return []
    return [family for family, module in FAMILIES.items() if importlib.util.find_spec(module) is not None]


def ask(family: str, domain: str, problem: str, *, optimal: bool = True, time_limit: float = 60.0) -> Solution:
    """`solve` with one planner of `installed`, without the kept answers."""
    return _asked(_shared_pool(), family, _Task.of(domain, problem), optimal, time_limit)


# How ----------------------------------------------------------------------------------------------------------------

_pool: Pool | None = None
_pool_lock = threading.Lock()
atexit.register(close)


def _shared_pool() -> Pool:
    global _pool
    with _pool_lock:
        _pool = _pool or Pool(os.cpu_count() or 1)
        return _pool


@dataclass(frozen=True)
class _Task:
    """A planning task in the form that planners get: PDDL under names of our own, `names` to translate plans back, and
    a validator to check them."""

    domain: str
    problem: str
    names: Mapping[str, str]
    validator: Validator

    @classmethod
    def of(cls, domain: str, problem: str) -> _Task:
        compiled = _compiled(domain)
        parsed = parse_problem(problem, compiled.domain)
        if compiled.rules:
            raise PDDLError("domain: planners are called through unified-planning, which reads no derived predicates")
        if parsed.maximize:
            raise PDDLError("problem: planners here minimise, and its metric is to be maximised")
        validator = Validator.of(compiled, parsed)
        ours = _numbered(validator)
        texts = []
        for text, what in ((domain, "domain"), (problem, "problem")):
            plain = normal_form(text, what, has_metric=parsed.metric is not None)
            plain[1] = _node(what, "x")
            texts.append(show(plain, ours))
        return cls(texts[0], texts[1], {own: name for name, own in ours.items()}, validator)

    def named(self, plan: Iterable[Step]) -> tuple[Step, ...]:
        return tuple(tuple(self.names.get(word, word) for word in step) for step in plan)

    def works(self, plan: Iterable[Step]) -> bool:
        return self.validator.validate(tuple(plan)).valid


@functools.lru_cache(maxsize=64)
def _compiled(domain: str) -> CompiledDomain:
    return compile_domain(parse_domain(domain))


def _solve(pool: Any, domain: str, problem: str, optimal: bool, time_limit: float) -> Solution:
    task = _Task.of(domain, problem)
    kept = _recall(task, optimal)
    if kept is not None:
        return kept
    families = installed()
    if not families:
        raise MissingPlanner("planning needs a planner, and none is installed", INSTALL)
    solution = _asked(pool(), families[0], task, optimal, time_limit)
    if _settles(solution, optimal):
        _keep(task, optimal, solution)
    return solution


def _settles(solution: Solution, optimal: bool) -> bool:
    """Whether the question is answered for good."""
    return solution.status == "unsolvable" or (solution.status == "solved" and solution.optimal >= optimal)


def _asked(pool: Pool, family: str, task: _Task, optimal: bool, time_limit: float) -> Solution:
    request = {"what": "solve", "family": family, "optimal": optimal, "domain": task.domain, "problem": task.problem}
    try:
        return _solution(pool.ask(request, time_limit), task, family)
    except Fault as fault:
        return Solution(fault.status, None, False, family, fault.detail)


def _solution(answer: dict[str, Any], task: _Task, family: str) -> Solution:
    """A planner's answer as a Solution; `failed` if its plan does not work."""
    engine, detail = str(answer.get("engine", family)), str(answer.get("detail", ""))
    match answer.get("status"):
        case "solved":
            plan = answer.get("plan")
            steps = _steps(plan)
            if steps is None:
                return Solution("failed", None, False, engine, f"not a plan: {str(plan)[:80]}")
            steps = task.named(steps)
            if not task.works(steps):
                return Solution("failed", None, False, engine, "its plan does not work")
            return Solution("solved", steps, answer.get("optimal") is True, engine)
        case "unsolvable":
            return Solution("unsolvable", None, False, engine)
        case "timeout":
            return Solution("timeout", None, False, engine, detail)
        case status:
            return Solution("failed", None, False, engine, detail or f"it answered {str(status)[:80]!r}")


def _steps(plan: Any) -> tuple[Step, ...] | None:
    if not isinstance(plan, list):
        return None
    if not all(isinstance(step, list) and step and all(isinstance(w, str) for w in step) for step in plan):
        return None
    return tuple(tuple(word.lower() for word in step) for step in plan)


# PDDL that planners read ----------------------------------------------------------------------------------------------

_SECTIONS = {
    "domain": (":requirements", ":types", ":constants", ":predicates", ":functions", ":action"),
    "problem": (":domain", ":objects", ":init", ":goal", ":metric"),
}
_NEEDED = (":predicates", ":init", ":goal")


def normal_form(text: str, what: str, has_metric: bool = True) -> Node:
    """A domain or problem (`what`) that our parser reads, in the form that every reader takes: lower case, no comments,
    each section once, in the order of the standard, no empty section unless readers need it. `total-cost` is left out
    if no metric asks for it (`has_metric`), because Fast Downward refuses it then. Raises PDDLError, as
    `parse.read` does."""
    root = read(text, what)
    if not has_metric:
        root = _without_costs(root)
    plain = Node(1)
    plain += root[:2]
    for name in _SECTIONS[what]:
        found = [s for s in root[2:] if isinstance(s, Node) and s[0] == name]
        if name == ":action":
            plain += [_with_parameters(action) for action in found]
        elif name in _NEEDED or any(len(s) > 1 for s in found):
            items = [item for s in found for item in s[1:]]
            if name == ":requirements":  # planners refuse even a requirement that is only listed
                items = [item for item in items if item in KNOWN_REQUIREMENTS]
            section = _node(name, *items)
            plain.append(section if section != [":goal"] else _node(":goal", _node("and")))
    return plain


def _node(*items: Node | str) -> Node:
    made = Node(1)
    made += items
    return made


def _with_parameters(action: Node) -> Node:
    return action if ":parameters" in action else _node(*action[:2], ":parameters", _node(), *action[2:])


def _without_costs(node: Node) -> Node:
    kept = Node(node.line)
    for item in node:
        if isinstance(item, str):
            kept.append(item)
        elif not (item[:1] in (["increase"], ["="]) and item[1:2] == [["total-cost"]]) and item != ["total-cost"]:
            made = _without_costs(item)
            if made != [":functions"] and made != [":functions", "-", "number"]:
                kept.append(made)
    return kept


def show(node: Node | str, names: Mapping[str, str] | None = None) -> str:
    """A node as PDDL text; `names` maps names to those to be written instead."""
    if isinstance(node, str):
        return names.get(node, node) if names else node
    return f"({' '.join(show(item, names) for item in node)})"


def _numbered(validator: Validator) -> dict[str, str]:
    """Maps every name that domain and problem declare to one that means nothing. Readers refuse some names (a first
    digit, a letter with an accent), and tasks that differ only in names share their kept answer."""
    domain = validator.domain
    declared = (*domain.types, *domain.predicates, *domain.functions, *domain.actions, *validator.problem.objects)
    names = dict.fromkeys(declared)
    return {name: f"n{i}" for i, name in enumerate(names) if name not in ("object", "total-cost")}


# Answers kept ---------------------------------------------------------------------------------------------------------


def cache_file() -> Path:
    """The SQLite file of kept answers, in the user's cache directory."""
    return Path(platformdirs.user_cache_dir("harness")) / "plans.sqlite"


def _key(task: _Task, optimal: bool) -> str:
    return hashlib.sha256(json.dumps([1, task.domain, task.problem, optimal]).encode()).hexdigest()


@contextlib.contextmanager
def _cache() -> Iterator[sqlite3.Connection]:
    """The file of kept answers, which processes and threads share. Opening it for each use takes far less time than a
    planner."""
    path = cache_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as db:
        db.execute("CREATE TABLE IF NOT EXISTS plans (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
        yield db


def _recall(task: _Task, optimal: bool) -> Solution | None:
    """The answer that was proven earlier, None if it is missing. A file that is unusable, or holds something else,
    costs only time."""
    try:
        with _cache() as db:
            row = db.execute("SELECT value FROM plans WHERE key = ?", (_key(task, optimal),)).fetchone()
        kept = json.loads(row[0]) if row else None
    except (OSError, sqlite3.Error, ValueError, TypeError, RecursionError):
        return None
    solution = _solution(kept, task, "kept") if isinstance(kept, dict) else None
    return solution if solution and _settles(solution, optimal) else None


def _keep(task: _Task, optimal: bool, solution: Solution) -> None:
    ours = {name: own for own, name in task.names.items()}
    plan = [[ours.get(word, word) for word in step] for step in solution.plan or ()]
    kept = {"status": solution.status, "plan": plan, "optimal": solution.optimal, "engine": solution.engine}
    with contextlib.suppress(OSError, sqlite3.Error), _cache() as db:
        db.execute("INSERT OR REPLACE INTO plans VALUES (?, ?)", (_key(task, optimal), json.dumps(kept)))
