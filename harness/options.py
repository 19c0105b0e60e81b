"""Options given as `key=value` text, checked against the fields of a frozen dataclass.

Tasks (-T), strategies (-S) and models (-M) declare their options once, as dataclass fields with a
type, a default and a help text (`option`); parsing, error messages and listings come from there.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from harness.errors import UsageError

T = TypeVar("T")


def option(
    default: Any,
    help: str,
    *,
    choices: Sequence[str] | None = None,
    between: tuple[int, int] | None = None,
    aliases: Mapping[str, str | Sequence[str]] | None = None,
) -> Any:
    """A dataclass field that can be set from the command line. `settle` enforces these rules:

    `choices`: a tuple of words holds only these. Capitals do not matter, nor does - for _; a range (1-6) stands for all
    choices from the first to the second. `aliases`: other words for one choice, or for several ("all"). `between`: a
    number, or each of several, is at least the first and at most the second. A tuple may be empty only if its default
    is.
    """
    rules = {"help": help, "choices": choices, "between": between, "aliases": aliases or {}}
    return dataclasses.field(default=default, metadata=rules)


def settle(instance: Any, what: str) -> None:
    """Check the fields of a frozen dataclass against the rules of their `option`, and bring words into their canonical
    form, each once. Call it in __post_init__; `what` names the instance in messages (`task aiw`). Raises UsageError for
    a value that is not allowed."""
    for f in dataclasses.fields(instance):
        value, where = getattr(instance, f.name), f"{what}: option {f.name}"
        choices, between = f.metadata.get("choices"), f.metadata.get("between")
        if isinstance(value, tuple) and (choices or between):
            if not value and f.default != ():
                hint = f"it takes: {', '.join(list(choices)[:20])}" if choices else "it takes numbers"
                raise UsageError(f"{where} is empty", hint)
            if choices:
                value = tuple(word for text in value for word in _chosen(text, f.metadata, where))
            value = tuple(dict.fromkeys(value))
            object.__setattr__(instance, f.name, value)
        if between and value is not None:
            for number in value if isinstance(value, tuple) else (value,):
                if not between[0] <= number <= between[1]:
                    raise UsageError(f"{where}: {number} is not between {between[0]} and {between[1]}")


def check_effect(instance: Any, what: str, takes: Mapping[str, Collection[str]], by: str = "kind") -> None:
    """Refuse an option that was given in vain. `by` is the option that chooses one or several kinds; `takes` says for
    some options which kinds look at them (the others are for all). Raises UsageError if one of these has not its
    default value and no chosen kind looks at it. Call it in __post_init__, after `settle`."""
    value = getattr(instance, by)
    chosen = (value,) if isinstance(value, str) else value
    for f in dataclasses.fields(instance):
        kinds = takes.get(f.name)
        if kinds is not None and getattr(instance, f.name) != f.default and not set(kinds) & set(chosen):
            raise UsageError(
                f"{what}: option {f.name} has no effect on {by} {', '.join(chosen)}",
                f"leave it out, or add to -T {by}= one of: {', '.join(kinds)}",
            )


def _chosen(text: str, rules: Mapping[str, Any], where: str) -> Sequence[str]:
    choices = list(rules["choices"])
    found = _named(text, rules)
    if found is None:
        ends = [_named(end, rules) for end in text.partition("-")[::2]]
        if all(end is not None and len(end) == 1 for end in ends):
            first, last = (choices.index(end[0]) for end in ends if end is not None)
            found = choices[first : last + 1] or None
    if found is None:
        groups = [name for name, meant in rules["aliases"].items() if not isinstance(meant, str)]
        raise UsageError(
            f"{where}: there is no '{text}'", suggestion(text.strip().lower(), [*choices, *groups], "it takes")
        )
    return found


def _named(text: str, rules: Mapping[str, Any]) -> Sequence[str] | None:
    meant = {choice.lower(): choice for choice in rules["choices"]} | rules["aliases"]
    low = text.strip().lower()
    found = meant.get(text, meant.get(low, meant.get(low.replace("-", "_"))))
    return (found,) if isinstance(found, str) else found


def number_list(texts: Sequence[str], where: str) -> list[int]:
    """`("5", "8-10")` as [5, 8, 9, 10], each once; at most four digits each. UsageError for anything else, or for a
    range that goes down; `where` names the option in its message."""
    found: dict[int, None] = {}
    for text in texts:
        first, dash, last = text.strip().partition("-")
        ends = [first, last] if dash else [first]
        if not all(end.isascii() and end.isdecimal() and len(end) <= 4 for end in ends) or int(ends[0]) > int(ends[-1]):
            raise UsageError(f"{where}: '{text}' is not a number or a range such as 8-10")
        found |= dict.fromkeys(range(int(ends[0]), int(ends[-1]) + 1))
    return list(found)


def describe(cls: type) -> list[tuple[str, str, str]]:
    """(name, default, help) of every option."""
    rows = []
    for f in dataclasses.fields(cls):
        if "help" in f.metadata:
            default = ",".join(map(str, f.default)) if isinstance(f.default, tuple) else f.default
            rows.append((f.name, "" if default is None else str(default), f.metadata["help"]))
    return rows


def build(cls: type[T], given: Mapping[str, str], what: str) -> T:
    """An instance of the dataclass `cls` from text values; `what` names it in messages (`task aiw`).

    Raises UsageError for an unknown key or a value of the wrong type.
    """
    hints = typing.get_type_hints(cls)
    known = [name for name, _, _ in describe(cls)]
    values: dict[str, Any] = {}
    for key, text in given.items():
        name = key.replace("-", "_")
        if name not in known:
            raise UsageError(f"{what} has no option '{key}'", suggestion(name, known, "options"))
        values[name] = _value(hints[name], text, f"{what}: option {name}")
    return cls(**values)


def suggestion(name: str, known: list[str], plural: str) -> str:
    """A hint for a message: `did you mean X?` if a known name is close, then all known names; `plural` is what they are
    called."""
    close = closest(name, known)
    meant = f"did you mean '{close}'? " if close else ""
    return f"{meant}{plural}: {', '.join(known)}" if known else f"{meant}it has no {plural}"


def closest(name: str, known: Sequence[str]) -> str | None:
    """The known name that was probably meant; None if none is near."""
    # Letters that changed places (tyni) are too far apart for difflib.
    near = difflib.get_close_matches(name, known, n=1) or [k for k in known if sorted(k) == sorted(name)]
    return near[0] if near else None


def parse_pairs(pairs: tuple[str, ...], flag: str) -> dict[str, str]:
    """The pairs `("a=1", "b=2")` as a dict; a key that comes twice has both values, as `a=1,2`. Raises UsageError for a
    pair without a key or without `=`."""
    parsed: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{flag} {pair}: not of the form key=value")
        parsed[key] = f"{parsed[key]},{value}" if key in parsed else value
    return parsed


def _value(hint: Any, text: str, where: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _value(next(a for a in args if a is not type(None)), text, where)
    if origin is tuple:
        return tuple(_value(args[0], part.strip(), where) for part in text.split(",") if part.strip())
    if origin is Literal:
        if text not in args:
            raise UsageError(f"{where}: '{text}' is not one of {', '.join(args)}")
        return text
    if hint is bool:
        if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise UsageError(f"{where}: '{text}' is neither true nor false")
        return text.lower() in ("true", "1", "yes")
    if hint in (int, float):
        try:
            return hint(text)
        except ValueError:
            kind = "a whole number" if hint is int else "a number"
            raise UsageError(f"{where}: '{text}' is not {kind}") from None
    return Path(text) if hint is Path else text
