"""The verdict on a response, from the params of its sample. The verifiers read; here values are compared."""

from __future__ import annotations

import re
from typing import Any

from harness.errors import DataError
from harness.pddl_domains import SHIPPED, World, mystery, own, plain, randomised
from harness.reading.envelope import without_thinking
from harness.tasks.planning.instances import compiled
from harness.tasks.planning.rendering import NO_PLAN
from harness.types import Outcome, Params, Score, StopReason
from harness.verifiers import fact_text, plan_text
from harness.verifiers.pddl import PDDLError
from harness.verifiers.plans import PlanSyntax, Validator, read_plan

LEVELS = ("explanation", "type", "binary")
"""How much of a verdict on a plan must be right: PlanBench's three levels (its headline number is the first)."""


def world_of(params: Params) -> World:
    """The names a sample is about, from its params: `domain` is `blocksworld`, `mystery_blocksworld` or
    `random_blocksworld` (then `names_seed` says which), likewise for the other domains, or `own` with the PDDL in
    `domain_pddl`. DataError for anything else."""
    name = str(params.get("domain"))
    world, _, rest = name.partition("_")
    if rest and world in ("mystery", "random"):
        name = rest
    else:
        world = "plain"
    if name == "own" and isinstance(params.get("domain_pddl"), str):
        base = own(str(params["domain_pddl"]), str(params.get("wording") or ""))
    elif name in SHIPPED:
        base = plain(name)
    else:
        known = ", ".join(SHIPPED)
        raise DataError(f"params.domain: there is no domain {name!r}", f"domains: {known}, each also mystery_, random_")
    if world == "random":
        if not isinstance(params.get("names_seed"), int):
            raise DataError("params.names_seed is missing: it says which random names were used")
        return randomised(base, int(str(params["names_seed"])))
    return mystery(base) if world == "mystery" else base


def score(params: Params, response: str, stop_reason: StopReason, level: str) -> Score:
    world = world_of(params)
    if not isinstance(params.get("problem"), str):
        raise DataError("a planning sample needs params.problem, in PDDL")
    try:
        validator = compiled(world, str(params["problem"]))
    except PDDLError as error:
        raise DataError(f"params.problem: {error.message}") from None
    ability = params.get("ability")
    if ability == "plan_verification":
        found = _verification(params, response, world, validator, level)
    elif ability == "plan_execution":
        found = _execution(params, response, world, validator)
    else:
        found = _plan(params, response, world, validator)
    if found.outcome is Outcome.UNPARSED and stop_reason == "length":
        return Score.without_answer(Outcome.TRUNCATED, **found.detail)
    return found


# Plans ------------------------------------------------------------------------------------------------------------


def _plan(params: Params, response: str, world: World, validator: Validator) -> Score:
    """detail: `steps` of the plan; `executable`, how many of them can be taken; `goal`, whether they lead there; `gap`,
    how many more than necessary; `optimal`; `copied`, whether it is the plan that the prompt shows."""
    found = plan_text.read(response, world.lexicon(frozenset(validator.problem.objects)), validator.fits)
    gives_up = _says_no_plan(response)
    if params.get("solvable") == "no" or (gives_up and not found.steps):
        if not gives_up and not found.steps:
            return Score.without_answer(Outcome.UNPARSED, reason=found.reason)
        right = params.get("solvable") == "no" and gives_up and not found.steps
        return Score.of(right, NO_PLAN if gives_up and not found.steps else _text(found.steps), reason="" if right else
                        "claimed_unsolvable" if gives_up else "unsolvable")  # fmt: skip
    if not found.steps:
        return Score.without_answer(Outcome.UNPARSED, reason=found.reason)
    verdict = validator.validate(found.steps)
    best = params.get("optimal_cost")
    gap = len(found.steps) - int(str(best)) if verdict.valid and best is not None else None
    detail: dict[str, Any] = {
        "steps": len(found.steps),
        "executable": len(found.steps) if verdict.step is None else verdict.step - 1,
        "goal": verdict.valid,
        "gap": gap,
        "optimal": None if gap is None else gap == 0,
        "reason": verdict.reason,
        "step": verdict.step,
        "missing": list(verdict.missing),
    }
    if params.get("plan"):
        detail["copied"] = list(found.steps) == given_plan(params)
    right = verdict.valid
    if params.get("ability") == "plan_optimality":
        if best is None:
            raise DataError("a sample of plan_optimality needs params.optimal_cost")
        right = gap == 0
    return Score.of(right, _text(found.steps), **detail)


_GIVES_UP = re.compile(
    r"\bno (?:such |valid |possible )?(?:plan|sequence(?: of (?:available )?actions)?)(?: that [^.\n]{0,60}?)? "
    r"(?:exists|is possible|(?:available )?can (?:achieve|reach))"
    r"|\b(?:there is|there's) no (?:such |valid |possible )?(?:plan|sequence of)\b"
    r"|\b(?:the )?(?:goal|problem|it) (?:(?:cannot|can't) be (?:reached|solved|achieved)"
    r"|is (?:unsolvable|impossible|unreachable|not (?:solvable|reachable|possible to)))"
)


def _says_no_plan(response: str) -> bool:
    """Whether the end of the response says that nothing can be done."""
    return bool(_GIVES_UP.search(without_thinking(response)[-2_000:].lower()))


def _text(steps: tuple[plan_text.Step, ...]) -> str:
    return "\n".join(f"({' '.join(step)})" for step in steps)


def given_plan(params: Params) -> list[plan_text.Step]:
    """The plan that the prompt shows."""
    steps = read_plan(str(params.get("plan") or ""))
    if isinstance(steps, PlanSyntax):
        raise DataError(f"params.plan: {steps.detail}")
    return steps


# Verification and execution ---------------------------------------------------------------------------------------

_STEP = re.compile(r"\b(?:step|action)\s*(?:number\s*)?#?(\d{1,4})\b|\b(\d{1,4})(?:st|nd|rd|th) (?:step|action)\b")
_INVALID = re.compile(r"\b(?:invalid|not valid|isn't valid|incorrect|not possible|impossible|not executable|fails?)\b")
_NO_GOAL = re.compile(
    r"\bgoal\b[^.\n]{0,80}?\b(?:not|isn't|never|unmet|fails?)\b|\bunmet goal\b|\bnot (?:reach|achieve)"
)


def _verification(params: Params, response: str, world: World, validator: Validator, level: str) -> Score:
    """Three levels: valid or not; the kind of flaw; the step, and facts that are missing there.

    The facts named must be missing, all of them; not all that are missing must be named. detail: the levels reached,
    and `kind`, the truth, over which balanced accuracy is taken.
    """
    truth = validator.validate(given_plan(params))
    lexicon = world.facts(frozenset(validator.problem.objects))
    text = fact_text.without_emphasis(without_thinking(response)).lower()
    line = _verdict_in(text)
    step = _STEP.search(line)
    if _NO_GOAL.search(line):
        said = "goal"
    elif step or _INVALID.search(line):
        said = "precondition" if step else "invalid"
    elif re.search(r"\bvalid\b", line):
        said = "valid"
    else:
        return Score.without_answer(Outcome.UNPARSED, reason="no verdict was found")
    facts = {f"({' '.join(fact)})" for fact in fact_text.read_line(line, lexicon)}
    kind = "valid" if truth.valid else "goal" if truth.reason == "goal" else "precondition"
    number = int(step.group(1) or step.group(2)) if step else None
    binary = (said == "valid") == truth.valid
    of_kind = said == kind
    explained = of_kind and (
        truth.valid or ((kind == "goal" or number == truth.step) and bool(facts) and facts <= set(truth.missing))
    )
    levels = {"binary": binary, "type": of_kind, "explanation": explained}
    answer = said if said != "precondition" else f"step {number}"
    detail = {"kind": kind, "said": said, "step": truth.step, "missing": list(truth.missing), "named": sorted(facts)}
    return Score.of(levels[level], f"{answer} {' '.join(sorted(facts))}".strip(), **detail, **levels)


def _verdict_in(text: str) -> str:
    """The last line that is marked as the answer; else the text from the last "plan is (in)valid" on; else the last
    line. As one line."""
    marked = list(re.finditer(r"^\W{0,6}(?:final )?answer\b[^\n]*", text, re.M))
    if marked:
        line = marked[-1].group()
        return line if not re.search(r"answer\W*$", line) else text[marked[-1].start() :][:5_000].replace("\n", " ")
    said = list(re.finditer(r"\bplan is (?:not )?(?:in)?valid\b", text))
    if said:
        return text[said[-1].start() :][:5_000].replace("\n", " ; ")
    lines = [line for line in text.split("\n") if line.strip()]
    return lines[-1][:5_000] if lines else ""


def _execution(params: Params, response: str, world: World, validator: Validator) -> Score:
    """The facts after the steps, as a set; those that no action changes need not be repeated, but must not be wrong."""
    found = fact_text.read_facts(response, world.facts(frozenset(validator.problem.objects)))
    if found.facts is None:
        return Score.without_answer(Outcome.UNPARSED, reason=found.reason)
    state = validator.validate(given_plan(params)).state
    static = {fact for fact in validator.problem.init if fact[0] not in validator.changing}
    missing, extra = state - found.facts - static, found.facts - state
    shared = len(found.facts & state)
    detail = {
        "missing": sorted(f"({' '.join(f)})" for f in missing),
        "extra": sorted(f"({' '.join(f)})" for f in extra),
        "precision": shared / len(found.facts) if found.facts else 0.0,
        "recall": 1 - len(missing) / max(1, len(state - static)),
    }
    answer = " ".join(sorted(f"({' '.join(fact)})" for fact in found.facts))
    return Score.of(not missing and not extra, answer, **detail)
