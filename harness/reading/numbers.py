"""Reading a count: a whole or decimal number, as digits or in words, or a sum with letters such as M+1.

The value reader of answers that say how many. Text in, value or reason out; knows no task and no right answer.
"""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass
from fractions import Fraction

from harness.reading import words
from harness.reading.values import Marked, Reader, Value, sentences

CLOSE_LOOK = 1_000
"""Characters of a line or sentence that are looked at."""


@dataclass(frozen=True)
class Counts:
    """What a question wants counted: `letters` that stand for numbers, `asked` (a pattern for what is counted, if it is
    known), and the numbers `stated` in the question, in their order."""

    letters: str = ""
    asked: str = ""
    stated: tuple[str, ...] = ()


@functools.lru_cache(maxsize=512)
def reader(counts: Counts = Counts()) -> Reader:
    """A reader of counts. Bounds ("at least 3"), ranges and several numbers of equal standing give no value."""
    return Reader(
        marked=lambda m: _marked(m, counts),
        stated=lambda sentence, concludes: _stated(sentence, concludes, counts),
        alone=lambda line: _alone(line, counts),
        labels="(?<!in )totals?|count|number",
    )


def _marked(stretch: Marked, counts: Counts) -> Value | None:
    text = _plain(stretch.text[:CLOSE_LOOK])
    if not counts.letters:
        text = _CJK_NUMBER.sub(lambda m: str(_CJK.index(m[1])), text, count=1)
    if not _values(text, counts.letters) and not _UNDECIDED.search(text):
        return None
    found = _read(text, counts)
    return Value(*found)


def _stated(sentence: str, concludes: bool, counts: Counts) -> Value | None:
    text = _plain(sentence[-CLOSE_LOOK:])
    if _UNDECIDED.search(text):
        return Value(None, f"undecided: {text.strip()[:80]!r}")
    if _DENIAL.search(text) or _IMAGINED.match(text):
        return None
    if _MISTAKEN.search(text):
        text = _BUT.split(text)[-1]  # "One might think 6, but it's 7."
    if _is_premise(text, counts) or _QUESTION.search(text) or _MISTAKEN.search(text):
        return None
    value, certain, why = _sentence_value(text, counts)
    if value is not None and (certain or concludes):
        return Value(value, aside=bool(_ELSEWHERE.search(text)))
    if why or (value is not None and not counts.asked):
        return Value(None, why or "no answer is marked, and the last numbers are not a statement of it")
    return None


def _alone(line: str, counts: Counts) -> Value | None:
    text = _plain(line).strip()
    if len(text) > 120:
        return None
    bare = re.sub(r"\([^()]{0,60}\)", " ", text)
    values = _values(bare, counts.letters) or _values(text, counts.letters)
    bare = bare if _values(bare, counts.letters) else text
    if len({v.value for v in values}) != 1:
        return None
    if counts.asked and _of_kind(bare, values, counts.asked) == []:
        return None
    rest = bare[: values[0].start] + " " + bare[values[-1].end :]
    return Value(values[0].value) if not re.search(r"[^\W_]", _COUNTED_NOUN.sub(" ", rest)) else None


_COUNTED_NOUN = re.compile(
    r"\b(?:more|other|male|female|full|biological|in total|total|altogether|sisters?|brothers?|siblings?|friends?|"
    r"cousins?|colleagues?|people|persons?|children|schwestern|s(?:oe|œ)urs|hermanas|irm[ãa]s|sorelle|сест[её]р\w*)\b"
    r"|[个名人姐妹兄弟つ명]",
    re.I,
)
_QUESTION = re.compile(r"\?\W*$|^\W*how many\b(?!.*\? )", re.I)
_MISTAKEN = re.compile(rf"{words.REJECTED}|\bmistakes?\b", re.I)
_ELSEWHERE = re.compile(
    r"\bif\b[^.]{1,60}\bhad\b|\bhad (?:been|it|the)\b|\b(?:more generally|in general|suppose|by the way)\b", re.I
)
_DENIAL = re.compile(r"(?:では|じゃ)(?:ありません|ない)|(?:이|가) 아(?:닙|니)|\bdeğil\b|नहीं")
_IMAGINED = re.compile(r"\W*(?:now )?(?:imagine|picture) that\b", re.I)
_BUT = re.compile(
    r"\b(?:but|however|yet|whereas|actually|mais|aber|sondern|pero|sino|mas|ma|но)\b|但是?|しかし|하지만", re.I
)
_CONCLUSION = re.compile(
    r"'s (?:\w+ )?(?:brother|sister|friend|cousin|sibling)|\beach\b"
    r"|\b(?:the|a|every|her|his) (?:\w+ )?(?:brother|sister|friend)\b|\b(?:so|thus|hence|therefore|total)\b|=",
    re.I,
)


def _is_premise(text: str, counts: Counts) -> bool:
    """Whether a sentence repeats the numbers of the question, in their order, and concludes nothing."""
    if len(counts.stated) < 2 or counts.letters:
        return False
    values = [v.value for v in _values(text, "")]
    return values == list(counts.stated) and not _CONCLUSION.search(text)


# Numbers, as digits or words --------------------------------------------------------------------------------------

UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
UNITS += "seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_FOREIGN = (  # from 0 on
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn",
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize",
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis",
    "zero um dois três quatro cinco seis sete oito nove dez onze doze treze quatorze quinze dezesseis",
    "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici",
    "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать",
)
_WORDS = {word: n for n, word in enumerate(UNITS)} | {word: 10 * n for n, word in enumerate(TENS, 2)}
_OTHER_WORDS = {word: n for row in _FOREIGN for n, word in enumerate(row.split()) if word not in _WORDS and n > 1}
_OTHER_WORDS |= {"duas": 2, "zwoelf": 12, "fuenf": 5, "tres": 3, "sept": 7, "две": 2, "do": 2}
del _OTHER_WORDS["do"], _OTHER_WORDS["once"]
_WORD = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(TENS)})(?:[- ](?P<unit>{'|'.join(UNITS[1:10])}))?|{'|'.join(UNITS)}"
    rf"|(?P<other>{'|'.join(sorted(_OTHER_WORDS, key=len, reverse=True))}))\b",
    re.I,
)
_CJK = "零一二三四五六七八九十"
_CJK_NUMBER = re.compile(rf"^[^\w]{{0,4}}([{_CJK[1:]}])(?![{_CJK}])")
_DIGITS = re.compile(r"(?<![A-Za-z0-9_.])[-−]?[0-9]{1,15}(?:,[0-9]{3}(?![0-9])){0,5}(?:\.[0-9]{1,15})?(?![A-Za-z0-9_])")
_COUNTED = re.compile(
    r" (?:(?:more|other|male|female|full|biological) )?(?:sisters?|brothers?|siblings?|friends?|cousins?)\b", re.I
)
_NONE = re.compile(r"^\W*none\b|\bis none\b|(?<=\bhas )no\b|(?<=\bhave )no\b", re.I)


@dataclass(frozen=True, slots=True)
class _Value:
    start: int
    end: int
    value: str


def _values(text: str, letters: str) -> list[_Value]:
    """The numbers (or sums with letters) of a text, in order."""
    if letters:
        return [_Value(*m.span(), value) for m in _sum_pattern(letters).finditer(text) if (value := _sum(m.group()))]
    found = [_Value(*m.span(), _number(m.group())) for m in _DIGITS.finditer(text)]
    for m in _WORD.finditer(text):
        # "one" is a pronoun more often than a number: it counts before something that is counted, or alone.
        if m.group().lower() == "one" and not (_COUNTED.match(text, m.end()) or text.strip(" .!").lower() == "one"):
            continue
        if m["other"]:
            found.append(_Value(*m.span(), str(_OTHER_WORDS[m["other"].lower()])))
            continue
        number = _WORDS[m.group("tens").lower()] if m.group("tens") else _WORDS[m.group().lower()]
        found.append(_Value(*m.span(), str(number + (_WORDS[m.group("unit").lower()] if m.group("unit") else 0))))
    if not found:
        found = [_Value(*m.span(), "0") for m in _NONE.finditer(text)]
    return sorted(found, key=lambda v: v.start)


def _number(digits: str) -> str:
    """`7.0` -> 7, `1,000` -> 1000, `-2` -> -2, `7.5` -> 7.5."""
    value = Fraction(digits.replace(",", "").replace("−", "-"))
    return str(value.numerator) if value.denominator == 1 else str(float(value))


def _sum_pattern(letters: str) -> re.Pattern[str]:
    term = rf"(?:\d{{1,9}}(?:\.0)?|\b[{letters}]\b)"
    return re.compile(rf"{term}(?: ?[+−-] ?{term}){{0,8}}")


def _sum(text: str) -> str:
    """A sum of letters and numbers in canonical order: `1 + M` -> `M+1`."""
    constant, counts = 0, dict[str, int]()
    for sign, term in re.findall(r"([+−-]?) ?(\d+(?:\.0)?|[A-Za-z])", text):
        factor = -1 if sign in ("-", "−") and sign else 1
        if term[0].isdecimal():
            constant += factor * int(float(term))
        else:
            counts[term] = counts.get(term, 0) + factor
    parts = [f"{'+' if n > 0 else '-'}{abs(n) if abs(n) > 1 else ''}{name}" for name, n in sorted(counts.items()) if n]
    parts += [f"{constant:+d}"] if constant or not parts else []
    return "".join(parts).removeprefix("+")


# One stretch of text -> one value ---------------------------------------------------------------------------------

_EQUALS = re.compile(
    r"[=≈⇒→]|[-=]>|\bi\.e\.|\b(?:equals|that is|namely|giving|gives|makes|making)(?: us)?\b"
    r"|\b(?:so|thus|hence|therefore),? (?=\d|[A-Z]\b)|\b(?:for|in) a total of\b|\btotall?ing\b|\bwhich is\b"
    r"|\b(?:comes|amounts|adds up|add up) to\b"
    r"|\b(?:so|thus|hence|therefore),? (?:he|she|they|her brother|the brother) (?:has|have)\b"
    r"|\b(?:so|thus|hence|therefore|but|then),? (?:it|that)(?:'s| is| makes)\b",
    re.I,
)
_CUE = re.compile(
    r"(?:\b(?:it|that|there|which|answer)'s|\b(?:has|have|had|is|are|be|was|were|probably|likely|"
    r"hat|haben|ont|tiene|tienen|tem|têm|ha|hanno|имеет|"
    r"(?:we|you|i|one) (?:get|find|count|obtain)s?|total(?:s|ing)?(?: of| is)?|"
    rf"altogether|exactly|there are|answer|number|{words.ARRIVES})\b|\ba(?: en fait| donc)?(?= $)|有|には|に)"
    r"[^\d=]{0,40}$",
    re.I,
)
_CONCLUDES = re.compile(
    r"[\s-]*(?:so|thus|hence|therefore|but|result|solution|total|to sum up|in short|in summary|overall|in total|"
    r"in conclusion|conclusion|finally|i'd say|i would say|that's|that makes|it's|it is|this gives|that is)\b"
    r"[^\d]{0,25}$",
    re.I,
)
"""Stands before the number of a sentence that has little more than the number."""
_REASON = re.compile(
    r"[,;:(]? *\b(?:since|because|as (?:she|he|they|alice|all|each|both|the)|given that|given|including|counting|"
    r"consisting of|namely the|which (?:is|are|includes?|consists?)|where|not counting|excluding|"
    r"in addition to|plus alice|plus herself|the same as|assuming|if)\b",
    re.I,
)
_BOUND = re.compile(
    r"\b(?:at least|at most|more than|fewer than|less than|up to|minimum of|maximum of|approximately|about)$", re.I
)
_UNDECIDED = re.compile(
    r"\b(?:cannot|can't|can not|could not|couldn't|impossible to|unable to) (?:be )?(?:definitively |accurately |"
    r"exactly |precisely |conclusively |fully )?(?:determine|calculate|say|know|compute|find|answer|tell|ascertain|"
    r"conclude)|\b(?:undetermined|indeterminate|insufficient information|not enough information|unknown)\b",
    re.I,
)
_AND = re.compile(r"^[^.,;:]{0,25}\band\b[^.,;:]{0,15}$")
_UNWORKED = re.compile(r"\d ?[+×/] ?(?:\d|[a-z]\b)|\b[a-z] ?[+×/] ?\d", re.I)
_BETWEEN = re.compile(r"^ ?(?:or|to|–|-|and/or) ?$", re.I)


def _read(content: str, counts: Counts) -> tuple[str | None, str]:
    """(number, reason): the one number that a marked line gives as its answer, or None and the reason.

    A line that starts with a number gives that number. Otherwise sentences are read one by one, reasons and parentheses
    aside. In a sentence, a number after an equals sign comes before one after words such as "is" or "has". The first
    sentence that states a result counts, unless a later one draws a conclusion ("therefore").
    """
    undecided = _UNDECIDED.search(content)
    if undecided:
        return None, f"undecided: {undecided.group()!r}"
    weak: list[str] = []
    strong: list[str] = []
    reason = ""
    for sentence in sentences(_EXPLANATION.split(content, maxsplit=1)[0]):
        value, certain, why = _sentence_value(sentence, counts)
        reason = reason or why
        if value is None:
            continue
        (strong if certain else weak).append(value)
        if certain and not strong[1:] and _starts_with_number(sentence):
            break
        if len(strong) > 1 and _THEREFORE.search(sentence):
            strong.insert(0, value)
    # The first statement is the answer and the rest explains it, unless a later one is drawn as the conclusion.
    if strong:
        return strong[0], ""
    if not weak or reason:
        return None, reason or "the answer holds no number"
    if len(set(weak)) > 1:
        return None, f"several numbers: {', '.join(sorted(set(weak)))}"
    return weak[0], ""


_EXPLANATION = re.compile(r"\b(?:explanation|reasoning|justification)\b", re.I)
_THEREFORE = re.compile(r"\b(?:therefore|thus|so|hence|in conclusion|in total)\b", re.I)


def _starts_with_number(sentence: str) -> bool:
    return bool(re.match(r"[ \t$*_\"'(\[]*[-−\d]", sentence))


def _sentence_value(sentence: str, counts: Counts) -> tuple[str | None, bool, str]:
    """(value, certain, reason): the value of a sentence, whether the sentence states it as a result, and the reason if
    it has no value."""
    letters = counts.letters
    main = _main_clause(sentence, letters)
    values = _values(main, letters)
    if not values:
        return None, False, ""
    others: list[_Value] = []
    if counts.asked and not letters and (of_kind := _of_kind(main, values, counts.asked)) is not None:
        if not of_kind:
            return None, False, ""
        others = [v for v in values if v not in of_kind]
        values = of_kind
    equals = [m.end() for m in _EQUALS.finditer(main)]
    behind = [v for v in values if equals and v.start >= equals[-1]]
    if behind:
        values = behind
    for left, right in itertools.pairwise(values):
        if _BETWEEN.match(main[left.end : right.start]) and left.value != right.value:
            return None, False, f"several numbers: {left.value} or {right.value}"
    if any(_BOUND.search(main[: v.start].rstrip()) for v in values):
        return None, False, "a bound, not a number"
    if not letters and not behind and _UNWORKED.search(main):
        return None, False, "a sum that is not worked out"
    distinct = {v.value for v in values}
    if others:  # "has 2 brothers and 7 sisters": the number of brothers is blanked out
        main = "".join(" " if any(o.start <= i < o.end for o in others) else c for i, c in enumerate(main))
    cued = [v for v in values if _CUE.search(main[max(0, v.start - 60) : v.start])]
    first = values[0]
    if behind or (not letters and re.fullmatch(r"[\s$*_\"'(\[]*", main[: first.start])):
        return first.value, True, ""
    if cued:
        listed = [v.value for v in values if v.start > cued[-1].start and _AND.match(main[cued[-1].end : v.start])]
        if listed and listed[0] != cued[-1].value:
            return None, False, f"several numbers: {cued[-1].value} and {listed[0]}"
        return cued[-1].value, True, ""
    if len(distinct) == 1:
        return first.value, bool(letters or _CONCLUDES.match(main[: first.start])), ""
    return None, False, f"several numbers: {', '.join(sorted(distinct))}"


def _of_kind(main: str, values: list[_Value], asked: str) -> list[_Value] | None:
    """The values that count what is asked for, if the sentence counts several kinds; None if it does not show kinds."""
    kinds = [(v, m) for v in values if (m := _KIND_BEHIND.match(main, v.end) or _kind_before(main, v.start))]
    if not kinds:
        return None
    mine = [v for v, m in kinds if re.fullmatch(asked, m["kind"], re.I)]
    others = [v for v, m in kinds if v not in mine]
    if not others or (mine and len({v.value for v in mine}) > 1):
        return None
    kept = [v for v in values if v not in others]
    return mine or kept if mine or kept or len(others) == len(values) else None


_KIND = r"(?P<kind>(?:(?:fe)?male )?(?:sisters?|brothers?|siblings?|friends?|cousins?|colleagues?))\b"
_KIND_BEHIND = re.compile(rf" (?:(?:more|other|full|biological|additional) )?{_KIND}", re.I)
_KIND_BEFORE = re.compile(rf"(?:^|[^\w']){_KIND} ?(?::|=|-) ?$", re.I)


def _kind_before(main: str, end: int) -> re.Match[str] | None:
    """The kind before a number, as in "Sisters: 7"."""
    return _KIND_BEFORE.search(main[max(0, end - 30) : end])


_DASH = re.compile(r" (?:-|–|—|--) ")


def _main_clause(sentence: str, letters: str) -> str:
    """The sentence without parentheses and without reasons behind (or before) what it says."""
    bare = re.sub(r"\([^()]{0,300}\)", " ", sentence)
    if not re.search(r"\w", bare) or (letters and not _values(bare, letters)):
        bare = sentence  # "(7)", "has (M + 1) sisters"
    m = _REASON.search(bare)
    if m and any(_values(bare[e.end() :], letters) for e in _EQUALS.finditer(bare, m.start())):
        return bare  # "6 sisters plus Alice, i.e. 7"
    before, colon, after = bare.partition(": ")
    if not colon:
        before, colon, after = _DASH.split(bare, 1)[0], " - " if _DASH.search(bare) else "", _DASH.split(bare, 1)[-1]
    if colon and _values(before, letters) and not any(_EQUALS.finditer(after)):
        return before  # "7 sisters: Alice and her 6 sisters"
    while m:
        before = bare[: m.start()]
        if _values(before, letters):
            return before
        # "Since Alice has 3 brothers, each brother has 7 sisters": the reason ends at the comma.
        comma = bare.find(",", m.end())
        if comma < 0:
            return bare
        bare = bare[comma + 1 :]
        m = _REASON.search(bare)
    return bare


_MARKUP = str.maketrans({"*": None, "`": None, "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\u202f": " ", "\r": "\n"})


def _plain(text: str) -> str:
    """Without markdown emphasis and LaTeX furniture. Positions are not kept."""
    text = re.sub(r"(?<=\d)\*+(?=\d)", " × ", text).translate(_MARKUP).replace("__", "")
    text = text.replace("\\(", " ").replace("\\)", " ").replace("\\[", " ").replace("\\]", " ").replace("$", "")
    return (
        re.sub(r"\\(?:text|textbf|mathbf|mathrm|bm|bf) ?\{([^{}]{0,200})\}", r"\1", text)
        .replace("\\,", " ")
        .replace("{,}", ",")
    )
