"""How much room a server's context leaves for an answer: what servers report of it, and what is remembered.

Knows no HTTP. Numbers are taken from a server's message by linear patterns over a bounded excerpt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.models.refusals import LONGEST, Words
from harness.types import Request

LEAST = 16
"""The least number of tokens to ask for: the server decides whether a prompt fits, not our estimate."""

TOKENS_A_CHARACTER = 0.25
"""Tokens per character of English text, until a server's counts are known."""

TEMPLATE_CHARACTERS = 200
"""Characters that a chat template adds to a prompt, at most: without them the counts of short prompts would mislead
about long ones."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Token counts in a refusal, None for a count that it does not give.

    `at_least`: the prompt may be longer than `prompt`. `most` is the longest answer that the server gives, whatever the
    prompt. `about_answer`: the message speaks of the answer's length.
    """

    context: int | None = None
    prompt: int | None = None
    total: int | None = None
    most: int | None = None
    at_least: bool = False
    about_answer: bool = False


# What servers say -------------------------------------------------------------------------------------------------

_CODES = frozenset(
    "context_length_exceeded exceed_context_size_error context_window_exceeded model_context_window_exceeded "
    "model_max_prompt_tokens_exceeded string_above_max_length prompt_too_long input_too_long tokens_limit_reached "
    "context_limit_exceeded max_context_length_exceeded context_size_exceeded context_too_long request_too_large "
    "token_limit_exceeded max_tokens_exceeded string_too_long 1261".split()
)

# One pattern for all servers. Prompts: OpenAI, vLLM, SGLang, llama.cpp, LM Studio, Ollama, TGI, TensorRT-LLM, MLC,
# TabbyAPI, Anthropic, Gemini, Mistral, Cohere, xAI, DashScope, OpenRouter.
_TOO_LONG = re.compile(
    r"maximum (?:allowed )?(?:context|model|sequence|prompt|input) (?:token )?(?:length|size|window|count)"
    r"|(?:exceed|longer than|larger than|greater than)[^.\n]{0,40}(?:context|max_seq_len|max_model_len|"
    r"max_num_tokens|session_len|max_input_len|input length limit|number of (?:input )?tokens allowed)"
    r"|context (?:length|size|window|limit)[^.\n]{0,30}(?:exceed|overflow|reached)|not enough context"
    r"|(?:prompt|inputs?|messages?|request|conversation|text)\W{1,3}(?:[^.\n]{0,40}\W)?(?:is|are|was|were) too "
    r"(?:long|large|big)|too (?:long|large)[^.\n]{0,20} (?:for|to fit)[^.\n]{0,20} model|too many (?:input )?tokens"
    r"|(?:prompt|inputs?|messages?) too (?:long|large)|exceeded model token limit|token limit exceeded|max input limit"
    r"|(?:prompt|inputs?|messages?)(?: tokens?| token count)?(?: of \d+)? exceeds? (?:the )?(?:max|length|limit|model|"
    r"config)"
    r"|tokens to keep|trying to keep the first|loaded with context length"
    r"|`?inputs`? (?:tokens \+ |must have less than)|range of input length"
    r"|input (?:token count|length)[^.\n]{0,30} exceeds|prompt length[^.\n]{0,40}exceed"
    r"|reduce the length of (?:the |your |either )?(?:input|messages?|prompt|one|conversation)"
    r"|(?:request|body) too large",
    re.IGNORECASE,
)
_ANSWER_TOO_LONG = re.compile(
    r"max_(?:completion_|output_|new_)?tokens\W{1,3}(?:[^.\n]{0,40}\W)?(?:is |are )?too (?:large|big|high)"
    r"|at most \d+ (?:completion|output) tokens|range of [`']?max_(?:completion_|output_|new_)?tokens"
    r"|maximum (?:allowed )?(?:number of )?(?:output|completion) tokens|maximum tokens you requested exceeds"
    r"|max_(?:completion_|output_|new_)?tokens\W{1,3}(?:[^.\n]{0,40}\W)?(?:exceed|"
    r"(?:must|should|can ?not|can't) (?:be )?(?:exceed|less|at most|no more|more|greater|larger|smaller|lower|<|"
    r"between|within|in (?:the )?range))",
    re.IGNORECASE,
)
_ABOUT_ANSWER = re.compile(r"max_(?:completion_|output_|new_)?tokens|completion|output|tokens to generate", re.I)


def is_too_long(said: Words, status: int) -> bool:
    """Whether a server refuses a request because prompt, answer or both are longer than it can take."""
    if status == 413 or said.codes & _CODES:
        return True
    if status not in (400, 422, 500):
        return False
    text = _plain(said)
    return bool(_TOO_LONG.search(text)) or (status != 500 and bool(_ANSWER_TOO_LONG.search(text)))


_NUMBER = r"(\d{1,9})(?!\d)"
_CONTEXT = (
    rf"(?:context|model|sequence|maximum prompt|maximum input)[ _](?:length|size|window|limit|len)\b"
    rf"[^\d.\n+]{{0,30}}{_NUMBER}(?! \+)",
    rf"{_NUMBER}(?: tokens?)? maximum context",
    rf"(?:number of (?:input )?tokens allowed|max_(?:seq_len|model_len|num_tokens|input_len))\W{{1,4}}{_NUMBER}",
    rf"\d \+ \d{{1,9}} > {_NUMBER}",
    rf"too long: \d{{1,9}} tokens > {_NUMBER}",
    rf"must be <= {_NUMBER}",
    rf"input length limit {_NUMBER}",
)
_PROMPT = (
    rf"{_NUMBER} (?:tokens )?(?:in|from) (?:the |your )?(?:input )?(?:messages|prompt|input)",
    rf"{_NUMBER} (?:`?inputs?`?|prompt|text) tokens",
    rf"{_NUMBER} of text input",
    rf"{_NUMBER} \+ \d{{1,9}} > \d",
    rf"(?:prompt|input)(?: is)? too long: {_NUMBER}",
    rf"(?:prompt|input)s? (?:length )?\((?:total length |length )?{_NUMBER}",
    rf"(?:messages|input|prompt|request)\b[^.,\d\n]{{0,40}}{_NUMBER} tokens",
    rf"prompt length(?: \(total\))?\W{{1,3}}{_NUMBER}",
    rf"input token count \({_NUMBER}",
)
_TOTAL = (rf"requested (?:a total of |about )?{_NUMBER} tokens", rf"for a total of (?:at least )?{_NUMBER} tokens")
_MOST = (
    rf"at most {_NUMBER} (?:completion|output) tokens",
    rf"max_(?:completion_|output_|new_)?tokens\b[^\d\[\n]{{0,40}}\[ ?\d{{1,9}}, ?{_NUMBER}\]",
    rf"> {_NUMBER}, which is the maximum",
    rf"maximum tokens you requested exceeds the model limit of {_NUMBER}",
    rf"max_(?:completion_|output_|new_)?tokens\b[`'\"]?\W{{1,3}}(?:must|should|can(?:no|')t|has to) (?:be )?"
    rf"(?:exceed|at most|<=|less than or equal to|no more than|smaller than or equal to) [`'\"]?{_NUMBER}",
)


def read(said: Words) -> Lengths:
    """The counts in a refusal; llama.cpp gives them as fields."""
    text = _plain(said)
    return Lengths(
        said.numbers.get("n_ctx") or _first(_CONTEXT, text),
        said.numbers.get("n_prompt_tokens") or _first(_PROMPT, text),
        _first(_TOTAL, text),
        _first(_MOST, text),
        "at least" in text.lower(),
        bool(_ABOUT_ANSWER.search(text)),
    )


def _plain(said: Words) -> str:
    """The message without the commas within numbers (8,192)."""
    return re.sub(r"(?<=\d)[,_](?=\d{3}(?!\d))", "", said.text[:LONGEST])


def _first(patterns: Iterable[str], text: str) -> int | None:
    for pattern in patterns:
        if found := re.search(pattern, text, re.IGNORECASE):
            return int(found[1])
    return None


def listed(models: Any, name: str) -> int | None:
    """The context length in a server's list of models, for the model `name`, or for the only one; None if it has
    none."""
    rows = models.get("data") if isinstance(models, dict) else models
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    named = [row for row in rows if row.get("id") == name] or (rows if len(rows) == 1 else [])
    for row in named[:1]:
        meta = row["meta"] if isinstance(row.get("meta"), dict) else {}
        for place in (row, meta):
            for key in ("max_model_len", "loaded_context_length", "n_ctx", "context_length", "max_context_length",
                        "context_window", "max_seq_len", "n_ctx_train"):  # fmt: skip
                length = place.get(key)
                if isinstance(length, int) and not isinstance(length, bool) and LEAST <= length < 10**9:
                    return length
    return None


# What is kept of it -----------------------------------------------------------------------------------------------


class Room:
    """What is known of a server's context and of how it counts tokens; each reply may add to it."""

    def __init__(self) -> None:
        self.context: int | None = None
        self._most: int | None = None
        self._enforced = False
        self._ratio: float | None = None

    def limit(self, request: Request) -> int | None:
        """Tokens to ask for: what the request asks for, lowered to what the context leaves; None if it sets no limit. A
        limit that the user gave is kept, up to the length of the context, until the server has refused a request."""
        asked = request.sampling.max_tokens
        if asked is None:
            return None
        limit = min(asked, self._most or asked)
        if self.context is None:
            return limit
        if request.max_tokens_given and not self._enforced:
            return min(limit, self.context)
        return min(limit, max(self.context - self._estimate(request), LEAST))

    def answered(self, request: Request, prompt_tokens: int | None) -> None:
        """Learn from a reply's count of the prompt's tokens."""
        if prompt_tokens:
            self._ratio = max(self._ratio or 0.0, prompt_tokens / (_characters(request) + TEMPLATE_CHARACTERS))

    def after_refusal(self, request: Request, limit: int | None, said: Words) -> int | None:
        """Learn from a refusal. Returns the limit to ask again with, None if a smaller one would not help."""
        found = read(said)
        if limit is None:
            return None
        if found.most and found.most < limit and found.prompt is None:
            self._most = found.most
            return found.most
        context = found.context or (self.context if found.about_answer else None)
        prompt = found.prompt or (found.total - limit if found.total and found.total > limit else None)
        if context is None or (prompt is None and not found.about_answer):
            return None
        if found.context and found.context >= LEAST:
            self.context, self._enforced = found.context, True
        # vLLM counts a prompt no further than it must to refuse it: that many tokens are a lower bound.
        at_least = found.at_least or (prompt is not None and prompt == max(context - limit, 0) + 1)
        if prompt is None or at_least:
            prompt = max(prompt or 0, self._estimate(request))
        else:
            self.answered(request, prompt)
        fits = context - prompt
        if at_least:
            fits = min(fits, limit // 2)
        return fits if 0 < fits < limit else None

    def after_cut(self, limit: int | None, asked: int | None, prompt_tokens: int | None) -> int | None:
        """The limit that the prompt's true length leaves, after an answer was cut at a limit that our estimate had
        lowered. None if there is no more room."""
        if limit is None or asked is None or self.context is None or not prompt_tokens:
            return None
        fits = min(asked, self._most or asked, self.context - prompt_tokens)
        return fits if fits > limit else None

    def _estimate(self, request: Request) -> int:
        ratio = TOKENS_A_CHARACTER if self._ratio is None else self._ratio
        return int(ratio * (_characters(request) + TEMPLATE_CHARACTERS)) + 1


def _characters(request: Request) -> int:
    return sum(len(m.content) for m in request.messages)


def lowered(asked: int | None, limit: int | None, context: int | None) -> tuple[str, ...]:
    """A note if an answer was given less room than asked for, in a tuple; else an empty tuple."""
    if asked is None or limit is None or limit >= asked:
        return ()
    what = f"the context of {context} tokens leaves beside the prompt" if context else "the server gives at most"
    return (f"the limit of {asked} tokens an answer (--max-tokens) was lowered to what {what}",)
