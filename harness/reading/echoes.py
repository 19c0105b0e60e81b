"""What a response repeats of its prompt. An instruction is no answer, and neither are the facts that stand before it.

Text in, text out; knows no task: a task brings the pattern of how its own prompts begin.
"""

from __future__ import annotations

import re

from harness.reading.quick import Phrases, split
from harness.reading.words import either

_FORM = r"(?:an? |the |one |only )?(?:single )?(?:last |final |own )?(?:line|word|sentence|result|[\"'`])"
_NAME = "(?:(?:final|correct|missing|single) ){0,2}(?:answer|result|part|plan)"
_TOLD = either(rf"""
    (?:end|finish|conclude)(?: (?:the|your) (?:response|answer|reply|text))? with (?:{_FORM}|one of)
    (?:end|finish|conclude) (?:the|your) (?:response|answer|reply|text)\b
    answer (?:only |just )?with (?:yes|no|one|two|an?|the|either|your|only|just|what|true)\b(?! ?:)
    answer (?:only |just )?yes(?:,? or no|, no,? or)\b | answer the question\b(?= (?:from|with|as|in|by|using)\b|\.)
    (?:give|provide|write|state|return|output|print)(?: then)? (?:the|your|an?) {_NAME}\b(?! ?:)
    do not output any\b | list every\b | the number is that of\b | you may think first\b
    finish the (?:sentence|statement)(?=\.)
    (?:if|where) there is no (?:such )?(?:plan|way)[^.:\n]{{0,40}}, (?:answer|the answer is) ?[\"'`]
    if the documents do not say what is needed, answer\b
""")
_BEGINS = (
    r"(?:^|(?<=[.!?:)] )|(?<=\.))[*_>#\-\"' ]{0,6}"
    r"(?:(?:please|(?:to|before|let's|think|solve)\b[^.:?!\n]{1,100}?(?:,|\band)(?: and| then)?) )?"
)
_ENDS = r"[^\n]*?(?:nothing else:|[.!?]+[\"'`]{0,2}(?=\s|$|[A-Z])|$)"
_INSTRUCTION = Phrases(told="|".join(f"{_BEGINS}{told}{_ENDS}" for told in split(_TOLD)))
"""A sentence that says how to answer, with the words of somebody who asks: "End with a line ..." """
_ASKED = re.compile(r"^[^\n]*\?[\"')*_ ]*$", re.M)
_WORD = re.compile(r"[^\W_]")


def instructions(text: str) -> list[tuple[int, int]]:
    """Where a text says how to answer, as spans of characters; sentences that follow each other are one."""
    found: list[tuple[int, int]] = []
    for m in _INSTRUCTION.finditer(text):
        if found and not _WORD.search(text[found[-1][1] : m.start()]):
            found[-1] = (found[-1][0], m.end())
        else:
            found.append(m.span())
    return found


def without(text: str, spans: list[tuple[int, int]]) -> str:
    """The text without some of its stretches; an empty line stands in place of each."""
    kept, position = [], 0
    for start, end in spans:
        kept.append(text[position:start])
        position = end
    return "\n\n".join([*kept, text[position:]]) if spans else text


def behind_prompt(text: str, told: list[tuple[int, int]], prompt: re.Pattern[str] | None) -> tuple[str, list[str]]:
    """(before, behind): what stands before a prompt that the text repeats, and what stands behind it, in as many ways
    as there may be to part the prompt from an answer: the longest first. `behind` is empty if it repeats none.

    A prompt goes from its first words to the instructions that end it. If these stand in its first line and it has not
    asked anything yet, it ends with them or with the last question.
    """
    begins = prompt.search(text) if prompt is not None else None
    if begins is None:
        return text, []
    before = text[: begins.start()]
    if told and told[0][0] < begins.start() and not _WORD.search(text[: told[0][0]]):
        before = ""
    last = next((span for span in told if span[1] > begins.end()), None)
    if last is None:
        return before, []
    behind = [text[last[1] :]]
    if not any(sign in text[begins.start() : last[0]] for sign in "?\n"):
        asked = [m.end() for m in _ASKED.finditer(behind[0])]
        behind += [behind[0][asked[-1] :]] if asked else []
    return before, behind


def own_words(text: str, prompt: re.Pattern[str]) -> str:
    """What a text says behind the prompt with which it begins; the text itself if it begins otherwise."""
    if not prompt.match(text):
        return text
    _, behind = behind_prompt(text, instructions(text), prompt)
    return behind[-1] if behind else text
