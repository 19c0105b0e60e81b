"""A row of a published set as an item: its question, its options, and which one is right."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.hub import Row
from harness.tasks.hub.schema import HubSet

LETTERS = string.ascii_uppercase


class Item(NamedTuple):
    """One question. `options` are in the set's order (of a label set, its labels); without any, `answer` is what the
    model must come up with. `gold` is the place of the right option, -1 without options. `part` is the subset that the
    row belongs to, "" if the set has none. `solution` is what stands before the answer, if that is a number behind
    "####"."""

    id: str
    context: str
    question: str
    options: tuple[str, ...]
    gold: int
    answer: str
    part: str = ""
    solution: str = ""


def items(hub_set: HubSet, rows: Iterable[Row], source: str) -> list[Item]:
    """The items of all rows that the set keeps. DataError, with `source`, row and set, for a row of another form, for
    an empty option, for a label that the set does not have, and for an id that comes twice."""
    found: list[Item] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        where = f"set {hub_set.name}: {source}, row {number}"
        if not isinstance(row, Mapping):
            raise DataError(f"{where}: a row is an object")
        if not _kept(hub_set, row, where):
            continue
        item = _item(hub_set, row, number, where)
        if item.id in seen:
            raise DataError(f"{where}: the id {item.id} stands in row {seen[item.id]} too", _pinned(hub_set))
        seen[item.id] = number
        found.append(item)
    if not found:
        raise DataError(f"set {hub_set.name}: {source}: no row of it can be asked", _pinned(hub_set))
    return found


def _pinned(hub_set: HubSet) -> str:
    return f"expected the columns of {hub_set.pin.at}"


def _kept(hub_set: HubSet, row: Row, where: str) -> bool:
    columns = hub_set.columns
    if any(at(row, path, where, hub_set) in values for path, values in columns.drop.items()):
        return False
    return all(at(row, path, where, hub_set) in values for path, values in columns.keep.items())


def _item(hub_set: HubSet, row: Row, number: int, where: str) -> Item:
    columns = hub_set.columns
    options = _options(hub_set, row, where)
    gold, answer = _answer(hub_set, row, options, where)
    return Item(
        id=str(at(row, columns.id, where, hub_set)) if columns.id else str(number),
        context=_filled(hub_set, columns.context, row, where),
        question=_filled(hub_set, columns.question, row, where),
        options=options,
        gold=gold,
        answer=answer,
        part=str(at(row, columns.part, where, hub_set)) if columns.part else "",
        solution=_solution(hub_set, row, where),
    )


def _options(hub_set: HubSet, row: Row, where: str) -> tuple[str, ...]:
    paths = hub_set.columns.options
    if not paths:
        return hub_set.labels
    if isinstance(paths, tuple):
        values: Any = [at(row, path, where, hub_set) for path in paths]
    else:
        values = at(row, paths, where, hub_set)
    if not isinstance(values, list | tuple) or not 2 <= len(values) <= len(LETTERS):
        raise DataError(f"{where}: `{paths}` is no list of 2 to {len(LETTERS)} options", _pinned(hub_set))
    texts = tuple(_cleaned(hub_set, str(value)) if value is not None else "" for value in values)
    if not all(texts):
        raise DataError(f"{where}: an option is empty", _pinned(hub_set))
    return texts


def _answer(hub_set: HubSet, row: Row, options: Sequence[str], where: str) -> tuple[int, str]:
    """(place of the right option, or -1 without options; the answer as text)."""
    value, said = at(row, hub_set.columns.answer, where, hub_set), hub_set.answer_is
    value = value[0] if isinstance(value, list | tuple) and len(value) == 1 else value
    text = str(value).strip() if value is not None else ""
    if said == "number":
        number = text.rpartition("####")[2].strip().replace(",", "").removeprefix("$")
        if not re.fullmatch(r"-?\d+(?:\.\d+)?", number):
            raise DataError(f"{where}: the answer ends in no number behind ####: {text[-40:]!r}", _pinned(hub_set))
        return -1, number
    if not options:
        if not text:
            raise DataError(f"{where}: there is no answer", "test splits often hide theirs")
        return -1, text
    place = _place(hub_set, row, text, options, where)
    if not 0 <= place < len(options):
        raise DataError(
            f"{where}: the answer {text!r} is none of {len(options)} options",
            f"{_pinned(hub_set)}; is it a test split?",
        )
    return place, options[place]


def _solution(hub_set: HubSet, row: Row, where: str) -> str:
    if hub_set.answer_is != "number":
        return ""
    return str(at(row, hub_set.columns.answer, where, hub_set)).rpartition("####")[0]


def _place(hub_set: HubSet, row: Row, text: str, options: Sequence[str], where: str) -> int:
    said = hub_set.answer_is
    if said in ("index", "index1"):
        return int(text) - (said == "index1") if re.fullmatch(r"\d{1,4}", text) else -1
    if said == "letter":
        return LETTERS.find(text.upper()) if len(text) == 1 else -1
    if said == "label":
        labels = [str(label).strip() for label in at(row, hub_set.columns.option_labels, where, hub_set)]
        return labels.index(text) if text in labels else -1
    text = hub_set.values.get(text, text) if said == "value" else _cleaned(hub_set, text)
    return list(options).index(text) if text in options else -1


# Paths and templates ------------------------------------------------------------------------------------------------


def at(row: Row, path: str, where: str, hub_set: HubSet) -> Any:
    """The value at a path: `choices.text` is the field `text` of the column `choices`, or, if that is a list of
    objects, the list of their fields. DataError if there is none."""
    value: Any = row
    for name in path.split("."):
        if isinstance(value, list | tuple) and all(isinstance(v, Mapping) and name in v for v in value):
            value = [v[name] for v in value]
        elif isinstance(value, Mapping) and name in value:
            value = value[name]
        else:
            raise DataError(f"{where}: there is no `{path}`", f"{_pinned(hub_set)}, as {hub_set.columns_from} has them")
    return value


_FIELD = re.compile(r"\{([\w.]+)\}")


def _filled(hub_set: HubSet, template: str, row: Row, where: str) -> str:
    """A template with its columns filled in; a list becomes lines."""

    def value(m: re.Match[str]) -> str:
        found = at(row, m[1], where, hub_set)
        said = hub_set.columns.words.get(m[1])
        if said is not None:
            if str(found) not in said:
                raise DataError(f"{where}: `{m[1]}` is {str(found)!r}, none of {', '.join(said)}", _pinned(hub_set))
            return said[str(found)]
        return "\n".join(map(str, found)) if isinstance(found, list | tuple) else str("" if found is None else found)

    return _cleaned(hub_set, _FIELD.sub(value, template))


def _cleaned(hub_set: HubSet, text: str) -> str:
    """Without blanks at the ends. `wikihow`: without its headings, as lm-eval 4e7e0d4 prepares HellaSwag."""
    if hub_set.clean == "wikihow":
        text = re.sub(r"\[[^\]\n]*\]", "", text.replace(" [title]", ". ")).replace("  ", " ")
    return text.strip()
