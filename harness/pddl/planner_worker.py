"""The program in a planner's process: it takes one request after another from its parent, and answers each in one line.

Run as a script by planner_pool, in an empty directory and a session of its own. Imports nothing of the harness, so that
it starts with the standard library and unified-planning alone. A request is the file request.json plus an empty line on
the standard input; the first line of the answers says that the process is ready, or why it never will be.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

MEMORY = 4 << 30
"""Bytes of address space of this process, and of each that a planner starts: one that wants more fails alone."""

DISK = 1 << 30
"""Bytes of the largest file that may be written."""

HOME = "harness-planner-"
"""How the names of our working directories start; the parent makes and removes these directories."""

Handler = Callable[[dict[str, Any]], dict[str, Any]]


def serve(prepare: Callable[[], Handler]) -> None:
    """Answer requests until the parent is gone. `prepare` does the slow part of the start and returns the handler of
    requests."""
    requests, answers = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # what a planner prints is no answer
    _limit_resources()
    subprocess.Popen = _InOurGroup  # type: ignore[misc]
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        while line := requests.readline():
            waiting.put(line)
        # The parent has died, perhaps in the middle of a search: remove its directory for us, and end our group.
        if Path.cwd().name.startswith(HOME):
            shutil.rmtree(Path.cwd(), ignore_errors=True)
        os.killpg(0, signal.SIGKILL)

    def answer(reply: dict[str, Any]) -> None:
        answers.write(json.dumps(reply) + "\n")
        answers.flush()

    threading.Thread(target=listen, daemon=True).start()
    try:
        handle = prepare()
    except Exception as error:
        answer({"error": _described(error)})
        return
    answer({"ready": True})
    while True:
        waiting.get()
        try:
            answer(handle(json.loads(Path("request.json").read_text(encoding="utf-8"))))
        except Exception as error:
            answer({"status": "failed", "detail": _described(error)})


class _InOurGroup(subprocess.Popen[Any]):
    """A Popen without sessions: unified-planning gives each engine one of its own, which the parent could not end with
    us."""

    def __init__(self, *arguments: Any, start_new_session: bool = False, **others: Any) -> None:
        super().__init__(*arguments, **others)


def _limit_resources() -> None:
    import resource

    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, DISK), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        with contextlib.suppress(ValueError, OSError):  # macOS has no limit on address space
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _described(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "out of memory"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500].rstrip(": ")


# Planning -----------------------------------------------------------------------------------------------------------


def prepare() -> Handler:
    """Load unified-planning. Returns the handler of requests: `what` is validate to check a plan, anything else to
    plan."""
    import warnings

    from unified_planning.environment import get_environment

    warnings.simplefilter("ignore")
    get_environment().credits_stream = None
    get_environment().error_used_name = False  # an action may be called what a predicate is called

    def handle(request: dict[str, Any]) -> dict[str, Any]:
        return _validate(request) if request["what"] == "validate" else _solve(request)

    return handle


def _solve(request: dict[str, Any]) -> dict[str, Any]:
    """`domain`, `problem`, `family` (fast-downward, pyperplan), `optimal` -> status, plan, optimal, engine, detail."""
    from unified_planning.io import PDDLReader
    from unified_planning.shortcuts import MinimizeSequentialPlanLength

    family, optimal = request["family"], request["optimal"]
    problem = PDDLReader().parse_problem_string(request["domain"], request["problem"])
    costs = bool(problem.quality_metrics)
    if not costs:
        # Without a metric unified-planning would call the plan of an optimal engine merely satisficing.
        problem.add_quality_metric(MinimizeSequentialPlanLength())
    if family == "pyperplan" and costs and optimal:
        return {"status": "failed", "engine": family, "detail": "pyperplan ignores action costs"}
    engine = f"{family}-opt" if optimal else family
    reply = _ask(engine, {}, problem)
    if reply["status"] == "unsupported" and engine == "fast-downward-opt":
        # Its heuristic knows no conditional effects; blind search knows everything, and is slow.
        reply = _ask("fast-downward", {"fast_downward_search_config": "astar(blind())"}, problem)
        return reply | {"engine": "fast-downward-blind", "optimal": reply["status"] == "solved"}
    if family == "pyperplan" and reply["status"] == "incomplete":
        # Its searches here, A* and weighted A*, end without a plan only when every reachable state was seen.
        # unified-planning reports otherwise by mistake (it looks for the search's name among functions).
        reply["status"] = "unsolvable"
    return reply


def _ask(engine: str, options: dict[str, str], problem: Any) -> dict[str, Any]:
    from unified_planning.shortcuts import OneshotPlanner

    with OneshotPlanner(name=engine, params=options) as planner:
        result = planner.solve(problem)
    name = result.status.name
    if result.plan is not None and name.startswith("SOLVED"):
        plan = [[a.action.name, *map(str, a.actual_parameters)] for a in result.plan.actions]
        return {"status": "solved", "engine": engine, "plan": plan, "optimal": name == "SOLVED_OPTIMALLY"}
    kinds = {"UNSOLVABLE_PROVEN": "unsolvable", "UNSOLVABLE_INCOMPLETELY": "incomplete", "TIMEOUT": "timeout"}
    status = {**kinds, "UNSUPPORTED_PROBLEM": "unsupported"}.get(name, "failed")
    words = {"incomplete": "the search ended without a plan and without a proof that there is none"}
    return {"status": status, "engine": engine, "detail": words.get(status, f"{name.lower()}{_last_words(result)}")}


def _last_words(result: Any) -> str:
    """The end of what the engine printed as errors, else of all that it printed."""
    texts = [m.message.strip() for m in result.log_messages or () if m.message.strip()]
    return f": {' '.join(texts[-1][-300:].split())}" if texts else ""


def _validate(request: dict[str, Any]) -> dict[str, Any]:
    """`domain`, `problem`, `plan` -> status valid, invalid or unreadable, and detail."""
    from unified_planning.engines import SequentialPlanValidator, ValidationResultStatus
    from unified_planning.io import PDDLReader

    try:
        what = "problem"
        problem = _problem(request["domain"], request["problem"])
        what = "plan"
        plan = PDDLReader().parse_plan_string(problem, request["plan"])
    except Exception as error:
        return {"status": "unreadable", "detail": f"the {what} can't be read: {_described(error)}"}
    result = SequentialPlanValidator().validate(problem, plan)
    if result.status == ValidationResultStatus.VALID:
        return {"status": "valid", "detail": ""}
    if result.status == ValidationResultStatus.INVALID:
        return {"status": "invalid", "detail": result.reason.name.lower() if result.reason else ""}
    return {"status": "unreadable", "detail": "no verdict"}


@functools.lru_cache(maxsize=8)  # many plans for one problem are common
def _problem(domain: str, problem: str) -> Any:
    from unified_planning.io import PDDLReader

    return PDDLReader().parse_problem_string(domain, problem)


if __name__ == "__main__":
    serve(prepare)
