"""The verdict on a response, from the params of its sample. Readers make values of the text; this compares values."""

from __future__ import annotations

import re
from typing import Any

from harness.errors import DataError
from harness.pddl import fact_text, plan_text
from harness.pddl.execute import PlanSyntax, Validator, read_plan
from harness.pddl.parse import PDDLError
from harness.pddl.plan_words import PROMPT
from harness.pddl_domains import SHIPPED, World, mystery, own, plain, randomised
from harness.reading import commitment, echoes
from harness.reading.envelope import clean
from harness.reading.outcome import Reading, judge
from harness.reading.values import Reader, Value
from harness.tasks.planning.instances import compiled
from harness.tasks.planning.rendering import NO_PLAN
from harness.tasks.planning.verdicts import read_verdict
from harness.types import Params, Score, StopReason

LEVELS = ("explanation", "type", "binary")
"""How much of a verdict on a plan must be right: PlanBench's three levels (its headline number is at the first)."""


def world_of(params: Params) -> World:
    """The world of a sample, from its params. `domain` is `blocksworld`, `mystery_blocksworld` or `random_blocksworld`
    (with the seed of its names in `names_seed`), likewise for the other domains, or `own` with the PDDL in
    `domain_pddl`. Raises DataError for anything else."""
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
    """The verdict on a response to any ability; `level` (one of LEVELS) is for plan_verification.

    Raises DataError if params do not name a world and have a problem in PDDL that fits it.
    """
    world = world_of(params)
    if not isinstance(params.get("problem"), str):
        raise DataError("a planning sample needs params.problem, in PDDL")
    try:
        validator = compiled(world, str(params["problem"]))
    except PDDLError as error:
        raise DataError(f"params.problem: {error.message}") from None
    ability, response = params.get("ability"), echoes.own_words(response, PROMPT)
    if ability == "plan_verification":
        return _verification(params, response, stop_reason, world, validator, level)
    if ability == "plan_execution":
        return _execution(params, response, stop_reason, world, validator)
    return _plan(params, response, stop_reason, world, validator)


# Plans ------------------------------------------------------------------------------------------------------------


def _plan(params: Params, response: str, stop_reason: StopReason, world: World, validator: Validator) -> Score:
    """`detail` has the number of `steps`; `executable`, how many of them can be taken; `goal`, whether the plan is
    valid; `gap`, how many steps more than necessary; `optimal`, whether `gap` is 0; the `reason`, the failing `step`
    and its `missing` facts; and `copied`, whether it is the plan that the prompt shows."""
    found = plan_text.read(
        response, world.lexicon(frozenset(validator.problem.objects)), validator.of_kinds, _says_no_plan
    )
    steps, reason = found.steps, found.reason
    if any("" in step for step in steps):
        filled = validator.filled(steps)
        steps = () if isinstance(filled, int) else tuple(filled)
        reason = f"step {filled} leaves out an object that is not implied" if isinstance(filled, int) else ""
    if not steps:
        # Reading again takes as long as reading the plan did: a long response is read again only if its end gives up.
        claims = len(response) < 20_000 or _GIVES_UP.search(response[-4_000:].lower())
        said = commitment.read(response, _NO_PLAN_READER)[0] if claims else Reading(None, reason)
        if said.value is None:
            return judge(Reading(None, reason, declined=said.declined), False, stop_reason, response)
        right = params.get("solvable") == "no"
        return judge(said, right, stop_reason, response, reason="" if right else "claimed_unsolvable")
    reading = Reading(_text(steps), final=found.final)
    if params.get("solvable") == "no":
        reason = "claimed_unsolvable" if _says_no_plan(response) else "unsolvable"
        return judge(reading, False, stop_reason, response, reason=reason)
    verdict = validator.validate(steps)
    best = params.get("optimal_cost")
    gap = len(steps) - int(str(best)) if verdict.valid and best is not None else None
    detail: dict[str, Any] = {
        "steps": len(steps),
        "executable": len(steps) if verdict.step is None else verdict.step - 1,
        "goal": verdict.valid,
        "gap": gap,
        "optimal": None if gap is None else gap == 0,
        "reason": verdict.reason,
        "step": verdict.step,
        "missing": list(verdict.missing),
    }
    if params.get("plan"):
        detail["copied"] = list(steps) == given_plan(params)
    right = verdict.valid
    if params.get("ability") == "plan_optimality":
        if best is None:
            raise DataError("a sample of plan_optimality needs params.optimal_cost")
        right = gap == 0
    return judge(reading, right, stop_reason, response, **detail)


_GIVES_UP = re.compile(
    r"\bno (?:such |valid |possible )?(?:plan|sequence(?: of (?:available )?actions)?)(?: that [^.\n]{0,60}?)? "
    r"(?:exists|is possible|(?:available )?can (?:achieve|reach))"
    r"|\b(?:there is|there's) no (?:such |valid |possible )?(?:plan|sequence of)\b"
    r"|\b(?:the )?(?:goal|problem|it) (?:(?:cannot|can't) be (?:reached|solved|achieved)"
    r"|is (?:unsolvable|impossible|unreachable|not (?:solvable|reachable|possible to)))"
)


def _claim(text: str) -> Value | None:
    return Value(NO_PLAN) if _GIVES_UP.search(text[:2_000].lower()) else None


_NO_PLAN_READER = Reader(
    marked=lambda m: _claim(m.text), stated=lambda sentence, _: _claim(sentence), alone=lambda line: _claim(line)
)


def _says_no_plan(response: str) -> bool:
    """Whether the end of the response says that no plan exists."""
    return bool(_GIVES_UP.search(clean(response)[-2_000:].lower()))


def _text(steps: tuple[plan_text.Step, ...]) -> str:
    return "\n".join(f"({' '.join(step)})" for step in steps)


def given_plan(params: Params) -> list[plan_text.Step]:
    """The plan that the prompt shows. Raises DataError if `params.plan` can't be read."""
    steps = read_plan(str(params.get("plan") or ""))
    if isinstance(steps, PlanSyntax):
        raise DataError(f"params.plan: {steps.detail}")
    return steps


# Verification and execution ---------------------------------------------------------------------------------------


def _verification(
    params: Params, response: str, stop_reason: StopReason, world: World, validator: Validator, level: str
) -> Score:
    """Three levels: valid or not; the kind of flaw; the step and facts that are missing there.

    All facts that the response names must be missing, but it need not name all that are missing. `detail` has the
    levels reached, and in `kind` the true kind of the plan, over which balanced accuracy is taken.
    """
    truth = validator.validate(given_plan(params))
    found = read_verdict(response)
    if not found.said:
        return judge(Reading(None, found.reason), False, stop_reason, response)
    lexicon = world.facts(frozenset(validator.problem.objects))
    facts = {f"({' '.join(fact)})" for fact in fact_text.read_line(found.line, lexicon)}
    kind = "valid" if truth.valid else "goal" if truth.reason == "goal" else "precondition"
    of_kind = found.said == kind
    named = bool(facts) and facts <= set(truth.missing)
    explained = of_kind and (truth.valid or ((kind == "goal" or found.step == truth.step) and named))
    levels = {"binary": (found.said == "valid") == truth.valid, "type": of_kind, "explanation": explained}
    answer = found.said if found.said != "precondition" else f"step {found.step}"
    detail: dict[str, Any] = {"kind": kind, "said": found.said, "step": truth.step, "missing": list(truth.missing)}
    detail |= {"named": sorted(facts), **levels}
    reading = Reading(f"{answer} {' '.join(sorted(facts))}".strip(), final=found.final)
    return judge(reading, levels[level], stop_reason, response, **detail)


def _execution(params: Params, response: str, stop_reason: StopReason, world: World, validator: Validator) -> Score:
    """Right if the response lists the facts after the steps, in any order. Facts that no action changes may be left
    out, but no fact may be wrong."""
    state = validator.validate(given_plan(params)).state
    found = fact_text.read_facts(response, world.facts(frozenset(validator.problem.objects)))
    if found.facts is None:
        return judge(Reading(None, found.reason), False, stop_reason, response)
    static = {fact for fact in validator.problem.init if fact[0] not in validator.changing}
    missing, extra = state - found.facts - static, found.facts - state
    shared = len(found.facts & state)
    detail: dict[str, Any] = {
        "missing": sorted(f"({' '.join(f)})" for f in missing),
        "extra": sorted(f"({' '.join(f)})" for f in extra),
        "precision": shared / len(found.facts) if found.facts else 0.0,
        "recall": 1 - len(missing) / max(1, len(state - static)),
    }
    answer = " ".join(sorted(f"({' '.join(fact)})" for fact in found.facts))
    return judge(Reading(answer, final=found.final), not missing and not extra, stop_reason, response, **detail)


def changeable(params: Params, facts: str) -> str:
    """Those of the facts `(name object ...) ...` that actions can change."""
    changing = compiled(world_of(params), str(params["problem"])).changing
    return " ".join(fact for fact in re.findall(r"\([^()]*\)", facts) if fact[1:-1].partition(" ")[0] in changing)
