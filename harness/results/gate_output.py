"""What the gate shows: a table for the terminal, JSON, JUnit XML and Markdown, of one comparison or of a policy.

Names in runs may hold anything: all of them pass `printable` here, and what a format gives a meaning to is escaped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from harness.results.gate import Change, Comparison, FailOn
from harness.results.policy import Gate, Judged
from harness.statistics import intervals
from harness.text import align, markdown, number, printable

SHOWN_FLIPS, SHOWN_FLIPS_OF_MANY = 10, 3


def _cells(change: Change) -> list[str]:
    verdict = change.verdict + (f" (about {change.needed} pairs would)" if change.needed else "")
    difference = [f"{change.difference:+.3f}", f"[{change.ci_low:+.3f}, {change.ci_high:+.3f}]", f"{change.p:.2g}"]
    shares = [number(change.base), number(change.new)]
    return [printable(change.condition), str(change.pairs), _holds_for(change), *shares, *difference, verdict]


def _holds_for(change: Change) -> str:
    if change.holds_for == "groups like these":
        return f"groups like these {change.groups}"
    return f"these {change.groups} groups" if change.groups > 1 else "this one group"


def _confidence(alpha: float) -> str:
    return f"{100 * (1 - alpha):g}% CI"


def _header(c: Comparison) -> list[str]:
    sides = ["base", "new", "difference", _confidence(c.alpha)]
    return ["condition", "pairs", "holds for", *sides, "p", "verdict"]


def _rows(c: Comparison) -> list[list[str]]:
    return [_cells(change) for change in c.changes]


FEW_GROUPS = (
    f"with fewer than {intervals.FEW} groups the numbers hold for these groups only: what varies is how the same "
    "samples are answered"
)


def _remarks(c: Comparison, flips: int = SHOWN_FLIPS) -> list[str]:
    found = []
    for what, names in (("right -> wrong", c.lost), ("wrong -> right", c.gained)):
        if names:
            more = f" and {len(names) - flips} more" if len(names) > flips else ""
            found.append(f"{len(names)} {what}: {', '.join(map(printable, names[:flips]))}{more}")
    if c.without_verdict:
        found.append(f"{c.without_verdict} samples have no verdict on one side and are not counted")
    if c.scored_by:
        found.append(f"verdicts {printable(c.scored_by)}")
    if c.other_prompts:
        found.append(f"{c.other_prompts} of {c.compared} questions stood in other prompts (templates of the models?)")
    if c.same_text:
        found.append(f"{c.same_text} of {c.compared} answers are the same text")
    return found + ([_why_undecided(c)] if c.undecided else [])


def _why_undecided(c: Comparison) -> str:
    """What can't be told, one margin that these answers could decide, and how many pairs would tell."""
    found = []
    if c.overall.verdict == "too few to tell":
        margin = c.overall.margin_that_tells
        could = "no margin up to 1 could be decided" if margin is None else f"a margin of {margin:g} would be no change"
        pairs = f"; about {c.overall.needed} pairs would tell {c.margin:g}" if c.overall.needed else ""
        found.append(f"with these answers {could}{pairs}")
    if c.infrastructure:
        found.append(f"{c.infrastructure} answers ended in an infrastructure error: finish the run with --resume")
    return "; ".join(found)


def _worse(c: Comparison) -> str:
    worse = [printable(change.condition) for change in c.conditions if change.verdict == "regression"]
    return f"; regression in {', '.join(worse)}" if worse else ""


def _few(comparisons: Iterable[Comparison]) -> list[str]:
    few = any(change.holds_for == "these groups" for c in comparisons for change in c.changes)
    return [FEW_GROUPS] if few else []


def render(c: Comparison) -> str:
    """The comparison as text for the terminal; its last line is the verdict."""
    lines = [f"{printable(f'{c.task}: {c.new} against {c.base}')}, margin {c.margin:g}, alpha {c.alpha:g}", ""]
    lines += [align(_header(c), _rows(c), left=1), "", *_few([c]), *_remarks(c)]
    return "\n".join([*lines, c.overall.verdict.upper() + _worse(c)])


def to_json(c: Comparison) -> str:
    """All fields of the comparison as a JSON object."""
    return json.dumps(asdict(c), ensure_ascii=False, indent=1) + "\n"


def to_markdown(c: Comparison) -> str:
    """For a job's summary."""
    title = f"### {markdown(c.task)}: {c.overall.verdict}{markdown(_worse(c))}\n"
    said = f"{markdown(c.new)} against {markdown(c.base)}, margin {c.margin:g}, alpha {c.alpha:g}\n"
    return "\n".join([title, said, *_markdown_table(_header(c), _rows(c)), "", *_points([*_few([c]), *_remarks(c)])])


def _markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(map(markdown, cells)) + " |" for cells in (header, *rows)]
    return [lines[0], "|" + "---|" * len(header), *lines[1:]]


def _points(remarks: Iterable[str]) -> list[str]:
    return [*(f"- {markdown(line)}" for line in remarks), ""]


# JUnit --------------------------------------------------------------------------------------------------------------


def to_junit(c: Comparison, fail_on: FailOn | None = None) -> str:
    """JUnit XML: a test case for each condition and one for all of them. A regression is a failure. If "all" is
    undecided it is an error, because a report that is green would be read as "no regression"; with fail_on "regression"
    it is skipped, with "inconclusive" a failure. A condition that is undecided by itself is skipped."""
    root = ElementTree.Element("testsuites")
    _suite(root, f"harness compare {c.task}", c, fail_on)
    return _xml(root)


def _suite(
    root: ElementTree.Element, name: str, c: Comparison | None, fail_on: FailOn | None, advisory: bool = False
) -> None:
    """A suite with a case for each change; what would fail is only skipped if it is advisory."""
    suite = ElementTree.SubElement(root, "testsuite", {"name": printable(name)})
    if c is None:
        case = ElementTree.SubElement(suite, "testcase", {"classname": "harness", "name": "all", "time": "0"})
        ElementTree.SubElement(case, "skipped", {"message": "advisory: there is no run"})
    else:
        for change in c.changes:
            _case(suite, c, change, fail_on, advisory)
    counts = {kind: str(len(suite.findall(f"testcase/{tag}"))) for kind, tag in _COUNTED}
    suite.attrib |= {"time": "0", "tests": str(len(suite)), **counts}


def _case(suite: ElementTree.Element, c: Comparison, change: Change, fail_on: FailOn | None, advisory: bool) -> None:
    about = {"classname": printable(f"harness.{c.task}"), "name": printable(change.condition), "time": "0"}
    case = ElementTree.SubElement(suite, "testcase", about)
    text = ", ".join(f"{head} {cell}" for head, cell in zip(_header(c)[1:], _cells(change)[1:], strict=True))
    tag, message = _became(c, change, fail_on)
    if tag and advisory:
        tag, message = "skipped", f"advisory: {message}"
    if not tag:
        ElementTree.SubElement(case, "system-out").text = text
    else:
        kind = {} if tag == "skipped" else {"type": change.verdict}
        ElementTree.SubElement(case, tag, {"message": message, **kind}).text = text


_COUNTED = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))


def _became(c: Comparison, change: Change, fail_on: FailOn | None) -> tuple[str, str]:
    """(element of the case, message); ("", "") for a case that passed."""
    if change.verdict == "regression":
        return "failure", "regression"
    if change is c.overall and c.undecided:
        tag = {"inconclusive": "failure", "regression": "skipped"}.get(fail_on or "", "error")
        return tag, f"undecided: {_why_undecided(c)}"
    return ("skipped", "too few to tell") if change.verdict == "too few to tell" else ("", "")


def _xml(root: ElementTree.Element) -> str:
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


# A policy -----------------------------------------------------------------------------------------------------------


def _gate_header(gate: Gate) -> list[str]:
    share = "accuracy" if all(j.check.metric == "accuracy" for j in gate.checks) else "value"
    sides = [f"base {share}", f"new {share}"]
    told = ["check", "tier", "task", "base", "new", "pairs", "holds for", *sides, "difference"]
    return [*told, _confidence(gate.policy.alpha), "p (Holm)", "verdict"]


def _gate_row(judged: Judged) -> list[str]:
    check, c = judged.check, judged.comparison
    told = [check.name, check.tier, check.task, printable(c.base if c else check.base)]
    if c is None:
        return [*told, *"-" * 8, "no run"]
    *cells, verdict = _cells(c.overall)
    worse = sum(change.verdict == "regression" for change in c.conditions)
    where = f"; a regression in {worse} of {len(c.conditions)} conditions" if worse else ""
    return [*told, printable(c.new), *cells[1:], verdict + where]


def _gate_remarks(gate: Gate) -> list[str]:
    found = [f"p is corrected for all {gate.tests} tests of the required checks (Holm), conditions included; an "
             "interval is that of its row alone"]  # fmt: skip
    found += _few(j.comparison for j in gate.checks if j.comparison)
    for judged in gate.checks:
        if c := judged.comparison:
            rows = [change for change in c.conditions if change.verdict == "regression"]
            remarks = [f"regression in {_sentence(change, gate)}" for change in rows]
            found += [f"{judged.check.name}: {line}" for line in (*remarks, *_remarks(c, SHOWN_FLIPS_OF_MANY))]
    return found


def _sentence(change: Change, gate: Gate) -> str:
    """One condition of a check in words."""
    name, pairs, about, base, new, difference, limits, p, _ = _cells(change)
    interval = f"{_confidence(gate.policy.alpha)} {limits}"
    return f"{name}: {base} -> {new}, difference {difference}, {interval}, p (Holm) {p}, {pairs} pairs, {about}"


def _last_line(gate: Gate) -> str:
    """The verdict and why."""
    code = f" (exit code {gate.exit_code})" if gate.verdict == "undecided" else ""
    return f"{gate.verdict.upper()}: {printable(gate.why)}{code}"


def render_gate(gate: Gate) -> str:
    """A row a check; the last line is the gate's verdict and why."""
    table = align(_gate_header(gate), [_gate_row(judged) for judged in gate.checks], left=5)
    return "\n".join([table, "", *_gate_remarks(gate), _last_line(gate)])


def gate_to_json(gate: Gate) -> str:
    """The verdict, and of each check its fields and its comparison (null without a run) as a JSON object."""
    policy = gate.policy
    checks = [{**asdict(j.check), "comparison": asdict(j.comparison) if j.comparison else None} for j in gate.checks]
    told = {"policy": str(policy.path), "alpha": policy.alpha, "fail_on": policy.fail_on, "tests": gate.tests}
    result: Mapping[str, Any] = {"verdict": gate.verdict, "why": gate.why, "exit_code": gate.exit_code, **told}
    return json.dumps({**result, "checks": checks}, ensure_ascii=False, indent=1) + "\n"


def gate_to_markdown(gate: Gate) -> str:
    """For a job's summary."""
    rows = _markdown_table(_gate_header(gate), [_gate_row(judged) for judged in gate.checks])
    return "\n".join([f"### {markdown(_last_line(gate))}\n", *rows, "", *_points(_gate_remarks(gate))])


def gate_to_junit(gate: Gate) -> str:
    """JUnit XML with a suite for each check, see `to_junit`. Nothing of an advisory check fails: it is skipped."""
    root = ElementTree.Element("testsuites")
    for judged in gate.checks:
        check = judged.check
        _suite(root, f"harness gate {check.name}", judged.comparison, gate.policy.fail_on, check.tier == "advisory")
    return _xml(root)


# Files --------------------------------------------------------------------------------------------------------------


def write_outputs(makers: Mapping[str, Callable[[], str]], files: Mapping[str, Path | None]) -> None:
    """Write what was asked for by kind (json, junit, summary); in a GitHub job the summary is added to the job's own,
    unless a file is given."""
    for kind, make in makers.items():
        path, added = files.get(kind), None
        if path is None and kind == "summary" and os.environ.get("GITHUB_STEP_SUMMARY"):
            path, added = Path(os.environ["GITHUB_STEP_SUMMARY"]), True
        if path is not None:
            # A lone surrogate, which UTF-8 can't hold, becomes its escape: also valid in JSON.
            with path.open("a" if added else "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(make())
