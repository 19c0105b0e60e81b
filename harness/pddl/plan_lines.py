"""Splits a response into lines, and reads a line as an item: its indentation, its marker and number, and its text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from harness.pddl.plan_json import CLOSE, OPEN

LONGEST_LINE, MOST_INDENT, MOST_MARKERS = 8_000, 40, 4

_WORDS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
_WORDS += "sixteen seventeen eighteen nineteen twenty"
NUMBERS = {word: i for i, word in enumerate(_WORDS.split())}
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth"
)
ORDINALS = {word: i for i, word in enumerate(_ORDINALS.split(), 1)}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}
_NUMBER_WORD = (
    rf"(?:(?:{'|'.join(_TENS)})[- ](?:{'|'.join(list(NUMBERS)[1:10])})|{'|'.join([*reversed(NUMBERS), *_TENS])})"
)
_ROMAN = r"(?=[ivxl])x{0,3}(?:ix|iv|v?i{0,3})"
_LABEL = (
    r"(?:the )?(?:steps?|actions?|moves?|operations?|operators?|stages?|tasks?|instructions?|commands?|items?|"
    r"turns?|points?|lines?|days?|rounds?|iterations?|schritt|aktion|"
    r"étape|paso|passo|pas|шаг|步骤|第|no\.?|nr\.?|number|time|time ?step|tick)"
)
_DELIMITER = r"(?:\s*(?:[.):,\]|>=、。]+|[–—]+|-+(?=\s|>)|/(?=\s)|→|⇒|➜|➔|~|\.\))+)"
_OF = r"(?:\s*(?:of|/|out of)\s*(?:the |my |our |this )?(?:\w+ )?(?:plan|sequence|solution|list|\d{1,4}))"
_MARKERS = re.compile(
    rf"(?:(?P<struct>- \[[ x]\]\s+|\[[ x]\]\s+)"
    rf"|[\[(]?{_LABEL}[\s_-]*(?:no\.?\s*|number\s*|nr\.?\s*)?[#=]?\s*[\[(]?(?P<n1>\d{{1,4}}|{_NUMBER_WORD}|"
    rf"{_ROMAN}\b)[\])]?(?![a-z0-9_-])(?:步)?{_OF}?(?P<d1>{_DELIMITER})?\s*"
    rf"|[sat][-_ ]?(?:=\s?)?(?P<n2>\d{{1,4}}){_DELIMITER}\s*"
    rf"|(?P<n9>\d{{1,4}})\s?(?:st|nd|rd|th)? (?:step|action|move){_DELIMITER}\s*"
    rf"|\d{{1,4}}[.,]\d{{1,6}}\s?:\s*|(?P<n7>\d{{1,3}}\.\d{{1,3}})(?:[.):]|\s)\s*|(?P<n8>\d{{1,4}})\s?(?:-|–|to|"
    rf"and)\s?\d{{1,4}}[.):]\s*"
    r"|[\w.]{1,30}\.(?:append|add|push)\(\s*(?=[\"'])"
    rf"|[#№]\s?(?P<n3>\d{{1,4}}){_DELIMITER}?\s+"
    rf"|[\[(<{{](?P<n4>\d{{1,4}})(?:\s?(?:/|of)\s?\d{{1,4}})?[\])>}}]{_DELIMITER}?\s*"
    rf"|(?P<n5>\d{{1,4}})(?:{_DELIMITER}(?!\d)\s*|\s?/\s?\d{{1,4}}{_DELIMITER}?\s+|\t\s*)"
    rf"|\((?P<letter>[a-z]|{_ROMAN})\)\s+|(?P<letter2>[a-z]|{_ROMAN})[.)]\s+"
    rf"|(?:the |my |your )?(?P<nth>{'|'.join(ORDINALS)})(?: (?:step|action|move|operation))?\s?:\s*"
    r"|(?P<bullet>[^\w\s\"'(\[{<`|\\$/~.,;:!?=]{1,3})\s+|(?P<glued>[•●○■□▪▫▶►▷➤➜➔→⇒✓✔✅☑☐◦‣⁃∙◆◇★☆🔹🔸👉])\s*"
    r"|\[(?:step|action)\]\s*:?\s*"
    r"|(?P<label>(?:the )?(?:next |last |final )?(?:action|step|do|execute|move|operation|command|perform|run|"
    r"call|instruction|task|act)\s?:"
    r"|(?:and )?(?:then|next|now|after that|afterwards|finally|lastly)\s?:)\s*"
    r"|[\"'](?:action|step|move|operation|name|command)[\"']\s?:\s*)"
)  # fmt: skip
_GAP = re.compile(r"\s*(?:[-*•]\s*)?[\[(]?(?:\.\s?\.\s?\.|…|⋮)[^\n]{0,100}")
_PREDICATE = re.compile(
    r"(?:is|was|are|were|should|must|can|cannot|can't|needs?|fails?|will|would|and|or|to|has|have|had|in|of|above|"
    r"below|does|doesn't|could|"
    r"reads|becomes|instead|now|again|through|first|makes|frees|clears|leaves|requires|works?|isn't|wasn't|may|"
    r"might|ought)\b"
)
"""How a sentence about a step goes on after "step 3"."""
_CIRCLED = re.compile(r"[①-⓿❶-➓㉑-㊿]")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_STARS = re.compile(r"^(\s*)\*(?=\s)", re.M)
_EMPHASIS = re.compile(
    r"[*`]|(?<![a-zA-Z0-9])_+(?![a-zA-Z0-9])|(?<![a-zA-Z0-9])_+(?=[a-zA-Z0-9][^_\n]{0,200}_(?![a-zA-Z0-9]))|"
    r"(?<=[a-zA-Z0-9.!?:])_+(?![a-zA-Z0-9])"
)
_ESCAPES = re.compile(r"\\([_.*#()\[\]+>~|-])")
_LATEX_LIST = re.compile(
    r"\\(?:(?P<item>item\b(?:\[[^\]\n]{0,20}\])?)[ \t]{0,9}|(?:begin|end)\{[a-z*]{1,20}\}(?:\[[^\]\n]{0,40}\])?)"
)
_LATEX = re.compile(r"\\(?:boxed|text(?:bf|it|rm|tt)?|mathrm|mathbf)\{")
_BLANKS = re.compile(r"[^\S\n]+")
_INLINE = re.compile(r"(?:(?<=[\s,;.|])|^)(?:step |action )?[\[(]?(\d{1,3})(?:[\])]|[.):](?!\d))+\s?(?=\S)")
_ROW = re.compile(r"\s*\|(.*?)\|?\s*$")


class Line(NamedTuple):
    """A line in lower case, without emphasis. `number` is 0 if it has none. `form` is the kind of its marker (number,
    letter, bullet, label, or bare if it has none), or fence, open, close, gap ("...") or blank."""

    indent: int
    form: str
    number: int
    text: str
    heading: bool = False
    """Whether it is marked as a heading, with `#`."""
    numbered: bool = False
    label: str = ""


_BLANK = Line(0, "blank", 0, "")
_LEFT_OUT = Line(0, "gap", 0, "")
_WORD = re.compile(r"[^\W_]")


def plain(text: str) -> str:
    """A text in lower case without emphasis, escapes and LaTeX; bullets stay."""
    if "\\" in text:
        text = _LATEX_LIST.sub(lambda m: "- " if m["item"] else "", text)
        text = _ESCAPES.sub(r"\1", text)
        text = _LATEX.sub("", text).replace("$", "").replace("\\\\", "\n").replace("\\n", "\n")
    if "*" in text:
        text = _STARS.sub(r"\1-", text)
    if "*" in text or "`" in text or "_" in text:
        text = "\n".join(
            line if _FENCE.match(line) else _EMPHASIS.sub("", line) if _marked(line) else line
            for line in text.split("\n")
        )
    return text.lower()


def _marked(line: str) -> bool:
    return "*" in line or "`" in line or "_" in line


def lines_of(text: str) -> Iterator[Line]:
    """Yields the lines of a plain text; a line with an inline list ("1. ... 2. ...") becomes several."""
    for raw in text.split("\n"):
        line = raw[:LONGEST_LINE]
        if _GAP.fullmatch(line):
            yield _LEFT_OUT
        elif not _WORD.search(line) and not _FENCE.match(line):
            yield _BLANK
        elif _FENCE.match(line):
            form = "open" if line == OPEN else "close" if line == CLOSE else "fence"
            yield Line(0, form, 0, line.strip("`~ "))
        else:
            pieces = _inline(line) if _INLINE.search(line, 3) else None
            for piece in pieces or (line,):
                yield item(piece)


LONGEST_LABEL = 60
"""Characters before the first item on its line."""


def _inline(line: str) -> list[str] | None:
    """The items of "(1) ..., (2) ..." in one line, or a label with the first item behind it ("Plan: 1. ..."); None if
    there are no two in a row, and no label."""
    found = list(_INLINE.finditer(line))
    if not found:
        return None
    starts = []
    wanted = -1
    for m in found:
        number = int(m.group(1))
        before = line[: m.start()].rstrip()
        if wanted < 0 and before and before[-1] not in ":;,.|-–—(=>":  # "in room 1. Then ..."
            continue
        if number == wanted or (wanted < 0 and number in (0, 1)) or (wanted < 0 and not line[: m.start()].strip()):
            starts.append(m.start())
            wanted = number + 1
    if not starts:
        return None
    head = line[: starts[0]].strip(" ,;")
    if len(starts) < 2 and not (head.endswith(":") and len(head) <= LONGEST_LABEL and wanted in (1, 2)):
        return None
    pieces = [line[a:b].strip(" ,;|") for a, b in zip(starts, [*starts[1:], len(line)], strict=True)]
    indent = line[: len(line) - len(line.lstrip())]
    return [*([head] if head else []), *(indent + piece for piece in pieces)]


def item(line: str) -> Line:
    """A raw line as a Line, without its markers."""
    rest = line.lstrip()
    indent = min(len(line) - len(rest), MOST_INDENT)
    heading = rest.startswith("#") and not rest[1:2].isdecimal()
    rest = rest.rstrip()
    if heading:
        rest = rest.lstrip("# ")
    if "  " in rest or "\t" in rest:
        rest = _BLANKS.sub(" ", rest)
    if rest.startswith("|"):
        rest = _cells(rest)
    if not rest.isascii() and (circled := _CIRCLED.match(rest)):
        value = unicodedata.numeric(circled.group(), 0)
        rest = f"{int(value)}. {rest[1:].lstrip('. )')}"
    form, number, label = "bare", 0, ""
    for _ in range(MOST_MARKERS):
        m = _MARKERS.match(rest)
        if not m or not m.end():
            break
        kind = m.lastgroup or ""
        said = (
            m["n1"]
            or m["n2"]
            or m["n3"]
            or m["n4"]
            or m["n5"]
            or m["n9"]
            or m["n8"]
            or (m["n7"] or "").rpartition(".")[2]
            or m["nth"]
        )
        if m["n1"] and not m["d1"] and not rest[m.end() - 1 : m.end()].isspace() and rest[m.end() :]:
            break
        if m["n1"] and not m["d1"] and _PREDICATE.match(rest, m.end()):
            break
        if said:
            if form == "number" and number:  # in "1. 2 ..." the 2 is no marker
                break
            form, number = "number", _value(said)
        elif m["label"]:
            label = m["label"].rstrip(": ")
            form = form if form != "bare" else "label"
        elif m["letter"] or m["letter2"]:
            if form in ("number", "letter"):
                break
            form = "letter"
            number = _letter(m["letter"] or m["letter2"])
        elif form != "number":
            form = "number" if kind == "" and rest[:1].isdecimal() else "bullet"
        rest = rest[m.end() :]
    rest = rest.strip().strip("\"'").rstrip(",").strip("\"'").strip()
    if rest.endswith(("')", '")')) and rest.count("(") < rest.count(")"):
        rest = rest[:-2]
    if form in ("bullet", "label") and rest.isdecimal() and len(rest) < 5:  # "- step: 2", its action on the next line
        return Line(indent, "number", int(rest), "", heading, True, label)
    return Line(indent, form, number, rest, heading, form == "number", label)


def _cells(row: str) -> str:
    """A row of a table as text: "N. " if its first cell is a number, then the other cells, with bars between them."""
    m = _ROW.match(row)
    cells = [c.strip() for c in (m.group(1) if m else row).split("|")]
    if not any(c.strip(":- ") for c in cells):
        return ""
    filled = [c for c in cells if c]
    if filled and re.fullmatch(r"(?:step |action )?#?\d{1,4}[.):]?", filled[0]) and len(filled) > 1:
        number = re.findall(r"\d+", filled[0])[0]
        return f"{number}. {' | '.join(filled[1:])}"
    return " | ".join(filled)


def _value(said: str) -> int:
    if said.isdecimal():
        return int(said)
    if said in ORDINALS:
        return ORDINALS[said]
    if said in NUMBERS:
        return NUMBERS[said]
    tens, _, ones = said.replace("-", " ").partition(" ")
    if tens in _TENS:
        return _TENS[tens] + NUMBERS.get(ones, 0)
    return _roman(said)


def _letter(said: str) -> int:
    return ord(said) - ord("a") + 1 if len(said) == 1 and said not in "ivx" else _roman(said)


def _roman(said: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10, "l": 50}.get(c, 0) for c in said]
    return sum(-v if v < max(values[i:], default=0) else v for i, v in enumerate(values))
