"""Reading a plan out of free text: PDDL lines, numbered or bulleted steps in a domain's wording, code fences, markers.

Parsing only: text and a lexicon in, steps or a reason out; whether the plan works is the validator's affair. Nothing is
dropped silently: a listed item that starts like a step and can't be read makes the whole plan unreadable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.reading.envelope import without_thinking
from harness.verifiers.fact_text import without_emphasis
from harness.verifiers.lexicon import Lexicon

Step = tuple[str, ...]

LONGEST_LINE, LONGEST_JSON, MOST_FILLERS, MOST_INDENT = 8_000, 200_000, 8, 40


@dataclass(frozen=True)
class PlanText:
    """The steps that a text offers, or `reason` why they can't be read (an empty text offers no plan)."""

    steps: tuple[Step, ...]
    reason: str = ""


@dataclass
class _Segment:
    """Steps that belong together; `announced` by a heading such as "Summary of actions". `explained` while the last
    listed item was a step: what stands indented under it explains that step."""

    announced: bool
    steps: list[Step] = field(default_factory=list)
    last_number: int = 0
    unreadable: str = ""
    explained: bool = False
    form: str = ""
    """How the step on the line before stands: number, bullet or bare; empty where that line is no step."""


_ITEM = re.compile(
    r"^(\s*)(?:(?:step|action)\s+(\d{1,4})\s?(?:[.):–—-]|(?=\s))|(\d{1,4})\s*[.):]|\((\d{1,4})\)|\([a-z]\)(?=\s)"
    r"|[ivx]{1,5}[.)]\s|[-*•+]|step\b:?|action\b:?)\s*",
    re.I,
)
_SPACES = re.compile(r"[^\S\n\t ]")
_BLANKS = re.compile(r"\s+")
_MARKS = re.compile(r"^(?:[>#]+ ?)+(?:\[[ x]\] )?|^(?=[-*] \[)[-*] \[[ x]\] ")
_PDDL = re.compile(r"\(\s*([a-z][\w-]*)((?:[\s,]+[\w-]+)*)\s*\)")
_ORDINAL = "first(?:ly)?|second(?:ly)?|third(?:ly)?|fourth|fifth|sixth|seventh|eighth|ninth|tenth|next|last(?:ly)?"
_ORDINAL += "|final(?:ly)?"
_FILLER = re.compile(
    rf"^(?:(?:(?:the )?(?:{_ORDINAL})(?: action| step)?|then|now|after that|and|so|action|step(?: \d{{1,4}})?)[,:]?\s+"
    r"|(?:i|you|we|(?:the )?(?:robot(?:ic)?(?: arm)?|agent|arm))"
    r"(?:'ll| will| can| should| must| would| need to| have to)?\s+"
    r"|(?:perform|execute|apply|do|use)(?: the)?(?: action)?:?\s+)"
)
_SENTENCES = re.compile(
    r";\s*(?=then\s|and\s|\w)|(?<!\d)\.\s+(?=\w)|,?\s+(?:and\s+)?(?=then\s)"
    r"|\.\s+(?=(?:then|next|after|finally|lastly|now|second|third|i|you|we|the|this|that)\b)"
    r"|[\"']\s*,\s*[\"']|\s*→\s*"
)
_NUMBERED = re.compile(rf"\s+(?=\d{{1,3}}[.)]\s)|{_SENTENCES.pattern}")
"""Where one line may hold several steps: "1. ... 2. ...", "...; then ...", "First, .... Second, ...", JSON."""
_CELLS = re.compile(r"^\s*\|\s*(?:(\d{1,4})\s*[.):]?\s*\|)?\s*(.*?)\s*\|?\s*$")
"""A row of a table: its number, if it has one, and the rest."""
_LATEX = re.compile(r"\\(?:boxed|text(?:bf|it|rm|tt)?|mathrm|mathbf)\{")
_ANNOUNCES = re.compile(
    r"\b(?:summary|summari[sz]e|summing up|final|finally|overall|complete|corrected|revised|optimi[sz]ed|in short|"
    r"sequence|answer)\b|\b(?:plan|actions?|steps?|follows)\b[^.]*:|\[plan\]",
    re.I,
)
_PLAN_IS = re.compile(r"\b(?:plan|steps|actions|sequence|solution|answer)\b[^.]{0,30}$")
_IMPOSSIBLE = re.compile(
    r"\b(?:(?:(?:is|was|would be)(?: not|n't)|isn't|wasn't|wouldn't be|not) "
    r"(?:possible|correct|allowed|valid|legal|needed|necessary|required|the goal)"
    r"|is (?:wrong|impossible|invalid|illegal|unnecessary)|(?:can't|cannot) be done)\b"
    r"(?:(?: \w+){0,3}[ ,;:.-]*(?:so|instead|therefore|hence)\b)?"
)
_REMARK = re.compile(r"\s+(?:→|⇒|->|=>|—|–|--|-)\s")
"""Before a remark about what a step does: "unstack b from a → holding b"."""
_ASIDE = re.compile(r" \(|\. | (?:—|–|--|-) ")
_REMARKS = re.compile(r"(?:this|that|the|now|all|after|it|so|goal|result|state|note|here|because|since|with)\b")
_PRONOUN = re.compile(r"\b(?:it|them)\b")
_REVOKED = re.compile(
    r"\b(?:(?:wait|oops)(?= ?[,.!:…—–-]|$)|scratch that|let me (?:re\w+|start over|correct)"
    r"|that(?:'s| is) (?:wrong|not allowed)"
    r"|(?:this|that|it|which) (?:fails|(?:does not|doesn't|will not|won't) work))\b|^attempt \d",
    re.I,
)


Fits = Callable[[Step], bool]


def read(text: str, lexicon: Lexicon, fits: Fits = lambda step: True) -> PlanText:
    """The last complete plan that the response offers.

    Where a step's words leave several actions open ("load p into t": a truck's action, or an airplane's), the first
    that `fits` (its objects are of the right kind) is taken.

    Steps are grouped where the numbering starts anew, a heading announces a plan, or a marker or code fence opens. A
    group that was announced as the plan, or that starts as an earlier one did, replaces what stood before (worked
    out, then summed up); any other continues it (numbered anew for each sub-goal).
    """
    text = without_thinking(text)
    marked = _last_marked(text)
    segments = [_Segment(False)]
    for line in _lines(text if marked is None else marked, lexicon):
        offered = _offered(line[:LONGEST_LINE], lexicon)
        if offered is not None and segments[-1].steps:
            segments.append(_Segment(True))
        it = segments[-1].steps[-1] if segments[-1].steps else ()
        for piece in _pieces(offered or line[:LONGEST_LINE], lexicon, fits, it):
            _take(piece, lexicon, fits, segments)
    kept: list[_Segment] = []
    for segment in segments:
        if not segment.steps and not segment.unreadable:
            continue
        same_start = any(s.steps[:1] == segment.steps[:1] for s in kept)
        size = sum(len(s.steps) for s in kept)
        if kept and (same_start or (segment.announced and len(segment.steps) * 2 >= size)):
            kept = []
        kept.append(segment)
    unreadable = next((s.unreadable for s in kept if s.unreadable), "")
    if unreadable:
        return PlanText((), f"a step that can't be read: {unreadable!r}")
    steps = tuple(step for s in kept for step in s.steps)
    return PlanText(steps) if steps else PlanText((), "no steps were found")


def _lines(text: str, lexicon: Lexicon) -> Iterator[str]:
    """The lines of a text; of an answer in JSON that is more than a list of sentences, an action each."""
    start, end = min((i for i in (text.find("{"), text.find("[")) if i >= 0), default=-1), max(map(text.rfind, "}]"))
    if 0 <= start < end and end - start < LONGEST_JSON and "{" in text:
        try:
            steps = list(_json_steps(json.loads(text[start : end + 1]), lexicon))
        except (ValueError, RecursionError):
            steps = []
        if steps:
            yield from steps
            return
    yield from text.split("\n")


def _json_steps(value: Any, lexicon: Lexicon) -> Iterator[str]:
    """`{"action": "stack", "args": ["a", "b"]}` as `(stack a b)`, in order, at any depth."""
    if isinstance(value, list):
        for part in value:
            yield from _json_steps(part, lexicon)
    elif isinstance(value, dict):
        texts = [v for v in value.values() if isinstance(v, str)]
        name = next((v.lower().replace(" ", "-").replace("_", "-") for v in texts), "")
        if name in lexicon.actions:
            arguments = [v for v in value.values() if not isinstance(v, int | float)]
            named = [n for v in arguments[arguments.index(texts[0]) + 1 :] for n in _texts(v)]
            yield f"({name} {' '.join(named)})".lower()
        else:
            for part in value.values():
                yield from _json_steps(part, lexicon)
    elif isinstance(value, str):
        yield value


def _texts(value: Any) -> list[str]:
    """The texts in a value of JSON."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]


def _offered(line: str, lexicon: Lexicon) -> str | None:
    """What follows "The plan is:" or "Answer:", where it is a step; None for any other line."""
    head, colon, tail = line.partition(":")
    if not colon or len(head) > 80 or not _PLAN_IS.search(without_emphasis(head).lower()):
        return None
    said = without_emphasis(tail).strip().lower()
    return tail if lexicon.verb(_from_verb(said, lexicon)) or _pddl_steps(said, lexicon) else None


def _pieces(line: str, lexicon: Lexicon, fits: Fits, it: Step) -> list[str]:
    """The line, or its parts where each of them is a step; of prose, also where some are and none is unreadable."""
    plain = _normal(without_emphasis(_SPACES.sub(" ", line)).lower().rstrip())
    if plain.lstrip().startswith("|"):
        row = _CELLS.match(plain)
        plain = (f"{row[1]}. {row[2]}" if row[1] else row[2]) if row else plain
    if "\\" in plain:
        plain = _LATEX.sub("", plain).replace("}", "").replace("$", "")
    if plain.lstrip()[:1] in ("[", '"'):
        plain = plain.strip().strip("[]").strip(" \",'")
    best: tuple[int, list[str]] = (1, [plain])
    for splitter in (_NUMBERED, _SENTENCES):  # "... room 2. Then ..." has no item 2
        pieces = splitter.split(plain)
        if len(pieces) == 1:
            break
        found = _steps_of(pieces, lexicon, fits, it)
        if all(found):
            return pieces
        count = sum(bool(steps) for steps in found)
        if count > best[0] and "" not in found and not _ITEM.match(plain):
            best = (count, pieces)
    return best[1]


def _normal(line: str) -> str:
    """Without marks of quotations, headings and checkboxes; blanks one by one, since patterns that look behind a run of
    them take time in its square."""
    indent = min(len(line) - len(line.lstrip()), MOST_INDENT)
    text = _BLANKS.sub(" ", line.strip())
    return " " * indent + _MARKS.sub("", text, count=1)


def _steps_of(pieces: list[str], lexicon: Lexicon, fits: Fits, it: Step) -> list[list[Step] | str | None]:
    found: list[list[Step] | str | None] = []
    for piece in pieces:
        content = _ITEM.sub("", piece, count=1) if _ITEM.match(piece) else piece.strip()
        steps = _worded_step(content, lexicon, fits, it)
        found.append(steps)
        it = steps[-1] if isinstance(steps, list) and steps else it
    return found


def _last_marked(text: str) -> str | None:
    """What stands between the last [PLAN] and [PLAN END], where there are such markers with something between them."""
    end = text.rfind("[PLAN END]")
    start = text.rfind("[PLAN]", 0, end if end >= 0 else len(text))
    if start < 0:
        return None
    inside = text[start + len("[PLAN]") : end if end > start else len(text)]
    return inside if "\n" in inside.strip() or "(" in inside or "." in inside else None


def _take(plain: str, lexicon: Lexicon, fits: Fits, segments: list[_Segment]) -> None:
    """One line without markdown: a step, a listed item that is none, a heading, or prose."""
    current = segments[-1]
    before, current.form = current.form, ""
    if not plain.strip():
        return
    item = _ITEM.match(plain)
    number = int(item.group(2) or item.group(3) or item.group(4) or 0) if item else 0
    indented = len(plain) - len(plain.lstrip()) > 1
    if indented and not number and current.explained:
        return
    form = "number" if number else "bullet" if item else "bare"
    content = plain[item.end() :] if item else plain.strip()
    it = current.steps[-1] if current.steps else ()
    found = _pddl_steps(content, lexicon) or _worded_step(content, lexicon, fits, it)
    if isinstance(found, list):
        if number and number <= current.last_number and current.steps:
            current = _Segment(False)
            segments.append(current)
        if current.announced and not current.steps and len(segments) > 1 and number == segments[-2].last_number + 1:
            current.announced = False  # "Finally:" before step 5 of 6: the list goes on
        current.last_number = number or current.last_number
        current.explained = bool(number) and bool(found)
        current.steps += found
        current.form = form
        return
    if item and not indented:
        current.explained = False
    next_one = bool(number) and number == current.last_number + 1 and bool(current.steps)
    # Of bullets and bare lines, those that stand right below a step of their form; a remark starts with other words.
    alike = form == before and (isinstance(found, str) or (form == "bullet" and not _REMARKS.match(content)))
    if (item and isinstance(found, str)) or ((next_one or alike) and lexicon.mentions(content)):
        current.unreadable = current.unreadable or plain.strip()[:80]
    elif (
        not item and (_ANNOUNCES.search(content) or _REVOKED.search(content)) and (current.steps or current.unreadable)
    ):
        segments.append(_Segment(True))
    elif not item and _ANNOUNCES.search(content):
        current.announced = True


def _pddl_steps(content: str, lexicon: Lexicon) -> list[Step] | None:
    """Actions in parentheses, if the line starts with one; what is wrong with them is the validator's affair. One that
    the domain does not have counts where it is about objects: "(move-to-table a)", but not "(as wanted)"."""
    if not content.startswith("("):
        return None
    found = [(m.group(1).replace("_", "-"), m.group(2).replace(",", " ").split()) for m in _PDDL.finditer(content)]
    objects = set(lexicon.objects.values())
    steps = [
        (name, *arguments)
        for name, arguments in found
        if name in lexicon.actions or (arguments and name not in lexicon.facts and objects.issuperset(arguments))
    ]
    return steps or None


def _worded_step(content: str, lexicon: Lexicon, fits: Fits, it: Step) -> list[Step] | str | None:
    """The steps in the domain's words, mostly one; "" for what starts like one and can't be read; None for anything
    else. `it` is the step before, whose first object a pronoun stands for."""
    clauses = lexicon.clauses(content)
    if len(clauses) > 1:
        steps: list[Step] = []
        for clause in clauses:
            found = _one_step(clause, lexicon, fits, steps[-1] if steps else it)
            if not found or isinstance(found, str):
                if found == "" and steps:
                    return ""
                break
            steps += found
        else:
            return steps
    return _one_step(content, lexicon, fits, it)


def _from_verb(content: str, lexicon: Lexicon) -> str:
    """Without "Then I will" and the like; but "use" may be an action's own word ("use hoist1 to lift ...")."""
    for _ in range(MOST_FILLERS):
        filler = None if lexicon.verb(content) else _FILLER.match(content)
        if not filler:
            break
        content = content[filler.end() :]
    return content


def _one_step(content: str, lexicon: Lexicon, fits: Fits, it: Step) -> list[Step] | str | None:
    content = _from_verb(content, lexicon)
    # A remark in parentheses, behind a dash or in another sentence takes nothing back.
    taken_back = _IMPOSSIBLE.search(_ASIDE.split(content, maxsplit=1)[0])
    if taken_back and lexicon.verb(content):
        # "Stack c on b is not possible, so put down c": what counts is what is done instead, if anything.
        return _one_step(content[taken_back.end() :].lstrip(" ,;:.-"), lexicon, fits, it) or []
    verb = lexicon.verb(content)
    if not verb:
        return None
    candidates, rest = verb
    if len(it) > 1 and _PRONOUN.search(rest):
        rest = _PRONOUN.sub(lexicon.phrase(it[1]), rest, count=1)
    objects = lexicon.named(rest)
    remark = _REMARK.search(rest)
    if remark:
        before = lexicon.named(rest[: remark.start()])
        objects = before if len(before) >= min(lexicon.actions[action][1] for action in candidates) else objects
    steps: list[Step] = []
    for action in lexicon.which(candidates, rest, len(objects)):
        arity = lexicon.actions[action][1]
        if len(objects) >= arity:
            steps.append((action, *objects[:arity]))
        elif len(objects) == arity - 1:
            # "drive t from x to y", the city left out: taken where just one object can be meant.
            whole = [(action, *objects, last) for last in dict.fromkeys(lexicon.objects.values())]
            possible = [step for step in whole if fits(step)]
            steps += possible if len(possible) == 1 else []
    if len(steps) > 1:
        steps = [next((step for step in steps if fits(step)), steps[0])]
    return steps or ""
