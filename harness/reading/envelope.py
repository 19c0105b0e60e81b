"""The envelope of a response: template tokens, thinking, turns, and the notations that an answer is wrapped in.

`clean` and `cuts` are for every task; `open_notations` is for short answers (a plan keeps its lists and tables, which
the reader of plans knows). Text in, text out; positions are not kept. Everything is linear in the text.
"""

from __future__ import annotations

import html
import itertools
import json
import re
import unicodedata
from collections.abc import Iterator

from harness.reading import words

# Thinking ----------------------------------------------------------------------------------------------------------


def _tags(names: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern for opening and closing tags; a closing tag matches a group with a name `close...`."""
    return re.compile(
        rf"<(?P<close>/)?(?:[a-z]{{1,12}}:)?(?:{'|'.join(names)})(?: [^<>\n]{{0,80}})?>"
        r"|\[(?P<close2>/)?(?:THINK|THINKING|REASONING)\]|◁(?P<close3>/)?think▷"
        r"|<\|(?:(?:begin|start)|(?P<close4>end))_of_(?:thought|thinking|reasoning)\|>"
        r"|<\|(?P<close5>/)?(?:think|thinking)\|>|<\|channel>(?:thought|analysis)|(?P<close6><channel\|>)"
        r"|(?P<close7>^\.\.\.done thinking\.)",
        re.I | re.M,
    )


_NATIVE = _tags(("think", "thinking"))
_THINKING = _tags(words.THINKING)


def split_thinking(text: str, native: bool = False) -> tuple[str, str]:
    """(answer, thinking): the text without its thinking sections, and the text of these sections.

    A section that is never closed goes to the end of the text. A closing tag without an opening one ends a section that
    the chat template opened, before the text. Of the channels of gpt-oss only the final one is the answer. `native`:
    only sections that models emit by themselves, before the answer; not tags such as <reasoning>, for which a prompt
    may have asked.
    """
    if "<|channel|>" in text:
        text, said = _final_channel(text)
    elif text.startswith("analysis") and "assistantfinal" in text:  # the same, from a server that dropped the tokens
        thought, _, text = text.rpartition("assistantfinal")
        said = [thought.removeprefix("analysis")]
    else:
        said = []
    kept: list[str] = []
    position, thinking_from = 0, -1
    found = any(sign in text for sign in ("<", "[", "◁", "...done"))
    for m in (_NATIVE if native else _THINKING).finditer(text) if found else ():
        if m.lastgroup:
            if thinking_from < 0:
                said += [*kept, text[position : m.start()]]
                kept = []
            else:
                said.append(text[thinking_from : m.start()])
            position, thinking_from = m.end(), -1
        elif thinking_from < 0:
            if native and _has_words(text[position : m.start()]):
                break  # the answer has begun, and mentions the tag
            kept.append(text[position : m.start()])
            thinking_from = m.end()
    if thinking_from >= 0:
        said.append(text[thinking_from:])
    else:
        kept.append(text[position:])
    return ("".join(kept), "\n\n".join(part for s in said if (part := s.strip()))) if said else (text, "")


def without_thinking(text: str) -> str:
    """The text without its thinking sections: see `split_thinking`."""
    return split_thinking(text)[0]


def _final_channel(text: str) -> tuple[str, list[str]]:
    """(answer, others) of a gpt-oss response: its final channel, and the texts of the other ones. If the final channel
    is missing or empty, the text before the first channel is the answer."""
    answer, others = "", []
    head, *parts = text.split("<|channel|>")
    for part in parts:
        name, _, message = part.partition("<|message|>")
        message = re.split(r"<\|(?:end|return|start|call)\|>", message, maxsplit=1)[0]
        if name.strip().lower().startswith("final"):
            answer = message
        else:
            others.append(message.strip())
    return answer or head.rpartition("<|start|>")[0], others


# Characters and template tokens ------------------------------------------------------------------------------------

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SPACES = {
    ord(c): " "
    for c in "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
}
_NOTHING = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0e\ufe0f\u200e\u200f\u20e3"))
_QUOTES = {ord(c): "'" for c in "‘’‚‛′´"} | {ord(c): '"' for c in "“”„‟«»″「」『』"}
_CHARACTERS = (
    _FULL_WIDTH | _SPACES | _NOTHING | _QUOTES | {ord("﹣"): "-", ord("﹢"): "+", ord("﹦"): "=", ord("："): ":"}
)

_END = r"<\|(?:im_end|eot_id|end|endoftext|end_of_text|return|eom_id|end_of_turn|eos|call)\|>"
_END += r"|<\|(?:end_of_solution|END_OF_TURN_TOKEN)\|>"
_END += r"|</s>|<end_of_turn>|<eos>|<[|｜]end▁of▁sentence[|｜]>|\[/?INST\]|<</?SYS>>|<\|?EOT\|?>"
_START = r"<\|(?:im_start|start_header_id|start|begin_of_text|begin_of_solution|START_OF_TURN_TOKEN)\|>"
_START += r"|<start_of_turn>|<bos>|<s>"
_START += r"|<\|(?P<role>assistant|user|system|human|model|bot|CHATBOT_TOKEN|USER_TOKEN)\|>|<｜(?:Assistant|User)｜>"
_TOKEN = re.compile(
    rf"(?P<end>{_END})|(?P<start>{_START})|<\|[\w▁]{{1,40}}\|>|<(?:pad|unk|mask)>|<｜[\w▁]{{1,40}}｜>", re.I
)
_ROLE = re.compile(
    r"\s*(assistant|model|user|human|system|tool|ipython|bot|gpt)\b[ \t]*"
    r"(?:<\|end_header_id\|>|<\|message\|>)?:?(?=\s|$)",
    re.I,
)
_STRUCK = re.compile(r"~~[^~\n]{1,200}~~|<(del|s|strike)>[^<\n]{1,200}</\1>", re.I)


LONGEST = 300_000
"""Characters of a response that are read: half of them at its beginning, half at its end."""


def clean(text: str) -> str:
    """The first turn's text, without thinking, template tokens, struck-out words and invisible characters; full-width
    characters, typographic quotes and HTML entities as plain ones."""
    text = without_thinking(text)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_CHARACTERS)
    if "<" in text or "[" in text:
        text = _first_turn(text)
    if "&" in text:
        text = html.unescape(text).replace("\u00a0", " ")
    if "~~" in text or "<" in text:
        text = _STRUCK.sub("", text)
    return text


def _first_turn(text: str) -> str:
    """The text up to the token that ends the first turn with words, without template tokens and the turns of others."""
    kept: list[str] = []
    position, begun, theirs = 0, False, False
    for m in _TOKEN.finditer(text):
        piece, position = text[position : m.start()], m.end()
        if not theirs:
            kept.append(piece)
            begun = begun or _has_words(piece)
        role = m["role"] or ""
        if m["start"] and not role and (header := _ROLE.match(text, position)):
            role, position = header[1], header.end()
        theirs = role.lower() in _THEIRS
        if begun and (m["end"] or theirs):
            return "".join(kept)
    return "".join(kept) + ("" if theirs else text[position:])


_THEIRS = ("user", "human", "system", "tool", "ipython", "user_token")


def _has_words(text: str) -> bool:
    return any(c.isalnum() for c in text)


# What a model goes on with -----------------------------------------------------------------------------------------

_TURN = re.compile(
    r"^[ \t]*[*#_]{0,4}(?:human|user|assistant|system)[*_]{0,2}[ \t]*:|^[ \t]*(?:user|human|assistant|\[user\])[ \t]*$"
    r"|^[ \t]*\[(?:STATEMENT|QUESTION)\]|^#{2,4} ?(?:Instruction|Input|Human|User)s?\b",
    re.I | re.M,
)
"""A turn's header: whatever follows is no part of the answer."""
_NEW_QUESTION = re.compile(
    rf"^[ \t]*[*#_>-]{{0,4}} ?(?:{words.QUESTION})(?: ?#?\d{{1,3}})?[*_]{{0,2}}[ \t]*(?::|$)"
    r"|^[ \t]*\**Q\d{0,3}\**[ \t]*[:.]|^[ \t]*Finish the (?:sentence|statement)",
    re.I | re.M,
)
MOST_CUTS = 3


def cuts(text: str, prompt: re.Pattern[str] | None = None) -> Iterator[tuple[str, bool]]:
    """Yields (text, whether it is all there is): the text up to each new question, the shortest first, then the whole
    text.

    The first part with an answer counts: what follows belongs to another question. `prompt` matches the beginning of a
    task's own prompt. Text from the next turn on is in no part.
    """
    for m in itertools.islice(_TURN.finditer(text), MOST_CUTS):
        if _has_words(text[: m.start()]):
            text = text[: m.start()]
            break
    patterns = (_NEW_QUESTION,) if prompt is None else (_NEW_QUESTION, prompt)
    places = sorted(m.start() for p in patterns for m in itertools.islice(p.finditer(text), MOST_CUTS))
    for place in places[:MOST_CUTS]:
        if _has_words(text[:place]):
            yield text[:place], False
    yield text, True


# Notations ---------------------------------------------------------------------------------------------------------

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[ \t]*[\w+-]*[ \t]*$\n?|```", re.M)
_ANSWER_TAGS = r"(?:final[_ -]?|my[_ -]?)?(?:answer|final|result|solution|output|response|value|conclusion)"
_TAG = re.compile(
    rf"<(?P<answer>{_ANSWER_TAGS})>\s*|(?P<shut></{_ANSWER_TAGS}>)"
    r"|<(?P<index>sub|sup)>(?P<in>[^<>\n]{1,20})</(?:sub|sup)>"
    r"|</?(?P<inline>b|strong|em|i|u|code|span|mark|small|font|kbd|var)(?: [^<>\n]{0,80})?>"
    r"|<(?P<explains>explanation|explain|justification|rationale|steps?|working|note|confidence)(?: [^<>\n]{0,80})?>"
    r"|</?[a-z][\w-]{0,30}(?: [^<>\n]{0,80})?/?>",
    re.I,
)
_ANGLED = re.compile(r"<([A-Za-z0-9][^<>/\n=]{0,60})>")
_CLOSED = re.compile(r"</([a-z][\w-]{0,30})", re.I)
_VOID = frozenset("br hr p li td tr ul ol div img answer final result output solution response".split())
"""Tags that need no closing tag. Any other word between < and > without a closing tag is a placeholder that was
filled."""
_KEYS = (
    r"(?:final[_ -]?|correct[_ -]?|my[_ -]?)?(?:answers?|ans|results?|solution|output|response|value|final|conclusion)"
)
_JSON_KEY = re.compile(
    rf"[\"'](?P<key>{_KEYS}(?:[_ -](?:value|text))?"
    r"|antwort|r[ée]ponse|respuesta|resposta|risposta|ответ|答案|答え|정답)[\"'] ?: ?\n? *"
    r"(?P<value>\"(?:[^\"\\\n]|\\.){0,2000}\"?|'[^'\n]{0,2000}'?|\[[^\[\]{}\n]{0,500}\]|[-+.\w/]{1,100})",
    re.I,
)
_ROW = re.compile(r"^[ \t]*\|(.{0,2000}?)\|?[ \t]*$", re.M)
_LATEX_TEXT = re.compile(
    r"\\(?:text|textbf|textit|texttt|mathrm|mathbf|mathtt|mathit|bm|bf|emph|operatorname)\*? ?\{([^{}]{0,300})\}"
)
_LATEX_SIGNS = re.compile(r"\\(?:[,;:! ()\[\]]|quad|qquad|displaystyle|left|right|big|Big)(?![a-z])|\$")


def open_notations(text: str) -> str:
    """The text with its notations as plain lines: an answer in JSON or in a tag becomes "Final answer: ...", a row of a
    table with two cells "first: second"; fences, LaTeX and HTML around words are taken off. Markdown's stars stay."""
    if "`" in text or "~" in text:
        text = _FENCE.sub("", text)
    if '"' in text or "'" in text:
        text = _JSON_KEY.sub(_json_line, text)
        text = _lone_value(text)
    if "<" in text:
        closed = {name.lower() for name in _CLOSED.findall(text)} | _VOID
        text = _ANGLED.sub(lambda m: m[0] if m[1].split()[0].lower() in closed else m[1], text)
        text = _TAG.sub(_tag_line, text)
    if "|" in text:
        text = _ROW.sub(_row_line, text)
    if "\\" in text or "$" in text:
        text = _LATEX_SIGNS.sub(" ", text)
        for _ in range(2):  # \\textbf{\\text{7}}
            text = _LATEX_TEXT.sub(r"\1", text)
        text = text.replace("{,}", ",")
    return text


def _json_line(m: re.Match[str]) -> str:
    value, name = m["value"], "Final answer" if re.search("answer|final", m["key"], re.I) else "Result"
    if value[0] == '"':
        whole = value if len(value) > 1 and value.endswith('"') else value + '"'
        try:
            value = str(json.loads(whole))
        except ValueError:
            value = value.strip('"')
    elif value[0] in "'[":
        value = value.strip("'[]\"")
    elif value.lower() in ("null", "none", "true", "false") and name == "Result":
        return m.group()
    return f"\n{name}: {value}\n"


def _lone_value(text: str) -> str:
    """The text, or "Final answer: ..." if it is a JSON object with one value, whatever its key."""
    whole = text.strip()
    if len(whole) < 2_000 and whole[:1] == "{" and whole[-1:] == "}":
        try:
            value = json.loads(whole)
        except (ValueError, RecursionError):
            return text
        if isinstance(value, dict) and len(value) == 1:
            (only,) = value.values()
            if isinstance(only, str | int | float) and not isinstance(only, bool):
                return f"Final answer: {only}\n"
    return text


def _tag_line(m: re.Match[str]) -> str:
    if m["answer"]:
        return "\nFinal answer: " if re.search("answer|final", m["answer"], re.I) else "\nResult: "
    if m["index"]:
        return f"_{{{m['in']}}}" if m["index"].lower() == "sub" else f"^{m['in']}"
    if m["inline"]:
        return ""
    return "\nExplanation: " if m["explains"] else "\n"


def _row_line(m: re.Match[str]) -> str:
    cells = [cell.strip() for cell in m[1].split("|")]
    filled = [cell for cell in cells if cell.strip(":-* ")]
    return ": ".join(filled) if len(filled) == 2 else " | ".join(filled)
