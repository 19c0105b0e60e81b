"""How answers to published questions are read: a letter, a word of a few, yes or no, a number, or a short text.

The value readers of this task (see harness.reading). Parsing only: they know what could be answered, not what is right.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from harness.reading import names, numbers, yes_no
from harness.reading.values import Marked, Reader, Value
from harness.tasks.hub.items import LETTERS

_LABELS = r"(?:correct |right |best )?(?:option|choice|letter|alternative|label|relation)"
_NAMED = r"(?:the )?(?:option|choice|letter|alternative|answer)s?:? ?"


def folded(text: str) -> str:
    """Words and symbols without case or punctuation, one blank between them: two spellings of one answer are equal,
    and "x > 2" is not "x < 2". Text without any word or digit, such as brackets, loses only its blanks."""
    raised = _RAISED.sub(r"^\g<0>", text)
    plain = unicodedata.normalize("NFKC", raised).casefold().replace("\u2212", "-").replace("\u2044", "/")
    if not _WORD.search(plain):
        return re.sub(r"\s+", "", plain)
    plain = plain.strip(" .,;:!?\"'")
    if wrapped := _WRAPPED.fullmatch(plain):
        plain = wrapped[1]
    return " ".join(m.group() for m in _PIECE.finditer(plain) if m.lastgroup != "other" or _symbol(m.group()))


def _symbol(character: str) -> bool:
    """Whether a character says something of its own. A dollar is a mark of LaTeX, a dash one of the sentence."""
    return character in _OWN or (unicodedata.category(character) in _KINDS and character not in "${}„‚")


_KINDS = ("Sm", "Sc", "Ps", "Pe")
"""Signs of mathematics and money, and brackets."""
_OWN = "%‰°&@/^¬¦"
_RAISED = re.compile(r"(?<=[^\W_]|[)\]])[⁰¹²³⁴-⁹]+")
_WRAPPED = re.compile(r"[(\[<{]([\w\s'.-]+)[)\]>}]")
"""Brackets around nothing but words are those of a list of options, or of taste."""
_WORD = re.compile(r"[^\W_]")
_PIECE = re.compile(
    r"(?:(?<![\w.])-)?\d+(?:[.,/]\d+)*|[^\W_]+"
    r"|(?<=\S )[-*](?= \S)|(?<=\w)\*(?=\w)"  # an operator; else a hyphen, a mark of bold type
    r"|(?<=\b[^\W_])-(?=[^\W_]\b)"
    r"|(?<=\w)#|(?P<other>[^\w\s*#-])"
)


# A letter -----------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def letter_reader(options: tuple[str, ...]) -> Reader:
    """Reads the letter of one option, or the option's own text; two letters joined by "or" give none."""
    letters = LETTERS[: len(options)]
    named = list(zip(letters, options, strict=True))
    texts = _only_once((folded(text), letter) for letter, text in named)
    as_written = _only_once((text.strip().casefold(), letter) for letter, text in named)
    patterns = _patterns(letters)

    def letter(text: str) -> Value | None:
        """A letter and nothing else, or an option as it is written: "C++" and "A∩B" are no letters then."""
        written = as_written.get(text.casefold()) if len(folded(text[:100])) > 1 else None
        whole = patterns.whole.fullmatch(text)
        return Value(written) if written else Value(whole[1].upper()) if whole else None

    def exact(text: str) -> Value | None:
        """The text of an option and nothing else."""
        if len(text) >= 2000:
            return None
        found = as_written.get(text.strip().casefold()) or texts.get(folded(_bare(text)))
        return Value(found) if found else None

    def marked(m: Marked) -> Value | None:
        text = _bare(m.text)
        if patterns.several.match(text):
            return Value(None, "several letters")
        if (whole := letter(text)) is not None:
            return whole
        begins = patterns.begins.match(text)
        return Value(begins[1]) if begins else exact(m.text)

    def stated(sentence: str, concludes: bool) -> Value | None:
        text = _bare(sentence)
        found = {m[1] or m[2] or m[3] for m in patterns.stated.finditer(text)}
        if concludes and not found and (m := patterns.whole.fullmatch(text)):
            found = {m[1].upper()}
        if len(found) > 1 or (found and patterns.several.search(text)):
            return Value(None, "several letters")
        return Value(found.pop()) if found else None

    def alone(line: str) -> Value | None:
        text = _bare(line)
        if (whole := letter(text)) is not None:
            return whole
        begins = patterns.begins.match(text)
        if begins and folded(_BEHIND.sub("", text[begins.end() :])) == folded(options[letters.index(begins[1])]):
            return Value(begins[1])
        return exact(line)

    return Reader(marked, stated, alone, _LABELS)


_BEHIND = re.compile(r"\A[).:\]]*\s*(?:[–—=-]\s+)?")
"""What stands between a letter and the option's text."""


def _only_once(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Text -> letter, without texts that two letters share: they choose neither."""
    found = list(named)
    counts = Counter(text for text, _ in found)
    return {text: letter for text, letter in found if counts[text] == 1}


class _Patterns(NamedTuple):
    """whole: nothing but a letter. begins: a letter before the option's text. several: two letters of equal standing.
    stated: a sentence that chooses a letter; "A" and "I" are words too, and need "option" before them."""

    whole: re.Pattern[str]
    begins: re.Pattern[str]
    several: re.Pattern[str]
    stated: re.Pattern[str]


@functools.cache
def _patterns(letters: str) -> _Patterns:
    one, sure = f"[{letters}]", f"[{letters.replace('A', '').replace('I', '')}]"
    named, because = rf"(?i:{_NAMED})", r"(?i: ?because| ?since| ?as\b)"
    return _Patterns(
        whole=re.compile(rf"\W*(?:{_NAMED})?\W*({one})\W*", re.I),
        begins=re.compile(
            rf"\W*?(?:{named}\W{{0,3}})?({one})(?=\W?[).:\]–—-]|[^\x00-\x7f]| ?[-–—=(\"“,;]|{because}| (?i:is)\b|\s*$)"
        ),
        several=re.compile(
            rf"\W*(?i:either |both )?(?:{named})?\W*{one}\W{{0,3}}(?:or|and|/|,|&)\W*(?:or )?(?:{named})?\W*{one}\b"
        ),
        stated=re.compile(
            rf"\b{named}\W{{0,3}}({one})\b\W{{0,3}}(?:(?i: ?is| ?seems| ?must| ?fits| ?would)\b|{because}|[.,;:!]|$)"
            rf"|\b(?i:is|be|choose|pick|select|say|chose|with|go for) (?:{named})?\W{{0,3}}({sure})\b\W{{0,3}}"
            rf"(?:{because}|[.,;:!)]|$)"
            rf"|\A\W*(?i:is|was|should be|must be):? (?:{named})?\W{{0,3}}({one})\b\W*\Z"
        ),
    )


def _bare(text: str) -> str:
    """Without the marks of bold type, code and LaTeX."""
    return _MARKUP.sub("", text).strip()


_MARKUP = re.compile(r"(?:(?!(?<= )\*(?= ))[*_`$\\])+(?:text(?:bf|tt|rm)?|mathrm|mathbf|boxed)?\{?|[{}]")


# Other answers ------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def label_reader(labels: tuple[str, ...]) -> Reader:
    """Reads one of a few words; of two, yes or no. "No entailment" is as good as "not entailment"."""
    if labels == ("yes", "no"):
        return yes_no.READER
    base = names.reader(tuple(sorted(labels)), _LABELS)
    words = "|".join(re.escape(label) for label in labels)
    without = re.compile(rf"\b(?:(?:there (?:is|was) )?no|non|without(?: any)?)[ -](?=(?:{words})\b)", re.I)

    return Reader(
        marked=lambda m: base.marked(m._replace(text=without.sub("not ", m.text))),
        stated=lambda sentence, concludes: base.stated(without.sub("not ", sentence), concludes),
        alone=lambda line: base.alone(without.sub("not ", line)),
        labels=_LABELS,
    )


NUMBER = numbers.reader()


_PHRASE = names.reader((), _LABELS)


_BRACKETS = re.compile(r"(?:[^\w\n]*Answer:[ \t*]*)?((?:[\[\](){}<>] ?)+)[*.]*\s*", re.I)


def brackets(response: str) -> str | None:
    """The brackets that a response ends with, "Answer: ] }"; None if it does not. A text without any word is no answer
    to the shared judge."""
    last = response.strip().rpartition("\n")[2] if len(response) < 50_000 else ""
    m = _BRACKETS.fullmatch(last[:400])
    return m[1].strip() if m else None


def _marked_text(m: Marked) -> Value | None:
    if re.fullmatch(r"\W*\S+ or \S+", m.text.strip()):
        return Value(None, "several answers")
    return _signed(m.text) or _as_written(m.text, _PHRASE.marked(m))


def _as_written(text: str, found: Value | None) -> Value | None:
    """A phrase with the symbols of the text, if the text has no other words: "x < 2", not "x 2"."""
    if found is None or found.value is None:
        return found
    said = _LEADING.sub("", _bare(text).strip(" .,;:!\"'"))
    return found._replace(value=said) if _words(said) == _words(found.value) else found


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


_LEADING = re.compile(r"\A(?:[>→⇒•=-]+ )+(?=[^\W\d_]{2})")
"""The mark of a quotation, a list or a conclusion."""


def _signed(text: str) -> Value | None:
    """A number below zero: in a phrase its sign is a dash."""
    said = _bare(text).removesuffix("です。").strip(" .\"'").replace("\u2212", "-")
    return Value(said) if re.fullmatch(r"-\d[\d,]*(?:\.\d+)?", said) else None


TEXT = Reader(
    marked=_marked_text,
    stated=lambda sentence, concludes: _signed(sentence) or _PHRASE.stated(sentence, concludes),
    alone=lambda line: _signed(line) or _as_written(line, _PHRASE.alone(line)),
    labels=_LABELS,
)
"""Reads a short phrase, as it is written."""
