"""What `harness validate` does: one plan from files, or many from JSON lines."""

from __future__ import annotations

import contextlib
import functools
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import DataError, UsageError, cause
from harness.files import json_line, read_jsonl, writing
from harness.pddl import cross_check
from harness.pddl.compile import CompiledDomain, compile_domain
from harness.pddl.execute import Validator, Verdict, validate_text
from harness.pddl.parse import PDDLError, parse_domain, parse_problem
from harness.pddl.state import TooMuchWork


@functools.lru_cache(maxsize=64)
def _domain(text: str) -> CompiledDomain:
    return compile_domain(parse_domain(text))


@functools.lru_cache(maxsize=256)
def validator(domain: str, problem: str) -> Validator:
    """A validator for PDDL texts; the last few are kept. Raises PDDLError if one of the texts can't be read."""
    compiled = _domain(domain)
    return Validator.of(compiled, parse_problem(problem, compiled.domain))


def read_files(*paths: Path) -> list[str]:
    """The texts of these files. Raises UsageError for a file that can't be opened."""
    texts = []
    for path in paths:
        try:
            texts.append(path.read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            raise UsageError(f"{path}: can't be read: {cause(error)}") from None
    return texts


def validate_one(domain: str, problem: str, plan: str) -> Verdict:
    """The verdict on one plan. Raises PDDLError if domain or problem is not PDDL, TooMuchWork if the plan takes too
    long."""
    return validate_text(validator(domain, problem), plan)


def notes(domain: str) -> list[str]:
    """Remarks on a domain for a person: which requirements were ignored, because no plan's validity depends on them."""
    unknown = _domain(domain).domain.unknown
    return [f"the domain lists {', '.join(unknown)}, which is not supported and not used"] if unknown else []


def second_opinion(tool: cross_check.Tool, domain: str, problem: str, plan: str) -> cross_check.Opinion:
    """Another tool's opinion on one plan. Raises UsageError if the tool is not installed."""
    with cross_check.opened(tool) as check:
        return check(domain, problem, plan)


@dataclass
class Tally:
    """The counts of a batch. `reasons`: how often each reason was given, with `valid` and `no verdict` among them.
    `differ`: how often the other tool disagreed; `silent`: how often it gave no verdict."""

    reasons: Counter[str] = field(default_factory=Counter)
    differ: int = 0
    silent: int = 0


def validate_batch(source: Path, target: Path | None, tool: cross_check.Tool | None = None) -> Tally:
    """Read lines `{"domain", "problem", "plan"}` (PDDL texts), add `valid, reason, step, cost, detail` to each, and
    write them to `target` (standard output for None); other keys are kept. Raises DataError for a line of another form.

    A domain or problem that can't be read makes the plan invalid for `syntax`, with no step. `valid` is null for a plan
    whose conditions take too long to check. With a tool, lines also get `cross_check` (its verdict: true, false, or
    null if it gave none) and `cross_check_detail`.
    """
    tally = Tally()
    with contextlib.ExitStack() as stack:
        check = stack.enter_context(cross_check.opened(tool)) if tool else None
        out = stack.enter_context(writing(target))
        for where, line in read_jsonl(source):
            row = _row(line, where)
            texts = (row["domain"], row["problem"], row["plan"])
            valid: bool | None
            word: str
            try:
                verdict = validate_one(*texts)
                valid, word = verdict.valid, verdict.reason or "valid"
            except TooMuchWork as error:
                verdict, valid, word = Verdict(False, detail=error.message), None, "no verdict"
            except PDDLError as error:
                verdict, valid, word = Verdict(False, "syntax", detail=error.message), False, "syntax"
            tally.reasons[word] += 1
            row |= {"valid": valid, "reason": verdict.reason, "step": verdict.step, "cost": verdict.cost}
            row["detail"] = verdict.detail or "; ".join(verdict.missing)
            if check is not None:
                opinion = check(*texts)
                tally.silent += opinion.valid is None
                tally.differ += None not in (opinion.valid, valid) and opinion.valid != valid
                row |= {"cross_check": opinion.valid, "cross_check_detail": opinion.detail}
            out.write(json_line(row))
        if not tally.reasons:
            raise DataError(f"{source} has no lines", 'one line a plan: {"domain": ..., "problem": ..., "plan": ...}')
    return tally


def _row(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not valid JSON: {error}") from None
    if not isinstance(row, dict) or not all(isinstance(row.get(k), str) for k in ("domain", "problem", "plan")):
        raise DataError(f'{where}: needs an object with the texts "domain", "problem" and "plan"')
    return row


def explain(verdict: Verdict) -> str:
    """The verdict for a person: what is wrong, where, and what was true there."""
    if verdict.valid:
        return f"valid, cost {verdict.cost:g}" if verdict.cost is not None else "valid"
    where = f"step {verdict.step} {verdict.action}".rstrip() if verdict.step is not None else "at the end"
    lines = [f"invalid: {verdict.reason}, {where}"]
    if verdict.detail:
        lines.append(f"  {verdict.detail}")
    if verdict.missing:
        lines.append("  does not hold: " + " ".join(verdict.missing))
        lines.append("  true there: " + " ".join(sorted(f"({' '.join(f)})" for f in verdict.state)))
    return "\n".join(lines)


def explain_opinion(tool: cross_check.Tool, opinion: cross_check.Opinion, verdict: Verdict) -> str:
    """The other tool's verdict for a person, and whether it differs from ours."""
    word = {True: "valid", False: "invalid", None: "no verdict"}[opinion.valid]
    text = f"{tool}: {word}" + (f": {opinion.detail}" if opinion.detail else "")
    return text if opinion.valid in (None, verdict.valid) else f"{text}\nthe verdicts differ"
