"""A server's error in place of an answer: its words, and what they mean. Pure functions over hostile JSON.

Servers differ in form, not in kind: the words are looked for in every place where some server has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import ModelError

LONGEST = 2000
"""Characters of a server's message that are looked at."""


@dataclass(frozen=True, slots=True)
class Words:
    """A server's error. `text` is for people; `codes` are its words for programs, in lower case; `status` is the HTTP
    status it names in its body, None if it names none; `numbers` are its whole-number fields (llama.cpp: n_ctx);
    `flagged` says that it lists reasons of a moderation."""

    text: str = ""
    codes: frozenset[str] = frozenset()
    status: int | None = None
    numbers: Mapping[str, int] = field(default_factory=dict)
    flagged: bool = False


class ServerError(ModelError):
    """An error that came inside a reply with status 200."""

    def __init__(self, words: Words) -> None:
        super().__init__(excerpt(words.text), "transient")
        self.words = words


def read(body: bytes) -> Words:
    """The words of an error reply; of a body that is not JSON, the text."""
    text = body[:200_000].decode("utf-8", "replace")
    try:
        return words(json.loads(text))
    except (ValueError, RecursionError):
        return Words(text[:LONGEST])


def words(value: Any) -> Words:
    """The words in the JSON of an error."""
    if isinstance(value, list) and value:  # Gemini's compatible endpoint sends a list of one
        value = value[0]
    if not isinstance(value, dict):
        return Words("" if value is None else _plain(value))
    inside = list(_objects(value))
    codes, status, numbers = set(), None, {}
    for found in inside:
        for name, what in found.items():
            if name in ("code", "type", "status", "error_type", "reason", "kind") and isinstance(what, str | int):
                status = _status(what) if status is None else status
                codes.add(str(what)[:100].lower().replace("-", "_").replace(" ", "_"))
            elif isinstance(what, int) and not isinstance(what, bool):
                numbers[str(name)[:40]] = what
    text = next((t for found in inside for t in (_message(found),) if t), "") or _plain(value)
    raw = next((m["raw"] for m in inside if isinstance(m.get("raw"), str)), "")  # OpenRouter quotes the provider there
    flagged = any(found.get("flagged_input") or isinstance(found.get("reasons"), list) for found in inside)
    flagged = flagged or any(isinstance(found.get("patterns"), list) for found in inside)  # a guardrail's
    named = next((_STATUS_OF[c] for c in sorted(codes) if c in _STATUS_OF), None)
    return Words(
        f"{text}; {raw}"[:LONGEST] if raw and raw not in text else text, frozenset(codes), status or named, numbers,
        flagged,
    )  # fmt: skip


def _objects(value: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yields the error object first, then the object that holds it, then objects within."""
    inner = value.get("error")
    if isinstance(inner, dict) and depth < 4:
        yield from _objects(inner, depth + 1)
    yield value
    for name in ("innererror", "metadata", "detail", "message", "content_filter_result"):
        if isinstance(value.get(name), dict) and depth < 4:
            yield from _objects(value[name], depth + 1)


def _message(found: dict[str, Any]) -> str:
    for name in ("message", "detail", "error", "msg", "error_message", "error_msg"):
        what = found.get(name)
        if isinstance(what, str) and what.strip():
            return what[:LONGEST]
        if isinstance(what, list) and what:  # FastAPI: a list of {"loc", "msg"}
            return _plain(what)
    return ""


def _plain(value: Any) -> str:
    return value[:LONGEST] if isinstance(value, str) else repr(value)[:LONGEST]


def _status(code: str | int) -> int | None:
    number = int(code) if isinstance(code, int) or (code.isascii() and code.isdecimal() and len(code) == 3) else 0
    return number if 400 <= number < 600 else None


_STATUS_OF = {
    "invalid_api_key": 401,
    "authentication_error": 401,
    "unauthenticated": 401,
    "unauthorized": 401,
    "insufficient_quota": 402,
    "insufficient_balance": 402,
    "insufficient_credits": 402,
    "billing_error": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "model_not_found": 404,
    "not_found_error": 404,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "resource_exhausted": 429,
    "overloaded_error": 529,
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "invalid_argument": 400,
}
"""HTTP statuses for codes of errors that name no status. An error with other codes is a fault of the server (500)."""


# The prompt was refused for what it says --------------------------------------------------------------------------

_FILTER_CODES = frozenset(
    "content_filter content_filtered contentfilter content_filter_error responsibleaipolicyviolation "
    "data_inspection_failed datainspectionfailed content_policy_violation content_policy content_moderation "
    "moderation moderation_blocked moderation_error safety safety_violation prohibited_content blocklist "
    "guardrail_intervened unsafe_content sensitive_content cyber_policy_violation input_moderation "
    "prompt_blocked content_blocked content_violation 1301 sensitive flagged".split()
)

_FILTER = re.compile(
    r"content.management.policy|content.{0,3}(?:filter|moderation|safety|policy)|content exists risk|data.inspection"
    r"|inappropriate.content|usage polic|safety.(?:system|filter|polic|reason|check)|(?:sensitive|unsafe|prohibited"
    r"|harmful|blocked) (?:content|information|words?)|considered high risk|prompt.{0,20}(?:was |is |been )?(?:blocked|"
    r"flagged)|(?:input|prompt|content|request|message)s?.{0,40}(?:flagged|moderation)|flagged (?:by|as|for|in)\b"
    r"|fails? moderation|did not pass moderation|responsible ?ai|guardrail|敏感|违规|不安全内容",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(
    r"\b(?:account|organi[sz]ation|access (?:was|has been)|api.?key|terminated|suspended|deactivated|permission|"
    r"not allowed to use)\b",
    re.IGNORECASE,
)


def is_filter(said: Words, status: int) -> bool:
    """Whether moderation refused this prompt: others may pass, and the account is not to blame."""
    if status in (401, 402, 404, 429):
        return False
    if said.flagged or said.codes & _FILTER_CODES:
        return True
    text = said.text[:LONGEST]
    if status >= 500 or text.lstrip().startswith("<"):
        return False
    return bool(_FILTER.search(text)) and not _ACCOUNT.search(text)


# A part of the request was refused --------------------------------------------------------------------------------

_UNSUPPORTED = re.compile(
    r"not (?:be )?(?:supported|permitted|allowed|accepted|available|recogni[sz]ed|enabled)|n.t supported|unsupported|"
    r"un(?:known|recogni[sz]ed|expected)|(?:does|do) ?n(?:o|')t (?:support|accept|allow)|extra.(?:inputs|fields|"
    r"forbidden)|no such|must alternate|conversation roles|only (?:the )?(?:user|default)|invalid",
    re.IGNORECASE,
)
_SYSTEM = re.compile(r"system.{0,20}(?:role|message|prompt|instruction)|role.{0,20}system|roles must alternate", re.I)


def parameter_hint(said: Words, body: Mapping[str, Any]) -> str:
    """What to do if a server refuses a field of the request or the system message; "" if it names none of these."""
    text = said.text[:LONGEST]
    if not _UNSUPPORTED.search(text):
        return ""
    for ours, other in (("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")):
        if ours in body and re.search(rf"(?<!\w){ours}(?!\w)", text):
            return f"try -M tokens_field={other}, or -M omit={ours}"
    named = [k for k in body if k not in ("model", "messages", "prompt", "input") and _names(text, k)]
    if named:
        return f"-M omit={','.join(named)} leaves out what the server refuses"
    if _SYSTEM.search(text) and any(m.get("role") == "system" for m in body.get("messages") or ()):
        return "this model takes no system message: leave --system-message out"
    return ""


def _names(text: str, field_name: str) -> bool:
    """Whether a text names a field. Some names are words of prose too (`stop`, `reasoning` ...): these count in quotes
    only."""
    quote = "['\"`]" if field_name in ("stop", "reasoning", "n", "user") else ""
    return re.search(rf"(?<!\w){quote}{re.escape(field_name)}{quote}(?!\w)", text) is not None


def excerpt(reply: Any) -> str:
    """What a server sent, short enough for a message, on one line."""
    text = reply if isinstance(reply, str) else repr(reply)[:2000]
    return repr(re.sub(r"\s+", " ", text[:2000]).strip()[:200])
