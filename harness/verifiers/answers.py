"""Reading a number out of free text: the last answer that a response commits to, or the reason there is none.

Parsing only, no comparison: text in, value or reason out. Text is hostile: every pattern is linear and only
bounded stretches of it are looked at closely. Knows no task.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from fractions import Fraction

CLOSE_LOOK = 2_000
"""Characters of an answer line, or of the end of a text, that are read sentence by sentence."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """`answer` in canonical form ("7", "M+1"), or None with the reason; `marked` if it was said to be the answer."""

    answer: str | None
    reason: str = ""
    marked: bool = False


THINKING_TAGS = ("think", "thinking", "thought", "reasoning", "scratchpad")


def without_thinking(text: str) -> str:
    """The text after the last thinking section. One that was never closed leaves what stood before it."""
    for tag in THINKING_TAGS:
        lower = text.lower() if text.isascii() else text
        end = lower.rfind(f"</{tag}>")
        if end >= 0:
            text, lower = text[end + len(tag) + 3 :], lower[end + len(tag) + 3 :]
        start = lower.find(f"<{tag}>")
        text = text if start < 0 else text[:start]
    return text


def is_refusal(text: str) -> bool:
    """Whether a short text does nothing but decline."""
    return len(text) < 600 and bool(_REFUSAL.match(text.strip().replace("’", "'")))


_REFUSAL = re.compile(
    r"(?:i'm sorry|i am sorry|sorry)?,? ?(?:but )?i (?:cannot|can't|am unable to|am not able to|won't|will not) "
    r"(?:help|assist|answer|comply|provide|continue|do that)",
    re.IGNORECASE,
)

# What introduces an answer. "answer is" and "answer:" alike, with any number of # and markdown around it.
_MARKER = re.compile(
    r"\banswer\b(?: to [a-z' ]{1,60}| here)?[*_`\"'”)]{0,4} ?(?::|=|\bis\b:?|\bwould be\b|\bequals\b)"
    r"|^[*_# ]{0,4}a[*_]{0,2}:(?=[*_ ]{0,4}[-−\d])",
    re.I | re.M,
)
_BOXED = re.compile(r"\\(?:boxed|fbox) ?\{")
_RETRACTED = re.compile(
    r"\b(?:wait|hold on|hmm|oops)\b(?= *[,.!:…—-])|\b(?:correction|edit):|\b(?:scratch that|let me re\w*|"
    r"that(?:'s| is| was) wrong|i made (?:a|an) (?:mistake|error)|i was wrong(?! to)|on second thought|"
    r"apologies for the|it should be)\b",
    re.I,
)


def extract(text: str, letters: str = "") -> Extracted:
    """The last committed answer of a response: a whole or decimal number or, with `letters`, a sum such as M+1.

    In this order: the last of the marked answers ("### Answer: 7", "the answer is 7", boxed), unless it is
    taken back afterwards; a text that is nothing but a number; the last sentences, where one of them says how
    many. Several numbers of equal standing, bounds ("at least 3") and ranges are no answer.
    """
    plain = _BARE.fullmatch(text) if len(text) < 60 and not letters else None
    if plain:
        return Extracted(
            _number(plain.group(1)), marked=True
        )  # what a model that keeps to the form says: no need to look closely
    text = _plain(without_thinking(text))
    if not text.strip():
        return Extracted(None, "the response is empty")
    committed = _last_marked(text, letters)
    if committed is not None:
        return committed
    bare = _values(text.strip(" \n.*#'\"")[:100], letters) if len(text) < 100 else []
    if len(bare) == 1 and not re.sub(r"[^a-zA-Z]", "", text[: bare[0].start] + text[bare[0].end :]):
        return Extracted(bare[0].value)
    return _concluding(text[-CLOSE_LOOK:], letters)


_BARE = re.compile(r"[#*\s]*answer: ?([0-9]{1,15})[.\s]*", re.I)


def _last_marked(text: str, letters: str) -> Extracted | None:
    """The last marked answer, or None where nothing is marked."""
    spots = [(m.start(), m.end(), "heading" if _is_heading(text, m) else "prose") for m in _MARKER.finditer(text)]
    spots += [(m.start(), m.end(), "boxed") for m in _BOXED.finditer(text)]
    # "### Answer: 7" is meant as the answer; "the answer is" may stand in an explanation below it.
    headed = [spot for spot in spots if spot[2] != "prose"]
    for start, end, kind in sorted(headed, reverse=True) + sorted((s for s in spots if s[2] == "prose"), reverse=True):
        if kind == "boxed":
            content, after = _braced(text, end), end
        else:
            content, after = _answer_line(text, end)
            if not re.search(r"\w", content):
                continue  # the prompt's form quoted back, or a marker with nothing behind it
            if _BOXED.search(content):
                continue  # the box itself is among the spots
            if kind == "prose" and _REJECTED.search(text[max(0, start - 60) : start].rpartition(".")[2] + content[:60]):
                continue  # "a common wrong answer is 6"
        said = text[after : after + len(content) + CLOSE_LOOK]
        taken_back = _RETRACTED.search(said)
        if taken_back is None:
            return replace(_read(content, letters, needs_cue=False), marked=True)
        found = _read(content[: taken_back.start()], letters, needs_cue=False)
        return replace(_after_doubt(found, said[taken_back.end() :], letters), marked=True)
    return None


def _after_doubt(found: Extracted, tail: str, letters: str) -> Extracted:
    """What holds after "wait" or "correction": another answer, the same one again, or none."""
    again = _concluding(tail, letters)
    values = _values(tail, letters)
    if again.answer is not None:
        return again
    if values and (values[-1].value == found.answer or len({v.value for v in values}) == 1):
        return Extracted(values[-1].value)
    return Extracted(None, "the answer was taken back and no other was given")


def _is_heading(text: str, marker: re.Match[str]) -> bool:
    """Whether a marker stands at the start of a line, or behind #, and ends with a colon."""
    before = text[max(text.rfind("\n", 0, marker.start()) + 1, marker.start() - 40) : marker.start()]
    return marker.group().endswith((":", "=")) and bool(_HEADING.search(before))


_HEADING = re.compile(r"(?:^[\s>*_#`-]*(?:the )?|#+ ?)(?:final |correct )?$", re.I)
_REJECTED = re.compile(
    r"\b(?:wrong|incorrect|obvious|common|naive|tempting|mistaken|first glance|people|assumes?|would be|might|not)\b"
    r"|\bif\b",
    re.I,
)


def _answer_line(text: str, end: int) -> tuple[str, int]:
    """What follows a marker: the rest of its line or, if that is bare, the next line that is not."""
    position = end
    while position < len(text):
        stop = text.find("\n", position)
        stop = len(text) if stop < 0 else stop
        line = text[position : min(stop, position + CLOSE_LOOK)]
        if line.strip(" \t*_#`:>-"):
            return line, position
        position = stop + 1
    return "", len(text)


def _braced(text: str, start: int) -> str:
    """The text up to the brace that closes the one before `start`."""
    depth = 1
    for i in range(start, min(len(text), start + CLOSE_LOOK)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[start:i]
    return text[start : start + CLOSE_LOOK]


def _concluding(text: str, letters: str) -> Extracted:
    """An unmarked answer: the last sentence that says how many, within the last few."""
    before = re.split(r"\n\s*(?:here's why|explanation|reasoning|note)\b", text, maxsplit=1, flags=re.I)[0]
    sentences = [s for s in _sentences(before if _values(before, letters) else text) if s.strip()]
    for sentence in reversed(sentences[-6:]):
        found = _read(sentence, letters, needs_cue=True)
        if found.answer is not None:
            return found
        if _values(sentence, letters):
            return Extracted(
                None, found.reason or "no answer is marked, and the last numbers are not a statement of it"
            )
    return Extracted(None, "no answer is marked, and no sentence at the end says a number")


# Numbers, as digits or words --------------------------------------------------------------------------------------

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
_UNITS += "seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS = {word: n for n, word in enumerate(_UNITS)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
_WORD = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_TENS)})(?:[- ](?P<unit>{'|'.join(_UNITS[1:10])}))?|{'|'.join(_UNITS)})\b", re.I
)
_DIGITS = re.compile(r"(?<![\w.])[-−]?\d{1,15}(?:,\d{3}(?!\d)){0,5}(?:\.\d{1,15})?(?![\w])")
_COUNTED = re.compile(
    r" (?:(?:more|other|male|female|full|biological) )?(?:sisters?|brothers?|siblings?|friends?|cousins?)\b", re.I
)
_NONE = re.compile(r"\bnone\b|(?<=\bhas )no\b|(?<=\bhave )no\b", re.I)


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
        # "one" is a pronoun more often than a number: it counts where something is counted, or stands alone.
        if m.group().lower() == "one" and not (_COUNTED.match(text, m.end()) or text.strip(" .!").lower() == "one"):
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
        if term[0].isdigit():
            constant += factor * int(float(term))
        else:
            counts[term] = counts.get(term, 0) + factor
    parts = [f"{'+' if n > 0 else '-'}{abs(n) if abs(n) > 1 else ''}{name}" for name, n in sorted(counts.items()) if n]
    parts += [f"{constant:+d}"] if constant or not parts else []
    return "".join(parts).removeprefix("+")


# One stretch of text -> one value ---------------------------------------------------------------------------------

_EQUALS = re.compile(
    r"[=≈⇒→]|\bi\.e\.|\b(?:equals|that is|namely|giving|gives|makes|making)(?: us)?\b"
    r"|\b(?:so|thus|hence|therefore),? (?=\d|[A-Z]\b)|\b(?:for|in) a total of\b|\btotall?ing\b|\bwhich is\b"
    r"|\b(?:so|thus|hence|therefore),? (?:he|she|they|her brother|the brother) (?:has|have)\b",
    re.I,
)
_CUE = re.compile(
    r"\b(?:has|have|had|is|are|be|was|were|(?:we|you|i|one) (?:get|find|count|obtain)s?|total(?:s|ing)?(?: of| is)?|"
    r"altogether|exactly|there are|answer|number)\b"
    r"[^\d=]{0,40}$",
    re.I,
)
_CONCLUDES = re.compile(
    r"[\s-]*(?:so|thus|hence|therefore|result|solution|total|to sum up|in short|in summary|overall|in total|"
    r"in conclusion|conclusion|finally|i'd say|i would say|that's|that makes|it's|this gives|that is)\b[^\d]{0,25}$",
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


def _read(content: str, letters: str, needs_cue: bool) -> Extracted:
    """The one number that a line or sentence gives as its answer.

    A line that starts with a number gives that number. Otherwise sentences are read one by one, reasons and
    parentheses aside; what follows an equals sign wins, then what is said to be or to be had, then the last
    sentence. With `needs_cue` a number has to be said to be or to be had, be an equation's result, or stand alone.
    """
    undecided = _UNDECIDED.search(content)
    if undecided:
        return Extracted(None, f"undecided: {undecided.group()!r}")
    weak: list[str] = []
    strong: list[str] = []
    reason = ""
    for sentence in _sentences(_EXPLANATION.split(content, maxsplit=1)[0]):
        value, certain, why = _sentence_value(sentence, letters)
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
        return Extracted(strong[0])
    if needs_cue or not weak or reason:
        return Extracted(None, reason or "the answer holds no number")
    if len(set(weak)) > 1:
        return Extracted(None, f"several numbers: {', '.join(sorted(set(weak)))}")
    return Extracted(weak[0])


_EXPLANATION = re.compile(r"\b(?:explanation|reasoning|justification)\b", re.I)
_THEREFORE = re.compile(r"\b(?:therefore|thus|so|hence|in conclusion|in total)\b", re.I)


def _starts_with_number(sentence: str) -> bool:
    return bool(re.match(r"[ \t$*_\"'(\[]*[-−\d]", sentence))


def _sentence_value(sentence: str, letters: str) -> tuple[str | None, bool, str]:
    """(value, whether the sentence states it as a result, reason where there is none)."""
    main = _main_clause(sentence, letters)
    values = _values(main, letters)
    if not values:
        return None, False, ""
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


def _main_clause(sentence: str, letters: str) -> str:
    """The sentence without parentheses and without reasons behind (or before) what it says."""
    bare = re.sub(r"\([^()]{0,300}\)", " ", sentence)
    if not re.search(r"\w", bare) or (letters and not _values(bare, letters)):
        bare = sentence  # "(7)", "has (M + 1) sisters"
    m = _REASON.search(bare)
    if m and any(_values(bare[e.end() :], letters) for e in _EQUALS.finditer(bare, m.start())):
        return bare  # "6 sisters plus Alice, i.e. 7"
    before, colon, after = bare.partition(": ")
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


def _sentences(text: str) -> list[str]:
    """Sentences and lines; a full stop inside a number or after an abbreviation does not end one."""
    return re.split(r"(?<=[.!?])(?<!i\.e\.)(?<!e\.g\.)(?: +|$)(?=[A-Z\"'(#-]|$)|\n+", text)


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
