r"""The published reading of answers: the answer that the repository's evaluation finds in a response, defects included.

Restated, not copied, from the behaviour of arithmetic/eval.py and eval_ccc.py of ZhaofengWu/counterfactual-evaluation
(MIT). It tries in this order: a bare token; the `\boxed{}` of the whole response, else of its last line, else of its
last sentence, if all boxes there agree; then phrases at the end of the response, of which the first match wins. Not
restated is a list of 104 hashes of responses that were declared unreadable by hand. If the original stops with an
error, this gives None.

Text is hostile: phrases are searched at the very end only, and boxes by a linear pattern.
"""

from __future__ import annotations

import re

TAIL = 600
"""How many characters at the end of a response are searched for phrases."""

_T = r"[0-9A-Z]+"  # a numeral, in any base
_LABEL = r"(?:_\{?[0-9]+\}?)?"  # _9, _{10}
_IN = r"(?:\(?(?:in )?base-[0-9]+\)?)"  # in base-9, (base-9)
_BOX = r"\\boxed\{"
_WORD = r"(?:[0-9]+|ten)"

_BOXED = re.compile(
    rf"boxed\{{(?:result=)?(?:{_T}{_LABEL}\s*\+\s*{_T}{_LABEL}\s*=\s*)?(?:0x)?([0-9A-Za-f \\.]+)"
    rf"(?:_ ?\{{?(?:base-)?{_WORD}\}}?)?(?:\}}?_\{{?{_WORD}\}}?)?\}}"
)

# Two boxes that differ: the one that is labelled with the base asked for.
_TWO_BOXES_LAST_SENTENCE = [
    rf"{_BOX}{_T}\}}{_LABEL}\s*\+\s*{_BOX}{_T}\}}{_LABEL}\s*=\s*{_BOX}({_T})\}}{_LABEL}\.?$",
    rf"{_BOX}({_T})_\{{?[0-9]+\}}?\s*=\s*{_T}_\{{?10\}}?\}}\$?\.?$",
]
_IS_BOX = r"(?:=|is):?\s*\$?"
_AND_BOX = r"(?: and| or| =) \$?"
_DECIMAL = r"\(?in (?:base-10|decimal)\)?"
_BASE = r"\(?in base-[0-9]+\)?"
_LABELLED = rf"{_T}_\{{?[0-9]+\}}?"
_BOXES = [
    rf"{_LABELLED}\s*\+\s*{_LABELLED}\s*=\s*(?:0x)?({_T})_\{{?[0-9]+\}}?\$?(?: in base-[0-9]+)?\.?$",
    rf"{_IS_BOX}{_BOX}(?:0x)?({_T})\}}\$? {_BASE}{_AND_BOX}{_BOX}(?:0x)?{_T}\}}\$? {_DECIMAL}\.?$",
    rf"{_IS_BOX}{_BOX}(?:0x)?{_T}\}}\$? {_DECIMAL}{_AND_BOX}{_BOX}(?:0x)?({_T})\}}\$? {_BASE}\.?$",
    rf"{_BOX}{_T}\}}_\{{10\}}\$? which in base-[0-9]+ is \$?{_BOX}(?:0x)?({_T})\}}\$?\.?$",
    rf"[0-9]+\s*\+\s*[0-9]+\s*=\s*({_T}){_BOX}\}}\.?$",
    # A response that quotes the form back, with the answer behind it.
    rf"{_BOX}result\}}\s*[\n=]?\s*(?:[0-9A-Z+*^. ]+=\s*)?([0-9A-Z.]+)\$?\.?\**\}}?$",
    rf"{_BOX}result: ({_T})\}}$",
]
# A sum in words or written in columns: `as follows:`, terms, a line, the result.
_STATED = rf"\s+(?:[\s0-9A-Z*^]+(?:\+[\s0-9A-Z*^]+)+(?:=|-+|_+))*\s*({_T})\s*{_IN}?(?:\s*\([^()]+\))?\.?$"
_PHRASES = [
    rf"\n({_T})$",
    rf' in base-[0-9]+ is (?:equal to )?"?(?:0x)?({_T})"?(?: base-[0-9]+)?(?: \([^()]+\))?\.$',
    rf" in base-[0-9]+: \$?({_T})\$?\.$",
    rf" the base-[0-9]+ sum: ({_T})\.$",
    rf"the (?:sum of {_T} and {_T}|result of {_T}\s*\+\s*{_T}) (?:in base-[0-9]+ )?(?:is|as):?{_STATED}",
    rf"(?:{_T}\s*\+\s*{_T}(?: in base-[0-9]+)?|in base-10 is \$?[0-9]+\$?) "
    rf"(?:which )?(?:equals|is equal to|as):? \$?({_T})\$?\.?$",
    rf"{_T}\s*\+\s*{_T}\s*=\s*({_T})(?: in base-[0-9]+)?\.?$",
    r"(?:we can simply write the result as|which can be written as|the final result is simply the sum of the tens and "
    r"ones places:|the result is simply the combination of these two sums:|"
    rf"(?:which gives|giving) us the(?: base-[0-9]+)? number) ({_T})\.?$",
    rf"we have ({_T}) in base-[0-9]+ as the (?:final answer for|result of|sum of) {_T} (?:\+|and) {_T}\.$",
    rf"we (?:have|get|end up with) ({_T})(?: in base-[0-9]+)? as the(?: final)? (?:result|answer|sum)"
    r"(?: in base-[0-9]+)?\.$",
    rf'(?:=| is) "?({_T})"?(?:\s+{_IN})?\s*\.?$',
    rf"(?: (?:result|answer|sum)(?: in base-[0-9]+)?(?: is)?(?: simply)?(?: of)?(?: as)?:?|we get:|"
    rf"we can add the two numbers in base-[0-9]+:){_STATED}",
    rf"[tT]he combination of these sums:\s+({_T})(?:\(in base-[0-9]+\))?\.?$",
    rf"(?:Result|Answer)(?: is)?:?\s+({_T})\.?$",
    rf"The decimal equivalent of \$?({_T})\$? is therefore \$?{_T}\$?\.?$",
    r"[tT]he final (?:result|answer) is:?\s+(?:[0-9A-Z ]+\s*\+\s*[0-9A-Z ]+\s*(?:=|-)+\s*)?"
    r"([0-9A-Z ]+)(?:\(in base-[0-9]+\))?\.?\**$",
    r' in base-[0-9]+ is (?:equal to )?"?(?:0x)?([0-9A-Z ]+)"?\.$',
    rf"[ \n]({_T}) {_BASE}\.$",
]
_COUNTING = [
    rf"^({_T})$",
    rf"(?:\n|^)(?:{_T} \+ {_T} = )?({_T})(?: {_IN})?\.?$",
    rf"(?:would be|is|as)(?: therefore)?:?\s*(?:[0-9]+\. )?(?:{_T} \+ {_T} = )?({_T})\.?$",
    rf"in base-[0-9]+:?\s+(?:[0-9]+\. )?({_T})\.?$",
    rf"(?:written as|is|would be|the number) ({_T})(?: {_IN})?"
    r"(?:, which is (?:equal|equivalent) to [0-9A-Z +*=^]+(?: in (?:decimal|base-[0-9]+))?)?\.$",
    rf"\n[0-9]+\. ({_T})\.?$",
    rf"[0-9A-Z](?:, |\n)(?:{_T}\+1=)?({_T})\n*\.*$",
    rf"(?:answer|result): ({_T})\.?$",
    rf"\.\.\. ({_T})\.?$",
    rf"[tT]he next number after {_T}(?: in base-[0-9]+)? is:?\s*({_T})(?:,| \()",
]


def _compiled(patterns: list[str]) -> list[re.Pattern[str]]:
    return [re.compile(p) for p in patterns]


_LAST_SENTENCE_PATTERNS, _BOX_PATTERNS = _compiled(_TWO_BOXES_LAST_SENTENCE), _compiled(_BOXES)
_PHRASE_PATTERNS, _COUNTING_PATTERNS = _compiled(_PHRASES), _compiled(_COUNTING)
_SUM = re.compile(rf"{_T}\s*\+\s*{_T}\s*=\s*(?:0x)?({_T})")
_BARE = re.compile(r"[0-9A-Z]+\n?")


def read(response: str) -> str | None:
    """The answer to a sum, in capitals; None if the published rule finds none."""
    text = response.replace(",", "").replace("\u0421", "C")  # some responses have the Cyrillic letter
    if _BARE.fullmatch(text):
        return text  # a line feed behind it stays, and makes the answer wrong, as published
    text = text.rstrip("\n$ `").replace("\\text{", "")
    sentence = text.rstrip(" .").rpartition(".")[2]
    for part in (text, text.rpartition("\n")[2], sentence):
        boxes: set[str] = {box.replace(" ", "").replace("\\", "") for box in _BOXED.findall(part)}
        if len(boxes) == 1:
            return boxes.pop().upper()
    tail, sentence = text[-TAIL:], sentence[-TAIL:]
    found = _first(_LAST_SENTENCE_PATTERNS, sentence) or _first(_BOX_PATTERNS, tail)
    if found is None:
        sums = _SUM.findall(sentence)
        found = sums[0] if len(sums) == 1 else _first(_PHRASE_PATTERNS, tail)
    return None if found is None else found.replace(" ", "").upper()


def read_counting(response: str) -> str | None:
    """The answer to the counting control, with its letters as written; None if the published rule finds none."""
    text = response.removesuffix(", with each digit incremented as needed.").removesuffix("End of response.")
    return _first(_COUNTING_PATTERNS, text.rstrip()[-TAIL:])


def _first(patterns: list[re.Pattern[str]], text: str) -> str | None:
    matches = (m for pattern in patterns if (m := pattern.search(text)))
    return next((str(m[1]) for m in matches), None)
