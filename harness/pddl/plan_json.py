"""Turns plans in notations of programs into plain lists: JSON, JSON lines, tool calls, lists of Python, HTML and
XML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from harness.pddl.lexicon import Lexicon

MOST_FAILURES, MOST_VALUES, MOST_DEPTH = 30, 2_000, 40
OPEN, CLOSE = "```\x02", "```\x03"
"""Lines put around what the response marks as the plan: a fence for its start, and one for its end."""

_STARTS = re.compile(r"(?:(?<=[\s=:>`(])|^)[\[{](?=\s*[\"'\[{(\]}])", re.M)
_TAGS = re.compile(
    r"<(?P<plan>/?(?:final[_ -]?)?(?:answer|plan|solution|output|result|response)s?)>"
    r"|<(?P<item>(?:li|step|action|item|move|tr|p)(?: [^<>\n]{0,80})?)>|<(?P<cell>/t[dh])>"
    r"|<(?P<line>br ?/?|/(?:li|step|action|item|move|tr|p|ol|ul|table)|ol|ul)>|"
    r"</?(?P<other>[a-z][\w-]{0,20})(?: [^<>\n]{0,80})?/?>",
    re.I,
)
_ATTRIBUTES = re.compile(r"=\s?[\"']([^\"'<>\n]{1,80})[\"']")
_TUPLE = re.compile(
    r"[\[(]\s*(?P<q>[\"'])(\w[\w -]{0,60})(?P=q)((?:\s*,\s*(?:[\"'][^\"'\n]{1,60}[\"']|"
    r"\[[^\[\]\n]{0,200}\]))+)\s*,?\s*[\])]"
)
_QUOTES = re.compile(r"(?<=[\[{(:,\s])'|'(?=\s?[\]}),:])")
_BOTH = re.compile(r"(?<=[\"'\])])\s*,\s*(?=[\"'(\[])")
_PLAN_KEYS = (
    "final_plan", "finalplan", "corrected_plan", "revised_plan", "plan", "final_answer", "answer", "solution", "steps",
    "actions",
    "action_sequence", "sequence", "plan_steps",
    "tool_calls", "calls", "moves", "operations", "result", "output", "response",
)  # fmt: skip
_ACTION_KEYS = (
    "action", "operation", "operator", "move", "command", "do", "instruction", "name", "function", "tool", "act",
    "action_name",
    "type", "op", "verb", "predicate", "step", "description", "text", "sentence", "content", "task",
)  # fmt: skip
_ASIDE_KEYS = re.compile(
    r"reason|thought|why|explan|rational|state|effect|precond|note|comment|result|status|check|goal|initial|"
    r"analysis|draft|attempt|cost|"
    r"length|count|index|number|^n$|^i$|^id$|^step$|confiden|valid|time|purpose|after|before|outcome|observation"
)
_NUMBERED_KEY = re.compile(r"(?:step|action|move|operation|s|a|t)?[ _-]?#?\d{1,4}$", re.I)
_ROLE_KEYS = re.compile(r"^(?:from|to|onto|on|into|in|at|with|using|by|on_top_of|direction)$")


def plain_lists(text: str, lexicon: Lexicon) -> str:
    """The text with JSON as numbered lines between fences, and with tags as the markers and fences of a list."""
    if "<" in text:
        text = _TAGS.sub(_tag, text)
    if "{" in text or "[" in text or '("' in text or "('" in text:
        text = _json(text, lexicon)
    return text


def _tag(m: re.Match[str]) -> str:
    if m["plan"]:
        return f"\n{CLOSE}\n" if m["plan"].startswith("/") else f"\n{OPEN}\n"
    if m["item"]:
        said = " ".join(_ATTRIBUTES.findall(m["item"]))
        return f"\n- {said} " if said and not said.isdecimal() else "\n- "
    return "\n" if m["line"] else " , " if m["cell"] else ""


def _json(text: str, lexicon: Lexicon) -> str:
    """The text with each value of JSON that holds actions replaced by numbered lines."""
    decoder = json.JSONDecoder()
    parts: list[str] = []
    position = failures = 0
    number = 0
    search = 0
    for _ in range(MOST_VALUES):
        if failures >= MOST_FAILURES:
            break
        m = _STARTS.search(text, search)
        if not m:
            break
        try:
            value, end = decoder.raw_decode(text, m.start())
        except (ValueError, RecursionError):
            failures += 1
            search = m.end()
            continue
        between = text[position : m.start()]
        lines = list(_steps(value, lexicon, 0))
        if not lines:
            search = end
            continue
        if between.strip(" \n\t,;") or not number:
            number = 0
            parts.append(between.rstrip(" \t") + "\n```\n")
        for line in lines:
            number += 1
            parts.append(f"{number}. {line}\n")
        position = search = end
        rest = text[end : end + 40].lstrip(" \n\t,;")
        if not rest.startswith(("{", "[")):
            parts.append("```\n")
            number = 0
    if position:
        return "".join(parts) + ("```\n" if number else "") + text[position:]
    if ("{'" in text or "['" in text) and _QUOTES.search(text) and '"' not in text:
        return _json(_QUOTES.sub('"', text), lexicon)  # a list as Python prints it
    return _BOTH.sub("\n", _TUPLE.sub(_tuple, text))


def _tuple(m: re.Match[str]) -> str:
    """A call for a list of Python: ("stack", "a", "b") or ["stack", ["a", "b"]]."""
    arguments = re.sub(r"[\[\]\"']", "", m.group(3)).strip(" ,")
    return f'"{m.group(2)}({arguments})"'


def _steps(value: Any, lexicon: Lexicon, depth: int) -> Iterator[str]:
    """Yields the actions in a value in order, each as a sentence or a call."""
    if depth > MOST_DEPTH:
        return
    if isinstance(value, list):
        if len(value) > 1 and all(isinstance(v, str) for v in value) and _is_call(value, lexicon):
            yield f"{value[0]}({', '.join(value[1:])})"
            return
        for part in value:
            yield from _steps(part, lexicon, depth + 1)
    elif isinstance(value, dict):
        numbered = [v for k, v in value.items() if _NUMBERED_KEY.match(str(k)) and isinstance(v, str | dict | list)]
        if len(numbered) > 1:
            yield from _steps(numbered, lexicon, depth + 1)
            return
        step = _step(value, lexicon)
        if step:
            yield step
            return
        keys = {str(k).lower().replace(" ", "_").replace("-", "_"): k for k in value}
        for key in _PLAN_KEYS:
            if key in keys:
                found = list(_steps(value[keys[key]], lexicon, depth + 1))
                if found:
                    yield from found
                    return
        for key, part in value.items():
            if not _ASIDE_KEYS.search(str(key).lower()):
                yield from _steps(part, lexicon, depth + 1)
    elif isinstance(value, str):
        for line in value.split("\n"):
            if line.strip():
                yield re.sub(r"^\s*(?:step )?\d{1,4}\s?[.):]\s*", "", line).replace("`", "")


def _is_call(value: list[str], lexicon: Lexicon) -> bool:
    """Whether a list is an action and its objects: ["stack", "a", "b"]."""
    return _is_action(value[0], lexicon) and all(lexicon.name(v) is not None for v in value[1:])


def _is_action(text: str, lexicon: Lexicon) -> bool:
    """Whether a text is an action's name and nothing else."""
    said = text.strip().lower()
    return said.replace("_", "-").replace(" ", "-") in lexicon.actions or any(
        v.end == len(said) for v in lexicon.verbs_at(said)
    )


def _step(value: dict[Any, Any], lexicon: Lexicon) -> str | None:
    """The action in a JSON object, else None: `stack(a, b)` for `{"action": "stack", "args": ["a", "b"]}`, and for
    `{"action": "stack a on b", ...}` its text."""
    lower = {str(k).lower(): v for k, v in value.items()}
    for key in [*(k for k in _ACTION_KEYS if k in lower), *(k for k in lower if k not in _ACTION_KEYS)]:
        said = lower[key]
        if isinstance(said, dict) and key in ("function", "action", "call", "tool", "step"):
            inner = _step(said, lexicon)
            if inner:
                return inner
        if not isinstance(said, str) or not said.strip() or (key not in _ACTION_KEYS and _ASIDE_KEYS.search(key)):
            continue
        if _is_action(said, lexicon):
            others = [
                (k, v) for k, v in lower.items() if k != key and (k in _ROLE_KEYS_OR_ARGS or not _ASIDE_KEYS.search(k))
            ]
            named = [argument for k, v in others for argument in _arguments(k, v, lexicon, 0)]
            return f"{said}({', '.join(named)})" if named else said
        if lexicon.starts(said.strip().lower().lstrip("(")) or key in _ACTION_KEYS[:12]:
            return said if lexicon.verb_in(said.lower()) >= 0 else None
    if len(value) == 1:
        ((key, arguments),) = value.items()
        if _is_action(str(key), lexicon):
            return f"{key}({', '.join(_arguments('', arguments, lexicon, 0))})"
    return None


_ROLE_KEYS_OR_ARGS = frozenset({"args", "arguments", "parameters", "params", "input", "objects", "object"})


def _arguments(key: str, value: Any, lexicon: Lexicon, depth: int) -> Iterator[str]:
    """The objects in a value of JSON, each behind its key if that is a word such as "from"."""
    if depth > MOST_DEPTH:
        return
    if isinstance(value, str):
        if value[:1] in "{[":  # arguments of a tool call, in JSON again
            try:
                yield from _arguments(key, json.loads(value), lexicon, depth + 1)
                return
            except (ValueError, RecursionError):
                pass
        role = f"{key.replace('_', ' ')} " if _ROLE_KEYS.match(key) else ""
        yield f"{role}{value}"
    elif isinstance(value, list):
        for part in value:
            yield from _arguments(key, part, lexicon, depth + 1)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _arguments(str(name).lower(), part, lexicon, depth + 1)
