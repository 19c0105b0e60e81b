"""Writes aliases into the user's own harness.toml (`harness models add`), and leaves the rest of that file as it is."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import trust
from harness.errors import DataError, UsageError, cause
from harness.files import writing
from harness.models import registry
from harness.types import ModelOptions

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def add(name: str, row: Mapping[str, Any], replace: bool = False) -> Path:
    """Make `name` an alias: `row` has the keys of registry.toml that are wanted (model, about, base_url, api_key_env,
    price, options). Returns the file it now stands in. Raises UsageError if the alias can't be used as it is, or if
    there is one of that name and `replace` is not set; DataError for a file that can't be changed."""
    _check(name, row)
    path = registry.user_file()
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: can't be read: {cause(error)}") from None
    before = _parsed(text, path)
    if not replace:
        _refuse_known(name, path, before)
    after = {**before, "models": {**before.get("models", {}), name: dict(row)}}
    kept = _without(text, name) if name in before.get("models", {}) else text
    written = f"{kept.rstrip()}\n\n{_section(name, row)}".lstrip()
    # The file is the user's: what stands in it beside this alias must mean the same as before.
    if _parsed(written, path) != after:
        raise DataError(f"{path}: this alias can't be written without changing others", "write it there by hand")
    with writing(path.resolve()) as file:
        file.write(written.encode())
    return path


def _check(name: str, row: Mapping[str, Any]) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]*", name):
        raise UsageError(f"an alias can't be called {name!r}", "letters, digits and . _ : - are allowed")
    options = ModelOptions(row.get("base_url"), row.get("api_key_env"), extra=row.get("options", {}))
    trust.check_no_secret(options)
    known = registry.aliases().get(row["model"])
    if known:
        raise UsageError(f"{row['model']} is an alias itself", f"give what it stands for: {known.model}")
    if not all(map(registry.is_price, row.get("price", ()))):
        raise UsageError("--price takes dollars a million tokens, of prompts and of answers")
    registry.open_model(row["model"], options)


def _refuse_known(name: str, path: Path, own: Mapping[str, Any]) -> None:
    known = registry.aliases().get(name)
    if name in own.get("models", {}):
        raise UsageError(f"{path} has an alias {name} already", "--replace writes over it")
    if known:
        raise UsageError(f"{name} is an alias already, of {known.model}", "--replace puts yours in its place")


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: not valid TOML: {error}") from None
    if not isinstance(found.get("models", {}), dict):
        raise DataError(f"{path}: `models` must be a table, as in [models.NAME]")
    return found


def _section(name: str, row: Mapping[str, Any]) -> str:
    lines = [f"[models.{_key(name)}]"]
    for key, value in row.items():
        if isinstance(value, Mapping):
            inner = ", ".join(f"{_key(k)} = {_text(v)}" for k, v in value.items())
            lines.append(f"{key} = {{ {inner} }}")
        else:
            lines.append(f"{key} = {_text(value) if isinstance(value, str) else repr(value)}")
    return "\n".join(lines) + "\n"


def _without(text: str, name: str) -> str:
    """The text without the section of an alias: its header and the lines up to the next header."""
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            inside = re.split(r"\s*[\]#]", line.strip())[0].replace('"', "").replace("'", "") == f"[models.{name}"
        if not inside:
            kept.append(line)
    return "".join(kept)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    """A TOML string, which a JSON string is. Raises UsageError for characters that no TOML file can hold."""
    if "\x7f" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise UsageError(f"{value!r} holds characters that a TOML file can't")
    return json.dumps(value, ensure_ascii=False)
