"""Reads the lines of a response into segments: lists of steps under a heading, with remarks that take them back or
correct them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from harness.pddl import plan_words as words
from harness.pddl.lexicon import Fits, Lexicon, Step
from harness.pddl.plan_corrections import Correction, correction
from harness.pddl.plan_lines import Line, lines_of
from harness.pddl.plan_lists import Item, Segment
from harness.pddl.plan_steps import NOTHING, Found, asks, read_item
from harness.reading.words import LEFT_OPEN

LONGEST_HEADING, LONGEST_REMARK = 160, 2_000

_SENTENCES = re.compile(
    r"(?:(?<!\d)|(?<=[a-z_-]\d)|(?<=[a-z_-]\d\d))[.!]\s+(?=\S)"
    r"|;\s*(?:and |then )*(?=\S)|,?\s+(?:and\s+)?(?=then\s)|\.\s+(?=(?:then|next|after|"
    r"finally|lastly|now|second|third|i|you|we)\b)"
    r"|\s+/\s+|\s*(?:→|⇒|->|=>|➜|➔)\s*|[\"']\s*,\s*[\"']|\s+\|\s+|(?<=\))\s*,\s*(?=[(a-z])|\s*>\s*(?=\w)"
    r"|,?\s+(?:and )?(?=(?:after that|next|finally|lastly|afterwards|followed by)\b,? )"
)


_EXEMPT = re.compile(
    r"\b(?:goals?|want(?:s|ed)?|wish|need(?:s|ed)? to be|aims?|so that|because|since|cannot|can't|not|could|would|"
    r"might|if|when|whether|before|after|"
    r"allows?|enables?|lets|makes|possible|already|until|unless|while|which|who|that|ready|order|able|now we|"
    r"we can|means?|by|once)\b"
)
"""Words of a sentence that is no step, though it names an action."""
_ARGUMENTS = re.compile(r"(?:[a-z][\w ]{0,20}\s?[:=]\s*(?P<what>[^:=]{1,200})|[\w, -]{1,60})$")
_BARE_NUMBER = re.compile(r"(\d{1,3})\s+")

_LEFT_OPEN = re.compile(LEFT_OPEN, re.I)


@dataclass
class Reader:
    """Reads lines one after another, and holds what was read so far."""

    lexicon: Lexicon
    fits: Fits
    segments: list[Segment] = field(default_factory=list)
    corrections: list[tuple[int, Correction | None]] = field(default_factory=list)
    """(number of segments before it, correction); the correction is None if it can't be read."""
    decision: str = ""
    pending: str = ""
    label: str = ""
    replaces: bool = False
    in_fence: bool = False
    marked: bool = False
    blank: bool = False
    retracted_at: int = 0
    """How many segments there were when the plan was last taken back for good."""
    given_up: bool = False
    gap: Segment | None = None
    """The list in which "..." was seen last."""
    awaited: int = 0
    half: str = ""
    """An action without its objects, which may stand on the lines below ("args: [a, b]")."""

    @property
    def current(self) -> Segment | None:
        """The segment that was begun last, None before the first."""
        return self.segments[-1] if self.segments else None

    @property
    def it(self) -> Step:
        """The last step in the current segment's last three items, for pronouns; () if they have no step."""
        current = self.current
        return next((s for item in reversed(current.items[-3:]) for s in reversed(item.steps)), ()) if current else ()

    def read(self, text: str) -> None:
        """Read all lines of a text that `plan_lines.plain` has prepared."""
        for line in lines_of(text):
            if line.form == "blank":
                self.blank = True
                continue
            if line.form == "gap":
                self.gap = self.current
                continue
            if line.form in ("fence", "open", "close"):
                self._fence(line.form)
            elif line.text or line.numbered:
                self._line(line)
            self.blank = False

    def _fence(self, form: str) -> None:
        current = self.current
        if form == "open":
            self.marked = True
        elif form == "close":
            if current and current.items:
                current.marked = current.closed = True
            self.marked = False
        else:
            self.in_fence = not self.in_fence
            if current and current.items and not self.in_fence:
                current.closed = True
        if current:
            current.broken = True

    def _line(self, line: Line) -> None:
        half, self.half = self.half, ""
        if half and (m := _ARGUMENTS.match(line.text)):
            said = f"{half}{',' if ':' in half else ':'} {m['what'] or line.text}"
            found = read_item(said, self.lexicon, self.fits)
            current = self.current
            if found.steps and current is not None and current.items:
                current.items[-1] = Item(current.items[-1].number, said, found.steps)
                self.half = said if "" in found.steps[-1] else ""
                return
        if line.form in ("number", "bullet", "letter", "label"):
            self._item(line)
        else:
            self._bare(line)

    # Items --------------------------------------------------------------------------------------------------------

    def _item(self, line: Line) -> None:
        current = self.current
        nested = (
            current is not None and bool(current.items) and not current.broken and line.indent > current.indent + 1
            and bool(current.items[-1].steps)
        )  # fmt: skip
        below = (
            current is not None and bool(current.items) and current.form == "number" and not current.broken
            and line.form == "bullet" and not self.blank and bool(current.items[-1].steps)
        )  # fmt: skip
        if not line.numbered and (nested or below) and not self._is_in_list(line):
            self._aside(line.text)
            return
        heads = current is not None and bool(current.items) and not current.broken and line.indent > current.indent + 1
        if (
            heads
            and current is not None
            and not current.items[-1].steps
            and line.form != "label"
            and self._found(line.text).steps
        ):
            current.items.pop()  # "1. First phase", with its steps below
            current.broken = True
            self.pending = "phase"
        if nested and line.numbered and current and line.number != current.last_number + 1:
            return
        if not line.text:
            self._empty(line)
            return
        found = self._found(line.text)
        awaited, self.awaited = self.awaited, 0
        if line.label and not found.steps and not found.problem:  # "Move: red", if to move is an action
            found = self._found(f"{line.label} {line.text}")
        number = line.number or awaited
        if found.dismissed:
            if current is not None and current.items:
                current.items.append(Item(number, ""))
            return
        if not found.steps and not found.problem:
            if self._offered(line):
                return
            if line.form == "label":
                self._aside(line.text)
                return
            if not line.numbered and words.ASIDE.match(line.text):
                return
            if line.text.endswith(":") and not line.numbered and self._announces(line):
                return
        segment = self._segment_for(line, number, found)
        self._note_gap(segment)
        segment.items.append(Item(number, line.text, found.steps, found.problem))
        segment.lines += 1
        if found.problem and any(v.end == len(line.text) for v in self.lexicon.verbs_at(line.text)):
            self.half = line.text

    def _note_gap(self, segment: Segment) -> None:
        """Adds a problem to a list that goes on after "...": steps are missing."""
        if segment is self.gap:
            segment.items.append(Item(0, "...", (), "steps are left out"))
        self.gap = None

    def _is_in_list(self, line: Line) -> bool:
        current = self.current
        return current is not None and current.form == line.form and line.indent <= current.indent + 1

    def _empty(self, line: Line) -> None:
        """A marker alone, "Step 1": the next line has its action. It adds no item, as its text may have been struck
        out."""
        self.awaited = line.number
        current = self.current
        if current is not None and current.items and line.number == 1:
            current.broken = True

    def _found(self, text: str) -> Found:
        found = read_item(text, self.lexicon, self.fits, self.it)
        if not found.steps:
            if asks(text):
                return NOTHING
            if ":" in text and not found.problem:
                head, _, tail = text.partition(":")
                if (
                    len(head) < 60
                    and tail.strip()
                    and not words.ASIDE.match(text)
                    and words.kind_of(head) in ("", "plan", "phase", "final")
                ):
                    said = read_item(tail.strip().strip("\"'"), self.lexicon, self.fits, self.it)
                    if said.steps:
                        return said
        return found

    def _segment_for(self, line: Line, number: int, found: Found) -> Segment:
        """The segment for an item: the list above if the item continues it, else a new one."""
        current = self.current
        form = line.form if line.form != "label" else "bullet"
        if number and form == "bullet":
            form = "number"
        if current is not None and current.items and not self.marked:
            goes_on = bool(number) and number == current.last_number + 1 and number > 1
            if (
                goes_on
                and (not current.broken or (not self.replaces and self.pending in ("", "phase", "final", "plan")))
                and form == current.form
            ):
                current.broken = False
                self.pending = self.label = ""
                return current
            if not current.broken and form == current.form:
                restarts = bool(number) and number <= current.last_number and bool(current.items)
                if not restarts:
                    return current
            if not current.broken and current.form == "number" and form == "bullet" and not self.blank:
                return current
        elif (
            current is not None
            and current.items
            and current.marked is False
            and not current.broken
            and form == current.form
        ):
            return current
        if (
            self.marked
            and current is not None
            and current.marked
            and not current.closed
            and (not number or number > current.last_number)
        ):
            return current
        return self._new(form, line.indent)

    def _new(self, form: str, indent: int) -> Segment:
        segment = Segment(self.pending, form, indent, self.label, replaces=self.replaces, marked=self.marked)
        if self.current is not None:
            self.current.broken = True
        self.segments.append(segment)
        self.pending = self.label = ""
        self.replaces = False
        return segment

    # Other lines --------------------------------------------------------------------------------------------------

    def _bare(self, line: Line) -> None:
        text = line.text
        bare = _BARE_NUMBER.match(text)
        if bare and self._found(text[bare.end() :]).steps:
            self._item(Line(line.indent, "number", int(bare.group(1)), text[bare.end() :], False, True))
            return
        current = self.current
        if self.awaited and not line.heading:
            number, self.awaited = self.awaited, 0
            found = self._found(text)
            if found.steps or found.problem:
                self._item(Line(0, "number", number, text, False, True))
                return
        if (
            current is not None
            and current.items
            and line.indent > current.indent + 1
            and not current.broken
            and current.form != "bare"
            and current.items[-1].steps
        ):
            self._aside(text)
            return
        found = NOTHING if line.heading or len(text) > LONGEST_REMARK else self._found(text)
        if text.startswith("(") and (found.steps or found.problem):
            self._steps(line, "pddl", [found])
            return
        if not found.steps and text.startswith("(") and text.endswith(")"):
            self._aside(text)
            return
        if words.ASIDE.match(text) and not found.steps:
            if self.blank and current is not None and current.items:
                current.broken = True
                if text.endswith(":"):
                    self.pending = words.kind_of(text) or "check"
            return
        if self._corrected(text):
            return
        if ":" in text and not line.heading and not words.ASIDE.match(text) and self._offered(line):
            return
        pieces = self._pieces(text) if not line.heading and self.lexicon.verb_in(text) >= 0 else []
        if (found.steps or found.problem) and len(pieces) <= 1:
            taken = not asks(text)
            if taken:
                self._steps(line, "bare", [found])
                return
        if len(pieces) > 1 and any(f.steps for f in pieces):
            self._steps(line, "prose", pieces)
            return
        if self._offered(line):
            return
        self._announces(line)

    def _pieces(self, text: str) -> list[Found]:
        """What each sentence of a line was read as; empty if the line is one sentence."""
        parts = _SENTENCES.split(text)
        if len(parts) < 2:
            return []
        found: list[Found] = []
        it = self.it
        for part in parts:
            part = part.strip(" \"',")
            said = NOTHING if not part or asks(part) else read_item(part, self.lexicon, self.fits, it)
            it = said.steps[-1] if said.steps else it
            if not said.steps and not said.problem and self._may_act(part):
                said = Found(problem="it can't be read")
            found.append(said)
        return found

    def _may_act(self, sentence: str) -> bool:
        """Whether a sentence that could not be read may name an action all the same."""
        verb = self.lexicon.verb_in(sentence)
        return (
            verb >= 0 and not asks(sentence) and not _EXEMPT.search(sentence) and self.lexicon.mentions(sentence[verb:])
        )

    def _steps(self, line: Line, form: str, found: list[Found]) -> None:
        """Adds steps from lines without markers. Several such lines are a list, and so are lines that continue a
        list."""
        current = self.current
        several = form == "prose" and sum(len(f.steps) for f in found) > 1
        form = "bare" if form == "prose" and not several else form
        on = (
            current is not None
            and bool(current.items)
            and not current.broken
            and not (self.marked and not current.marked)
        )
        if (
            on
            and current is not None
            and (
                current.form == form
                or (form == "bare" and current.form in ("number", "bullet", "letter") and not self.blank)
            )
        ):
            segment = current
            if form == "bare" and current.form != form and not any(f.steps for f in found):
                return
        else:
            segment = self._new(form, line.indent)
        segment.lines += 1
        self._note_gap(segment)
        for said in found:
            if said.steps or said.problem:
                segment.items.append(Item(0, line.text, said.steps, said.problem))

    def _offered(self, line: Line) -> bool:
        """Takes the steps behind a heading on its own line ("The plan is: first ..., then ..."). Returns whether it has
        any."""
        head, colon, tail = line.text.partition(":")
        if not colon or len(head) > 80 or not tail.strip() or self.lexicon.verb_in(tail) < 0:
            return False
        kind = words.kind_of(head)
        tail = tail.strip().strip("\"'[] ")
        pieces = self._pieces(tail)
        if len(pieces) <= 1:
            pieces = [self._found(tail)]
        if not any(f.steps for f in pieces) or kind in ("check", "state") or asks(tail):
            return False
        label = re.sub(r"\d+", "#", head.strip())
        on = self.current is not None and bool(self.current.items) and self.current.label == label
        if self.current is not None:
            self.current.broken = not on
        self.pending, self.label = kind, label
        self._steps(line, "pddl" if tail.startswith("(") else "prose", pieces)
        return True

    def _announces(self, line: Line) -> bool:
        """Reads a line without steps, as a remark on what is above or a heading for what is below. Returns whether it
        is a heading."""
        text = line.text[:LONGEST_REMARK]
        self._aside(text)
        current = self.current
        last = text.rpartition(". ")[2] if text.endswith(":") else text
        kind = words.kind_of(last) if len(last) <= LONGEST_HEADING else ""
        heads = (
            line.heading
            or text.endswith(":")
            or (kind != "" and len(text) <= 80 and ": " not in text and not text.endswith((".", "!", "?", "✓")))
        )
        heads = heads or (
            kind in ("final", "plan", "attempt", "draft")
            and bool(re.search(r"\b(?:is|follows|following|here|this)\b[^.]{0,60}[:.]?$", text))
            and not text.endswith(".")
        )
        if current is not None and current.items:
            current.broken = True
        if heads:
            self.pending, self.label = kind, text
        return heads

    def _aside(self, text: str) -> None:
        """Reads a remark, which may take back what is above, confirm it, give up, or decide between lists."""
        if not self.segments:
            return
        text = text[:LONGEST_REMARK]
        if self._corrected(text):
            return
        decided = None if _LEFT_OPEN.search(text) else words.DECIDES.search(text)
        if words.GIVEN_UP.search(text):
            self.given_up = True
            self.retracted_at = len(self.segments)
        elif words.RETRACTED.search(text) and not (decided and self.current and self.current.kind == "option"):
            self.retracted_at = len(self.segments)
            self.replaces = True
        elif words.DOUBTED.search(text):
            self.replaces = True
        elif (
            words.CONFIRMED.search(text)
            and self.retracted_at == len(self.segments)
            and not self.given_up
            and self.pending == ""
        ):
            self.retracted_at = 0
            self.replaces = False
        if decided:
            self.decision = decided["a"] or decided["b"]

    def _corrected(self, text: str) -> bool:
        """Notes a change to a step of the list above by its number. Returns whether the sentence makes one."""
        if not any(s.items for s in self.segments) or (
            not any(c.isdecimal() for c in text) and "step" not in text and "action" not in text
        ):
            return False
        made = correction(text, self.lexicon, self.fits)
        if made is None:
            return False
        if isinstance(made, Correction):
            self.corrections.append((len(self.segments), made))
            self.retracted_at = 0
            self.replaces = False
            return True
        self.corrections.append((len(self.segments), None))
        self.replaces = True
        return True
