"""What works on this machine, and what to do about the rest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from harness import hub, plugins
from harness.errors import HarnessError


@dataclass(frozen=True)
class Finding:
    """One thing that was examined. `works` is None if the thing is optional and absent; `detail` is its version or
    place, or what to do."""

    what: str
    works: bool | None
    detail: str


def examine() -> list[Finding]:
    """All findings, core packages first: a missing one is a fault. An absent optional part says what it would add."""
    findings = [
        _package(name, core=True) for name in ("click", "aiohttp", "ctranslate2", "tokenizers", "pyarrow", "pandas")
    ]
    findings.append(_try("tasks", lambda: ", ".join(plugins.installed("tasks"))))
    findings.append(_try("model `tiny`", _ask_tiny))
    findings.append(_package("openai", core=False, adds="hosted models"))
    findings.append(_package("datasets", core=False, adds="published question sets from the hub"))
    findings.append(_package("torch", core=False, adds="models of hf/, and the lab (the extras hf, lab)"))
    findings.append(_vllm())
    findings += _planners()
    findings.append(_val())
    gpu = shutil.which("nvidia-smi")
    findings.append(
        Finding(
            "GPU",
            True if gpu else None,
            gpu or "no nvidia-smi: large local models will be slow",
        )
    )
    keys = [name for name in ("OPENAI_API_KEY", "DEEPSEEK_API_KEY", "HF_TOKEN") if os.environ.get(name)]
    findings.append(
        Finding("keys", True if keys else None, f"set: {', '.join(keys)}" if keys else "none set (OPENAI_API_KEY ...)")
    )
    return findings


def hub_sets() -> Iterator[Finding]:
    """For each published set that an installed task can load, whether the hub has it where it is pinned. A set that is
    not pinned works if the hub has it at all; its finding names the newest commit."""
    pins: dict[tuple[str, str], hub.Pin] = {}
    for name in plugins.installed("tasks"):
        for pin in plugins.load("tasks", name).pins():
            pins.setdefault((name, pin.name), pin)
    for (pin, works, said), (task, _) in zip(hub.probe(pins.values()), pins, strict=True):
        yield Finding(f"{task}/{pin.name}", works, f"{pin.at}: {said}")


def _package(name: str, core: bool, adds: str = "") -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False if core else None, f"pip install {name}" + (f", for {adds}" if adds else ""))


def _try(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, check())
    except HarnessError as error:
        return Finding(what, False, f"{error.message}. {error.hint}")
    except Exception as error:
        return Finding(what, False, f"{type(error).__name__}: {error}")


def _ask_tiny() -> str:
    import asyncio

    from harness.models.registry import open_model
    from harness.types import Message, ModelOptions, Request, Sampling

    async def ask() -> str:
        model = open_model("tiny", ModelOptions())
        await model.start()
        try:
            question = Message("user", 'How many sisters does Alice\'s brother have? Answer: "### Answer: ".')
            answer = await model.complete(Request((question,), Sampling(temperature=0, max_tokens=8)))
            return f"answers ({answer.latency_s * 1000:.0f} ms)"
        finally:
            await model.close()

    return asyncio.run(ask())


def _vllm() -> Finding:
    python, script = os.environ.get("HARNESS_VLLM_PYTHON"), shutil.which("vllm")
    found = python or os.environ.get("HARNESS_VLLM_COMMAND") or script
    advice = "not found: install it in an environment of its own, set HARNESS_VLLM_PYTHON to its python; or --base-url"
    return Finding("vLLM", True if found else None, found or advice)


_DOMAIN = (
    "(define (domain d) (:requirements :strips) (:predicates (p) (q))"
    " (:action go :parameters () :precondition (p) :effect (q)))"
)
_PROBLEM = "(define (problem x) (:domain d) (:init (p)) (:goal (q)))"


def _planners() -> list[Finding]:
    import time

    from harness.pddl import planner

    findings = []
    for family in planner.FAMILIES:
        if family not in planner.installed():
            findings.append(Finding(family, None, f"{planner.INSTALL}, for plans"))
            continue
        start = time.perf_counter()
        solution = planner.ask(family, _DOMAIN, _PROBLEM, time_limit=30)
        works = solution.status == "solved"
        took = f"plans ({time.perf_counter() - start:.1f} s with its start)"
        findings.append(Finding(family, works, took if works else f"{solution.status}: {solution.detail}"))
    planner.close()
    return findings


def _val() -> Finding:
    from harness.pddl import cross_check

    # A VAL that HARNESS_VAL names has to work. No VAL at all, or another program called `validate`, is not a fault.
    failing = False if os.environ.get("HARNESS_VAL") else None
    try:
        with cross_check.opened("val") as check:
            opinion = check(_DOMAIN, _PROBLEM, "(go)")
            program = cross_check.find_val()
    except HarnessError as error:
        return Finding("VAL", failing, f"{error.message}. {error.hint}")
    return Finding("VAL", opinion.valid or failing, f"{program} {opinion.detail}".rstrip())
