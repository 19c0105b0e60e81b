"""Reading a plan out of free text: PDDL lines, numbered or bulleted steps in a domain's wording, code fences, markers.

Parsing only: text and a lexicon in, steps or a reason out; whether the plan works is the validator's affair. Nothing is
dropped silently: a listed item that starts like a step and can't be read makes the whole plan unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.verifiers.answers import without_thinking
from harness.verifiers.fact_text import loose, loose_pattern, without_emphasis

Step = tuple[str, ...]

LONGEST_LINE = 2_000

_BETWEEN_NAMES = r"(?: *, *| +(?:(?:from|into|onto|on top of|on|upon|to|with|off|at|in|over|by|via) +)?)"
"""What may stand between bare names: "c from b", "b, a"."""


@dataclass(frozen=True)
class Lexicon:
    """How a domain is said in words, all in lower case.

    `verbs` maps the phrase an action starts with ("pick up") to the actions that start so; `actions` maps an action
    to its whole sentence ("use {0} to lift {1} ...") and the number of its objects; `objects` maps a phrase ("red
    block", "object a") to the PDDL object.
    """

    verbs: Mapping[str, tuple[str, ...]]
    actions: Mapping[str, tuple[str, int]]
    objects: Mapping[str, str]
    _verb: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _object: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _bare: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _starts: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _names: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        verbs = _alternatives(self.verbs).replace("\\ ", "[ _-]?").replace("\\-", "[ _-]?")
        names = _alternatives(dict.fromkeys(self.objects.values()))
        # A name such as "a" is a word as well; one with a number is not.
        said = {*self.objects, *(n for n in self.objects.values() if re.search(r"\d", n))}
        phrases = "|".join(loose_pattern(p) for p in sorted(said, key=len, reverse=True))
        object.__setattr__(self, "_verb", re.compile(rf"(?:{verbs})\b"))
        object.__setattr__(self, "_object", re.compile(rf"\b(?:{phrases})\b"))
        bare = rf"[ (\[]*((?:{names})(?:{_BETWEEN_NAMES}(?:{names}))*)[ )\]]*(?:[.,;:(].*)?"
        object.__setattr__(self, "_bare", re.compile(bare))
        starts: dict[str, tuple[str, ...]] = {}
        for phrase, actions in self.verbs.items():
            starts[_joined(phrase)] = tuple(dict.fromkeys((*starts.get(_joined(phrase), ()), *actions)))
        object.__setattr__(self, "_starts", starts)
        names_said = {loose(name): name for name in said.intersection(self.objects.values())}
        object.__setattr__(self, "_names", names_said | {loose(phrase): name for phrase, name in self.objects.items()})

    def verb(self, content: str) -> tuple[tuple[str, ...], str] | None:
        """(actions, rest of the text) where the text starts with the phrase of one or more actions."""
        m = self._verb.match(content)
        return (self._starts[_joined(m.group())], content[m.end() :]) if m else None

    def named(self, rest: str) -> list[str]:
        """The objects that a step names, in order: in the domain's words, or as bare names and nothing else."""
        bare = self._bare.fullmatch(rest)
        if bare:
            return re.split(_BETWEEN_NAMES, bare.group(1))
        return [self._names[loose(m.group())] for m in self._object.finditer(rest)]

    def which(self, actions: tuple[str, ...], rest: str) -> tuple[str, ...]:
        """Of actions that start alike, those whose other words stand in the text, if any do ("use ... to lift")."""
        if len(actions) == 1:
            return actions
        words = set(re.findall(r"[a-z]+", rest))
        scores = {a: len(words.intersection(re.findall(r"[a-z]+", self.actions[a][0]))) for a in actions}
        return tuple(a for a in actions if scores[a] == max(scores.values()))


def _joined(phrase: str) -> str:
    """`pick up`, `pick-up` and `pickup` are one phrase."""
    return phrase.replace(" ", "").replace("-", "").replace("_", "")


def _alternatives(phrases: Mapping[str, object]) -> str:
    """Longer phrases first, so that "unstack from" is not read as "unstack"."""
    return "|".join(re.escape(p) for p in sorted(phrases, key=len, reverse=True))


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


_ITEM = re.compile(
    r"^(\s*)(?:(?:step|action)\s+)?(?:(\d{1,4})\s*[.):]|\((\d{1,4})\)|\([a-z]\)(?=\s)|[ivx]{1,5}[.)]\s|[-*•+]|step\b:?|action\b:?)\s*",
    re.I,
)
_SPACES = re.compile(r"[^\S\n\t ]")
_PDDL = re.compile(r"\(\s*([a-z][\w-]*)((?:\s+[\w-]+)*)\s*\)")
_ORDINAL = "first(?:ly)?|second(?:ly)?|third(?:ly)?|fourth|fifth|sixth|seventh|eighth|ninth|tenth|next|last(?:ly)?"
_ORDINAL += "|final(?:ly)?"
_FILLER = re.compile(
    rf"^(?:(?:(?:the )?(?:{_ORDINAL})(?: action| step)?|then|now|after that|and|so|action|step(?: \d{{1,4}})?)[,:]?\s+"
    r"|(?:i|you|we)(?:'ll| will| can| should| must| would| need to| have to)?\s+"
    r"|(?:perform|execute|apply|do|use)(?: the)?(?: action)?:?\s+)+"
)
_INLINE = re.compile(
    r"\s+(?=\d{1,3}[.)]\s)|;\s*(?=then\s|and\s|\w)|(?<!\d)\.\s+(?=\w)|,?\s+(?:and\s+)?(?=then\s)"
    r"|[\"']\s*,\s*[\"']|\s*→\s*"
)
"""Where one line may hold several steps: "1. ... 2. ...", "...; then ...", "First, .... Second, ...", JSON."""
_CELLS = re.compile(r"^\s*\|\s*(?:(\d{1,4})\s*[.):]?\s*\|)?\s*(.*?)\s*\|?\s*$")
"""A row of a table: its number, if it has one, and the rest."""
_LATEX = re.compile(r"\\(?:boxed|text(?:bf|it|rm|tt)?|mathrm|mathbf)\{")
_ANNOUNCES = re.compile(
    r"\b(?:summary|summari[sz]e|summing up|final|finally|overall|complete|corrected|revised|optimi[sz]ed|in short|"
    r"sequence|answer)\b|\b(?:plan|actions?|steps?|follows)\b[^.]*:|\[plan\]",
    re.I,
)
_IMPOSSIBLE = re.compile(
    r"\b(?:(?:(?:is|was|would be)(?: not|n't)|isn't|wasn't|wouldn't be|not) "
    r"(?:possible|correct|allowed|valid|legal|needed|necessary|required|the goal)"
    r"|is (?:wrong|impossible|invalid|illegal|unnecessary)|(?:can't|cannot) be done)\b"
    r"(?:(?: \w+){0,3}[ ,;:.-]*(?:so|instead|therefore|hence)\b)?"
)
_REVOKED = re.compile(
    r"\b(?:wait|oops|scratch that|let me (?:re\w+|start over|correct)|that(?:'s| is) (?:wrong|not allowed))\b", re.I
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
    for line in (text if marked is None else marked).split("\n"):
        for piece in _pieces(line[:LONGEST_LINE], lexicon, fits):
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


def _pieces(line: str, lexicon: Lexicon, fits: Fits) -> list[str]:
    """The line, or its parts where each of them is a step."""
    plain = without_emphasis(_SPACES.sub(" ", line)).lower().rstrip()
    if plain.lstrip().startswith("|"):
        row = _CELLS.match(plain)
        plain = (f"{row[1]}. {row[2]}" if row[1] else row[2]) if row else plain
    if "\\" in plain:
        plain = _LATEX.sub("", plain).replace("}", "")
    if plain.lstrip()[:1] in ("[", '"'):
        plain = plain.strip().strip("[]").strip(" \",'")
    pieces = _INLINE.split(plain)
    contents = [_ITEM.sub("", piece, count=1) if _ITEM.match(piece) else piece.strip() for piece in pieces]
    return pieces if len(pieces) > 1 and all(_worded_step(c, lexicon, fits) for c in contents) else [plain]


def _last_marked(text: str) -> str | None:
    """What stands between the last [PLAN] and [PLAN END], where there are such markers with something between them."""
    end = text.rfind("[PLAN END]")
    start = text.rfind("[PLAN]", 0, end if end >= 0 else len(text))
    if start < 0:
        return None
    inside = text[start + len("[PLAN]") : end if end > start else len(text)]
    return inside if inside.strip() else None


def _take(plain: str, lexicon: Lexicon, fits: Fits, segments: list[_Segment]) -> None:
    """One line without markdown: a step, a listed item that is none, a heading, or prose."""
    if not plain.strip():
        return
    item = _ITEM.match(plain)
    current = segments[-1]
    number = int(item.group(2) or item.group(3) or 0) if item else 0
    indented = len(plain) - len(plain.lstrip()) > 1
    if indented and not number and current.explained:
        return
    content = plain[item.end() :] if item else plain.strip()
    found = _pddl_steps(content, lexicon) or _worded_step(content, lexicon, fits)
    if isinstance(found, list):
        if number and number <= current.last_number and current.steps:
            current = _Segment(False)
            segments.append(current)
        current.last_number = number or current.last_number
        current.explained = bool(number) and bool(found)
        current.steps += found
        return
    if item and not indented:
        current.explained = False
    if isinstance(found, str) and item:
        current.unreadable = current.unreadable or plain.strip()[:80]
    elif (
        not item and (_ANNOUNCES.search(content) or _REVOKED.search(content)) and (current.steps or current.unreadable)
    ):
        segments.append(_Segment(True))
    elif not item and _ANNOUNCES.search(content):
        current.announced = True


def _pddl_steps(content: str, lexicon: Lexicon) -> list[Step] | None:
    """Actions in parentheses, if the line starts with one; their arity is the validator's affair."""
    if not content.startswith("("):
        return None
    steps = [(m.group(1), *m.group(2).split()) for m in _PDDL.finditer(content) if m.group(1) in lexicon.actions]
    return steps or None


def _worded_step(content: str, lexicon: Lexicon, fits: Fits) -> list[Step] | str | None:
    """A step in the domain's words; "" for what starts like one and can't be read; None for anything else."""
    if not lexicon.verb(content):  # "use hoist1 to lift ..." starts with an action's own word
        content = _FILLER.sub("", content)
    taken_back = _IMPOSSIBLE.search(content.partition(" (")[0])  # a remark in parentheses takes nothing back
    if taken_back and lexicon.verb(content):
        # "Stack c on b is not possible, so put down c": what counts is what is done instead, if anything.
        return _worded_step(content[taken_back.end() :].lstrip(" ,;:.-"), lexicon, fits) or []
    verb = lexicon.verb(content)
    if not verb:
        return None
    candidates, rest = verb
    objects = lexicon.named(rest)
    steps: list[Step] = []
    for action in lexicon.which(candidates, rest):
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
