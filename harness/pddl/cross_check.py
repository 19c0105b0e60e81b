"""A second opinion on a plan from other programs; the verdict stays ours. VAL and unified-planning execute the plan,
the package pddl only reads the domain and the problem.

VAL and unified-planning have a time limit for each plan, and a crash is reported as one. Known differences from us: VAL
accepts an extra argument if parameters have no types, crashes if an argument is missing, may not notice an unknown
object, and takes a plan that starts with prose for an empty one. unified-planning gives no verdict on a plan with such
faults, on a plan with a comment behind an action, or if a type is `(either ...)`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from harness.errors import UsageError, cause
from harness.pddl.interchange import to_objects
from harness.pddl.parse import PDDLError, parse_domain, parse_problem
from harness.pddl.planner import normal_form, show
from harness.pddl.planner_pool import Fault, Pool
from harness.trust import child_environment

Tool = Literal["val", "unified-planning", "pddl"]
TOOLS: tuple[Tool, ...] = get_args(Tool)

TIME_LIMIT = 60.0
"""Seconds for one plan."""

BUILD_VAL = (
    "build it from its sources, github.com/KCL-Planning/VAL (cmake, flex, bison); put Validate on the PATH, "
    "or its path in HARNESS_VAL"
)
INSTALL_UP = "pip install 'reasoning-harness[cross-check]'"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a tool says of a plan. `valid` is None if the tool gave no verdict; `detail` is its reason, or why there is
    no verdict."""

    valid: bool | None
    detail: str = ""


Check = Callable[[str, str, str], Opinion]
"""A function of the texts of a domain, a problem and a plan."""


@contextlib.contextmanager
def opened(tool: Tool) -> Iterator[Check]:
    """Gives a function that asks this tool, as often as you like. Raises UsageError if the tool is not installed."""
    if tool == "pddl":
        yield _reads
        return
    with _val(find_val()) if tool == "val" else _unified_planning() as check:
        yield check


def _reads(domain: str, problem: str, plan: str) -> Opinion:
    try:
        to_objects(domain, problem)
    except PDDLError as error:
        return Opinion(None, error.message)
    return Opinion(None, "it reads the domain and the problem; it executes no plans")


def find_val() -> str:
    """The path of VAL's program: the one that HARNESS_VAL names, else Validate or validate on the PATH. Raises
    UsageError if there is no such program."""
    named = os.environ.get("HARNESS_VAL")
    if named:
        found = shutil.which(named)
        if found is None:
            raise UsageError(f"HARNESS_VAL={named}: there is no such program", BUILD_VAL)
        return str(Path(found).absolute())
    found = shutil.which("Validate") or shutil.which("validate")
    if found is None:
        raise UsageError("VAL is not installed: there is no program Validate", BUILD_VAL)
    return str(Path(found).absolute())


@contextlib.contextmanager
def _val(program: str) -> Iterator[Check]:
    with tempfile.TemporaryDirectory(prefix="harness-val-", ignore_cleanup_errors=True) as directory:
        home = Path(directory)

        def check(domain: str, problem: str, plan: str) -> Opinion:
            names = ("domain.pddl", "problem.pddl", "plan")
            for name, text in zip(names, (domain, problem, plan), strict=True):
                (home / name).write_text(text, encoding="utf-8", errors="replace")
            return _ask_val([program, *names], home)

        yield check


def _ask_val(command: list[str], home: Path) -> Opinion:
    said = home / "said"
    with said.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                cwd=home,
                env=child_environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(f"{command[0]}: can't be started: {cause(error)}", BUILD_VAL) from None
        try:
            code = process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired:
            return Opinion(None, f"no answer within {TIME_LIMIT:g} s")
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # usually it has ended
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
    with said.open("rb") as file:
        text = file.read(1 << 20).decode("utf-8", "replace")
    return _reading(text, code)


_NOT_VALID = (
    "Plan failed to execute",
    "Goal not satisfied",
    "Plan invalid",
    "Bad operator in plan!",
    "Bad plan description!",
    "Type problem",
    "Failed plans:",
)


def _reading(said: str, code: int) -> Opinion:
    """The opinion in VAL's output. The exit code alone does not show it: it is 0 for a plan that VAL could not read."""
    if code < 0 or 128 < code < 160:  # VAL itself was killed, or VAL in a shell script
        number = -code if code < 0 else code - 128
        with contextlib.suppress(ValueError):
            return Opinion(None, f"VAL crashed ({signal.Signals(number).name})")
        return Opinion(None, f"VAL crashed (signal {number})")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for mark in _NOT_VALID:
        told = next((line for line in lines if line.startswith(mark)), None)
        if told is not None:
            return Opinion(False, told[:300].rstrip(":"))
    if "Plan valid" in lines:
        return Opinion(True)
    told = "; ".join(lines[-3:])[:300]
    return Opinion(None, f"VAL gave no verdict (exit code {code}): {told or 'it said nothing'}")


@contextlib.contextmanager
def _unified_planning() -> Iterator[Check]:
    if importlib.util.find_spec("unified_planning") is None:
        raise UsageError("unified-planning is not installed", INSTALL_UP)
    pool = Pool(1)

    def check(domain: str, problem: str, plan: str) -> Opinion:
        # The tool gets texts that we can't read as they are, and others in a form over which it does not stumble.
        with contextlib.suppress(PDDLError):
            parsed = parse_domain(domain)
            parse_problem(problem, parsed)
            if not parsed.axioms:  # the normal form leaves rules out: that would be another domain
                domain, problem = show(normal_form(domain, "domain")), show(normal_form(problem, "problem"))
        try:
            answer = pool.ask({"what": "validate", "domain": domain, "problem": problem, "plan": plan}, TIME_LIMIT)
        except Fault as fault:
            return Opinion(None, fault.detail)
        valid = {"valid": True, "invalid": False}.get(str(answer.get("status")))
        return Opinion(valid, str(answer.get("detail", "")))

    try:
        yield check
    finally:
        pool.close()
