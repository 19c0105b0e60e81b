"""What is to be edited and what is asked before and after it: from the file of `harness edits-data`, from records of
CounterFact (Meng et al. 2022), or planted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.files import read_json, read_jsonl
from harness.lab.models import LabModel
from harness.lab.subjects import Prompt, behind, prompt
from harness.types import Message

WRITES = "`harness edits-data DIR` writes such a file; records of CounterFact are taken too, one a line or as one array"
QUESTIONS = ("reliability", "generality", "locality", "portability")
"""The keys of a request that hold questions."""
MOST = 100_000
"""Records of an array, at most; CounterFact has 21,919."""


@dataclass(frozen=True)
class Query:
    """A question with its answers before and after an edit, and all names that could be one. `text` is continued by the
    answer; with `asked`, it is put to the model as a user's message, and answered by `Answer: NAME`."""

    question: str
    text: str
    before: str
    after: str
    candidates: tuple[str, ...]
    subject: str = ""
    asked: bool = False

    def rendered(self, lab: LabModel) -> str:
        """The prompt as the model sees it."""
        return lab.prompt([Message("user", self.text)]) if self.asked else self.text

    def params(self, after: bool) -> dict[str, Any]:
        """What the verifier of the task edits needs."""
        answer = self.after if after else self.before
        return {"answer": answer, "before": self.before, "after": self.after, "candidates": self.candidates}


@dataclass(frozen=True)
class Request:
    """One edit: `prompt` is continued by `old`, and is to be continued by `new`. `essence` is a text about the subject
    that the edit should not change much (Meng et al. 2022: "{subject} is a"). With `plain` the prompt is a text to go
    on with, also for a model with a chat template."""

    id: str
    subject: str
    prompt: str
    old: str
    new: str
    queries: tuple[Query, ...]
    essence: str
    plain: bool = False

    def rendered(self, lab: LabModel) -> str:
        """The prompt as the model sees it: a text to go on with; with a chat template, as facts.jsonl puts it."""
        if self.plain or not getattr(lab.tokenizer, "chat_template", None):
            return self.prompt
        return lab.prompt([Message("user", f"Finish the sentence: {self.prompt}")])


@dataclass(frozen=True)
class Edit:
    """A request as tokens."""

    request: Request
    prompt: Prompt
    old: tuple[int, ...]
    new: tuple[int, ...]


def encoded(lab: LabModel, request: Request) -> Edit:
    """DataError if the subject is not in the prompt, or an answer is no tokens of its own."""
    text = request.rendered(lab)
    in_chat = not request.plain and getattr(lab.tokenizer, "chat_template", None)
    space = "" if text[-1:].isspace() or in_chat else " "
    old, new = (behind(lab, text, space + name) for name in (request.old, request.new))
    return Edit(request, prompt(lab, text, request.subject), old, new)


Tokens = tuple[tuple[int, ...], tuple[int, ...]]
"""A prompt and what answers it."""


def answered(lab: LabModel, query: Query, answer: str) -> Tokens:
    """A question with an answer in the form that it asks for. DataError as of `behind`."""
    text = query.rendered(lab) + ("Answer:" if query.asked else "")
    return tuple(lab.tokens(text)[0]), behind(lab, text, f" {answer}")


def unrelated(some: Sequence[Request], measured: Sequence[Request]) -> list[Request]:
    """Those of `some` about other subjects than the measured ones, without the questions that are measured: what an
    editor may be trained on. A request that has none left to keep is none."""
    subjects, texts = {r.subject for r in measured}, {q.text for r in measured for q in r.queries}
    found = []
    for request in some:
        left = tuple(q for q in request.queries if q.text not in texts and q.subject not in subjects)
        if request.subject not in subjects and any(q.before == q.after for q in left):
            found.append(replace(request, queries=left))
    return found


def read(path: Path) -> list[Request]:
    """The edits of a requests.jsonl, or of CounterFact as it is published, one JSON array. UsageError if the file can't
    be read, DataError with the line or the record that is none."""
    found = []
    for where, line in _records(path):
        try:
            value = json.loads(line) if isinstance(line, bytes) else line
            found.append(_counterfact(value) if "requested_rewrite" in value else _request(value))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(f"{where}: no edit ({type(error).__name__}: {error})", WRITES) from None
    if not found:
        raise DataError(f"{path}: no edits", WRITES)
    return found


def _records(path: Path) -> Iterator[tuple[str, Any]]:
    """(place, a line or a value that is read already)."""
    first = next(read_jsonl(path), ("", b""))[1]
    if not first.lstrip(b"\xef\xbb\xbf \t").startswith(b"["):
        yield from read_jsonl(path)
        return
    everything = read_json(path)
    if len(everything) > MOST:
        raise DataError(f"{path}: {len(everything)} records, more than {MOST}", "give the first ones, one a line")
    for i, value in enumerate(everything, 1):
        yield f"{path}, record {i}", value


def _request(value: Mapping[str, Any]) -> Request:
    queries = tuple(_query(q, str(value["subject"])) for name in QUESTIONS for q in value.get(name, ()))
    if not any(q.question == "reliability" for q in queries):
        raise ValueError("no question 'reliability'")
    subject, text, old, new = (_text(value, name) for name in ("subject", "prompt", "target_old", "target_new"))
    return Request(str(value["id"]), subject, text, old, new, queries, f"{subject} is a")


def _counterfact(value: Mapping[str, Any]) -> Request:
    """A record of CounterFact: texts that the answer goes on with, no questions. Paraphrases ask for generality,
    prompts about neighbours, to which the old answer stays right, for locality."""
    wanted = value["requested_rewrite"]
    subject, template = _text(wanted, "subject"), _text(wanted, "prompt")
    old, new = (_text(wanted[name], "str") for name in ("target_true", "target_new"))
    prompt_text = template.replace("{}", subject)
    asked = [("reliability", prompt_text, new), *(("generality", t, new) for t in _texts(value, "paraphrase_prompts"))]
    asked += [("locality_neighbour", t, old) for t in _texts(value, "neighborhood_prompts")]
    queries = tuple(Query(name, text.rstrip(), old, after, (old, new), subject) for name, text, after in asked)
    return Request(str(value["case_id"]), subject, prompt_text, old, new, queries, f"{subject} is a", plain=True)


def _texts(value: Mapping[str, Any], name: str) -> list[str]:
    found = value.get(name, [])
    if not isinstance(found, list) or not all(isinstance(text, str) and text.strip() for text in found):
        raise ValueError(f"{name} are no texts")
    return found


def _text(value: Mapping[str, Any], name: str) -> str:
    if not isinstance(value[name], str) or not value[name].strip():
        raise ValueError(f"{name} is no text")
    return str(value[name])


def _query(value: Mapping[str, Any], subject: str) -> Query:
    question, text, before, after = (_text(value, name) for name in ("question", "prompt", "before", "after"))
    names = value.get("candidates") or (before, after)
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError("candidates are no names")
    asked = str(value.get("asked") or f'{text}\n\nEnd the response with a line "Answer: NAME".')
    return Query(question, asked, before, after, tuple(dict.fromkeys(names)), subject, asked=True)
