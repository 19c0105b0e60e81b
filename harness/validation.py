"""What `harness validate` does: one plan from files, or many from JSON lines."""

from __future__ import annotations

import functools
import json
from collections import Counter
from pathlib import Path
from typing import Any

from harness import store
from harness.errors import DataError, UsageError
from harness.scoring import read_jsonl, writing
from harness.verifiers.pddl import PDDLError, parse_domain, parse_problem
from harness.verifiers.pddl_compile import CompiledDomain, compile_domain
from harness.verifiers.plans import Validator, Verdict, validate_text


@functools.lru_cache(maxsize=64)
def _domain(text: str) -> CompiledDomain:
    return compile_domain(parse_domain(text))


@functools.lru_cache(maxsize=256)
def validator(domain: str, problem: str) -> Validator:
    """A validator for PDDL texts; the last few are kept. PDDLError where one of them can't be read."""
    compiled = _domain(domain)
    return Validator.of(compiled, parse_problem(problem, compiled.domain))


def validate_files(domain: Path, problem: Path, plan: Path) -> Verdict:
    """The verdict on one plan. UsageError for files that can't be opened, PDDLError for what is not PDDL."""
    texts = []
    for path in (domain, problem, plan):
        try:
            texts.append(path.read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            raise UsageError(f"{path}: can't be read: {error.strerror}") from None
    return validate_text(validator(texts[0], texts[1]), texts[2])


def validate_batch(source: Path, target: Path | None) -> Counter[str]:
    """Lines `{"domain", "problem", "plan"}` (PDDL texts) get `valid, reason, step, cost, detail`; other keys are kept.

    A domain or problem that can't be read makes the plan invalid for `syntax`, with no step. Returns the counts of
    reasons, `valid` among them.
    """
    reasons: Counter[str] = Counter()
    with writing(target) as out:
        for where, line in read_jsonl(source):
            row = _row(line, where)
            try:
                verdict = validate_text(validator(row["domain"], row["problem"]), row["plan"])
            except PDDLError as error:
                verdict = Verdict(False, "syntax", detail=error.message)
            reasons[verdict.reason or "valid"] += 1
            detail = verdict.detail or "; ".join(verdict.missing)
            row |= {"valid": verdict.valid, "reason": verdict.reason, "step": verdict.step, "cost": verdict.cost}
            out.write(store.dumps(row | {"detail": detail}))
    return reasons


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
