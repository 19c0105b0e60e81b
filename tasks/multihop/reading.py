"""Reading a short answer out of free text: the phrase that a response commits to, then what it names.

Parsing only: text in, phrase or reason out. Text is hostile: every pattern is linear, and only bounded stretches are
looked at closely. Knows no gold answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from harness.verifiers.answers import without_thinking

LONGEST = 600
"""Characters of a line that are looked at."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a response gives as its answer, or None with the reason; `marked` if it was said to be the answer."""

    text: str | None
    reason: str = ""
    marked: bool = False


_HEADING = re.compile(r"^[\s>#-]{0,8}(?:(?:my|the) )?(?:(?:final|short|correct) )?answer ?[:=][ \t]*(.*)$", re.I | re.M)
_SAID = re.compile(
    r"\b(?:answer|answer to (?:the|this|your) question) (?:is|would be|must be)\b:?[ \t]*(.*)$", re.I | re.M
)
_BOXED = re.compile(r"\\boxed ?\{(?:\\text ?\{)?([^{}\n]{1,200})\}")
_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*")
_REJECTED = re.compile(r"^(?:not|wrong|in the|found|given by|that we)\b", re.I)
_RETRACTED = re.compile(
    r"\b(?:wait|hold on|hmm|oops)\b(?= *[,.!:…—-])|\b(?:correction|edit):|\b(?:scratch that|that(?:'s| is| was) wrong|"
    r"i made (?:a|an) (?:mistake|error)|i was wrong|on second thought)\b",
    re.I,
)
_MARKUP = str.maketrans({"*": None, "`": None, "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\r": "\n"})


def read(response: str) -> Phrase:
    """The last marked answer ("Answer: X", "the answer is X", boxed) unless it is taken back afterwards; else the
    one bold phrase of the last line; else a first line of at most four words; else the last sentence."""
    if len(response) < 60 and response.isascii() and not _SPECIAL.search(response):
        text = response.strip()
        return Phrase(text) if text else Phrase(None, "the response is empty")
    said = without_thinking(response)
    text = said.translate(_MARKUP).replace("__", "")
    if not text.strip():
        return Phrase(None, "the response is empty")
    marked = _marked(text)
    if marked is not None:
        return marked
    bold = [m.strip(" :.") for m in _BOLD.findall(said[-2 * LONGEST :].rstrip().rpartition("\n")[2])]
    if len(set(bold)) == 1:
        return Phrase(bold[0])
    lines = [line.strip() for line in text.strip().split("\n") if line.strip()]
    if len(lines) > 1 and len(lines[0]) <= 60 and len(lines[0].split()) <= 4 and not lines[0].endswith((":", ",")):
        return Phrase(lines[0])
    return Phrase(_last_sentence(lines[-1][-LONGEST:]))


_SPECIAL = re.compile(r"[\n*`<\\_]|answer", re.I)


def _marked(text: str) -> Phrase | None:
    for pattern in (_HEADING, _BOXED, _SAID):
        for m in reversed(list(pattern.finditer(text))):
            phrase = m[1][:LONGEST].strip()
            if not phrase and pattern is not _BOXED:
                phrase = text[m.end() : m.end() + LONGEST].strip().split("\n", 1)[0].strip()
            if not phrase or (pattern is _SAID and _REJECTED.match(phrase)):
                continue  # nothing behind the marker, or "the answer is not ..."
            boxed = _BOXED.search(phrase)
            phrase = boxed[1] if boxed else phrase
            doubt = _RETRACTED.search(text[m.start(1) : m.start(1) + 4 * LONGEST])
            if doubt is None:
                return Phrase(phrase, marked=True)
            tail = text[m.start(1) + doubt.end() :].strip(" ,.!:-…—\n")
            if not tail:
                return Phrase(None, "the answer was taken back and no other was given", marked=True)
            return Phrase(_last_sentence(tail[-LONGEST:].rpartition("\n")[2]), marked=True)
    return None


def _last_sentence(line: str) -> str:
    return re.split(r"(?<=[.!?])\s+(?=[A-Z\"'(])", line.strip())[-1]


# What a phrase names ----------------------------------------------------------------------------------------------

_NO_ANSWER = re.compile(
    r"\b(?:unanswerable|unknown|undetermined)\b|"
    r"\b(?:can ?not|can't|could not|couldn't|impossible to|unable to) (?:be )?(?:definitively |reliably )?"
    r"(?:determined?|answer(?:ed)?|identif(?:y|ied)|say|tell|know|find|found|conclude|infer(?:red)?)\b|"
    r"\b(?:not enough|insufficient|no) (?:information|evidence|answer|data|mention)\b|"
    r"\bi (?:do not|don't) (?:have|know)\b|"
    r"\b(?:do not|does not|don't|doesn't|did not|is not|isn't|are not|never) (?:explicitly |directly |actually )?"
    r"(?:say|state|mention|provide|specify|contain|give|include|tell|indicate)(?:d|ed|n|s)?\b|"
    r"\bnot (?:stated|mentioned|given|provided|specified|known)\b",
    re.I,
)
_BUT = re.compile(r"\b(?:but|however|although|though|still|nevertheless)\b", re.I)
_WORDS = re.compile(r"\w+")
_YES_NO = re.compile(r"\b(yes|no)\b", re.I)


def declines(phrase: str) -> bool:
    """Whether the phrase says that the question can't be answered, and says nothing else behind a "but"."""
    m = _NO_ANSWER.search(phrase)
    return bool(m) and not _BUT.search(phrase, m.end())  # type: ignore[union-attr]


def yes_or_no(phrase: str) -> str | None:
    """The yes or no that a phrase starts with, or the only one that it holds."""
    found: list[str] = [word.lower() for word in _YES_NO.findall(phrase)]
    if found and (len(set(found)) == 1 or re.match(r"\W*(?:yes|no)\b", phrase, re.I)):
        return found[0]
    return {"true": "yes", "false": "no"}.get(phrase.strip(" .!").lower())


def named(phrase: str, candidates: Collection[str]) -> tuple[str | None, str]:
    """(the one candidate that a phrase names, reason where there is none).

    Of several the one that the phrase starts with ("Rikvon, whom Tazkel taught"), else the last one behind the
    last "is" or colon; with "or" between them there is none. Candidates are single words.
    """
    by_word = {name.lower(): name for name in candidates}
    found = [by_word[word] for word in _WORDS.findall(phrase.lower()) if word in by_word]
    if not found:
        return None, "none of the names that could be the answer"
    if len(set(found)) == 1:
        return found[0], ""
    if re.search(r"\b(?:or|either|and/or)\b", phrase):
        return None, f"several names: {', '.join(dict.fromkeys(found))}"
    if _WORDS.findall(phrase.lower())[:1] == [found[0].lower()]:
        return found[0], ""
    behind = [by_word[w] for w in _WORDS.findall(re.split(r"\bis\b|:", phrase.lower())[-1]) if w in by_word]
    if len(set(behind)) == 1:
        return behind[0], ""
    return None, f"several names: {', '.join(dict.fromkeys(found))}"
