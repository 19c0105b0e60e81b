"""Reading a name: which of the possible names a response gives as its answer, or the phrase that it gives instead.

The value reader of answers that name something. All names that could be the answer are read alike, the right one too.
Text in, name or reason out; knows no task and no right answer.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from typing import NamedTuple

from harness.reading import words
from harness.reading.values import Marked, Reader, Value, sentences

CLOSE_LOOK = 600
"""Characters of a line or sentence that are looked at."""
MOST_WORDS = 30
"""A phrase of more words than this is no answer but an essay."""


@functools.lru_cache(maxsize=2048)
def reader(known: tuple[str, ...], labels: str = "", shape: str = "", given: str = "") -> Reader:
    """A reader of one of the `known` names. If none are known, it reads a name of the `shape` (NAME or DESCRIPTION)
    that is not `given`, or, without a shape, any short phrase. `given` is the name in the question: a sentence with it
    counts before one that states a fact about something else.

    A denied name does not count. Several names in a sentence give no answer if "or" or "and" joins them. Otherwise the
    first of these counts: the name that ends the sentence behind "so"; the name that begins the sentence, if it goes on
    about that name ("Rikvon, whom ..."); the name to which the sentence leads ("is", "named", "from"). A phrase without
    a known name counts only if no name is found anywhere else.
    """
    names = _Names(known, shape, given)
    return Reader(
        marked=lambda m: _marked(m, names),
        stated=lambda sentence, _: _stated(sentence, names),
        alone=lambda line: _alone(line, names),
        labels=labels,
    )


_CAPITAL = r"(?:[A-Z]\.|[A-Z][\w'’-]+|[A-Z])"
_PARTICLE = r"(?:(?:de|van|von|der|den|la|le|di|da|del|bin|al|el|du|af|of) ){0,2}"
NAME = rf"\b{_CAPITAL}(?: {_PARTICLE}{_CAPITAL}){{1,4}}(?![\w'’-])"
DESCRIPTION = rf"\b[Tt]he \w+ (?:of|in|at|behind|called) [^,.;:!?\n\"()]{{1,60}}?{_CAPITAL}(?: {_CAPITAL}){{0,4}}"
"""Shapes of answers: two to five words with capitals; "the author of the novel Late Lantern"."""


_LETTERS = re.compile("[0-9a-z\u00c0-\u024f\u0400-\u04ff]+")
"""A word of a name. Not \\w: in Japanese no blank follows a name."""
_JOINT = re.compile(r"[\s_\-\u2010-\u2015'\"*`]+")


class _Mention(NamedTuple):
    name: str
    start: int
    end: int


class _Names:
    """Names to be found in a text: known ones in any spelling of case, accents, hyphens and articles; else by shape."""

    def __init__(self, known: tuple[str, ...], shape: str, given: str) -> None:
        self.by_key = {_key(name): name for name in known if _key(name)}
        self.given, self.shape = _key(given), re.compile(shape) if shape and not known else None

    @functools.cached_property
    def swapped(self) -> dict[frozenset[str], str]:
        """Known names of two words, by the set of the words: for "Haselbrook, Elias"."""
        return {frozenset(key.split()): name for key, name in self.by_key.items() if key.count(" ") == 1}

    @functools.cached_property
    def by_word(self) -> dict[str, list[tuple[str, list[str]]]]:
        """The known names by their first word, longer ones first, each with its words. No pattern is compiled: the
        names differ from sample to sample, and that would take as long as a thousand lookups."""
        found: dict[str, list[tuple[str, list[str]]]] = {}
        for key in sorted(self.by_key, key=len, reverse=True):
            words = _LETTERS.findall(key)
            if " ".join(words) == key:
                found.setdefault(words[0], []).append((key, words))
        return found

    @functools.cached_property
    def others(self) -> re.Pattern[str] | None:
        """Names in other letters (Japanese, Chinese, Korean ...), which are not set off by blanks."""
        keys = sorted((k for k in self.by_key if " ".join(_LETTERS.findall(k)) != k), key=len, reverse=True)
        return re.compile("|".join(_JOINT.pattern.join(map(re.escape, k.split())) for k in keys)) if keys else None

    def spelt(self, low: str) -> list[_Mention]:
        """Where the known names stand, in any spelling, from left to right, without names within longer ones."""
        words = list(_LETTERS.finditer(low))
        found: list[_Mention] = []
        i = 0
        while i < len(words):
            step = 1
            for key, wanted in self.by_word.get(words[i].group(), ()):
                run = words[i : i + len(wanted)]
                if [w.group() for w in run] == wanted and all(
                    _JOINT.fullmatch(low, one.end(), other.start()) for one, other in itertools.pairwise(run)
                ):
                    found.append(_Mention(self.by_key[key], run[0].start(), run[-1].end()))
                    step = len(wanted)
                    break
            i += step
        if self.others is not None:
            found += [_Mention(self.by_key[_key(m.group())], *m.span()) for m in self.others.finditer(low)]
            found.sort(key=lambda m: m.start)
        return found

    @property
    def anything(self) -> bool:
        """Whether any phrase may be an answer."""
        return not self.by_key and self.shape is None

    def mentions(self, text: str) -> list[_Mention]:
        """Where a text has one of the names and does not deny it."""
        low = folded(text)
        if self.shape is None:
            found = self.spelt(low)
        else:
            found = [_Mention(_COMMON_START.sub("", m.group()), *m.span()) for m in self.shape.finditer(text)]
            found = [
                m for m in found if self.given not in (_key(m.name), _key(m.name).removesuffix(" s")) and " " in m.name
            ]
        return [
            m for m in found if not _DENIED.search(low[max(0, m.start - 30) : m.start]) and not _OUT.match(low, m.end)
        ]


_COMMON_START = re.compile(
    r"^(?:(?:The|So|It|It's|That's|This|That|Therefore|Thus|Hence|My|Based|In|According|And|But|Final|Answer|Name|Yes|"
    r"No|Well|Mr|Mrs|Ms|Dr)\.? )+"
)
_OUT = re.compile(
    r"[\W_]{0,3}(?:is|was) (?:out\b|wrong|incorrect|not\b|excluded|"
    r"(?:just |only |merely )?an? (?:distractor|decoy|red herring))"
    r"|[\W_]{0,3}(?:is|was)(?:n't| never)\b|[\W_]{0,3}(?:wird nur|ist nur|n'est qu|es solo|è solo|"
    r"é apenas|只是|не подходит)"
)
_DENIED = re.compile(
    r"\b(?:not|never|isn't|wasn't|neither|nor|rather than|instead of|as opposed to|unlike|except|exclud\w+|"
    r"consider(?:ed|ing)|ruled out|dismissed|thought of) (?:\w+ ){0,2}$"
)


_SIMPLE = re.compile(r"[A-Za-z]{2,}(?: [A-Za-z]+)*", re.ASCII)


@functools.lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """The text in lower case and without accents; each character becomes one character."""
    if text.isascii():
        return text.lower()
    return "".join(
        next((d for d in unicodedata.normalize("NFKD", c) if not unicodedata.combining(d)), c) for c in text.lower()
    )


def _key(name: str) -> str:
    """The words of a name without its article: all spellings of the name have them in common."""
    if _SIMPLE.fullmatch(name):
        return name.lower().removeprefix("the ")
    said = re.findall(r"[^\W_]+", folded(name))
    return " ".join(said[1:] if len(said) > 1 and said[0] in ("the", "a", "an") else said)


_FURNITURE = re.compile(r"[*`_\"\[\]{}()<>#👉✅•]+|^\W*(?:\d{1,2}[.)]|[-+•])[ \t]+|\\boxed\b|\\(?=[a-z])")


def _said(text: str) -> str:
    return re.sub(r" {2,}", " ", _COPULA.sub("", _FURNITURE.sub(" ", text[:CLOSE_LOOK]))).strip(" \t.,;:!…-–—=>→。")


_COPULA = re.compile(r"(?:です|でした|である|だ|입니다|이다|예요|이에요)[\s。.!]*$")


def _alone(line: str, names: _Names) -> Value | None:
    if (name := names.by_key.get(line.lower().removeprefix("the "))) is not None:
        return Value(name)
    if line.rstrip(" *_")[-1:] == "?":
        return None
    said = _HONORIFIC.sub("", _FILLER.sub("", _REMARK.sub("", _said(line)))).strip(" .,;:!'")
    key = _key(said)
    if not key or len(said) > 200:
        return None
    if key in names.by_key:
        return Value(names.by_key[key])
    if "," in said and frozenset(key.split()) in names.swapped:
        return Value(names.swapped[frozenset(key.split())])
    if names.anything:
        return Value(said) if _is_phrase(said, line) else None
    found = names.mentions(said)
    if names.shape is not None:
        whole = len(found) == 1 and not re.search(r"[^\W_]", said[: found[0].start] + said[found[0].end :])
        lower = re.fullmatch(r"[a-z][\w'’-]+(?: [a-z][\w'’-]+){1,3}", said) and not _NO_PHRASE.match(said)
        return Value(found[0].name) if whole else Value(said, aside=True) if lower and len(line) < 60 else None
    label = re.fullmatch(r"[\w' ]{1,40}(?::| =| -) ?", said[: found[0].start]) if len(found) == 1 else None
    if label and not said[found[0].end :].strip(" ."):
        return Value(found[0].name)
    if (
        found
        or not (re.fullmatch(r"(?:[A-Z][\w'.-]* ?){1,4}", said) or re.fullmatch(DESCRIPTION, said))
        or _NO_PHRASE.match(said)
        or line.rstrip().endswith(":")
    ):
        return None
    return Value(said, aside=True)


_REMARK = re.compile(r" \([^()]{0,200}\)")
_HONORIFIC = re.compile(r"^(?:mr|mrs|ms|dr|prof|sir|lady|saint|st)\.? (?=\w)", re.I)
_FILLER = re.compile(
    r"^(?:(?:it(?:'s| is| was)|that(?:'s| is| would be)|is|probably|possibly|likely|maybe|by|named|called|"
    r"i (?:think|believe|guess)(?: it is| it's)?),? )+",
    re.I,
)
_NO_PHRASE = re.compile(
    rf"\W*(?:your|okay|ok|sure|certainly|of course|yes|no|here|let|let's|to|"
    r"first|step|given|reasoning|thinking|thought|"
    rf"answer|summary|analysis|solution|the answer|based|according|looking|we|i|now|well|alright|hmm|wait|question|"
    rf"document|{words.EXPLANATION}|{words.THEREFORE})\b",
    re.I,
)


def _is_phrase(said: str, line: str) -> bool:
    """Whether a line may be an answer of its own if nothing is known about possible answers."""
    return (
        0 < len(said.split()) <= 8 and not _NO_PHRASE.match(said) and not line.rstrip(" *_").endswith((":", ",", "?"))
    )


def _marked(stretch: Marked, names: _Names) -> Value | None:
    line = stretch.text[:CLOSE_LOOK]
    if names.anything:
        said = _said(next(iter(sentences(line)), ""))
        fits = said and len(said.split()) <= MOST_WORDS and not _EMPTY.match(said)
        return Value(said[:200]) if fits else None
    alone = _alone(line, names)
    if alone is not None and not alone.aside:
        return alone
    for part in (next(iter(sentences(line)), ""), line):
        value = _of_several(part, names)
        if value is not None:
            return value
    said = _said(next(iter(sentences(line)), "")) if stretch.sure else ""
    short = 0 < len(said.split()) <= MOST_WORDS and re.search(r"[^\W\d_]", said) and not _EMPTY.match(said)
    return Value(said[:200], aside=True) if short else None


_EMPTY = re.compile(
    r"(?:your (?:final )?answer|answer here|insert\b|placeholder|x+$|above|below|see|as (?:above|follows|stated)|"
    r"the following|here|given|in the|found|not|wrong|that we)\b",
    re.I,
)


def _stated(sentence: str, names: _Names) -> Value | None:
    text = sentence[-CLOSE_LOOK:]
    if names.anything:
        bold = re.findall(r"\*\*([^*\n]{1,80})\*\*", text)
        said = _said(bold[-1] if len(set(bold)) == 1 else text)
        fits = said and len(said.split()) <= MOST_WORDS and not text.rstrip().endswith("?")
        return Value(said[:200]) if fits else None
    if _BESIDE.search(text) or re.search(r"\?\W*$", text):
        return None
    if SPECULATES.search(text):
        value = _of_several(text, names)
        return value and value._replace(aside=True)
    bold = [m.name for b in re.findall(r"\*\*([^*\n]{1,80})\*\*", text) for m in names.mentions(b)]
    if len(set(bold)) == 1:
        return Value(bold[0])
    if not names.given:
        return _of_several(text, names)
    if names.given not in _key(text):
        value = _of_several(text, names)
        return value and value._replace(aside=value.value is not None and bool(_FACT.search(text)))
    clauses = [c for c in _CLAUSES.split(text) if names.given in _key(c) and names.mentions(c)]
    return _of_several(clauses[-1] if clauses else text, names)


_FACT = re.compile(r"\b(?:is|was) (?:the|an?|also)\b", re.I)
_CLAUSES = re.compile(r"; |, (?:while|whereas|but|and|though|although) ")
SPECULATES = re.compile(r"\b(?:guess|might|may be|could|if (?:one|i|we|you)|speculat\w+|candidates?)\b", re.I)
_BESIDE = re.compile(
    r"\b(?:different|something else|(?:an)?other (?:one|entry|person)|not (?:him|her|it|them|related|relevant)|"
    r"unrelated|irrelevant|distractor|mistake|trap|(?:is|are) (?:also )?mentioned|might (?:think|say)|confus\w+|"
    r"mix(?:ed)? up|does not|doesn't|do not)\b",
    re.I,
)


def _of_several(text: str, names: _Names) -> Value | None:
    """The one name that a text gives, or the reason why it gives none of several; None if it has no name."""
    found = names.mentions(text)
    text = folded(text)
    if not found:
        return None
    if len({m.name for m in found}) == 1:
        return Value(found[0].name)
    for left, right in itertools.pairwise(found):
        if left.name != right.name and _OR.fullmatch(text[left.end : right.start]):
            return Value(None, f"several names: {left.name} or {right.name}")
        between = text[left.end : right.start]
        if left.name != right.name and _LISTED.fullmatch(between) and ("," not in between or names.by_key):
            return Value(None, f"several names: {left.name} and {right.name}")
    if _SO.search(text[: found[-1].start]) and not re.search(r"\w", text[found[-1].end :]):
        return Value(found[-1].name)
    # "Rikvon, whom Tazkel taught", "Fuzfuk is the firm that powers Gukzuk"
    if not re.search(r"\w", text[: found[0].start].replace("the ", "")) and _GOES_ON.match(text[found[0].end :]):
        return Value(found[0].name)
    led = [m for m in found if _LEADS.search(text[: m.start])]
    if led and not any(m.start > led[-1].end and not _BEHIND.match(text[led[-1].end :]) for m in found):
        return Value(led[-1].name)
    if len({m.name for m in led}) == 1:
        return Value(led[0].name)
    return Value(None, f"several names: {', '.join(dict.fromkeys(m.name for m in found))}")


_OR = re.compile(rf"[\W_]*(?:{words.OR})(?: (?:it (?:is|may be|could be)|maybe|perhaps|the))?[\W_]*", re.I)
_SO = re.compile(
    r"\b(?:so|therefore|thus|hence|meaning|which means)\b[^\w]*(?:(?:the answer is|it is|it's|that is) )?(?:the )?$"
)
_LISTED = re.compile(r" ?(?:,|/|&|, ?and|and|,? as well as) ?(?:the )?")
_GOES_ON = re.compile(
    r"[\W_]*(?:$|[,;(–—.:]|(?:is|was) (?:the|a|an|one|who|what|correct|right)\b|because|since|as|whom?|which|that|and|"
    r"comes|came)"
)
_LEADS = re.compile(
    rf"(?:\b(?:{words.ARRIVES}|is|was|are|be|says?|named|names|called|to|from|by|as|answer)|[:=→>])[\W_]*(?:the )?$"
)
_BEHIND = re.compile(r"[\W_]{0,3}[,;(.–—]|[\W_]*(?:and|because|since|as|who|which|where|not|but|from|in|by|whose)\b")
