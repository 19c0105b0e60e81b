"""How a model's verdict on a plan is read: which line of the response holds it, and what it says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.pddl.fact_text import without_emphasis
from harness.pddl.plan_words import DOUBTED, PROMPT, RETRACTED
from harness.reading.echoes import instructions, without
from harness.reading.envelope import clean, cuts
from harness.reading.outcome import is_refusal

LONGEST = 5_000

_FORMS = re.compile(
    r"^(?:Is the plan valid\? [^\n]*\n)?Answer: valid\n+Answer: step NUMBER [^\n]*\n+Answer: the goal [^\n]* FACT$",
    re.M,
)
"""The question and the forms that the prompt shows, repeated: they are no verdict."""
_MARKED = re.compile(
    r"(?:^|\b(?:therefore|thus|so|hence|conclusion)\b[:,]?)[^\w\n]{0,8}(?:my |the |so the )?(?:final |short |"
    r"overall |corrected |correct )?"
    r"(?:answer|verdict|judge?ment|conclusion|result)\b[^\n]*",
    re.M,
)
_SAID = re.compile(r"\bplan (?:above )?(?:is|was) (?:not )?(?:in)?valid\b")
_STEP = re.compile(
    r"\b(?:step|action)\s*(?:number\s*|no\.?\s*)?#?(\d{1,4})\b|\b(\d{1,4})(?:st|nd|rd|th) (?:step|action)\b"
    r"|\b(first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth) (?:step|action)\b"
)
_NTH = {w: i for i, w in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), 1)}
_INVALID = re.compile(
    r"\b(?:invalid|not (?:a )?valid|isn't (?:a )?valid|incorrect|not (?:possible|executable|applicable|allowed|"
    r"satisfied|met|true|fulfilled|correct)|"
    r"impossible|fails?|failed|unmet|violat\w+|cannot|can't|can not|missing|inapplicable|illegal)\b"
)
_NO_GOAL = re.compile(
    r"\bgoals?\b[^.\n]{0,80}?\b(?:not|isn't|never|unmet|fails?|missed|missing)\b|\bunmet goal\b|\b(?:not|doesn't|"
    r"never|fails to) (?:reach|achieve|satisfy|meet)"
    r"|\bmiss(?:es)? the goal\b"
)
_VALID = re.compile(r"(?<!not )(?<!n't )(?<!not a )(?<!n't a )\b(?:valid|correct)\b")


@dataclass(frozen=True)
class VerdictText:
    """What a response says about a plan. `said` is valid, invalid, goal or precondition (then `step` is its number, if
    given), and `line` the line that says so; or `said` is "" and `reason` says why. `final`: more text would not change
    it."""

    said: str
    step: int | None = None
    line: str = ""
    reason: str = ""
    final: bool = False


def read_verdict(response: str) -> VerdictText:
    """The last verdict that a response commits to; `said` is "" if there is none."""
    found = VerdictText("", reason="no verdict was found")
    text = _FORMS.sub("", clean(response))
    for part, is_all in cuts(without(text, instructions(text)), PROMPT):
        found = _read(without_emphasis(part).lower())
        if found.said:
            return found if is_all else VerdictText(found.said, found.step, found.line, "", True)
    return found


def _read(text: str) -> VerdictText:
    start, end, line = _verdict_in(text)
    if start < 0 and is_refusal(text):
        return VerdictText("", reason="no verdict was found")
    after = text[end:]
    taken_back = next((m for m in (RETRACTED.search(after), _doubt(after)) if m), None)
    if taken_back and start >= 0:
        again = _read(after[taken_back.end() :])
        return again if again.said else VerdictText("", reason="the verdict is taken back")
    step = _STEP.search(line)
    no_goal, invalid = _NO_GOAL.search(line), _INVALID.search(line)
    if no_goal and not (step and step.start() < no_goal.start() and invalid and invalid.start() < no_goal.start()):
        said = "goal"
    elif invalid:
        said = "precondition" if step else "invalid"
    elif _VALID.search(line):
        said = "valid"
    elif step:
        said = "precondition"
    else:
        return VerdictText("", reason="no verdict was found")
    number = int(step.group(1) or step.group(2) or _NTH[step.group(3)]) if step else None
    return VerdictText(said, number if said == "precondition" else None, line, "", bool(after.strip()))


def _doubt(text: str) -> re.Match[str] | None:
    """The first line that begins with a second look, if a verdict follows it."""
    for m in re.finditer(r"^[^\n]+", text[:LONGEST], re.M):
        if DOUBTED.match(m.group()) and (_VALID.search(text, m.start()) or _INVALID.search(text, m.start())):
            return re.compile(r"\W*\w+").match(text, m.start())
    return None


def _verdict_in(text: str) -> tuple[int, int, str]:
    """(start, end, line) of the last line that is marked as the answer; else of the text from the last "plan is
    (in)valid" on, made one line; else of the last line, with -1 as its start."""
    marked = list(_MARKED.finditer(text))
    if marked:
        m = marked[-1]
        if re.search(r"(?:answer|verdict|judge?ment|conclusion|result)\W*$", m.group()):
            following = re.compile(r"\s*([^\n]{1,5000})").match(text, m.end())
            if following:
                return m.start(), following.end(), f"{m.group()} {following.group(1)}"
        return m.start(), m.end(), m.group()[:LONGEST]
    said = list(_SAID.finditer(text))
    if said:
        start = said[-1].start()
        return start, min(len(text), start + LONGEST), text[start : start + LONGEST].replace("\n", " ; ")
    lines = list(re.finditer(r"^[^\n]*\S[^\n]*$", text, re.M))
    return (-1, lines[-1].end(), lines[-1].group()[:LONGEST]) if lines else (-1, 0, "")
