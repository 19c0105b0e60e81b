r"""How numerals are read: each with the base that labels it. "155 in base 9, which is 131 in base 10" gives 155.

The value reader of arithmetic (see harness.reading). Text in, numeral or reason out; no comparison.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable
from typing import NamedTuple

from harness.reading import words
from harness.reading.values import Marked, Reader, Value, sentences
from harness.tasks.arithmetic.numerals import DIGITS, LONGEST

CLOSE_LOOK = 600
"""How many characters of a line or sentence are read."""


@functools.lru_cache(maxsize=512)
def reader(base: int, expression: str) -> Reader:
    """Reads the answer to `expression` in `base`. A value's note is the other base that labels it, else None."""
    question = _Question(base, tuple(re.findall(r"[0-9A-Z]+", expression)), expression.isalnum())
    return Reader(
        marked=lambda m: _marked(m, question),
        stated=lambda sentence, _: _stated(sentence, question),
        alone=lambda line: _alone(line, question),
        labels=r"sum|difference|product|total|next (?:number|numeral|value)|number after [0-9A-Z]{1,100}|value",
        counts_up=question.counting,
    )


class _Question(NamedTuple):
    base: int
    operands: tuple[str, ...]
    counting: bool


class _Numeral(NamedTuple):
    """A numeral in a text, in capitals and without leading zeros; `base` is the one it is labelled with, if any."""

    digits: str
    start: int
    end: int
    base: int | None


_NAMES = {
    "two": 2,
    "binary": 2,
    "eight": 8,
    "octal": 8,
    "nine": 9,
    "nonary": 9,
    "ten": 10,
    "decimal": 10,
    "dezimal": 10,
}
_NAMES |= {"eleven": 11, "undecimal": 11, "twelve": 12, "sixteen": 16, "hexadecimal": 16, "hex": 16, "d[ée]cimale?": 10}
_NAME = "|".join(sorted(_NAMES, key=len, reverse=True))
_ADJECTIVE = "binary|octal|nonary|decimal|dezimal|undecimal|duodecimal|hexadecimal|hex|d[ée]cimale?"
_IN_BASE = (
    rf"(?:(?:(?:in|to|of|as|zur|en|na|in der|a) )?(?:the )?bas(?:e|is)[- ]?\{{?(?:\d{{1,2}}|{_NAME})\b\}}?"
    rf"|(?:(?:in|as|to) )?\b(?:{_ADJECTIVE})(?: notation| form)?\b)"
)
_LABEL = re.compile(
    rf"\)? ?_ ?\{{?\(?(?:base[- ]?)?(?P<sub>\d{{1,2}}|{_NAME})\)?\}}?"
    rf"| ?[(\[]? ?(?P<said>{_IN_BASE})(?: system)?[)\]]?| ?\((?P<round>\d{{1,2}})\)",
    re.I,
)
_SAID_BASE = re.compile(_IN_BASE, re.I)
_SUBSCRIPT = re.compile("[₀-₉]+")
_NUMERAL = re.compile(
    r"(?<![0-9A-Za-z_.,\\])(-?)(?:0[xo])?([0-9A-Za-z]{0,50}[0-9][0-9A-Za-z]{0,50}|[A-Z]{1,12}|[a-z]{1,12})"
    r"(?![0-9A-Za-z{])"
)
_FURNITURE = re.compile(r"\\[,;:! ()\[\]]|[$*`\"'\u202f\u00a0]|(?<=\w),(?=\d{3}(?!\d))|\\(?:boxed|fbox|left|right)\b")
_OPERATOR = re.compile(r" ?[-+*×·/^](?! ?$)")
_REASON = re.compile(
    r",? \b(?:because|since|as we|as the|with an?|where|after|when|carry(?:ing)?|carried|due to)\b.*", re.I | re.S
)
_REMARK = re.compile(r"\((?![0-9A-Z]{1,100}\))(?![^()]{0,30}\b(?:base|decimal|hex)|\d{1,2}\))[^()]{0,200}\)", re.I)
_MISTAKEN = re.compile(r"\b(?:mistakes?|wrong|incorrect|trap|tempting|might|may)\b|\?\W*$", re.I)
_CUE = re.compile(
    r"(?:=|≡|→|⇒|:|\b(?:that|it)'s|\b(?:is|be|are|equals?|equal to|get|gives|have|as|comes to|yields|makes|becomes|"
    r"obtain|answer|write|result(?:s in)?|follows|by|comes next|ist|est|es|é|è|fa|da|"
    rf"{words.ARRIVES})\b|是|为|得|は|が|는|은)"
    r"[^\w=]{0,8}(?:just |simply |exactly |then |therefore |the numeral |the number )?$",
    re.I,
)
_OR = re.compile(rf"\W*(?:\(?{_IN_BASE}\)?)?\W*\b(?:{words.OR})\b\W*", re.I)


def _plain(text: str) -> str:
    text = re.sub(r"(?<=[0-9A-Z])\*(?=[0-9A-Z])", "×", text[:CLOSE_LOOK])
    if not text.isascii():
        text = _SUBSCRIPT.sub(lambda m: "_{" + "".join(chr(ord(c) - 0x2080 + 48) for c in m.group()) + "}", text)
        text = text.replace("−", "-")
    return _FURNITURE.sub("", re.sub(r"\\(?:text|mathrm|mathbf|textbf|mathtt|texttt) ?\{([^{}]{0,100})\}", r"\1", text))


_GLOSS = re.compile(rf" ?\((?:=|i\.e\.,?)? ?[0-9A-Z]{{1,40}} ?({_IN_BASE})\)", re.I)


def _said(text: str, question: _Question) -> str:
    """A sentence without reasons, remarks and values in another base: without the parenthesis of "155 (131 in
    decimal)"."""
    plain = _GLOSS.sub(lambda m: m.group() if _base(m.group(1)) == question.base else "", _plain(text))
    return _REASON.sub("", _REMARK.sub(" ", plain))


def _numerals(text: str, question: _Question) -> list[_Numeral]:
    """The numerals of a text that are neither terms of a sum, nor the name of a base, nor words."""
    found: list[_Numeral] = []
    read_to = 0
    bases = [m.span() for m in _SAID_BASE.finditer(text)]
    for m in _NUMERAL.finditer(text):
        digits = m[2].upper()
        if (
            m.start() < read_to
            or any(start <= m.start() < end for start, end in bases)
            or not _is_numeral(m, text, question.base)
        ):
            continue
        label = _LABEL.match(text, m.end())
        end = label.end() if label else m.end()
        base = _base(label["sub"] or label["round"] or label["said"]) if label else None
        if label and label["round"] and base not in (question.base, 10):
            base, end = None, m.end()
        read_to = end
        if _OPERATOR.match(text, end) or re.search(
            r"[0-9A-Za-z)}] ?[-+*×·/^] ?$", text[max(0, m.start() - 4) : m.start()]
        ):
            continue
        found.append(_Numeral(m[1] + (digits.lstrip("0") or "0"), m.start(), end, base))
    return _without_operands(found, text, question)


def _is_numeral(m: re.Match[str], text: str, base: int) -> bool:
    """Whether letters and digits are a numeral. Letters alone are one if they are capitals and no other word follows,
    or if the text has nothing else."""
    written, end = m[2], m.end()
    digits = written.upper()
    if digits.isdecimal():
        return len(digits) <= LONGEST
    # Mixed with digits, letters up to F make a numeral in any base, perhaps a wrong one; else they make a word.
    legal = DIGITS[: base if digits.isalpha() else max(base, 16)]
    if len(digits) > LONGEST or not set(digits) <= set(legal):
        return False
    if digits.isalpha():
        return (
            written.isupper() and not re.match(r" [a-z]{2,}(?<! in)(?<! is)(?<! as)(?<! or)", text[end : end + 12])
        ) or not (text[: m.start()] + text[end:]).strip(" .:=")
    return written.isupper() or written.islower()


def _without_operands(found: list[_Numeral], text: str, question: _Question) -> list[_Numeral]:
    """The numerals without those that the question gives: "72 and 73", "the number after 108"."""
    if question.counting:
        (given,) = question.operands[:1] or ("",)
        return [n for n in found if n.digits != given or len(found) == 1] or found
    kept = list(found)
    for left, right in itertools.pairwise(found):
        if (left.digits, right.digits) == tuple(o.lstrip("0") for o in question.operands) and re.fullmatch(
            r" ?(?:and|to|from|plus|minus|times|by|und|et|y|e|и|和|と),? ?", text[left.end : right.start]
        ):
            kept = [n for n in kept if n not in (left, right)]
    return kept


def _base(said: str) -> int | None:
    number = re.search(r"\d{1,2}", said)
    if number:
        return int(number.group())
    return next((base for name, base in _NAMES.items() if re.search(rf"\b{name}\b", said, re.I)), None)


def _marked(stretch: Marked, question: _Question) -> Value | None:
    label = _LABEL.match(stretch.after) if stretch.after else None
    whole = stretch.text + (label.group() if label and not label["round"] else "")
    for sentence in sentences(whole):
        if _APART.fullmatch(_plain(sentence)):
            sentence = sentence.replace(" ", "")
        value = _value(_said(sentence, question), question, marked=True)
        if value is not None:
            context = [_base(m.group()) for m in _SAID_BASE.finditer(stretch.before)]
            elsewhere = bool(context) and context[-1] != question.base and value.note is None
            return value._replace(aside=True) if elsewhere and value.value is not None else value
    return None


_APART = re.compile(r"\s*(?:[0-9A-Z](?: [0-9A-Z])+|\d{1,3}(?: \d{3})+)[\s.]*")
"""Digits that stand apart, or groups of three: "1 0 1", "4 260"."""


def _stated(sentence: str, question: _Question) -> Value | None:
    text = _said(sentence, question)
    if _MISTAKEN.search(text):
        text = re.split(r";|\b(?:but|however|yet)\b", text)[-1]
    if _MISTAKEN.search(text):
        return None
    return _value(text, question, marked=False)


def _alone(line: str, question: _Question) -> Value | None:
    """A numeral and its label, or an equation, and nothing else."""
    text = _REMARK.sub(" ", _plain(line)).strip(" \t#>.!,;:[]{}👉✅•")
    if question.counting:
        text = re.split(r", |\.\.\.|…|→|->", text)[-1].strip()  # "766, 767, 768, 770"
    if not text or len(text) > 120 or text[:1] in "+×":
        return None
    left, _, side = text.rpartition("=")
    if "," in left:
        return None  # several equations
    found = _numerals(side.strip("{}[]() ") if side is not text else text, question)
    if not found and "=" in text:
        return None
    if _APART.fullmatch(side):
        return Value(side.replace(" ", "").lstrip("0") or "0")
    if len(found) != 1:
        return None
    rest = side.strip("{}[]() ")
    rest = rest[: found[0].start] + rest[found[0].end :]
    if re.search(r"[^\W_]", rest) or (
        "=" in text and re.search(r"[a-z]{3,}", re.sub(_IN_BASE, "", text.rpartition("=")[0], flags=re.I))
    ):
        return None
    return _of([found[0]], question)


def _of(found: list[_Numeral], question: _Question) -> Value:
    last = found[-1]
    other = last.base if last.base not in (None, question.base) else None
    return Value(last.digits, aside=other is not None, note=other)


def _value(text: str, question: _Question, marked: bool) -> Value | None:
    """The one numeral that a sentence gives: one labelled with the question's base, else one without a label."""
    found = _numerals(text, question)
    context = _context_base(text)
    labelled = [n for n in found if n.base is not None]
    found = [n._replace(base=context(n)) if n.base is None else n for n in found]
    own = [n for n in found if n.base == question.base]
    fitting = own or [n for n in found if n.base is None] or (found if marked else [n for n in found if n in labelled])
    if not fitting:
        return None
    for left, right in itertools.pairwise(fitting):
        if _OR.fullmatch(text[left.end : right.start]) and left.digits != right.digits and left.base == right.base:
            return Value(None, f"several numerals: {left.digits} or {right.digits}")
    if own and len({n.digits for n in own}) == 1 and "=" not in text:
        return _of(own, question)
    cued = [n for n in fitting if _CUE.search(text[max(0, n.start - 40) : n.start].rstrip(" ({["))]
    starts = not re.search(r"\w", text[: fitting[0].start])
    if marked and len({n.digits for n in fitting}) == 1:
        return _of(fitting, question)
    if "=" in text and (behind := [n for n in fitting if n.start > text.rindex("=")]):
        return _of(behind[:1], question)
    if marked and starts:
        return _of(fitting[:1], question)
    if cued:
        return _of(cued[-1:], question)
    if starts and not marked and not re.search(r"[a-z]", text[fitting[0].end :].replace("it is", ""), re.I):
        return _of(fitting[:1], question)
    if marked:
        return Value(None, f"several numerals: {', '.join(dict.fromkeys(n.digits for n in fitting))}")
    return None


def _context_base(text: str) -> Callable[[_Numeral], int | None]:
    """A function that gives the base a sentence speaks of where a numeral stands: the last one named before it in the
    same clause, None without one."""
    spans = [(m.start(), m.end(), _base(m.group())) for m in _SAID_BASE.finditer(text)]

    def of(n: _Numeral) -> int | None:
        before = [
            s
            for s in spans
            if s[1] <= n.start and not re.search(r"[.;]|, (?:so|which|i\.e)|\bso\b|\bthus\b", text[s[1] : n.start])
        ]
        return before[-1][2] if before else None

    return of
