"""Published question sets as items: from their official files, or from the hub through `datasets`.

Files are read with the standard library: `datasets` before 5 can't read most of them. Every format is checked row by
row; errors name file and row.
"""

from __future__ import annotations

import functools
import gzip
import json
import tomllib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from harness import hub
from harness.errors import DataError, UsageError, cause
from harness.tasks.multihop.items import Document, Hop, Item

Row = Mapping[str, Any]


class Source(NamedTuple):
    """Where a set comes from: its pin on the hub, and the name of its official file."""

    pin: hub.Pin
    official: str


@functools.cache
def sources() -> dict[str, Source]:
    """The published sets, by name, from `sets/`."""
    found = {}
    for file in sorted(resources.files(__package__).joinpath("sets").iterdir(), key=lambda f: f.name):
        name = file.name.removesuffix(".toml")
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        found[name] = Source(hub.Pin.of(name, table["source"]), table["official"])
    return found


class Loaded(NamedTuple):
    """Questions, and what run.json says of the rows that they come from (harness.hub.loaded)."""

    items: tuple[Item, ...]
    about: Mapping[str, Any]


def load(dataset: str, file: Path | None) -> Loaded:
    """The questions of a set, in the order of the file or of the hub's validation split.

    Raises UsageError if the file can't be read; DataError if it is not in the set's official format, or if the set
    can't be loaded from the hub.
    """
    if file is None:
        return _from_hub(dataset)
    try:
        changed = file.stat().st_mtime_ns
    except OSError as error:
        raise UsageError(f"{file}: can't be read: {cause(error)}", _hint(dataset)) from None
    return _from_file(dataset, file, changed)


def _hint(dataset: str) -> str:
    return f"-T dataset={dataset} -T file=PATH reads the official file, such as {sources()[dataset].official} (.gz too)"


# From a file ------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=2)
def _from_file(dataset: str, file: Path, changed: int) -> Loaded:
    """`changed` is a part of the cache's key. A run counts its samples first, so the cache saves a second reading."""
    rows = _rows(file)
    return Loaded(_items(dataset, rows, str(file)), hub.loaded(sources()[dataset].pin, str(file), rows))


def _rows(file: Path) -> list[Any]:
    rows = read_json(file)
    return rows if isinstance(rows, list) else [rows]


def read_json(file: Path) -> Any:
    """The value in a JSON file, or the list of a JSON-lines file's values; .gz is unpacked.

    Raises UsageError if the file can't be read, DataError (with file and line) if it is not JSON.
    """
    try:
        with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as opened:
            text = opened.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 text: {error.reason} at byte {error.start}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{file}: can't be read: {cause(error)}") from None
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise DataError(f"{file}: there is nothing in it")
    if len(lines) > 1 and _is_whole(lines[0][1]):
        values = []
        for number, line in lines:
            try:
                values.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise DataError(f"{file}, line {number}: not valid JSON: {error}") from None
        return values
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not valid JSON: {error}") from None


def _is_whole(line: str) -> bool:
    """Whether a first line is an object of its own, so that the file has one object per line."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _items(dataset: str, rows: Iterable[Any], source: str) -> tuple[Item, ...]:
    found: list[Item] = []
    seen: set[tuple[str, bool]] = set()
    for number, row in enumerate(rows, 1):
        where = f"{source}, row {number}"
        if not isinstance(row, Mapping):
            official = sources()[dataset].official
            raise DataError(f"{where}: a question is an object", f"expected the format of {official}")
        item = _READERS[dataset](row, where)
        if (item.id, item.answerable) in seen:
            raise DataError(f"{where}: the question {item.id} comes twice")
        seen.add((item.id, item.answerable))
        found.append(item)
    if not found:
        raise DataError(f"{source}: there are no questions in it")
    return tuple(found)


def _get(row: Row, key: str, kind: type, where: str, what: str) -> Any:
    """row[key]. Raises DataError if it is missing or of another type than `kind`."""
    value = row.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        hint = "test splits hide their answers: take the dev split" if key in ("answer", "answerable") else ""
        raise DataError(f"{where}: `{key}` is {'missing' if value is None else 'not ' + what}", hint)
    return value


def _pairs(value: Any, keys: tuple[str, ...], where: str, what: str) -> list[tuple[Any, Any]]:
    """[[a, b], ...] of the official files, or {first: [a, ...], second: [b, ...]} of the hub, as pairs."""
    if isinstance(value, Mapping):
        columns: list[Any] = [next((value[k] for k in names.split("|") if k in value), None) for names in keys]
        if not all(isinstance(c, list | tuple) for c in columns) or len(columns[0]) != len(columns[1]):
            raise DataError(f"{where}: {what} needs lists of one length, {' and '.join(keys)}")
        return list(zip(*columns, strict=True))
    if not isinstance(value, list | tuple) or not all(isinstance(p, list | tuple) and len(p) == 2 for p in value):
        raise DataError(f"{where}: {what} is not a list of pairs")
    return [(p[0], p[1]) for p in value]


def _wikipedia(row: Row, where: str, scorer: str) -> Item:
    """HotpotQA and 2WikiMultiHopQA: titled paragraphs in sentences, supporting facts by title and sentence."""
    name = row.get("_id", row.get("id"))
    if not isinstance(name, str) or not name:
        raise DataError(f"{where}: `_id` is missing")
    question, answer = _get(row, "question", str, where, "text"), _get(row, "answer", str, where, "text")
    documents = []
    for title, sentences in _pairs(row.get("context"), ("title", "sentences|content"), where, "`context`"):
        if not isinstance(title, str) or not isinstance(sentences, list | tuple):
            raise DataError(f"{where}: `context` is not a list of [title, [sentence, ...]]")
        if not all(isinstance(sentence, str) for sentence in sentences):
            raise DataError(f"{where}: a sentence of the document '{title}' is not text")
        documents.append(_document(title, "".join(_spaced(sentences))))
    facts = _pairs(row.get("supporting_facts"), ("title", "sent_id"), where, "`supporting_facts`")
    if not all(isinstance(title, str) for title, _ in facts):
        raise DataError(f"{where}: a title in `supporting_facts` is not text")
    titles = list(dict.fromkeys(title for title, _ in facts))
    places = {document.title: place for place, document in reversed(list(enumerate(documents)))}
    missing = [title for title in titles if _line(title) not in places]
    if missing:
        raise DataError(f"{where}: the supporting document '{missing[0]}' is not in the context")
    support = [places[_line(title)] for title in titles]
    return _item(name, str(row.get("type") or "unknown"), question, answer, scorer, documents, support)


def _spaced(sentences: Iterable[str]) -> Iterator[str]:
    """The sentences with a blank before each but the first; HotpotQA's already have one."""
    for i, sentence in enumerate(sentences):
        yield sentence if i == 0 or sentence[:1].isspace() else f" {sentence}"


def _musique(row: Row, where: str, full: bool) -> Item:
    """MuSiQue-Ans and -Full: numbered paragraphs, a decomposition, and in Full each question once without an answer."""
    name, question = _get(row, "id", str, where, "text"), _get(row, "question", str, where, "text")
    answer = _get(row, "answer", str, where, "text")
    answerable = _get(row, "answerable", bool, where, "true or false")
    if not answerable and not full:
        raise DataError(f"{where}: not answerable: this is MuSiQue-Full", "take -T dataset=musique_full")
    aliases = _get(row, "answer_aliases", list, where, "a list")
    if not all(isinstance(alias, str) for alias in aliases):
        raise DataError(f"{where}: `answer_aliases` is not a list of texts")
    documents, support, places = [], [], {}
    for place, paragraph in enumerate(_get(row, "paragraphs", list, where, "a list")):
        if not isinstance(paragraph, Mapping):
            raise DataError(f"{where}: paragraph {place} is not an object")
        title = _get(paragraph, "title", str, where, "text")
        documents.append(_document(title, _get(paragraph, "paragraph_text", str, where, "text")))
        places[_get(paragraph, "idx", int, where, "a whole number")] = place
        if _get(paragraph, "is_supporting", bool, where, "true or false"):
            support.append(place)
    steps = []
    for step in _get(row, "question_decomposition", list, where, "a list"):
        if not isinstance(step, Mapping) or not isinstance(step.get("paragraph_support_idx"), int | None):
            raise DataError(f"{where}: `question_decomposition` is not a list of steps")
        steps.append(step)
    in_order = [places[s["paragraph_support_idx"]] for s in steps if s.get("paragraph_support_idx") in places]
    ordered = list(dict.fromkeys([*(p for p in in_order if p in support), *support]))
    hops = tuple(
        Hop(str(s.get("question")), str(s.get("answer")), ordered.index(p))
        for s in steps
        if (p := places.get(s.get("paragraph_support_idx"), -1)) in ordered
    )
    kind = name.partition("__")[0]
    return _item(name, kind, question, answer, "musique", documents, ordered, tuple(aliases), hops, answerable)


def _strategyqa(row: Row, where: str) -> Item:
    """StrategyQA: yes or no; its facts are documents about the term, all of them needed."""
    name, question = _get(row, "qid", str, where, "text"), _get(row, "question", str, where, "text")
    answer = "yes" if _get(row, "answer", bool, where, "true or false") else "no"
    facts = row.get("facts") or []
    facts = [facts] if isinstance(facts, str) else facts
    if not isinstance(facts, list) or not all(isinstance(fact, str) for fact in facts):
        raise DataError(f"{where}: `facts` is not a list of texts")
    term = str(row.get("term") or "Fact")
    documents = [_document(term, fact) for fact in facts]
    return _item(name, "strategy", question, answer, "strategyqa", documents, list(range(len(documents))))


_READERS: dict[str, Callable[[Row, str], Item]] = {
    "hotpotqa": lambda row, where: _wikipedia(row, where, "hotpotqa"),
    "2wikimultihopqa": lambda row, where: _wikipedia(row, where, "2wikimultihopqa_v1.1"),
    "musique": lambda row, where: _musique(row, where, full=False),
    "musique_full": lambda row, where: _musique(row, where, full=True),
    "strategyqa": _strategyqa,
}


def _document(title: str, text: str) -> Document:
    return Document(_line(title), _line(text))


def _line(text: str) -> str:
    """The text on one line, because a document is a line of the prompt."""
    return " ".join(text.split())


def _item(
    name: str,
    kind: str,
    question: str,
    answer: str,
    scorer: str,
    documents: list[Document],
    support: list[int],
    aliases: tuple[str, ...] = (),
    hops: tuple[Hop, ...] = (),
    answerable: bool = True,
) -> Item:
    """The item with its documents divided into those needed, in the order of `support`, and the others."""
    others = [place for place in range(len(documents)) if place not in support]
    counted = {place: i for i, place in enumerate([*support, *others])}
    return Item(
        id=name,
        kind=kind,
        question=_line(question),
        answer=answer,
        scorer=scorer,
        support=tuple(documents[place] for place in support),
        distractors=tuple(documents[place] for place in others),
        aliases=aliases,
        given=tuple(counted[place] for place in range(len(documents))),
        hops=hops,
        answerable=answerable,
    )


# From the hub -----------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=2)
def _from_hub(dataset: str) -> Loaded:
    pin = sources()[dataset].pin
    rows = hub.load(pin, _hint(dataset))
    return Loaded(_items(dataset, rows, pin.repo), hub.loaded(pin, "hub", rows))
